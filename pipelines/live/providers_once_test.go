package live

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// nullProvider is a mirror with a copy of the null provider, and its lock file.
func nullProvider(t *testing.T) (mirror, lock string) {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("SKIPPED: terraform is not on PATH")
	}
	dir := os.Getenv("PENSTOCK_TEST_PROVIDERS")
	if dir == "" {
		cache := os.Getenv("PENSTOCK_CACHE")
		if cache == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				t.Skip("SKIPPED: no home directory to look for providers in")
			}
			cache = filepath.Join(home, ".cache", "penstock")
		}
		dir = filepath.Join(cache, "providers")
	}
	const null = "registry.terraform.io/hashicorp/null"
	if _, err := os.Stat(filepath.Join(dir, null)); err != nil {
		t.Skip("SKIPPED: there are no providers in " + dir + ": run .ci/providers")
	}
	mirror = t.TempDir()
	if err := os.CopyFS(filepath.Join(mirror, null), os.DirFS(filepath.Join(dir, null))); err != nil {
		t.Fatal(err)
	}
	packages, _ := filepath.Glob(filepath.Join(mirror, null, "*", "*"))
	if len(packages) != 1 {
		t.Fatalf("packages: %v", packages)
	}
	h1, err := dirhash.HashDir(packages[0], "", dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	return mirror, fmt.Sprintf("provider %q {\n  version = %q\n  hashes = [\n    %q,\n  ]\n}\n", null, filepath.Base(filepath.Dir(packages[0])), h1)
}

// onceRepository holds live units, and the plan of them both ways.
type onceRepository struct {
	root, mirror string
	plan         Plan
}

func newOnceRepository(t *testing.T, units ...string) onceRepository {
	t.Helper()
	mirror, lock := nullProvider(t)
	root := t.TempDir()
	s := pipelines.Selection{All: true, Total: len(units)}
	for _, unit := range units {
		dir := filepath.Join(root, unit)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		main := fmt.Sprintf("terraform {\n  backend \"local\" {}\n}\n\nresource \"null_resource\" \"a\" {\n  triggers = { unit = %q }\n}\n", unit)
		for name, text := range map[string]string{"main.tf": main, LockFile: lock} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s.Units = append(s.Units, pipelines.Unit{Path: unit, Kind: pipelines.Live, Inputs: []string{unit + "/main.tf", unit + "/" + LockFile}})
	}
	open := false // state in the repository itself is not allowed
	c := &config.Config{Version: 1, Live: config.Live{Environments: []config.Environment{{Name: "test", Paths: []string{"**"}, Gates: &open,
		Backend: config.Backend{Type: "local", Config: map[string]any{"path": filepath.Join(t.TempDir(), "{unit}.tfstate")}}}}}}
	return onceRepository{root: root, mirror: mirror, plan: Plan{Scope: pipelines.Scope{Root: root, Selection: s}, Config: c, Mirror: mirror,
		Creator: Creator{Actor: "test"}}}
}

func (r onceRepository) run(t *testing.T, once bool) (*pipelines.Report, string, map[string]Record) {
	t.Helper()
	p := r.plan
	p.Out, p.VerifyProvidersOnce = filepath.Join(t.TempDir(), "out"), once
	report, err := p.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byDir, err := Records(p.Out)
	if err != nil {
		t.Fatal(err)
	}
	records := map[string]Record{}
	for _, record := range byDir {
		records[record.Target] = record
	}
	return report, p.Out, records
}

