// Package process is the one place that starts processes.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// Command is one process. Arguments are a vector, never a shell string.
type Command struct {
	Argv []string
	Dir  string
	// Env is the whole environment: nothing is inherited. Nil is an empty one.
	Env   []string
	Stdin []byte
	// Stdout receives what the process prints, unbounded, in place of
	// Output.Stdout. Default: it is kept, up to Limit.
	Stdout io.Writer
	// Stderr hears what the process says, beside Output.Stderr. Default: nobody.
	Stderr io.Writer
	// Started hears of the process id once there is one.
	Started func(pid int)
	// Grace is how long the process has after it was asked to stop. Default 5 s.
	// With one of its own it is asked by SIGINT, which terraform's providers
	// leave to terraform, and SIGKILL follows only then.
	Grace time.Duration
	// Limit bounds stdout and stderr, each, in bytes. Default 64 MiB. What is
	// beyond it is an error, never a silently shorter output.
	Limit int
}

// Output is what a finished process left. Exit is -1 when a signal ended it.
type Output struct {
	Stdout, Stderr []byte
	Exit           int
}

// ErrOutput says that a process printed more than its limit.
var ErrOutput = errors.New("output is over its limit")

// grace is how long a process group has between being asked to stop and SIGKILL.
const grace = 5 * time.Second

// Run starts the command in a process group of its own and waits. A non-zero
// exit is in Output, not an error. When ctx ends the whole group is asked to
// stop, then killed, so that no grandchild (a provider, a plugin) is left.
func Run(ctx context.Context, c Command) (Output, error) {
	if c.Limit == 0 {
		c.Limit = 64 << 20
	}
	stdout, stderr := &bounded{limit: c.Limit}, &bounded{limit: c.Limit}
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Dir, cmd.Env = c.Dir, append([]string{}, c.Env...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if c.Stdin != nil {
		cmd.Stdin = bytes.NewReader(c.Stdin)
	}
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	if c.Stderr != nil {
		cmd.Stderr = io.MultiWriter(stderr, c.Stderr)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stop := syscall.SIGTERM
	cmd.WaitDelay = grace
	if c.Grace > 0 {
		stop, cmd.WaitDelay = syscall.SIGINT, c.Grace
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, stop) }
	err := cmd.Start()
	if err == nil {
		if c.Started != nil {
			c.Started(cmd.Process.Pid)
		}
		err = cmd.Wait()
	}
	if cmd.Process != nil { // whatever is left of the group: a plugin whose parent crashed stays otherwise
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	out := Output{Stdout: stdout.kept.Bytes(), Stderr: stderr.kept.Bytes(), Exit: -1}
	if cmd.ProcessState != nil {
		out.Exit = cmd.ProcessState.ExitCode()
	}
	if ctx.Err() != nil {
		return out, fmt.Errorf("running %q: %w", c.Argv[0], ctx.Err())
	}
	if stdout.over || stderr.over {
		return out, fmt.Errorf("running %q: %w of %d bytes", c.Argv[0], ErrOutput, c.Limit)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return out, fmt.Errorf("running %q: %w", c.Argv[0], err)
	}
	return out, nil
}

// bounded keeps the first limit bytes and remembers whether there were more. It
// does not embed its buffer: ReadFrom would go round the limit.
type bounded struct {
	kept  bytes.Buffer
	limit int
	over  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.limit - b.kept.Len(); len(p) > room {
		b.over = true
		b.kept.Write(p[:room])
		return len(p), nil
	}
	return b.kept.Write(p)
}
