package live

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/penstock-dev/penstock/pipelines/config"
)

// Closure is the digest ("sha256:...") of everything that a target's plan is made
// of in the repository: the files of its closure and what penstock.yaml says of its
// environment. It is the same on every machine and for every history.
//
// penstock.yaml, policies and pins of tools are left out: what they say of this
// target is bound by itself, and an edit of them elsewhere would spoil every plan.
func Closure(root *os.Root, t Target) (string, error) {
	sum := sha256.New()
	environment, err := json.Marshal(struct {
		Name     string
		VarFiles []string
		Backend  config.Backend
	}{t.Environment.Name, t.Environment.VarFiles, t.Environment.Backend})
	if err != nil {
		return "", err
	}
	fmt.Fprintf(sum, "penstock.closure/v1\n%q\n%s\n", t.ID(), environment)
	inputs := slices.Clone(t.Unit.Inputs)
	slices.Sort(inputs)
	for _, name := range slices.Compact(inputs) {
		if aside(name) {
			continue
		}
		kind, digest, err := fileDigest(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is a place that is looked at, and nothing is there
		}
		if err != nil {
			return "", fmt.Errorf("reading the closure of %q: %w", t.ID(), err)
		}
		fmt.Fprintf(sum, "%s %s %q\n", kind, digest, name)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// aside says whether a file is in the closure for checks alone.
func aside(name string) bool {
	base := path.Base(name)
	return name == config.File || base == ".tflint.hcl" || path.Ext(base) == ".rego"
}

func fileDigest(root *os.Root, name string) (kind, digest string, err error) {
	info, err := root.Lstat(name)
	if err != nil {
		return "", "", err
	}
	sum := sha256.New()
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := root.Readlink(name)
		if err != nil {
			return "", "", err
		}
		_, _ = io.WriteString(sum, target) // a hash never fails
		return "link", hex.EncodeToString(sum.Sum(nil)), nil
	case info.IsDir(): // a submodule, or a directory that is read as a whole
		return "directory", "", nil
	case !info.Mode().IsRegular():
		return "", "", fmt.Errorf("%q is not a regular file", name)
	}
	file, err := root.Open(name)
	if err != nil {
		return "", "", err
	}
	defer file.Close()
	if _, err := io.Copy(sum, file); err != nil {
		return "", "", err
	}
	return "file", hex.EncodeToString(sum.Sum(nil)), nil
}
