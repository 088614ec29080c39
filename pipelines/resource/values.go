package resource

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines"
)

// reference is a computed attribute of a resource.
type reference struct {
	address, kind, name, attribute string
	key                            any
}

// instance is the address with the instance key.
func (r reference) instance() string {
	switch key := r.key.(type) {
	case string:
		return r.address + "[" + strconv.Quote(key) + "]"
	case float64:
		return r.address + "[" + strconv.Itoa(int(key)) + "]"
	}
	return r.address
}

// A reference evaluates to a text that stands for it, with a mark. Where the
// text came through whole, which resource is known; where the mark is left but
// the text is not, the value was computed from it and is unknown.
const refOpen, refClose = "\u27e6ref ", "\u27e7"

type refMark int

var refText = regexp.MustCompile(refOpen + `(\d+)` + refClose)

// reasonMark says why an unknown value is unknown, and where.
type reasonMark struct {
	message, path string
	line          int
}

func unknown(t cty.Type, at pipelines.Position, message string) cty.Value {
	return cty.UnknownVal(t).Mark(reasonMark{message, at.Path, at.Line})
}

func hasReason(v cty.Value) bool {
	for mark := range v.Marks() {
		if _, ok := mark.(reasonMark); ok {
			return true
		}
	}
	return false
}

// computed is a reference as a value.
func (e *evaluator) computed(r reference) cty.Value {
	e.refs = append(e.refs, r)
	n := len(e.refs) - 1
	return cty.StringVal(refOpen + strconv.Itoa(n) + refClose).Mark(refMark(n))
}

// decode turns a value into what a document holds. ok is false for null.
func (e *evaluator) decode(v cty.Value) (any, bool) {
	v, marks := v.Unmark()
	if !v.IsKnown() {
		return unknownMarker(reasonOf(marks)), true
	}
	for mark := range marks {
		if n, ok := mark.(refMark); ok && !mentions(v, int(n)) {
			r := e.refs[n]
			return unknownMarker(reasonMark{message: fmt.Sprintf("it depends on %s.%s, which is known only after apply", r.address, r.attribute)}), true
		}
	}
	if v.IsNull() {
		return nil, false
	}
	switch t := v.Type(); {
	case t == cty.String:
		return e.text(v.AsString()), true
	case t == cty.Number:
		f, _ := v.AsBigFloat().Float64()
		return f, true
	case t == cty.Bool:
		return v.True(), true
	case t.IsObjectType(), t.IsMapType():
		out := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			key, member := it.Element()
			if value, ok := e.decode(member); ok {
				out[key.AsString()] = value
			}
		}
		return out, true
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		out := []any{}
		for it := v.ElementIterator(); it.Next(); {
			_, member := it.Element()
			value, _ := e.decode(member)
			out = append(out, value)
		}
		return out, true
	}
	return unknownMarker(reasonMark{message: "it is of a type that no argument has"}), true
}

// text is a plain string, a reference, or a string with references in it.
func (e *evaluator) text(s string) any {
	if !strings.Contains(s, refOpen) {
		return s
	}
	if whole := refText.FindStringSubmatch(s); whole != nil && whole[0] == s {
		return refMarker(e.refs[index(whole[1])])
	}
	return map[string]any{PartialMarker: refText.ReplaceAllStringFunc(s, func(match string) string {
		r := e.refs[index(refText.FindStringSubmatch(match)[1])]
		return "${" + r.address + "." + r.attribute + "}"
	})}
}

func index(digits string) int {
	n, _ := strconv.Atoi(digits) // the expression lets only digits through
	return n
}

func refMarker(r reference) map[string]any {
	ref := map[string]any{"address": r.address, "type": r.kind, "name": r.name, "attribute": r.attribute}
	if r.key != nil {
		ref["key"] = r.key
	}
	return map[string]any{RefMarker: ref}
}

func unknownMarker(r reasonMark) map[string]any {
	m := map[string]any{"message": r.message}
	if r.path != "" {
		m["path"], m["line"] = r.path, r.line
	}
	return map[string]any{UnknownMarker: m}
}

// reasonOf picks the reason that stands first in the text, so that it is the same each time.
func reasonOf(marks cty.ValueMarks) reasonMark {
	best := reasonMark{message: "it is known only after apply"}
	found := false
	for mark := range marks {
		if r, ok := mark.(reasonMark); ok && (!found || r.path+fmt.Sprintf("%9d", r.line)+r.message < best.path+fmt.Sprintf("%9d", best.line)+best.message) {
			best, found = r, true
		}
	}
	return best
}

// mentions says whether the text of a reference is anywhere in a value.
func mentions(v cty.Value, n int) bool {
	want := refOpen + strconv.Itoa(n) + refClose
	found := false
	_ = cty.Walk(v, func(_ cty.Path, inner cty.Value) (bool, error) {
		inner, _ = inner.Unmark()
		if inner.Type() == cty.String && inner.IsKnown() && !inner.IsNull() && strings.Contains(inner.AsString(), want) {
			found = true
		}
		return !found, nil
	})
	return found
}
