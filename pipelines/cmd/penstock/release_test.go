package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penstock-dev/penstock/pipelines"
)

// The commands of docs/release.md, on a bare repository and a clone of it.
func TestReleaseScripts(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("SKIPPED: git is absent: the commands of docs/release.md were not run")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/release",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// evidence FILE UNIT...: a report of tests of HEAD.
			"evidence": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(ts.Exec("git", "rev-parse", "HEAD"))
				r := pipelines.Report{Stages: []string{"terratest"}, Selection: pipelines.Selection{Schema: pipelines.SelectionSchema, Head: strings.TrimSpace(ts.ReadFile("stdout")), Total: len(args) - 1}}
				for _, unit := range args[1:] {
					r.Selection.Units = append(r.Selection.Units, pipelines.Unit{Path: unit, Kind: pipelines.Module})
					r.Results = append(r.Results, pipelines.Result{Stage: "terratest", Unit: unit, Verdict: pipelines.Pass})
				}
				r.Close()
				text, err := json.Marshal(r)
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o644))
			},
		},
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, "HOME="+env.WorkDir, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.invalid",
				"GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.invalid", "GITHUB_REPOSITORY=", "GITHUB_TOKEN=")
			return nil
		},
	})
}

// Every command of the documentation is one that the script runs.
func TestReleaseDocumentationRuns(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/release.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/release/release.txtar")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^(penstock|git) [^#\n]*`).FindAllString(string(doc), -1)
	if len(commands) < 6 {
		t.Fatalf("the documentation has %q", commands)
	}
	for _, command := range commands {
		command = strings.TrimSpace(command)
		if !regexp.MustCompile(`(?m)^(exits 0|exec) ` + regexp.QuoteMeta(command) + `$`).Match(script) {
			t.Errorf("no script runs %q", command)
		}
	}
}
