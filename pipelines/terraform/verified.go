package terraform

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// ErrUnverified says that a provider is not the one that a lock file names, or that
// nobody can tell.
var ErrUnverified = errors.New("providers are not verified")

func unverified(hint, format string, args ...any) error {
	return &pipelines.Error{Err: fmt.Errorf("verifying providers once: %w", &unverifiedError{fmt.Sprintf(format, args...)}), Hint: hint}
}

// unverifiedError reads as its reason alone, and is ErrUnverified.
type unverifiedError struct{ reason string }

func (e *unverifiedError) Error() string   { return e.reason }
func (e *unverifiedError) Is(t error) bool { return t == ErrUnverified }

const lockHint = "run terraform providers lock in the unit, and commit .terraform.lock.hcl"

// verified are copies of provider packages, each made and hashed once in a run and
// only ever read after that. They are ours, not the mirror's: what replaces a file
// there, replaces nothing that was verified.
type verified struct {
	store *store
	dir   string

	mu       sync.Mutex
	packages map[string]*providerPackage // by address and version
}

// providerPackage is one copy.
type providerPackage struct {
	name string // its address and version
	mu   sync.Mutex
	dir  string
	h1   string // empty until it is copied
	was  []seenFile
}

func newVerified(s *store) (*verified, error) {
	dir, err := os.MkdirTemp("", "penstock-providers-")
	if err != nil {
		return nil, fmt.Errorf("making room for verified providers: %w", err)
	}
	return &verified{store: s, dir: dir, packages: map[string]*providerPackage{}}, nil
}

// close removes the copies.
func (v *verified) close() error {
	err := filepath.WalkDir(v.dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(name, 0o700)
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(v.dir))
}

// take returns the copy of a locked provider, which the hashes of the lock allow.
func (v *verified) take(l locked) (*providerPackage, error) {
	name := l.Address + " " + l.Version
	v.mu.Lock()
	p := v.packages[name]
	if p == nil {
		p = &providerPackage{name: name, dir: filepath.Join(v.dir, fmt.Sprint(len(v.packages)))}
		v.packages[name] = p
	}
	v.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.h1 == "" {
		from, err := v.find(l)
		if err != nil {
			return nil, err
		}
		if p.h1, p.was, err = copyPackage(from, p.dir); err != nil {
			p.h1 = ""
			return nil, unverified("look at the package in the mirror", "the package of %s cannot be copied: %v", name, err)
		}
	}
	if !slices.Contains(l.Hashes, p.h1) { // each unit has its own lock file
		return nil, unverified("find out who changed it; if it is right, run terraform providers lock in the unit",
			"the package of %s is %s, which the lock file does not allow", name, p.h1)
	}
	return p, nil
}

// unchanged says whether the copy is as it was when it was hashed.
func (p *providerPackage) unchanged() error {
	now, err := seenFiles(p.dir)
	if err != nil {
		return fmt.Errorf("looking at the provider %s again: %w", p.name, err)
	}
	if what := changed(p.was, now); what != "" {
		return unverified("a program of this user wrote to it, maybe a provider: plan without --verify-providers-once",
			"the package of %s changed after it was verified: %s", p.name, what)
	}
	return nil
}

// initOnce runs init without the providers: terraform is shown an empty program in
// the place of each one that the lock file names, so that it checks everything but
// the hashes, and starts none. Then each is verified, or known to be.
func (w *Workspace) initOnce(ctx context.Context, args []string) error {
	lock, err := readLock(w.Unit)
	if err != nil {
		return err
	}
	if err := w.fetchMissing(ctx, lock); err != nil {
		return err
	}
	mirror := filepath.Join(w.Dir, "m")
	text, err := standIns(lock.providers, mirror)
	if err != nil {
		return err
	}
	if lock.present {
		if err := os.WriteFile(lock.file, text, 0o600); err != nil {
			return fmt.Errorf("writing the lock file: %w", err)
		}
	}
	from := w.runner.store.readOnly()
	from.mirrors = []string{mirror}
	out, err := w.run(ctx, from, Command{Args: args})
	if err = errors.Join(err, lock.restore()); err != nil {
		return err
	}
	if out.Exit != 0 {
		return w.initOnceError(out, lock)
	}
	overrides, packages := map[string]string{}, []*providerPackage(nil)
	for _, l := range lock.providers {
		p, err := w.runner.verified.take(l)
		if err != nil {
			return err
		}
		overrides[l.Address] = p.dir
		packages = append(packages, p)
	}
	w.overrides, w.packages = overrides, packages
	return nil
}

// fetchMissing fetches what the lock file names and is not kept yet.
func (w *Workspace) fetchMissing(ctx context.Context, lock *lockFile) error {
	if w.runner.store.fetched == nil || !slices.ContainsFunc(lock.providers, func(l locked) bool {
		_, err := w.runner.verified.find(l)
		return err != nil
	}) {
		return nil
	}
	why, err := w.runner.store.fill(ctx, w.call)
	if err = errors.Join(err, os.RemoveAll(w.call.data)); err != nil { // init is not to touch what its links lead to
		return err
	}
	if why != "" {
		return unverified(w.initHint(why), "fetching what the lock file names: %s", why)
	}
	return nil
}

var notFound = regexp.MustCompile(`provider (\S+/\S+/\S+) was not found in any of the search locations`)

// initOnceError says why init did not accept what the lock file names.
func (w *Workspace) initOnceError(out process.Output, lock *lockFile) error {
	said := firstError(out.Stderr)
	missing := notFound.FindStringSubmatch(said)
	switch {
	case missing == nil:
		return &pipelines.Error{Err: fmt.Errorf("terraform init: %s", said), Hint: w.initHint(string(out.Stderr))}
	case !lock.present:
		return unverified(lockHint, "there is no .terraform.lock.hcl, and the unit needs %s", missing[1])
	case slices.ContainsFunc(lock.providers, func(l locked) bool { return l.Address == missing[1] }):
		return unverified("allow the provider under live.allow.providers", "%s is not allowed", missing[1])
	}
	return unverified(lockHint, "the lock file does not name %s, which the unit needs", missing[1])
}

// runOnce runs terraform on the copies, and looks at them before and after.
func (w *Workspace) runOnce(ctx context.Context, c Command) (process.Output, error) {
	if len(c.Args) > 0 && slices.Contains([]string{"apply", "destroy", "import"}, c.Args[0]) {
		return process.Output{}, unverified("apply has terraform verify them", "terraform %s changes things", c.Args[0])
	}
	if err := w.unchanged(); err != nil {
		return process.Output{}, err
	}
	from := w.runner.store.readOnly()
	from.mirrors, from.allow, from.overrides = nil, nil, w.overrides
	out, err := w.run(ctx, from, c)
	return out, errors.Join(err, w.unchanged())
}

func (w *Workspace) unchanged() error {
	for _, p := range w.packages {
		if err := p.unchanged(); err != nil {
			return err
		}
	}
	return nil
}

// typeOf is the last part of a provider's address.
func typeOf(address string) string { return address[strings.LastIndex(address, "/")+1:] }
