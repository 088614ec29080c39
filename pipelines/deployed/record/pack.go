package record

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// MaxConfig bounds a configuration that is saved, in bytes.
const MaxConfig = 256 << 20

// Override is the file that puts the state of a deployment where it is saved.
const Override = "penstock_override.tf.json"

// leftBehind is what stands beside a configuration and is none.
func leftBehind(name string, dir bool) bool {
	if dir {
		return name == ".git" || name == ".terragrunt-cache" || name == "node_modules"
	}
	return strings.Contains(name, ".tfstate") || strings.HasSuffix(name, ".tflock") || name == Override
}

// Pack archives files and directories below root, with all that lies in them, and returns the
// archive and its digest. Of what terraform keeps in .terraform the modules alone are
// taken: providers come from where they came from before. A link becomes what it leads to.
func Pack(root string, dirs []string) (content []byte, digest string, err error) {
	files := map[string]bool{}
	for _, dir := range dirs {
		if err := list(root, dir, files, 0); err != nil {
			return nil, "", fmt.Errorf("saving the configuration %q: %w", dir, err)
		}
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	left := int64(MaxConfig)
	for _, name := range names {
		if err := pack(z, root, name, &left); err != nil {
			return nil, "", fmt.Errorf("saving the configuration: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, "", fmt.Errorf("saving the configuration: %w", err)
	}
	sum := sha256.Sum256(b.Bytes())
	return b.Bytes(), hex.EncodeToString(sum[:16]), nil
}

// list finds the files of a directory, following links to directories to some depth.
func list(root, dir string, files map[string]bool, depth int) error {
	if depth > 40 {
		return errors.New("links in it lead round in a circle, or it is nested too deep")
	}
	if info, err := os.Stat(filepath.Join(root, dir)); err == nil && info.Mode().IsRegular() {
		files[filepath.ToSlash(filepath.Clean(dir))] = true
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(root, dir))
	if err != nil {
		return err
	}
	inTerraform := filepath.Base(dir) == ".terraform"
	for _, entry := range entries {
		name := filepath.Join(dir, entry.Name())
		info, err := os.Stat(filepath.Join(root, name))
		switch {
		case errors.Is(err, fs.ErrNotExist): // a link to nothing, or gone meanwhile
		case err != nil:
			return err
		case leftBehind(entry.Name(), info.IsDir()) || inTerraform && entry.Name() != "modules":
		case info.IsDir():
			if err := list(root, name, files, depth+1); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			files[filepath.ToSlash(name)] = true
		}
	}
	return nil
}

func pack(z *zip.Writer, root, name string, left *int64) error {
	in, err := os.Open(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	header := &zip.FileHeader{Name: name, Method: zip.Deflate} // no times: the same files have the same digest
	header.SetMode(0o600 | info.Mode().Perm()&0o100)
	out, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(in, *left+1))
	if *left -= n; err == nil && *left < 0 {
		err = fmt.Errorf("it has more than %d bytes", MaxConfig)
	}
	return err
}

// Unpack writes an archive into a directory, and nothing outside of it.
func Unpack(content []byte, dir string) error {
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return fmt.Errorf("reading a saved configuration: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(MaxConfig)
	for _, f := range z.File {
		if err := unpack(root, f, &left); err != nil {
			return fmt.Errorf("reading a saved configuration: %q: %w", f.Name, err)
		}
	}
	return nil
}

func unpack(root *os.Root, f *zip.File, left *int64) error {
	if !fs.ValidPath(f.Name) {
		return errors.New("the name leads out of it")
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	if err := root.MkdirAll(path.Dir(f.Name), 0o700); err != nil {
		return err
	}
	out, err := root.OpenFile(f.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600|f.Mode().Perm()&0o100)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(in, *left+1))
	if *left -= n; err == nil && *left < 0 {
		err = fmt.Errorf("it has more than %d bytes", MaxConfig)
	}
	return errors.Join(err, out.Close())
}
