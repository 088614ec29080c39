package helm

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/valuesfile"
)

// object is one resource of a manifest.
type object struct {
	Kind, Namespace, Name string
	// hook says that helm runs it beside the release.
	hook bool
	text string
	body map[string]any
}

func (o object) id() string {
	id := o.Kind + "/" + o.Name
	if o.Namespace != "" {
		id = o.Kind + "/" + o.Namespace + "/" + o.Name
	}
	return id
}

// objects reads a manifest. What has no kind or no name is an error, not nothing.
func objects(manifest []byte) ([]object, error) {
	var found []object
	seen := map[string]bool{}
	for _, text := range documents(string(manifest)) {
		var body map[string]any
		if err := yaml.NewDecoder(strings.NewReader(text)).Decode(&body); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading the manifest: %w", valuesfile.Syntax("manifest", err))
		}
		if len(body) == 0 {
			continue
		}
		meta, _ := body["metadata"].(map[string]any)
		o := object{text: text, body: body}
		o.Kind, _ = body["kind"].(string)
		o.Name, _ = meta["name"].(string)
		o.Namespace, _ = meta["namespace"].(string)
		notes, _ := meta["annotations"].(map[string]any)
		_, o.hook = notes["helm.sh/hook"]
		if o.Kind == "" || o.Name == "" {
			return nil, fmt.Errorf("reading the manifest: a resource has the kind %q and the name %q", printable.Text(o.Kind, 60), printable.Text(o.Name, 60))
		}
		if seen[o.id()] && !o.hook {
			return nil, fmt.Errorf("reading the manifest: %s is in it twice", o.id())
		}
		seen[o.id()] = true
		found = append(found, o)
	}
	slices.SortStableFunc(found, func(a, b object) int { return cmp.Compare(a.id(), b.id()) })
	return found, nil
}

// documents splits a manifest as helm and kubectl do: at lines that begin with "---".
func documents(manifest string) []string {
	var parts []string
	var b strings.Builder
	for line := range strings.Lines(manifest) {
		if strings.HasPrefix(line, "---") {
			parts, b = append(parts, b.String()), strings.Builder{}
			continue
		}
		if strings.HasPrefix(line, "# Source: ") {
			continue // it names the template, and says nothing of the resource
		}
		b.WriteString(line)
	}
	return append(parts, b.String())
}

// Change is what a deploy does to one resource.
type Change struct {
	// Resource is KIND/NAME, or KIND/NAMESPACE/NAME where the manifest says its namespace.
	Resource string `json:"resource"`
	// Action is create, update or delete.
	Action string `json:"action"`
	// Diff is a unified one, without the values of Secrets.
	Diff string `json:"diff"`
}

// compare says what changes from one manifest to another, without hooks.
func compare(before, after []byte) ([]Change, error) {
	old, err := byID(before)
	if err != nil {
		return nil, fmt.Errorf("what is deployed: %w", err)
	}
	fresh, err := byID(after)
	if err != nil {
		return nil, err
	}
	var changes []Change
	ids := maps.Clone(old)
	maps.Copy(ids, fresh)
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		was, had := old[id]
		is, has := fresh[id]
		change := Change{Resource: printable.Text(id, 300), Action: "update"}
		switch {
		case !had:
			change.Action = "create"
		case !has:
			change.Action = "delete"
		case reflect.DeepEqual(was.body, is.body):
			continue
		}
		left, right := shown(was, is)
		change.Diff = clean(string(diff.Diff("deployed", left, "to be deployed", right)))
		changes = append(changes, change)
	}
	return changes, nil
}

func byID(manifest []byte) (map[string]object, error) {
	list, err := objects(manifest)
	if err != nil {
		return nil, err
	}
	found := map[string]object{}
	for _, o := range list {
		if !o.hook {
			found[o.id()] = o
		}
	}
	return found, nil
}

// shown are both sides of a diff; of a Secret only the names of its keys and whether
// their values differ.
func shown(was, is object) (left, right []byte) {
	if was.Kind != "Secret" && is.Kind != "Secret" {
		return []byte(trimmed(was.text)), []byte(trimmed(is.text))
	}
	return hidden(was.body, is.body, "hidden"), hidden(is.body, was.body, "hidden, another value")
}

func trimmed(text string) string {
	text = strings.Trim(text, "\n")
	if text == "" {
		return ""
	}
	return text + "\n"
}

// hidden writes a Secret without its values. differs is what stands where the other
// side has the key with another value.
func hidden(body, other map[string]any, differs string) []byte {
	if body == nil {
		return nil
	}
	shallow := maps.Clone(body)
	for _, part := range []string{"data", "stringData"} {
		values, ok := body[part].(map[string]any)
		if !ok {
			if body[part] != nil {
				shallow[part] = "(hidden)"
			}
			continue
		}
		theirs, _ := other[part].(map[string]any)
		masked := map[string]any{}
		for key, value := range values {
			masked[key] = "(hidden)"
			if there, has := theirs[key]; has && !reflect.DeepEqual(there, value) {
				masked[key] = "(" + differs + ")"
			}
		}
		shallow[part] = masked
	}
	if meta, ok := body["metadata"].(map[string]any); ok {
		shallow["metadata"] = withoutCopies(meta)
	}
	text, err := yaml.MarshalWithOptions(shallow, yaml.Indent(2))
	if err != nil {
		return []byte("(it cannot be shown)\n")
	}
	return text
}

// withoutCopies takes out the annotation in which kubectl keeps the whole object.
func withoutCopies(meta map[string]any) map[string]any {
	notes, ok := meta["annotations"].(map[string]any)
	if !ok {
		return meta
	}
	meta, notes = maps.Clone(meta), maps.Clone(notes)
	if _, there := notes["kubectl.kubernetes.io/last-applied-configuration"]; there {
		notes["kubectl.kubernetes.io/last-applied-configuration"] = "(hidden)"
	}
	meta["annotations"] = notes
	return meta
}

// clean makes each line printable and keeps the lines.
func clean(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		indent := len(line) - len(strings.TrimLeft(line, "\t"))
		b.WriteString(strings.Repeat("\t", indent) + printable.Text(line[indent:], 2000) + "\n")
	}
	return b.String()
}

// join is a manifest of several.
func join(parts ...[]byte) []byte { return bytes.Join(parts, []byte("\n---\n")) }
