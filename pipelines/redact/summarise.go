package redact

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/planjson"
	"github.com/penstock-dev/penstock/pipelines/risk"
)

// Options say what is known besides the plan.
type Options struct {
	// Literals are what stands in the code of the unit. Without them only what the
	// plan's own copy of the configuration holds as constants is shown.
	Literals Literals
	// Secrets are values that must not be shown wherever they turn up: those of the
	// environment that planned, such as credentials.
	Secrets []string
	// Risk is for Review.
	Risk risk.Options

	plan *secrets
}

// WithPlan adds what a plan marks as sensitive to what must not be shown, for the
// diagnostics of its apply.
func WithPlan(o Options, plan io.Reader) (Options, error) {
	c := newCollector(o)
	if _, err := planjson.Walk(plan, c.visitor()); err != nil {
		return o, err
	}
	c.settle()
	o.plan = c.secrets
	return o, nil
}

// Summarise makes a plan public.
func Summarise(plan io.Reader, o Options) (Summary, error) {
	c := newCollector(o)
	header, err := planjson.Walk(plan, c.visitor())
	if err != nil {
		return Summary{}, err
	}
	return c.summary(header), nil
}

// Review makes a plan and its risk public, reading it once. more are told of the same
// walk, before anything else is, and change nothing of what they are told.
func Review(plan io.Reader, o Options, more ...planjson.Visitor) (Summary, risk.Assessment, error) {
	j, err := risk.New(o.Risk)
	if err != nil {
		return Summary{}, risk.Assessment{}, err
	}
	c := newCollector(o)
	header, err := planjson.Walk(plan, planjson.Tee(append(slices.Clone(more), j.Visitor(), c.visitor())...))
	if err != nil {
		return Summary{}, risk.Assessment{}, err
	}
	s := c.summary(header)
	return s, s.Assessment(j.Assessment(header)), nil
}

// summary judges what was collected.
func (c *collector) summary(h planjson.Header) Summary {
	c.settle()
	j := newJudge(c)
	s := Summary{Schema: Schema, TerraformVersion: h.TerraformVersion, Complete: h.Complete == nil || *h.Complete,
		Counts: c.counts, Omitted: Omitted{Changes: c.leftover}, public: j.public}
	tree := &branch{children: map[string]*branch{}}
	slices.SortStableFunc(c.changes, func(a, b change) int { return cmp.Compare(a.resource.Address, b.resource.Address) })
	for _, one := range c.changes {
		public := j.change(one)
		s.Omitted.Attributes += public.Omitted
		tree.at(one.resource.ModuleAddress).add(public)
	}
	s.Root = tree.module("", j.public)
	slices.SortFunc(c.outputs, func(a, b outputChange) int { return cmp.Compare(a.name, b.name) })
	for _, o := range c.outputs {
		s.Outputs = append(s.Outputs, j.output(o))
	}
	s.Masked, s.Shown = j.counts, j.shown
	s.Changes = digestOfPublic(s)
	return s
}

func (j *judge) output(o outputChange) Output {
	path := []string{o.name}
	for _, l := range []*leaf{o.pair.before, o.pair.after} {
		if l != nil {
			l.path = path // an output goes by its own name
		}
	}
	return Output{Name: o.name, Action: o.action, Sensitive: o.sensitive, Before: j.value(o.pair.before), After: j.value(o.pair.after)}
}

// change makes one change public.
func (j *judge) change(c change) Change {
	r := c.resource
	out := Change{Address: j.public.show(r.Address), Type: r.Type, Action: c.action, Deposed: r.DeposedKey != "",
		Import: r.Change.Importing != nil, Omitted: c.more}
	if isName(string(r.ActionReason)) {
		out.Reason = string(r.ActionReason)
	}
	if r.PreviousAddress != "" && r.PreviousAddress != r.Address {
		out.From = j.public.show(r.PreviousAddress)
	}
	for _, p := range c.pairs {
		out.Attributes = append(out.Attributes, Attribute{Path: j.path(p.path()), Before: j.value(p.before), After: j.value(p.after), Replaces: p.replaces})
	}
	return out
}

// branch is a module while the tree is built.
type branch struct {
	changes  []Change
	children map[string]*branch
}

// at finds the branch of a module address.
func (b *branch) at(address string) *branch {
	for address != "" {
		step := firstModule(address)
		next := b.children[step]
		if next == nil {
			next = &branch{children: map[string]*branch{}}
			b.children[step] = next
		}
		b, address = next, strings.TrimPrefix(strings.TrimPrefix(address, step), ".")
	}
	return b
}

func (b *branch) add(c Change) { b.changes = append(b.changes, c) }

func (b *branch) module(address string, public *addresses) Module {
	m := Module{Address: public.show(address), Changes: b.changes}
	for _, step := range slices.Sorted(maps.Keys(b.children)) {
		whole := step
		if address != "" {
			whole = address + "." + step
		}
		m.Modules = append(m.Modules, b.children[step].module(whole, public))
	}
	return m
}

// firstModule is the first step of a module address, with its instance key:
// module.a["x.y"] of module.a["x.y"].module.b.
func firstModule(address string) string {
	quoted, dots := false, 0
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '.' && !quoted:
			if dots++; dots == 2 {
				return address[:i]
			}
		}
	}
	return address
}

// digestOfPublic binds what is shown.
func digestOfPublic(s Summary) string {
	text, err := json.Marshal(struct {
		Root    Module
		Outputs []Output
	}{s.Root, s.Outputs})
	if err != nil {
		panic(fmt.Sprintf("a summary is not JSON: %v", err)) // it is made of strings
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
