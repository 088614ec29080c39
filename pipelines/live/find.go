package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// errNoCapsule says that nobody planned what the trunk has now.
var errNoCapsule = errors.New("there is no capsule")

// find returns the capsule of a target: of the files that were named the one that
// is about it, or of those in the store the latest that was made for its closure.
func (a *applying) find(ctx context.Context, t Target, closure, dir string) (*capsule.Capsule, error) {
	if len(a.Files) > 0 {
		for _, file := range a.Files {
			c, err := capsule.Read(file)
			if err != nil {
				return nil, err
			}
			if c.Manifest.Unit == t.Unit.Path && c.Manifest.Environment == t.Environment.Name {
				return c, nil
			}
		}
		return nil, &pipelines.Error{Err: fmt.Errorf("looking for the capsule of %q in %q: %w of it among the files", t.ID(), t.Environment.Name, errNoCapsule),
			Hint: "name its capsule, or leave the unit out with --only"}
	}
	entries, err := a.Store.List(ctx, capsulePrefix(t.Environment.Name, t.Unit.Path, closure)+"/")
	if err != nil {
		return nil, fmt.Errorf("looking for the capsule of %q: %w", t.ID(), err)
	}
	if len(entries) == 0 {
		return nil, &pipelines.Error{Err: fmt.Errorf("looking for the capsule of %q: %w for the closure that the trunk has, %s", t.ID(), errNoCapsule, closure),
			Hint: "what is merged is not what was planned: plan it again, and have it reviewed"}
	}
	file := filepath.Join(dir, "plan.capsule")
	if err := fetch(ctx, a.Store, entries[len(entries)-1].Name, file); err != nil {
		return nil, fmt.Errorf("fetching the capsule of %q: %w", t.ID(), err)
	}
	return capsule.Read(file)
}

func fetch(ctx context.Context, s store.Store, name, file string) error {
	content, _, err := s.Read(ctx, name)
	if err != nil {
		return err
	}
	defer content.Close()
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return errors.Join(err, out.Close())
}
