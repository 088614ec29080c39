package manifest

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// maxNesting is far beyond any object of Kubernetes.
const maxNesting = 100

// builder turns nodes into JSON values.
type builder struct {
	*document
	positions map[string]pipelines.Position
	depth     int
}

// value refuses what makes a small document mean something large or something
// else: aliases, merges, tags, a key twice.
func (b *builder) value(n *yaml.Node, at string) any {
	b.depth++
	defer func() { b.depth-- }()
	if b.positions[at].Line == 0 {
		b.positions[at] = b.position(n)
	}
	switch {
	case b.depth > maxNesting:
		b.refuse(b.position(n), "it is nested more than %d deep", maxNesting)
		return nil
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		b.refuse(b.position(n), "anchors and aliases are not followed: write the value out")
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return b.mapping(n, at)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			list = append(list, b.value(item, join(at, strconv.Itoa(i))))
		}
		return list
	}
	return b.scalar(n)
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func (b *builder) mapping(n *yaml.Node, at string) any {
	if tag := n.ShortTag(); tag != "!!map" {
		b.refuse(b.position(n), "the tag %s is not allowed", tag)
	}
	out := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, isText := b.scalar(key).(string)
		switch _, twice := out[name]; {
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge":
			b.refuse(b.position(key), "merges and keys that are not texts are not followed: write them out")
			continue
		case !isText:
			b.refuse(b.position(key), "the key %q is not a text: quote it", printable.Text(key.Value, 100))
			continue
		case twice:
			b.refuse(b.position(key), "the key %q stands there twice", printable.Text(name, 100))
			continue
		}
		inner := join(at, name)
		b.positions[inner] = b.position(key)
		out[name] = b.value(value, inner)
	}
	return out
}

var (
	// Helm and kubectl read YAML 1.1, other tools YAML 1.2: these differ.
	oldBool   = regexp.MustCompile(`^(y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$`)
	oldNumber = regexp.MustCompile(`^[-+]?(0[0-9_]+|0o[0-7_]+|0[bB][01_]+|0x[0-9A-Fa-f_]+|[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?|[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?)$`)
)

// scalar reads a scalar, where every reader of YAML reads the same.
func (b *builder) scalar(n *yaml.Node) any {
	if n.Kind != yaml.ScalarNode {
		return nil
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 && n.Style&yaml.TaggedStyle == 0 {
		return n.Value
	}
	shown := printable.Text(n.Value, 100)
	if n.Style&yaml.TaggedStyle != 0 {
		b.refuse(b.position(n), "the tag %s is not allowed", n.Tag)
		return nil
	}
	if oldBool.MatchString(n.Value) || oldNumber.MatchString(n.Value) {
		b.refuse(b.position(n), "%q is a text to some and a boolean or another number to others: quote it, or write it plainly", shown)
		return nil
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if i, err := strconv.ParseInt(strings.TrimPrefix(n.Value, "+"), 10, 64); err == nil {
			return i
		}
		b.refuse(b.position(n), "%q is a number that does not fit into 64 bits: quote it", shown)
		return nil
	case "!!float":
		f, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			b.refuse(b.position(n), "%q is not a number that JSON has: quote it", shown)
			return nil
		}
		return f
	}
	return n.Value // a text, or what looks like a date, which stays one
}