// TestProvidersVerifiedOnce: a capsule of a plan on verified copies says what that
// of an ordinary plan says, and is applied in the ordinary way.
func TestProvidersVerifiedOnce(t *testing.T) {
	r := newOnceRepository(t, "live/a", "live/b", "live/c")
	_, _, plain := r.run(t, false)
	report, out, once := r.run(t, true)
	for target, record := range once {
		was := plain[target].Planned
		is := record.Planned
		is.Created, is.Expires = was.Created, was.Expires
		if record.Outcome != Changes || !reflect.DeepEqual(is, was) {
			t.Errorf("%s: %s %+v, and plain %+v", target, record.Outcome, is, was)
		}
	}
	if len(once) != 3 || report.Verdict != pipelines.Pass {
		t.Fatalf("%d records, %+v", len(once), report)
	}
	if text := fmt.Sprintf("%+v", report); strings.Contains(text, "override") {
		t.Errorf("the report shows terraform's warning: %s", text)
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	private, public, err := capsule.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := capsule.ParseSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	c := r.plan.Config
	c.Live.Recipients, c.Live.Signers = []string{identity.Recipient().String()}, map[string]string{"ci": public}
	root, err := os.OpenRoot(r.root)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	targets, err := Select(root, r.plan.Selection, c.Live, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := Seal{Dir: out, Root: r.root, Targets: targets, Config: c, Key: key, Store: kept}.Run(t.Context())
	if err != nil || len(sealed) != 3 {
		t.Fatalf("sealed %v: %v", sealed, err)
	}
	applied, err := Apply{Scope: r.plan.Scope, Config: c, Store: kept, Identities: []age.Identity{identity}, Mirror: r.mirror,
		Creator: Creator{Actor: "test"}, Work: t.TempDir()}.Run(t.Context())
	if err != nil || applied.Verdict != pipelines.Pass || len(applied.Results) != 3 {
		t.Fatalf("applied: %v %+v", err, applied)
	}
	if report, _, after := r.run(t, true); report.Verdict != pipelines.Pass || after["live/a"].Outcome != NoChanges {
		t.Errorf("after the apply: %+v", report.Results)
	}
}

// TestProvidersVerifiedOnceRefused: the unit is not run, and no capsule is made of it.
func TestProvidersVerifiedOnceRefused(t *testing.T) {
	r := newOnceRepository(t, "live/a", "live/b")
	program, _ := filepath.Glob(filepath.Join(r.mirror, "*/*/*/*/*/terraform-provider-null*"))
	if len(program) != 1 {
		t.Fatal(program)
	}
	f, err := os.OpenFile(program[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	report, out, records := r.run(t, true)
	for _, result := range report.Results {
		if result.Verdict != pipelines.NotRun || !strings.Contains(result.Reason, "which the lock file does not allow") || result.Hint == "" {
			t.Errorf("%+v", result)
		}
	}
	if len(records) != 2 || len(report.Results) != 2 || report.Verdict != pipelines.NotRun {
		t.Errorf("%d records, %d results, %s", len(records), len(report.Results), report.Verdict)
	}
	for target, record := range records {
		if record.Outcome != Refused {
			t.Errorf("%s is %s", target, record.Outcome)
		}
	}
	if plans, _ := filepath.Glob(filepath.Join(out, "targets/*/live/*/plan.*")); len(plans) != 0 {
		t.Errorf("there are %v", plans)
	}
}

// TestProvidersVerifiedOnceFailedPlan: what is said of a plan that fails is what is
// said without the flag, and nothing of how the providers were found.
func TestProvidersVerifiedOnceFailedPlan(t *testing.T) {
	r := newOnceRepository(t, "live/a")
	const failing = "\nresource \"null_resource\" \"b\" {\n  lifecycle {\n    precondition {\n      condition     = null_resource.a.triggers.unit == \"x\"\n      error_message = \"never\"\n    }\n  }\n}\n"
	main := filepath.Join(r.root, "live/a/main.tf")
	text, err := os.ReadFile(main)
	if err == nil {
		err = os.WriteFile(main, append(text, failing...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	var said [2]string
	for i, once := range []bool{false, true} {
		report, _, records := r.run(t, once)
		record := records["live/a"]
		if report.Verdict != pipelines.NotRun || record.Outcome != Failed || len(record.Errors) == 0 {
			t.Fatalf("once %v: %+v %+v", once, report, record)
		}
		for j := range report.Results {
			report.Results[j].Seconds = 0
		}
		said[i] = fmt.Sprintf("%+v\n%+v\n%+v", report.Results, report.Notices, record.Errors)
	}
	if said[0] != said[1] {
		t.Errorf("plain: %s\nonce: %s", said[0], said[1])
	}
}
