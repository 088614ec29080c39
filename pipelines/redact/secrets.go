package redact

import (
	"encoding/json"
	"strings"
	"unicode"
)

// secrets are the values that are known to be sensitive. A text that equals one,
// holds one, or holds one in another encoding, is not shown.
type secrets struct {
	whole map[string]bool
	// index has those of at least four characters by their first four; of shorter
	// ones only equals are hidden, since a single letter is in every text.
	index map[string][]string
	bytes int
	// full: there were more than fit, so nothing is known to be harmless.
	full bool
	memo map[string]bool
}

const (
	shortest = 4
	// secretsLimit bounds the memory that secrets take, in bytes.
	secretsLimit = 48 << 20
	// longestShown is how many bytes of a value a page shows; a longer secret cannot
	// be in it, except in part.
	longestShown = 256
)

func newSecrets() *secrets {
	return &secrets{whole: map[string]bool{}, index: map[string][]string{}, memo: map[string]bool{}}
}

// addAll adds all that a sensitive value holds, keys of maps too.
func (s *secrets) addAll(value any) {
	switch v := value.(type) {
	case string:
		s.add(v)
	case json.Number:
		if len(v) >= 3 {
			s.keep(string(v))
		}
	case []any:
		for _, element := range v {
			s.addAll(element)
		}
	case map[string]any:
		for key, element := range v {
			if !isName(key) {
				s.add(key)
			}
			s.addAll(element)
		}
	}
}

// add adds a secret and what can be told to be secret in it.
func (s *secrets) add(text string) { s.addWithin(text, 0) }

func (s *secrets) addWithin(text string, depth int) {
	if strings.TrimSpace(text) == "" || depth > 3 {
		return
	}
	s.keep(text)
	if trimmed := strings.TrimSpace(text); trimmed != text {
		s.keep(trimmed)
	}
	if value, ok := jsonIn(text); ok {
		s.leaves(value, depth)
	}
	for _, part := range parts(text) {
		s.keep(part)
	}
	for _, decoded := range decodings(text) {
		if decoded != text && readable(decoded) {
			s.addWithin(decoded, depth+1)
		}
	}
}

func (s *secrets) leaves(value any, depth int) {
	switch v := value.(type) {
	case string:
		s.addWithin(v, depth+1)
	case []any:
		for _, element := range v {
			s.leaves(element, depth)
		}
	case map[string]any:
		for _, element := range v {
			s.leaves(element, depth)
		}
	}
}

func (s *secrets) keep(text string) {
	if text == "" || s.full {
		return
	}
	text = strings.ToLower(text)
	if len(text) > longestShown || s.whole[text] || harmlessValues[text] {
		return
	}
	s.whole[text] = true
	if s.bytes += len(text) + 64; s.bytes > secretsLimit {
		s.full = true
	}
	if len(text) >= shortest {
		s.index[text[:shortest]] = append(s.index[text[:shortest]], text)
	}
}

// parts are the pieces of a longer secret that may be secrets by themselves: lines,
// and words that are no plain words.
func parts(text string) []string {
	var list []string
	words := strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`"'`+"`"+`=:,;&?@/<>(){}[]|\`, r)
	})
	if len(words) < 2 {
		return nil
	}
	for _, word := range words {
		if len(word) >= 6 && !isName(word) && !diagnosticWords[strings.ToLower(word)] && !harmlessValues[strings.ToLower(word)] {
			list = append(list, word)
		}
	}
	return list
}

// hides tells whether a text must not be shown.
func (s *secrets) hides(text string) bool {
	if s.full {
		return true
	}
	hidden, known := s.memo[text]
	if known {
		return hidden
	}
	hidden = s.within(text, 0)
	if len(s.memo) < 100_000 {
		s.memo[text] = hidden
	}
	return hidden
}

func (s *secrets) within(text string, depth int) bool {
	lower := strings.ToLower(text)
	if s.whole[lower] || s.whole[strings.TrimSpace(lower)] || s.find(lower, 0) >= 0 {
		return true
	}
	if depth == 3 {
		return false
	}
	for _, decoded := range decodings(text) {
		if decoded != text && s.within(decoded, depth+1) {
			return true
		}
	}
	return false
}

// find returns how long the longest secret is that begins at or after from, by the
// end of its first occurrence, or -1. The text is in lower case.
func (s *secrets) find(text string, from int) int {
	for i := from; i+shortest <= len(text); i++ {
		if end := s.startsAt(text, i); end >= 0 {
			return end
		}
	}
	return -1
}

// startsAt is the end of the longest secret that begins at i, or -1.
func (s *secrets) startsAt(text string, i int) int {
	end := -1
	if i+shortest > len(text) {
		return end
	}
	for _, secret := range s.index[text[i:i+shortest]] {
		if strings.HasPrefix(text[i:], secret) {
			end = max(end, i+len(secret))
		}
	}
	return end
}

// jsonIn reads a text that is a JSON object or array.
func jsonIn(text string) (any, bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil || d.More() {
		return nil, false
	}
	return value, true
}
