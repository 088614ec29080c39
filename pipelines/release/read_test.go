package release

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-config-inspect/tfconfig"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// What cannot be read is an error with its file and line, and no version.
func TestUnreadable(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		links map[string]string
		at    string
	}{
		"no HCL":                       {files: map[string]string{"m/a.tf": "x = [\n"}, at: "m/a.tf:2:1"},
		"an unknown block":             {files: map[string]string{"m/a.tf": "locals {}\nfuture \"x\" {}\n"}, at: "m/a.tf:2:1"},
		"an unknown argument":          {files: map[string]string{"m/a.tf": "variable \"x\" {\n  typo = 1\n}\n"}, at: "m/a.tf:2:3"},
		"an unknown type":              {files: map[string]string{"m/a.tf": "variable \"x\" {\n  type = strin\n}\n"}, at: "m/a.tf:2:10"},
		"a quoted type":                {files: map[string]string{"m/a.tf": "variable \"x\" {\n  type = \"string\"\n}\n"}, at: "m/a.tf:2:10"},
		"a default that is computed":   {files: map[string]string{"m/a.tf": "variable \"x\" {\n  default = timestamp()\n}\n"}, at: "m/a.tf:2:13"},
		"a default of another type":    {files: map[string]string{"m/a.tf": "variable \"x\" {\n  type    = number\n  default = \"a\"\n}\n"}, at: "m/a.tf:3:3"},
		"sensitive is no constant":     {files: map[string]string{"m/a.tf": "output \"x\" {\n  value     = 1\n  sensitive = var.y\n}\n"}, at: "m/a.tf:3:15"},
		"a variable twice":             {files: map[string]string{"m/a.tf": "variable \"x\" {}\n", "m/b.tf": "\nvariable \"x\" {}\n"}, at: "m/b.tf:2:1"},
		"a resource twice":             {files: map[string]string{"m/a.tf": "resource \"a\" \"x\" {}\nresource \"a\" \"x\" {}\n"}, at: "m/a.tf:2:1"},
		"an override of nothing":       {files: map[string]string{"m/a.tf": "", "m/override.tf": "variable \"x\" {}\n"}, at: "m/override.tf:1:1"},
		"no constraint":                {files: map[string]string{"m/a.tf": "terraform {\n  required_version = \"about 1\"\n}\n"}, at: "m/a.tf:2:3"},
		"no source":                    {files: map[string]string{"m/a.tf": "module \"x\" {}\n"}, at: "m/a.tf:1:1"},
		"a source that is computed":    {files: map[string]string{"m/a.tf": "module \"x\" {\n  source = var.s\n}\n"}, at: "m/a.tf:2:12"},
		"a local module of nothing":    {files: map[string]string{"m/a.tf": "module \"x\" {\n  source = \"../n\"\n}\n"}, at: "m/a.tf:1:1"},
		"a local module broken":        {files: map[string]string{"m/a.tf": "module \"x\" {\n  source = \"../n\"\n}\n", "n/a.tf": "variable {}\n"}, at: "n/a.tf:1:10"},
		"a circle":                     {files: map[string]string{"m/a.tf": "module \"x\" {\n  source = \"../n\"\n}\n", "n/a.tf": "module \"y\" {\n  source = \"../m\"\n}\n"}, at: "n/a.tf:1:1"},
		"JSON":                         {files: map[string]string{"m/a.tf.json": "{\n  \"variable\": 1\n}\n"}, at: "m/a.tf.json:2:15"},
		"broken JSON":                  {files: map[string]string{"m/a.tf.json": "{\n  \"variable\"\n}\n"}, at: "m/a.tf.json:3:1"},
		"a link out":                   {links: map[string]string{"m/a.tf": "/etc/passwd"}, at: "m/a.tf"},
		"a link in a circle":           {links: map[string]string{"m/a.tf": "b.tf", "m/b.tf": "a.tf"}, at: "m/a.tf"},
		"a huge number":                {files: map[string]string{"m/a.tf": "variable \"x\" {\n  default = 1e999999999\n}\n"}, at: "m/a.tf:2:13"},
		"a huge number in a type":      {files: map[string]string{"m/a.tf": "variable \"x\" {\n  type = object({a = optional(string, 1e+999999999)})\n}\n"}, at: "m/a.tf:2:39"},
		"a huge number of JSON":        {files: map[string]string{"m/a.tf.json": `{"variable": {"x": {"default": -1e999999999}}}`}, at: "m/a.tf.json"},
		"a huge number in a text":      {files: map[string]string{"m/a.tf.json": `{"variable": {"x": {"type": "object({a = optional(string, 1e999999999)})"}}}`}, at: "m/a.tf.json"},
		"a text that is a huge number": {files: map[string]string{"m/a.tf": "variable \"x\" {\n  type    = map(number)\n  default = {a = \"1e99999999\"}\n}\n"}, at: "m/a.tf:3:3"},
		"nested without end":           {files: map[string]string{"m/a.tf": "x = " + strings.Repeat("[", 20_000)}, at: "m/a.tf"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := newSnapshot(t.Context(), "", git.InMemory(test.files, test.links))
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = s.read("m", terraform)
			var known *pipelines.Error
			if !errors.Is(err, ErrUnreadable) || !errors.As(err, &known) || known.Hint == "" {
				t.Fatalf("got %v", err)
			}
			if got := fmt.Sprintf("%s:%d:%d", known.Path, known.Line, known.Column); !strings.HasPrefix(got, test.at) {
				t.Errorf("it is at %s, want %s: %v", got, test.at, err)
			}
		})
	}
}

