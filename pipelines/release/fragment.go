package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Fragments is the directory, beneath the catalog, in which pull requests say what a
// reader of the changelog has to know.
const Fragments = ".penstock/changes"

// fragmentLimit is the largest fragment that is read, in bytes.
const fragmentLimit = 64 << 10

// Fragment is one file of .penstock/changes. It counts for the next release of each
// module that it names, and only once: for a release after which it was added.
type Fragment struct {
	// Modules are paths of modules in the catalog.
	Modules []string `json:"modules" yaml:"modules" jsonschema:"required,minItems=1,minLength=1"`
	// Note is a line for the changelog.
	Note string `json:"note,omitempty" yaml:"note" jsonschema:"minLength=1,maxLength=1000"`
	// Severity is timely where callers must not wait. Default: routine.
	Severity string `json:"severity,omitempty" yaml:"severity" jsonschema:"enum=routine,enum=timely"`
	// Reason is why callers must not wait.
	Reason string `json:"reason,omitempty" yaml:"reason" jsonschema:"minLength=1,maxLength=1000"`
	// Advisory is where more is said, such as CVE-2026-1234 or an address.
	Advisory string `json:"advisory,omitempty" yaml:"advisory" jsonschema:"minLength=1,maxLength=300"`
	// Deadline is the day (UTC, YYYY-MM-DD) until which callers should have it.
	Deadline string `json:"deadline,omitempty" yaml:"deadline" jsonschema:"format=date"`
	// Stable ends the time before 1.0.0: the release is 1.0.0.
	Stable bool `json:"stable,omitempty" yaml:"stable"`

	file string
}

// Severity is how soon callers should take a release.
type Severity struct {
	// Level is timely where a fragment says so, else routine.
	Level string `json:"level" jsonschema:"enum=routine,enum=timely"`
	// Deadline is the earliest of all, YYYY-MM-DD.
	Deadline string `json:"deadline,omitempty"`
	// Because are the fragments that make it timely.
	Because []Urgency `json:"because,omitempty"`
}

// Urgency is why a release is timely.
type Urgency struct {
	Reason   string `json:"reason"`
	Advisory string `json:"advisory,omitempty"`
	Deadline string `json:"deadline"`
	// File is the fragment.
	File string `json:"file"`
}

// ErrFragment says that a changelog fragment is not as it has to be.
var ErrFragment = errors.New("the changelog fragment is refused")

func refuseFragment(at pipelines.Position, hint, format string, args ...any) error {
	return &pipelines.Error{Position: at, Err: fmt.Errorf("%w: %w", ErrFragment, fmt.Errorf(format, args...)), Hint: hint}
}

// readFragment reads one strictly.
func readFragment(name string, content []byte) (*Fragment, error) {
	at := pipelines.Position{Path: name}
	switch {
	case len(content) > fragmentLimit:
		return nil, refuseFragment(at, "", "it is over %d bytes", fragmentLimit)
	case !utf8.Valid(content):
		return nil, refuseFragment(at, "save it as UTF-8", "it is not UTF-8")
	case bytes.ContainsAny(content, "&*") && hasAliases(content):
		return nil, refuseFragment(at, "write values out", "anchors and aliases are not allowed")
	}
	parsed, err := parser.ParseBytes(content, 0)
	if err != nil {
		return nil, yamlError(at, err)
	}
	if len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil {
		return nil, refuseFragment(at, `write "modules: [...]"`, "it has to hold one document")
	}
	f := &Fragment{file: name}
	if err := yaml.NodeToValue(parsed.Docs[0].Body, f, yaml.Strict()); err != nil {
		return nil, yamlError(at, err)
	}
	where := func(key string) pipelines.Position { return keyAt(name, parsed.Docs[0].Body, key) }
	return f, f.check(where)
}

// hasAliases looks for anchors and aliases.
func hasAliases(content []byte) bool {
	parsed, err := parser.ParseBytes(content, 0)
	if err != nil {
		return false // it is refused for what is wrong
	}
	v := &aliased{}
	for _, doc := range parsed.Docs {
		if doc.Body != nil {
			ast.Walk(v, doc.Body)
		}
	}
	return v.found
}

type aliased struct{ found bool }

func (v *aliased) Visit(node ast.Node) ast.Visitor {
	switch node.Type() {
	case ast.AliasType, ast.AnchorType, ast.MergeKeyType:
		v.found = true
	}
	return v
}

