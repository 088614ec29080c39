package bundle

import (
	"crypto"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	ociserver "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

func TestMain(m *testing.M) {
	patience = remote.Backoff{Duration: time.Millisecond, Factor: 1, Steps: 4}
	os.Exit(m.Run())
}

// sources is a small bundle.
var sources = map[string]string{
	"README.md":                                          "# Bundle\n",
	"charts/http-service/Chart.yaml":                     "apiVersion: v2\nname: http-service\nversion: 0.3.0\n",
	"charts/http-service/templates/_names.tpl":           "{{/* names */}}\n",
	"charts/platform.yaml":                               "replicas: 2\n",
	"terraform/modules/sqs-queue/contract.yaml":          "schema: penstock.infra-type/v1\ntype: sqs_queues\nmodule: sqs-queue\n",
	"terraform/modules/sqs-queue/main.tf":                "terraform {\n  required_providers {\n    aws = {\n      source  = \"hashicorp/aws\"\n      version = \"~> 6.0\"\n    }\n  }\n}\n",
	"terraform/modules/sqs-queue/tests/queue.tftest.hcl": "run \"plan\" {}\r\n",
	"terraform/service-iac/main.tf":                      "module \"queue\" {\n  source = \"../modules/sqs-queue\"\n}\n",
	"terraform/service-iac/run.sh":                       "#!/bin/sh\n",
}

func with(files map[string]string, more map[string]string) map[string]string {
	all := maps.Clone(files)
	maps.Copy(all, more)
	return all
}

// repository is a git repository with the files beneath bundle/, committed.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		put(t, filepath.Join(dir, "bundle", filepath.FromSlash(name)), text)
	}
	run(t, dir, "git", "init", "-q", ".")
	commit(t, dir)
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	mode := os.FileMode(0o644)
	if strings.HasSuffix(path, ".sh") {
		mode = 0o755
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, dir string) {
	t.Helper()
	run(t, dir, "git", "add", "-A", "-f", ".")
	run(t, dir, "git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "-q", "--allow-empty", "-m", "bundle")
}

func run(t *testing.T, dir string, argv ...string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_DATE=2026-03-01T10:00:00Z", "GIT_COMMITTER_DATE=2026-03-01T10:00:00Z")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v: %s", argv, err, out)
	}
}

func newKey(t *testing.T) (crypto.Signer, string) {
	t.Helper()
	private, public, err := capsule.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := capsule.ParseSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return key, public
}

// packed packs files without a repository.
func packed(t *testing.T, version string, key crypto.Signer, files map[string]string) *Packed {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, ".sh") {
			mode = 0o755
		}
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: mode}
	}
	c, err := fromFS(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	m := Manifest{Version: version, Commit: strings.Repeat("c0ffee42", 5), Created: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}
	p, err := pack(c, m, key)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// eachKind runs a test on every kind of place.
func eachKind(t *testing.T, test func(t *testing.T, address string)) {
	for kind, address := range map[string]func(*testing.T) string{
		"directory": func(t *testing.T) string { return t.TempDir() },
		"s3":        func(t *testing.T) string { return storetest.NewS3(t).Address("some/prefix") },
		"oci":       func(t *testing.T) string { return newRegistry(t, nil) },
	} {
		t.Run(kind, func(t *testing.T) { test(t, address(t)) })
	}
}

// newRegistry starts a registry; where fail says so a request is answered with 500.
func newRegistry(t *testing.T, fail func(*http.Request) bool) string {
	handler := ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fail != nil && fail(r) {
			http.Error(w, "half-way", http.StatusInternalServerError)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return "oci://" + strings.TrimPrefix(server.URL, "http://") + "/platform/bundle"
}

func pinned(from, version, digest, public string) config.Bundle {
	return config.Bundle{Version: version, Digest: digest, From: from, Signers: map[string]string{"platform": public}}
}

// cacheIn is a cache that can be removed at the end, although it is read-only.
func cacheIn(t *testing.T) Options {
	dir := t.TempDir()
	t.Cleanup(func() { _ = remove(dir) })
	return Options{Cache: filepath.Join(dir, "cache")}
}
