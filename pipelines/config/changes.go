package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
)

// Changes names each policy directory, setting, rule and waiver that the head
// changes against the base: it does not count for the change itself. What units
// there are is the head's to say, so those rules are named too.
func Changes(base, head *Config) []pipelines.Notice {
	d := &differences{}
	d.units(base.Units, head.Units)
	b, h := base.Compliance, head.Compliance
	for _, dir := range b.Policies {
		if !slices.Contains(h.Policies, dir) {
			d.later(pipelines.Position{}, "this change takes %q out of compliance.policies", dir)
		}
	}
	for _, dir := range h.Policies {
		if !slices.Contains(b.Policies, dir) {
			d.later(pipelines.Position{}, "this change adds %q to compliance.policies", dir)
		}
	}
	d.settings(b.Settings, h.Settings)
	d.rules(b.Rules, h.Rules)
	d.waivers(b.Waivers, h.Waivers)
	d.live(base.Live, head.Live)
	return d.notices
}

type differences struct{ notices []pipelines.Notice }

func (d *differences) say(at pipelines.Position, format string, args ...any) {
	d.notices = append(d.notices, pipelines.Notice{Path: File, Line: at.Line, Message: fmt.Sprintf(format, args...)})
}

// later says what does not count for the change itself.
func (d *differences) later(at pipelines.Position, format string, args ...any) {
	d.say(at, format+"; it counts once it is on the base", args...)
}

func (d *differences) units(base, head []UnitRule) {
	value := func(r UnitRule) UnitRule { return UnitRule{Path: r.Path, Kind: r.Kind} }
	has := func(list []UnitRule, r UnitRule) bool {
		return slices.ContainsFunc(list, func(other UnitRule) bool { return value(other) == value(r) })
	}
	for _, r := range head {
		if !has(base, r) {
			d.say(r.Position, "this change says that %q is %s", r.Path, kindText(r.Kind))
		}
	}
	for _, r := range base {
		if !has(head, r) {
			d.say(pipelines.Position{}, "this change no longer says that %q is %s", r.Path, kindText(r.Kind))
		}
	}
}

func kindText(kind string) string {
	if kind == "ignore" {
		return "no unit"
	}
	return "of the kind " + kind
}

// settings compares them key by key, under the names that the file has.
func (d *differences) settings(base, head Settings) {
	before, after := base.values(), head.values()
	for _, key := range fieldsOf(reflect.TypeFor[Settings]()).names {
		if !bytes.Equal(before[key], after[key]) {
			d.later(pipelines.Position{}, "this change edits compliance.settings.%s", key)
		}
	}
}

// live compares what says who may do what, key by key.
func (d *differences) live(base, head Live) {
	before, after := keys(base), keys(head)
	for _, key := range fieldsOf(reflect.TypeFor[Live]()).names {
		if !bytes.Equal(before[key], after[key]) {
			d.later(pipelines.Position{}, "this change edits live.%s", key)
		}
	}
}

// values are the settings by key; what is empty is not there.
func (s Settings) values() map[string]json.RawMessage { return keys(s) }

func keys(of any) map[string]json.RawMessage {
	text, err := json.Marshal(of)
	if err != nil { // YAML knows no value that JSON does not, once .inf and .nan are refused
		panic(err)
	}
	values := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &values); err != nil {
		panic(err)
	}
	return values
}

func (d *differences) rules(base, head map[string]Rule) {
	ids := slices.AppendSeq(slices.Collect(maps.Keys(base)), maps.Keys(head))
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if base[id].value() != head[id].value() {
			d.later(head[id].Position, "this change edits compliance.rules.%s", id)
		}
	}
}

func (d *differences) waivers(base, head []Waiver) {
	before, after := waivers(base), waivers(head)
	for _, w := range head {
		if !before[w.value()] {
			d.later(w.Position, "this change adds or edits a waiver of %s", w.Rule)
		}
	}
	for _, w := range base {
		if !after[w.value()] {
			d.later(pipelines.Position{}, "this change takes away or edits a waiver of %s", w.Rule)
		}
	}
}

type ruleValue struct {
	enabled bool
	unknown string
}

// value is what a rule means, wherever it stands.
func (r Rule) value() ruleValue {
	return ruleValue{r.Enabled == nil || *r.Enabled, map[bool]string{true: "pass", false: "unknown"}[r.Unknown == "pass"]}
}

func (w Waiver) value() Waiver {
	w.Position = pipelines.Position{}
	return w
}

func waivers(list []Waiver) map[Waiver]bool {
	set := map[Waiver]bool{}
	for _, w := range list {
		set[w.value()] = true
	}
	return set
}
