//go:build linux

package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A full disk: a file system of 64 KiB.
func TestFullDiskLeavesNothingHalf(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("SKIPPED: no small file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s, err := Open(t.Context(), dir)
	if err == nil {
		err = create(t, s, "small", "here")
	}
	if err != nil {
		t.Fatal(err)
	}
	_, version := read(t, s, "small")
	big := strings.Repeat("x", 1<<20)
	if err := create(t, s, "big", big); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("creating: %v", err)
	}
	if err := s.Replace(t.Context(), "small", []byte(big), version); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("replacing: %v", err)
	}
	found, err := s.List(t.Context(), "")
	if err != nil || len(found) != 1 {
		t.Errorf("got %v, %v", found, err)
	}
	if got, _ := read(t, s, "small"); got != "here" {
		t.Errorf("got %q", got)
	}
	if left, err := os.ReadDir(filepath.Join(dir, workDir)); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := create(t, s, "after", "fits"); err != nil {
		t.Errorf("the room was not given back: %v", err)
	}
}
