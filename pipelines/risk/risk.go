package risk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines/planjson"
)

// Options are what a team adds.
type Options struct {
	// Stateful are resource types whose loss is a loss of data, added to those
	// that are built in: "acme_ledger", or with a star, "acme_*".
	Stateful []string
}

// Assess reads a plan, the output of terraform show -json, and says its risk.
func Assess(plan io.Reader, o Options) (Assessment, error) {
	j, err := New(o)
	if err != nil {
		return Assessment{}, err
	}
	header, err := planjson.Walk(plan, j.Visitor())
	if err != nil {
		return Assessment{}, err
	}
	return j.Assessment(header), nil
}

// Judge assesses a plan whose walk it shares with others.
type Judge struct {
	stateful *types
	reasons  []Reason
	// providers are those of the changes, by address, until prior_state was read.
	providers, prior map[string]string
	// pending are values that are known after apply, until the configuration says
	// whether the unit sets them or the provider computes them.
	pending []pending
	// configured are the attributes that the configuration sets of each resource.
	configured map[string]map[string]bool
}

// New returns a judge for one plan.
func New(o Options) (*Judge, error) {
	stateful, err := statefulTypes(o.Stateful)
	if err != nil {
		return nil, err
	}
	return &Judge{stateful: stateful, providers: map[string]string{}, prior: map[string]string{},
		configured: map[string]map[string]bool{}}, nil
}

// Visitor is what has to walk the plan.
func (j *Judge) Visitor() planjson.Visitor {
	return planjson.Visitor{
		Change:     j.change,
		Drift:      j.drift,
		Deferred:   j.deferred,
		Invocation: j.invocation,
		Output:     j.output,
		Prior: func(address, provider string) error {
			j.prior[address] = provider
			return nil
		},
		Config: planjson.ConfigVisitor{Resource: j.config},
	}
}

// Assessment draws the sum, after the walk.
func (j *Judge) Assessment(h planjson.Header) Assessment {
	j.settle()
	j.movedProviders()
	if h.Complete != nil && !*h.Complete {
		j.add(High, "", "incomplete", "the plan does not cover everything: it was targeted, or it defers changes to a later plan")
	}
	if len(h.Unread) > 0 {
		j.add(High, "", "unknown-part", fmt.Sprintf("%d parts of the plan are of a kind that nobody judged", len(h.Unread)))
	}
	slices.SortStableFunc(j.reasons, func(a, b Reason) int {
		return cmp.Or(b.Level.Rank()-a.Level.Rank(), strings.Compare(a.Address, b.Address), strings.Compare(a.Rule, b.Rule))
	})
	a := Assessment{Level: None, Reasons: slices.Compact(j.reasons)}
	for _, r := range a.Reasons {
		a.Level = a.Level.Worse(r.Level)
	}
	if h.Applyable != nil && *h.Applyable && a.Level == None {
		a.Level = Low
		a.Reasons = []Reason{{Level: Low, Rule: "applyable", Message: "the plan can be applied: it changes the state only"}}
	}
	return a
}

func (j *Judge) add(level Level, address, rule, message string) {
	j.reasons = append(j.reasons, Reason{level, address, rule, message})
}

func (j *Judge) drift(r *tfjson.ResourceChange) error {
	if r.Change != nil && !r.Change.Actions.NoOp() {
		j.add(Low, r.Address, "drift", "it was changed outside of the code since the last apply")
	}
	return nil
}

func (j *Judge) deferred(d *tfjson.DeferredResourceChange) error {
	address := ""
	if d.ResourceChange != nil {
		address = d.ResourceChange.Address
	}
	j.add(High, address, "deferred", "what happens to it is decided in a later plan")
	return nil
}

func (j *Judge) invocation(i *tfjson.ActionInvocation) error {
	j.add(High, i.Address, "action", "the apply invokes an action of the provider")
	return nil
}

func (j *Judge) output(name string, c *tfjson.Change) error {
	address := "output." + name
	switch {
	case c.Actions.NoOp():
	case c.Actions.Delete():
		j.add(High, address, "output-removed", "the output is removed: who reads it from the state breaks")
	case c.Actions.Create(), c.Actions.Update():
		j.add(Low, address, "output-changed", "the output changes")
	default:
		j.add(Destructive, address, "unknown-action", "the plan does to the output what nobody here knows")
	}
	if marked(c.BeforeSensitive) && !marked(c.AfterSensitive) && !c.Actions.Delete() {
		j.add(High, address, "output-exposed", "the output, or part of it, is no longer sensitive")
	} else if !equal(c.BeforeSensitive, c.AfterSensitive) && (marked(c.BeforeSensitive) || marked(c.AfterSensitive)) && !c.Actions.Delete() {
		j.add(Low, address, "output-sensitivity", "other parts of the output are sensitive than before")
	}
	return nil
}

// marked tells whether a tree of marks marks anything.
func marked(marks any) bool {
	switch m := marks.(type) {
	case bool:
		return m
	case []any:
		return slices.ContainsFunc(m, marked)
	case map[string]any:
		for _, v := range m {
			if marked(v) {
				return true
			}
		}
	}
	return false
}

// equal compares two values of a plan. JSON sorts the keys of objects.
func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// movedProviders tells which resources change hands.
func (j *Judge) movedProviders() {
	for address, provider := range j.providers {
		if before := j.prior[address]; before != "" && before != provider {
			j.add(High, address, "provider-changed", "it is handed over to another provider")
		}
	}
}
