package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/statelock"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// HeldLock is the lock of a target's state, whoever took it.
type HeldLock struct {
	statelock.Info
	// Where is the object or the file that says so.
	Where string
	// Holder is the process that holds the lock of a state in a file, 0 where none
	// does: what is left then is a note that locks nothing.
	Holder int

	bucket store.Store
	key    string
	file   string
}

// String says who holds it, since when and for what, safe to print.
func (h *HeldLock) String() string {
	who := printable.Text(h.Who, 200)
	if owner, ours := planner(h.Info); ours {
		who += " (" + owner.String() + ")"
	} else if h.Info.Info != "" {
		who += " (" + printable.Text(h.Info.Info, 200) + ")"
	}
	return fmt.Sprintf("%s since %s, for %s, under the id %s", who, h.Created.UTC().Format(time.RFC3339), printable.Text(h.Operation, 100), printable.Text(h.ID, 100))
}

// Release removes the lock, if it is still the one with that id. One of a state in a
// file that a process holds is that process's: it is not removed.
func (h *HeldLock) Release(ctx context.Context, id string) error {
	if id != h.ID {
		return fmt.Errorf("releasing the lock of the state: its id is %q, not %q", printable.Text(h.ID, 100), printable.Text(id, 100))
	}
	if h.file == "" {
		return statelock.Unlock(ctx, h.bucket, h.key, id)
	}
	return statelock.UnlockFile(h.file, id)
}

// Locks looks at the locks of states. It changes nothing and starts no terraform.
type Locks struct {
	pipelines.Scope
	Config  *config.Config
	Creator Creator
	// Token is a file with an OIDC token, for the environment's role.
	Token string
}

// Look returns the lock of the state of ENVIRONMENT/UNIT, nil where it is not locked.
// Where only terraform can tell, an error says so.
func (l Locks) Look(ctx context.Context, target string) (*HeldLock, error) {
	root, err := os.OpenRoot(l.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	defer root.Close()
	targets, done, err := Select(root, l.Scope, l.Config.Live, nil, nil)
	if err != nil {
		return nil, err
	}
	defer done()
	for _, t := range targets {
		if leaseOf(t) != target {
			continue
		}
		s, err := stateOf(t.home.FS(), t)
		if err != nil {
			return nil, err
		}
		if _, grunt := t.home.Stat(t.Unit.Path + "/terragrunt.hcl"); grunt == nil || s.kind != "local" && (s.kind != "s3" || s.args["use_lockfile"] != "true") {
			return nil, &pipelines.Error{Err: fmt.Errorf("looking at the lock of the state of %q: only terraform knows it", target), Hint: "plan it: terraform then says who holds it"}
		}
		return lookAt(ctx, l.Root, t, session{role: t.Environment.Roles.Apply, token: l.Token, actor: l.Creator.Actor, change: "unlock"})
	}
	return nil, &pipelines.Error{Err: fmt.Errorf("looking at the lock of the state of %q: there is no such unit here", printable.Text(target, 300)),
		Hint: "name it as ENVIRONMENT/UNIT, where penstock units --all lists the units"}
}

// lookAt reads the lock of a target's state; nil where there is none, or where only
// terraform can tell.
func lookAt(ctx context.Context, root string, t Target, s session) (*HeldLock, error) {
	if _, err := t.home.Stat(t.Unit.Path + "/terragrunt.hcl"); err == nil {
		return nil, nil // it says itself where state is kept
	}
	at, err := stateOf(t.home.FS(), t)
	if err != nil {
		return nil, err
	}
	if at.kind == "local" {
		file := (&unitWorkspace{state: at}).stateFile(root)
		return found(file, func(h *HeldLock) (err error) {
			h.Where, h.file = statelock.NoteOf(file), file
			h.Info, h.Holder, err = statelock.LookFile(file)
			return err
		})
	}
	dir, err := os.MkdirTemp("", "penstock-")
	if err != nil {
		return nil, fmt.Errorf("making room for a session: %w", err)
	}
	defer os.RemoveAll(dir)
	in, err := s.login(dir)
	if err != nil {
		return nil, err
	}
	w := &unitWorkspace{state: at, login: in.profile}
	bucket, key, err := w.bucket(ctx)
	if err != nil || bucket == nil {
		return nil, err
	}
	return found(at.String(), func(h *HeldLock) (err error) {
		h.Where, h.bucket, h.key = at.args["bucket"]+"/"+key+".tflock", bucket, key
		h.Info, _, err = statelock.Look(ctx, bucket, key)
		return err
	})
}

// found is what look fills in, nil where there is nothing.
func found(where string, look func(*HeldLock) error) (*HeldLock, error) {
	h := &HeldLock{}
	err := look(h)
	switch {
	case errors.Is(err, store.ErrNotFound) || errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking at the lock of the state in %q: %w", where, err)
	}
	return h, nil
}

// Plan is the plan of ours that holds it, if one does.
func (h *HeldLock) Plan() (ledger.Owner, bool) { return planner(h.Info) }
