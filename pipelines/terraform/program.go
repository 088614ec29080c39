package terraform

import (
	"context"
	"encoding/json"
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

// program is a terraform or tofu that answered.
type program struct {
	// name is "terraform" or "opentofu".
	name, path, version string
}

// find returns the program that the caller named, or terraform, or else tofu, of
// PATH, once it has told its version.
func find(ctx context.Context, named string) (program, error) {
	candidates := []string{"terraform", "tofu"}
	if named != "" {
		candidates = []string{named}
	}
	var path string
	var err error
	for _, candidate := range candidates {
		if path, err = exec.LookPath(candidate); err == nil {
			break
		}
	}
	if err != nil && named != "" {
		return program{}, &pipelines.Error{Err: fmt.Errorf("looking for %q: %w", named, err), Hint: installHint}
	}
	if err != nil {
		return program{}, &pipelines.Error{Err: fmt.Errorf("neither terraform nor tofu is on PATH"), Hint: installHint}
	}
	if path, err = filepath.Abs(path); err != nil {
		return program{}, err
	}
	home, err := os.MkdirTemp("", "penstock-terraform-")
	if err != nil {
		return program{}, fmt.Errorf("making a home for terraform: %w", err)
	}
	defer os.RemoveAll(home)
	out, err := process.Run(ctx, process.Command{Argv: []string{path, "version", "-json"}, Dir: home, Env: environment(home, os.DevNull)})
	if err != nil {
		return program{}, err
	}
	return identify(path, out)
}

// identify reads what "version -json" printed. OpenTofu answers in the same form.
func identify(path string, out process.Output) (program, error) {
	var said struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(out.Stdout, &said); err != nil || out.Exit != 0 || said.Version == "" {
		return program{}, &pipelines.Error{
			Err:  fmt.Errorf("asking %q for its version: exit %d: %s", path, out.Exit, printable.Text(string(out.Stderr), 300)),
			Hint: "run " + path + " version -json"}
	}
	p := program{name: "terraform", path: path, version: printable.Text(said.Version, 60)}
	if strings.Contains(filepath.Base(path), "tofu") {
		p.name = "opentofu"
	}
	return p, nil
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
