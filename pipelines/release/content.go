package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/catalog"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// Content is the files that make up a module: its own and those of the local modules
// that it reaches.
type Content struct {
	// Digest is "sha256:HEX" over one line for each file, sorted by path: its mode, the hex
	// of its sha256 and its path as a JSON string, with a space in between.
	Digest string `json:"digest" jsonschema:"pattern=^sha256:[0-9a-f]{64}$"`
	Files  []File `json:"files"`
}

// File is one file of a module.
type File struct {
	// Path is relative to the repository.
	Path string `json:"path"`
	// Mode is git's: 100644, 100755, or 120000 of a symlink, whose content is its target.
	Mode   string `json:"mode" jsonschema:"enum=100644,enum=100755,enum=120000"`
	SHA256 string `json:"sha256" jsonschema:"pattern=^[0-9a-f]{64}$"`
}

// units are a catalog's modules and all else that it has, at one commit.
func (s *snapshot) units(ctx context.Context, c *config.Config) (pipelines.Selection, error) {
	return catalog.All(ctx, s.tree, c)
}

// aside are files beside a module that no caller gets to see: tools read them, or people.
// They count where a file of the module names them.
var aside = []string{".terraform-version", ".opentofu-version", ".tool-versions", ".tflint.hcl", ".terraform.lock.hcl", ".terraform-docs.yml", ".terraform-docs.yaml",
	".gitignore", ".gitattributes", ".editorconfig", ".pre-commit-config.yaml", "LICENSE", "LICENCE", "NOTICE", "CODEOWNERS", "Makefile", "go.mod", "go.sum"}

func isAside(p string) bool {
	name := path.Base(p)
	lower := strings.ToLower(name)
	for _, suffix := range []string{".md", ".markdown", ".rst", ".adoc", "_test.go", ".tftest.hcl", ".tofutest.hcl", ".tftest.json", ".tofutest.json"} {
		if strings.HasSuffix(lower, suffix) {
			return true
		}
	}
	return slices.Contains(aside, name)
}

// members are the paths of a module's content, sorted: dirs are the directories of
// configuration that it reaches, inputs its closure as the catalog has it, units the
// directories of all units.
func (s *snapshot) members(dirs, inputs, units []string, c *config.Config) []string {
	paths := inputs
	if inputs == nil || len(inputs) >= s.tracked() { // a path that the text does not tell: all beneath its directories counts
		paths = s.beneath(dirs, units)
	}
	var named, list []string
	var texts [][]byte
	for _, dir := range dirs {
		for _, p := range s.children[dir] {
			if text, err := s.text(p); configures(p) && err == nil {
				texts = append(texts, text)
			}
		}
	}
	for _, p := range paths {
		switch {
		case s.foreign(p, dirs, c):
		case isAside(p):
			named = append(named, p)
		default:
			list = append(list, p)
		}
	}
	for _, p := range named {
		if slices.ContainsFunc(texts, func(text []byte) bool { return strings.Contains(string(text), path.Base(p)) }) {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// foreign is what the catalog counts for what it judges, and a caller does not get.
func (s *snapshot) foreign(p string, dirs []string, c *config.Config) bool {
	if p == config.File || strings.HasPrefix(p, ".penstock/") {
		return true
	}
	if slices.Contains(dirs, path.Dir(p)) {
		return false
	}
	for _, policies := range c.Compliance.Policies {
		if strings.HasPrefix(p, path.Clean(policies)+"/") {
			return true
		}
	}
	for part := range strings.SplitSeq(path.Dir(p), "/") {
		if slices.Contains([]string{"test", "tests", "example", "examples"}, part) {
			return true
		}
	}
	return false
}

// tracked counts what the catalog looks at.
func (s *snapshot) tracked() (n int) {
	for p := range s.tree.Entries {
		if !strings.Contains("/"+p, "/.terraform/") && !strings.Contains("/"+p, "/.terragrunt-cache/") {
			n++
		}
	}
	return n
}

// beneath are all files beneath directories, without what lies in other units.
func (s *snapshot) beneath(dirs, units []string) (list []string) {
	for p := range s.tree.Entries {
		for dir := path.Dir(p); ; dir = path.Dir(dir) {
			if slices.Contains(dirs, dir) {
				list = append(list, p)
				break
			}
			if slices.Contains(units, dir) || dir == "." || path.Base(dir) == ".." || strings.HasPrefix(path.Base(dir), ".") {
				break
			}
		}
	}
	return list
}

// same says whether two commits have the same content under the same names.
func same(old, now *snapshot, before, after []string) bool {
	return slices.EqualFunc(before, after, func(a, b string) bool {
		return a == b && old.tree.Entries[a] == now.tree.Entries[b]
	})
}

// content reads and digests files.
func (s *snapshot) content(ctx context.Context, prefix string, members []string) (Content, error) {
	for _, p := range members {
		if s.tree.Entries[p].Mode == git.ModeSubmodule {
			return Content{}, unreadable(pipelines.Position{Path: p}, "it is a submodule: what it holds is not in this repository")
		}
	}
	blobs, err := s.tree.Read(ctx, members)
	if err != nil {
		return Content{}, err
	}
	c := Content{Files: []File{}}
	for _, p := range members {
		sum := sha256.Sum256(blobs[p])
		c.Files = append(c.Files, File{Path: path.Join(prefix, p), Mode: s.tree.Entries[p].Mode, SHA256: hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(c.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	c.Digest = digestOf(c.Files)
	return c, nil
}

func digestOf(files []File) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s %s %s\n", f.Mode, f.SHA256, encoded(f.Path))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
