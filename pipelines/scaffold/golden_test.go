package scaffold

import (
	"flag"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

var update = flag.Bool("update", false, "rewrite the golden units")

// TestUnits writes the units of testdata/*.txtar: the first line of a file has the
// path, the source and perhaps the environment; want/ is what is written.
func TestUnits(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are %d cases (%v)", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { golden(t, name) })
	}
}

func golden(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(archive.Comment), "\n")
	words := append(strings.Fields(first), "")
	root, given, want := t.TempDir(), []txtar.File{}, map[string]string{}
	for _, f := range archive.Files {
		if below, ok := strings.CutPrefix(f.Name, "want/"); ok {
			want[below] = string(f.Data)
			continue
		}
		given = append(given, f)
		put(t, root, f.Name, string(f.Data))
	}
	c, err := config.Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	written, err := Unit{Root: root, Path: words[0], Source: words[1], Environment: words[2], Config: c}.Write(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range written {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = string(text)
	}
	if *update {
		for _, name := range slices.Sorted(maps.Keys(got)) {
			given = append(given, txtar.File{Name: "want/" + name, Data: []byte(got[name])})
		}
		if err := os.WriteFile(name, txtar.Format(&txtar.Archive{Comment: archive.Comment, Files: given}), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !maps.Equal(got, want) {
		t.Errorf("run go test -update and read the diff\ngot  %q\nwant %q", got, want)
	}
	valid(t, filepath.Join(root, words[0]))
}

// valid has terraform itself judge what was written.
func valid(t *testing.T, dir string) {
	t.Helper()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Log("SKIPPED: the unit was not judged by terraform: it is not on PATH")
		return
	}
	providers := mirror()
	if _, err := os.Stat(providers); err != nil {
		t.Logf("SKIPPED: the unit was not judged by terraform: there is no provider mirror in %s: run .ci/providers", providers)
		return
	}
	home := t.TempDir()
	put(t, home, "rc", "provider_installation {\n  filesystem_mirror {\n    path = \""+providers+"\"\n  }\n}\n")
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TF_CLI_CONFIG_FILE=" + filepath.Join(home, "rc"), "CHECKPOINT_DISABLE=1"}
	if file := os.Getenv("GIT_CONFIG_GLOBAL"); file != "" {
		env = append(env, "GIT_CONFIG_GLOBAL="+file)
	}
	for _, args := range [][]string{{"fmt", "-check", "-diff"}, {"init", "-backend=false", "-input=false", "-no-color"}, {"validate", "-no-color"}} {
		out, err := process.Run(t.Context(), process.Command{Argv: append([]string{terraform}, args...), Dir: dir, Env: env})
		if err != nil || out.Exit != 0 {
			t.Fatalf("terraform %s: exit %d, %v\n%s%s", args[0], out.Exit, err, out.Stdout, out.Stderr)
		}
	}
}

// mirror is where .ci/providers puts providers.
func mirror() string {
	if dir := os.Getenv("PENSTOCK_TEST_PROVIDERS"); dir != "" {
		return dir
	}
	if dir := os.Getenv("PENSTOCK_CACHE"); dir != "" {
		return filepath.Join(dir, "providers")
	}
	home, _ := os.UserHomeDir()
	return filepath.Join(home, ".cache", "penstock", "providers")
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	full := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Each module of the example's catalog, fetched from a git repository by its tag.
func TestTheExampleCatalog(t *testing.T) {
	modules := filepath.Join("..", "..", "examples", "infrastructure-live", "testdata", "modules")
	repo := filepath.Join(t.TempDir(), "catalog")
	if err := os.CopyFS(filepath.Join(repo, "modules"), os.DirFS(modules)); err != nil {
		t.Fatal(err)
	}
	gitIn(t, repo, "init", "--quiet")
	gitIn(t, repo, "add", "--all")
	gitIn(t, repo, "commit", "--quiet", "--message=x")
	gitIn(t, repo, "tag", "v1.2.0")
	entries, err := os.ReadDir(modules)
	if err != nil || len(entries) < 6 {
		t.Fatalf("there are %d modules (%v)", len(entries), err)
	}
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			root := t.TempDir()
			u := Unit{Root: root, Path: "live/" + entry.Name(), Source: "git::file://" + repo + "//modules/" + entry.Name() + "?ref=v1.2.0"}
			written, err := u.Write(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(written) != 5 {
				t.Errorf("written are %q", written)
			}
			valid(t, filepath.Join(root, u.Path))
		})
	}
}

// What stands in for a module of the example's catalog takes and gives what that does,
// so that the live units could call either.
func TestStandInsHaveTheInterfaceOfTheCatalog(t *testing.T) {
	examples := os.DirFS(filepath.Join("..", "..", "examples"))
	entries, err := fs.ReadDir(examples, "infrastructure-live/testdata/modules")
	if err != nil || len(entries) < 6 {
		t.Fatalf("there are %d modules (%v)", len(entries), err)
	}
	for _, entry := range entries {
		real, err := read(examples, "infrastructure-modules/modules/"+entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		other, err := read(examples, "infrastructure-live/testdata/modules/"+entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		c := call{name: "x"}
		if real.main(c) != other.main(c) || real.variables() != other.variables() || real.outputs(c) != other.outputs(c) {
			t.Errorf("%s: the catalog has\n%s%s%s\nwhat stands in for it\n%s%s%s", entry.Name(), real.main(c), real.variables(), real.outputs(c),
				other.main(c), other.variables(), other.outputs(c))
		}
	}
}

func gitIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("SKIPPED: git is not on PATH")
	}
	argv := append([]string{"git", "-c", "user.name=t", "-c", "user.email=t@example.invalid"}, args...)
	out, err := process.Run(t.Context(), process.Command{Argv: argv, Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1"}})
	if err != nil || out.Exit != 0 {
		t.Fatalf("git %s: exit %d, %v, %s", args[0], out.Exit, err, out.Stderr)
	}
}