// A hash that looks like one is no number.
func TestHashIsNoHugeNumber(t *testing.T) {
	for name, text := range map[string]string{"m/a.tf": "variable \"x\" {\n  default = \"1e999999999\" # 2e999999\n}\n", "m/a.tf.json": `{"variable": {"x": {"default": "1e999999999"}}}`} {
		s, err := newSnapshot(t.Context(), "", git.InMemory(map[string]string{name: text}, nil))
		if err != nil {
			t.Fatal(err)
		}
		if is, _, err := s.read("m", terraform); err != nil || string(is.Variables["x"].Default) != `"1e999999999"` {
			t.Errorf("%s: %v, %v", name, is, err)
		}
	}
}

// Where terraform-config-inspect offers it, what is read is the same, on all modules of
// the repository's examples and of what services get.
func TestReadsWhatConfigInspectReads(t *testing.T) {
	var dirs []string
	for _, pattern := range []string{"../../examples/infrastructure-modules/modules/*", "../../bundle/terraform/*", "../../bundle/terraform/modules/*", "../../bundle/terraform/types/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, found...)
	}
	judged := 0
	for _, dir := range dirs {
		if !tfconfig.IsModuleDir(dir) {
			continue
		}
		judged++
		want, diags := tfconfig.LoadModule(dir)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		got := readDir(t, dir)
		if a, b := slices.Sorted(maps.Keys(got.Variables)), slices.Sorted(maps.Keys(want.Variables)); !slices.Equal(a, b) {
			t.Errorf("%s: variables %v, want %v", dir, a, b)
		}
		for name, v := range want.Variables {
			if got.Variables[name].Required != v.Required || got.Variables[name].Sensitive != v.Sensitive {
				t.Errorf("%s: variable %s is %+v, want %+v", dir, name, got.Variables[name], v)
			}
		}
		if a, b := slices.Sorted(maps.Keys(got.Outputs)), slices.Sorted(maps.Keys(want.Outputs)); !slices.Equal(a, b) {
			t.Errorf("%s: outputs %v, want %v", dir, a, b)
		}
		own := 0
		for address := range got.Resources {
			if !strings.HasPrefix(address, "module.") {
				own++
				if want.ManagedResources[address] == nil {
					t.Errorf("%s: there is no %s", dir, address)
				}
			}
		}
		if own != len(want.ManagedResources) {
			t.Errorf("%s: %d resources, want %d", dir, own, len(want.ManagedResources))
		}
		for name, p := range want.RequiredProviders {
			source := p.Source
			if source == "" {
				source = "hashicorp/" + name
			}
			if _, ok := got.Providers[source]; !ok && name != "terraform" {
				t.Errorf("%s: provider %s is missing in %v", dir, source, got.Providers)
			}
		}
	}
	if judged < 8 {
		t.Fatalf("only %d modules were read", judged)
	}
	t.Logf("%d modules", judged)
}

// readDir reads a module from disk, with what lies around it.
func readDir(t *testing.T, dir string) *Interface {
	t.Helper()
	files := map[string]string{}
	top := filepath.Dir(filepath.Dir(dir))
	err := filepath.WalkDir(top, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !configures(p) {
			return err
		}
		text, err := os.ReadFile(p)
		rel, _ := filepath.Rel(top, p)
		files[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSnapshot(t.Context(), "", git.InMemory(files, nil))
	if err != nil {
		t.Fatal(err)
	}
	rel, _ := filepath.Rel(top, dir)
	i, _, err := s.read(filepath.ToSlash(rel), terraform)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// The probes decide as trying every version would.
func TestConstraintsAgainstEveryVersion(t *testing.T) {
	texts := []string{"", ">= 1.2", "> 1.2", "< 1.2.3", "<= 1.2.3", "~> 1.2", "~> 1.2.3", "= 1.2.3", "!= 1.2.3", ">= 1.2, < 2.0", ">= 1.2, != 1.3.0, < 3", "~> 0.2", "~> 0.2.1",
		"~> 2.0, >= 2.1", ">= 1.2.0, < 2.0.0", "> 2, < 1", "~> 1"}
	var every []*version.Version
	for major := range 4 {
		for minor := range 6 {
			for patch := range 6 {
				every = append(every, version.Must(version.NewVersion(fmt.Sprintf("%d.%d.%d", major, minor, patch))))
			}
		}
	}
	compared := 0
	for _, a := range texts {
		for _, b := range texts {
			old, _ := constraint(a)
			now, _ := constraint(b)
			less, more := false, false
			for _, v := range every {
				less, more = less || old.Check(v) && !now.Check(v), more || !old.Check(v) && now.Check(v)
			}
			narrowed, widened, err := compareConstraints(a, b)
			if err != nil || narrowed != less || widened != more {
				t.Errorf("%q to %q: narrowed %v, widened %v, %v; by every version %v, %v", a, b, narrowed, widened, err, less, more)
			}
			compared++
		}
	}
	if compared != len(texts)*len(texts) {
		t.Errorf("%d comparisons", compared)
	}
}

// The default of a sensitive variable is compared and never written.
func TestSensitiveDefaultIsNotWritten(t *testing.T) {
	read := func(secret string) *Interface {
		s, err := newSnapshot(t.Context(), "", git.InMemory(map[string]string{"main.tf": "variable \"x\" {\n  sensitive = true\n  default = \"" + secret + "\"\n}\n"}, nil))
		if err != nil {
			t.Fatal(err)
		}
		i, _, err := s.read(".", terraform)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	old, now := read("hunter2"), read("hunter3")
	changes, err := compare(old, now)
	if err != nil || len(changes) != 1 || changes[0].Step != Patch {
		t.Errorf("got %v, %v", changes, err)
	}
	if text := encoded(old) + encoded(now) + encoded(changes); strings.Contains(text, "hunter") {
		t.Errorf("it is in %s", text)
	}
}
