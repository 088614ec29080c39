package planjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

type walker struct {
	in      *bounded
	json    *json.Decoder
	visit   Visitor
	header  Header
	errored bool
	seen    map[string]bool
	buffer  json.RawMessage
}

// plan reads the top level and what follows it, which has to be nothing.
func (w *walker) plan() error {
	err := w.object(func(key string) error {
		if w.seen[key] {
			return fmt.Errorf("it has %.40q twice", key)
		}
		w.seen[key] = true
		return w.member(key)
	})
	if err != nil {
		return err
	}
	w.mark()
	if _, err := w.json.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the plan")
	}
	return nil
}

func (w *walker) member(key string) error {
	v := w.visit
	switch key {
	case "format_version":
		return w.format()
	case "terraform_version":
		return w.value(&w.header.TerraformVersion)
	case "applyable":
		return w.value(&w.header.Applyable)
	case "complete":
		return w.value(&w.header.Complete)
	case "errored":
		return w.value(&w.errored)
	case "resource_changes":
		return each(w, v.Change)
	case "resource_drift":
		return each(w, v.Drift)
	case "deferred_changes":
		return each(w, v.Deferred)
	case "action_invocations":
		return each(w, v.Invocation)
	case "output_changes":
		return named(w, v.Output)
	case "variables":
		return named(w, v.Variable)
	case "prior_state":
		return w.prior()
	case "configuration":
		return w.configuration()
	case "planned_values", "proposed_unknown", "relevant_attributes", "checks", "timestamp":
		return w.skip(0)
	}
	w.header.Unread = append(w.header.Unread, key)
	return w.skip(0)
}

func (w *walker) format() error {
	if err := w.value(&w.header.FormatVersion); err != nil {
		return err
	}
	if major, _, _ := strings.Cut(w.header.FormatVersion, "."); major != "1" && w.header.FormatVersion != "0.2" {
		return fmt.Errorf("its format version is %.20q, known are 1.x", w.header.FormatVersion)
	}
	return nil
}

// each reads an array, one element at a time.
func each[T any](w *walker, tell func(*T) error) error {
	return w.array(func() error {
		if tell == nil {
			return w.raw()
		}
		element := new(T)
		if err := w.value(element); err != nil {
			return err
		}
		return tell(element)
	})
}

// named reads an object of elements.
func named[T any](w *walker, tell func(string, *T) error) error {
	return w.object(func(key string) error {
		if tell == nil {
			return w.raw()
		}
		element := new(T)
		if err := w.value(element); err != nil {
			return err
		}
		return tell(key, element)
	})
}

// prior walks the modules of prior_state.
func (w *walker) prior() error {
	return w.object(func(key string) error {
		if key != "values" {
			return w.skip(0)
		}
		return w.object(func(key string) error {
			if key != "root_module" {
				return w.skip(0)
			}
			return w.stateModule(0)
		})
	})
}

func (w *walker) stateModule(depth int) error {
	if depth > depthLimit {
		return errTooDeep
	}
	return w.object(func(key string) error {
		switch key {
		case "resources":
			return w.array(w.stateResource)
		case "child_modules":
			return w.array(func() error { return w.stateModule(depth + 1) })
		}
		return w.skip(0)
	})
}

func (w *walker) stateResource() error {
	if w.visit.Prior == nil && w.visit.Data == nil {
		return w.raw()
	}
	var r struct { // the values of a managed resource stand in its change too
		Address  string `json:"address"`
		Mode     string `json:"mode"`
		Provider string `json:"provider_name"`
	}
	if err := w.value(&r); err != nil {
		return err
	}
	if w.visit.Prior != nil {
		if err := w.visit.Prior(r.Address, r.Provider); err != nil {
			return err
		}
	}
	if r.Mode != string(tfjson.DataResourceMode) || w.visit.Data == nil {
		return nil
	}
	data := new(tfjson.StateResource)
	if err := w.decode(data); err != nil {
		return err
	}
	return w.visit.Data(data)
}

// object reads an object, or null, member by member.
func (w *walker) object(member func(key string) error) error {
	if open, err := w.open('{'); err != nil || !open {
		return err
	}
	for w.json.More() {
		w.mark()
		token, err := w.json.Token()
		if err != nil {
			return err
		}
		if err := member(token.(string)); err != nil {
			return err
		}
	}
	w.mark()
	_, err := w.json.Token()
	return err
}

// array reads an array, or null, element by element.
func (w *walker) array(element func() error) error {
	if open, err := w.open('['); err != nil || !open {
		return err
	}
	for w.json.More() {
		if err := element(); err != nil {
			return err
		}
	}
	w.mark()
	_, err := w.json.Token()
	return err
}

func (w *walker) open(want json.Delim) (bool, error) {
	w.mark()
	token, err := w.json.Token()
	switch {
	case err != nil:
		return false, err
	case token == nil:
		return false, nil
	case token != want:
		return false, fmt.Errorf("a value stands where %q has to be, at byte %d", want.String(), w.json.InputOffset())
	}
	return true, nil
}

// mark tells the reader where the next element begins.
func (w *walker) mark() { w.in.start = w.json.InputOffset() }

// raw reads one value whole, into a buffer that the next call reuses.
func (w *walker) raw() error {
	w.mark()
	w.buffer = w.buffer[:0]
	if err := w.json.Decode(&w.buffer); err != nil {
		return err
	}
	return shallow(w.buffer)
}

func (w *walker) value(into any) error {
	if err := w.raw(); err != nil {
		return err
	}
	return w.decode(into)
}

// decode decodes the value that was read last.
func (w *walker) decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(w.buffer))
	d.UseNumber()
	return d.Decode(into)
}

// structural are the members that hold most of what is skipped; they are walked
// into, so that what is skipped need not fit into memory either.
var structural = map[string]bool{"root_module": true, "child_modules": true, "resources": true, "values": true,
	"module_calls": true, "module": true, "outputs": true}

// skip leaves out one value.
func (w *walker) skip(depth int) error {
	if depth > depthLimit {
		return errTooDeep
	}
	w.mark()
	token, err := w.json.Token()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	for w.json.More() {
		into := open == '[' || depth == 0
		if open == '{' {
			w.mark()
			key, err := w.json.Token()
			if err != nil {
				return err
			}
			into = into || structural[key.(string)]
		}
		next := w.raw
		if into {
			next = func() error { return w.skip(depth + 1) }
		}
		if err := next(); err != nil {
			return err
		}
	}
	w.mark()
	_, err = w.json.Token()
	return err
}

var errTooDeep = fmt.Errorf("it is nested more than %d deep", depthLimit)

// shallow refuses a value that is nested too deep. It was read by the decoder,
// so it is known to be JSON.
func shallow(value []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > depthLimit {
				return errTooDeep
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}
