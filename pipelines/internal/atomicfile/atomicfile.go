// Package atomicfile puts files in place in one step: whoever reads a name sees all of
// the old file or all of the new one.
package atomicfile

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write puts content at path. After a crash of the machine the file may be empty:
// it is for what is made again, such as a report or a cache.
func Write(path string, mode fs.FileMode, content []byte) error {
	return put(path, mode, all(content), false)
}

// Keep puts content at path, on the disk before it has its name.
func Keep(path string, mode fs.FileMode, content []byte) error {
	return put(path, mode, all(content), true)
}

// Stream is Keep of what fill writes. Where fill returns an error, nothing stays.
func Stream(path string, mode fs.FileMode, fill func(io.Writer) error) error {
	return put(path, mode, fill, true)
}

func all(content []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}
}

// put gives the file a new name until it is whole, so that no link that somebody laid
// at a name is followed.
func put(path string, mode fs.FileMode, fill func(io.Writer) error, sync bool) (err error) {
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part.Name()) // the error that matters is the first
		}
	}()
	err = fill(part)
	if err == nil {
		err = part.Chmod(mode)
	}
	if err == nil && sync {
		err = part.Sync()
	}
	if closing := part.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(part.Name(), path)
	}
	return err
}
