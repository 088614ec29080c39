package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// ScanStage is the name of the stage that scans an image.
const ScanStage = "image-scan"

// Scan has a scanner look at an image and judges what it found by its severity. Its
// command is never read from the repository, so that a pull request cannot choose what
// runs: it is one of two that are known, or what the caller gives.
type Scan struct {
	// Image is REGISTRY/REPOSITORY@DIGEST, or the directory of an OCI layout.
	Image string
	// Command prints SARIF for the image that {image} stands for in its arguments.
	// Default: trivy or grype of PATH.
	Command []string
	// FailOn is the severity from which a finding fails. Default high.
	FailOn pipelines.Severity
	// Progress hears when it starts and ends. Default: nobody listens.
	Progress func(pipelines.Event)
}

var severities = []pipelines.Severity{pipelines.Low, pipelines.Medium, pipelines.High, pipelines.Critical}

// trivyArgv and grypeArgv print SARIF of all severities: the threshold is ours.
func trivyArgv(image string, layout bool) []string {
	argv := []string{"trivy", "image", "--quiet", "--format", "sarif", "--exit-code", "0"}
	if layout {
		return append(argv, "--input", image)
	}
	return append(argv, "--", image)
}

func grypeArgv(image string, layout bool) []string {
	kind := "registry:"
	if layout {
		kind = "oci-dir:"
	}
	return []string{"grype", kind + image, "--quiet", "--output", "sarif"}
}

func (s Scan) argv() ([]string, error) {
	layout := isFile(filepath.Join(s.Image, "oci-layout"))
	if !layout {
		if _, err := ParseDigest(s.Image); err != nil {
			return nil, err
		}
	}
	if len(s.Command) > 0 {
		if !slices.ContainsFunc(s.Command, func(arg string) bool { return strings.Contains(arg, "{image}") }) {
			return nil, &pipelines.Error{Err: errors.New("reading the scanner's command: no argument holds {image}"), Hint: "such as -- scanner --sarif {image}"}
		}
		var argv []string
		for _, arg := range s.Command {
			argv = append(argv, strings.ReplaceAll(arg, "{image}", s.Image))
		}
		return argv, nil
	}
	for name, argv := range map[string]func(string, bool) []string{"trivy": trivyArgv, "grype": grypeArgv} {
		if _, err := exec.LookPath(name); err == nil {
			return argv(s.Image, layout), nil
		}
	}
	return nil, &pipelines.Error{Err: errors.New("looking for a scanner: neither trivy nor grype is on PATH"),
		Hint: "install one of them, or give a command that prints SARIF: penstock image-scan IMAGE -- scanner {image}"}
}

// Run scans. No scanner, or one that says nothing, is not run.
func (s Scan) Run(ctx context.Context) (*pipelines.Report, error) {
	if s.FailOn == "" {
		s.FailOn = pipelines.High
	}
	if !slices.Contains(severities, s.FailOn) {
		return nil, fmt.Errorf("there is no severity %q, there are low, medium, high, critical", s.FailOn)
	}
	scope := pipelines.Scope{Progress: s.Progress, Selection: pipelines.Selection{All: true, Total: 1, Units: []pipelines.Unit{{Path: s.Image, Kind: pipelines.Live}}}}
	return scope.Each(ctx, ScanStage, func(ctx context.Context, _ pipelines.Unit) pipelines.Result { return s.scan(ctx) }), nil
}

func (s Scan) scan(ctx context.Context) pipelines.Result {
	argv, err := s.argv()
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		return pipelines.NotRunBecause(&pipelines.Error{Err: fmt.Errorf("scanning: %q is not on PATH", argv[0]), Hint: "install it"})
	}
	dir, err := os.MkdirTemp("", "penstock-scan-") // no configuration of the checkout is found there
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	defer os.RemoveAll(dir)
	if layout, err := filepath.Abs(s.Image); err == nil && isFile(filepath.Join(s.Image, "oci-layout")) {
		for i := range argv {
			argv[i] = strings.ReplaceAll(argv[i], s.Image, layout)
		}
	}
	out, err := process.Run(ctx, process.Command{Argv: argv, Dir: dir, Env: environment("DOCKER_CONFIG", "TRIVY_CACHE_DIR", "TRIVY_DB_*", "TRIVY_OFFLINE_*", "GRYPE_DB_*", "REGISTRY_AUTH_FILE")})
	if err != nil {
		return pipelines.NotRunBecause(err)
	}
	if len(bytes.TrimSpace(out.Stdout)) == 0 {
		return pipelines.NotRunBecause(fmt.Errorf("scanning with %s: it exits with %d and prints no SARIF: %s", filepath.Base(argv[0]), out.Exit, tail(out)))
	}
	return judgeScan(out.Stdout, s.FailOn)
}
