package manifest

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/penstock-dev/penstock/pipelines"
)

var update = flag.Bool("update", false, "rewrite the rendered charts, the copies of the library and docs/charts.md")

const charts = "../../bundle/charts"

var services = []string{"http-service", "daemon-service", "db-migration"}

// helm is the real one, or the test is skipped.
var found = sync.OnceValue(func() string {
	if on, err := exec.LookPath("helm"); err == nil {
		return on
	}
	cache := os.Getenv("PENSTOCK_CACHE")
	if home, err := os.UserHomeDir(); cache == "" && err == nil {
		cache = filepath.Join(home, ".cache", "penstock")
	}
	if in := filepath.Join(cache, "bin", "helm"); exec.Command(in, "version").Run() == nil {
		return in
	}
	return ""
})

func helm(t *testing.T, args ...string) (string, string, error) {
	t.Helper()
	if found() == "" {
		t.Skip("SKIPPED: helm is not here, so no chart was rendered: run .ci/tools")
	}
	c := exec.Command(found(), args...)
	home := t.TempDir() // nothing of whoever runs it counts
	c.Env = []string{"HOME=" + home, "HELM_CACHE_HOME=" + home, "HELM_CONFIG_HOME=" + home, "HELM_DATA_HOME=" + home, "KUBECONFIG=/dev/null"}
	var out, err strings.Builder
	c.Stdout, c.Stderr = &out, &err
	failed := c.Run()
	return out.String(), err.String(), failed
}

// render renders a chart of a plain checkout with one file of values.
func render(t *testing.T, chart, values string) (string, error) {
	t.Helper()
	out, text, err := helm(t, "template", "orders", filepath.Join(charts, chart), "--namespace", "shop", "--values", values)
	if err != nil {
		return text, err
	}
	return out, nil
}

// with writes values, given as YAML or as a map, and renders with them.
func with(t *testing.T, chart string, values any) (string, error) {
	t.Helper()
	text, isText := values.(string)
	if !isText {
		encoded, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		text = string(encoded)
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return render(t, chart, file)
}

func valuesOf(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func cases(t *testing.T, chart string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata/charts", chart, "*.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%v: %v", files, err)
	}
	return files
}

// What charts render is what was read before, is valid in all versions and clean
// under our policies; a tag in place of a digest is the one thing that is found.
func TestChartsRender(t *testing.T) {
	rendered := 0
	for _, chart := range services {
		for _, file := range cases(t, chart) {
			name := strings.TrimSuffix(filepath.Base(file), ".yaml")
			t.Run(chart+"/"+name, func(t *testing.T) {
				out, err := render(t, chart, file)
				if err != nil {
					t.Fatal(out)
				}
				golden := strings.TrimSuffix(file, ".yaml") + ".golden"
				if *update {
					if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if want, err := os.ReadFile(golden); err != nil || string(want) != out {
					t.Errorf("it is not %s: go test ./pipelines/manifest -update (%v)", golden, err)
				}
				j := judge(t, out, Options{Namespace: "shop"})
				var want []string
				if name == "plain" {
					want = []string{"image-by-digest"}
				}
				var got []string
				for _, f := range j.Findings {
					got = append(got, f.Rule)
				}
				if !slices.Equal(got, want) || j.Judged["objects"] < 2 || j.Judged["versions"] != 3 || len(want) == 0 && j.Verdict != pipelines.Pass {
					t.Errorf("%s\n%s", j.Verdict, lines(j.Findings))
				}
				rendered++
			})
		}
	}
	if found() != "" && rendered != 9 {
		t.Errorf("%d were rendered", rendered)
	}
}

// A plain checkout renders: each chart holds the library as it is, and helm finds it.
func TestTheLibraryIsTheSameEverywhere(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(charts, "service-common", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, filepath.Join(charts, "service-common", "Chart.yaml"))
	for _, chart := range services {
		into := filepath.Join(charts, chart, "charts", "service-common")
		if *update {
			if err := os.RemoveAll(into); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(into, os.DirFS(filepath.Join(charts, "service-common"))); err != nil {
				t.Fatal(err)
			}
		}
		copies := 0
		_ = filepath.WalkDir(into, func(_ string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				copies++
			}
			return err
		})
		for _, file := range files {
			rel, _ := filepath.Rel(filepath.Join(charts, "service-common"), file)
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(into, rel)); err != nil || string(got) != string(want) {
				t.Errorf("%s: %s is not that of service-common: go test ./pipelines/manifest -update (%v)", chart, rel, err)
			}
		}
		if copies != len(files) || copies < 8 {
			t.Errorf("%s holds %d files of the library, it has %d", chart, copies, len(files))
		}
		if out, text, err := helm(t, "dependency", "list", filepath.Join(charts, chart)); err != nil || !strings.Contains(out, "unpacked") || strings.Contains(out+text, "WARNING") {
			t.Errorf("%s: %s%s", chart, out, text)
		}
		least := filepath.Join("testdata/charts", chart, "least.yaml")
		if out, text, err := helm(t, "lint", "--strict", filepath.Join(charts, chart), "--values", least); err != nil {
			t.Errorf("%s: %s%s", chart, out, text)
		}
	}
}
