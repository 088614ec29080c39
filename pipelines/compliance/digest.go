package compliance

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/policies"
)

// Digest names the set of rules, settings and waivers by which Run would judge:
// "sha256:..." over all of them.
func (c Compliance) Digest() (string, error) {
	if c.Config == nil {
		c.Config = &config.Config{Version: 1}
	}
	sources := append([]Source{}, c.Policies...)
	if !c.NoBuiltin {
		sources = append(sources, Source{"policies", policies.FS})
	}
	from := c.Base
	if from == nil {
		from = os.DirFS(c.Root)
	}
	for _, dir := range c.Config.Compliance.Policies {
		sub, err := fs.Sub(from, path.Clean(dir))
		if err != nil {
			return "", fmt.Errorf("reading the policies in %q: %w", dir, err)
		}
		sources = append(sources, Source{dir, sub})
	}
	settings, err := json.Marshal(c.Config.Compliance)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "penstock.policies/v1\n%s\n", settings)
	for _, source := range sources {
		err := fs.WalkDir(source.FS, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".rego") && !strings.HasSuffix(name, ".json") {
				return err
			}
			content, err := fs.ReadFile(source.FS, name)
			if err != nil {
				return err
			}
			fmt.Fprintf(sum, "%q %q %x\n", source.Name, name, sha256.Sum256(content))
			return nil
		})
		if err != nil {
			return "", fmt.Errorf("reading the policies in %q: %w", source.Name, err)
		}
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}
