package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/store"
	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// unitWorkspace is a workspace of a target that is initialised.
type unitWorkspace struct {
	*terraform.Workspace
	state    state
	varFiles []string
	login    store.Profile
	// ofRun marks the processes of a plan that holds a lock.
	ofRun []string
	// unlock is the command that shows who holds the state.
	unlock string
}

// open copies a target's unit to work and initialises it with its state. Before
// anything runs, look sees the files that terraform will see.
func open(ctx context.Context, look func(fs.FS) error, runner *terraform.Runner, root string, t Target, work string, s session, more ...string) (*unitWorkspace, error) {
	in, err := s.login(work)
	if err != nil {
		return nil, err
	}
	w, err := runner.Workspace(ctx, t.home.Name(), t.Unit, filepath.Join(work, "w"), append(in.env, more...))
	if err != nil {
		return nil, err
	}
	if err := look(os.DirFS(filepath.Join(work, "w", "src"))); err != nil {
		return nil, err
	}
	u := &unitWorkspace{Workspace: w, login: in.profile, unlock: t.command("unlock", "", "")}
	if u.state, err = stateOf(t.home.FS(), t); err != nil {
		return nil, err
	}
	if u.varFiles, err = t.varFiles(t.home.FS()); err != nil {
		return nil, err
	}
	if w.Terragrunt() { // it says itself where state is kept
		u.state = state{kind: "terragrunt", args: map[string]string{}}
		return u, w.Init(ctx)
	}
	if err := u.linkState(root); err != nil {
		return nil, err
	}
	args, block, err := t.overrides(t.home.FS(), root)
	if err != nil {
		return nil, err
	}
	if block != "" {
		if err := os.WriteFile(filepath.Join(w.Unit, "penstock_backend.tf.json"), []byte(block), 0o600); err != nil {
			return nil, fmt.Errorf("writing the backend: %w", err)
		}
	}
	if _, err := os.Stat(filepath.Join(w.Unit, LockFile)); err == nil {
		args = append(args, "-lockfile=readonly")
	}
	return u, w.Init(ctx, args...)
}

// reviewed lets everything pass: the closure was looked at when it was planned.
func reviewed(fs.FS) error { return nil }

// linkState shows the directory of state files in the repository at its place in
// the copy: a unit that reads the state of another names it from its own place.
func (w *unitWorkspace) linkState(root string) error {
	file := w.state.args["path"]
	top, _, below := strings.Cut(file, "/")
	if w.state.kind != "local" || path.IsAbs(file) || !below || top == ".." || top == ".penstock" { // that is nobody's to read
		return nil
	}
	from := filepath.Join(root, top)
	if err := os.MkdirAll(from, 0o700); err != nil {
		return fmt.Errorf("making room for the state: %w", err)
	}
	to := filepath.Join(w.Dir, "src", top)
	if _, err := os.Lstat(to); err == nil {
		return nil // the closure has such a directory: state is not kept in it
	}
	return os.Symlink(from, to)
}

// keepLock copies the dependency lock to out and returns its digest, "" without one.
func (w *unitWorkspace) keepLock(out string) (string, error) {
	content, err := os.ReadFile(filepath.Join(w.Unit, LockFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(out, LockFile), content, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("keeping the dependency lock: %w", err)
	}
	return digest(content), nil
}
