package image

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestArgv(t *testing.T) {
	d := Dockerfile{Context: "/src", Target: "run", Platforms: []string{"linux/amd64", "linux/arm64"}, Args: map[string]string{"B": "2", "A": "1 2"},
		CacheFrom: []string{"type=registry,ref=r.example/c", "type=local,src=/c"}, CacheTo: []string{"type=registry,ref=r.example/c,mode=max"}}
	cases := map[string]struct {
		got  [][]string
		want string
	}{
		"docker": {one(buildxArgv)(d, "/t/x/layout"), "docker buildx build --progress=plain --provenance=false --sbom=false --file /src/Dockerfile --target run --platform linux/amd64,linux/arm64 " +
			"--cache-from type=registry,ref=r.example/c --cache-from type=local,src=/c --cache-to type=registry,ref=r.example/c,mode=max --build-arg A=1 2 --build-arg B=2 " +
			"--output type=oci,dest=/t/x/layout,tar=false /src"},
		"podman": {podmanArgv(d, "/t/x/layout"), "podman build --format oci --manifest localhost/penstock-x --file /src/Dockerfile --target run --platform linux/amd64,linux/arm64 " +
			"--cache-from r.example/c --cache-to r.example/c --build-arg A=1 2 --build-arg B=2 /src\n" +
			"podman manifest push --all --format oci localhost/penstock-x oci:/t/x/layout\npodman manifest rm localhost/penstock-x"},
		"buildctl": {one(buildctlArgv)(d, "/t/x/layout"), "buildctl build --progress=plain --frontend dockerfile.v0 --local context=/src --local dockerfile=/src --opt filename=Dockerfile --opt target=run " +
			"--opt platform=linux/amd64,linux/arm64 --opt build-arg:A=1 2 --opt build-arg:B=2 --import-cache type=registry,ref=r.example/c --import-cache type=local,src=/c " +
			"--export-cache type=registry,ref=r.example/c,mode=max --output type=oci,dest=/t/x/layout,tar=false"},
		"docker, the least": {one(buildxArgv)(Dockerfile{Context: "/src", File: "a/D"}, "/l"), "docker buildx build --progress=plain --provenance=false --sbom=false --file /src/a/D --output type=oci,dest=/l,tar=false /src"},
		"trivy":             {[][]string{trivyArgv("r/x@sha256:0", false)}, "trivy image --quiet --format sarif --exit-code 0 -- r/x@sha256:0"},
		"trivy, a layout":   {[][]string{trivyArgv("/l", true)}, "trivy image --quiet --format sarif --exit-code 0 --input /l"},
		"grype":             {[][]string{grypeArgv("r/x@sha256:0", false)}, "grype registry:r/x@sha256:0 --quiet --output sarif"},
		"grype, a layout":   {[][]string{grypeArgv("/l", true)}, "grype oci-dir:/l --quiet --output sarif"},
	}
	for name, c := range cases {
		var lines []string
		for _, argv := range c.got {
			lines = append(lines, strings.Join(argv, " "))
		}
		if got := strings.Join(lines, "\n"); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// stub puts a program on PATH that stands for a builder of this machine that has none.
func stub(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

func TestWithoutABuilderItIsNotRun(t *testing.T) {
	dir := unpack(t, "-- Dockerfile --\nFROM scratch\n")
	b := Build{Out: filepath.Join(t.TempDir(), "l"), Dockerfile: Dockerfile{Context: dir}}
	t.Setenv("PATH", t.TempDir())
	if _, err := b.Run(t.Context()); !errors.Is(err, ErrBuilder) || !strings.Contains(err.Error(), "docker is not on PATH; podman is not on PATH") {
		t.Errorf("nothing on PATH: %v", err)
	}
	stub(t, "docker", "echo Cannot connect to the Docker daemon >&2; exit 1\n")
	if _, err := b.Run(t.Context()); !errors.Is(err, ErrBuilder) || !strings.Contains(err.Error(), "Cannot connect") {
		t.Errorf("a daemon that does not answer: %v", err)
	}
	stub(t, "docker", "exit 0\n")
	if _, err := b.Run(t.Context()); !errors.Is(err, ErrBuilder) {
		t.Errorf("another program of the name: %v", err)
	}
}

// What a builder leaves is judged; the builder itself is stood in for.
func TestWhatABuilderLeaves(t *testing.T) {
	layout := built(t, nil).Layout
	dir := unpack(t, "-- Dockerfile --\nFROM scratch\n")
	b := func() Build {
		return Build{Out: filepath.Join(t.TempDir(), "l"), Dockerfile: Dockerfile{Context: dir}, Labels: labels}
	}
	answers := `case "$2" in inspect) echo "Platforms: linux/amd64"; exit 0;; esac` + "\n"
	stub(t, "docker", answers+`for a; do case "$a" in type=oci,dest=*) d=${a#type=oci,dest=}; cp -r `+layout+` "${d%,tar=false}";; esac; done`+"\n")
	got, err := b().Run(t.Context())
	if err != nil || len(got.Platforms) != 2 || got.Notes[0] != "built by docker" {
		t.Fatalf("got %+v, %v", got, err)
	}
	stub(t, "docker", answers+"echo 'RUN make: exit code 2' >&2; exit 1\n")
	if _, err := b().Run(t.Context()); !errors.Is(err, ErrBuild) || !strings.Contains(err.Error(), "RUN make") {
		t.Errorf("a Dockerfile that does not build: %v", err)
	}
	stub(t, "docker", answers+"exit 0\n")
	if _, err := b().Run(t.Context()); err == nil {
		t.Error("a builder that leaves nothing passes")
	}
	if _, err := (Build{Out: "x", Dockerfile: Dockerfile{Context: t.TempDir()}}).Run(t.Context()); err == nil || errors.Is(err, ErrBuilder) {
		t.Errorf("no Dockerfile: %v", err)
	}
}
