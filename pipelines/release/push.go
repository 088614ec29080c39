package release

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// push writes records and tags as objects and gives them to the remote, all at once.
// Objects are the same for the same commit, so that a run that follows one which was
// killed, or whose answer was lost, ends where that one did.
func (p *planner) push(ctx context.Context) error {
	tags, err := p.tags(ctx)
	if err != nil {
		return fmt.Errorf("writing the tags: %w", err)
	}
	if p.out.Records, err = p.commitRecords(ctx, tags); err != nil {
		return fmt.Errorf("writing the records: %w", err)
	}
	args := []string{"push", "--atomic", "--porcelain", "--no-verify", "--recurse-submodules=no", "--force-with-lease=" + Branch + ":" + p.ledger.tip}
	specs := []string{p.out.Records + ":" + Branch}
	wanted := map[string]string{} // the branch may have moved on by the time that we look
	for i, m := range p.out.Modules {
		ref := "refs/tags/" + m.Tag
		args = append(args, "--force-with-lease="+ref+":") // it must not be there
		specs = append(specs, tags[i]+":"+ref)
		wanted[ref] = tags[i]
	}
	args = append(append(args, "--end-of-options", p.repo.remote), specs...)
	out, err := run(ctx, p.repo.Top, nil, nil, args...)
	pushErr := failed(out, err, args)
	return p.settle(ctx, wanted, pushErr)
}

// settle looks at what the remote has now, whatever the push said: its answer may be lost.
func (p *planner) settle(ctx context.Context, wanted map[string]string, pushErr error) error {
	is, err := lsRemote(ctx, p.repo.Top, p.repo.remote)
	if err != nil {
		if pushErr != nil {
			err = fmt.Errorf("%w; and whether it was pushed is not known: %w", pushErr, err)
		}
		return &pipelines.Error{Err: fmt.Errorf("pushing the release: %w", err), Hint: "run it again: what was pushed is found, and nothing is done twice"}
	}
	there := 0
	for ref, object := range wanted {
		if is.all[ref] == object {
			there++
		}
	}
	if there == len(wanted) { // the tags went there with the records, or not at all
		p.out.Pushed = true
		return nil
	}
	for _, m := range p.out.Modules {
		ref := "refs/tags/" + m.Tag
		if object := is.all[ref]; object != "" && object != wanted[ref] {
			p.out.refuse(Refusal{Module: m.Module, Rule: "tag-exists", Message: fmt.Sprintf("the tag %q was pushed by someone else meanwhile; nothing was released", m.Tag), Hint: "run penstock release verify"})
		}
	}
	if len(p.out.Refusals) == 0 && is.all[Branch] != p.ledger.tip {
		p.out.refuse(Refusal{Rule: "records-moved", Message: "another release was made meanwhile; nothing of this one was", Hint: "run it again"})
	}
	if len(p.out.Refusals) > 0 {
		p.out.Records = ""
		p.out.close()
		return nil
	}
	if pushErr == nil {
		pushErr = fmt.Errorf("the remote took it, and does not have it")
	}
	return &pipelines.Error{Err: fmt.Errorf("pushing the release: %w", pushErr), Hint: "nothing was released: run it again, or see whether the token may push tags and " + Branch}
}

// date is a commit's time as git writes it: records are of the commit, not of the run.
func (p *planner) date() string { return fmt.Sprintf("%d +0000", p.out.Time.Unix()) }

// tags writes the tag objects; each says which record it belongs to.
func (p *planner) tags(ctx context.Context) ([]string, error) {
	var objects [][]byte
	for _, m := range p.out.Modules {
		m.text = file(m.record)
		var b strings.Builder
		fmt.Fprintf(&b, "object %s\ntype commit\ntag %s\ntagger %s %s\n\n", p.out.Commit, m.Tag, p.out.by, p.date())
		fmt.Fprintf(&b, "%s %s\n\n%s\nPenstock-Record: %s\n", m.Module, m.Version, strings.TrimSpace(m.Changelog)+"\n", digest(m.text))
		objects = append(objects, []byte(b.String()))
	}
	return p.repo.hashes(ctx, "tag", objects)
}

