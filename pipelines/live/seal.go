package live

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/page"
	"github.com/penstock-dev/penstock/pipelines/redact"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Seal makes capsules of what a plan left. It runs in a process of its own, which
// has the signing key and runs neither terraform nor a provider: it reads files.
type Seal struct {
	// Dir is the Out of the plan.
	Dir string
	// Scope is that of the plan: what was planned is compared with the closures.
	pipelines.Scope
	// Config is penstock.yaml as it counts: recipients, and where capsules are kept.
	Config *config.Config
	// Creator is who seals, and where. What a capsule says of its origin is taken
	// from here: the record was written beside code of the pull request. The zero
	// value takes the record's.
	Creator Creator
	// Authors are the e-mail addresses of who wrote or committed the change, see Authors;
	// nil: nobody knows.
	Authors []string
	// Key signs.
	Key crypto.Signer
	// Store receives the capsules; nil leaves them in Dir alone.
	Store store.Store
	// Program and Mirror are those of the plan, for the command on the page: what the
	// plan wrote of itself is not repeated as a command for people to type.
	Program, Mirror string
	// Images are the digests of the images that the plan ran in.
	Images map[string]string
}

// Sealed is one capsule.
type Sealed struct {
	Target string `json:"target"`
	Digest string `json:"digest"`
	// File is the capsule on disk, Name what the store calls it.
	File string `json:"file"`
	Name string `json:"name,omitempty"`
}

// Run seals every target that has changes and removes nothing.
func (s Seal) Run(ctx context.Context) ([]Sealed, error) {
	if len(s.Config.Live.Recipients) == 0 {
		return nil, errNoRecipients
	}
	root, err := os.OpenRoot(s.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	defer root.Close()
	targets, done, err := Select(root, s.Scope, s.Config.Live, nil, nil)
	if err != nil {
		return nil, err
	}
	defer done()
	records, err := Records(s.Dir)
	if err != nil {
		return nil, err
	}
	dirs := make([]string, 0, len(records))
	for dir := range records {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	rules := &judge{root: root, base: s.Base, config: s.Config}
	var sealed []Sealed
	var pages []page.Target
	for _, dir := range dirs {
		record := records[dir]
		i := slices.IndexFunc(targets, func(t Target) bool { return t.ID() == record.Target })
		if i < 0 {
			return sealed, fmt.Errorf("sealing the plan of %q: it is not among the units that were selected", record.Target)
		}
		if record.Outcome != Changes {
			pages = append(pages, s.shown(targets[i], record, nil, ""))
			continue
		}
		one, facts, err := s.seal(ctx, rules, dir, targets[i], record)
		if err != nil {
			return sealed, fmt.Errorf("sealing the plan of %q: %w", record.Target, err)
		}
		sealed = append(sealed, one)
		pages = append(pages, s.shown(targets[i], record, facts, one.Digest))
	}
	return sealed, writePages(s.Dir, pages)
}

// shown is one target on the page, with the command that plans it.
func (s Seal) shown(t Target, r Record, f *facts, digest string) page.Target {
	one := shown(t, r, f, digest)
	one.Reproduce = planCommand(t, s.Selection.Base, s.Mirror, s.Program, r.Planned.Destroy && !t.removed, "plans")
	return one
}

// seal binds what can be known without trusting what the plan's process wrote: the
// closure, the risk and the verdicts are found out anew from the files.
func (s Seal) seal(ctx context.Context, rules *judge, dir string, t Target, record Record) (Sealed, *facts, error) {
	closure, err := Closure(t.home, t)
	if err != nil {
		return Sealed{}, nil, err
	}
	m := record.Planned
	if m.Closure != closure || m.Unit != t.Unit.Path || m.Environment != t.Environment.Name || t.removed && !m.Destroy {
		return Sealed{}, nil, fmt.Errorf("the record is of another unit or closure: it was planned from %s, the checkout has %s", m.Closure, closure)
	}
	if m.Created.After(time.Now().Add(time.Minute)) { // its lifetime would begin when it likes
		return Sealed{}, nil, fmt.Errorf("the record is of %s: it was not planned yet", m.Created.Format(time.RFC3339))
	}
	if s.Creator != (Creator{}) {
		dirty := m.Creator.Dirty // the closure tells; and what was planned may lie in the checkout by now
		m.Creator = s.Creator.manifest()
		m.Creator.Dirty = dirty
	}
	s.authored(&m)
	facts, err := rules.read(ctx, filepath.Join(dir, JSONFile), t)
	if err != nil {
		return Sealed{}, nil, err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	m.Risk, m.Policies, m.Images = facts.manifestRisk(t, m.Destroy || record.Review), facts.policies, s.Images
	if m.Changes, err = bound(facts.changes, key); err != nil {
		return Sealed{}, nil, err
	}
	lineage, serial, err := stateIn(filepath.Join(dir, PlanFile))
	if err != nil {
		return Sealed{}, nil, err
	}
	m.State.Lineage, m.State.Serial = lineage, serial
	m.Expires = m.Created.Add(s.Config.Live.Lifetime()).Truncate(time.Second)
	members := []capsule.Source{{Name: ChangesKey, Content: key}}
	for _, name := range []string{PlanFile, JSONFile, LogFile, LockFile} {
		file := filepath.Join(dir, name)
		if _, err := os.Lstat(file); errors.Is(err, os.ErrNotExist) && name == LockFile {
			continue
		}
		members = append(members, capsule.Source{Name: strings.TrimPrefix(name, "."), Path: file})
	}
	file := filepath.Join(dir, "plan.capsule")
	sealed, err := capsule.Seal(file, m, members, s.Config.Live.Recipients, s.Key)
	if err != nil {
		return Sealed{}, nil, err
	}
	one := Sealed{Target: t.ID(), Digest: sealed, File: file}
	if s.Store != nil {
		one.Name = capsuleName(m, sealed)
		if err := put(ctx, s.Store, one.Name, file); err != nil {
			return one, nil, fmt.Errorf("keeping the capsule: %w", err)
		}
	}
	return one, &facts, nil
}

// ChangesKey is the member with the key under which a manifest binds the changes.
const ChangesKey = "changes.key"

// bound is what a manifest says of the changes: nobody can try secrets against it
// without the key, which is sealed.
func bound(changes, key []byte) (string, error) {
	mac, err := redact.Bind(changes, key)
	return "sha256:" + mac, err
}

// capsuleName is where the store keeps a capsule: whoever has the closure finds it.
func capsuleName(m capsule.Manifest, digest string) string {
	return path.Join(capsulePrefix(m.Environment, m.Unit, m.Closure),
		m.Created.UTC().Format("20060102T150405Z")+"-"+strings.TrimPrefix(digest, "sha256:")[:16]+".capsule")
}

func capsulePrefix(environment, unit, closure string) string {
	// The unit is a hash: its path may hold what a store's names cannot.
	return path.Join("capsules", environment, strings.TrimPrefix(digestOf(unit), "sha256:")[:24], strings.TrimPrefix(closure, "sha256:")[:32])
}

func put(ctx context.Context, s store.Store, name, file string) error {
	content, err := os.Open(file)
	if err != nil {
		return err
	}
	defer content.Close()
	return s.Create(ctx, name, content)
}
