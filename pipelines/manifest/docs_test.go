package manifest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/policies"
)

const guide = "../../docs/charts.md"

// keysOf lists the keys of a schema by their paths: "image.digest", "hosts[].host", "volumes.NAME.size".
func keysOf(at string, schema map[string]any, into map[string]string) {
	for _, branch := range []string{"oneOf", "anyOf"} {
		list, _ := schema[branch].([]any)
		for _, inner := range list {
			keysOf(at, inner.(map[string]any), into)
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		p := property.(map[string]any)
		description, _ := p["description"].(string)
		path := join(at, name)
		if name == "global" || name == "service-common" || description == "" {
			continue
		}
		into[path] = description
		keysOf(path, p, into)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		keysOf(at+"[]", items, into)
	}
	if free, ok := schema["additionalProperties"].(map[string]any); ok {
		keysOf(at+".NAME", free, into)
	}
}

// keys is the table of all keys, with the charts that have each and its default.
func keys(t *testing.T) string {
	t.Helper()
	descriptions, in, defaults := map[string]string{}, map[string]string{}, map[string][]string{}
	for i, chart := range services {
		schema, _ := schemaOf(t, chart)
		of := map[string]string{}
		keysOf("", schema, of)
		values := valuesOf(t, filepath.Join(charts, chart, "values.yaml"))
		for key, description := range of {
			if descriptions[key] == "" {
				descriptions[key] = description
			}
			in[key] += []string{"H", "D", "M"}[i]
			var v any = values
			for _, name := range strings.Split(key, ".") {
				m, _ := v.(map[string]any)
				v = m[name]
			}
			switch v.(type) {
			case nil, map[string]any:
				continue
			}
			shown := fmt.Sprint(v)
			if list, ok := v.([]any); ok {
				shown = strings.ReplaceAll(fmt.Sprint(list), " ", ", ")
			}
			if shown != "" && shown != "[]" && !slices.Contains(defaults[key], "`"+shown+"`") {
				defaults[key] = append(defaults[key], "`"+shown+"`")
			}
		}
	}
	var b strings.Builder
	b.WriteString("| key | charts | default | means |\n|---|---|---|---|\n")
	for _, key := range slices.Sorted(maps.Keys(descriptions)) {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", key, in[key], strings.Join(defaults[key], ", "), descriptions[key])
	}
	return b.String()
}

func rulesTable(t *testing.T) string {
	t.Helper()
	rules, err := compliance.Load(t.Context(), compliance.Source{Name: "policies", FS: policies.Kubernetes})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| id | severity | holds when | judges |\n|---|---|---|---|\n")
	for _, rule := range rules {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", rule.ID, rule.Severity, rule.Title, strings.Join(slices.Sorted(maps.Keys(rule.Resources)), ", "))
	}
	return b.String()
}

// docs/charts.md lists the keys and rules that there are.
func TestTheGuideListsKeysAndRules(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, table := range map[string]string{"keys": keys(t), "rules": rulesTable(t)} {
		between := regexp.MustCompile(`(?s)<!-- ` + name + ` -->\n.*<!-- /` + name + ` -->`)
		if !between.MatchString(want) {
			t.Fatalf("there is no place for the %s", name)
		}
		want = between.ReplaceAllLiteralString(want, "<!-- "+name+" -->\n"+table+"<!-- /"+name+" -->")
	}
	if *update {
		if err := os.WriteFile(guide, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Error("docs/charts.md is stale: go test ./pipelines/manifest -update")
	}
}

// The examples of the guide are valid, and its commands run.
func TestTheGuideRuns(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) != 2 {
		t.Fatalf("there are %d examples", len(blocks))
	}
	values := map[string]any{}
	if err := yaml.Unmarshal(blocks[0][1], &values); err != nil {
		t.Fatal(err)
	}
	values["image"] = map[string]any{"repository": "r.example.com/orders", "digest": digest}
	out, err := with(t, "http-service", values)
	if err != nil {
		t.Fatal(out)
	}
	if j := judge(t, out, Options{}); len(j.Findings) > 0 {
		t.Error(lines(j.Findings))
	}
	if _, err := config.Read("penstock.yaml", blocks[1][1]); err != nil {
		t.Error(err)
	}
	commands := regexp.MustCompile("(?s)<!-- run -->\n```sh\n(.*?)```").FindAllSubmatch(text, -1)
	if len(commands) == 0 {
		t.Fatal("the guide has no command")
	}
	for _, command := range commands {
		c := exec.CommandContext(context.Background(), "sh", "-euc", string(command[1]))
		c.Dir = "../.."
		c.Env = append(os.Environ(), "PATH="+filepath.Dir(found())+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+t.TempDir())
		if printed, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s\n%v: %s", command[1], err, printed)
		}
	}
}
