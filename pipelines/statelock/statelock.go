// Package statelock takes, looks at and gives back the lock of a Terraform state
// as the S3 backend with use_lockfile does: an object <key>.tflock beside the
// state. Whoever takes it under an id of their own before terraform starts (with
// -lock=false) can later release exactly that lock, and no other.
package statelock

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Info is Terraform's statemgr.LockInfo, with its names.
type Info struct {
	// ID is a UUID, as terraform force-unlock wants one.
	ID        string
	Operation string // e.g. OperationTypeApply
	// Info is a sentence for whoever meets the lock.
	Info string
	// Who is user@host.
	Who     string
	Version string // of Terraform
	Created time.Time
	// Path is bucket/key of the state.
	Path string
}

// LockedError says who holds the lock.
type LockedError struct {
	Key string
	Info
}

func (e *LockedError) Error() string {
	show := func(s string) string { return printable.Text(s, 200) }
	text := fmt.Sprintf("the state %q is locked by %s since %s, for %s, under the id %s", e.Key,
		show(e.Who), e.Created.UTC().Format(time.RFC3339), show(e.Operation), show(e.ID))
	if e.Info.Info != "" {
		text += ": " + show(e.Info.Info)
	}
	return text
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func object(key string) string { return key + ".tflock" }

// Lock takes the lock of the state under a key, in a store that was opened at the
// bucket. A *LockedError where it is held, under the same id too. For workspaces
// other than default the key is the one that the backend makes:
// env:/<workspace>/<key>, or with workspace_key_prefix in place of env:.
func Lock(ctx context.Context, s store.Store, key string, info Info) error {
	doing := fmt.Sprintf("locking the state %q", key)
	if !uuid.MatchString(info.ID) { // terraform force-unlock could not name it
		return fmt.Errorf("%s: the id %q is not a UUID", doing, info.ID)
	}
	if err := s.Exclusive(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	text, err := json.Marshal(info)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	err = s.Create(ctx, object(key), bytes.NewReader(text))
	if !errors.Is(err, store.ErrExists) {
		return err
	}
	there, _, err := Look(ctx, s, key)
	if err != nil {
		return fmt.Errorf("%s: it is locked; by whom: %w", doing, err)
	}
	return &pipelines.Error{
		Err:  &LockedError{Key: key, Info: there},
		Hint: "wait for it; if its holder is dead, run terraform force-unlock " + printable.Text(there.ID, 100),
	}
}

// maxInfo bounds a lock's object.
const maxInfo = 1 << 20

// Look reads the lock, whoever took it. store.ErrNotFound where there is none.
func Look(ctx context.Context, s store.Store, key string) (Info, store.Version, error) {
	content, version, err := s.Read(ctx, object(key))
	if err != nil {
		return Info{}, "", err
	}
	defer content.Close()
	text, err := io.ReadAll(io.LimitReader(content, maxInfo+1))
	if err == nil && len(text) > maxInfo {
		err = fmt.Errorf("it is longer than %d bytes", maxInfo)
	}
	var info Info
	if err == nil {
		err = json.Unmarshal(text, &info)
	}
	if err == nil && info.ID == "" {
		err = errors.New("it has no ID")
	}
	if err != nil {
		return Info{}, "", fmt.Errorf("reading the lock of the state %q: %w", key, err)
	}
	return info, version, nil
}

// Unlock removes the lock with an id. It is an error if there is none, or one
// with another id (a *LockedError).
func Unlock(ctx context.Context, s store.Store, key, id string) error {
	there, version, err := Look(ctx, s, key)
	if err == nil && there.ID != id {
		err = &LockedError{Key: key, Info: there}
	}
	if err == nil {
		err = s.Delete(ctx, object(key), version)
	}
	if err != nil {
		return fmt.Errorf("unlocking the state %q under the id %s: %w", key, id, err)
	}
	return nil
}