// commitRecords adds files to the branch of records, and returns its new commit.
func (p *planner) commitRecords(ctx context.Context, tags []string) (string, error) {
	var paths []string
	var objects [][]byte
	add := func(path string, content []byte) {
		paths, objects = append(paths, path), append(objects, content)
	}
	if p.ledger.tip == "" {
		add(adoptedPath, file(p.remote.adoptable()))
	}
	for i, m := range p.out.Modules {
		add(recordPath(m.Module, m.Version), m.text)
		add(sealPath(m.Module, m.Version), file(Seal{Schema: SealSchema, Tag: m.Tag, Object: tags[i], Commit: p.out.Commit, Record: digest(m.text)}))
		log, err := p.ledger.changelog(ctx, m.Module)
		if err != nil {
			return "", err
		}
		add(changelogPath(m.Module), []byte(changelogOf(m.Module, m.Changelog+log)))
	}
	blobs, err := p.repo.hashes(ctx, "blob", objects)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "penstock-release-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	index := []string{"GIT_INDEX_FILE=" + filepath.Join(dir, "index")}
	if p.ledger.tip != "" {
		if _, err := p.with(ctx, index, nil, "read-tree", "--end-of-options", p.ledger.tip); err != nil {
			return "", err
		}
	}
	var info strings.Builder
	for i, path := range paths {
		fmt.Fprintf(&info, "100644 %s\t%s\x00", blobs[i], path)
	}
	if _, err := p.with(ctx, index, []byte(info.String()), "update-index", "-z", "--add", "--index-info"); err != nil {
		return "", err
	}
	tree, err := p.with(ctx, index, nil, "write-tree")
	if err != nil {
		return "", err
	}
	args := []string{"commit-tree", "--no-gpg-sign", tree}
	if p.ledger.tip != "" {
		args = append(args, "-p", p.ledger.tip)
	}
	name, address, _ := strings.Cut(strings.TrimSuffix(p.out.by, ">"), " <")
	who := []string{"GIT_AUTHOR_NAME=" + name, "GIT_AUTHOR_EMAIL=" + address, "GIT_AUTHOR_DATE=" + p.date(),
		"GIT_COMMITTER_NAME=" + name, "GIT_COMMITTER_EMAIL=" + address, "GIT_COMMITTER_DATE=" + p.date()}
	return p.with(ctx, who, []byte(p.message()), args...)
}

func (p *planner) message() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Release of %d modules from %.12s\n\n", len(p.out.Modules), p.out.Commit)
	for _, m := range p.out.Modules {
		fmt.Fprintf(&b, "%s\n", m.Tag)
	}
	return b.String()
}

func (p *planner) with(ctx context.Context, env []string, stdin []byte, args ...string) (string, error) {
	out, err := run(ctx, p.repo.Top, env, stdin, args...)
	return strings.TrimSpace(string(out.Stdout)), failed(out, err, args)
}

const changelogHead = "# Changelog of %s\n\n"

func changelogOf(module, entries string) string {
	return fmt.Sprintf(changelogHead, module) + entries
}

// changelog is what a module's changelog has so far, without its head.
func (l *ledger) changelog(ctx context.Context, module string) (string, error) {
	path := changelogPath(module)
	if _, ok := l.tree.Entries[path]; !ok {
		return "", nil
	}
	blobs, err := l.tree.Read(ctx, []string{path})
	if err != nil {
		return "", err
	}
	entries, ok := strings.CutPrefix(string(blobs[path]), fmt.Sprintf(changelogHead, module))
	if !ok {
		return "", fmt.Errorf("%q was altered", path)
	}
	return entries, nil
}
