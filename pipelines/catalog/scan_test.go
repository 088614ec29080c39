package catalog

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/internal/skim"
)

// TestScanWithoutATree: where no tree is built, one would have told the same.
// PENSTOCK_FOREIGN_TF names a directory of code of others to look at as well.
func TestScanWithoutATree(t *testing.T) {
	sources := map[string][]byte{}
	for name, content := range repository {
		sources[name] = []byte(content + "\n")
	}
	for _, dir := range []string{"../../examples", "../terraform/testdata", "../compliance/testdata", os.Getenv("PENSTOCK_FOREIGN_TF")} {
		if dir == "" {
			continue
		}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || !scannable(d.Name()) || strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".go") {
				return err
			}
			sources[path], err = os.ReadFile(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// Each reference at the end of a file that has none before.
	last := len(sources)
	for i, reference := range []string{"module \"m\" {\n  source = \"../m\"\n}", "locals {\n  a = [{ b = upper(file(\"x\")) }]\n}", "terraform {\n  backend \"s3\" {}\n}",
		"locals {\n  a = \"x-${core::file(\"x\")}\"\n}", "a {\n  include \"x\" {\n    path = \"x\"\n  }\n}", "locals {\n  a = run_cmd(\"x\")\n}",
		"dependency \"d\" {\n  config_path = \"../d\"\n}", "dependencies {\n  paths = [\"../d\"]\n}", "locals {\n  a = ", "locals {\n  a = 1\n  a = 2\n}"} {
		src := []byte("locals {\n  z = [for x in y : x]\n}\n" + reference + "\n")
		for range 2 { // with what only the parser reads before it, and without
			sources[string(rune('0'+i))+string(src)] = src
			if facts := scan("main.tf", src); len(facts.refs) == 0 && !facts.live && !strings.Contains(reference, "include") {
				t.Errorf("nothing is found in %s", src)
			}
			src = []byte(reference + "\n")
		}
	}
	if len(sources) != last+20 {
		t.Errorf("%d sources, want %d", len(sources), last+20)
	}
	quick := 0
	for name, src := range sources {
		if !skim.Plain(src, refers) {
			continue
		}
		if quick++; len(scan("main.tf", src).refs) > 0 {
			t.Errorf("%s: something is found in what refers to nothing", name)
		}
		if tree := parse("main.tf", src); len(tree.refs) > 0 || tree.live {
			t.Errorf("%s: the tree says %+v", name, tree)
		}
	}
	t.Logf("%d of %d sources need no tree", quick, len(sources))
	if quick < 20 {
		t.Error("too few for this to say much")
	}
}
