package redact

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// judge decides, when the whole plan is known, what may be shown of it.
type judge struct {
	*collector
	public *addresses
	memo   map[string]Kind
	counts map[Kind]int
	shown  int
}

func newJudge(c *collector) *judge {
	j := &judge{collector: c, memo: map[string]Kind{}, counts: map[Kind]int{}}
	j.public = &addresses{names: map[string]string{}, may: func(key string) bool { return j.text(key) == "" || j.keyword(key) }}
	return j
}

// value makes a leaf public.
func (j *judge) value(l *leaf) *Value {
	if l == nil {
		return nil
	}
	kind := l.masked
	if kind == "" {
		kind = j.judge(l)
	}
	if kind != "" {
		j.counts[kind]++
		return &Value{Masked: kind}
	}
	j.shown++
	if l.value == emptyList {
		return &Value{Shown: json.RawMessage("[]")}
	}
	text, err := json.Marshal(l.value)
	if err != nil {
		return &Value{Masked: NotInCode}
	}
	return &Value{Shown: text}
}

func (j *judge) judge(l *leaf) Kind {
	secret := slices.ContainsFunc(l.path, holdsSecret)
	switch v := l.value.(type) {
	case string:
		switch {
		case strings.TrimSpace(v) == "":
			return ""
		case secret:
			return Sensitive
		case scripts[nameOf(l.path)]:
			return NotInCode
		}
		return j.text(v)
	case json.Number:
		text := string(v)
		switch {
		case v == emptyList:
		case secret || j.secrets.full || j.secrets.whole[text] || len(text) >= shortest && j.secrets.hides(text):
			return Sensitive
		case len(text) >= 5 && j.looked[j.hash(text)] && !j.texts[text]:
			return LookedUp
		}
	}
	return ""
}

// text decides on one text; "" is: it may be shown.
func (j *judge) text(text string) Kind {
	if harmlessValues[strings.ToLower(text)] && !j.secrets.full {
		return ""
	}
	kind, known := j.memo[text]
	if !known {
		kind = j.decide(text)
		if len(j.memo) < 200_000 {
			j.memo[text] = kind
		}
	}
	return kind
}

func (j *judge) decide(text string) Kind {
	switch {
	case len(text) > longestShown || strings.ContainsAny(text, "\n\r"):
		return TooLong
	case j.secrets.hides(text) || looksSecret(text):
		return Sensitive
	case j.isLookedUp(text):
		return LookedUp
	case j.literal(text):
		return ""
	case j.composed(text):
		return ""
	}
	return NotInCode
}

// literal tells whether the text stands in the code as a whole.
func (j *judge) literal(text string) bool {
	return j.texts[text] || j.options.Literals.texts[text]
}

// isLookedUp tells whether a data source returned the text, unless it returned what
// it was asked for.
func (j *judge) isLookedUp(text string) bool {
	h := j.hash(text)
	return j.looked[h] && !j.echoed[h]
}

// keyword tells whether a key of a map or an instance stands in the code as a name.
func (j *judge) keyword(key string) bool {
	return (j.names[key] || j.options.Literals.names[key]) && !j.secrets.hides(key) && !looksSecret(key) && !j.isLookedUp(key)
}

// piece bounds of a text that the code composes.
const (
	shortestPiece = 3
	mostPieces    = 12
)

var boundary = regexp.MustCompile(`[-_/.:@ ]`)

// composed tells whether a text is made of literals only, with separators and
// small numbers between: "${var.environment}-orders-${count.index}". Each piece
// of it stands in the code, and none of it was looked up.
func (j *judge) composed(text string) bool {
	// best[i] is the least number of pieces that text[:i] is made of.
	best := make([]int, len(text)+1)
	for end := 1; end <= len(text); end++ {
		best[end] = mostPieces + 1
		for from := end - 1; from >= 0; from-- {
			if best[from]+1 < best[end] && j.piece(text, from, end) {
				best[end] = best[from] + 1
			}
		}
	}
	if best[len(text)] > mostPieces {
		return false
	}
	return !j.partLookedUp(text)
}

func (j *judge) piece(text string, from, end int) bool {
	part := text[from:end]
	if len(part) == 1 && boundary.MatchString(part) {
		return true
	}
	if len(part) >= shortestPiece && (j.literal(part) || j.names[part] && len(part) > shortestPiece) {
		return true
	}
	return len(part) <= 3 && strings.Trim(part, "0123456789") == "" && edge(text, from-1) && edge(text, end)
}

// edge tells whether a number may begin or end beside the byte at i.
func edge(text string, i int) bool {
	return i < 0 || i >= len(text) || !unicode.IsDigit(rune(text[i]))
}

// partLookedUp tells whether any part between separators was looked up.
func (j *judge) partLookedUp(text string) bool {
	starts, ends := []int{0}, []int{}
	for _, at := range boundary.FindAllStringIndex(text, -1) {
		ends = append(ends, at[0])
		starts = append(starts, at[1])
	}
	ends = append(ends, len(text))
	for i, from := range starts {
		for _, end := range ends[i:] {
			if part := text[from:end]; len(part) >= shortestPiece && !harmlessValues[strings.ToLower(part)] && j.isLookedUp(part) {
				return true
			}
		}
	}
	return false
}

// path writes a path as people read it, with the keys of maps only where they may
// be shown. The first key is the attribute: the provider's schema has it.
func (j *judge) path(path []string) string {
	var b strings.Builder
	for i, step := range path {
		switch {
		case strings.HasPrefix(step, "["):
			b.WriteString(step)
			continue
		case i > 0:
			b.WriteByte('.')
		}
		if i > 0 {
			step = j.mapKey(step)
		}
		if strings.ContainsAny(step, ".[\"") {
			step = fmt.Sprintf("%q", step)
		}
		b.WriteString(step)
	}
	return b.String()
}

func (j *judge) mapKey(key string) string {
	if isName(key) && !j.secrets.full && !j.secrets.whole[strings.ToLower(key)] {
		return key
	}
	return j.public.key(key)
}
