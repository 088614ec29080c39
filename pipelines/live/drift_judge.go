package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines/planjson"
)

// differing is one resource of a plan that differs, as far as it is not ignored.
type differing struct {
	address string
	deposed string
	actions tfjson.Actions
	// ignored are the paths that may drift.
	ignored [][]string
	// noise: it differs in nothing that means anything.
	noise bool
	// excused: all of what differs is ignored.
	excused bool
}

func (d differing) key() string { return d.address + "\x00" + d.deposed }

func (d differing) alarms() bool { return !d.noise && !d.excused }

// judgement is what one plan says, before anything of it may be shown.
type judgement struct {
	outside, pending []differing
	// resources counts those that were looked at.
	resources int
}

// judgePlan reads the JSON of a plan. One that does not tell everything is refused:
// what it leaves out could differ.
func judgePlan(plan io.Reader, t Target, ignores *ignoring) (judgement, error) {
	var j judgement
	deferred := 0
	header, err := planjson.Walk(plan, planjson.Visitor{
		Drift: func(r *tfjson.ResourceChange) error {
			if d, differs := driftOf(r, t, ignores); differs {
				j.outside = append(j.outside, d)
			}
			return nil
		},
		Change: func(r *tfjson.ResourceChange) error {
			if r.Mode != tfjson.DataResourceMode {
				j.resources++
			}
			if d, differs := pendingOf(r, t, ignores); differs {
				j.pending = append(j.pending, d)
			}
			return nil
		},
		Deferred: func(*tfjson.DeferredResourceChange) error { deferred++; return nil },
	})
	switch {
	case err != nil:
		return judgement{}, err
	case deferred > 0 || header.Complete != nil && !*header.Complete:
		return judgement{}, errors.New("reading the plan: it covers a part only, so nobody knows of the rest")
	case len(header.Unread) > 0:
		return judgement{}, fmt.Errorf("reading the plan: it has parts that this version does not know: %.200q", strings.Join(header.Unread, ", "))
	}
	return j, nil
}

// driftOf judges a member of resource_drift: the state against the world. A resource
// that was moved in the code has not drifted.
func driftOf(r *tfjson.ResourceChange, t Target, ignores *ignoring) (differing, bool) {
	d := differing{address: r.Address, deposed: r.DeposedKey}
	if r.Change == nil {
		return d, true // nobody knows what it is
	}
	d.actions = r.Change.Actions
	if d.actions.NoOp() || d.actions.Read() {
		return d, false
	}
	if !d.actions.Update() {
		return d, true // no ignore of an attribute excuses a resource that is gone
	}
	alarming := 0
	differ(nil, r.Change.Before, r.Change.After, nil, func(path []string, before, after any) {
		switch {
		case sameMeaning(before, after):
		case ignores.covers(t, r.Address, path):
			d.ignored = append(d.ignored, path)
		default:
			alarming++
		}
	})
	d.noise, d.excused = alarming+len(d.ignored) == 0, alarming == 0
	return d, true
}

// pendingOf judges a member of resource_changes: the code against the state. What
// Terraform would do is taken at its word; only an update of nothing but ignored
// attributes is excused.
func pendingOf(r *tfjson.ResourceChange, t Target, ignores *ignoring) (differing, bool) {
	d := differing{address: r.Address, deposed: r.DeposedKey}
	if r.Change == nil {
		return d, true
	}
	d.actions = r.Change.Actions
	moved := r.PreviousAddress != "" && r.PreviousAddress != r.Address
	switch {
	case r.Mode == tfjson.DataResourceMode || d.actions.Read():
		return d, false // it is looked up again because of something else
	case moved || r.Change.Importing != nil:
		return d, true
	case d.actions.NoOp():
		return d, false
	case !d.actions.Update():
		return d, true
	}
	others := 0
	differ(nil, r.Change.Before, r.Change.After, r.Change.AfterUnknown, func(path []string, _, _ any) {
		if ignores.covers(t, r.Address, path) {
			d.ignored = append(d.ignored, path)
		} else {
			others++
		}
	})
	// What differs in marks alone has no path, and is not excused.
	d.excused = others == 0 && len(d.ignored) > 0
	return d, true
}

// differ tells the paths at which two values differ.
func differ(path []string, before, after, unknown any, tell func(path []string, before, after any)) {
	if unknown == true {
		tell(path, before, nil)
		return
	}
	old, wasObject := before.(map[string]any)
	now, isObject := after.(map[string]any)
	if apart(wasObject, isObject, before, after) {
		unknowns, _ := unknown.(map[string]any)
		for _, key := range keysOf(old, now, unknowns) {
			differ(step(path, key), old[key], now[key], unknowns[key], tell)
		}
		return
	}
	oldList, wasList := before.([]any)
	nowList, isList := after.([]any)
	if apart(wasList, isList, before, after) {
		unknowns, _ := unknown.([]any)
		for i := range max(len(oldList), len(nowList), len(unknowns)) {
			differ(step(path, fmt.Sprintf("[%d]", i)), at(oldList, i), at(nowList, i), at(unknowns, i), tell)
		}
		return
	}
	if !reflect.DeepEqual(before, after) {
		tell(path, before, after)
	}
}

// apart says whether two values are taken apart together: both are of that kind,
// or one is and the other is not set.
func apart(was, is bool, before, after any) bool {
	return (was || before == nil) && (is || after == nil) && (was || is)
}

func keysOf(objects ...map[string]any) []string {
	var keys []string
	for _, o := range objects {
		for key := range o {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func step(path []string, key string) []string { return append(slices.Clone(path), key) }

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// sameMeaning says whether two values that differ as text mean the same to all
// providers that we know of: nothing at all in two forms, as a first refresh after
// an apply leaves it, or one JSON document written in two ways.
func sameMeaning(before, after any) bool {
	if nothing(before) && nothing(after) {
		return true
	}
	a, wasText := before.(string)
	b, isText := after.(string)
	return wasText && isText && sameJSON(a, b)
}

func nothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func sameJSON(a, b string) bool {
	x, ok := document(a)
	y, also := document(b)
	return ok && also && reflect.DeepEqual(x, y)
}

// document is text that is a JSON object or array.
func document(s string) (any, bool) {
	if s = strings.TrimSpace(s); s == "" || s[0] != '{' && s[0] != '[' {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber() // numbers that float64 cannot tell apart are not the same
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	return v, true
}
