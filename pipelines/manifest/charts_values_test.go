package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func schemaOf(t *testing.T, chart string) (map[string]any, *jsonschema.Schema) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(charts, chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("file:///values.schema.json", plain); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("file:///values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return plain.(map[string]any), compiled
}

// fits says whether values are valid.
func fits(t *testing.T, schema *jsonschema.Schema, values any) bool {
	t.Helper()
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(plain) == nil
}

// Every object of a schema is closed and every key of it described.
func TestChartSchemasAreStrict(t *testing.T) {
	for _, chart := range services {
		plain, _ := schemaOf(t, chart)
		objects, keys := 0, 0
		var walk func(at string, v any)
		walk = func(at string, v any) {
			switch v := v.(type) {
			case []any:
				for _, item := range v {
					walk(at, item)
				}
			case map[string]any:
				if v["type"] == "object" {
					objects++
					inner, isSchema := v["additionalProperties"].(map[string]any)
					switch names, _ := v["propertyNames"].(map[string]any); {
					case v["additionalProperties"] == false && v["properties"] != nil:
					case isSchema && (inner["type"] != nil || inner["oneOf"] != nil) && names["pattern"] != nil:
					default:
						t.Errorf("%s: %s takes any key", chart, at)
					}
				}
				properties, _ := v["properties"].(map[string]any)
				for name, property := range properties {
					if p, _ := property.(map[string]any); v["type"] == "object" {
						keys++
						if description, _ := p["description"].(string); len(description) < 5 {
							t.Errorf("%s: %s.%s has no description", chart, at, name)
						}
					}
				}
				for name, inner := range v {
					if name == "properties" {
						for property, schema := range properties {
							walk(at+"."+property, schema)
						}
						continue
					}
					walk(at, inner)
				}
			}
		}
		walk("", plain)
		if objects < 20 || keys < 40 {
			t.Errorf("%s: %d objects, %d keys", chart, objects, keys)
		}
		properties := plain["properties"].(map[string]any)
		delete(properties, "global")
		delete(properties, "service-common")
		if got, want := slices.Sorted(maps.Keys(valuesOf(t, filepath.Join(charts, chart, "values.yaml")))), slices.Sorted(maps.Keys(properties)); !slices.Equal(got, want) {
			t.Errorf("%s: values.yaml has %v, the schema %v", chart, got, want)
		}
	}
}

// A key means the same in every chart.
func TestKeysMeanTheSameInAllCharts(t *testing.T) {
	other := []string{"command", "probes", "networkPolicy"} // of which each chart has its own
	first, _ := schemaOf(t, services[0])
	shared := 0
	for _, chart := range services[1:] {
		plain, _ := schemaOf(t, chart)
		for name, schema := range plain["properties"].(map[string]any) {
			if slices.Contains(other, name) || name == "timeoutSeconds" {
				continue
			}
			shared++
			if !reflect.DeepEqual(schema, first["properties"].(map[string]any)[name]) {
				t.Errorf("%s: %s is not that of %s", chart, name, services[0])
			}
		}
	}
	if shared < 25 {
		t.Errorf("only %d keys are shared", shared)
	}
}

// leaf is one value of a file, by its path.
type leaf struct {
	at    []any
	value any
}

func leavesOf(v any, at []any) []leaf {
	var all []leaf
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, leavesOf(v[key], append(slices.Clone(at), key))...)
		}
		if len(v) > 0 {
			return all
		}
	case []any:
		for i, item := range v {
			all = append(all, leavesOf(item, append(slices.Clone(at), i))...)
		}
		if len(v) > 0 {
			return all
		}
	}
	return []leaf{{at, v}}
}

// change returns a copy of values with another value at a place.
func change(v any, at []any, to any) any {
	if len(at) == 0 {
		return to
	}
	switch v := v.(type) {
	case map[string]any:
		v = maps.Clone(v)
		v[at[0].(string)] = change(v[at[0].(string)], at[1:], to)
		return v
	case []any:
		v = slices.Clone(v)
		v[at[0].(int)] = change(v[at[0].(int)], at[1:], to)
		return v
	}
	return v
}

