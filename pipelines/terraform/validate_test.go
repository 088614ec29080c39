package terraform

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// testMirror is the filesystem mirror that .ci/providers builds.
func testMirror(t *testing.T) string {
	t.Helper()
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
	if _, err := os.Stat(filepath.Join(dir, "registry.terraform.io", "hashicorp", "random")); err != nil {
		t.Skip("SKIPPED: there are no providers in " + dir + ": run .ci/providers")
	}
	return dir
}

func needTerraform(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("SKIPPED: terraform is not on PATH")
	}
}

func validate(t *testing.T, v Validate) *pipelines.Report {
	t.Helper()
	report, err := v.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// catalog is a scope in which every unit's closure is the whole tree.
func catalog(t *testing.T, files map[string]string, units ...string) pipelines.Scope {
	t.Helper()
	s := scope(tree(t, files), units...)
	for i := range s.Selection.Units {
		for name := range files {
			s.Selection.Units[i].Inputs = append(s.Selection.Units[i].Inputs, name)
		}
	}
	return s
}

func TestValidate(t *testing.T) {
	needTerraform(t)
	mirror := testMirror(t)
	scope := catalog(t, map[string]string{
		"modules/pet/main.tf":    "resource \"random_pet\" \"this\" {\n  length = var.length\n}\n\nvariable \"length\" {\n  type = number\n}\n",
		"modules/wrong/main.tf":  "resource \"random_pet\" \"this\" {\n  lenght = 2\n}\n",
		"modules/config/x.tf":    "variable \"a\" {\n  foo = 1\n}\n\nresource \"random_pet\" \"this\" {}\n",
		"examples/good/main.tf":  "module \"pet\" {\n  source = \"../../modules/pet\"\n  length = 3\n}\n",
		"examples/bad/main.tf":   "module \"pet\" {\n  source = \"../../modules/pet\"\n}\n",
		"examples/wrong/main.tf": "module \"wrong\" {\n  source = \"../../modules/wrong\"\n}\n",
		"json/main.tf.json":      `{"resource": {"random_pet": {"this": {"lenght": 1}}}}`,
		"warned/main.tf":         "provider \"random\" {\n  version = \"3.9.0\"\n}\n",
		"empty/README.md":        "nothing",
		"module/main.tf":         "module \"x\" {\n  source = \"../gone\"\n}\n",
		"evil/main.tf":           "terraform {\n  required_providers {\n    evil = {\n      source = \"evil/evil\"\n    }\n  }\n}\n",
		"future/main.tf":         "terraform {\n  required_version = \">= 99\"\n}\n\nresource \"random_pet\" \"this\" {}\n",
	}, "modules/pet", "modules/wrong", "modules/config", "examples/good", "examples/bad", "examples/wrong", "json", "warned", "empty", "module", "evil", "future")
	report := validate(t, Validate{Scope: scope, Mirror: mirror})
	results := map[string]pipelines.Result{}
	for _, result := range report.Results {
		results[result.Unit] = result
	}
	for _, c := range []struct {
		unit    string
		verdict pipelines.Verdict
		// places of the findings, as path:line
		places, message, hint string
	}{
		{"modules/pet", pipelines.Pass, "", "", ""},
		{"modules/wrong", pipelines.Fail, "modules/wrong/main.tf:2", `argument named "lenght" is not expected`, ""},
		{"modules/config", pipelines.Fail, "modules/config/x.tf:2", `argument named "foo" is not expected`, ""},
		{"examples/good", pipelines.Pass, "", "", ""},
		{"examples/bad", pipelines.Fail, "examples/bad/main.tf:1", "Missing required argument", ""},
		{"examples/wrong", pipelines.Fail, "modules/wrong/main.tf:2", "lenght", ""},
		{"json", pipelines.Fail, "json/main.tf.json:1", "Extraneous JSON object property", ""},
		{"warned", pipelines.Pass, "", "", ""},
		{"empty", pipelines.Pass, "", "no Terraform configuration", ""},
		{"module", pipelines.NotRun, "", "init: Unreadable module directory", "terraform init"},
		{"evil", pipelines.NotRun, "", "evil/evil", "terraform providers mirror"},
		{"future", pipelines.NotRun, "", "Unsupported Terraform Core version", ""},
	} {
		got := results[c.unit]
		var places []string
		said := got.Reason
		for _, f := range got.Findings {
			places = append(places, strings.TrimSuffix(f.Path+":"+string(rune('0'+f.Line)), ":0"))
			said += " " + f.Message
		}
		if got.Verdict != c.verdict || strings.Join(places, " ") != c.places || !strings.Contains(said, c.message) || !strings.Contains(got.Hint, c.hint) {
			t.Errorf("%s: %+v, want %+v", c.unit, got, c)
		}
	}
	tools := map[string]string{}
	for _, tool := range report.Tools {
		tools[tool.Name] = tool.Version
	}
	if tools["terraform"] == "" || tools["registry.terraform.io/hashicorp/random"] == "" {
		t.Errorf("tools: %v", report.Tools)
	}
	if len(report.Notices) != 1 || report.Notices[0].Path != "warned/main.tf" || report.Notices[0].Line == 0 {
		t.Errorf("notices: %+v, want the warning", report.Notices)
	}
}

// TestValidateRunsNothingOfTheCheckout brings a program as a provider in each of
// the places that terraform would look into by itself, and through each variable
// and file that could lead it there.
func TestValidateRunsNothingOfTheCheckout(t *testing.T) {
	needTerraform(t)
	marker := filepath.Join(t.TempDir(), "executed")
	program := "#!/bin/sh\necho executed >> " + marker + "\n"
	platform := strings.TrimSpace(goEnv(t, "GOOS") + "_" + goEnv(t, "GOARCH"))
	files := map[string]string{
		"unit/main.tf": "terraform {\n  required_providers {\n    evil = {\n      source = \"example.com/evil/evil\"\n    }\n  }\n}\n\nprovider \"evil\" {}\n\nresource \"random_pet\" \"this\" {}\n",
	}
	for _, place := range []string{
		"unit/terraform.d/plugins/example.com/evil/evil/1.0.0/" + platform + "/terraform-provider-evil_v1.0.0",
		"unit/terraform.d/plugins/registry.terraform.io/hashicorp/random/9.9.9/" + platform + "/terraform-provider-random_v9.9.9",
		"unit/terraform.d/plugins/" + platform + "/terraform-provider-evil_v1.0.0",
		"unit/.terraform/providers/example.com/evil/evil/1.0.0/" + platform + "/terraform-provider-evil_v1.0.0",
		"unit/.terraform/plugins/" + platform + "/terraform-provider-evil_v1.0.0",
		"home/.terraform.d/plugins/example.com/evil/evil/1.0.0/" + platform + "/terraform-provider-evil_v1.0.0",
		"unit/terraform-provider-evil_v1.0.0",
	} {
		files[place] = program
	}
	scope := catalog(t, files, "unit")
	home := filepath.Join(scope.Root, "home")
	rc := "provider_installation {\n  dev_overrides {\n    \"example.com/evil/evil\" = \"" + scope.Root + "/unit\"\n  }\n  direct {}\n}\n"
	for _, name := range []string{".terraformrc", ".tofurc", "unit.tfrc"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(rc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for place := range files {
		if err := os.Chmod(filepath.Join(scope.Root, place), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", home)
	t.Setenv("TF_CLI_CONFIG_FILE", filepath.Join(home, "unit.tfrc"))
	t.Setenv("TF_CLI_ARGS_init", "-plugin-dir="+scope.Root+"/unit/terraform.d/plugins")
	t.Setenv("TF_PLUGIN_CACHE_DIR", scope.Root+"/unit/terraform.d/plugins")
	t.Setenv("TF_DATA_DIR", scope.Root+"/unit/.terraform")

	// First that the trap works: terraform by itself, without our configuration.
	trap, home2 := filepath.Join(t.TempDir(), "unit"), t.TempDir()
	if err := os.CopyFS(trap, os.DirFS(filepath.Join(scope.Root, "unit"))); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(trap, ".terraform")); err != nil {
		t.Fatal(err)
	}
	said := ""
	for _, argv := range [][]string{{"init", "-backend=false", "-input=false"}, {"validate"}} {
		plain := exec.Command("terraform", argv...)
		plain.Dir, plain.Env = trap, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home2, "CHECKPOINT_DISABLE=1"}
		out, _ := plain.CombinedOutput()
		said += string(out)
	}
	if _, err := os.Stat(marker); err != nil {
		t.Fatalf("terraform by itself did not run the program: this test proves nothing\n%s", said)
	}
	if err := os.Remove(marker); err != nil {
		t.Fatal(err)
	}

	cache := t.TempDir()
	for name, v := range map[string]Validate{
		"default":    {Scope: scope, Cache: cache},
		"all inputs": {Scope: scopeWithoutInputs(scope), Cache: cache},
	} {
		report := validate(t, v)
		if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a program of the checkout was run", name)
		}
		if got := report.Results[0]; got.Verdict != pipelines.NotRun {
			t.Errorf("%s: %+v, want it not run", name, got)
		}
	}
	// And the CLI configuration alone, in the checkout itself, where the programs
	// lie and may be executed.
	c := call{program: mustFind(t), dir: filepath.Join(scope.Root, "unit"), home: t.TempDir(), data: t.TempDir()}
	for _, from := range []installation{{allow: Hashicorp, direct: true}, {mirrors: []string{cache}}, {}} {
		for _, argv := range [][]string{initArgv(c.program.path), validateArgv(c.program.path)} {
			if _, err := c.run(t.Context(), from, argv); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
		t.Error("a program of the checkout was run under our CLI configuration")
	}
}

func scopeWithoutInputs(s pipelines.Scope) pipelines.Scope {
	s.Selection.Units = []pipelines.Unit{{Path: s.Selection.Units[0].Path}}
	return s
}

func mustFind(t *testing.T) program {
	t.Helper()
	p, err := find("terraform")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestValidateLeavesTheCheckoutAlone(t *testing.T) {
	needTerraform(t)
	scope := catalog(t, map[string]string{"unit/main.tf": "resource \"random_pet\" \"this\" {}\n"}, "unit")
	for _, dir := range []string{"unit", "."} {
		if err := os.Chmod(filepath.Join(scope.Root, dir), 0o555); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		_ = os.Chmod(scope.Root, 0o755)
		_ = os.Chmod(filepath.Join(scope.Root, "unit"), 0o755)
	})
	if got := validate(t, Validate{Scope: scope, Mirror: testMirror(t)}).Results[0]; got.Verdict != pipelines.Pass {
		t.Errorf("got %+v", got)
	}
	entries, _ := os.ReadDir(filepath.Join(scope.Root, "unit"))
	if len(entries) != 1 {
		t.Errorf("the checkout holds %v", entries)
	}
}

func TestValidateUnreadable(t *testing.T) {
	needTerraform(t)
	scope := catalog(t, map[string]string{
		"broken/main.tf":  broken,
		"deep/main.tf":    "a = " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "\n",
		"deep2/x.tf.json": strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"json/x.tf.json":  "{",
		"tofu/x.tofu":     "",
		"big/main.tf":     strings.Repeat("# comment\n", 2_000_000),
	}, "broken", "deep", "deep2", "json", "tofu", "big")
	outside := filepath.Join(t.TempDir(), "x.tf")
	if err := os.WriteFile(outside, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(scope.Root+"/link", 0o755), os.Symlink(outside, scope.Root+"/link/x.tf")); err != nil {
		t.Fatal(err)
	}
	scope.Selection.Units = append(scope.Selection.Units, pipelines.Unit{Path: "link"}, pipelines.Unit{Path: "escape", Inputs: []string{"../x.tf"}})
	for i := range scope.Selection.Units {
		unit := &scope.Selection.Units[i]
		for _, input := range unit.Inputs {
			if filepath.Dir(input) == unit.Path {
				unit.Inputs = []string{input}
				break
			}
		}
	}
	want := map[string]string{
		"broken": "broken/main.tf:2:7: could not be read: Invalid expression", "deep": "nested", "deep2": "nested",
		"json": "", "tofu": "tofu", "big": "20000000 bytes", "link": "escapes", "escape": "does not lie in the catalog",
	}
	for _, got := range validate(t, Validate{Scope: scope, Cache: t.TempDir(), Program: "terraform"}).Results {
		if got.Unit == "json" { // terraform says where
			if got.Verdict != pipelines.Fail || len(got.Findings) == 0 || got.Findings[0].Path != "json/x.tf.json" {
				t.Errorf("json: %+v", got)
			}
			continue
		}
		if got.Verdict != pipelines.NotRun || !strings.Contains(got.Reason, want[got.Unit]) {
			t.Errorf("%s: %+v, want not run with %q", got.Unit, got, want[got.Unit])
		}
	}
}

func TestValidateRefusesWhatCannotBeAllowed(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []Validate{
		{Allow: []string{"evil"}}, {Allow: []string{"*/*/*"}}, {Allow: []string{"x.io/a/b\"]\n"}},
		{Mirror: filepath.Join(dir, "gone")},
	} {
		v.Scope, v.Cache = scope(dir, "unit"), t.TempDir()
		var known *pipelines.Error
		if report, err := v.Run(t.Context()); !errors.As(err, &known) || known.Hint == "" {
			t.Errorf("%+v: %v, %v, want an error with a hint", v.Allow, report, err)
		}
	}
}
