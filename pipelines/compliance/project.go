package compliance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/resource"
)

// project keeps the arguments that a rule reads: "ingress.cidr_blocks" keeps one
// member of each ingress block. A marker in place of a block stays whole.
func project(values map[string]any, paths []string) map[string]any {
	inner := map[string][]string{}
	whole := map[string]bool{}
	for _, p := range paths {
		top, rest, deeper := strings.Cut(p, ".")
		if deeper {
			inner[top] = append(inner[top], rest)
		} else {
			whole[top] = true
		}
	}
	out := map[string]any{}
	for name := range whole {
		if v, ok := values[name]; ok && v != nil {
			out[name] = v
		}
	}
	for name, rest := range inner {
		if v, ok := values[name]; ok && v != nil && !whole[name] {
			out[name] = projectInto(v, rest)
		}
	}
	return out
}

func projectInto(v any, paths []string) any {
	switch v := v.(type) {
	case map[string]any:
		if marker(v) != "" {
			return v
		}
		return project(v, paths)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = projectInto(item, paths)
		}
		return out
	}
	return v
}

// marker returns which marker an object is, or "".
func marker(v map[string]any) string {
	if len(v) == 1 {
		for key := range v {
			if key == resource.UnknownMarker || key == resource.RefMarker || key == resource.PartialMarker {
				return key
			}
		}
	}
	return ""
}

// holdsUnknown says whether a value holds what is not decided. References are
// decided where the rule says so; at is the path so far, without indexes.
func holdsUnknown(v any, at string, references []string) bool {
	_, found := firstUnknown(v, at, references)
	return found
}

// firstUnknown returns why the first undecided value is so.
func firstUnknown(v any, at string, references []string) (string, bool) {
	switch v := v.(type) {
	case map[string]any:
		switch marker(v) {
		case resource.UnknownMarker:
			return reasonText(v), true
		case resource.RefMarker:
			return at + " is known only after apply", !slices.Contains(references, at) || !identifies(v)
		case resource.PartialMarker:
			return at + " is known only after apply", !slices.Contains(references, at)
		}
		for _, key := range sorted(v) {
			inner := key
			if at != "" {
				inner = at + "." + key
			}
			if reason, ok := firstUnknown(v[key], inner, references); ok {
				return reason, true
			}
		}
	case []any:
		for _, item := range v {
			if reason, ok := firstUnknown(item, at, references); ok {
				return reason, true
			}
		}
	}
	return "", false
}

// identifies says whether a reference is to what a resource is known by, which is
// never empty. Any other attribute, such as the output of terraform_data, may be
// null or empty, and in a plan also what a condition is about.
func identifies(v map[string]any) bool {
	ref, _ := v[resource.RefMarker].(map[string]any)
	attribute, _ := ref["attribute"].(string)
	last := attribute[strings.LastIndexByte(attribute, '_')+1:]
	return slices.Contains([]string{"", "id", "arn", "name", "identifier", "bucket"}, last)
}

func reasonText(v map[string]any) string {
	reason, _ := v[resource.UnknownMarker].(map[string]any)
	message, _ := reason["message"].(string)
	if path, ok := reason["path"].(string); ok && path != "" {
		return fmt.Sprintf("%s (%s:%v)", message, path, reason["line"])
	}
	return message
}
