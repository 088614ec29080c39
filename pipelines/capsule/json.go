package capsule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// encode is the one form in which this package writes JSON: indented, and in
// ASCII, so that no terminal or log obeys what a name holds.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	text := bytes.ReplaceAll(b.Bytes(), []byte("##["), []byte(`##\u005b`)) // GitHub's runner obeys it
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		switch {
		case r < 0x7f:
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out, nil
}

// decode reads what encode wrote, and nothing else: Go's decoder takes members in
// any case, twice, and null for anything, and each is a way to show one reader
// something else than another. The form is asked of v after it was decoded.
func decode(text []byte, v any, form func() ([]byte, error)) error {
	if err := duplicate(text); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON")
	}
	again, err := form()
	if err != nil {
		return err
	}
	if !bytes.Equal(again, text) {
		at := 0
		for at < min(len(again), len(text)) && again[at] == text[at] {
			at++
		}
		return fmt.Errorf("it is not in the form that penstock writes, from byte %d on", at)
	}
	return nil
}

// maxDepth is how deep JSON may be nested: what is read here is flat.
const maxDepth = 16

// duplicate finds a member that an object has twice.
func duplicate(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	type object struct {
		seen map[string]bool // nil for a list
		key  bool            // the next token is a name
	}
	var open []*object
	for {
		if len(open) > maxDepth {
			return fmt.Errorf("it is nested more than %d deep", maxDepth)
		}
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var top *object
		if len(open) > 0 {
			top = open[len(open)-1]
		}
		switch delim, _ := token.(json.Delim); {
		case delim == '}' || delim == ']':
			open = open[:len(open)-1]
			continue
		case top != nil && top.seen != nil && top.key:
			name, _ := token.(string)
			if top.seen[name] {
				return fmt.Errorf("the member %q is there twice", name)
			}
			top.seen[name], top.key = true, false
			continue
		case delim == '{':
			open = append(open, &object{seen: map[string]bool{}, key: true})
		case delim == '[':
			open = append(open, &object{})
		}
		if top != nil {
			top.key = true // the value that follows a name was seen
		}
	}
}
