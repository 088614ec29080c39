// Package ledger is the record of effects: who holds a target (leases), what a
// run did to it (journals), and which capsules were used. It lies in a store, so
// that whoever comes after a killed run finds what that run knew.
package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// format is that of everything the ledger writes. A record of a later format is
// an error, never read as far as it is understood.
const format = 1

// Ledger keeps its records in a store. Names: lease/<target>.json,
// journal/<target>/<run>/<seq>-<event>.json, used/<digest>.json.
type Ledger struct{ store store.Store }

// New returns the ledger in a store.
func New(s store.Store) *Ledger { return &Ledger{store: s} }

// CheckTarget returns an error for what cannot be a target: a target is named as
// a unit is, slash-separated, and no segment looks like a record of the ledger.
func CheckTarget(target string) error {
	err := store.CheckName("journal/" + target)
	for segment := range strings.SplitSeq(target, "/") {
		if err == nil && (runID.MatchString(segment) || strings.HasSuffix(segment, ".json")) {
			err = fmt.Errorf("the segment %q looks like a record of the ledger", segment)
		}
	}
	if err == nil && len(target) > 700 { // a run and an entry come behind it
		err = errors.New("it is longer than 700 bytes")
	}
	if err != nil {
		return fmt.Errorf("the target %q: %w", target, err)
	}
	return nil
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// UsedError says that a capsule was used before. It is ErrUsed to errors.Is.
type UsedError struct {
	Capsule string
	By      Owner
	At      time.Time
}

// ErrUsed is what a *UsedError is.
var ErrUsed = errors.New("the capsule was used before")

func (e *UsedError) Error() string {
	return fmt.Sprintf("the capsule %s was used before, by %s on %s", e.Capsule, e.By, e.At.UTC().Format(time.RFC3339))
}

// Is makes it ErrUsed.
func (e *UsedError) Is(target error) bool { return target == ErrUsed }

type used struct {
	Format  int       `json:"format"`
	Capsule string    `json:"capsule"`
	By      Owner     `json:"by"`
	At      time.Time `json:"at"`
}

// Use marks a capsule, by its digest (sha256:...), as used by a run, for ever. A
// *UsedError where it was used before, by that run too: a plan is applied once.
func (l *Ledger) Use(ctx context.Context, capsuleDigest string, by Owner) error {
	if !digestForm.MatchString(capsuleDigest) { // one digest, one way to write it
		return fmt.Errorf("the digest %q is not sha256: and 64 lower-case hexadecimal digits", capsuleDigest)
	}
	doing := fmt.Sprintf("marking the capsule %s as used", capsuleDigest)
	if err := l.store.Exclusive(); err != nil {
		return refused(doing, err)
	}
	mark := used{Format: format, Capsule: capsuleDigest, By: by, At: time.Now().UTC()}
	err := l.create(ctx, usedName(capsuleDigest), mark)
	if errors.Is(err, store.ErrExists) {
		if err := l.Used(ctx, capsuleDigest); err != nil {
			return err
		}
		return fmt.Errorf("%s: %w, and then it was gone", doing, store.ErrExists)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// Used returns a *UsedError where a capsule was used before, and nil where it was not.
func (l *Ledger) Used(ctx context.Context, capsuleDigest string) error {
	var before used
	_, err := l.read(ctx, usedName(capsuleDigest), &before)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking whether the capsule %s was used: %w", capsuleDigest, err)
	}
	return &pipelines.Error{Err: &UsedError{Capsule: capsuleDigest, By: before.By, At: before.At},
		Hint: "make a new plan: what this one changes was changed, or may have been"}
}

func usedName(capsuleDigest string) string {
	return "used/" + strings.Replace(capsuleDigest, ":", "-", 1) + ".json"
}

func refused(doing string, err error) error {
	return &pipelines.Error{Err: fmt.Errorf("%s: %w", doing, err), Hint: "keep the ledger in a directory or in s3://bucket/prefix"}
}

// create writes a record under a name that is free.
func (l *Ledger) create(ctx context.Context, name string, record any) error {
	text, err := encode(record)
	if err != nil {
		return err
	}
	return l.store.Create(ctx, name, bytes.NewReader(text))
}

func encode(record any) ([]byte, error) {
	text, err := json.MarshalIndent(record, "", "  ")
	return append(text, '\n'), err
}

// read decodes a record strictly: what this version does not know it cannot judge.
func (l *Ledger) read(ctx context.Context, name string, record any) (store.Version, error) {
	content, version, err := l.store.Read(ctx, name)
	if err != nil {
		return "", err
	}
	defer content.Close()
	text, err := io.ReadAll(io.LimitReader(content, maxRecord+1))
	if err != nil {
		return "", fmt.Errorf("reading %q in %s: %w", name, l.store, err)
	}
	if len(text) > maxRecord {
		return "", fmt.Errorf("reading %q in %s: it is longer than %d bytes", name, l.store, maxRecord)
	}
	var head struct {
		Format int `json:"format"`
	}
	err = json.Unmarshal(text, &head)
	if err == nil && head.Format != format {
		err = fmt.Errorf("it has format %d, and this version of penstock knows %d", head.Format, format)
	}
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(record)
	}
	if err != nil {
		return "", fmt.Errorf("reading %q in %s: it is no record of the ledger: %w", name, l.store, err)
	}
	return version, nil
}

// maxRecord bounds one record: 100,000 changes with long addresses fit.
const maxRecord = 64 << 20

func leaseName(target string) string  { return "lease/" + target + ".json" }
func journalDir(target string) string { return path.Join("journal", target) + "/" }
