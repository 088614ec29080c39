package record

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Seed writes an empty state where there is none. Terraform would make an empty file to lock
// it, and truncates it before each write: this way a file that is empty is known to be one
// that was cut off, and a state with nothing in it to be one before anything was made.
func Seed(file string) error {
	if info, err := os.Stat(file); err == nil && info.Size() > 0 {
		return nil
	}
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	lineage := fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	text, err := json.Marshal(map[string]any{"version": 4, "terraform_version": "1.0.0", "serial": 1, "lineage": lineage,
		"outputs": map[string]any{}, "resources": []any{}})
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		err = replace(file, append(text, '\n'))
	}
	return err
}

// CopyOf is where the copy of a state is that Watch makes.
func CopyOf(file string) string { return file + ".copy" }

// often is how often a state is looked at: each look is one stat.
const often = 20 * time.Millisecond

// Watch copies a state in a file whenever it was written, until stop is called: the copy
// stands in for a state that terraform was writing when it was killed.
func Watch(file string) (stop func()) {
	over := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		var seen time.Time
		for {
			select {
			case <-over:
				return
			case <-time.After(often):
			}
			info, err := os.Stat(file)
			if err != nil || info.Size() == 0 || info.ModTime().Equal(seen) {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil || !json.Valid(text) {
				continue // in the midst of being written
			}
			if replace(CopyOf(file), text) == nil {
				seen = info.ModTime()
			}
		}
	})
	return sync.OnceFunc(func() {
		close(over)
		done.Wait()
	})
}

// replace puts a file in place of another as a whole.
func replace(file string, content []byte) error {
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
