package values

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/valuesfile"
)

// layer is one file of values: what helm makes of it, and where it says so.
type layer valuesfile.Document

// place is where a layer sets what a path leads to, or the last part of the way that
// it has; deep says how many parts that were.
func (l layer) place(path []string) (at pipelines.Position, deep int) {
	at = pipelines.Position{Path: l.Name}
	node := l.Body
	for _, step := range path {
		m, ok := node.(ast.MapNode)
		if !ok {
			return at, deep
		}
		found := false
		for it := m.MapRange(); it.Next(); {
			if pair := it.KeyValue(); pair.Key.GetToken().Value == step {
				node, found = pair.Value, true
				at.Line, at.Column = pair.Key.GetToken().Position.Line, pair.Key.GetToken().Position.Column
				break
			}
		}
		if !found {
			return at, deep
		}
		deep++
	}
	return at, deep
}

// origin is where the layer that counts sets what a path leads to: the last that has
// the most of the way.
func origin(layers []layer, path []string) pipelines.Position {
	best, most := pipelines.Position{}, -1
	for _, l := range layers {
		if at, deep := l.place(path); deep >= most && (deep > 0 || most < 0) {
			best, most = at, deep
		}
	}
	return best
}

// merged lays the layers over each other as helm does: mappings key by key,
// everything else as a whole, and null takes away.
func merged(layers []layer) map[string]any {
	all := map[string]any{}
	for _, l := range layers {
		overlay(all, l.Values)
	}
	return all
}

func overlay(below, above map[string]any) {
	for key, value := range above {
		inner, isMapping := value.(map[string]any)
		switch known, ok := below[key].(map[string]any); {
		case value == nil:
			delete(below, key)
		case isMapping && ok:
			overlay(known, inner)
		case isMapping:
			fresh := map[string]any{}
			overlay(fresh, inner)
			below[key] = fresh
		default:
			below[key] = value
		}
	}
}
