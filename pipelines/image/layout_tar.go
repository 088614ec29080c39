package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
)

// entryForm is what a layout consists of. Whatever else is in a tar, such as what
// docker load reads, is left in it.
var entryForm = regexp.MustCompile(`^(oci-layout|index\.json|blobs/sha256/[0-9a-f]{64})$`)

// maxLayout is how many bytes a tar may unfold to.
const maxLayout = 32 << 30

// openLayout reads a layout from a directory or an uncompressed tar. Its files stay
// until done is called.
func openLayout(name string) (root manifest, done func(), err error) {
	done = func() {}
	info, err := os.Stat(name)
	if err != nil {
		return nil, done, err
	}
	if !info.IsDir() {
		dir, err := os.MkdirTemp("", "penstock-layout-")
		if err != nil {
			return nil, done, err
		}
		done = func() { _ = os.RemoveAll(dir) }
		if err := untar(name, dir); err != nil {
			done()
			return nil, func() {}, err
		}
		name = dir
	}
	c, err := readLayout(name)
	if err != nil {
		done()
		return nil, func() {}, err
	}
	return c.root, done, nil
}

func untar(name, dir string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	left := int64(maxLayout)
	for r := tar.NewReader(file); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the tar: %w", err)
		}
		entry := path.Clean(header.Name)
		if header.Typeflag != tar.TypeReg || !entryForm.MatchString(entry) {
			continue
		}
		if left -= header.Size; left < 0 {
			return refuse("", "the tar unfolds to more than %d bytes", int64(maxLayout))
		}
		if err := place(filepath.Join(dir, filepath.FromSlash(entry)), r); err != nil {
			return err
		}
	}
}

func place(name string, content io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content) // the sizes of all entries are bounded before
	return errors.Join(err, file.Close())
}
