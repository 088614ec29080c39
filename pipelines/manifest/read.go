package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Object is one object of a stream.
type Object struct {
	// APIVersion, Kind, Namespace and Name as they are written.
	APIVersion, Kind, Namespace, Name string
	// Position of the object, and Positions of each of its fields by its path:
	// "spec.template.spec.containers.0.image".
	Position  pipelines.Position
	Positions map[string]pipelines.Position
	// Value is the whole object, as JSON values.
	Value map[string]any
	// shapeless: something in it is of another type than it has to be.
	shapeless bool
}

// Address names an object in findings and waivers: "Deployment/orders", with its
// namespace where it names one: "Deployment/shop/orders".
func (o *Object) Address() string {
	if o.Namespace != "" {
		return o.Kind + "/" + o.Namespace + "/" + o.Name
	}
	return o.Kind + "/" + o.Name
}

var (
	// separator is where helm and kubectl cut a stream: any line that begins so.
	separator = regexp.MustCompile(`(?m)^---.*$`)
	// source is helm's comment, where only comments stand before it.
	source = regexp.MustCompile(`\A(?:[ \t\r]*(?:#.*)?\n)*?# Source: (.+)`)
)

// read cuts a stream as helm does and reads each document by itself, so that one
// that is broken hides no other.
func read(name string, stream []byte) ([]Object, []pipelines.Finding) {
	broken := func(at pipelines.Position, message string) []pipelines.Finding {
		return []pipelines.Finding{unreadable(at, message)}
	}
	if len(stream) > Limit {
		return nil, broken(pipelines.Position{Path: name}, fmt.Sprintf("the stream is over %d bytes", Limit))
	}
	if !utf8.Valid(stream) {
		at := pipelines.Position{Path: name, Line: 1}
		for len(stream) > 0 {
			r, size := utf8.DecodeRune(stream)
			if r == utf8.RuneError && size == 1 {
				break
			}
			if r == '\n' {
				at.Line++
			}
			stream = stream[size:]
		}
		return nil, broken(at, "the stream is not UTF-8")
	}
	var objects []Object
	var findings []pipelines.Finding
	cuts := append(separator.FindAllIndex(stream, -1), []int{len(stream), len(stream)})
	from, line := 0, 1
	for _, cut := range cuts {
		d := &document{at: pipelines.Position{Path: name, Line: line}}
		found, bad := d.read(stream[from:cut[0]])
		objects, findings = append(objects, found...), append(findings, bad...)
		if text := strings.TrimSpace(string(stream[cut[0]:cut[1]])); strings.TrimLeft(text, "-") != "" && !strings.HasPrefix(strings.TrimLeft(text, "- "), "#") {
			findings = append(findings, unreadable(pipelines.Position{Path: name, Line: line + bytes.Count(stream[from:cut[0]], []byte("\n"))},
				"text stands on the line that separates two documents: helm does not see it"))
		}
		line += bytes.Count(stream[from:cut[1]], []byte("\n"))
		from = cut[1]
	}
	return objects, findings
}

// template is which lines of a stream a file of a chart printed.
type template struct {
	path  string
	lines [2]int
}

// templates are told by helm's comments.
func templatesOf(stream []byte) []template {
	var all []template
	cuts := append(separator.FindAllIndex(stream, -1), []int{len(stream), len(stream)})
	from, line := 0, 1
	for _, cut := range cuts {
		next := line + bytes.Count(stream[from:cut[1]], []byte("\n"))
		if m := source.FindSubmatch(stream[from:cut[0]]); m != nil {
			all = append(all, template{printable.Path(strings.TrimSpace(string(m[1]))), [2]int{line, next}})
		}
		from, line = cut[1], next
	}
	return all
}

