package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penstock-dev/penstock/pipelines/terratest/shim"
)

func TestMain(m *testing.M) {
	if shim.Called(os.Args[0]) { // what a test of a module finds on its PATH
		os.Exit(shim.Main(context.Background(), os.Args))
	}
	testscript.Main(m, map[string]func(){
		"penstock": func() {
			p := program{in: os.Stdin, out: os.Stdout, err: os.Stderr}
			os.Exit(p.run(context.Background(), os.Args[1:]))
		},
		"exits":  exits,
		"sealed": sealed,
	})
}

func TestScripts(t *testing.T) {
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	providers := mirror()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"setenv": setenv,
			"secret": password,
			"leaks":  leaks,
			"digest": digestOf,
		},
		Condition: func(name string) (bool, error) {
			if name != "providers" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			_, err := os.Stat(filepath.Join(providers, "registry.terraform.io", "hashicorp", "random"))
			return err == nil, nil
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("CHECKOUT", root+"/../../..")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("PROVIDERS", providers)
			for _, pair := range []string{"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.invalid", "GIT_COMMITTER_NAME=t",
				"GIT_COMMITTER_EMAIL=t@example.invalid", "GIT_CONFIG_NOSYSTEM=1"} {
				env.Vars = append(env.Vars, pair)
			}
			return nil
		},
	})
}

// setenv NAME FILE: the content of a file as a variable, without the end of its line.
func setenv(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}
