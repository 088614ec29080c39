package catalog

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// world is a random repository whose true edges are known because it was made
// from them: nothing here asks the catalog what a file refers to.
type world struct {
	r     *rand.Rand
	files map[string]string
	links map[string]string
	// reads are the files (exact), directories (their files), and trees that a unit
	// reads; needs are the units that it uses.
	reads map[string][]string
	needs map[string][]string
}

func newWorld(r *rand.Rand) *world {
	w := &world{r: r, files: map[string]string{}, links: map[string]string{}, reads: map[string][]string{}, needs: map[string][]string{}}
	for i := range 3 + r.IntN(6) {
		w.unit(fmt.Sprintf("modules/m%d", i))
	}
	for i := range 1 + r.IntN(4) {
		w.unit(fmt.Sprintf("examples/x%d", i))
	}
	if r.IntN(2) == 0 {
		w.terragrunt()
	}
	if r.IntN(2) == 0 {
		w.goTest()
	}
	for i := range 3 {
		w.files[fmt.Sprintf("docs/d%d.txt", i)] = "prose"
	}
	w.files["penstock.yaml"] = "version: 1"
	return w
}

// unit makes a directory of configuration with random edges to what is there.
func (w *world) unit(dir string) {
	up := strings.Repeat("../", strings.Count(dir, "/")+1)
	var body strings.Builder
	earlier := slices.Sorted(maps.Keys(w.needs))
	w.needs[dir], w.reads[dir] = nil, []string{dir + "/*"}
	json := w.r.IntN(6) == 0
	modules := map[string]string{}
	for _, other := range earlier {
		if w.r.IntN(4) != 0 || strings.HasPrefix(other, "live") {
			continue
		}
		source := up + other
		if w.r.IntN(3) == 0 {
			source = up + path.Dir(other) + "//" + path.Base(other)
		}
		w.needs[dir] = append(w.needs[dir], other)
		modules[path.Base(other)] = source
	}
	for name, source := range modules {
		if !json {
			fmt.Fprintf(&body, "module %q {\n  source = %q\n}\n", name, source)
		}
	}
	expressions := w.expressions(dir, up)
	if json {
		var parts []string
		for name, source := range modules {
			parts = append(parts, fmt.Sprintf(`"%s": {"source": "%s"}`, name, source))
		}
		sort.Strings(parts)
		w.files[dir+"/main.tf.json"] = `{"module": {` + strings.Join(parts, ",") + `}}`
	} else if len(modules) > 0 {
		w.files[dir+"/modules.tf"] = body.String()
	}
	extension := []string{".tf", ".tofu"}[w.r.IntN(2)]
	w.files[dir+"/main"+extension] = "locals {\n" + expressions + "}\n"
	if w.r.IntN(3) == 0 {
		w.files[dir+"/terraform.tfvars"] = "a = 1\n"
	}
	if w.r.IntN(6) == 0 { // a file that is a link to one of another place
		w.files["shared/linked.tf"] = "locals { linked = 1 }\n"
		w.links[dir+"/linked.tf"] = up + "shared/linked.tf"
		w.reads[dir] = append(w.reads[dir], "shared/linked.tf")
	}
	if w.r.IntN(8) == 0 {
		w.files[dir+"/tests/a.tftest.hcl"] = "run \"a\" {\n  command = plan\n}\n"
		w.reads[dir] = append(w.reads[dir], dir+"/tests/a.tftest.hcl")
	}
}

// expressions read files in each of the ways there are.
func (w *world) expressions(dir, up string) string {
	var b strings.Builder
	odd := []string{"a.txt", "b c.txt", "ü.txt", "n\nl.txt", "\x1b[31m.txt"}[w.r.IntN(5)]
	quoted := strings.NewReplacer("\n", `\n`, "\x1b", `\u001b`).Replace(odd)
	switch w.r.IntN(7) {
	case 0:
		w.files[dir+"/files/"+odd] = "x"
		fmt.Fprintf(&b, "  a = file(\"${path.module}/files/%s\")\n", quoted)
		w.reads[dir] = append(w.reads[dir], dir+"/files/"+odd)
	case 1:
		w.files["shared/"+odd] = "x"
		fmt.Fprintf(&b, "  a = templatefile(\"%sshared/%s\", {})\n", up, quoted)
		w.reads[dir] = append(w.reads[dir], "shared/"+odd)
	case 2:
		w.files[dir+"/set/1.json"] = "{}"
		b.WriteString("  a = fileset(path.module, \"set/*.json\")\n")
		w.reads[dir] = append(w.reads[dir], dir+"/**")
	case 3:
		w.files[dir+"/tpl/one.tpl"] = "x"
		b.WriteString("  a = templatefile(\"${path.module}/tpl/${terraform.workspace}.tpl\", {})\n")
		w.reads[dir] = append(w.reads[dir], dir+"/tpl/**")
	case 4:
		w.files[dir+"/deep/er/x.yaml"] = "x"
		b.WriteString("  a = [for f in fileset(\"${path.module}/deep\", \"**\") : yamldecode(file(\"${path.module}/deep/${f}\"))]\n")
		w.reads[dir] = append(w.reads[dir], dir+"/deep/**")
	case 5:
		b.WriteString("  a = fileexists(\"./maybe.txt\") ? filesha256(\"./maybe.txt\") : \"\"\n")
		w.reads[dir] = append(w.reads[dir], dir+"/maybe.txt")
	}
	return b.String()
}

