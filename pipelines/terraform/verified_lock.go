package terraform

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
)

// locked is what a lock file says of one provider.
type locked struct {
	Address string   `hcl:"address,label"`
	Version string   `hcl:"version"`
	Hashes  []string `hcl:"hashes,optional"`
	// Constraints are those of the configuration when it was locked; terraform
	// compares the version with the configuration as it is.
	Constraints string `hcl:"constraints,optional"`
}

// lockFile is the dependency lock of a unit, as it was committed.
type lockFile struct {
	file      string
	present   bool
	content   []byte
	providers []locked
}

// platform names the packages that this machine runs.
const platform = runtime.GOOS + "_" + runtime.GOARCH

var versionPattern = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$`)

// readLock reads the lock file of a unit; where there is none, it names nothing.
func readLock(unit string) (*lockFile, error) {
	lock := &lockFile{file: filepath.Join(unit, ".terraform.lock.hcl")}
	var err error
	if lock.content, err = os.ReadFile(lock.file); errors.Is(err, fs.ErrNotExist) {
		return lock, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading the lock file: %w", err)
	}
	if len(lock.content) > maxFile {
		return nil, unverified(lockHint, "the lock file has %d bytes, more than %d", len(lock.content), maxFile)
	}
	lock.present = true
	lock.providers, err = parseLock(lock.content)
	return lock, err
}

func parseLock(content []byte) ([]locked, error) {
	if what := nesting.TooDeep(content); what != "" {
		return nil, unverified(lockHint, "the lock file cannot be read: %s", what)
	}
	file, diags := hclsyntax.ParseConfig(content, ".terraform.lock.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, unverified(lockHint, "the lock file cannot be read: %v", diags)
	}
	var body struct {
		Providers []locked `hcl:"provider,block"`
	}
	if diags := gohcl.DecodeBody(file.Body, nil, &body); diags.HasErrors() {
		return nil, unverified(lockHint, "the lock file cannot be read: %v", diags)
	}
	seen := map[string]bool{}
	for _, l := range body.Providers {
		isH1 := func(hash string) bool { return strings.HasPrefix(hash, "h1:") }
		switch {
		case !providerPattern.MatchString(l.Address) || strings.Contains(l.Address, "*") || !fs.ValidPath(l.Address):
			return nil, unverified(lockHint, "the lock file names %q, which is no address of a provider", l.Address)
		case !versionPattern.MatchString(l.Version):
			return nil, unverified(lockHint, "the lock file has %q as the version of %s", l.Version, l.Address)
		case seen[l.Address]:
			return nil, unverified(lockHint, "the lock file names %s twice", l.Address)
		case !slices.ContainsFunc(l.Hashes, isH1):
			return nil, unverified("run terraform providers lock -platform="+platform+" in the unit, and commit .terraform.lock.hcl",
				"the lock file has no h1 hash of %s %s", l.Address, l.Version)
		}
		seen[l.Address] = true
	}
	return body.Providers, nil
}

// restore puts the lock file back as it was committed: it is part of the plan, and
// apply compares it.
func (l *lockFile) restore() error {
	err := os.Remove(l.file) // terraform replaces it by a file of its own mode
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil && l.present {
		err = os.WriteFile(l.file, l.content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("putting the lock file back: %w", err)
	}
	return nil
}

// standIns fills a mirror with an empty program for each provider, and returns a
// lock file that names them. If one were ever started, it would not run, and the
// real lock file does not allow it.
func standIns(providers []locked, mirror string) ([]byte, error) {
	if err := os.MkdirAll(mirror, 0o700); err != nil {
		return nil, fmt.Errorf("making room for the mirror of init: %w", err)
	}
	text := hclwrite.NewEmptyFile()
	for _, l := range providers {
		dir := filepath.Join(mirror, filepath.FromSlash(l.Address), l.Version, platform)
		err := os.MkdirAll(dir, 0o700)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "terraform-provider-"+typeOf(l.Address)+"_v"+l.Version), nil, 0o700)
		}
		if err != nil {
			return nil, fmt.Errorf("filling the mirror of init: %w", err)
		}
		h1, err := dirhash.HashDir(dir, "", dirhash.Hash1)
		if err != nil {
			return nil, fmt.Errorf("filling the mirror of init: %w", err)
		}
		body := text.Body().AppendNewBlock("provider", []string{l.Address}).Body()
		body.SetAttributeValue("version", cty.StringVal(l.Version))
		body.SetAttributeValue("hashes", cty.TupleVal([]cty.Value{cty.StringVal(h1)}))
	}
	return text.Bytes(), nil
}
