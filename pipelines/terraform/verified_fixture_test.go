package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/penstock-dev/penstock/pipelines"
)

// needing is a configuration that uses providers of the test mirror.
func needing(names ...string) string {
	uses := map[string]string{
		"random": "resource \"random_pet\" \"a\" {\n  length = 3\n}\n",
		"null":   "resource \"null_resource\" \"a\" {\n  triggers = { a = \"b\" }\n}\n",
		"local":  "resource \"local_file\" \"a\" {\n  filename = \"a\"\n  content  = \"b\"\n}\n",
		"time":   "resource \"time_offset\" \"a\" {\n  base_rfc3339 = \"2026-01-01T00:00:00Z\"\n  offset_days = 1\n}\n",
	}
	text, body := "terraform {\n  backend \"local\" {}\n  required_providers {\n", ""
	for _, name := range names {
		text += fmt.Sprintf("    %[1]s = {\n      source = \"registry.terraform.io/hashicorp/%[1]s\"\n    }\n", name)
		body += uses[name]
	}
	return text + "  }\n}\nresource \"terraform_data\" \"a\" {\n  input = 1\n}\n" + body
}

// lockOf is a lock file of providers as a mirror has them: each as NAME or NAME=VERSION.
func lockOf(t *testing.T, mirror string, names ...string) string {
	t.Helper()
	var b strings.Builder
	for _, name := range names {
		name, version, _ := strings.Cut(name, "=")
		if version == "" {
			found, _ := filepath.Glob(filepath.Join(mirror, "registry.terraform.io/hashicorp", name, "*", platform))
			if len(found) == 0 {
				t.Fatalf("there is no %s in %s", name, mirror)
			}
			version = filepath.Base(filepath.Dir(found[0]))
		}
		h1, err := dirhash.HashDir(filepath.Join(mirror, "registry.terraform.io/hashicorp", name, version, platform), "", dirhash.Hash1)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "provider \"registry.terraform.io/hashicorp/%s\" {\n  version = %q\n  hashes = [\n    %q,\n  ]\n}\n\n", name, version, h1)
	}
	return b.String()
}

func opened(t *testing.T, r Runner) *Runner {
	t.Helper()
	runner, err := r.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runner.Close(); err != nil {
			t.Error(err)
		}
		if runner.verified != nil {
			if _, err := os.Stat(runner.verified.dir); err == nil {
				t.Errorf("%s is left behind", runner.verified.dir)
			}
		}
	})
	return runner
}

// ready makes a workspace of a unit of root and initialises it.
func ready(t *testing.T, runner *Runner, root, unit string) (*Workspace, error) {
	t.Helper()
	of := pipelines.Unit{Path: unit}
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			of.Inputs = append(of.Inputs, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := runner.Workspace(t.Context(), root, of, filepath.Join(t.TempDir(), "w"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var args []string
	if _, err := os.Stat(filepath.Join(w.Unit, ".terraform.lock.hcl")); err == nil {
		args = []string{"-lockfile=readonly"}
	}
	return w, w.Init(t.Context(), args...)
}

// planned is the JSON of a plan without its time, and the plan file.
func planned(t *testing.T, w *Workspace) (map[string]any, string) {
	t.Helper()
	file := filepath.Join(w.Dir, "p.tfplan")
	out, err := w.Run(t.Context(), Command{Args: []string{"plan", "-input=false", "-no-color", "-out=" + file}})
	if err != nil || out.Exit != 0 {
		t.Fatalf("plan: %v %s", err, out.Stderr)
	}
	shown, err := w.Run(t.Context(), Command{Args: []string{"show", "-json", file}})
	if err != nil || shown.Exit != 0 {
		t.Fatalf("show: %v %s", err, shown.Stderr)
	}
	var plan map[string]any
	if err := json.Unmarshal(shown.Stdout, &plan); err != nil {
		t.Fatal(err)
	}
	if changes, _ := plan["resource_changes"].([]any); len(changes) == 0 {
		t.Fatalf("the plan has no changes: %.300s", shown.Stdout)
	}
	delete(plan, "timestamp")
	return plan, file
}

// ownMirror is a mirror with copies of some providers, to be changed.
func ownMirror(t *testing.T, names ...string) string {
	t.Helper()
	from, to := testMirror(t), t.TempDir()
	for _, name := range names {
		at := "registry.terraform.io/hashicorp/" + name
		if err := os.CopyFS(filepath.Join(to, at), os.DirFS(filepath.Join(from, at))); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// binary is the program of a provider in a mirror.
func binary(t *testing.T, mirror, name string) string {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(mirror, "registry.terraform.io/hashicorp", name, "*", platform, "terraform-provider-*"))
	if len(found) != 1 {
		t.Fatalf("programs of %s: %v", name, found)
	}
	return found[0]
}

func add(t *testing.T, file, text string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func binaryIn(t *testing.T, dir string) string {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(dir, "terraform-provider-*"))
	if len(found) != 1 {
		t.Fatalf("programs in %s: %v", dir, found)
	}
	return found[0]
}
