package live

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/statelock"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// stateLock is the lock of a state that we take ourselves, under an id that was
// written down before: whoever recovers then knows that it is ours. It is nil
// where the backend has no lock that can be taken so; terraform then takes its own.
type stateLock struct {
	bucket store.Store
	key    string
	info   statelock.Info
	// unlock is the command that shows who holds it.
	unlock string
}

// lockOf prepares the lock of a target's state; it takes nothing yet.
func (w *unitWorkspace) lockOf(ctx context.Context, owner ledger.Owner) (*stateLock, error) {
	bucket, key, err := w.bucket(ctx)
	if err != nil || bucket == nil {
		return nil, err
	}
	return &stateLock{bucket: bucket, key: key, unlock: w.unlock, info: statelock.Info{ID: uuid.NewString(), Operation: "OperationTypeApply", Who: owner.Actor + "@" + owner.Machine.Host,
		Info: "penstock run " + owner.Run, Version: w.Tool.Version, Created: time.Now().UTC(), Path: w.state.args["bucket"] + "/" + key}}, nil
}

// bucket opens the bucket that a state with a lock file lies in; nil for any other state.
func (w *unitWorkspace) bucket(ctx context.Context) (store.Store, string, error) {
	args := w.state.args
	if w.state.kind != "s3" || args["use_lockfile"] != "true" {
		return nil, "", nil
	}
	query := url.Values{}
	for name, arg := range map[string]string{"region": "region", "endpoint": "endpoint"} {
		if args[arg] != "" {
			query.Set(name, args[arg])
		}
	}
	address := url.URL{Scheme: "s3", Host: args["bucket"], RawQuery: query.Encode()}
	bucket, err := store.OpenAs(ctx, address.String(), w.login)
	if err != nil {
		return nil, "", fmt.Errorf("opening the bucket of the state: %w", err)
	}
	return bucket, args["key"], nil
}

func (l *stateLock) id() string {
	if l == nil {
		return ""
	}
	return l.info.ID
}

// take waits for the lock as long as terraform would.
func (l *stateLock) take(ctx context.Context, wait time.Duration) error {
	if l == nil {
		return nil
	}
	until := time.Now().Add(wait)
	for {
		err := statelock.Lock(ctx, l.bucket, l.key, l.info)
		var other *statelock.LockedError
		if !errors.As(err, &other) {
			return err
		}
		if time.Now().After(until) {
			return &pipelines.Error{Err: fmt.Errorf("locking the state: %w", err),
				Hint: "wait for it, or look at who holds it: " + l.unlock}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (l *stateLock) release(ctx context.Context) error {
	if l == nil {
		return nil
	}
	return statelock.Unlock(ctx, l.bucket, l.key, l.info.ID)
}

// drop releases the lock if it was taken: after an error that may be all that is known of it.
func (l *stateLock) drop(ctx context.Context) error {
	if l == nil {
		return nil
	}
	held, _, err := statelock.Look(ctx, l.bucket, l.key)
	if errors.Is(err, store.ErrNotFound) || err == nil && held.ID != l.info.ID {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the lock of the state: %w", err)
	}
	return l.release(ctx)
}

// deadLock is the lock that a dead run has left, to be released: the one under the id
// that it wrote down, and of a state in a file what terraform left beside it.
type deadLock struct {
	*stateLock // nil where terraform takes a lock of its own
	file       string
	// there says that it was found, and so that it is held by nobody but the dead run.
	there bool
}

// lockOfDead finds the lock of a dead run. One of somebody else is an error.
func (w *unitWorkspace) lockOfDead(ctx context.Context, root string, run ledger.Run, by ledger.Owner) (deadLock, error) {
	l, err := w.lockOf(ctx, by)
	if err != nil {
		return deadLock{}, err
	}
	if l == nil {
		if w.state.kind == "local" { // of any other, whoever plans next is told by terraform
			return deadLock{file: w.lockFile(root)}, nil
		}
		return deadLock{}, nil
	}
	l.info.ID = ""
	for _, entry := range run.Entries {
		if entry.LockID != "" {
			l.info.ID = entry.LockID
		}
	}
	held, _, err := statelock.Look(ctx, l.bucket, l.key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return deadLock{stateLock: l}, nil
	case err != nil:
		return deadLock{}, fmt.Errorf("looking at the lock of the state: %w", err)
	case held.ID != l.info.ID:
		return deadLock{}, &pipelines.Error{Err: fmt.Errorf("releasing the lock of the state: it is held by %s (%s) since %s, not by that run", held.Who, held.Info, held.Created.Format(time.RFC3339)),
			Hint: "ask them, or look at it: " + l.unlock}
	}
	return deadLock{stateLock: l, there: true}, nil
}

// take takes the lock where it is not held, under the id of the dead run: should we be
// killed in turn, whoever recovers next finds it as we did.
func (l *deadLock) take(ctx context.Context) error {
	if l.stateLock == nil || l.there {
		return nil
	}
	err := statelock.Lock(ctx, l.bucket, l.key, l.info)
	l.there = err == nil
	return err
}

// release says whether there was a lock.
func (l *deadLock) release(ctx context.Context) (bool, error) {
	if l.file != "" {
		return removeLeft(l.file)
	}
	if !l.there {
		return false, nil
	}
	return true, l.stateLock.release(ctx)
}

// lockFile is where terraform says who works on a state in a file. The kernel holds
// the lock itself, and has released it when the process ended.
func (w *unitWorkspace) lockFile(root string) string { return statelock.NoteOf(w.stateFile(root)) }

// stateFile is where a state in a file lies.
func (w *unitWorkspace) stateFile(root string) string {
	file := filepath.FromSlash(w.state.args["path"])
	if !filepath.IsAbs(file) {
		file = filepath.Join(root, file)
	}
	return file
}

func removeLeft(file string) (bool, error) {
	err := os.Remove(file)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
