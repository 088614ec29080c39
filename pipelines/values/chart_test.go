package values

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/valuesfile"
)

func TestChartsThatAreNotTaken(t *testing.T) {
	for name, test := range map[string]struct {
		chart  config.Chart
		schema string
		want   string
	}{
		"without a schema":         {config.Chart{Name: "bare"}, "", `the chart "bare" of the bundle has no values.schema.json`},
		"not JSON":                 {config.Chart{Name: "bare"}, "{", `reading the schema of the chart "bare"`},
		"refers to the net":        {config.Chart{Name: "bare"}, `{"$ref": "http://127.0.0.1:1/schema.json"}`, `reading the schema of the chart "bare"`},
		"refers to a file":         {config.Chart{Name: "bare"}, `{"$ref": "file:///etc/hostname"}`, `reading the schema of the chart "bare"`},
		"not there":                {config.Chart{}, "{}", `the bundle has no chart "http-service"`},
		"a third party's":          {config.Chart{Name: "x", Repository: "oci://r.example.com/c"}, "", ""},
		"fine":                     {config.Chart{Name: "bare"}, `{"type": "object"}`, ""},
		"a schema that is no file": {config.Chart{Name: "dir"}, "", "it is not a regular file"},
	} {
		bundle := fstest.MapFS{"charts/bare/Chart.yaml": {}, "charts/dir/Chart.yaml": {}, "charts/dir/values.schema.json/x": {}}
		if test.schema != "" {
			bundle["charts/bare/values.schema.json"] = &fstest.MapFile{Data: []byte(test.schema)}
		}
		_, err := openChart(bundle, test.chart)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// Layers are laid over each other as helm does, and the one that counts is named.
func TestLayers(t *testing.T) {
	var layers []layer
	for i, text := range []string{"a: {x: 1, b: 1, z: {q: 1}}\nlist: [1, 2]\n", "a:\n  b: 2\n  z: null\nlist: [3]\n", "# nothing\n", "a:\n  new: {deep: true, none: null}\n"} {
		d, err := valuesfile.Parse(string(rune('0'+i)), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, layer(d))
	}
	got := quoteAll(merged(layers))
	if want := `{a:{b:2 new:{deep:true} x:1} list:[3}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for path, want := range map[string]string{"a.x": "0:1", "a.b": "1:2", "a.new.deep": "3:2", "list": "1:4", "a.missing": "3:1"} {
		if at := source(origin(layers, strings.Split(path, "."))); at != want {
			t.Errorf("%s is of %s, want %s", path, at, want)
		}
	}
}

func quoteAll(v map[string]any) string {
	return strings.ReplaceAll(strings.ReplaceAll(fmt.Sprint(v), "map[", "{"), "]", "}")
}
