// Package printable makes text that others wrote safe to show: a file name, a
// line of a file or the output of a tool may hold control characters that move
// the cursor, hide text or forge lines of a log.
package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns s with everything that is not printable written as an escape,
// cut to at most limit characters. Newlines and tabs become a single space.
func Text(s string, limit int) string {
	var b strings.Builder
	for count := 0; len(s) > 0; count++ {
		if count == limit {
			return b.String() + "..."
		}
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[0]), 16))
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
		s = s[size:]
	}
	return b.String()
}

// Path returns a file name with everything that is not printable escaped; a
// newline in a name stays visible as \n.
func Path(name string) string {
	return Text(strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(name), 4096)
}
