package statelock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// NoteOf is where terraform says who works on a state in a file. It is no lock: the
// kernel holds that, on the state itself, and releases it when the process ends.
func NoteOf(file string) string {
	return filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".lock.info")
}

// LookFile reads the note beside a state in a file, and says which process holds the
// lock; 0 where none does. os.ErrNotExist where there is no note.
func LookFile(file string) (info Info, holder int, err error) {
	in, err := os.Open(NoteOf(file))
	if err != nil {
		return Info{}, 0, err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxInfo))
	if err == nil {
		err = json.Unmarshal(text, &info)
	}
	if err == nil && info.ID == "" {
		err = errors.New("it has no ID")
	}
	if err == nil {
		holder, err = holderOf(file)
	}
	if err != nil {
		return Info{}, 0, fmt.Errorf("reading the lock of the state %q: %w", file, err)
	}
	return info, holder, nil
}

// UnlockFile removes the note with an id that a process which is gone has left. It is
// an error while a process holds the lock, and for a note with another id.
func UnlockFile(file, id string) error {
	info, holder, err := LookFile(file)
	switch {
	case err != nil:
	case info.ID != id:
		err = &LockedError{Key: file, Info: info}
	case holder != 0:
		err = fmt.Errorf("the process %d holds it: only its end releases it", holder)
	default:
		err = os.Remove(NoteOf(file))
	}
	if err != nil {
		return fmt.Errorf("unlocking the state %q under the id %s: %w", file, id, err)
	}
	return nil
}
