package release

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// ledger is the branch of records as it was read: which releases there were.
type ledger struct {
	// tip is the branch's commit, "" where there is no branch yet.
	tip  string
	tree *git.Tree
	// versions are by module.
	versions map[string][]semver
	// adopted are the tags from before the first record.
	adopted map[string]AdoptedTag
	repo    *repo
}

var recordFile = regexp.MustCompile(`^records/(?:(.+)/)?v([0-9.]+)\.json$`)

// readLedger reads what there is; the objects have to be here.
func readLedger(ctx context.Context, r *repo, tip string) (*ledger, error) {
	l := &ledger{tip: tip, versions: map[string][]semver{}, repo: r}
	if tip == "" {
		l.tree = git.InMemory(nil, nil)
		return l, nil
	}
	var err error
	whole := &git.Repo{Dir: r.Top, Top: r.Top, Prefix: "."}
	if l.tree, err = whole.Tree(ctx, tip); err != nil {
		return nil, fmt.Errorf("reading the records: %w", err)
	}
	for p := range l.tree.Entries {
		if m := recordFile.FindStringSubmatch(p); m != nil {
			if v, ok := parseVersion(m[2]); ok {
				module := path.Clean(m[1])
				l.versions[module] = append(l.versions[module], v)
			}
		}
	}
	if _, ok := l.tree.Entries[adoptedPath]; !ok {
		return l, nil
	}
	blobs, err := l.tree.Read(ctx, []string{adoptedPath})
	if err != nil {
		return nil, fmt.Errorf("reading the records: %w", err)
	}
	var a Adopted
	if err := strict(blobs[adoptedPath], &a); err != nil || a.Schema != AdoptedSchema {
		return nil, fmt.Errorf("reading the records: %q is not what a release wrote", adoptedPath)
	}
	l.adopted = a.Tags
	return l, nil
}

// adoptable are the tags of releases that a remote has.
func (r *refs) adoptable() Adopted {
	a := Adopted{Schema: AdoptedSchema, Tags: map[string]AdoptedTag{}}
	for ref, object := range r.all {
		if m := releaseTag.FindStringSubmatch(ref); m != nil {
			if _, ok := parseVersion(m[2]); ok {
				a.Tags[strings.TrimPrefix(ref, "refs/tags/")] = AdoptedTag{Object: object, Commit: r.commitOf(ref)}
			}
		}
	}
	return a
}

var releaseTag = regexp.MustCompile(`^refs/tags/(?:(.+)/)?v([0-9.]+)$`)

// highest is the last of versions.
func highest(list []semver) (top semver, ok bool) {
	for _, v := range list {
		if !ok || top.less(v) {
			top, ok = v, true
		}
	}
	return top, ok
}

// release reads a record and its seal, and holds the one against the other.
func (l *ledger) release(ctx context.Context, module string, v semver) (*Record, *Seal, string, error) {
	paths := []string{recordPath(module, v.String()), sealPath(module, v.String())}
	for _, p := range paths {
		if mode := l.tree.Entries[p].Mode; mode != git.ModeFile {
			return nil, nil, "", fmt.Errorf("%q is not among the records", p)
		}
	}
	blobs, err := l.tree.Read(ctx, paths)
	if err != nil {
		return nil, nil, "", err
	}
	record, err := ReadRecord(blobs[paths[0]])
	if err != nil {
		return nil, nil, "", err
	}
	seal := &Seal{}
	if err := strict(blobs[paths[1]], seal); err != nil || seal.Schema != SealSchema {
		return nil, nil, "", fmt.Errorf("reading %q: it is no seal", paths[1])
	}
	sum := digest(blobs[paths[0]])
	switch {
	case record.Module != module || record.Version != v.String():
		err = fmt.Errorf("%q is the record of %s %s", paths[0], record.Module, record.Version)
	case seal.Record != sum:
		err = fmt.Errorf("%q was altered: its digest is %s, sealed was %s", paths[0], sum, seal.Record)
	case seal.Tag != record.Tag || seal.Commit != record.Commit:
		err = fmt.Errorf("%q and its seal are of other tags or commits", paths[0])
	}
	return record, seal, sum, err
}

