package service

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/penstock-dev/penstock/pipelines"
)

// Setting is one effective value and where it was set.
type Setting struct {
	// Name leads to it: sqs_queues.orders.fifo.
	Name string `json:"name"`
	// Value is "(sensitive)" where the bundle declares the variable so.
	Value json.RawMessage `json:"value"`
	// Stacks read it.
	Stacks []string `json:"stacks"`
	// Source is the file and the line that set it. One that begins with "bundle:" holds a default.
	Source pipelines.Position `json:"source"`
}

// settings are collected by what they say.
type settings map[[2]string]*Setting

func (s settings) sorted() []Setting {
	list := make([]Setting, 0, len(s))
	for _, one := range s {
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b Setting) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.Value), string(b.Value)))
	})
	return list
}

// add takes what a variable of a stack came to; from is what was said of it.
func (s settings) add(stack string, v variable, value cty.Value, from *literal) {
	if v.sensitive {
		at := v.at
		if from != nil {
			at = from.at
		}
		s.put(stack, v.name, json.RawMessage(`"(sensitive)"`), at)
		return
	}
	s.walk(stack, v, v.name, value, from)
}

func (s settings) walk(stack string, v variable, name string, value cty.Value, from *literal) {
	if !value.IsNull() && (value.Type().IsObjectType() || value.Type().IsMapType()) && value.LengthInt() > 0 {
		members := value.AsValueMap()
		for _, key := range slices.Sorted(maps.Keys(members)) {
			var said *literal
			if from != nil {
				said = from.members[key]
			}
			if said == nil && members[key].IsNull() {
				continue // an attribute that nobody set
			}
			s.walk(stack, v, below(name, key), members[key], said)
		}
		return
	}
	if !value.IsNull() && (value.Type().IsListType() || value.Type().IsTupleType()) && holdsMappings(value) {
		for i, item := range value.AsValueSlice() {
			var said *literal
			if from != nil && i < len(from.items) {
				said = from.items[i]
			}
			s.walk(stack, v, name+"["+strconv.Itoa(i)+"]", item, said)
		}
		return
	}
	text, err := asJSON(value)
	if err != nil { // a type that no literal has
		text = json.RawMessage(`"(unknown)"`)
	}
	at := v.at
	if from != nil {
		at = from.at
	}
	s.put(stack, name, text, at)
}

// holdsMappings says whether a list is better shown item by item.
func holdsMappings(list cty.Value) bool {
	for _, item := range list.AsValueSlice() {
		if t := item.Type(); t.IsObjectType() || t.IsMapType() {
			return true
		}
	}
	return false
}

func (s settings) put(stack, name string, value json.RawMessage, at pipelines.Position) {
	key := [2]string{name, string(value)}
	if s[key] == nil {
		s[key] = &Setting{Name: name, Value: value, Source: at}
	}
	s[key].Stacks = append(s[key].Stacks, stack)
}
