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

// record writes which modules init downloaded to where the gate looks for it, in the
// unit, with directories relative to that: terraform keeps its data elsewhere in the
// copy and names them from the root of the machine.
func (w *unitWorkspace) record() error {
	content, err := os.ReadFile(filepath.Join(w.Modules(), "modules.json"))
	if err != nil {
		return fmt.Errorf("reading which modules were downloaded: %w", err)
	}
	var list struct {
		Modules []struct{ Key, Source, Version, Dir string }
	}
	if err := json.Unmarshal(content, &list); err != nil {
		return fmt.Errorf("reading which modules were downloaded: %w", err)
	}
	for i, m := range list.Modules {
		if !filepath.IsAbs(m.Dir) {
			continue
		}
		dir, err := filepath.Rel(w.Unit, m.Dir)
		if err != nil {
			return fmt.Errorf("reading the module %q: %w", m.Key, err)
		}
		list.Modules[i].Dir = filepath.ToSlash(dir)
	}
	dir := filepath.Join(w.Unit, ".terraform", "modules")
	if content, err = json.Marshal(list); err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "modules.json"), content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing which modules were downloaded: %w", err)
	}
	return nil
}

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
