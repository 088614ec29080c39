package resource

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden documents")

func tree(files []txtar.File) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, f := range files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return fsys
}

// Each archive is a repository with the unit "unit"; its file "want" is the
// document, one resource a line.
func TestConfiguration(t *testing.T) {
	archives, err := filepath.Glob("testdata/configuration/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("there is no case", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			last := len(archive.Files) - 1
			if archive.Files[last].Name != "want" {
				t.Fatal("the last file is not want")
			}
			d, err := FromConfiguration(t.Context(), tree(archive.Files[:last]), "unit", nil)
			if err != nil {
				t.Fatal(err)
			}
			got := lines(t, d)
			if *update {
				archive.Files[last].Data = got
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(got, archive.Files[last].Data) {
				t.Errorf("go test ./pipelines/resource -update rewrites it; got\n%s", got)
			}
		})
	}
}

func lines(t *testing.T, d *Document) []byte {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, r := range d.Resources {
		b.WriteString(r.Address + " ")
		if r.Existence != nil {
			b.WriteString("(exists? " + r.Existence.Message + ") ")
		}
		if err := encoder.Encode(r.Values); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range d.Opaque {
		b.WriteString("opaque " + o.Address + ": " + o.Message + "\n")
	}
	return b.Bytes()
}

func TestConfigurationThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct{ file, text, want string }{
		"broken":    {"main.tf", "resource \"a\" {", "unit/main.tf:1:"},
		"binary":    {"main.tf", "\xff\xfe\x00", "unit/main.tf:1:1: it is not UTF-8"},
		"large":     {"main.tf", "#" + strings.Repeat("x", FileLimit), "over 8 MiB"},
		"deep":      {"main.tf", "locals { a = " + strings.Repeat("[", 100_000), "nested more than"},
		"json":      {"main.tf.json", "{", "unit/main.tf.json:1:"},
		"variables": {"terraform.tfvars", "a = ", "unit/terraform.tfvars:1:"},
		"many":      {"main.tf", "resource \"a\" \"b\" {\n  count = 9000\n}\nresource \"a\" \"c\" {\n  count = 9000\n}\n", "more than 10000 instances"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := FromConfiguration(t.Context(), fstest.MapFS{"unit/" + test.file: {Data: []byte(test.text)}}, "unit", nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %.300v, want %q", err, test.want)
			}
		})
	}
}

// Whatever the text, it is judged or refused, and never ends the program.
func FuzzConfiguration(f *testing.F) {
	archives, _ := filepath.Glob("testdata/configuration/*.txtar")
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(string(file.Data))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := FromConfiguration(t.Context(), fstest.MapFS{"main.tf": {Data: []byte(text)}}, ".", nil)
		if err == nil && d == nil {
			t.Error("neither a document nor an error")
		}
	})
}
