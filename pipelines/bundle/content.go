package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
	"github.com/penstock-dev/penstock/policies"
)

// policiesDir is where the rules that the program embeds lie in a bundle.
const policiesDir = "policies"

// embedded are all rules that the program embeds.
var embedded = []fs.FS{policies.FS, policies.Kubernetes}

// content is what goes into a bundle.
type content struct {
	files map[string][]byte
	exec  map[string]bool
	// left are the files that are a tool's leftovers, sorted.
	left []string
}

func newContent() *content { return &content{files: map[string][]byte{}, exec: map[string]bool{}} }

// leftover says whether a path is what a tool leaves behind and nobody wants in a
// bundle: caches, state, plans, locks of modules (a lock counts in a root alone).
func leftover(name string) bool {
	for dir := range strings.SplitSeq(path.Dir(name), "/") {
		if dir == ".git" || dir == ".terraform" || dir == ".terragrunt-cache" {
			return true
		}
	}
	base := path.Base(name)
	switch base {
	case ".git", ".terraform", ".DS_Store", "crash.log", ".terraform.tfstate.lock.info", "terraform.tfstate.d":
		return true
	case ".terraform.lock.hcl":
		return strings.HasPrefix(name, "terraform/modules/")
	}
	for _, end := range []string{".tfstate", ".tfplan", "~", ".swp"} {
		if strings.HasSuffix(base, end) {
			return true
		}
	}
	return strings.Contains(base, ".tfstate.") || strings.HasPrefix(base, "crash.") && strings.HasSuffix(base, ".log")
}

// fromFS reads a directory.
func fromFS(ctx context.Context, fsys fs.FS) (*content, error) {
	c := newContent()
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case name == ".":
			return nil
		case leftover(name):
			c.left = append(c.left, name)
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return irregular(name)
		}
		text, mode, err := readFile(fsys, name)
		if err != nil {
			return err
		}
		return c.add(name, text, mode&0o100 != 0)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the content of the bundle: %w", err)
	}
	return c, nil
}

func readFile(fsys fs.FS, name string) ([]byte, fs.FileMode, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, irregular(name)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	return text, info.Mode(), err
}

func irregular(name string) error {
	return refuse(ErrContent, hintMend, "%q is not a file: a bundle holds no links and no devices", name)
}

// fromTree reads a directory as a commit has it: the same on every clone, whatever
// a checkout does to line endings, modes and times.
func fromTree(ctx context.Context, t *git.Tree) (*content, error) {
	c := newContent()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(t.Entries)) {
		switch mode := t.Entries[name].Mode; {
		case strings.HasPrefix(name, "../"):
		case leftover(name):
			c.left = append(c.left, name)
		case mode != git.ModeFile && mode != git.ModeExec:
			return nil, irregular(name)
		default:
			names = append(names, name)
		}
	}
	if len(names) > maxFiles {
		return nil, refuse(ErrContent, hintMend, "there are %d files, a bundle has at most %d", len(names), maxFiles)
	}
	texts, err := t.Read(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("reading the content of the bundle: %w", err)
	}
	for _, name := range names {
		if err := c.add(name, texts[name], t.Entries[name].Mode == git.ModeExec); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *content) add(name string, text []byte, exec bool) error {
	if why := badName(name); why != "" {
		return refuse(ErrContent, "rename it", "the path %q cannot be in a bundle: %s", name, why)
	}
	if len(text) > maxFile || len(c.files) >= maxFiles {
		return refuse(ErrContent, hintMend, "%q: a bundle has at most %d files of %d bytes", name, maxFiles, maxFile)
	}
	if bytes.HasPrefix(text, []byte("version https://git-lfs.github.com/spec/")) {
		return refuse(ErrContent, hintMend, "%q is a pointer of Git LFS, not the file", name)
	}
	c.files[name], c.exec[name] = text, exec
	return nil
}

// addPolicies puts the rules of this program beside what was read.
func (c *content) addPolicies() error {
	for name := range c.files {
		if top, _, _ := strings.Cut(name, "/"); strings.EqualFold(top, policiesDir) {
			return refuse(ErrContent, "put rules into the policies/ of the repository's root", "%q: the bundle's policies are those that penstock embeds", name)
		}
	}
	for _, rules := range embedded {
		err := fs.WalkDir(rules, ".", func(name string, entry fs.DirEntry, err error) error {
			// Tests are not embedded everywhere, and a bundle is the same everywhere.
			if err != nil || entry.IsDir() || strings.HasSuffix(name, "_test.rego") {
				return err
			}
			text, err := fs.ReadFile(rules, name)
			if err != nil {
				return err
			}
			return c.add(policiesDir+"/"+name, text, false)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fs shows the content as a file system, read-only.
func (c *content) fs() fs.FS {
	fsys := make(fstest.MapFS, len(c.files)) // for tests by its name, and whole in memory as it has to be here
	for name, text := range c.files {
		mode := fs.FileMode(readOnly)
		if c.exec[name] {
			mode = readOnlyExec
		}
		fsys[name] = &fstest.MapFile{Data: text, Mode: mode}
	}
	return fsys
}

// list describes the files for a manifest.
func (c *content) list() ([]File, error) {
	names, files := tree{}, make([]File, 0, len(c.files))
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		if why := names.add(name); why != "" {
			return nil, refuse(ErrContent, "rename one of them", "%s: not every file system can hold both", why)
		}
		sum, size, err := hashOf(bytes.NewReader(c.files[name]))
		if err != nil {
			return nil, err
		}
		mode := modeFile
		if c.exec[name] {
			mode = modeExec
		}
		files = append(files, File{Path: name, Mode: mode, Size: size, SHA256: sum})
	}
	if len(files) == 0 {
		return nil, &pipelines.Error{Err: errors.New("reading the content of the bundle: there are no files"), Hint: "give the directory that holds terraform/ and charts/"}
	}
	return files, nil
}
