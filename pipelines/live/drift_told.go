package live

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/penstock-dev/penstock/pipelines/redact"
)

// told is what two plans of one target come to, as everybody may read it: first
// refreshed, code did not; they are one where nothing was changed outside, or where
// there is nothing to apply. dir is private, for what is not public yet.
func told(dir string, first, code glance, o redact.Options) (look, error) {
	seen := look{outcome: Clean, resources: first.resources}
	// By what the next apply does to them, "" for nothing.
	next := map[redact.Action]map[string]differing{}
	for _, one := range first.outside {
		seen.ignored += len(one.ignored)
		if one.alarms() {
			action := nextAction(one, first.pending)
			if next[action] == nil {
				next[action] = map[string]differing{}
			}
			next[action][one.key()] = one
		}
	}
	for _, action := range []redact.Action{"other", "delete", "replace", "create", "update", "forget", ""} {
		if err := seen.add(dir, first.file, o, ruleOutside, next[action], action); err != nil {
			return look{}, err
		}
	}
	alarms := map[string]differing{}
	for _, one := range code.pending {
		// What the first plan leaves alone is in the world as the code says already.
		todo := slices.ContainsFunc(first.pending, func(other differing) bool { return other.key() == one.key() })
		if !todo {
			continue
		}
		seen.ignored += len(one.ignored)
		if one.alarms() {
			alarms[one.key()] = one
		}
	}
	if err := seen.add(dir, code.file, o, rulePending, alarms, ""); err != nil {
		return look{}, err
	}
	return seen, nil
}

// nextAction is what the plan does to a resource that was changed outside.
func nextAction(one differing, changes []differing) redact.Action {
	for _, other := range changes {
		if other.key() != one.key() {
			continue
		}
		a := other.actions
		switch {
		case a.NoOp():
			return ""
		case a.Create():
			return "create"
		case a.Update():
			return "update"
		case a.Replace():
			return "replace"
		case a.Delete():
			return "delete"
		case a.Forget():
			return "forget"
		}
		return "other"
	}
	return ""
}

// add makes differences public.
func (l *look) add(dir, plan string, o redact.Options, rule string, alarms map[string]differing, next redact.Action) error {
	list, omitted, err := madePublic(dir, plan, o, rule, alarms)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Next = next
	}
	l.differences = append(l.differences, list...)
	l.omitted += omitted
	if len(alarms) > 0 {
		l.outcome = Drifted
	}
	return nil
}

// count counts the differences of a rule.
func (l look) count(rule string) int {
	n := 0
	for _, d := range l.differences {
		if d.Rule == rule {
			n++
		}
	}
	return n
}

// digest binds what may be shown of the drift, "" without any.
func (l look) digest() string {
	if l.outcome != Drifted {
		return ""
	}
	list := slices.Clone(l.differences)
	slices.SortStableFunc(list, func(a, b difference) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Address, b.Address))
	})
	text, err := json.Marshal(list)
	if err != nil {
		panic(fmt.Sprintf("a difference is not JSON: %v", err)) // it is made of strings
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}
