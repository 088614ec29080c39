package report

import (
	"fmt"
	"strings"
	"unicode"
)

// prose makes text that others wrote mean nothing in Markdown.
func prose(s string) string { return inertMarkdown(Printable(s)) }

// GitHub looks for mentions and references after Markdown was rendered, when
// entities are characters again: only a character in between stops it.
const zeroWidthSpace = "&#8203;"

// inertMarkdown makes printable text mean nothing in Markdown: it neither ends a
// cell nor links, mentions, refers or marks up, nor begins a heading or a list.
func inertMarkdown(s string) string {
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

// code shows text as it is; what would end it early is taken out.
func code(s string) string { return "`" + strings.ReplaceAll(Printable(s), "`", "") + "`" }
