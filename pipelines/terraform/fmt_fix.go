package terraform

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// rewrite puts formatted in the place of src: whole or not at all, with the
// mode and owner that the file has, never through a symbolic link and never over
// something else than was judged.
func rewrite(root *os.Root, name string, src, formatted []byte) error {
	refuse := func(err error, hint string) error {
		var known *fs.PathError
		if errors.As(err, &known) {
			err = known.Err
		}
		return &pipelines.Error{Position: pipelines.Position{Path: printable.Path(name)},
			Err: fmt.Errorf("could not be rewritten: %w", err), Hint: hint}
	}
	info, err := root.Lstat(name)
	switch {
	case err != nil:
		return refuse(err, "")
	case info.Mode()&fs.ModeSymlink != 0:
		return refuse(errors.New("it is a symbolic link"), "format the file that it leads to")
	case !info.Mode().IsRegular():
		return refuse(errors.New("it is not a regular file"), "")
	case info.Mode().Perm()&0o200 == 0:
		return refuse(errors.New("it is read-only"), "make it writable: chmod u+w")
	}
	if now, err := readFile(root, name); err != nil || !bytes.Equal(now, src) {
		return refuse(errors.New("it changed while it was judged"), "run it again")
	}
	err = replace(root, name, formatted, info)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return refuse(err, "make the directory writable, or run without --fix")
	case err != nil:
		return refuse(err, "")
	}
	return nil
}

func replace(root *os.Root, name string, content []byte, info fs.FileInfo) (err error) {
	temporary := path.Join(path.Dir(name), ".penstock-"+strconv.Itoa(os.Getpid())+"-"+path.Base(name))
	f, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = root.Remove(temporary)
		}
	}()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(stat.Uid), int(stat.Gid)) // only root may, and only root needs to
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return root.Rename(temporary, name)
}

// notices gathers what the units have to tell, from many goroutines.
type notices struct {
	mu   sync.Mutex
	list []pipelines.Notice
}

func (n *notices) add(more ...pipelines.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, more...)
}

func (n *notices) sorted() []pipelines.Notice {
	slices.SortFunc(n.list, func(a, b pipelines.Notice) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(n.list)
}
