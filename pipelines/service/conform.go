package service

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// conform refuses a literal that is not of a type. It is stricter than Terraform,
// which takes 16.10 as the text "16.1", and drops attributes that nobody declares.
func conform(name string, l *literal, t cty.Type) error {
	switch {
	case t == cty.DynamicPseudoType:
		return nil
	case l.kind == nothing: // an item of a list
		return refuse(l.at, "take it out", "%s is null, allowed is %s", name, allowed(t))
	case t.IsMapType():
		if l.kind != mapping {
			return wrong(name, l, t)
		}
		return each(name, l, func(string) (cty.Type, error) { return t.ElementType(), nil })
	case t.IsObjectType():
		return object(name, l, t)
	case t.IsListType() || t.IsSetType():
		if l.kind != list {
			return wrong(name, l, t)
		}
		for i, item := range l.items {
			if err := conform(name+"["+strconv.Itoa(i)+"]", item, t.ElementType()); err != nil {
				return err
			}
		}
		return nil
	case t.IsTupleType():
		kinds := t.TupleElementTypes()
		if l.kind != list || len(l.items) != len(kinds) {
			return wrong(name, l, t)
		}
		for i, item := range l.items {
			if err := conform(name+"["+strconv.Itoa(i)+"]", item, kinds[i]); err != nil {
				return err
			}
		}
		return nil
	case t == cty.String && l.kind == text, t == cty.Number && l.kind == number, t == cty.Bool && l.kind == boolean:
		return nil
	}
	return wrong(name, l, t)
}

func object(name string, l *literal, t cty.Type) error {
	if l.kind != mapping {
		return wrong(name, l, t)
	}
	kinds := t.AttributeTypes()
	if err := each(name, l, func(key string) (cty.Type, error) {
		kind, ok := kinds[key]
		if !ok {
			return kind, refuse(l.members[key].at, hintFor(key, slices.Collect(maps.Keys(kinds)), "take it out"), "%s has no key %q", name, key)
		}
		return kind, nil
	}); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(kinds)) {
		if _, there := l.members[key]; !there && !t.AttributeOptional(key) {
			return refuse(l.at, "add "+key+": "+allowed(kinds[key]), "%s has no %s, which it needs", name, key)
		}
	}
	return nil
}

func each(name string, l *literal, kind func(key string) (cty.Type, error)) error {
	for _, key := range slices.Sorted(maps.Keys(l.members)) {
		t, err := kind(key)
		if err != nil {
			return err
		}
		if err := conform(below(name, key), l.members[key], t); err != nil {
			return err
		}
	}
	return nil
}

func wrong(name string, l *literal, t cty.Type) error {
	hint := ""
	switch {
	case t == cty.String && (l.kind == number || l.kind == boolean):
		hint = "write it in quotes"
	case (t == cty.Number || t == cty.Bool) && l.kind == text:
		hint = "write it without quotes"
	case (t.IsListType() || t.IsSetType()) && l.kind != mapping:
		hint = "put it into [ ]"
	}
	return refuse(l.at, hint, "%s is %s, allowed is %s", name, l.kind, allowed(t))
}

// allowed says a type as people call it.
func allowed(t cty.Type) string {
	switch {
	case t == cty.String:
		return "text"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsListType() || t.IsSetType():
		return "a list, each item " + allowed(t.ElementType())
	case t.IsTupleType():
		return "a list of " + strconv.Itoa(len(t.TupleElementTypes()))
	case t.IsMapType():
		return "a mapping by name, each value " + allowed(t.ElementType())
	case t.IsObjectType():
		return "a mapping with " + strings.Join(slices.Sorted(maps.Keys(t.AttributeTypes())), ", ")
	}
	return "any value"
}
