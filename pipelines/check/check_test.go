package check

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/compliance"
)

func catalog(t *testing.T, text string) pipelines.Scope {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return pipelines.Scope{Root: dir, Selection: pipelines.Selection{All: true, Total: 1,
		Units: []pipelines.Unit{{Path: ".", Kind: pipelines.Module, Inputs: []string{"main.tf"}}}}}
}

func TestStagesAreThoseThatWereNamed(t *testing.T) {
	for name, test := range map[string]struct {
		stages, skip, want []string
	}{
		"all":            {nil, nil, Names},
		"in their order": {[]string{"compliance", "terraform-fmt"}, nil, []string{"terraform-fmt", "compliance"}},
		"skipped":        {nil, []string{"tflint", "terraform-validate"}, []string{"terraform-fmt", "compliance"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := Check{Scope: catalog(t, "locals {}\n"), Stages: test.stages, Skip: test.skip}
			r, err := c.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Stages) != len(test.want) || len(r.Results) != len(test.want) || len(r.Skipped) != len(test.skip) {
				t.Errorf("stages %v, %d results, skipped %v", r.Stages, len(r.Results), r.Skipped)
			}
			for i := range test.want {
				if r.Stages[i] != test.want[i] {
					t.Errorf("stages %v, want %v", r.Stages, test.want)
				}
			}
		})
	}
}

func TestNoStageIsNoRun(t *testing.T) {
	for _, c := range []Check{{Stages: []string{"nonsense"}}, {Skip: []string{"nonsense"}}, {Stages: []string{"tflint"}, Skip: []string{"tflint"}}} {
		if _, err := c.Run(t.Context()); !errors.Is(err, ErrStage) {
			t.Errorf("%v without %v: %v", c.Stages, c.Skip, err)
		}
	}
}

// One broken stage is not run on each unit and does not hide what others found.
func TestBrokenStageDoesNotHideTheOthers(t *testing.T) {
	c := Check{Scope: catalog(t, "locals {\na=1\n}\n"), Stages: []string{"terraform-fmt", "compliance"},
		Compliance: compliance.Compliance{NoBuiltin: true}}
	r, err := c.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != pipelines.NotRun || r.Counts[pipelines.Fail] != 1 || r.Counts[pipelines.NotRun] != 1 {
		t.Errorf("got %s, %v", r.Verdict, r.Counts)
	}
	c.Selection.Units = nil // nothing touched does not excuse it
	if r, err = c.Run(t.Context()); err != nil || r.Verdict != pipelines.NotRun {
		t.Errorf("got %s, %v", r.Verdict, err)
	}
}
