package redact

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// leaf is one value of a resource, before anything is known of the rest of the plan.
type leaf struct {
	// path are the keys from the attribute on; positions of lists are "[0]".
	path []string
	// masked is set where the value itself says that it is not to be shown.
	masked Kind
	// value is a string, json.Number, bool or nil.
	value any
}

func (l leaf) key() string { return strings.Join(l.path, "\x00") }

// The bounds of what is kept of one resource.
const (
	leavesLimit = 500
	depthLimit  = 40
)

// flattener takes a value apart into its leaves.
type flattener struct {
	secrets *secrets
	leaves  []leaf
	more    int
}

// flatten descends into objects, lists and texts that are JSON, and stops at what
// is marked. What is sensitive it tells to the secrets.
func (f *flattener) flatten(path []string, value, sensitive, unknown any) {
	if sensitive == true && value != nil {
		f.secrets.addAll(value)
		f.leaf(path, leaf{masked: Sensitive, value: digestOf(value)})
		return
	}
	if unknown == true {
		f.leaf(path, leaf{masked: Unknown})
		return
	}
	if len(path) > depthLimit {
		f.leaf(path, leaf{masked: TooLong})
		return
	}
	switch v := value.(type) {
	case map[string]any:
		f.object(path, v, sensitive, unknown)
	case []any:
		marks, unknowns := anyList(sensitive), anyList(unknown)
		for i := range max(len(v), len(unknowns)) {
			f.flatten(child(path, fmt.Sprintf("[%d]", i)), item(v, i), item(marks, i), item(unknowns, i))
		}
		if len(v) == 0 && len(unknowns) == 0 {
			f.leaf(path, leaf{value: emptyList})
		}
	case string:
		if inner, ok := jsonIn(v); ok && len(path) > 0 && !scripts[path[len(path)-1]] && !holdsSecret(nameOf(path)) {
			f.flatten(path, inner, nil, nil)
			return
		}
		f.leaf(path, leaf{value: v})
	case nil:
		if nested, ok := unknown.(map[string]any); ok {
			f.object(path, nil, sensitive, nested)
		} else if list := anyList(unknown); len(list) > 0 {
			f.flatten(path, []any{}, sensitive, unknown)
		} else {
			f.leaf(path, leaf{value: nil})
		}
	default:
		f.leaf(path, leaf{value: v})
	}
}

func (f *flattener) object(path []string, v map[string]any, sensitive, unknown any) {
	marks, _ := sensitive.(map[string]any)
	unknowns, _ := unknown.(map[string]any)
	var keys []string
	for key := range v {
		keys = append(keys, key)
	}
	for key := range unknowns {
		if _, both := v[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		mark := marks[key]
		if key == "value" && namesSecret(v) {
			mark = true
		}
		f.flatten(child(path, key), v[key], mark, unknowns[key])
	}
}

// namesSecret tells whether an object says by its name that its value is secret, as
// the environments of containers do: {name = "DB_PASSWORD", value = "..."}.
func namesSecret(v map[string]any) bool {
	for _, key := range []string{"name", "key"} {
		if name, ok := v[key].(string); ok && holdsSecret(name) {
			return true
		}
	}
	return false
}

var seed = maphash.MakeSeed()

// digestOf tells values apart that are not kept. It never leaves this process.
func digestOf(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return maphash.Bytes(seed, text)
}

// emptyList stands for a list without elements: "" is a value, this is none.
var emptyList = json.Number("[]")

func (f *flattener) leaf(path []string, l leaf) {
	if len(f.leaves) >= leavesLimit {
		f.more++
		return
	}
	if text, ok := l.value.(string); ok && len(text) > longestShown {
		l.masked, l.value = TooLong, digestOf(text)
	}
	l.path = path
	f.leaves = append(f.leaves, l)
}

func child(path []string, key string) []string { return append(slices.Clip(slices.Clone(path)), key) }

func anyList(v any) []any {
	list, _ := v.([]any)
	return list
}

func item(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// nameOf is the name that a value goes by: its key, or that of the list it is in.
func nameOf(path []string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if !strings.HasPrefix(path[i], "[") {
			return path[i]
		}
	}
	return ""
}
