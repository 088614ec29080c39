package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// mirror is where .ci/providers puts providers.
func mirror() string {
	if dir := os.Getenv("PENSTOCK_TEST_PROVIDERS"); dir != "" {
		return dir
	}
	if dir := os.Getenv("PENSTOCK_CACHE"); dir != "" {
		return filepath.Join(dir, "providers")
	}
	home, _ := os.UserHomeDir()
	return filepath.Join(home, ".cache", "penstock", "providers")
}

// password writes what a random_password in a state is to a file: secret FILE STATE.
func password(ts *testscript.TestScript, _ bool, args []string) {
	var state struct {
		Resources []struct {
			Type      string
			Instances []struct {
				Attributes struct{ Result string }
			}
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &state))
	for _, r := range state.Resources {
		if r.Type == "random_password" && len(r.Instances) == 1 && len(r.Instances[0].Attributes.Result) > 10 {
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(r.Instances[0].Attributes.Result), 0o600))
			return
		}
	}
	ts.Fatalf("there is no password in %s", args[1])
}

// leaks fails where one of some files does not hold a secret; with ! where one does:
// leaks SECRET FILE... The secret is letters and digits, which nothing escapes.
func leaks(ts *testscript.TestScript, neg bool, args []string) {
	secret := ts.ReadFile(args[0])
	for _, name := range args[1:] {
		text := ts.ReadFile(name)
		if text == "" {
			ts.Fatalf("%s is empty", name)
		}
		if found := strings.Contains(text, secret); found == neg {
			ts.Fatalf("%s holds the secret: %v", name, found)
		}
	}
}

// digestOf sets a variable to the digest that the last command printed: digest NAME.
func digestOf(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindAllString(ts.ReadFile("stdout"), -1)
	if len(found) != 1 {
		ts.Fatalf("there are %d digests", len(found))
	}
	ts.Setenv(args[0], found[0])
}
