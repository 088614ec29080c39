package resource

import (
	"encoding/json"
	"fmt"
	"slices"
)

// written is what the configuration of a plan writes at one place. Terraform
// leaves dynamic blocks out of it, and of arguments that may be written as
// blocks (ingress of a security group) it only lists the references of those
// that are not dynamic. So it is trusted only where it cannot be about anything
// else.
type written struct {
	state writtenState
	// options are what may be written here: more than one where it is not known
	// which of several blocks a planned block comes from.
	options []json.RawMessage
	// inside says that the place is an element of a list that is one expression.
	inside bool
}

type writtenState int

const (
	untold     writtenState = iota // the configuration does not tell
	nowhere                        // nobody wrote it
	blockBody                      // the arguments of a block
	blockList                      // a list of blocks
	expression                     // an expression
)

// body is what is written in a resource or in a block.
func bodyOf(raw map[string]json.RawMessage) written {
	text, err := json.Marshal(raw)
	if err != nil {
		return written{}
	}
	return written{state: blockBody, options: []json.RawMessage{text}}
}

// classify tells expressions, blocks and lists of blocks from each other.
func classify(raw json.RawMessage) writtenState {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		return blockList
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return untold
	}
	for name := range members {
		if name != "references" && name != "constant_value" {
			return blockBody
		}
	}
	return expression
}

// at is what is written for a member.
func (w written) at(name string) written {
	switch w.state {
	case expression:
		if w.inside { // of which block, and whether of one that is listed at all, is not known
			return written{}
		}
		return w
	case blockBody:
	default:
		return written{}
	}
	var found []json.RawMessage
	for _, option := range w.options {
		var members map[string]json.RawMessage
		if json.Unmarshal(option, &members) != nil {
			return written{}
		}
		found = append(found, members[name])
	}
	return agreed(found)
}

// agreed is what all options say, if they say the same.
func agreed(options []json.RawMessage) written {
	first := options[0]
	same := !slices.ContainsFunc(options, func(o json.RawMessage) bool { return string(o) != string(first) })
	switch {
	case same && first == nil:
		return written{state: nowhere}
	case same:
		return written{state: classify(first), options: options[:1]}
	}
	return written{}
}

// item is what is written for one of n planned items. Sets are planned in an
// order of their own: what is written is found by what it says of the item.
func (w written) item(planned any, n int) written {
	switch w.state {
	case expression:
		return written{state: expression, options: w.options, inside: true}
	case blockList:
	default:
		return written{}
	}
	var list []json.RawMessage
	if len(w.options) != 1 || json.Unmarshal(w.options[0], &list) != nil || len(list) != n {
		return written{} // some come from dynamic blocks, or fell together in a set
	}
	var options []json.RawMessage
	for _, body := range list {
		if fits(body, planned) {
			options = append(options, body)
		}
	}
	if len(options) == 0 {
		return written{}
	}
	return written{state: blockBody, options: options}
}

// fits says whether a block that is written so may be planned so.
func fits(body json.RawMessage, planned any) bool {
	var members map[string]json.RawMessage
	values, ok := planned.(map[string]any)
	if !ok || json.Unmarshal(body, &members) != nil {
		return true
	}
	for name, raw := range members {
		var e struct {
			Constant any `json:"constant_value"`
		}
		if json.Unmarshal(raw, &e) != nil {
			continue
		}
		value, known := values[name]
		if known && value != nil && plainValue(e.Constant) && plainValue(value) && fmt.Sprint(value) != fmt.Sprint(e.Constant) {
			return false
		}
	}
	return true
}

func plainValue(v any) bool {
	switch v.(type) {
	case string, float64, bool:
		return true
	}
	return false
}

// references are those of an expression; null says that it is written as null.
func (w written) references() (list []string, null bool) {
	if w.state != expression {
		return nil, false
	}
	var e map[string]json.RawMessage
	if json.Unmarshal(w.options[0], &e) != nil || json.Unmarshal(orNull(e["references"]), &list) != nil {
		return nil, false
	}
	return list, string(e["constant_value"]) == "null"
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}
