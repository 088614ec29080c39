// Package markdown makes text that others wrote mean nothing in Markdown.
package markdown

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Prose makes text that others wrote mean nothing in Markdown, on one line.
func Prose(s string) string { return Inert(Printable(s)) }

// GitHub looks for mentions and references after Markdown was rendered, when
// entities are characters again: only a character in between stops it.
const zeroWidthSpace = "&#8203;"

// Inert makes printable text mean nothing in Markdown: it neither ends a
// cell nor links, mentions, refers or marks up, nor begins a heading or a list.
func Inert(s string) string {
	runes := []rune(strings.TrimSpace(s))
	near := func(i int) rune {
		if i < 0 || i >= len(runes) {
			return ' '
		}
		return unicode.ToLower(runes[i])
	}
	word := func(i int) bool { return unicode.IsLetter(near(i)) || unicode.IsDigit(near(i)) }
	var b strings.Builder
	for i, r := range runes {
		reference := r == '#' || r == '-' && near(i-2) == 'g' && near(i-1) == 'h' // #12, GH-12
		switch {
		case r == '@', reference && unicode.IsDigit(near(i+1)):
			b.WriteString(string(r) + zeroWidthSpace)
		case strings.ContainsRune("&<>|`[]*~\\$", r),
			r == '_' && !(word(i-1) && word(i+1)),                                         // emphasis, unless within a word
			r == ':' && near(i+1) == '/',                                                  // https://
			r == '.' && near(i-3) == 'w' && near(i-2) == 'w' && near(i-1) == 'w',          // www.
			i == 0 && strings.ContainsRune("-+=#:", r),                                    // a list, a heading
			(r == '.' || r == ')') && strings.Trim(string(runes[:i]), "0123456789") == "": // 1.
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Code shows text as it is; what would end it early is taken out.
func Code(s string) string { return "`" + strings.ReplaceAll(Printable(s), "`", "") + "`" }

// Longest is how many characters of one message are shown. Of a longer one the
// beginning and, mostly, the end are kept: tools say there what went wrong.
const (
	Longest   = 2000
	beginning = 500
)

// Printable makes text that others wrote safe for a terminal and for the log of
// a job, on one line.
func Printable(s string) string {
	if utf8.RuneCountInString(s) > Longest {
		runes := []rune(s) // not UTF-8: each such byte counts, and shows, as one character
		s = string(runes[:beginning]) + " ... " + string(runes[len(runes)-Longest+beginning:])
	}
	return harmless(printable.Text(s, Longest+5))
}

// Name makes a path or the name of a unit safe; a newline in it stays visible.
func Name(s string) string { return harmless(printable.Path(s)) }

// harmless keeps GitHub's runner from taking a line of output for a command: it
// obeys "::" at the beginning of a line and "##[" anywhere.
func harmless(s string) string {
	if trimmed := strings.TrimLeft(s, " "); strings.HasPrefix(trimmed, "::") {
		s = `\x3a` + trimmed[1:]
	}
	return strings.ReplaceAll(s, "##[", `\x23#[`)
}
