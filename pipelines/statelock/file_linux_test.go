package statelock_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/statelock"
)

// What is left beside a state is removed under its id, and what cannot be read never.
func TestUnlockFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.tfstate")
	if _, _, err := statelock.LookFile(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a note: %v", err)
	}
	for text, wrong := range map[string]string{`{"ID":"1"}`: "", `{`: "unexpected end", `{"Who":"a"}`: "it has no ID"} {
		if err := os.WriteFile(statelock.NoteOf(file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		info, holder, err := statelock.LookFile(file)
		if wrong == "" && (err != nil || info.ID != "1" || holder != 0) || wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)) {
			t.Errorf("%s: %+v, %d, %v", text, info, holder, err)
		}
		if err := statelock.UnlockFile(file, "2"); err == nil {
			t.Errorf("%s: it was removed under another id", text)
		}
		if err := statelock.UnlockFile(file, "1"); (err == nil) != (wrong == "") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
