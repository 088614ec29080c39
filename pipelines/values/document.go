package values

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/penstock-dev/penstock/pipelines"
)

// Reference is where the External Secrets Operator finds a secret.
type Reference struct {
	// Store is a ClusterSecretStore.
	Store string `json:"store"`
	// Key in it: the name or the ARN of a secret, or the name of a parameter.
	Key string `json:"key"`
	// Property of a secret that is a JSON object; "" for the whole.
	Property string `json:"property,omitempty"`
}

// The stores in each cluster of the platform: each reads one service of AWS.
const (
	SecretStore    = "aws"
	ParameterStore = "aws-parameters"
)

// Entry is one generated value. Its text is in no JSON: a report goes further than the
// file of values.
type Entry struct {
	// Key is its path in the values: config.SQS_ORDERS_URL.
	Key string `json:"key"`
	// Source is the parameter that it was read from, or FILE:LINE.
	Source string `json:"source"`
	// Reference is set in place of a value for what is secret.
	Reference *Reference `json:"reference,omitempty"`

	path     []string
	value    string
	variable string
	at       pipelines.Position
}

func text(source, value string, path ...string) Entry {
	return Entry{Key: strings.Join(path, "."), Source: source, path: path, value: value}
}

// configured is a plain environment variable.
func configured(variable, source, value string, at pipelines.Position) Entry {
	e := text(source, value, "config", variable)
	e.variable, e.at = variable, at
	return e
}

// secret is an environment variable that is a reference.
func secret(variable, source string, r Reference, at pipelines.Position) Entry {
	return Entry{Key: "secrets." + variable, Source: source, Reference: &r, path: []string{"secrets", variable}, variable: variable, at: at}
}

// sections in the order of the file.
var sections = []string{"image", "serviceAccount", "config", "secrets"}

// render writes the file: the same bytes for the same entries. header are lines of comment.
func render(header []string, entries []Entry) []byte {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if by := slices.Index(sections, a.path[0]) - slices.Index(sections, b.path[0]); by != 0 {
			return by
		}
		return strings.Compare(a.Key, b.Key)
	})
	var b strings.Builder
	for _, line := range header {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	var above []string
	for _, e := range entries {
		last := len(e.path) - 1
		for depth, key := range e.path[:last] { // the mappings that it lies in
			if len(above) <= depth || above[depth] != key {
				fmt.Fprintf(&b, "%s%s:\n", indent(depth), name(key))
				above = append(slices.Clip(above[:depth]), key)
			}
		}
		above = above[:last]
		fmt.Fprintf(&b, "%s# %s\n%s%s:", indent(last), e.Source, indent(last), name(e.path[last]))
		if e.Reference == nil {
			fmt.Fprintf(&b, " %s\n", quote(e.value))
			continue
		}
		in := indent(last + 2)
		fmt.Fprintf(&b, "\n%sexternalSecret:\n%sstore:\n%s  name: %s\n%s  kind: \"ClusterSecretStore\"\n%skey: %s\n", indent(last+1), in, in, quote(e.Reference.Store), in, in, quote(e.Reference.Key))
		if e.Reference.Property != "" {
			fmt.Fprintf(&b, "%sproperty: %s\n", in, quote(e.Reference.Property))
		}
	}
	if len(entries) == 0 {
		b.WriteString("{}\n")
	}
	return []byte(b.String())
}

func indent(depth int) string { return strings.Repeat("  ", depth) }

// bare are keys that are text to every reader of YAML: none is yes, null or a number.
var bare = regexp.MustCompile(`^([A-Z][A-Z0-9]*(_[A-Z0-9]+)+|[a-z]+[A-Za-z]{3,}|eks\.amazonaws\.com/role-arn)$`)

func name(key string) string {
	if bare.MatchString(key) && key != "true" && key != "false" && key != "null" {
		return key
	}
	return quote(key)
}

// quote writes text in double quotes, as YAML 1.1 and 1.2 both read it: a value is text
// whatever it looks like, and what is not printable is an escape.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xff:
			b.WriteString(`\x` + hex(r, 2))
		case r <= 0xffff:
			b.WriteString(`\u` + hex(r, 4))
		default:
			b.WriteString(`\U` + hex(r, 8))
		}
	}
	b.WriteByte('"')
	return b.String()
}

func hex(r rune, width int) string {
	digits := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", width-len(digits)) + digits
}
