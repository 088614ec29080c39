package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines/planjson"
	"github.com/penstock-dev/penstock/pipelines/redact"
)

// The rules of the stage: what was changed outside of the code, and what the code
// says otherwise than the state.
const (
	ruleOutside = "changed-outside"
	rulePending = "pending"
)

// difference is one resource that differs, as everybody may read it.
type difference struct {
	Rule string `json:"rule"`
	// Next is what the next apply does to a resource that was changed outside:
	// update, replace, create... or "" where it only takes note.
	Next redact.Action `json:"next,omitempty"`
	redact.Change
}

// madePublic is what a plan says of some of its resources. redact knows how to show
// what a plan changes, and what secret values look like throughout a plan. So the
// plan is told again with only what alarms as its changes: all else that it says
// stays in it, for the secrets.
func madePublic(dir, plan string, o redact.Options, rule string, alarms map[string]differing) ([]difference, int, error) {
	if len(alarms) == 0 {
		return nil, 0, nil
	}
	file, err := os.CreateTemp(dir, "told-*.json")
	if err != nil {
		return nil, 0, fmt.Errorf("making room for what may be shown: %w", err)
	}
	defer os.Remove(filepath.Clean(file.Name()))
	defer file.Close()
	if err := retell(plan, file, rule, alarms); err != nil {
		return nil, 0, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, 0, err
	}
	s, err := redact.Summarise(file, o)
	if err != nil {
		return nil, 0, err
	}
	var list []difference
	var walk func(redact.Module)
	walk = func(m redact.Module) {
		for _, c := range m.Changes {
			list = append(list, difference{Rule: rule, Change: c})
		}
		for _, inner := range m.Modules {
			walk(inner)
		}
	}
	walk(s.Root)
	if len(list)+s.Omitted.Changes != len(alarms) {
		return nil, 0, fmt.Errorf("showing what drifted: %d resources did, %d are shown", len(alarms), len(list))
	}
	return list, s.Omitted.Changes, nil
}

// retell writes the plan in file with what alarms as its resource_changes.
func retell(file string, to io.Writer, rule string, alarms map[string]differing) error {
	w := bufio.NewWriter(to)
	fmt.Fprint(w, `{"resource_changes":[`)
	first := true
	tell := func(r *tfjson.ResourceChange) error {
		if r.Change == nil {
			r.Change = &tfjson.Change{}
		}
		if d, alarming := alarms[differing{address: r.Address, deposed: r.DeposedKey}.key()]; alarming {
			for _, path := range d.ignored {
				r.Change.After = equalised(r.Change.After, r.Change.Before, path)
				r.Change.AfterSensitive = equalised(r.Change.AfterSensitive, r.Change.BeforeSensitive, path)
				r.Change.AfterUnknown = equalised(r.Change.AfterUnknown, nil, path)
			}
		} else {
			r.Change.Actions, r.Change.Importing, r.PreviousAddress = tfjson.Actions{tfjson.ActionNoop}, nil, ""
		}
		text, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("showing what drifted: %w", err)
		}
		if !first {
			_ = w.WriteByte(',') // the last write tells of an error
		}
		first = false
		_, err = w.Write(text)
		return err
	}
	visitor, names := planjson.Visitor{Change: tell}, map[string]string{"resource_changes": "left_out"}
	if rule == ruleOutside {
		visitor, names = planjson.Visitor{Drift: tell}, map[string]string{"resource_changes": "resource_drift", "resource_drift": "left_out"}
	}
	if err := onFile(file, func(r io.Reader) error { _, err := planjson.Walk(r, visitor); return err }); err != nil {
		return err
	}
	fmt.Fprint(w, "],")
	if err := onFile(file, func(r io.Reader) error { return renameMembers(r, w, names) }); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("showing what drifted: %w", err)
	}
	return nil
}

// renameMembers copies a JSON object without its first brace, with other names for some
// of its members. It needs no more memory than the longest name: a plan is large.
func renameMembers(from io.Reader, to *bufio.Writer, names map[string]string) error {
	r := bufio.NewReaderSize(from, 1<<16)
	depth, key := 0, false
	for {
		c, err := r.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("showing what drifted: %w", err)
		}
		switch c {
		case '{', '[':
			depth++
			key = depth == 1
			if depth == 1 {
				continue // the brace is written already
			}
		case '}', ']':
			depth--
		case ',':
			key = depth == 1
		case ':':
			key = false
		case '"':
			var name *bytes.Buffer
			if key {
				name = &bytes.Buffer{}
			}
			if err := quoted(r, to, name); err != nil {
				return fmt.Errorf("showing what drifted: %w", err)
			}
			if name != nil {
				text := name.String()
				if other, known := names[text]; known {
					text = other
				}
				_, _ = to.WriteString(`"` + text + `"`)
			}
			continue
		}
		_ = to.WriteByte(c) // Flush tells of an error
	}
}

// quoted copies a string, whose first quote was read, to name or, where that is nil,
// to w with both quotes.
func quoted(r *bufio.Reader, w *bufio.Writer, name *bytes.Buffer) error {
	put := w.WriteByte
	if name != nil {
		put = name.WriteByte
	} else {
		_ = put('"')
	}
	for escaped := false; ; {
		c, err := r.ReadByte()
		if err != nil {
			return err
		}
		if c == '"' && !escaped {
			if name == nil {
				_ = put('"')
			}
			return nil
		}
		escaped = c == '\\' && !escaped
		_ = put(c)
	}
}

// equalised is after with what is at path as before has it.
func equalised(after, before any, path []string) any {
	if len(path) == 0 {
		return before
	}
	if position, isList := strings.CutPrefix(path[0], "["); isList {
		i, err := strconv.Atoi(strings.TrimSuffix(position, "]"))
		list, ok := after.([]any)
		if err != nil || !ok && after != nil {
			return after
		}
		old, _ := before.([]any)
		for len(list) <= i {
			list = append(list, nil)
		}
		list[i] = equalised(list[i], at(old, i), path[1:])
		return list
	}
	object, ok := after.(map[string]any)
	if !ok && after != nil {
		return after
	}
	if object == nil {
		object = map[string]any{}
	}
	old, _ := before.(map[string]any)
	value := equalised(object[path[0]], old[path[0]], path[1:])
	if object[path[0]] = value; value == nil {
		delete(object, path[0])
	}
	return object
}
