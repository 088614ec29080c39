package release

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// Module is what a release comes to for one module.
type Module struct {
	// Module is its path in the repository, Unit the one in the catalog.
	Module string `json:"module"`
	Unit   string `json:"unit"`
	// Previous is its last release, nil where there is none.
	Previous *Previous `json:"previous,omitempty"`
	Version  string    `json:"version"`
	Tag      string    `json:"tag"`
	Step     Step      `json:"step" jsonschema:"enum=first,enum=patch,enum=minor,enum=major"`
	// Why says in a line what decided the step.
	Why       string   `json:"why"`
	Changes   []Change `json:"changes"`
	Commits   []Commit `json:"commits"`
	Severity  Severity `json:"severity"`
	Changelog string   `json:"changelog"`
	// Tree and Interface are digests.
	Tree      string `json:"tree"`
	Interface string `json:"interface"`

	record *Record
	notes  []string
	text   []byte // of the record
}

// First is the step of a first release.
const First Step = "first"

// catalogAt is a catalog as one commit has it.
type catalogAt struct {
	*snapshot
	selection pipelines.Selection
	paths     []string // of its units
}

func (c *catalogAt) unit(dir string) *pipelines.Unit {
	for i := range c.selection.Units {
		if c.selection.Units[i].Path == dir {
			return &c.selection.Units[i]
		}
	}
	return nil
}

// planner computes what would be released. Nothing of it writes anything.
type planner struct {
	repo      *repo
	config    *config.Config
	remote    *refs
	ledger    *ledger
	head      *catalogAt
	fragments []*Fragment
	commits   map[string]*catalogAt
	histories map[string][]history
	out       *Outcome
}

// at reads the catalog at a commit, once.
func (p *planner) at(ctx context.Context, commit string) (*catalogAt, error) {
	if c, ok := p.commits[commit]; ok {
		return c, nil
	}
	tree, err := p.repo.Tree(ctx, commit)
	if err != nil {
		return nil, err
	}
	s, err := newSnapshot(ctx, commit, tree)
	if err != nil {
		return nil, err
	}
	c := &catalogAt{snapshot: s}
	if c.selection, err = s.units(ctx, p.config); err != nil {
		return nil, err
	}
	for _, u := range c.selection.Units {
		c.paths = append(c.paths, u.Path)
	}
	p.commits[commit] = c
	return c, nil
}

// name is the path of a unit in the repository.
func (p *planner) name(unit string) string { return path.Join(p.repo.Prefix, unit) }

// seen is a module as one commit has it.
type seen struct {
	Interfaces
	members []string
}

// look reads a module.
func (p *planner) look(c *catalogAt, dir string) (*seen, error) {
	s := &seen{}
	var dirs []string
	var err error
	if s.Terraform, dirs, err = c.read(dir, terraform); err != nil {
		return nil, err
	}
	if c.tofu {
		of, more, err := c.read(dir, openTofu)
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, more...)
		if s.Terraform == nil || encoded(of) != encoded(s.Terraform) {
			s.OpenTofu = of
		}
	}
	if len(dirs) == 0 {
		return nil, unreadable(pipelines.Position{Path: dir}, "there is no configuration")
	}
	s.members = p.members(c, dir, dirs)
	return s, nil
}

func (p *planner) members(c *catalogAt, dir string, dirs []string) []string {
	var inputs []string
	if u := c.unit(dir); u != nil {
		inputs = u.Inputs
	}
	return c.snapshot.members(dirs, inputs, c.paths, p.config)
}

// plan computes the release of every module that changed.
func (p *planner) plan(ctx context.Context) error {
	for _, unit := range p.head.selection.Units {
		switch {
		case unit.Kind == pipelines.Module:
		case unit.Kind == pipelines.Live && p.wasModule(unit): // it is not left out without a word
		default:
			continue
		}
		p.out.Total++
		if err := p.module(ctx, unit); err != nil {
			if ctx.Err() != nil || !p.judged(unit, err) {
				return err
			}
		}
	}
	p.strayFragments()
	return nil
}

// wasModule says whether what the catalog takes for live has releases, or is only taken
// for it because it cannot be read.
func (p *planner) wasModule(unit pipelines.Unit) bool {
	name := p.name(unit.Path)
	if len(p.remote.tagged(name)) > 0 || len(p.ledger.versions[name]) > 0 {
		return true
	}
	r := &reading{snapshot: p.head.snapshot, src: map[string][]byte{}}
	for _, file := range p.head.files(unit.Path, openTofu) {
		if _, err := r.body(file); err != nil {
			return true
		}
	}
	return false
}

