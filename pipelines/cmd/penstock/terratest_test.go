package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestTerratestScripts(t *testing.T) {
	for _, name := range []string{"go", "git", "terraform"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("SKIPPED: " + name + " is not on PATH")
		}
	}
	// What was compiled before is there: the standard library need not be compiled anew.
	known, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	caches := strings.Split(strings.TrimSpace(string(known)), "\n")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/terratest",
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, "HOME="+env.WorkDir+"/.home", "GOCACHE="+caches[0], "GOMODCACHE="+caches[1], "GOPATH="+caches[2], "GOFLAGS=-mod=mod",
				"TF_CLI_CONFIG_FILE="+os.DevNull, "GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.invalid",
				"GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.invalid", "GIT_CONFIG_NOSYSTEM=1")
			return nil
		},
	})
}

// Every command of the guides is one that a script runs.
func TestTerratestDocumentationRuns(t *testing.T) {
	for doc, least := range map[string]int{"terratest": 3, "nightly": 4} {
		text, err := os.ReadFile("../../../docs/" + doc + ".md")
		if err != nil {
			t.Fatal(err)
		}
		script, err := os.ReadFile("testdata/terratest/" + doc + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		commands := regexp.MustCompile(`(?m)^penstock (?:terratest|nightly)[^#\n]*`).FindAllString(string(text), -1)
		if len(commands) < least {
			t.Fatalf("docs/%s.md has %q", doc, commands)
		}
		for _, command := range commands {
			if !regexp.MustCompile(`(?m)^exits \d ` + regexp.QuoteMeta(strings.TrimSpace(command)) + `$`).Match(script) {
				t.Errorf("no script runs %q", command)
			}
		}
	}
}
