package scaffold

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/config"
)

func TestSources(t *testing.T) {
	for written, want := range map[string]source{
		"./modules/vpc":   {local: true, dir: "modules/vpc"},
		"./modules/vpc/":  {local: true, dir: "modules/vpc"},
		"./modules/../vp": {local: true, dir: "vp"},
		"git::https://github.com/acme/m.git//modules/vpc?ref=v1.2.0": {url: "https://github.com/acme/m.git", dir: "modules/vpc", ref: "v1.2.0"},
		"git::https://github.com/acme/m.git?ref=v1.2.0":              {url: "https://github.com/acme/m.git", dir: ".", ref: "v1.2.0"},
		"git::ssh://git@git.example.com:2222/acme/m.git//a?ref=main": {url: "ssh://git@git.example.com:2222/acme/m.git", dir: "a", ref: "main"},
		"git@github.com:acme/m.git//a/b?ref=v1.0.0-rc.1":             {url: "git@github.com:acme/m.git", dir: "a/b", ref: "v1.0.0-rc.1"},
		"git::git@github.com:acme/m.git//a?ref=v1":                   {url: "git@github.com:acme/m.git", dir: "a", ref: "v1"},
		"github.com/acme/m//a?ref=modules/a/v1":                      {url: "https://github.com/acme/m.git", dir: "a", ref: "modules/a/v1"},
		"git::file:///tmp/m.git//a?ref=v1":                           {url: "file:///tmp/m.git", dir: "a", ref: "v1"},
	} {
		want.written = written
		got, err := parseSource(written)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", written, got, err, want)
		}
	}
}

