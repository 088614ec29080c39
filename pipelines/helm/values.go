package helm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/valuesfile"
)

// Layer is one file of values. Precedence is the order of the layers: the last counts.
type Layer struct {
	// Name is what the file is called in messages, Path where it is.
	Name, Path string
	doc        valuesfile.Document
}

// Files of a service's values; {env} stands for the environment's name.
const (
	OwnValues       = "helm_values.yaml"
	GeneratedValues = "generated_helm_values.yaml"
)

// layers are the values files that exist, lowest first: the chart's, the platform's (for
// its own charts), the service's, the service's for the environment, the generated.
func layers(c chart, root, bundle, environment string) ([]Layer, error) {
	var found []Layer
	add := func(dir *os.Root, file, prefix string, needed bool) error {
		doc, err := valuesfile.Read(dir.FS(), file, prefix+file)
		switch {
		case err == nil:
			found = append(found, Layer{Name: prefix + file, Path: filepath.Join(dir.Name(), file), doc: doc})
		case errors.Is(err, fs.ErrNotExist) && needed:
			return &pipelines.Error{Err: fmt.Errorf("reading values: %q: %w", file, fs.ErrNotExist), Hint: "write it, though it be empty"}
		case errors.Is(err, fs.ErrNotExist):
			return nil
		}
		return err
	}
	repository, err := os.OpenRoot(root) // helm-values follows no link out of it either
	if err != nil {
		return nil, fmt.Errorf("looking for values: %w", err)
	}
	defer repository.Close()
	parse := valuesfile.Parse
	if c.thirdParty {
		parse = valuesfile.ParseTheirs
	}
	if c.Values, err = parse(c.Name+"/values.yaml", c.values); err != nil {
		return nil, err
	}
	found = append(found, Layer{Name: c.Name + "/values.yaml", doc: c.Values}) // helm reads it by itself
	if !c.thirdParty {
		charts, err := os.OpenRoot(filepath.Join(bundle, "charts"))
		if err != nil {
			return nil, fmt.Errorf("looking for values: %w", err)
		}
		defer charts.Close()
		if err := errors.Join(add(charts, "platform.yaml", "bundle/charts/", false), add(charts, "platform-"+environment+".yaml", "bundle/charts/", false)); err != nil {
			return nil, err
		}
	}
	err = add(repository, OwnValues, "", true)
	if err == nil {
		err = add(repository, environment+"-"+OwnValues, "", false)
	}
	if err == nil {
		err = add(repository, GeneratedValues, "", false)
	}
	return found, err
}

// files are those that helm is given.
func files(all []Layer) []string {
	var paths []string
	for _, l := range all {
		if l.Path != "" {
			paths = append(paths, l.Path)
		}
	}
	return paths
}

// Origin says which file set a value, and which files it was set in before.
type Origin struct {
	// Key is the path of the value, such as image.digest; a list is one value.
	Key string `json:"key"`
	pipelines.Position
	// Over are the places that lost, the lowest first.
	Over []pipelines.Position `json:"over,omitempty"`
	// Removed says that the file takes the key out (null).
	Removed bool `json:"removed,omitempty"`
	node    ast.Node
}

// Explain says of each value which file set it, sorted by key. It merges as helm does:
// mappings key by key, everything else whole, and null takes out what is below.
func Explain(all []Layer) []Origin {
	tree := &branch{}
	for _, l := range all {
		if l.doc.Body != nil {
			tree.merge(l.Name, l.doc.Body)
		}
	}
	var found []Origin
	tree.leaves(&found)
	slices.SortFunc(found, func(a, b Origin) int { return strings.Compare(a.Key, b.Key) })
	return found
}

// branch is a key of the merged values: a mapping with keys, or a value.
type branch struct {
	key    string
	keys   []*branch
	origin *Origin
}

func (b *branch) child(name string) *branch {
	for _, k := range b.keys {
		if k.key == name {
			return k
		}
	}
	k := &branch{key: name}
	b.keys = append(b.keys, k)
	return k
}

func (b *branch) merge(file string, node ast.Node) {
	if isMapping(node) && len(pairs(node)) > 0 {
		var before []pipelines.Position
		if b.origin != nil { // a value gives way to a mapping
			before, b.origin = append(b.origin.Over, b.origin.Position), nil
		}
		for _, pair := range pairs(node) {
			name := pair.Key.GetToken().Value
			child := b.child(name)
			if before != nil && child.origin == nil && len(child.keys) == 0 {
				child.origin = &Origin{Over: before}
			}
			child.merge(file, pair.Value)
		}
		return
	}
	at := node.GetToken().Position
	origin := &Origin{Position: pipelines.Position{Path: file, Line: at.Line, Column: at.Column}, node: node, Removed: node.Type() == ast.NullType}
	if isMapping(node) && len(b.keys) > 0 { // {} adds nothing to a mapping
		return
	}
	if b.origin != nil {
		origin.Over = b.origin.Over
		if b.origin.Path != "" {
			origin.Over = append(origin.Over, b.origin.Position)
		}
	}
	var below []Origin
	for _, k := range b.keys {
		k.leaves(&below)
	}
	for _, o := range below {
		origin.Over = append(origin.Over, o.Position)
	}
	b.keys, b.origin = nil, origin
}

func (b *branch) leaves(found *[]Origin) { b.walk("", found) }

func (b *branch) walk(prefix string, found *[]Origin) {
	key := b.key
	if strings.ContainsAny(key, ".\"") {
		key = fmt.Sprintf("%q", key)
	}
	if prefix != "" && key != "" {
		key = prefix + "." + key
	}
	if b.origin != nil && len(b.keys) == 0 {
		b.origin.Key = key
		*found = append(*found, *b.origin)
	}
	for _, k := range b.keys {
		k.walk(key, found)
	}
}

func isMapping(node ast.Node) bool {
	_, ok := node.(ast.MapNode)
	return ok
}

func pairs(node ast.Node) []*ast.MappingValueNode {
	m, ok := node.(ast.MapNode)
	if !ok {
		return nil
	}
	var found []*ast.MappingValueNode
	for it := m.MapRange(); it.Next(); {
		found = append(found, it.KeyValue())
	}
	return found
}

// texts refuses what is not text where the contract of our charts wants text: the
// schema would say so too, but not in which file and line.
func texts(all []Layer) error {
	var wrong []error
	for _, origin := range Explain(all) {
		if !strings.HasPrefix(origin.Key, "config.") || origin.Removed {
			continue
		}
		switch origin.node.Type() {
		case ast.StringType, ast.LiteralType:
		default:
			wrong = append(wrong, valuesfile.Refuse(origin.Path, origin.node, "write it in quotes", "%s is not text: an environment variable always is", origin.Key))
		}
	}
	return errors.Join(wrong...)
}

// effective is a value by its path after the merge; "" where it is not there or not text.
func effective(all []Layer, key string) string {
	for _, origin := range Explain(all) {
		if origin.Key == key && !origin.Removed {
			var text string
			if err := yaml.NodeToValue(origin.node, &text); err == nil {
				return text
			}
		}
	}
	return ""
}
