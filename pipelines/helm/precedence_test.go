package helm

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// What Explain says counts is what helm makes of the same files: random values in each
// of the layers, merged by the real helm and by us.
func TestPrecedenceIsThatOfHelm(t *testing.T) {
	programs(t)
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 15 {
		root, bundle := t.TempDir(), t.TempDir()
		dir := filepath.Join(bundle, "charts", "dump")
		if err := os.MkdirAll(filepath.Join(dir, "templates"), 0o700); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{
			filepath.Join(dir, "Chart.yaml"):                      "apiVersion: v2\nname: dump\nversion: 1.0.0\n",
			filepath.Join(dir, "values.schema.json"):              "{}",
			filepath.Join(dir, "templates/dump.yaml"):             "dump: {{ toJson .Values | quote }}\n",
			filepath.Join(dir, "values.yaml"):                     values(random, "chart"),
			filepath.Join(bundle, "charts", "platform.yaml"):      values(random, "platform"),
			filepath.Join(bundle, "charts", "platform-dvlp.yaml"): values(random, "platform-dvlp"),
			filepath.Join(root, OwnValues):                        values(random, "own"),
			filepath.Join(root, "dvlp-"+OwnValues):                values(random, "dvlp"),
			filepath.Join(root, GeneratedValues):                  values(random, "generated"),
			filepath.Join(root, "prod-"+OwnValues):                "a: never\nb: never\n",
			filepath.Join(bundle, "charts", "platform-prod.yaml"): "a: never\nb: never\n",
		} {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, err := ofBundle("dump", bundle)
		if err != nil {
			t.Fatal(err)
		}
		all, err := layers(c, root, bundle, "dvlp")
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("helm", templateArgv(place{Namespace: "n", Release: "r"}, source{Chart: c.Path, Values: files(all)}, false)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var dumped struct {
			Dump string `yaml:"dump"`
		}
		var theirs map[string]any
		if err := yaml.Unmarshal(out, &dumped); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(dumped.Dump), &theirs); err != nil {
			t.Fatal(err)
		}
		flat := map[string]string{}
		flatten("", theirs, flat)
		ours := map[string]string{}
		for _, o := range Explain(all) {
			if o.Removed {
				continue
			}
			var value any
			if err := yaml.NodeToValue(o.node, &value); err != nil {
				t.Fatal(err)
			}
			if m, empty := value.(map[string]any); empty && len(m) == 0 {
				continue
			}
			ours[o.Key] = fmt.Sprint(value)
		}
		for key, value := range flat {
			if ours[key] != value {
				t.Errorf("round %d: %s is %q to helm, and %q to us\n%s", round, key, value, ours[key], explained(all))
			}
		}
		for key, value := range ours {
			if _, there := flat[key]; !there {
				t.Errorf("round %d: %s is %q to us, and nothing to helm\n%s", round, key, value, explained(all))
			}
		}
		if len(ours) < 3 {
			t.Errorf("round %d: only %d values were compared", round, len(ours))
		}
	}
}

// values are random ones, each of which names its layer.
func values(random *rand.Rand, layer string) string {
	var b strings.Builder
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		switch random.IntN(6) {
		case 0, 1:
			fmt.Fprintf(&b, "%s: %s\n", key, layer)
		case 2:
			fmt.Fprintf(&b, "%s: [%s]\n", key, layer)
		}
	}
	for _, key := range []string{"m", "o"} { // mappings in every layer: a table in place of a value is refused by the chart's own schema
		if random.IntN(3) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s:\n  always: %s\n", key, layer)
		for _, inner := range []string{"x", "z"} {
			switch random.IntN(4) {
			case 0:
				fmt.Fprintf(&b, "  %s: %s\n", inner, layer)
			case 1:
				fmt.Fprintf(&b, "  %s: null\n", inner)
			}
		}
	}
	return b.String()
}

// flatten makes paths of a tree of JSON; null is nothing to a template.
func flatten(prefix string, value any, into map[string]string) {
	m, is := value.(map[string]any)
	if !is {
		if value != nil {
			into[prefix] = fmt.Sprint(value)
		}
		return
	}
	for key, inner := range m {
		flatten(strings.TrimPrefix(prefix+"."+key, "."), inner, into)
	}
}