// others are values to put in the place of one.
func others(v any) []any {
	switch v := v.(type) {
	case bool:
		return []any{!v}
	case int:
		return []any{v + 1, v - 1}
	case string:
		return []any{v + "x", "x" + v, strings.Replace(v, "0", "1", 1), strings.Replace(v, "1", "2", 1), strings.Replace(v, "2", "3", 1), "6" + v,
			"SecretStore", "ClusterSecretStore", "ScheduleAnyway", "DoNotSchedule", "Exact", "Prefix", "Exists", "NoSchedule", ""}
	}
	return nil
}

// Every key of every chart is used: another value renders something else, with one
// of the files of values at least.
func TestEveryKeyCounts(t *testing.T) {
	for _, chart := range services {
		t.Run(chart, func(t *testing.T) {
			t.Parallel()
			_, schema := schemaOf(t, chart)
			counts, tried := map[string]bool{}, 0
			index := regexp.MustCompile(`\.[0-9]+\b`)
			for _, file := range cases(t, chart) {
				values := merged(valuesOf(t, filepath.Join(charts, chart, "values.yaml")), valuesOf(t, file))
				before, err := with(t, chart, values)
				if err != nil {
					t.Fatal(before)
				}
				for _, l := range leavesOf(values, nil) {
					name := index.ReplaceAllString(strings.Trim(strings.ReplaceAll(fmt.Sprint(l.at), " ", "."), "[]"), "")
					if counts[name] {
						continue
					}
					counts[name] = false
					for _, to := range others(l.value) {
						changed := change(values, l.at, to)
						if to == l.value || !fits(t, schema, changed) {
							continue
						}
						after, err := with(t, chart, changed)
						tried++
						if err == nil && after != before {
							counts[name] = true
							break
						}
					}
				}
			}
			for _, name := range slices.Sorted(maps.Keys(counts)) {
				if !counts[name] && !emptyByDefault(counts, name) {
					t.Errorf("%s changes nothing", name)
				}
			}
			t.Logf("%d keys, %d changes rendered", len(counts), tried)
			if len(counts) < 30 {
				t.Errorf("only %d keys were tried", len(counts))
			}
		})
	}
}

// emptyByDefault says whether a key is a list or map that is empty in one file
// and counts, by what is in it, in another.
func emptyByDefault(counts map[string]bool, name string) bool {
	for other, ok := range counts {
		if ok && strings.HasPrefix(other, name+".") {
			return true
		}
	}
	return counts[name+"s"]
}

// merged lays values over others, as helm does.
func merged(under, over map[string]any) map[string]any {
	out := maps.Clone(under)
	for key, value := range over {
		a, ok := out[key].(map[string]any)
		b, isMap := value.(map[string]any)
		if ok && isMap {
			value = merged(a, b)
		}
		out[key] = value
	}
	return out
}

// A key that is misspelt, wherever it stands, is refused.
func TestMisspeltKeysAreRefused(t *testing.T) {
	free := regexp.MustCompile(`(^|\.)(config|secrets|volumes|annotations|podAnnotations|podLabels|nodeSelector)$`)
	for _, chart := range services {
		_, schema := schemaOf(t, chart)
		values := valuesOf(t, filepath.Join("testdata/charts", chart, "full.yaml"))
		if !fits(t, schema, values) {
			t.Fatalf("%s: full.yaml is not valid", chart)
		}
		refused := 0
		var walk func(v any, at []any)
		walk = func(v any, at []any) {
			switch v := v.(type) {
			case []any:
				for i, item := range v {
					walk(item, append(slices.Clone(at), i))
				}
			case map[string]any:
				name := strings.Trim(strings.ReplaceAll(fmt.Sprint(at), " ", "."), "[]")
				added := maps.Clone(v)
				added["misspelt"] = 1 // where keys are free their values are texts or objects
				if fits(t, schema, change(values, at, added)) {
					t.Errorf("%s: %q takes a key that is not there", chart, name)
				}
				if !free.MatchString(name) {
					added["misspelt"] = "text"
					if fits(t, schema, change(values, at, added)) {
						t.Errorf("%s: %q takes a key that is not there", chart, name)
					}
				}
				refused++
				for key, inner := range v {
					walk(inner, append(slices.Clone(at), key))
				}
			}
		}
		walk(values, nil)
		t.Logf("%s: %d objects", chart, refused)
		if refused < 20 {
			t.Errorf("%s: only %d objects", chart, refused)
		}
	}
}