func (w *world) terragrunt() {
	w.files["live/root.hcl"] = "locals {\n  common = read_terragrunt_config(\"./common.hcl\")\n}\n"
	w.files["live/common.hcl"] = "locals {}\n"
	w.files["live/net/terragrunt.hcl"] = "include \"root\" {\n  path = find_in_parent_folders(\"root.hcl\")\n}\nterraform {\n  source = \"../../modules//m0\"\n}\n"
	w.files["live/app/terragrunt.hcl"] = "dependency \"net\" {\n  config_path = \"../net\"\n}\n"
	w.files["live/web/terragrunt.hcl"] = "dependencies {\n  paths = [\"../net\"]\n}\n"
	w.reads["live/web"], w.needs["live/web"] = []string{"live/web/*"}, []string{"live/net"}
	w.reads["live/net"] = []string{"live/net/*", "live/root.hcl", "live/common.hcl"}
	w.needs["live/net"] = []string{"modules/m0"}
	w.reads["live/app"], w.needs["live/app"] = []string{"live/app/*"}, []string{"live/net"}
}

func (w *world) goTest() {
	w.files["test/x_test.go"] = "package test\n\nvar options = Options{TerraformDir: \"../examples/x0\"}\n\nfunc copied() { CopyTerraformFolderToTemp(\"..\", \"modules/m1\") }\n"
	w.reads["test"], w.needs["test"] = []string{"test/**", "go.mod", "go.sum", "internal/fixture/*", "internal/fixture/testdata/**"}, []string{"examples/x0", "modules/m1"}
	w.files["go.mod"], w.files["go.sum"] = "module example.com/catalog\n", ""
	w.files["internal/fixture/fixture.go"] = "package fixture\n\nimport _ \"embed\"\n\n//go:embed names.json\nvar names string\n"
	w.files["internal/fixture/names.json"] = "{}"
	w.files["internal/fixture/testdata/a/x.txt"] = "x"
	w.files["other/go.mod"], w.files["other/other.go"] = "module example.com/other\n", "package other\n" // a module of its own
}

// closure hashes everything that a unit truly depends on, by brute force.
func (w *world) closure(unit string) string {
	seen := map[string]bool{}
	var lines []string
	var walk func(string)
	walk = func(u string) {
		if seen[u] {
			return
		}
		seen[u] = true
		for _, pattern := range append(w.reads[u], "penstock.yaml") {
			for p, content := range w.files {
				if reads(pattern, p) && !strings.HasSuffix(p, ".md") {
					lines = append(lines, p+"\x00"+content)
				}
			}
			for p, target := range w.links {
				if reads(pattern, p) {
					lines = append(lines, p+"\x00->"+target)
				}
			}
		}
		for _, other := range w.needs[u] {
			walk(other)
		}
	}
	walk(unit)
	sort.Strings(lines)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(slices.Compact(lines), "\x01"))))
}

func reads(pattern, p string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/**"); ok {
		return strings.HasPrefix(p, dir+"/")
	}
	if dir, ok := strings.CutSuffix(pattern, "/*"); ok {
		return path.Dir(p) == dir
	}
	return p == pattern
}

// edit changes, adds, deletes, or renames one file. Files that hold edges keep
// them: their text only grows by a comment.
func (w *world) edit() *world {
	after := &world{r: w.r, files: maps.Clone(w.files), links: maps.Clone(w.links), reads: w.reads, needs: w.needs}
	paths := slices.Sorted(maps.Keys(w.files))
	p := paths[w.r.IntN(len(paths))]
	comment := "# edited\n"
	if strings.HasSuffix(p, ".go") {
		comment = "// edited\n"
	}
	if strings.HasSuffix(p, ".json") {
		comment = " "
	}
	switch edges := strings.HasSuffix(p, ".tf") || scannable(path.Base(p)); {
	case w.r.IntN(5) == 0:
		dirs := slices.Sorted(maps.Keys(w.reads))
		names := []string{"new.tf", "maybe.txt", "set/2.json", "tpl/two.tpl", "deep/er/y.yaml", "notes.md", "x.auto.tfvars"}
		after.files[dirs[w.r.IntN(len(dirs))]+"/"+names[w.r.IntN(len(names))]] = "\n"
	case edges || p == "penstock.yaml" || w.r.IntN(3) > 0:
		after.files[p] += comment
	case w.r.IntN(2) == 0:
		delete(after.files, p)
	default:
		after.files[p+".moved"] = after.files[p]
		delete(after.files, p)
	}
	return after
}

// No edit of anything that a unit truly depends on is ever missed. What is
// selected beyond that is counted.
func TestNoEditIsMissed(t *testing.T) {
	const edits = 12_000
	r := rand.New(rand.NewPCG(1, 2))
	c := &config.Config{Version: 1}
	total, needed, selected := 0, 0, 0
	for total < edits {
		w := newWorld(r)
		base := git.InMemory(w.files, w.links)
		before := map[string]string{}
		for unit := range w.reads {
			before[unit] = w.closure(unit)
		}
		for range 20 {
			after := w.edit()
			total++
			s, err := Changed(t.Context(), base, git.InMemory(after.files, after.links), c, c)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, unit := range s.Units {
				got[unit.Path] = true
			}
			selected += len(s.Units)
			for unit := range w.reads {
				if after.closure(unit) == before[unit] {
					continue
				}
				needed++
				if !got[unit] {
					t.Fatalf("edit %d: %s was missed\nbefore %q\nafter %q\nlinks %q", total, unit, w.files, after.files, w.links)
				}
			}
		}
	}
	t.Logf("%d edits: %d units had to be selected, %d were: %.1f %% over", total, needed, selected, 100*float64(selected-needed)/float64(needed))
	if needed < edits/4 {
		t.Errorf("only %d units had to be selected: the edits touch too little", needed)
	}
}