// place names the template of a finding, for that is what can be corrected, and
// says the line of the stream in words.
func place(name string, findings []pipelines.Finding, templates []template) {
	for i := range findings {
		f := &findings[i]
		at := slices.IndexFunc(templates, func(t template) bool { return f.Path == name && t.lines[0] <= f.Line && f.Line <= t.lines[1] })
		if at >= 0 {
			f.Message += fmt.Sprintf(" (line %d of %s)", f.Line, name)
			f.Position = pipelines.Position{Path: templates[at].path}
		}
	}
}

func unreadable(at pipelines.Position, message string) pipelines.Finding {
	return pipelines.Finding{Position: at, Rule: YAMLRule, Verdict: pipelines.Fail, Severity: pipelines.High, Message: printable.Text(message, 300),
		Hint: "correct the template, or the value that it prints"}
}

// document is one document of a stream.
type document struct {
	// at is where its first line is.
	at       pipelines.Position
	objects  []Object
	findings []pipelines.Finding
}

func (d *document) read(text []byte) ([]Object, []pipelines.Finding) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var body yaml.Node
	err := decoder.Decode(&body)
	if errors.Is(err, io.EOF) {
		return nil, nil // only comments
	}
	if err == nil && !errors.Is(decoder.Decode(&yaml.Node{}), io.EOF) {
		err = errors.New("a document ends before the line ---: helm does not see what follows")
	}
	if err != nil {
		at := d.at
		var line int
		if _, scan := fmt.Sscanf(err.Error(), "yaml: line %d:", &line); scan == nil {
			at = d.position(&yaml.Node{Line: line})
		}
		return nil, []pipelines.Finding{unreadable(at, "it is not YAML: "+err.Error())}
	}
	root := body.Content[0]
	if root.ShortTag() == "!!null" {
		return nil, nil
	}
	b := &builder{document: d, positions: map[string]pipelines.Position{}}
	value := b.value(root, "")
	if len(d.findings) > 0 {
		return nil, d.findings // it was not read, so it is not judged
	}
	d.object(value, b.positions, "", d.position(root))
	return d.objects, d.findings
}

func (d *document) position(n *yaml.Node) pipelines.Position {
	return pipelines.Position{Path: d.at.Path, Line: d.at.Line + n.Line - 1, Column: n.Column}
}

func (d *document) refuse(at pipelines.Position, format string, args ...any) {
	d.findings = append(d.findings, unreadable(at, fmt.Sprintf(format, args...)))
}

// object takes what was read for an object, or for each object of a list.
func (d *document) object(value any, positions map[string]pipelines.Position, at string, where pipelines.Position) {
	fields, ok := value.(map[string]any)
	if !ok {
		d.refuse(where, "it is not an object")
		return
	}
	o := Object{Value: fields, Position: where, Positions: positions}
	metadata, _ := fields["metadata"].(map[string]any)
	for _, field := range []struct {
		into     *string
		of       map[string]any
		name     string
		required bool
	}{{&o.APIVersion, fields, "apiVersion", true}, {&o.Kind, fields, "kind", true}, {&o.Name, metadata, "name", false}, {&o.Namespace, metadata, "namespace", false}} {
		text, isText := field.of[field.name].(string)
		if !isText && (field.required || field.of[field.name] != nil) || isText && text == "" && field.required {
			d.refuse(where, "an object has no %s that is a text", field.name)
			return
		}
		*field.into = printable.Text(text, 300)
	}
	items, isList := fields["items"].([]any)
	if isList && strings.HasSuffix(o.Kind, "List") {
		for i, item := range items {
			prefix := fmt.Sprintf("items.%d", i)
			inner := map[string]pipelines.Position{}
			for path, p := range positions {
				if rest, ok := strings.CutPrefix(path, prefix+"."); ok {
					inner[rest] = p
				}
			}
			d.object(item, inner, prefix, positions[prefix])
		}
		return
	}
	if o.Name == "" && metadata["generateName"] == nil {
		d.refuse(where, "the %s has no metadata.name", o.Kind)
		return
	}
	d.objects = append(d.objects, o)
}
