// Package deployed keeps what runs of tests deploy, outside of their sandboxes: in a
// directory, or in S3. What is saved is enough to destroy it later, and elsewhere.
package deployed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// States is the place that keeps runs and their deployments.
type States struct {
	// Store holds the records; in a directory terraform writes its states beside them.
	Store store.Store
	place place
}

// Default is the directory that keeps the states where nothing else is said:
// penstock/terratest in the user's state directory.
func Default() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "penstock", "terratest"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", &pipelines.Error{Err: fmt.Errorf("looking for the directory of states: %w", err), Hint: "name one: --states DIR"}
	}
	return filepath.Join(home, ".local", "state", "penstock", "terratest"), nil
}

// Open opens the states at an address: a directory or s3://bucket/prefix, with
// ?region= and ?endpoint= where need be. Empty: the default.
func Open(ctx context.Context, address string) (*States, error) {
	if address == "" {
		var err error
		if address, err = Default(); err != nil {
			return nil, err
		}
	}
	where, err := placeOf(address)
	if err != nil {
		return nil, err
	}
	kept, err := store.Open(ctx, address)
	if err != nil {
		return nil, err
	}
	return &States{Store: kept, place: where}, nil
}

// String is the address, without parameters.
func (s *States) String() string { return s.Store.String() }

// Run is one call of the tests.
type Run struct {
	// ID is YYYYMMDD-HHMMSS-xxxxxx, and Owner.Run too.
	ID    string
	Owner ledger.Owner
	// TTL is when its time to live is over.
	TTL time.Time
	// Done: nothing is left of it.
	Done bool
}

// NewRun names a run of this process by an actor.
func NewRun(actor string, ci ledger.CI, ttl time.Duration) (Run, error) {
	owner, err := ledger.NewOwner(actor, ci)
	if err != nil {
		return Run{}, err
	}
	owner.Run = record.NewRunID(owner.Started)
	return Run{ID: owner.Run, Owner: owner, TTL: owner.Started.Add(ttl).Truncate(time.Second)}, nil
}

// Begin saves a run. It has to be there before the first test starts.
func (s *States) Begin(ctx context.Context, r Run) error {
	if err := record.CheckRun(r.ID); err != nil {
		return err
	}
	saved := record.Run{Format: record.Format, ID: r.ID, Owner: ownerRecord(r.Owner), TTL: r.TTL}
	if err := s.create(ctx, record.RunName(r.ID), saved); err != nil {
		return fmt.Errorf("beginning the run %s: %w", r.ID, err)
	}
	return nil
}

// Run reads a run. store.ErrNotFound where there is none.
func (s *States) Run(ctx context.Context, id string) (Run, error) {
	if err := record.CheckRun(id); err != nil {
		return Run{}, err
	}
	var r record.Run
	if err := s.read(ctx, record.RunName(id), &r); err != nil {
		return Run{}, err
	}
	if r.ID != id || r.Owner.Run != id {
		return Run{}, fmt.Errorf("reading the run %s in %s: it is of the run %q", id, s, r.ID)
	}
	run := Run{ID: id, Owner: ownerOf(r.Owner), TTL: r.TTL}
	var done record.Done
	err := s.read(ctx, record.DoneName(id), &done)
	if errors.Is(err, store.ErrNotFound) {
		return run, nil
	}
	run.Done = err == nil
	return run, err
}

// Runs lists the ids of all runs, the oldest first: also of those that cannot be read.
func (s *States) Runs(ctx context.Context) ([]string, error) {
	listed, err := s.Store.List(ctx, "runs/")
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, object := range listed { // sorted by name
		id, _, _ := strings.Cut(strings.TrimPrefix(object.Name, "runs/"), "/")
		if record.CheckRun(id) == nil && (len(ids) == 0 || ids[len(ids)-1] != id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Finish marks a run of which nothing is left.
func (s *States) Finish(ctx context.Context, run, by string) error {
	err := s.create(ctx, record.DoneName(run), record.Done{Format: record.Format, At: time.Now().UTC(), By: by})
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	return err
}

// create writes a record under a name that is free.
func (s *States) create(ctx context.Context, name string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return s.Store.Create(ctx, name, bytes.NewReader(append(text, '\n')))
}

// maxRecord bounds one record, in bytes.
const maxRecord = 64 << 20

// bytesOf reads a whole object.
func (s *States) bytesOf(ctx context.Context, name string, limit int64) ([]byte, error) {
	content, _, err := s.Store.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	text, err := io.ReadAll(io.LimitReader(content, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("it is longer than %d bytes", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q in %s: %w", name, s, err)
	}
	return text, nil
}

// read decodes a record strictly: what this version does not know it cannot judge.
func (s *States) read(ctx context.Context, name string, value any) error {
	text, err := s.bytesOf(ctx, name, maxRecord)
	if err != nil {
		return err
	}
	var head struct {
		Format int `json:"format"`
	}
	err = json.Unmarshal(text, &head)
	if err == nil && head.Format != record.Format {
		err = fmt.Errorf("it has format %d, and this version of penstock knows %d", head.Format, record.Format)
	}
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(value)
	}
	if err != nil {
		return fmt.Errorf("reading %q in %s: it is no record of a run: %w", name, s, err)
	}
	return nil
}

func ownerRecord(o ledger.Owner) record.Owner {
	return record.Owner{Run: o.Run, Actor: o.Actor, Machine: record.Machine(o.Machine), PID: o.PID, PIDStart: o.PIDStart,
		Started: o.Started, CI: record.CI(o.CI)}
}

func ownerOf(o record.Owner) ledger.Owner {
	return ledger.Owner{Run: o.Run, Actor: o.Actor, Machine: ledger.Machine(o.Machine), PID: o.PID, PIDStart: o.PIDStart,
		Started: o.Started, CI: ledger.CI(o.CI)}
}
