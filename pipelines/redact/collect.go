package redact

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines/planjson"
)

// The bounds of what is kept of a plan, so that a plan of any size needs bounded
// memory. Deletions have room of their own: they are never pushed out.
const (
	changesLimit    = 4_000
	attributesLimit = 30_000
	lookedLimit     = 1_000_000
	literalsLimit   = 32 << 20
)

// collector hears of a whole plan and keeps what a summary may need. What may be
// shown is known only at the end: the configuration comes last.
type collector struct {
	options Options
	secrets *secrets
	texts   map[string]bool
	names   map[string]bool
	size    int // of texts and names, in bytes
	seed    maphash.Seed
	looked  map[uint64]bool

	counts               Counts
	changes              []change
	kept, keptDeletions  int
	attributes, leftover int
	outputs              []outputChange
	variables            map[string]any
	sensitive            map[string]bool     // variables, by module and name
	arguments            map[string][]string // constants given to variables
	echoed               map[uint64]bool     // what the code itself asks data sources for
}

// change is a resource that changes, with its attributes taken apart.
type change struct {
	resource *tfjson.ResourceChange // without its values
	action   Action
	pairs    []pair
	more     int
}

// pair is one attribute before and after; nil is "not there".
type pair struct {
	before, after *leaf
	replaces      bool
}

type outputChange struct {
	name      string
	action    Action
	sensitive bool
	pair      pair
}

func newCollector(o Options) *collector {
	c := &collector{options: o, secrets: newSecrets(), texts: map[string]bool{}, names: map[string]bool{}, seed: maphash.MakeSeed(),
		looked: map[uint64]bool{}, echoed: map[uint64]bool{}, variables: map[string]any{}, sensitive: map[string]bool{},
		arguments: map[string][]string{}}
	for text := range o.Literals.secrets {
		c.secrets.add(text)
	}
	for _, text := range o.Secrets {
		c.secrets.add(text)
	}
	return c
}

func (c *collector) visitor() planjson.Visitor {
	return planjson.Visitor{
		Change:   c.change,
		Drift:    c.drift,
		Deferred: c.deferred,
		Output:   c.output,
		Invocation: func(i *tfjson.ActionInvocation) error {
			c.counts.Other++
			if i.ConfigSensitive != nil {
				(&flattener{secrets: c.secrets}).flatten(nil, i.ConfigValues, i.ConfigSensitive, nil)
			}
			return nil
		},
		Variable: func(name string, v *tfjson.PlanVariable) error {
			c.variables[name] = v.Value
			return nil
		},
		Data: c.data,
		Config: planjson.ConfigVisitor{Resource: c.configResource, Variable: c.configVariable, Output: c.configOutput,
			Call: c.configCall, Provider: c.configProvider},
	}
}

func (c *collector) hash(text string) uint64 { return maphash.String(c.seed, text) }

// data remembers what a data source returned.
func (c *collector) data(r *tfjson.StateResource) error {
	var marks any
	if len(r.SensitiveValues) > 0 && json.Unmarshal(r.SensitiveValues, &marks) != nil {
		marks = true
	}
	(&flattener{secrets: c.secrets}).flatten(nil, r.AttributeValues, marks, nil)
	c.look(r.AttributeValues, 0)
	return nil
}

// look remembers what was looked up. If it is too much to remember, nothing is
// known to be harmless.
func (c *collector) look(value any, depth int) {
	if len(c.looked) > lookedLimit {
		c.secrets.full = true
		return
	}
	switch v := value.(type) {
	case string:
		c.looked[c.hash(v)] = true
		if inner, ok := jsonIn(v); ok && depth < depthLimit {
			c.look(inner, depth+1)
		}
		for line := range strings.Lines(v) {
			c.looked[c.hash(strings.TrimSpace(line))] = true
		}
	case json.Number:
		c.looked[c.hash(string(v))] = true
	case []any:
		for _, element := range v {
			c.look(element, depth)
		}
	case map[string]any:
		for key, element := range v {
			if !isName(key) {
				c.looked[c.hash(key)] = true
			}
			c.look(element, depth)
		}
	}
}

func (c *collector) drift(r *tfjson.ResourceChange) error {
	if r.Change == nil {
		return nil
	}
	c.counts.Drift++
	c.sensitiveOf(r.Change)
	return nil
}

func (c *collector) deferred(d *tfjson.DeferredResourceChange) error {
	c.counts.Deferred++
	if d.ResourceChange != nil && d.ResourceChange.Change != nil {
		c.sensitiveOf(d.ResourceChange.Change)
	}
	return nil
}

// sensitiveOf tells the secrets what a change marks, and returns its leaves.
func (c *collector) sensitiveOf(ch *tfjson.Change) (before, after flattener) {
	before, after = flattener{secrets: c.secrets}, flattener{secrets: c.secrets}
	before.flatten(nil, ch.Before, ch.BeforeSensitive, nil)
	after.flatten(nil, ch.After, ch.AfterSensitive, ch.AfterUnknown)
	return before, after
}

