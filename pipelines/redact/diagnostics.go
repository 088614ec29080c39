package redact

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// The bounds of what is shown of errors: the last ones, each with its beginning
// and its end.
const (
	errorsShown = 20
	errorLength = 1_500
	lineLimit   = 1 << 20
	mask        = "▒"
)

// message is a line of terraform's or tofu's -json output, as far as it counts.
type message struct {
	Level      string      `json:"@level"`
	Type       string      `json:"type"`
	Text       string      `json:"@message"`
	Diagnostic *diagnostic `json:"diagnostic"`
}

type diagnostic struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	Address  string `json:"address"`
	Snippet  *struct {
		Context string `json:"context"` // the block's type and labels
	} `json:"snippet"`
	Range *struct {
		Filename string `json:"filename"`
		Start    struct {
			Line int `json:"line"`
		} `json:"start"`
	} `json:"range"`
}

// Diagnostics makes the errors of a run public: of the output of terraform plan
// -json, or of any command with -json, the errors with their address, place and
// what they say, the last 20 of them, after the last 20 lines that are no JSON. A provider may put anything into an error, so
// a word is shown only if it is a common word of such errors, or stands in the code
// (Options.Literals); every other is "▒". An error in reading is itself an entry: it is never
// "no errors".
func Diagnostics(log io.Reader, o Options) []string {
	p := newPublisher(o)
	var said, raw tail // a stack trace must not push the errors out
	in := bufio.NewReaderSize(log, 1<<16)
	for {
		line, err := readLine(in)
		text, isRaw := p.line(line)
		switch {
		case text == "":
		case isRaw:
			raw.add(text)
		default:
			said.add(text)
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			raw.add("error: the log could not be read to its end")
		}
		return append(raw.lines(), said.lines()...)
	}
}

// tail keeps the last of what it is given.
type tail struct {
	kept    []string
	dropped int
}

func (t *tail) add(text string) {
	if t.kept = append(t.kept, text); len(t.kept) > errorsShown {
		t.kept = t.kept[1:]
		t.dropped++
	}
}

func (t *tail) lines() []string {
	if t.dropped == 0 {
		return t.kept
	}
	return slices.Insert(t.kept, 0, fmt.Sprintf("%d errors before these are left out", t.dropped))
}

