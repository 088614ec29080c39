// Package shim is the terraform that a test finds on PATH: penstock, called by that name.
// Everything is passed on to the real program. Before it is let go, what it is about to
// make is saved outside of the sandbox, so that penstock sweep can destroy it whatever is
// killed from then on.
package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Called says whether a program of this name stands in for terraform or tofu.
func Called(argv0 string) bool {
	name := filepath.Base(argv0)
	return name == "terraform" || name == "tofu"
}

// exitRefused is what the shim ends with where it did not let terraform go.
const exitRefused = 1

// Main is the program. argv is os.Args; the exit code is terraform's where that was run.
func Main(ctx context.Context, argv []string) int {
	code, err := run(ctx, argv)
	if err != nil {
		fmt.Fprintf(os.Stderr, "penstock, in place of %s: %s\n", filepath.Base(argv[0]), printable.Text(err.Error(), 4000))
		var known *pipelines.Error
		if errors.As(err, &known) && known.Hint != "" {
			fmt.Fprintf(os.Stderr, "hint: %s\n", printable.Text(known.Hint, 1000))
		}
		return exitRefused
	}
	return code
}

func run(ctx context.Context, argv []string) (int, error) {
	real, err := find(filepath.Base(argv[0]))
	if err != nil {
		return 0, err
	}
	c, err := parse(argv[1:])
	if err != nil {
		return 0, err
	}
	id := os.Getenv(record.EnvRun)
	if record.CheckRun(id) != nil || !c.saves() { // no run of tests, or nothing is changed
		return 0, become(real, argv[1:])
	}
	states, err := deployed.Open(ctx, os.Getenv(record.EnvStates))
	if err != nil {
		return 0, err
	}
	if _, err := states.Run(ctx, id); err != nil {
		return 0, &pipelines.Error{Err: fmt.Errorf("looking for the run of this test: %w", err), Hint: "start the tests with penstock terratest"}
	}
	s := session{states: states, run: id, real: real, call: c}
	if s.dir, err = filepath.Abs(c.chdir); err != nil {
		return 0, err
	}
	return s.do(ctx)
}

// become replaces this process by the real program.
func become(real string, args []string) error {
	err := syscall.Exec(real, append([]string{real}, args...), os.Environ())
	return fmt.Errorf("starting %q: %w", real, err)
}

// find returns the real program: the one that the run names, or the first of that name on
// PATH that is not this program.
func find(name string) (string, error) {
	if named := os.Getenv(record.EnvTerraform); named != "" && strings.Contains(filepath.Base(named), "tofu") == (name == "tofu") {
		return exec.LookPath(named)
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("looking for the real %s: %w", name, err)
	}
	own, err := os.Stat(self)
	if err != nil {
		return "", fmt.Errorf("looking for the real %s: %w", name, err)
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err == nil && filepath.IsAbs(file) && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && !os.SameFile(info, own) {
			return file, nil
		}
	}
	return "", &pipelines.Error{Err: fmt.Errorf("looking for the real %s: there is none on PATH", name), Hint: "install it, or set " + record.EnvTerraform}
}
