package process

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRunKeepsStreamsAndExitApart(t *testing.T) {
	out, err := Run(t.Context(), Command{Argv: []string{"/bin/sh", "-c", "cat; echo oops >&2; exit 7"}, Stdin: []byte("hello")})
	if err != nil {
		t.Fatal(err)
	}
	if string(out.Stdout) != "hello" || string(out.Stderr) != "oops\n" || out.Exit != 7 {
		t.Errorf("got %q, %q, exit %d", out.Stdout, out.Stderr, out.Exit)
	}
}

func TestRunInheritsNothing(t *testing.T) {
	t.Setenv("TF_VAR_secret", "hunter2")
	out, err := Run(t.Context(), Command{Argv: []string{"/usr/bin/env"}, Env: []string{"ONLY=this"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(out.Stdout)); got != "ONLY=this" {
		t.Errorf("the environment is %q", got)
	}
}

func TestRunRefusesTooMuchOutput(t *testing.T) {
	_, err := Run(t.Context(), Command{Argv: []string{"/bin/sh", "-c", "head -c 2000 /dev/zero"}, Limit: 1000})
	if !errors.Is(err, ErrOutput) {
		t.Errorf("got %v, want ErrOutput", err)
	}
}

func TestRunSaysWhatIsMissing(t *testing.T) {
	_, err := Run(t.Context(), Command{Argv: []string{"no-such-program"}})
	if err == nil || !strings.Contains(err.Error(), `running "no-such-program"`) {
		t.Errorf("got %v", err)
	}
}

// A plugin whose parent ends without stopping it would stay for ever.
func TestEndLeavesNoGrandchild(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	script := `sleep 600 >/dev/null 2>&1 </dev/null & echo $! > "$1"; exit 2`
	out, err := Run(t.Context(), Command{Argv: []string{"/bin/sh", "-c", script, "sh", pidFile}, Env: os.Environ()})
	if err != nil || out.Exit != 2 {
		t.Fatalf("exit %d, %v", out.Exit, err)
	}
	gone(t, pidFile)
}

// A provider is a grandchild: it has to go with the process that started it,
// even where that process ignores the request to stop.
func TestCancelLeavesNoGrandchild(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	fifo := filepath.Join(t.TempDir(), "started")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = os.ReadFile(fifo) // returns once the grandchild runs
		cancel()
	}()
	script := `sleep 600 & echo $! > "$1"; echo up > "$2"; wait`
	_, err := Run(ctx, Command{Argv: []string{"/bin/sh", "-c", script, "sh", pidFile, fifo}, Env: os.Environ()})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	gone(t, pidFile)
}

// gone fails where the process of a file still runs.
func gone(t *testing.T, pidFile string) {
	t.Helper()
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	// A kill is carried out when the kernel comes to it.
	state := stateOf(pid)
	for tries := 0; state != "" && state != "Z" && tries < 500; tries++ {
		time.Sleep(10 * time.Millisecond)
		state = stateOf(pid)
	}
	if state != "" && state != "Z" {
		t.Errorf("the grandchild still runs, in state %s", state)
	}
}

// stateOf is the state letter of a process, or "" when there is none.
func stateOf(pid int) string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[:1]
}
