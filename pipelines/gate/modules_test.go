package gate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

// TestFetchedModulesAreJudged has terraform fetch a module, and judges what came.
func TestFetchedModulesAreJudged(t *testing.T) {
	for _, program := range []string{"terraform", "git"} {
		if _, err := find(program); err != nil {
			t.Skipf("%s is not on this machine", program)
		}
	}
	b := newBench(t, "x", []txtar.File{
		{Name: "x/unit/main.tf", Data: []byte("module \"local\" {\n  source = \"../wrap\"\n}\n")},
		{Name: "x/wrap/main.tf", Data: []byte("module \"far\" {\n  source = \"git::file://OUTSIDE/module?ref=HEAD\"\n}\n")}})
	allow := Allow{Modules: []string{"git::file://" + b.dir + "/outside/module?ref=*"}}
	root := os.DirFS(filepath.Join(b.dir, "repo"))
	if findings, err := Judge(root, "unit", allow); err != nil || len(findings) > 0 {
		t.Fatal(findings, err)
	}
	findings, err := JudgeModules(root, "unit", allow)
	if err != nil || !slices.Equal(lines(findings), []string{"unreadable wrap/main.tf:1"}) {
		t.Errorf("before it was fetched: %v, %v", lines(findings), err)
	}
	b.run(t, filepath.Join(b.dir, "repo", "unit"), "terraform get", false)
	findings, err = JudgeModules(root, "unit", allow)
	if err != nil || !slices.Equal(lines(findings), []string{"provisioner unit/.terraform/modules/local.far/main.tf:2"}) {
		t.Errorf("fetched: %v, %v", lines(findings), err)
	}
	allow.Provisioners = []string{"local-exec"}
	if findings, err = JudgeModules(root, "unit", allow); err != nil || len(findings) > 0 {
		t.Errorf("allowed: %v, %v", findings, err)
	}
}

func TestWhatFetchedModulesMayNotBring(t *testing.T) {
	const unit = "module \"far\" {\n  source  = \"terraform-aws-modules/vpc/aws\"\n  version = \"1.0.0\"\n}\n"
	const far = "unit/.terraform/modules/far/"
	manifest := func(more string) string {
		return `{"Modules":[{"Key":"","Source":"","Dir":"."},{"Key":"far","Source":"x","Dir":".terraform/modules/far"}` + more + `]}`
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"nothing odd": {map[string]string{far + "main.tf": "resource \"aws_vpc\" \"x\" {}\n"}, nil},
		"a provider":  {map[string]string{far + "main.tf": "resource \"evil_thing\" \"x\" {}\n"}, []string{"provider " + far + "main.tf:1"}},
		"a module that was not fetched": {map[string]string{far + "main.tf": "module \"y\" {\n  source  = \"terraform-aws-modules/vpc/aws\"\n  version = \"1\"\n}\n"},
			[]string{"unreadable " + far + "main.tf:1"}},
		"a module in it": {map[string]string{far + "main.tf": "module \"y\" {\n  source = \"./y\"\n}\n", far + "y/main.tf": "data \"external\" \"x\" {}\n",
			"unit/.terraform/modules/modules.json": manifest(`,{"Key":"far.y","Source":"./y","Dir":".terraform/modules/far/y"}`)},
			[]string{"data-source " + far + "y/main.tf:1"}},
		"a module from elsewhere": {map[string]string{far + "main.tf": "module \"y\" {\n  source = \"github.com/evil/y?ref=1\"\n}\n", far + "y/main.tf": "",
			"unit/.terraform/modules/modules.json": manifest(`,{"Key":"far.y","Source":"x","Dir":".terraform/modules/far/y"}`)},
			[]string{"module-source " + far + "main.tf:2"}},
		"a path of the caller": {map[string]string{"unit/main.tf": strings.Replace(unit, "}", "  name = \"../../../../../x\"\n}", 1),
			far + "main.tf": "variable \"name\" {}\noutput \"x\" {\n  value = file(\"${path.module}/${var.name}\")\n}\n"}, []string{"file " + far + "main.tf:3"}},
		"a directory outside": {map[string]string{far + "main.tf": "", "unit/.terraform/modules/modules.json": manifest(`,{"Key":"z","Source":"x","Dir":"../../z"}`)},
			[]string{"unreadable unit/.terraform/modules/modules.json:1"}},
		"a directory that is gone": {map[string]string{}, []string{"unreadable unit/.terraform/modules/far:1"}},
		"a directory of the repository": {map[string]string{"hidden/main.tf": "resource \"evil_thing\" \"x\" {}\n",
			"unit/.terraform/modules/modules.json": `{"Modules":[{"Key":"far","Source":"x","Dir":"../hidden"}]}`}, []string{"provider hidden/main.tf:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{"unit/main.tf": {Data: []byte(unit)}, "unit/.terraform/modules/modules.json": {Data: []byte(manifest(""))}}
			for path, content := range c.files {
				files[path] = &fstest.MapFile{Data: []byte(content)}
			}
			findings, err := JudgeModules(files, "unit", allowed)
			if err != nil || !slices.Equal(lines(findings), c.want) {
				t.Errorf("got %v, %v, want %v", lines(findings), err, c.want)
			}
		})
	}
	if _, err := JudgeModules(fstest.MapFS{"unit/main.tf": {}, "unit/.terraform/modules/modules.json": {Data: []byte("{")}}, "unit", allowed); err == nil {
		t.Error("a manifest that cannot be read is no error")
	}
}

func TestJudgeModulesWithoutModules(t *testing.T) {
	findings, err := JudgeModules(fstest.MapFS{"unit/main.tf": {}}, "unit", allowed)
	if err != nil || findings != nil {
		t.Errorf("got %v, %v", findings, err)
	}
}