// tagged are the versions of a module that the remote has tags of.
func (r *refs) tagged(module string) (list []semver) {
	prefix := "refs/tags/" + strings.TrimSuffix(tagOf(module, ""), "")
	for ref := range r.all {
		if text, ok := strings.CutPrefix(ref, prefix); ok {
			if v, ok := parseVersion(text); ok {
				list = append(list, v)
			}
		}
	}
	return list
}

func refused(format string, args ...any) error {
	return &pipelines.Error{Err: fmt.Errorf("%w: %w", ErrRefused, fmt.Errorf(format, args...)), Hint: "run penstock release verify, and put right what it finds"}
}

// last is the last release of a module, held against its tag; nil where there is none.
func (p *planner) last(ctx context.Context, module string) (*Previous, error) {
	tagged := p.remote.tagged(module)
	top, tags := highest(tagged)
	known, records := highest(p.ledger.versions[module])
	switch {
	case !records && !tags:
		return nil, nil
	case !records:
		tag := tagOf(module, top.String())
		said, err := p.repo.recordOf(ctx, p.remote, tag)
		if err != nil {
			return nil, err
		}
		if said != "" {
			return nil, refused("the record of the tag %q is gone; its digest was %s", tag, said)
		}
		if was, ok := p.ledger.adopted[tag]; p.ledger.tip != "" && !ok {
			return nil, refused("the tag %q has no record: no release made it", tag)
		} else if ok && was.Object != p.remote.all["refs/tags/"+tag] {
			return nil, refused("the tag %q was moved: it was on %.12s, and is on %.12s", tag, was.Commit, p.remote.commitOf("refs/tags/"+tag))
		}
		p.out.notice("the last tag of %s, %q, was made without a record; it is taken as it is", module, tag)
		return &Previous{Version: top.String(), Tag: tag, Commit: p.remote.commitOf("refs/tags/" + tag)}, nil
	case tags && known.less(top):
		return nil, refused("the tag %q has no record: no release made it", tagOf(module, top.String()))
	}
	record, seal, sum, err := p.ledger.release(ctx, module, known)
	if err != nil {
		return nil, refused("the record of the last release: %w", err)
	}
	ref := "refs/tags/" + record.Tag
	switch object, there := p.remote.all[ref]; {
	case !there:
		return nil, refused("the tag %q of the last release is gone", record.Tag)
	case object != seal.Object || p.remote.commitOf(ref) != record.Commit:
		return nil, refused("the tag %q was moved: it was on %.12s, and is on %.12s", record.Tag, record.Commit, p.remote.commitOf(ref))
	}
	return &Previous{Version: record.Version, Tag: record.Tag, Commit: record.Commit, Record: sum}, nil
}

var recordSum = regexp.MustCompile(`(?m)^Penstock-Record: (sha256:[0-9a-f]{64})$`)

// recordOf is the digest of the record that a tag says it was made with, or "".
func (r *repo) recordOf(ctx context.Context, remote *refs, tag string) (string, error) {
	ref := "refs/tags/" + tag
	if remote.peeled[ref] == "" {
		return "", nil // it is no annotated tag
	}
	text, err := r.git(ctx, nil, "cat-file", "tag", remote.all[ref])
	if err != nil {
		return "", err
	}
	all := recordSum.FindAllSubmatch(text, -1)
	if len(all) == 0 {
		return "", nil
	}
	return string(all[len(all)-1][1]), nil // the last line: what stands above, others wrote
}

// order says whether a later commit was released already, and refuses where the last
// release is no ancestor of the head at all.
func (p *planner) order(ctx context.Context, module string, last *Previous) (newer bool, err error) {
	before, err := p.repo.ancestor(ctx, last.Commit, p.out.Commit)
	if err != nil || before {
		return false, err
	}
	after, err := p.repo.ancestor(ctx, p.out.Commit, last.Commit)
	if err != nil {
		return false, err
	}
	if after {
		p.out.notice("%s was released from a later commit already, as %s", module, last.Tag)
		p.out.Unchanged = append(p.out.Unchanged, module)
		return true, nil
	}
	return false, &pipelines.Error{Err: fmt.Errorf("%w: history was rewritten: the commit %.12s of the last tag, %q, is no ancestor of %.12s", ErrRefused, last.Commit, last.Tag, p.out.Commit),
		Hint: "bring the commit of the tag back into the branch"}
}
