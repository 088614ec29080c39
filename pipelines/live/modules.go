package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// modules are the digests of the modules that init downloaded, by their keys: a
// tag that was moved between plan and apply shows in them.
func (w *unitWorkspace) modules() (map[string]string, error) {
	content, err := os.ReadFile(filepath.Join(w.Modules(), "modules.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading which modules were downloaded: %w", err)
	}
	var list struct {
		Modules []struct{ Key, Source, Dir string }
	}
	if err := json.Unmarshal(content, &list); err != nil {
		return nil, fmt.Errorf("reading which modules were downloaded: %w", err)
	}
	digests := map[string]string{}
	for _, m := range list.Modules {
		if m.Key == "" || strings.HasPrefix(m.Source, "./") || strings.HasPrefix(m.Source, "../") {
			continue // the unit itself, or a part of its closure or of another module
		}
		dir := m.Dir
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(w.Unit, dir)
		}
		if digests[m.Key], err = dirDigest(dir); err != nil {
			return nil, fmt.Errorf("reading the module %q: %w", m.Key, err)
		}
	}
	return digests, nil
}

// dirDigest is the hash of a directory as Go and Terraform make it, without what
// git keeps for itself: that differs from clone to clone.
func dirDigest(dir string) (string, error) {
	files, err := dirhash.DirFiles(dir, "")
	if err != nil {
		return "", err
	}
	var own []string
	for _, name := range files {
		if !strings.HasPrefix(filepath.ToSlash(name), ".git/") {
			own = append(own, name)
		}
	}
	return dirhash.Hash1(own, func(name string) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, name)) })
}
