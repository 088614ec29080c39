// Package release gives modules versions that nobody can move: it reads what callers
// depend on, compares it with the last release, and pushes tags and records at once.
package release

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/forge"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// Release releases the modules of a catalog whose content changed since their last tag.
type Release struct {
	// Root is the catalog's directory, in a git repository. What its HEAD has is released.
	Root string
	// Remote is a name or an address. Default "origin".
	Remote string
	// Base is the main branch of the remote. Default: what the remote's HEAD names.
	Base string
	// DryRun only says what would be.
	DryRun bool
	// Evidence is the file of a report of the tests of exactly this commit.
	Evidence string
	// Forge is asked whether the commit's checks are green. Nil: there is none, and
	// evidence is needed.
	Forge *forge.Forge
	// Self is the address of the workflow run that releases: its own checks cannot be
	// over yet, and do not count.
	Self string
	// Penstock is the version of the program.
	Penstock string

	// beforePush is called when all is computed.
	beforePush func()
}

// Run releases. What is refused is in the outcome; an error says that nobody knows.
func (r Release) Run(ctx context.Context) (*Outcome, error) {
	if r.Remote == "" {
		r.Remote = "origin"
	}
	if err := checkRemote(r.Remote); err != nil {
		return nil, err
	}
	opened, err := git.Open(ctx, r.Root)
	if err != nil {
		var known *pipelines.Error
		if errors.As(err, &known) {
			known.Hint = "release works in a git repository with its remote"
		}
		return nil, err
	}
	p := &planner{repo: &repo{opened, r.Remote}, commits: map[string]*catalogAt{}, histories: map[string][]history{},
		out: &Outcome{Schema: Schema, DryRun: r.DryRun, Modules: []*Module{}, Unchanged: []string{}, Refusals: []Refusal{}, Notices: []string{}, penstock: r.Penstock}}
	if err := r.prepare(ctx, p); err != nil {
		return nil, err
	}
	if err := p.plan(ctx); err != nil {
		return nil, err
	}
	if err := r.conditions(ctx, p); err != nil {
		return nil, err
	}
	p.out.close()
	if p.out.DryRun || p.out.refused() || len(p.out.Modules) == 0 {
		return p.out, nil
	}
	if r.beforePush != nil {
		r.beforePush()
	}
	return p.out, p.push(ctx)
}

// prepare reads what is there: the commit, the remote, the records, the catalog.
func (r Release) prepare(ctx context.Context, p *planner) error {
	var err error
	if p.out.Commit, err = p.repo.Resolve(ctx, "HEAD"); err != nil {
		return err
	}
	if p.out.Time, err = p.repo.Made(ctx, p.out.Commit); err != nil {
		return err
	}
	p.out.by = p.repo.identity(ctx)
	shallow, err := p.repo.shallow(ctx)
	if err != nil {
		return err
	}
	if shallow {
		return &pipelines.Error{Err: fmt.Errorf("%w: this is a shallow clone: the commits of the last tags, and what came since, are not all here", ErrRefused),
			Hint: "run git fetch --unshallow, or check out with fetch-depth: 0"}
	}
	if p.remote, err = lsRemote(ctx, p.repo.Top, r.Remote); err != nil {
		return err
	}
	if err := r.base(p); err != nil {
		return err
	}
	tree, err := p.repo.Tree(ctx, p.out.Commit)
	if err != nil {
		return err
	}
	if p.config, err = config.Load(tree.FS()); err != nil {
		return err
	}
	if p.head, err = p.at(ctx, p.out.Commit); err != nil {
		return err
	}
	if err := p.repo.fetch(ctx, p.remote, p.wanted()); err != nil {
		return err
	}
	if p.ledger, err = readLedger(ctx, p.repo, p.remote.all[Branch]); err != nil {
		return err
	}
	p.fragments, err = p.head.fragments(ctx)
	return err
}

// base finds the main branch.
func (r Release) base(p *planner) error {
	branch := p.remote.head
	if r.Base != "" {
		branch = "refs/heads/" + strings.TrimPrefix(r.Base, "refs/heads/")
	}
	if _, ok := p.remote.all[branch]; !ok {
		name := strings.TrimPrefix(branch, "refs/heads/")
		return &pipelines.Error{Err: fmt.Errorf("looking for the main branch: the remote has no branch %q", name), Hint: "name it with --base"}
	}
	p.out.Base = strings.TrimPrefix(branch, "refs/heads/")
	return nil
}

// wanted are the refs whose objects have to be here: of each module the tags that could
// be its last.
func (p *planner) wanted() []string {
	list := []string{"refs/heads/" + p.out.Base}
	if _, ok := p.remote.all[Branch]; ok {
		list = append(list, Branch)
	}
	for _, unit := range p.head.selection.Units {
		name := p.name(unit.Path)
		if top, ok := highest(p.remote.tagged(name)); ok {
			list = append(list, "refs/tags/"+tagOf(name, top.String()))
		}
	}
	return list
}

// conditions are what has to hold beside the modules themselves.
func (r Release) conditions(ctx context.Context, p *planner) error {
	file, err := p.repo.dirty(ctx, r.Evidence)
	if err != nil {
		return err
	}
	if file != "" {
		p.out.refuse(Refusal{Rule: "dirty", Here: true, Message: fmt.Sprintf("the working tree differs from the commit, in %q for one", file), Hint: "commit it, or take it away"})
	}
	on, err := p.repo.ancestor(ctx, p.out.Commit, p.remote.all["refs/heads/"+p.out.Base])
	if err != nil {
		return err
	}
	if !on {
		p.out.refuse(Refusal{Rule: "not-on-base", Here: true, Message: fmt.Sprintf("the commit %.12s is not on %q of the remote", p.out.Commit, p.out.Base), Hint: "merge it first"})
	}
	if len(p.out.Modules) == 0 {
		return nil
	}
	if err := r.evidence(p); err != nil {
		return err
	}
	return r.checks(ctx, p)
}