// Nothing of these is fetched, run or written.
func TestHostileSources(t *testing.T) {
	for _, written := range []string{
		"", ".", "..", "../outside", "./../outside", "./a/../../b", "./a?ref=v1", "/etc", "modules/vpc", "~/m",
		"git::https://github.com/acme/m.git//a", "git::https://github.com/acme/m.git//a?ref=", "git::https://github.com/acme/m.git?ref=a&ref=b",
		"git::https://github.com/acme/m.git?ref=v1&sshkey=x", "git::https://github.com/acme/m.git?ref=--upload-pack=touch", "git::https://github.com/acme/m.git?ref=a:b",
		"git::https://github.com/acme/m.git?ref=%2Drf", "git::https://github.com/acme/m.git?ref=a..b", "git::https://github.com/acme/m.git?ref=v1+2", "git::https://github.com/acme/m.git?ref=v1%2B2", "git::https://github.com/acme/m.git?ref=+refs/heads/a",
		"git::https://github.com/acme/m.git//../x?ref=v1", "git::https://github.com/acme/m.git//a/../../x?ref=v1", "git::https://github.com/acme/m.git//-a?ref=v1",
		"git::https://github.com/acme/m.git///etc?ref=v1", "git::ext::sh -c touch?ref=v1", "git::ext::sh?ref=v1", "git::fd::7?ref=v1", "git::http://example.com/m.git?ref=v1",
		"git::git://example.com/m.git?ref=v1", "git::ssh://-oProxyCommand=x/m?ref=v1", "-oProxyCommand=x:m?ref=v1", "git@-h:m?ref=v1", "git::/tmp/m.git?ref=v1",
		"git::https://user:hunter2@github.com/acme/m.git?ref=v1", "git::https://token@github.com/acme/m.git?ref=v1", "git::ssh://git:hunter2@h/m.git?ref=v1",
		"terraform-aws-modules/vpc/aws", "s3::https://x/y.zip?ref=v1", "hg::https://x/y?ref=v1", "https://example.com/m.zip?ref=v1",
		"git::https://github.com/acme/m.git?ref=v1\n", "git::https://github.com/${x}/m.git?ref=v1", "git::https://github.com/acme/m.git?ref=v1\"\n}", "git::https://x/\x1b[2J?ref=v1",
		"git::https://x/" + strings.Repeat("a", 3000) + "?ref=v1",
	} {
		dir := t.TempDir()
		_, err := Unit{Root: dir, Path: "live/a", Source: written}.Write(t.Context())
		if !errors.Is(err, ErrArgument) {
			t.Errorf("%q: %v", written, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error shows a password: %v", written, err)
		}
		empty(t, dir)
	}
}

func TestHostilePaths(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../a", "a/../../b", "/etc/a", "a//b", "a/./b", "-rf", "a/-b", ".git/hooks", "a/.terraform", "a b", "a\nb", "a/${x}", `a\b`, "a\x1b[2J",
		strings.Repeat("a", 200)} {
		dir := t.TempDir()
		put(t, dir, "m/main.tf", "")
		if _, err := (Unit{Root: dir, Path: name, Source: "./m"}).Write(t.Context()); !errors.Is(err, ErrArgument) {
			t.Errorf("%q: %v", name, err)
		}
		only(t, dir, "m")
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "m/main.tf", "")
	put(t, dir, "live/a/notes.md", "mine")
	_, err := Unit{Root: dir, Path: "live/a", Source: "./m"}.Write(t.Context())
	if !errors.Is(err, ErrArgument) {
		t.Fatal(err)
	}
	only(t, filepath.Join(dir, "live"), "a")
	only(t, filepath.Join(dir, "live", "a"), "notes.md")
	// An empty directory is room.
	if err := os.Mkdir(filepath.Join(dir, "live", "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := (Unit{Root: dir, Path: "live/b", Source: "./m"}).Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	only(t, filepath.Join(dir, "live", "b"), "default.tfvars", "main.tf", "versions.tf")
}

// A directory of the path that is a link out of the repository is not followed.
func TestALinkLeadsNowhere(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	put(t, dir, "m/main.tf", "")
	put(t, outside, "m/main.tf", `variable "secret" {}`)
	for _, name := range []string{"live", "stolen"} {
		if err := os.Symlink(outside, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := (Unit{Root: dir, Path: "live/a", Source: "./m"}).Write(t.Context()); err == nil {
		t.Error("it was written beyond a link")
	}
	if _, err := (Unit{Root: dir, Path: "new/a", Source: "./stolen/m"}).Write(t.Context()); err == nil {
		t.Error("a module beyond a link was read")
	}
	only(t, outside, "m")
}

// What cannot be read, or written again, is an error, and nothing is written.
func TestHostileModules(t *testing.T) {
	for what, file := range map[string]string{
		"no identifier":      `variable "a b" {}`,
		"an injected name":   "variable \"a = 1\\n}\\nresource\" {}",
		"a meta-argument":    `variable "source" {}`,
		"an output":          `output "a.b" { value = 1 }`,
		"a provider":         "terraform {\n required_providers {\n \"a b\" = { source = \"x/y\" }\n }\n}",
		"two labels":         `variable "a" "b" {}`,
		"no label":           `variable {}`,
		"syntax":             `variable "a" {`,
		"a number too large": "variable \"a\" {\n default = 1e400\n}",
		"a default to run":   "variable \"a\" {\n default = file(\"/etc/passwd\")\n}",
		"depth":              "variable \"a\" {\n default = " + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "\n}",
		"size":               strings.Repeat("# a\n", limit/4+1),
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "m/main.tf", file)
			if _, err := (Unit{Root: dir, Path: "live/a", Source: "./m"}).Write(t.Context()); err == nil {
				text, _ := os.ReadFile(filepath.Join(dir, "live/a/main.tf"))
				t.Errorf("it was written:\n%s", text)
			}
			only(t, dir, "m")
		})
	}
}

// What was fetched is never checked out: filters, hooks and links do nothing.
func TestAHostileRepository(t *testing.T) {
	repo, root := filepath.Join(t.TempDir(), "r"), t.TempDir()
	put(t, repo, "m/main.tf", `variable "a" {}`)
	put(t, repo, ".gitattributes", "* filter=evil\n")
	put(t, repo, ".gitmodules", "[submodule \"x\"]\n path = x\n url = ext::sh -c touch%20"+root+"/ran\n")
	if err := os.Symlink("/etc", filepath.Join(repo, "link")); err != nil {
		t.Fatal(err)
	}
	gitIn(t, repo, "init", "--quiet")
	gitIn(t, repo, "add", "--all")
	gitIn(t, repo, "commit", "--quiet", "--message=x")
	gitIn(t, repo, "tag", "v1")
	settings := filepath.Join(t.TempDir(), "config")
	put(t, filepath.Dir(settings), "config", "[filter \"evil\"]\n\tsmudge = touch "+root+"/ran\n\trequired = true\n")
	t.Setenv("GIT_CONFIG_GLOBAL", settings)
	if _, err := (Unit{Root: root, Path: "live/a", Source: "git::file://" + repo + "//m?ref=v1"}).Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	only(t, root, "live")
	for _, source := range []string{"//link?ref=v1", "//gone?ref=v1", "//m?ref=v2"} {
		if _, err := (Unit{Root: root, Path: "live/b", Source: "git::file://" + repo + source}).Write(t.Context()); err == nil {
			t.Errorf("%q was written", source)
		}
	}
	only(t, filepath.Join(root, "live"), "a")
}

func TestEnvironmentsThatDoNotFit(t *testing.T) {
	local, s3 := config.Backend{Type: "local"}, config.Backend{Type: "s3"}
	c := &config.Config{Version: 1, Live: config.Live{Environments: []config.Environment{{Name: "dvlp", Backend: local}, {Name: "prod", Backend: s3},
		{Name: "far", Paths: []string{"far/*"}, VarFiles: []string{"../far.tfvars"}}}}}
	for _, u := range []Unit{
		{Path: "live/a"},                              // two backends
		{Path: "live/a", Environment: "nowhere"},      // none of that name
		{Path: "live/dvlp/a", Environment: "prod"},    // the path says another
		{Path: "live/dvlp/prod", Environment: "prod"}, // it says two
		{Path: "live/a", Environment: "far"},          // it takes no unit by a file
		{Path: "far/a"},                               // no file of the unit is given to its plans
	} {
		u.Root, u.Source, u.Config = t.TempDir(), "./m", c
		put(t, u.Root, "m/main.tf", "")
		if _, err := u.Write(t.Context()); !errors.Is(err, ErrArgument) {
			t.Errorf("%q in %q: %v", u.Path, u.Environment, err)
		}
		only(t, u.Root, "m")
	}
}

func empty(t *testing.T, dir string) { t.Helper(); only(t, dir) }

// only fails where a directory holds anything else.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}
