package report

import (
	"strings"
	"unicode/utf8"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// longest is how many characters of one message are shown. Of a longer one the
// beginning and, mostly, the end are kept: tools say there what went wrong.
const (
	longest   = 2000
	beginning = 500
)

// Printable makes text that others wrote safe for a terminal and for the log of
// a job, on one line.
func Printable(s string) string {
	if utf8.RuneCountInString(s) > longest {
		runes := []rune(s) // not UTF-8: each such byte counts, and shows, as one character
		s = string(runes[:beginning]) + " ... " + string(runes[len(runes)-longest+beginning:])
	}
	return inert(printable.Text(s, longest+5))
}

// name makes a path or the name of a unit safe; a newline in it stays visible.
func name(s string) string { return inert(printable.Path(s)) }

// inert keeps GitHub's runner from taking a line of output for a command: it
// obeys "::" at the beginning of a line and "##[" anywhere.
func inert(s string) string {
	if trimmed := strings.TrimLeft(s, " "); strings.HasPrefix(trimmed, "::") {
		s = `\x3a` + trimmed[1:]
	}
	return strings.ReplaceAll(s, "##[", `\x23#[`)
}
