package harness

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/deployed/record"
)

var (
	// localSource is a module of the same repository.
	localSource = regexp.MustCompile(`(?m)^\s*source\s*=\s*"(\.\.?/[^"]*)"`)
	// besides are files that a module names by its own place.
	besides = regexp.MustCompile(`\$\{path\.(?:module|root)\}/(\.\./[^"$%{}*]+)`)
)

// sandbox copies a module, and what it reaches, below root, in the same places relative to
// each other, and returns the copy.
func sandbox(module, root string) (string, error) {
	found := []string{module}
	for i := 0; i < len(found); i++ {
		files, err := filepath.Glob(filepath.Join(found[i], "*.t*f*"))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // a directory
			}
			for _, match := range slices.Concat(localSource.FindAllSubmatch(text, -1), besides.FindAllSubmatch(text, -1)) {
				name := filepath.Join(found[i], filepath.FromSlash(string(bytes.TrimSuffix(match[1], []byte("/")))))
				if _, err := os.Stat(name); err == nil && !slices.Contains(found, name) {
					found = append(found, name)
				}
			}
		}
	}
	base := module
	for _, name := range found {
		for base != filepath.Dir(base) && name != base && !strings.HasPrefix(name, base+string(filepath.Separator)) {
			base = filepath.Dir(base)
		}
	}
	var names []string
	for _, name := range found {
		rel, err := filepath.Rel(base, name)
		if err != nil {
			return "", err
		}
		names = append(names, rel)
	}
	content, _, err := record.Pack(base, names)
	if err == nil {
		err = record.Unpack(content, root)
	}
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(base, module)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, rel)
	// What terraform fetched belongs to the checkout; init fetches it again.
	return dir, os.RemoveAll(filepath.Join(dir, ".terraform"))
}