// readLine reads a line; of one that is too long, its beginning.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if room := lineLimit - len(line); room > 0 {
			line = append(line, part[:min(room, len(part))]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// publisher shows words that are known to be public.
type publisher struct {
	options Options
	secrets *secrets
}

func newPublisher(o Options) *publisher {
	p := &publisher{options: o, secrets: o.plan}
	if p.secrets != nil {
		return p // it has the others already
	}
	p.secrets = newSecrets()
	for text := range o.Literals.secrets {
		p.secrets.add(text)
	}
	for _, text := range o.Secrets {
		p.secrets.add(text)
	}
	return p
}

// line makes a line public, "" if it is no error, and tells whether it is no JSON.
func (p *publisher) line(line []byte) (text string, raw bool) {
	line = bytes.TrimSpace(line)
	var m message
	switch {
	case !bytes.ContainsFunc(line, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
		return "", false
	case line[0] != '{' || json.Unmarshal(line, &m) != nil:
		return bounded("error: " + p.text(string(line))), true
	case m.Diagnostic != nil && m.Diagnostic.Severity == "error":
		return p.diagnostic(*m.Diagnostic), false
	case m.Diagnostic == nil && m.Level == "error":
		return bounded("error: " + p.text(m.Text)), false
	}
	return "", false
}

func (p *publisher) diagnostic(d diagnostic) string {
	text := "error: " + p.text(d.Summary)
	if d.Range != nil && d.Range.Filename != "" {
		text = fmt.Sprintf("%s:%d: %s", p.file(d.Range.Filename), d.Range.Start.Line, text)
	}
	switch {
	case d.Address != "":
		text += fmt.Sprintf(" (%s)", p.address(d.Address))
	case d.Snippet != nil && d.Snippet.Context != "":
		text += fmt.Sprintf(" (%s)", p.text(d.Snippet.Context))
	}
	if d.Detail != "" {
		text += ": " + p.text(d.Detail)
	}
	return bounded(text)
}

// bounded keeps the beginning and, mostly, the end: tools say there what went wrong.
func bounded(text string) string {
	runes := []rune(text)
	if len(runes) <= errorLength {
		return text
	}
	const beginning = errorLength / 3
	return string(runes[:beginning]) + " ... " + string(runes[len(runes)-errorLength+beginning:])
}

var fileName = regexp.MustCompile(`^[\w.-][\w./-]{0,119}$`)

// file is a name within the repository, of one from elsewhere its end; where it is
// no plain one, nothing but that it is a file.
func (p *publisher) file(name string) string {
	base := path.Clean(strings.ReplaceAll(name, `\`, "/"))
	if path.IsAbs(base) || strings.HasPrefix(base, "../") {
		base = path.Base(base)
	}
	ext := path.Ext(base)
	if fileName.MatchString(base) && (ext == ".tf" || ext == ".tofu" || ext == ".tfvars" || ext == ".json") && !p.secrets.hides(base) {
		return base
	}
	return mask + ".tf"
}

// address shows what of an address is a name of the code.
func (p *publisher) address(address string) string {
	return mapKeys(p.identifiers(address), func(key string) string {
		if p.quoted(key) {
			return key
		}
		return mask
	})
}

// identifiers replaces names that are neither of the code nor made of known words.
func (p *publisher) identifiers(address string) string {
	return outsideQuotes.ReplaceAllStringFunc(address, func(part string) string {
		if strings.HasPrefix(part, `"`) {
			return part
		}
		return nameRun.ReplaceAllStringFunc(part, func(name string) string {
			if p.known(name) || isName(name) || name == "module" || name == "data" || strings.Trim(name, "0123456789") == "" {
				return name
			}
			return mask
		})
	})
}

var (
	outsideQuotes = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[^"]+`)
	nameRun       = regexp.MustCompile(`[\pL\pN_-]+`)
	quotedRun     = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|'[^'\\s]*'")
)

// text shows the words of a text that are public, and masks each other one. Runs
// of masks become one: how many words there were is nobody's business either.
func (p *publisher) text(text string) string {
	if len(text) > lineLimit {
		text = text[:lineLimit]
	}
	text = p.withoutSecrets(text)
	var b strings.Builder
	rest := text
	for _, at := range quotedRun.FindAllStringIndex(text, -1) {
		b.WriteString(p.words(rest[:len(rest)-(len(text)-at[0])]))
		inner := text[at[0]+1 : at[1]-1]
		if !p.quoted(inner) {
			inner = mask
		}
		b.WriteString(text[at[0]:at[0]+1] + inner + text[at[1]-1:at[1]])
		rest = text[at[1]:]
	}
	b.WriteString(p.words(rest))
	return masks.ReplaceAllString(strings.Join(strings.Fields(b.String()), " "), mask)
}

var masks = regexp.MustCompile(mask + `(?:\s*` + mask + `)+`)

// withoutSecrets masks what is known to be secret, across words too.
func (p *publisher) withoutSecrets(text string) string {
	lower := strings.ToLower(text)
	if len(lower) != len(text) { // then the positions differ
		text = lower
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if end := p.secrets.startsAt(lower, i); end > i {
			b.WriteString(mask)
			i = end
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}

// quoted tells whether what stands in quotes is a whole text or name of the code,
// or made of words that attributes are named by.
func (p *publisher) quoted(text string) bool {
	if strings.TrimSpace(text) == "" {
		return true
	}
	if len(text) > longestShown || p.secrets.hides(text) || looksSecret(text) {
		return false
	}
	l := p.options.Literals
	return l.texts[text] || l.names[text] || harmlessValues[strings.ToLower(text)] || isName(text) && strings.Contains(text, "_")
}

// words shows what of a run without quotes is public. A chunk between spaces is
// shown only if all of it is: half of a key is half of a secret.
func (p *publisher) words(text string) string {
	var b strings.Builder
	for _, chunk := range chunks.FindAllString(text, -1) {
		if strings.TrimSpace(chunk) == "" {
			b.WriteString(" ")
			continue
		}
		head, core, tail := trimmed(chunk)
		if core != "" && !p.chunk(core) {
			core = mask
		}
		b.WriteString(head + core + tail)
	}
	return b.String()
}

var chunks = regexp.MustCompile(`\s+|\S+`)

// trimmed takes punctuation off both ends.
func trimmed(chunk string) (head, core, tail string) {
	punctuation := func(r rune) bool { return strings.ContainsRune(`.,;:!?()[]{}<>"'|│╷╵*-`, r) || string(r) == mask }
	core = strings.TrimLeftFunc(chunk, punctuation)
	head = chunk[:len(chunk)-len(core)]
	short := strings.TrimRightFunc(core, punctuation)
	return head, short, core[len(short):]
}

func (p *publisher) chunk(chunk string) bool {
	l := p.options.Literals
	if p.secrets.full || p.secrets.whole[strings.ToLower(chunk)] || looksSecret(chunk) {
		return false
	}
	if l.texts[chunk] || l.names[chunk] {
		return true
	}
	if encoded(chunk) {
		return false
	}
	for _, word := range wordRun.FindAllString(chunk, -1) {
		if !p.known(word) {
			return false
		}
	}
	return true
}

var wordRun = regexp.MustCompile(`[\pL\pN_]+`)

// encoded tells chunks whose signs belong to an encoding rather than to a sentence.
func encoded(chunk string) bool { return strings.ContainsAny(chunk, "%&+\\@#$~^=?") }

// known tells whether a single word is public.
func (p *publisher) known(word string) bool {
	lower := strings.ToLower(word)
	switch {
	case p.secrets.whole[lower]:
		return false
	case diagnosticWords[lower], p.options.Literals.names[word], p.options.Literals.texts[word]:
		return true
	case strings.IndexFunc(word, func(r rune) bool { return !unicode.IsDigit(r) }) < 0:
		return len(word) <= 3
	}
	return strings.Contains(word, "_") && isName(word)
}
