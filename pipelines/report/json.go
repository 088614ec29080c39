package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/penstock-dev/penstock/pipelines"
)

// JSON renders the report as schemas/report.schema.json describes it. A list
// without members is [], never null.
func JSON(w io.Writer, r *pipelines.Report) error {
	whole := *r
	whole.Stages = list(r.Stages)
	whole.Results = list(r.Results)
	whole.Selection.Units = list(r.Selection.Units)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(whole); err != nil {
		return err
	}
	_, err := w.Write(escaped(b.Bytes()))
	return err
}

// escaped writes what a terminal obeys or does not show, and what GitHub's runner
// obeys, as \u: all of it can stand within strings alone.
func escaped(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("##["), []byte(`##\u005b`))
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		switch {
		case r < 0x7f || unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

func list[T any](given []T) []T {
	if given == nil {
		return []T{}
	}
	return given
}