// judged takes an error that is about one module as a refusal.
func (p *planner) judged(unit pipelines.Unit, err error) bool {
	var known *pipelines.Error
	if !errors.As(err, &known) || !errors.Is(err, ErrUnreadable) && !errors.Is(err, ErrRefused) {
		return false
	}
	r := Refusal{Module: p.name(unit.Path), Rule: "unreadable", Message: known.Err.Error(), Hint: known.Hint, Position: known.Position}
	if errors.Is(err, ErrRefused) {
		r.Rule = "history"
	}
	p.out.refuse(r)
	return true
}

// module computes the release of one.
func (p *planner) module(ctx context.Context, unit pipelines.Unit) error {
	name := p.name(unit.Path)
	last, err := p.last(ctx, name)
	if err != nil {
		return err
	}
	if last != nil {
		newer, err := p.order(ctx, name, last)
		if err != nil || newer {
			return err
		}
	}
	if last == nil {
		return p.first(ctx, unit, name)
	}
	before, err := p.at(ctx, last.Commit)
	if err != nil {
		return err
	}
	old, oldErr := p.look(before, unit.Path)
	now, err := p.look(p.head, unit.Path)
	if err != nil {
		if oldErr != nil && same(before.snapshot, p.head.snapshot, before.children[unit.Path], p.head.children[unit.Path]) {
			return nil // it was released so, before Penstock came
		}
		return err
	}
	if oldErr == nil && same(before.snapshot, p.head.snapshot, old.members, now.members) {
		p.out.Unchanged = append(p.out.Unchanged, name)
		return nil
	}
	m := &Module{Module: name, Unit: unit.Path, Previous: last, Step: Patch, Changes: []Change{}, Why: "its content changed, and its interface did not"}
	if oldErr != nil {
		if !errors.Is(oldErr, ErrUnreadable) {
			return oldErr
		}
		m.Changes = append(m.Changes, Change{Step: Major, Text: "the interface of the release before cannot be read: nobody can tell what changed"})
	} else if m.Changes, err = compareBoth(old.Interfaces, now.Interfaces); err != nil {
		return err
	}
	touched := map[string]bool{}
	for _, member := range now.members {
		touched[path.Join(p.repo.Prefix, member)] = true
	}
	if old != nil {
		for _, member := range old.members {
			touched[path.Join(p.repo.Prefix, member)] = true
		}
	}
	history, err := p.history(ctx, last.Commit)
	if err != nil {
		return err
	}
	m.Commits = touching(history, touched)
	m.decide()
	return p.finish(ctx, m, now, before)
}

// decide draws the step: the interface says the least that it is, commits can raise it.
func (m *Module) decide() {
	for _, c := range m.Changes {
		if c.Step.rank() > m.Step.rank() || m.Step == Patch && c.Step == Patch && m.Why == "its content changed, and its interface did not" {
			m.Step, m.Why = c.Step.max(m.Step), c.Text
		}
	}
	for _, c := range m.Commits {
		if c.Step.rank() > m.Step.rank() {
			m.Step, m.Why = c.Step, fmt.Sprintf("the commit %.12s says so: %s", c.Hash, c.Subject)
		}
	}
	old, _ := parseVersion(m.Previous.Version)
	m.Version = old.next(m.Step).String()
}

// first is the first release of a module.
func (p *planner) first(ctx context.Context, unit pipelines.Unit, name string) error {
	now, err := p.look(p.head, unit.Path)
	if err != nil {
		return err
	}
	m := &Module{Module: name, Unit: unit.Path, Step: First, Changes: []Change{}, Commits: []Commit{}, Why: "it has no release yet", Version: p.config.Release.FirstVersion()}
	return p.finish(ctx, m, now, nil)
}