// keyAt is where a key stands.
func keyAt(name string, body ast.Node, key string) pipelines.Position {
	at := pipelines.Position{Path: name, Line: 1, Column: 1}
	var pairs []*ast.MappingValueNode
	switch node := body.(type) {
	case *ast.MappingNode:
		pairs = node.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{node}
	}
	for _, pair := range pairs {
		if t := pair.Key.GetToken(); t != nil && t.Value == key {
			at.Line, at.Column = t.Position.Line, t.Position.Column
		}
	}
	return at
}

func yamlError(at pipelines.Position, err error) error {
	message := err.Error()
	var known yaml.Error
	if errors.As(err, &known) {
		message = known.GetMessage()
		if t := known.GetToken(); t != nil {
			at.Line, at.Column = t.Position.Line, t.Position.Column
		}
	}
	return refuseFragment(at, "allowed are modules, note, severity, reason, advisory, deadline, stable", "%s", printable.Text(message, 300))
}

func (f *Fragment) check(at func(key string) pipelines.Position) error {
	if len(f.Modules) == 0 {
		return refuseFragment(at("modules"), `write "modules: [modules/vpc]"`, "it names no module")
	}
	for i, m := range f.Modules {
		if m = path.Clean(m); slices.Contains(f.Modules[:i], m) {
			return refuseFragment(at("modules"), "take one out", "the module %q is named twice", m)
		}
		f.Modules[i] = m
	}
	timely := f.Severity == "timely"
	switch {
	case f.Severity != "" && f.Severity != "routine" && !timely:
		return refuseFragment(at("severity"), "write routine or timely", "there is no severity %q", f.Severity)
	case timely && f.Reason == "":
		return refuseFragment(at("severity"), "say why, with reason", "it is timely without a reason")
	case timely && f.Deadline == "":
		return refuseFragment(at("severity"), "say until when, with deadline", "it is timely without a deadline")
	case !timely && f.Reason+f.Advisory+f.Deadline != "":
		key := "reason"
		if f.Reason == "" && f.Advisory != "" {
			key = "advisory"
		} else if f.Reason == "" {
			key = "deadline"
		}
		return refuseFragment(at(key), `write "severity: timely" beside it`, "%s is for what is timely", key)
	case f.Note == "" && !timely && !f.Stable:
		return refuseFragment(at("modules"), "add a note", "it says nothing")
	}
	if f.Deadline != "" {
		if _, err := time.Parse(time.DateOnly, f.Deadline); err != nil {
			return refuseFragment(at("deadline"), "write it like 2026-12-31", "there is no day %q", f.Deadline)
		}
	}
	for key, text := range map[string]string{"note": f.Note, "reason": f.Reason, "advisory": f.Advisory} {
		if limit := map[string]int{"note": 1000, "reason": 1000, "advisory": 300}[key]; utf8.RuneCountInString(text) > limit {
			return refuseFragment(at(key), "", "%s has more than %d characters", key, limit)
		}
	}
	return nil
}

// fragments reads all that a commit has. modules are those of the catalog: one that is
// not there is a mistake, where the fragment is new.
func (s *snapshot) fragments(ctx context.Context) ([]*Fragment, error) {
	var paths []string
	for _, p := range s.children[Fragments] {
		switch ext := path.Ext(p); {
		case ext == ".yml":
			return nil, refuseFragment(pipelines.Position{Path: p}, "call it .yaml", "it has another ending than fragments have")
		case ext != ".yaml":
			continue
		case s.tree.Entries[p].Mode != git.ModeFile && s.tree.Entries[p].Mode != git.ModeExec:
			return nil, refuseFragment(pipelines.Position{Path: p}, "put a file in its place", "it is not a regular file")
		}
		paths = append(paths, p)
	}
	contents, err := s.tree.Read(ctx, paths)
	if err != nil {
		return nil, err
	}
	var list []*Fragment
	for _, p := range paths {
		f, err := readFragment(p, contents[p])
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

// severity is what fragments come to.
func severity(list []*Fragment) Severity {
	s := Severity{Level: "routine"}
	for _, f := range list {
		if f.Severity != "timely" {
			continue
		}
		s.Level = "timely"
		s.Because = append(s.Because, Urgency{Reason: f.Reason, Advisory: f.Advisory, Deadline: f.Deadline, File: f.file})
		if s.Deadline == "" || strings.Compare(f.Deadline, s.Deadline) < 0 {
			s.Deadline = f.Deadline
		}
	}
	return s
}
