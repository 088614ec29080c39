package gate

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/penstock-dev/penstock/pipelines"
)

// allowed is the allow-list of the tables: what a vector uses beside its own
// trick is allowed, so that nothing else refuses it.
var allowed = Allow{
	Providers: []string{"registry.terraform.io/hashicorp/aws", "registry.terraform.io/hashicorp/null", "registry.terraform.io/hashicorp/local",
		"registry.terraform.io/hashicorp/archive", "registry.terraform.io/hashicorp/external", "registry.terraform.io/hashicorp/http",
		"registry.terraform.io/hashicorp/kubernetes", "registry.terraform.io/hashicorp/helm"},
	Modules: []string{"terraform-aws-modules/*/aws", "git::https://git.example.com/acme/**"},
}

// cases reads a txtar file: the findings that are wanted and the files, by case.
func cases(t testing.TB, name string) (names []string, want map[string][]string, files map[string]fstest.MapFS) {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want, files = map[string][]string{}, map[string]fstest.MapFS{}
	for line := range strings.Lines(string(archive.Comment)) {
		line = strings.TrimSpace(line)
		if name, findings, ok := strings.Cut(line, ":"); ok && !strings.Contains(name, " ") {
			words := strings.Fields(findings)
			for i := 0; i+1 < len(words); i += 2 {
				want[name] = append(want[name], words[i]+" "+words[i+1])
			}
			names = append(names, name)
			files[name] = fstest.MapFS{}
		}
	}
	for _, f := range archive.Files {
		name, path, _ := strings.Cut(f.Name, "/")
		if files[name] == nil {
			t.Fatalf("the files of %q have no line in the table", name)
		}
		file := &fstest.MapFile{Data: f.Data, Mode: 0o644}
		if target, link := strings.CutPrefix(string(f.Data), "-> "); link {
			file = &fstest.MapFile{Data: bytes.TrimSpace([]byte(target)), Mode: fs.ModeSymlink | 0o777}
		}
		files[name][path] = file
	}
	return names, want, files
}

func lines(findings []pipelines.Finding) []string {
	var list []string
	for _, f := range findings {
		list = append(list, fmt.Sprintf("%s %s:%d", f.Rule, f.Path, f.Line))
	}
	slices.Sort(list)
	return list
}

func TestVectorsAreRefused(t *testing.T) {
	names, want, files := cases(t, "testdata/vectors.txtar")
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			findings, err := Judge(files[name], "unit", allowed)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(want[name])
			if got := lines(findings); !slices.Equal(got, want[name]) || len(got) == 0 {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want[name], "\n\t"))
			}
			for _, f := range findings {
				if f.Verdict != pipelines.Fail || f.Message == "" || f.Hint == "" || f.Column < 1 {
					t.Errorf("a finding that says too little: %+v", f)
				}
			}
		})
	}
	if len(names) < 30 {
		t.Errorf("%d vectors", len(names))
	}
	t.Logf("%d vectors", len(names))
}

func TestHarmlessUnitsPass(t *testing.T) {
	names, _, files := cases(t, "testdata/harmless.txtar")
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			findings, err := Judge(files[name], "unit", allowed)
			if err != nil || len(files[name]) == 0 {
				t.Fatal(err, len(files[name]))
			}
			for _, f := range findings {
				t.Errorf("%+v", f)
			}
		})
	}
}
