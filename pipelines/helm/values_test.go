package helm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/valuesfile"
)

func layersOf(t *testing.T, texts ...string) []Layer {
	t.Helper()
	var all []Layer
	for i, text := range texts {
		name := fmt.Sprintf("%d.yaml", i)
		doc, err := valuesfile.Parse(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Layer{Name: name, doc: doc})
	}
	return all
}

func explained(all []Layer) string {
	var b strings.Builder
	for _, o := range Explain(all) {
		fmt.Fprintf(&b, "%s %s:%d", o.Key, o.Path, o.Line)
		if o.Removed {
			b.WriteString(" removed")
		}
		for _, over := range o.Over {
			fmt.Fprintf(&b, " over %s:%d", over.Path, over.Line)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestExplain(t *testing.T) {
	got := explained(layersOf(t,
		"a: 1\nb: {c: 1, d: 2}\nlist: [1, 2]\ngone: {x: 1, z: 2}\nwas: 1\nempty: {}\n",
		"b:\n  c: 3\nlist: [3]\ngone: null\nempty: {k: 1}\n",
		"b: {c: 4, \"e.f\": 5}\nwas: {now: 1}\nempty: {}\n"))
	want := `a 0.yaml:1
b."e.f" 2.yaml:1
b.c 2.yaml:1 over 0.yaml:2 over 1.yaml:2
b.d 0.yaml:2
empty.k 1.yaml:5 over 0.yaml:6
gone 1.yaml:4 removed over 0.yaml:4 over 0.yaml:4
list 1.yaml:3 over 0.yaml:3
was.now 2.yaml:2 over 0.yaml:5
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestLayersInOrder(t *testing.T) {
	root := t.TempDir()
	for file, text := range map[string]string{OwnValues: "port: 1\nreplicas: 5\n", "dvlp-" + OwnValues: "port: 2\n", "prod-" + OwnValues: "port: 9\n", GeneratedValues: "port: 3\n"} {
		if err := os.WriteFile(filepath.Join(root, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := ofBundle("http-service", "testdata/bundle")
	if err != nil {
		t.Fatal(err)
	}
	all, err := layers(c, root, "testdata/bundle", "dvlp")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range all {
		names = append(names, l.Name)
	}
	want := "http-service/values.yaml bundle/charts/platform.yaml bundle/charts/platform-dvlp.yaml helm_values.yaml dvlp-helm_values.yaml generated_helm_values.yaml"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	said := explained(all)
	for _, line := range []string{
		"port generated_helm_values.yaml:1 over http-service/values.yaml:6 over helm_values.yaml:1 over dvlp-helm_values.yaml:1\n",
		"replicas helm_values.yaml:2 over http-service/values.yaml:1 over bundle/charts/platform.yaml:2 over bundle/charts/platform-dvlp.yaml:1\n",
		"labels.platform bundle/charts/platform.yaml:4",
	} {
		if !strings.Contains(said, line) {
			t.Errorf("it does not say %q:\n%s", line, said)
		}
	}
	if len(files(all)) != 5 {
		t.Errorf("helm is given %q", files(all))
	}
	if err := os.Remove(filepath.Join(root, OwnValues)); err != nil {
		t.Fatal(err)
	}
	if _, err := layers(c, root, "testdata/bundle", "dvlp"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without %s: %v", OwnValues, err)
	}
}

func TestConfigIsText(t *testing.T) {
	err := texts(layersOf(t, "config: {A: \"1\", B: 2, C: x}", "config:\n  D: true\n  E: null\n  F: [a]\n"))
	for _, want := range []string{"0.yaml:1:21: config.B is not text", "1.yaml:2:6: config.D is not text", "1.yaml:4:6: config.F is not text"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if n := strings.Count(err.Error(), "not text"); n != 3 {
		t.Errorf("%d complaints: %v", n, err)
	}
	var known *pipelines.Error
	if !errors.As(err, &known) || known.Hint == "" {
		t.Errorf("%v has no hint", err)
	}
}

func TestChartOfBundle(t *testing.T) {
	if _, err := ofBundle("nope", "testdata/bundle"); err == nil || !strings.Contains(err.Error(), `has no chart "nope"`) {
		t.Errorf("got %v", err)
	}
	bare := t.TempDir()
	if err := os.MkdirAll(filepath.Join(bare, "charts/bare"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bare, "charts/bare/Chart.yaml"), []byte("apiVersion: v2\nname: bare\nversion: 1.0.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ofBundle("bare", bare); err == nil || !strings.Contains(err.Error(), "no values.schema.json") {
		t.Errorf("a chart without a schema: %v", err)
	}
}