// finish adds what does not decide the step, and writes the record.
func (p *planner) finish(ctx context.Context, m *Module, now *seen, before *catalogAt) error {
	var mine []*Fragment
	for _, f := range p.fragments {
		if !slices.Contains(f.Modules, m.Unit) {
			continue
		}
		if before != nil {
			if _, had := before.tree.Entries[f.file]; had {
				continue // it counted for a release before
			}
		}
		mine = append(mine, f)
		if f.Note != "" {
			m.notes = append(m.notes, f.Note)
		}
		if v, _ := parseVersion(m.Version); f.Stable && v.major == 0 {
			m.Version, m.Why, m.Step = "1.0.0", f.file+" says that it is stable", m.Step.max(Major)
		}
	}
	m.Severity, m.Tag = severity(mine), tagOf(m.Module, m.Version)
	if why := badRef(m.Tag); why != "" {
		return &pipelines.Error{Position: pipelines.Position{Path: m.Module}, Err: fmt.Errorf("%w: there can be no tag %q: %s", ErrRefused, m.Tag, why), Hint: "rename the directory"}
	}
	content, err := p.head.content(ctx, p.repo.Prefix, now.members)
	if err != nil {
		return err
	}
	m.Tree, m.Interface = content.Digest, now.Interfaces.digest()
	m.Changelog = changelog(m, p.out.Time.Format("2006-01-02"))
	if _, there := p.remote.all["refs/tags/"+m.Tag]; there {
		p.out.refuse(Refusal{Module: m.Module, Rule: "tag-exists", Message: fmt.Sprintf("the tag %q exists already", m.Tag), Hint: "run penstock release verify"})
	}
	m.record = &Record{Schema: RecordSchema, Module: m.Module, Version: m.Version, Tag: m.Tag, Commit: p.out.Commit, Time: p.out.Time, By: p.out.by, Previous: m.Previous,
		Step: m.Step, Changes: m.Changes, Commits: m.Commits, Tree: content, InterfaceDigest: m.Interface, Interfaces: now.Interfaces, Severity: m.Severity,
		Changelog: m.Changelog, Penstock: p.out.penstock}
	p.out.Modules = append(p.out.Modules, m)
	return nil
}

// history lists the commits since one, once.
func (p *planner) history(ctx context.Context, commit string) ([]history, error) {
	if h, ok := p.histories[commit]; ok {
		return h, nil
	}
	h, err := p.repo.since(ctx, commit, p.out.Commit)
	if err == nil {
		p.histories[commit] = h
	}
	return h, err
}

// compareBoth compares what a module is for both programs.
func compareBoth(old, now Interfaces) ([]Change, error) {
	changes := []Change{}
	switch {
	case old.Terraform != nil && now.Terraform == nil:
		changes = append(changes, Change{Step: Major, Text: "Terraform no longer reads it: all of its files are for OpenTofu"})
	case old.Terraform == nil && now.Terraform != nil:
		changes = append(changes, Change{Step: Minor, Text: "Terraform reads it now, and not only OpenTofu"})
	case old.Terraform != nil:
		list, err := compare(old.Terraform, now.Terraform)
		if err != nil {
			return nil, err
		}
		changes = append(changes, list...)
	}
	if old.OpenTofu == nil && now.OpenTofu == nil {
		return changes, nil
	}
	was, is := cmp.Or(old.OpenTofu, old.Terraform), cmp.Or(now.OpenTofu, now.Terraform)
	list, err := compare(was, is)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if !slices.ContainsFunc(changes, func(other Change) bool { return other.Text == c.Text }) {
			c.Text += ", with OpenTofu"
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// strayFragments refuses fragments that name no module, unless they were there at a
// release already: what they name may have been taken away since.
func (p *planner) strayFragments() {
	for _, f := range p.fragments {
		old := false
		for commit, c := range p.commits {
			_, had := c.tree.Entries[f.file]
			old = old || had && commit != p.out.Commit
		}
		if old {
			continue
		}
		for _, name := range f.Modules {
			if u := p.head.unit(name); u == nil || u.Kind != pipelines.Module {
				p.out.refuse(Refusal{Rule: "fragment", Message: fmt.Sprintf("there is no module %q", name), Hint: "penstock units lists the modules", Position: pipelines.Position{Path: f.file, Line: 1}})
			}
		}
	}
}

// badRef says why git takes no ref of this name, or "".
func badRef(name string) string {
	for _, bad := range []string{"..", "@{", "//", "~", "^", ":", "?", "*", "[", "\\", " ", "\x7f"} {
		if strings.Contains(name, bad) {
			return fmt.Sprintf("it holds %q", bad)
		}
	}
	for _, r := range name {
		if r < ' ' {
			return "it holds a control character"
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") || strings.HasSuffix(part, ".") {
			return fmt.Sprintf("it holds %q", part)
		}
	}
	if strings.HasPrefix(name, "-") {
		return "it begins with -"
	}
	return ""
}
