package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestAFileIsReplacedAsAWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	elsewhere, path := filepath.Join(dir, "elsewhere"), filepath.Join(dir, "file")
	if err := errors.Join(os.WriteFile(elsewhere, []byte("untouched"), 0o600), os.Symlink(elsewhere, path)); err != nil {
		t.Fatal(err)
	}
	half := errors.New("half way")
	err := Stream(path, 0o644, func(w io.Writer) error {
		_, err := w.Write([]byte("the beginning"))
		return errors.Join(err, half)
	})
	if !errors.Is(err, half) {
		t.Errorf("got %v, want what the writer returned", err)
	}
	if there, err := os.Readlink(path); err != nil || there != elsewhere {
		t.Errorf("half a file replaced what was there: %q, %v", there, err)
	}
	for content, write := range map[string]func(string, fs.FileMode, []byte) error{"written": Write, "kept": Keep} {
		if err := write(path, 0o640, []byte(content)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		info, err2 := os.Lstat(path)
		if err != nil || err2 != nil || string(text) != content || info.Mode() != 0o640 {
			t.Errorf("%s: the file holds %q with the mode %v, %v %v", content, text, info.Mode(), err, err2)
		}
	}
	if text, err := os.ReadFile(elsewhere); err != nil || string(text) != "untouched" {
		t.Errorf("a link was followed: %q, %v", text, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) != 0 {
		t.Errorf("it left %q, %v", left, err)
	}
	if err := Write(filepath.Join(dir, "none", "file"), 0o644, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a directory: got %v", err)
	}
}
