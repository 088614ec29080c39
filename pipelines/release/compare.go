package release

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// Change is one difference of two interfaces, and what it asks of the version.
type Change struct {
	Step Step `json:"step" jsonschema:"enum=patch,enum=minor,enum=major"`
	// Text says it in a line. Names are as the module spells them.
	Text string `json:"text"`
	// Position is where it stands now, where it does.
	Position pipelines.Position `json:"position,omitzero"`
}

type comparison struct {
	old, now *Interface
	changes  []Change
}

func (c *comparison) say(step Step, at pipelines.Position, parts ...string) {
	c.changes = append(c.changes, Change{Step: step, Text: strings.Join(parts, ""), Position: at})
}

// compare lists how an interface differs from the one before, the gravest first.
func compare(old, now *Interface) ([]Change, error) {
	c := &comparison{old: old, now: now}
	c.variables()
	c.outputs()
	if err := c.needs(); err != nil {
		return nil, err
	}
	if err := c.calls(); err != nil {
		return nil, err
	}
	c.addresses()
	slices.SortStableFunc(c.changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Step.rank(), a.Step.rank()), cmp.Compare(a.Text, b.Text))
	})
	return c.changes, nil
}

func q(name string) string { return "`" + strings.ReplaceAll(name, "`", "'") + "`" }

// names are the keys of two maps, sorted.
func names[V any](a, b map[string]V) []string {
	list := slices.Collect(maps.Keys(a))
	for name := range b {
		if _, ok := a[name]; !ok {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func (c *comparison) variables() {
	for _, name := range names(c.old.Variables, c.now.Variables) {
		old, was := c.old.Variables[name]
		now, is := c.now.Variables[name]
		called := "variable " + q(name)
		switch {
		case !is:
			c.say(Major, pipelines.Position{}, called, " was removed")
		case !was && now.Required:
			c.say(Major, now.at, called, " is new and required")
		case !was:
			c.say(Minor, now.at, called, " is new, with a default")
		default:
			c.variable(called, old, now)
		}
	}
}

func (c *comparison) variable(called string, old, now Variable) {
	switch {
	case old.Type == now.Type:
	case old.ty.Equals(now.ty):
		c.say(Patch, now.at, called, ": defaults within its type are others now")
	case !takes(now.ty, old.ty):
		c.say(Major, now.at, called, ": its type was narrowed or changed, from ", q(old.Type), " to ", q(now.Type))
	default:
		c.say(Minor, now.at, called, ": its type was widened, from ", q(old.Type), " to ", q(now.Type))
	}
	switch {
	case !old.Required && now.Required:
		c.say(Major, now.at, called, " is required now: its default was removed")
	case old.Required && !now.Required:
		c.say(Minor, now.at, called, " has a default now")
	case old.exact != now.exact && (old.Sensitive || now.Sensitive):
		c.say(Patch, now.at, called, ": its default is another now")
	case old.exact != now.exact && old.Type == now.Type:
		c.say(Patch, now.at, called, ": its default is ", q(short(now.exact)), " now, was ", q(short(old.exact)))
	case old.exact != now.exact:
		c.say(Patch, now.at, called, ": its default is ", q(short(now.exact)), " now")
	}
	switch {
	case old.Nullable && !now.Nullable:
		c.say(Major, now.at, called, " may no longer be null")
	case !old.Nullable && now.Nullable:
		c.say(Minor, now.at, called, " may be null now")
	}
	switch {
	case old.Ephemeral && !now.Ephemeral:
		c.say(Major, now.at, called, " no longer takes ephemeral values")
	case !old.Ephemeral && now.Ephemeral:
		c.say(Minor, now.at, called, " takes ephemeral values now")
	}
	if old.Sensitive != now.Sensitive {
		c.say(Patch, now.at, called, map[bool]string{true: " is sensitive now", false: " is no longer sensitive"}[now.Sensitive])
	}
	if !old.Deprecated && now.Deprecated {
		c.say(Minor, now.at, called, " is deprecated now")
	}
	c.validations(called, old, now)
}

// short keeps a line a line.
func short(text string) string {
	const limit = 80
	if r := []rune(text); len(r) > limit {
		return string(r[:limit]) + "..."
	}
	return text
}

// validations: a condition that was not there may refuse what callers give. Whether it
// is weaker than the one that it replaces nobody can tell, so that it counts as new.
func (c *comparison) validations(called string, old, now Variable) {
	conditions := func(list []Validation) map[string]string {
		m := map[string]string{}
		for _, v := range list {
			m[v.Condition] = v.Message
		}
		return m
	}
	before, after := conditions(old.Validations), conditions(now.Validations)
	for _, condition := range names(before, after) {
		was, had := before[condition]
		is, has := after[condition]
		switch {
		case has && !had:
			c.say(Major, now.at, called, ": a validation is new or was changed: ", q(short(condition)))
		case had && !has && len(after) < len(before):
			c.say(Minor, now.at, called, ": a validation was removed: ", q(short(condition)))
		case had && has && was != is:
			c.say(Patch, now.at, called, ": the message of a validation is another now")
		}
	}
}

func (c *comparison) outputs() {
	for _, name := range names(c.old.Outputs, c.now.Outputs) {
		old, was := c.old.Outputs[name]
		now, is := c.now.Outputs[name]
		called := "output " + q(name)
		switch {
		case !is:
			c.say(Major, pipelines.Position{}, called, " was removed")
			continue
		case !was:
			c.say(Minor, now.at, called, " is new")
			continue
		}
		switch {
		case !old.Sensitive && now.Sensitive:
			c.say(Major, now.at, called, " is sensitive now")
		case old.Sensitive && !now.Sensitive:
			c.say(Minor, now.at, called, " is no longer sensitive")
		}
		switch {
		case !old.Ephemeral && now.Ephemeral:
			c.say(Major, now.at, called, " is ephemeral now")
		case old.Ephemeral && !now.Ephemeral:
			c.say(Minor, now.at, called, " is no longer ephemeral")
		}
		if !old.Deprecated && now.Deprecated {
			c.say(Minor, now.at, called, " is deprecated now")
		}
	}
}
