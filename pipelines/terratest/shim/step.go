package shim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"

	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// step saves what is about to be done, does it, and says whether it came to its end.
func (s *session) step(ctx context.Context, kind string) (int, error) {
	step, err := s.save(ctx, kind)
	if err == nil && kind == record.Apply {
		var code int
		if code, err = s.plan(ctx, &step); code != 0 {
			return code, err
		}
	}
	var seq int
	if err == nil {
		if err = s.states.Redo(ctx, s.run, s.deployment); err == nil {
			seq, err = s.states.Step(ctx, s.run, s.deployment, step)
		}
	}
	if err != nil {
		return 0, refused(err)
	}
	_ = os.Remove(s.errored(step)) // of an earlier call: it is saved
	if s.states.InDirectory() && kind != record.Test {
		defer record.Watch(s.file(deployed.Workspace(step)))()
	}
	signals := &atomic.Int32{}
	out, stderr := io.Writer(os.Stdout), io.Writer(os.Stderr)
	var heard *leftovers
	if kind == record.Test { // it has no state to lose when its pipe breaks
		heard = listen()
		out, stderr = io.MultiWriter(os.Stdout, heard.write), io.MultiWriter(os.Stderr, heard.write)
	}
	code, err := s.startCounting(ctx, s.call.argv(s.real), os.Stdin, out, stderr, signals)
	var left []string
	if heard != nil {
		left = heard.close()
	}
	if err != nil {
		return 0, err
	}
	if err := s.settle(ctx, step, seq, code, signals.Load(), left); err != nil {
		// The test goes on: what is not settled, sweep takes as cut off.
		fmt.Fprintf(os.Stderr, "penstock: saving what came of terraform %s: %v\n", s.call.command, err)
	}
	if code < 0 {
		code = 128 + int(syscall.SIGKILL)
	}
	return code, nil
}

// errored is where terraform leaves a state that it could not write, or that a test could
// not destroy.
func (s *session) errored(step record.Step) string {
	if step.Kind == record.Test {
		return filepath.Join(s.dir, "errored_test.tfstate")
	}
	return filepath.Join(s.dir, "errored.tfstate")
}

// settle says that a step came to its end. One that a signal ended, that crashed, or that
// was asked twice to stop did not: terraform then leaves without what its providers answer.
func (s *session) settle(ctx context.Context, step record.Step, seq, code int, signals int32, remains []string) error {
	workspace := deployed.Workspace(step)
	left, err := os.ReadFile(s.errored(step))
	if err == nil {
		if err := s.states.Snapshot(ctx, s.run, s.deployment, workspace, seq, left); err != nil {
			return err
		}
		state, err := deployed.ParseState(left)
		if err != nil || code != 1 || signals > 1 {
			return err
		}
		_, err = s.states.Step(ctx, s.run, s.deployment, record.Step{Kind: record.Settled, Of: seq, Exit: code, Workspace: step.Workspace, Held: state.Addresses()})
		return err
	}
	if !errors.Is(err, os.ErrNotExist) || code != 0 && code != 1 || signals > 1 {
		return err
	}
	state := deployed.State{}
	if step.Kind != record.Test {
		state, err = s.states.State(ctx, s.run, s.deployment, workspace)
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		} else if err == nil {
			err = s.states.Snapshot(ctx, s.run, s.deployment, workspace, seq, state.Content)
		}
		if err != nil {
			return err
		}
	}
	if _, err := s.states.Step(ctx, s.run, s.deployment, record.Step{Kind: record.Settled, Of: seq, Exit: code, Workspace: step.Workspace, Held: state.Addresses(), Left: remains}); err != nil {
		return err
	}
	if len(state.Resources)+len(remains) > 0 {
		return nil
	}
	d, err := s.states.Deployment(ctx, s.run, s.deployment)
	if err != nil || !d.Settled() || len(d.Workspaces) > 1 {
		return err
	}
	return s.states.Undo(ctx, s.run, s.deployment, "terraform "+s.call.command)
}

func (s *session) start(ctx context.Context, argv []string, in io.Reader, out, errors io.Writer) (int, error) {
	return s.startCounting(ctx, argv, in, out, errors, &atomic.Int32{})
}

// startCounting runs the real program in our own process group, on our own streams: it
// gets the signals of the group as if it had been called itself, and writes where the test
// reads even when this process is killed. That is why this is no process.Run, which makes
// a group and a pipe. A program whose shim is killed is asked to stop: nobody else would.
func (s *session) startCounting(ctx context.Context, argv []string, in io.Reader, out, stderr io.Writer, count *atomic.Int32) (int, error) {
	runtime.LockOSThread() // the death signal comes with the end of this thread
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	cmd := exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, stderr
	cmd.SysProcAttr = orphaned()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("starting %q: %w", argv[0], err)
	}
	over := make(chan struct{})
	defer close(over)
	go func() {
		for {
			select {
			case <-signals:
				count.Add(1)
			case <-over:
				return
			}
		}
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, fmt.Errorf("running %q: %w", argv[0], err)
	}
	return cmd.ProcessState.ExitCode(), nil
}
