package live_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// nobody else to read.
func TestPlansAnewInPrivate(t *testing.T) {
	g := newGuarded(t)
	g.sealed()
	g.applied()
	g.write(guardedUnit+"/dvlp.tfvars", "input = \"3\"\n")
	g.commit()
	c := g.sealed()
	g.edit("dvlp", func(state map[string]any) { state["resources"] = state["resources"].([]any)[:1] })
	replanned, seen := filepath.Join(g.tmp, "replanned"), filepath.Join(g.tmp, "seen")
	if err := os.Mkdir(replanned, 0o755); err != nil {
		t.Fatal(err)
	}
	program := g.wrapped(fmt.Sprintf(`if [ "$1" = plan ]; then pwd >> %s; fi`, seen))
	g.refused("approval", "what it would change now is not what was reviewed", nil, "--replanned", replanned, "--terraform", program, "--capsule", c.Path)
	where, err := os.ReadFile(seen)
	if err != nil || !strings.HasPrefix(string(where), filepath.Join(g.tmp, "tmp", "penstock-apply-")) {
		t.Errorf("it was planned in %q, %v", where, err)
	}
	files := 0
	if err := filepath.WalkDir(replanned, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == replanned {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %s", name, info.Mode())
		}
		files++
		return err
	}); err != nil || files < 4 {
		t.Errorf("%d files: %v", files, err)
	}
}
