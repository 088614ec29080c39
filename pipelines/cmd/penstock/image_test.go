package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	ociserver "github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// documentedCommands is the first block of commands in docs/images.md, with the two
// registries of the test in it.
func documentedCommands(t *testing.T, registry, prod string) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/images.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```sh\n")
	block, _, closed := strings.Cut(rest, "```")
	if !found || !closed || strings.Count(block, "penstock ") < 8 {
		t.Fatal("docs/images.md has no commands")
	}
	return strings.NewReplacer("registry.example.com", registry, "prod.example.com", prod).Replace(block)
}

func TestImageScripts(t *testing.T) {
	for _, program := range []string{"go", "git"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIPPED: %s is not on PATH", program)
		}
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	host := func(referrers bool) string {
		server := httptest.NewServer(ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0)), ociserver.WithReferrersSupport(referrers)))
		t.Cleanup(server.Close)
		return strings.TrimPrefix(server.URL, "http://")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/image",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"setenv": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
			},
		},
		Setup: func(env *testscript.Env) error {
			registry, prod := host(true), host(false)
			for name, value := range map[string]string{"REGISTRY": registry, "PROD": prod, "CHECKOUT": root + "/../../..", "HOME": env.WorkDir,
				"GOCACHE": strings.TrimSpace(string(cache)), "GOPROXY": "off", "GOTOOLCHAIN": "local", "GIT_CONFIG_NOSYSTEM": "1",
				"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.invalid", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.invalid"} {
				env.Setenv(name, value)
			}
			program, err := exec.LookPath("penstock") // the one that testscript put on PATH
			if err != nil {
				return err
			}
			env.Setenv("PENSTOCK", filepath.Dir(program))
			return os.WriteFile(filepath.Join(env.WorkDir, "docs.sh"), []byte(documentedCommands(t, registry, prod)), 0o600)
		},
	})
}
