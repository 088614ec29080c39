package compliance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/resource"
)

const header = `# METADATA
# title: Volumes are encrypted
# custom:
#   id: volume
#   severity: high
#   remediation: set encrypted
#   resources:
#     aws_ebs_volume: [encrypted, size]
package mine.volume

`

func source(files map[string]string) Source {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return Source{"mine", fsys}
}

func TestLoadRefuses(t *testing.T) {
	deny := header + "deny contains \"x\" if input.resource.values.size > 1\n"
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"syntax":          {map[string]string{"a.rego": header + "deny contains if {"}, "mine/a.rego:11:"},
		"old Rego":        {map[string]string{"a.rego": header + "deny[x] { x := 1 }"}, "mine/a.rego:11:"},
		"http.send":       {map[string]string{"a.rego": header + "deny contains \"x\" if http.send({\"url\": \"x\"})"}, "undefined function http.send"},
		"opa.runtime":     {map[string]string{"a.rego": header + "deny contains opa.runtime().env.HOME"}, "undefined function opa.runtime"},
		"the time":        {map[string]string{"a.rego": header + "deny contains \"x\" if time.now_ns() > 1"}, "undefined function time.now_ns"},
		"no rule":         {map[string]string{"a.txt": "x"}, "there is no .rego file"},
		"no deny":         {map[string]string{"a.rego": header + "allow := true"}, `the rule "volume" defines no deny`},
		"orphan library":  {map[string]string{"a.rego": deny, "b.rego": "package lib.b\nx := 1"}, "neither a rule (no custom.id) nor imported"},
		"duplicate id":    {map[string]string{"a.rego": deny, "b.rego": strings.Replace(deny, "mine.volume", "mine.other", 1)}, `the rule id "volume" is that of`},
		"no title":        {map[string]string{"a.rego": strings.Replace(deny, "# title: Volumes are encrypted\n", "", 1)}, "has no title"},
		"no remediation":  {map[string]string{"a.rego": strings.Replace(deny, "#   remediation: set encrypted\n", "", 1)}, "custom.remediation"},
		"odd severity":    {map[string]string{"a.rego": strings.Replace(deny, "high", "huge", 1)}, `"huge", allowed are low, medium, high, critical`},
		"no resources":    {map[string]string{"a.rego": strings.Replace(deny, "[encrypted, size]", "[]", 1)}, "name the arguments"},
		"only a comment":  {map[string]string{"a.rego": "# nothing"}, "mine/a.rego"},
		"unsafe variable": {map[string]string{"a.rego": header + "deny contains x if y"}, "unsafe"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(t.Context(), source(test.files))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := Load(t.Context()); err == nil || !strings.Contains(err.Error(), "there is no rule") {
		t.Errorf("no source at all: %v", err)
	}
}

func decide(t *testing.T, rego string, values map[string]any, budget time.Duration) (Decision, error) {
	t.Helper()
	rules, err := Load(t.Context(), source(map[string]string{"a.rego": header + rego}))
	if err != nil {
		t.Fatal(err)
	}
	d := &resource.Document{Kind: resource.Configuration, Resources: []resource.Resource{{Address: "aws_ebs_volume.v", Type: "aws_ebs_volume",
		Name: "v", Mode: "managed", Values: values}}}
	decisions, err := Decide(t.Context(), rules, d, map[string]any{}, budget)
	if err != nil {
		return Decision{}, err
	}
	return decisions[0], nil
}

func TestDecideFollowsItsTable(t *testing.T) {
	unknown := map[string]any{"$unknown": map[string]any{"message": "var.x has no value"}}
	ref := map[string]any{"$ref": map[string]any{"address": "aws_kms_key.k"}}
	small := `deny contains "small" if input.resource.values.size < 5`
	for name, test := range map[string]struct {
		rego   string
		values map[string]any
		want   pipelines.Verdict
	}{
		"denied":               {small, map[string]any{"size": 1}, pipelines.Fail},
		"not denied":           {small, map[string]any{"size": 9}, pipelines.Pass},
		"unknown argument":     {small, map[string]any{"size": 1, "encrypted": unknown}, pipelines.Unknown},
		"reference":            {small, map[string]any{"size": 1, "encrypted": ref}, pipelines.Unknown},
		"not declared":         {small, map[string]any{"size": 9, "other": unknown}, pipelines.Pass},
		"boolean":              {"default deny := false\ndeny if input.resource.values.size < 5", map[string]any{"size": 1}, pipelines.Fail},
		"decides: deny":        {small + "\nunknown contains \"?\" if input.resource.values.encrypted[\"$unknown\"]", map[string]any{"size": 1, "encrypted": unknown}, pipelines.Fail},
		"decides: unknown":     {small + "\nunknown contains \"?\" if input.resource.values.encrypted[\"$unknown\"]", map[string]any{"size": 9, "encrypted": unknown}, pipelines.Unknown},
		"decides: nothing bad": {small + "\nunknown contains \"?\" if false", map[string]any{"size": 9, "encrypted": unknown}, pipelines.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := decide(t, test.rego, test.values, time.Minute)
			if err != nil || d.Verdict != test.want {
				t.Errorf("got %s, %v, want %s", d.Verdict, err, test.want)
			}
		})
	}
}

