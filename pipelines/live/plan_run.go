package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/penstock-dev/penstock/pipelines/terraform"
)

// noLock, or anything below 0, in place of a time to wait for a lock of the state takes none.
const noLock = -1

// plan runs terraform plan and returns its exit code: 0 no change, 2 changes. more are
// further arguments.
func (w *unitWorkspace) plan(ctx context.Context, out string, wait time.Duration, destroy bool, more ...string) (int, error) {
	log, err := os.OpenFile(filepath.Join(out, LogFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("writing the log: %w", err)
	}
	defer log.Close()
	file, err := filepath.Abs(filepath.Join(out, PlanFile))
	if err != nil {
		return 0, err
	}
	done, err := w.Run(ctx, terraform.Command{Args: planArgs(file, w.varFiles, wait, destroy, more...), Stdout: log, Env: w.ofRun})
	if err != nil {
		return 0, err
	}
	if _, err := log.Write(done.Stderr); err != nil {
		return 0, fmt.Errorf("writing the log: %w", err)
	}
	return done.Exit, nil
}

// planArgs is the command line of a plan.
func planArgs(file string, varFiles []string, wait time.Duration, destroy bool, more ...string) []string {
	lock := "-lock-timeout=" + wait.String()
	if wait < 0 {
		lock = "-lock=false"
	}
	args := []string{"plan", "-json", "-input=false", "-detailed-exitcode", "-out=" + file, lock}
	if destroy {
		args = append(args, "-destroy")
	}
	args = append(args, more...)
	for _, name := range varFiles {
		args = append(args, "-var-file="+filepath.FromSlash(name))
	}
	return args
}

// show writes the plan as JSON.
func (w *unitWorkspace) show(ctx context.Context, out string) error {
	plan, err := filepath.Abs(filepath.Join(out, PlanFile))
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(out, JSONFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the plan as JSON: %w", err)
	}
	done, err := w.Run(ctx, terraform.Command{Args: []string{"show", "-json", plan}, Stdout: file})
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing the plan as JSON: %w", err)
	}
	if done.Exit != 0 {
		return fmt.Errorf("writing the plan as JSON: terraform show ended with %d", done.Exit)
	}
	return nil
}
