package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

const installHint = "install terraform (https://developer.hashicorp.com/terraform/install) or tofu (https://opentofu.org/docs/intro/install)"

// program is a terraform or tofu.
type program struct {
	// name is "terraform" or "opentofu".
	name, path string
}

// find returns the program that the caller named, or terraform, or else tofu, of PATH.
func find(named string) (program, error) {
	candidates := []string{"terraform", "tofu"}
	if named != "" {
		candidates = []string{named}
	}
	for _, candidate := range candidates {
		path, err := exec.LookPath(candidate)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		switch {
		case err == nil && strings.Contains(filepath.Base(path), "tofu"):
			return program{name: "opentofu", path: path}, nil
		case err == nil:
			return program{name: "terraform", path: path}, nil
		case named != "":
			return program{}, &pipelines.Error{Err: fmt.Errorf("looking for %q: %w", named, err), Hint: installHint}
		}
	}
	return program{}, &pipelines.Error{Err: errors.New("neither terraform nor tofu is on PATH"), Hint: installHint}
}

// tool asks the program for its version.
func (p program) tool(ctx context.Context) (pipelines.Tool, error) {
	home, err := os.MkdirTemp("", "penstock-terraform-")
	if err != nil {
		return pipelines.Tool{}, fmt.Errorf("making a home for %s: %w", p.name, err)
	}
	defer os.RemoveAll(home)
	out, err := process.Run(ctx, process.Command{Argv: []string{p.path, "version", "-json"}, Dir: home, Env: environment(home, os.DevNull)})
	if err != nil {
		return pipelines.Tool{}, err
	}
	return p.identify(out)
}

// identify reads what "version -json" printed. OpenTofu answers in the same form.
func (p program) identify(out process.Output) (pipelines.Tool, error) {
	var said struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(out.Stdout, &said); err != nil || out.Exit != 0 || said.Version == "" {
		return pipelines.Tool{}, &pipelines.Error{
			Err:  fmt.Errorf("asking %q for its version: exit %d: %s", p.path, out.Exit, printable.Text(string(out.Stderr), 300)),
			Hint: "run " + p.path + " version -json"}
	}
	return pipelines.Tool{Name: p.name, Version: printable.Text(said.Version, 60)}, nil
}

// passed are the variables of our own environment that reach terraform: how to
// reach a registry, and nothing that changes what terraform does.
var passed = []string{"PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR"}

// environment is built from nothing, so that no TF_ variable of the caller and
// no .terraformrc of a home directory changes what terraform does.
func environment(home, cliConfig string) []string {
	env := []string{"HOME=" + home, "TMPDIR=" + home, "TF_CLI_CONFIG_FILE=" + cliConfig,
		"CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0"}
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
