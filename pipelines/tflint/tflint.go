// Package tflint is the stage that runs tflint. tflint stays a process: parts of
// it are under a licence that a library of ours could not carry.
package tflint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
	"github.com/penstock-dev/penstock/pipelines/internal/shelf"
)

// Stage is the name of the stage.
const Stage = "tflint"

const installHint = "go install github.com/terraform-linters/tflint@v0.64.0"

// Tflint runs tflint on each unit, with the configuration that tflint would find
// there, as it stands on the base; the root of the catalog takes the place of the
// home directory. No variable of the caller and no plugin in the checkout counts.
type Tflint struct {
	pipelines.Scope
	// Program is the tflint to run. Default: tflint of PATH.
	Program string
	// Plugins is the directory that keeps plugins. Default: penstock/tflint-plugins
	// in the user's cache directory.
	Plugins string
	// Offline leaves a unit not run rather than fetch a plugin.
	Offline bool
}

// run is one run of the stage.
type run struct {
	Tflint
	root *os.Root
	// trusted is where configurations are read: the base, or the root without one.
	trusted fs.FS
	plugins *shelf.Shelf

	mu      sync.Mutex
	notices []pipelines.Notice
	// failed is why the plugins of a configuration did not come, by its content.
	failed map[string]string
}

// Run lints every unit. A unit that tflint or a plugin is missing for is not run.
func (t Tflint) Run(ctx context.Context) (*pipelines.Report, error) {
	root, err := os.OpenRoot(t.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the catalog: %w", err)
	}
	defer root.Close()
	r := &run{Tflint: t, root: root, trusted: root.FS(), failed: map[string]string{}}
	if t.Base != nil {
		r.trusted = t.Base
	}
	tool, err := r.prepare(ctx)
	if err != nil {
		refused := pipelines.NotRunBecause(err)
		return t.Each(ctx, Stage, func(context.Context, pipelines.Unit) pipelines.Result { return refused }), nil
	}
	report := t.Each(ctx, Stage, r.judge)
	report.Tools = []pipelines.Tool{tool}
	slices.SortFunc(r.notices, func(a, b pipelines.Notice) int { return strings.Compare(a.Path+a.Message, b.Path+b.Message) })
	report.Notices = append(report.Notices, slices.Compact(r.notices)...)
	return report, nil
}

// prepare finds tflint, asks for its version and opens the place of its plugins.
func (r *run) prepare(ctx context.Context) (pipelines.Tool, error) {
	name := r.Program
	if name == "" {
		name = "tflint"
	}
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return pipelines.Tool{}, &pipelines.Error{Err: fmt.Errorf("looking for tflint: %w", errors.Unwrap(err)), Hint: installHint}
	}
	r.Program = path
	if r.Plugins == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return pipelines.Tool{}, &pipelines.Error{Err: fmt.Errorf("looking for a place to keep plugins: %w", err),
				Hint: "set HOME or XDG_CACHE_HOME"}
		}
		r.Plugins = filepath.Join(cache, "penstock", "tflint-plugins")
	}
	if r.plugins, err = shelf.Open(r.Plugins, "*/*/*/*"); err != nil {
		return pipelines.Tool{}, err
	}
	home, err := os.MkdirTemp("", "penstock-")
	if err != nil {
		return pipelines.Tool{}, fmt.Errorf("making a home for tflint: %w", err)
	}
	defer os.RemoveAll(home)
	out, err := process.Run(ctx, process.Command{Argv: []string{path, "--version"}, Dir: home, Env: environment(home, r.plugins.Kept())})
	if err != nil {
		return pipelines.Tool{}, err
	}
	return identify(path, out)
}

var versionLine = regexp.MustCompile(`TFLint version (\S+)`)

func identify(path string, out process.Output) (pipelines.Tool, error) {
	found := versionLine.FindSubmatch(out.Stdout)
	if found == nil || out.Exit != 0 {
		return pipelines.Tool{}, &pipelines.Error{
			Err:  fmt.Errorf("asking %q for its version: exit %d: %s", path, out.Exit, printable.Text(string(out.Stderr), 300)),
			Hint: "run " + path + " --version"}
	}
	return pipelines.Tool{Name: "tflint", Version: printable.Text(string(found[1]), 60)}, nil
}

// environment is built from nothing, so that no TFLINT_ variable chooses a
// configuration and no TF_VAR_ a value.
func environment(home, plugins string) []string {
	env := []string{"HOME=" + home, "TMPDIR=" + home, "TFLINT_PLUGIN_DIR=" + plugins, "TFLINT_DISABLE_VERSION_CHECK=1"}
	for _, name := range []string{"PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