func TestDecideRefuses(t *testing.T) {
	for name, test := range map[string]struct{ rego, want string }{
		"undefined":     {"deny if input.resource.values.size < 0", "deny is undefined"},
		"a number":      {"deny := 1", "allowed are a set and a boolean"},
		"odd members":   {"deny contains 1", "allowed are texts and objects"},
		"no message":    {`deny contains {"msg": "x"}`, `without "message"`},
		"a fault":       {`deny contains "x" if to_number("x") == 1`, "to_number"},
		"never ends":    {`deny contains "x" if { some a in numbers.range(1, 100000); some b in numbers.range(1, 100000); a * b == -1 }`, "did not end within"},
		"several fault": {"deny := {1: 2}", "allowed are a set and a boolean"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := decide(t, test.rego, map[string]any{"size": 1}, 300*time.Millisecond); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestPlansThatCannotBeRead(t *testing.T) {
	good, err := os.ReadFile("testdata/plans/insecure/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"empty":        {"", "truncated"},
		"truncated":    {string(good[:len(good)/2]), "truncated"},
		"version":      {`{"format_version":"9.0","resource_changes":[]}`, `format version is "9.0", allowed are 1.x`},
		"no version":   {`{"resource_changes":[]}`, "it has no format_version"},
		"errored":      {`{"format_version":"1.2","errored":true,"resource_changes":[]}`, "it is of a run that ended with an error"},
		"no changes":   {`{"format_version":"1.2","planned_values":{"root_module":{"resources":[{}]}}}`, "no resource_changes to judge"},
		"no plan":      {`{"format_version":"1.0"}`, "it is no plan"},
		"a list":       {`[]`, "has to be"},
		"deep":         {`{"format_version":"1.2","resource_changes":` + strings.Repeat("[", 100_000), "reading the plan"},
		"deep members": {`{"format_version":"1.2","planned_values":` + strings.Repeat(`{"a":`, 100_000), "reading the plan"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "plan.json")
			if err := os.WriteFile(path, []byte(test.text), 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := Compliance{Scope: pipelines.Scope{Root: "."}, Plans: []PlanOf{{File: path}}}.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != pipelines.NotRun || !strings.Contains(r.Results[0].Reason, test.want) {
				t.Errorf("got %s: %s, want %q", r.Verdict, r.Results[0].Reason, test.want)
			}
		})
	}
}

// catalog writes files and judges them as one unit on a day.
func judged(t *testing.T, c *config.Config, day string, files map[string]string) *pipelines.Report {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	now, err := time.Parse(time.RFC3339, day)
	if err != nil {
		t.Fatal(err)
	}
	stage := Compliance{Config: c, Now: now, Scope: pipelines.Scope{Root: dir,
		Selection: pipelines.Selection{All: true, Total: 1, Units: []pipelines.Unit{{Path: "."}}}}}
	r, err := stage.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWaivers(t *testing.T) {
	bare := "resource \"aws_ebs_volume\" \"v\" {\n}\n"
	comment := "# penstock:waive rule=ebs-volume-encrypted owner=me reason=\"it is empty\" expires=2027-01-31\n"
	configured := func(resource, expires string) *config.Config {
		return &config.Config{Version: 1, Compliance: config.Compliance{Waivers: []config.Waiver{{Rule: "ebs-volume-encrypted", Resource: resource,
			Owner: "me", Reason: "empty", Expires: expires}}}}
	}
	for name, test := range map[string]struct {
		config *config.Config
		day    string
		text   string
		want   pipelines.Verdict
		notice string
	}{
		"by address":       {configured("aws_ebs_volume.*", "2027-01-31"), "2026-11-01T00:00:00Z", bare, pipelines.Waived, ""},
		"other address":    {configured("aws_ebs_volume.w", "2027-01-31"), "2026-11-01T00:00:00Z", bare, pipelines.Fail, "excuses nothing"},
		"the last day":     {configured("*", "2027-01-31"), "2027-01-31T23:59:59Z", bare, pipelines.Waived, "ends on 2027-01-31"},
		"expired":          {configured("*", "2027-01-31"), "2027-02-01T00:00:00Z", bare, pipelines.Fail, ""},
		"expired in UTC":   {configured("*", "2027-01-31"), "2027-01-31T20:00:00-08:00", bare, pipelines.Fail, ""},
		"comment above":    {nil, "2026-11-01T00:00:00Z", comment + bare, pipelines.Waived, ""},
		"comment within":   {nil, "2026-11-01T00:00:00Z", "resource \"aws_ebs_volume\" \"v\" {\n  " + comment + "}\n", pipelines.Waived, ""},
		"comment far away": {nil, "2026-11-01T00:00:00Z", comment + "\n\n\n" + bare, pipelines.Fail, "excuses nothing"},
		"broken comment":   {nil, "2026-11-01T00:00:00Z", "# penstock:waive rule=x\n" + bare, pipelines.NotRun, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := judged(t, test.config, test.day, map[string]string{"main.tf": test.text})
			if r.Verdict != test.want {
				t.Errorf("got %s, want %s: %+v", r.Verdict, test.want, r.Results[0])
			}
			said := ""
			for _, n := range r.Notices {
				said += n.Message
			}
			if !strings.Contains(said, test.notice) || test.notice == "" && said != "" {
				t.Errorf("notices are %q, want %q", said, test.notice)
			}
		})
	}
}

func TestRulesMayLetTheirUnknownsPass(t *testing.T) {
	text := map[string]string{"main.tf": "variable \"e\" {}\nresource \"aws_ebs_volume\" \"v\" {\n  encrypted = var.e\n}\nmodule \"far\" {\n  source = \"terraform-aws-modules/vpc/aws\"\n}\n"}
	if r := judged(t, nil, "2026-11-01T00:00:00Z", text); r.Verdict != pipelines.Unknown || len(r.Results[0].Findings) != 2 {
		t.Errorf("got %s with %d findings", r.Verdict, len(r.Results[0].Findings))
	}
	c := &config.Config{Version: 1, Compliance: config.Compliance{Rules: map[string]config.Rule{
		"ebs-volume-encrypted": {Unknown: "pass"}, "external-module": {Unknown: "pass"}}}}
	if r := judged(t, c, "2026-11-01T00:00:00Z", text); r.Verdict != pipelines.Pass {
		t.Errorf("got %s: %+v", r.Verdict, r.Results[0].Findings)
	}
}
