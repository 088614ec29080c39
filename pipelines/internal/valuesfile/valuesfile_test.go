package valuesfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a: &x 1\nb: *x":                 "v.yaml:1:4: anchors and aliases",
		"a: {b: 1}\nc:\n  <<: {d: 1}":    "v.yaml:3:3: anchors and aliases",
		"a: 1\nb: 2\na: 3":               "v.yaml:3:1: mapping key \"a\" already defined",
		"a:\n  b: 1\n  b: 2":             "v.yaml:3:3:",
		"a: 1\n---\nb: 2":                "v.yaml:3:1: it holds more than one document",
		"a: 1\n---\n---\nb: 2":           "v.yaml:4:1: it holds more than one document",
		"---\n---\na: 1":                 "v.yaml:3:1: it holds more than one document",
		"# c\n---\n# c\n---\na: 1":       "more than one document",
		"a: 1\n...\nb: 2":                "more than one document",
		"~\n---\na: 1":                   "more than one document",
		"a: 1\n---\n~":                   "more than one document",
		"- a":                            "no mapping",
		"just text":                      "no mapping",
		"a: !!str 1":                     "tags are not allowed",
		"on: yes\nb: 1":                  "v.yaml:1:1: the value on is a boolean to helm",
		"a:\n  b: yes":                   "v.yaml:2:6: the value yes is a boolean to helm",
		"a: Off":                         "the value Off is a boolean",
		"a: 0755":                        "octal",
		"a: 12:30:45":                    "base 60",
		"a: 1_000":                       "separators",
		"a: 2026-11-21":                  "a date",
		"a: 12345678901234567890":        "loses digits",
		"a: .nan":                        "without a value",
		"a: [1, 2":                       "v.yaml:1",
		"a: b: c":                        "v.yaml:1",
		"a: 1\nb: \xff\n":                "v.yaml:2:1: it is not UTF-8",
		"a: " + strings.Repeat("[", 200): "nested more than 100 deep",
		strings.Repeat("- ", 200) + "a":  "nested more than 100 deep",
		"a: \"\x00\"":                    "v.yaml",
	} {
		_, err := Parse("v.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

func TestParseTakes(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\na: 1\n", "# c\n---\na: 1", "a: 1\n---\n# c\n", "a: 1\n...\n", "---\n---\n# none", "\ufeffa: 1", "a: \"yes\"", "a: 'on'", "a: true", "a: 1.5", "a: -3", "a: 0", "a: ~",
		"a: |\n  yes\n", "a: [x, z]", "a: {}", "a: 123456789012", "a: 1.10.2", "a: \"0755\"", "yesterday: no-thing", "a: sha256:0123", "a: 10.0.0.0/8", "a: 5m"} {
		if _, err := Parse("v.yaml", []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseTheirs("v.yaml", []byte("a: &x 1\nb: *x")); err != nil {
		t.Errorf("a third party's own anchors: %v", err)
	}
}

// A file is read the same wherever it lies; what is no file is none.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "there.yaml"), []byte("a: {b: 1}\n"), 0o600), os.WriteFile(filepath.Join(dir, "large.yaml"), make([]byte, Limit+1), 0o600),
		os.Symlink("there.yaml", filepath.Join(dir, "link.yaml")), os.Symlink("gone.yaml", filepath.Join(dir, "dangling.yaml")),
		os.Symlink(t.TempDir(), filepath.Join(dir, "out.yaml")), os.Mkdir(filepath.Join(dir, "dir.yaml"), 0o700), syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"there.yaml", "link.yaml"} {
		d, err := Read(root.FS(), file, "shown.yaml")
		if want := map[string]any{"a": map[string]any{"b": 1.0}}; err != nil || d.Name != "shown.yaml" || d.Body == nil || !reflect.DeepEqual(d.Values, want) {
			t.Errorf("%s: %+v, %v", file, d, err)
		}
	}
	for file, want := range map[string]string{"dangling.yaml": "shown.yaml: it is a link to what is not there", "out.yaml": "shown.yaml: ", "dir.yaml": "shown.yaml: it is not a regular file",
		"pipe.yaml": "shown.yaml: it is not a regular file", "large.yaml": "shown.yaml: it is over 1048576 bytes"} {
		if _, err := Read(root.FS(), file, "shown.yaml"); err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	if _, err := Read(root.FS(), "none.yaml", "shown.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is none: %v", err)
	}
}
