package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	ociserver "github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

// places are a registry and, where moto is, a bucket.
func places(t *testing.T) (registry, bucket string) {
	server := httptest.NewServer(ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	if err := exec.Command("python3", "-c", "import moto.server, flask").Run(); err != nil {
		t.Logf("SKIPPED: what needs a bucket: no moto server on this machine: %v", err)
	} else {
		bucket = storetest.NewS3(t).Address("bundles")
	}
	return strings.TrimPrefix(server.URL, "http://"), bucket
}

// unparallel lets a script run in a test that sets variables.
type unparallel struct{ *testing.T }

func (unparallel) Parallel()     {}
func (unparallel) Verbose() bool { return testing.Verbose() }

func (t unparallel) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(unparallel{t}) })
}

func TestBundleScript(t *testing.T) {
	registry, bucket := places(t)
	testscript.RunT(unparallel{t}, testscript.Params{
		Dir: "testdata/bundle",
		Condition: func(name string) (bool, error) {
			if name != "moto" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			return bucket != "", nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"setenv": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
			},
			// fill FILE: variables in the file get their values.
			"fill": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o644))
			},
		},
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"} {
				env.Setenv(name, os.Getenv(name))
			}
			env.Defer(func() { _ = exec.Command("chmod", "-R", "u+w", env.WorkDir).Run() }) // bundles are read-only
			env.Vars = append(env.Vars, "HOME="+env.WorkDir, "REGISTRY="+registry, "BUCKET="+bucket, "GIT_CONFIG_NOSYSTEM=1",
				"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.invalid", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.invalid")
			return nil
		},
	})
}

// Every command of the documentation is one that the script runs.
func TestBundleDocumentationRuns(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/bundle.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/bundle/bundle.txtar")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^penstock [^#\n]*`).FindAllString(string(doc), -1)
	if len(commands) < 10 {
		t.Fatalf("the documentation has %q", commands)
	}
	for _, command := range commands {
		if !regexp.MustCompile(`(?m)^(\[moto\] )?exits 0 ` + regexp.QuoteMeta(strings.TrimSpace(command)) + `$`).Match(script) {
			t.Errorf("no script runs %q", command)
		}
	}
}

// Two clones, elsewhere, with other umasks, times, time zones, locales and line
// endings: each file of the bundle is the same, byte by byte.
func TestTwoClonesPackTheSame(t *testing.T) {
	program, dir := built(t), t.TempDir()
	origin := filepath.Join(dir, "origin")
	for name, text := range map[string]string{
		"charts/http-service/Chart.yaml": "apiVersion: v2\nname: http-service\nversion: 0.3.0\n",
		"charts/a-b/Chart.yaml":          "apiVersion: v2\nname: a-b\nversion: 0.1.0\n",
		"charts/a/Chart.yaml":            "apiVersion: v2\nname: a\nversion: 0.1.0\n",
		"terraform/service-iac/dos.tf":   "locals {}\r\n",
		"terraform/service-iac/run.sh":   "#!/bin/sh\n",
		"terraform/big.bin":              strings.Repeat("\x00\x01\x02penstock\xff", 100_000),
	} {
		write(t, filepath.Join(origin, "bundle", name), text)
	}
	script, err := txtar.ParseFile("testdata/bundle/bundle.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range script.Files {
		if name, ours := strings.CutPrefix(file.Name, "platform/bundle/terraform/"); ours && !strings.HasSuffix(name, ".tfstate") {
			write(t, filepath.Join(origin, "bundle/terraform", name), string(file.Data))
		}
	}
	shell := func(where, script string, env ...string) {
		t.Helper()
		cmd := exec.Command("sh", "-e", "-c", script)
		cmd.Dir = where
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "PENSTOCK=" + program, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=t",
			"GIT_AUTHOR_EMAIL=t@example.invalid", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.invalid"}, env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	shell(origin, "chmod 755 bundle/terraform/service-iac/run.sh; git init -q .; git add -A; git commit -q -m bundle; $PENSTOCK capsule keygen --out ../key.pem")
	const pack = `; cd clone; $PENSTOCK bundle pack --version bundle-v1.2.3 --key "$HOME/key.pem" --out ../dist`
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second", "deeper", "\u00e9 place")
	for _, place := range []string{first, second} {
		if err := os.MkdirAll(place, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shell(first, "umask 022; git clone -q ../origin clone"+pack, "TZ=UTC", "LC_ALL=C")
	shell(second, `umask 077; git -c core.autocrlf=true clone -q "$HOME/origin" clone; git -C clone config core.autocrlf true
find clone/bundle -exec touch -d 2001-02-03 {} +; mkdir -p clone/bundle/terraform/service-iac/.terraform; echo x > clone/bundle/terraform/service-iac/.terraform/x
echo '{}' > clone/bundle/terraform/service-iac/terraform.tfstate`+pack, "TZ=Pacific/Kiritimati", "LC_ALL=C.UTF-8", "GOMAXPROCS=1")
	const name = "penstock-bundle-1.2.3.tar.gz"
	for _, end := range []string{"", ".sha256", ".spdx.json", ".statement.json"} {
		a, err := os.ReadFile(filepath.Join(first, "dist", name+end))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(second, "dist", name+end))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) || len(a) == 0 {
			t.Errorf("%s%s differs: %d and %d bytes", name, end, len(a), len(b))
		}
	}
	if text, err := os.ReadFile(filepath.Join(second, "clone/bundle/terraform/service-iac/main.tf")); err != nil || !bytes.Contains(text, []byte("\r\n")) {
		t.Errorf("the second clone has no other line endings: %q, %v", text, err)
	}
}