func (c *collector) change(r *tfjson.ResourceChange) error {
	if r.Change == nil {
		r.Change = &tfjson.Change{}
	}
	before, after := c.sensitiveOf(r.Change)
	action := c.count(r)
	if r.Mode == tfjson.DataResourceMode {
		c.look(r.Change.Before, 0)
	}
	moved := r.PreviousAddress != "" && r.PreviousAddress != r.Address
	if action == "no_op" && !moved && r.Change.Importing == nil {
		return nil
	}
	kept := &c.kept
	if action == "delete" || action == "replace" || action == "other" {
		kept = &c.keptDeletions
	}
	if *kept++; *kept > changesLimit {
		c.leftover++
		return nil
	}
	one := change{resource: r, action: action, more: before.more + after.more}
	if r.Mode != tfjson.DataResourceMode && action != "no_op" {
		one.pairs = pairs(before.leaves, after.leaves, r.Change)
		if c.attributes += len(one.pairs); c.attributes > attributesLimit {
			one.more += len(one.pairs)
			one.pairs = nil
		}
	}
	r.Change = &tfjson.Change{Importing: r.Change.Importing}
	c.changes = append(c.changes, one)
	return nil
}

// count counts a change and names its action.
func (c *collector) count(r *tfjson.ResourceChange) Action {
	if r.PreviousAddress != "" && r.PreviousAddress != r.Address {
		c.counts.Move++
	}
	if r.Change.Importing != nil {
		c.counts.Import++
	}
	action := actionOf(r.Change.Actions)
	switch action {
	case "no_op":
		c.counts.NoOp++
	case "create":
		c.counts.Create++
	case "read":
		c.counts.Read++
	case "update":
		c.counts.Update++
	case "delete":
		c.counts.Delete++
	case "replace":
		c.counts.Replace++
	case "forget":
		c.counts.Forget++
	default:
		c.counts.Other++
	}
	return action
}

func actionOf(a tfjson.Actions) Action {
	switch {
	case a.NoOp():
		return "no_op"
	case a.Create():
		return "create"
	case a.Read():
		return "read"
	case a.Update():
		return "update"
	case a.Delete():
		return "delete"
	case a.Replace():
		return "replace"
	case a.Forget():
		return "forget"
	}
	return "other"
}

// pairs joins the leaves of before and after by path and leaves out what is equal.
func pairs(before, after []leaf, ch *tfjson.Change) []pair {
	at := map[string]int{}
	var list []pair
	for i := range before {
		at[before[i].key()] = len(list)
		list = append(list, pair{before: &before[i]})
	}
	for i := range after {
		if known, ok := at[after[i].key()]; ok {
			list[known].after = &after[i]
		} else {
			list = append(list, pair{after: &after[i]})
		}
	}
	replacing := replacePaths(ch.ReplacePaths)
	list = slices.DeleteFunc(list, func(p pair) bool { return p.same() || p.nothing() })
	for i := range list {
		list[i].detach()
		path := list[i].path()
		list[i].replaces = slices.ContainsFunc(replacing, func(r []string) bool {
			return len(r) > 0 && len(r) <= len(path) && slices.Equal(r, path[:len(r)])
		})
	}
	slices.SortStableFunc(list, func(a, b pair) int { return slices.Compare(a.path(), b.path()) })
	return list
}

// detach copies the leaves, so that a pair that is kept does not keep all others.
func (p *pair) detach() {
	for _, side := range []**leaf{&p.before, &p.after} {
		if *side != nil {
			one := **side
			*side = &one
		}
	}
}

func (p pair) path() []string {
	if p.after != nil {
		return p.after.path
	}
	return p.before.path
}

// same tells whether nothing is to be told. What is sensitive on both sides may
// have changed or not: the plan knows, and so the caller is asked by value.
func (p pair) same() bool {
	return p.before != nil && p.after != nil && p.before.masked == p.after.masked && p.before.masked != Unknown && p.before.value == p.after.value
}

// nothing tells whether both sides are null, empty or not there.
func (p pair) nothing() bool {
	null := func(l *leaf) bool { return l == nil || l.masked == "" && (l.value == nil || l.value == emptyList) }
	return null(p.before) && null(p.after)
}

func replacePaths(paths []any) [][]string {
	var list [][]string
	for _, one := range paths {
		var path []string
		steps, _ := one.([]any)
		for _, step := range steps {
			switch s := step.(type) {
			case string:
				path = append(path, s)
			case json.Number:
				path = append(path, "["+string(s)+"]")
			}
		}
		list = append(list, path)
	}
	return list
}

func (c *collector) output(name string, ch *tfjson.Change) error {
	before, after := c.sensitiveOf(ch)
	action := actionOf(ch.Actions)
	if action == "no_op" {
		return nil
	}
	c.counts.Outputs++
	out := outputChange{name: name, action: action, sensitive: len(before.leaves) == 1 && before.leaves[0].masked == Sensitive ||
		len(after.leaves) == 1 && after.leaves[0].masked == Sensitive}
	out.pair.before, out.pair.after = whole(before), whole(after)
	if action == "create" {
		out.pair.before = nil
	}
	if action == "delete" {
		out.pair.after = nil
	}
	c.outputs = append(c.outputs, out)
	return nil
}

// whole is an output's value where it is one value; of others only that they are.
func whole(f flattener) *leaf {
	if len(f.leaves) == 1 && len(f.leaves[0].path) == 0 {
		return &f.leaves[0]
	}
	for _, l := range f.leaves {
		if l.masked == Sensitive {
			return &leaf{masked: Sensitive}
		}
	}
	return &leaf{masked: TooLong}
}

func moduleVariable(module, name string) string { return fmt.Sprintf("%s\x00%s", module, name) }
