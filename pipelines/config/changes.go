package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
)

// Changes names what the head changes in the settings, rules and waivers of the
// base: it does not count for the change itself.
func Changes(base, head *Config) []pipelines.Notice {
	var notices []pipelines.Notice
	say := func(at pipelines.Position, format string, args ...any) {
		notices = append(notices, pipelines.Notice{Path: File, Line: at.Line,
			Message: fmt.Sprintf(format, args...) + "; it counts once it is on the base"})
	}
	b, h := base.Compliance, head.Compliance
	if !reflect.DeepEqual(b.Settings, h.Settings) {
		say(pipelines.Position{}, "this change edits compliance.settings")
	}
	if !slices.Equal(b.Policies, h.Policies) {
		say(pipelines.Position{}, "this change edits compliance.policies")
	}
	ids := map[string]bool{}
	for id := range b.Rules {
		ids[id] = true
	}
	for id := range h.Rules {
		ids[id] = true
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if b.Rules[id].value() != h.Rules[id].value() {
			say(h.Rules[id].Position, "this change edits compliance.rules.%s", id)
		}
	}
	before, after := waivers(b.Waivers), waivers(h.Waivers)
	for _, w := range h.Waivers {
		if !before[w.value()] {
			say(w.Position, "this change adds or edits a waiver of %s", w.Rule)
		}
	}
	for _, w := range b.Waivers {
		if !after[w.value()] {
			say(pipelines.Position{}, "this change takes away or edits a waiver of %s", w.Rule)
		}
	}
	return notices
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
