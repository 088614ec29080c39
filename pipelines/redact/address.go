package redact

import (
	"fmt"
	"strconv"
	"strings"
)

// addresses makes addresses public: their instance keys are values, and may be
// sensitive or looked up like any other.
type addresses struct {
	// may tells whether a key may be shown.
	may   func(string) bool
	names map[string]string
}

// key is what is shown of a key: itself, or the same mark for the same key.
func (a *addresses) key(key string) string {
	if a.may(key) {
		return key
	}
	if a.names[key] == "" {
		a.names[key] = fmt.Sprintf("▒%d", len(a.names)+1)
	}
	return a.names[key]
}

func (a *addresses) show(address string) string { return mapKeys(address, a.key) }

// withoutKeys is what can be shown of an address where nothing is known of its keys.
func withoutKeys(address string) string {
	return mapKeys(address, func(string) string { return "▒" })
}

// mapKeys replaces each quoted instance key of an address.
func mapKeys(address string, replace func(string) string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(address, `["`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		end := closing(rest)
		key, err := strconv.Unquote(`"` + rest[:end] + `"`)
		if err != nil {
			key = rest[:end]
		}
		fmt.Fprintf(&b, "[%s", strconv.Quote(replace(key)))
		if address = rest[end:]; address != "" {
			address = address[1:]
		}
	}
}

// closing is where the quote ends, or the length of the text.
func closing(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(s)
}
