//go:build linux

package ledger

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

func init() {
	children["run"], children["look"], children["wait"] = childRun, childLook, childWait
}

// childRun is a run: it tells its owner, and starts a tool of it on each line.
func childRun(_ context.Context, _ *Ledger, in *bufio.Scanner) error {
	o, err := NewOwner("ada", CI{})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(o); err != nil {
		return err
	}
	read, write, err := os.Pipe() // the tool ends with the test, which holds the other end of our input
	if err != nil {
		return err
	}
	_ = write
	for in.Scan() {
		tool := exec.Command(os.Args[0])
		tool.Env = append(os.Environ(), storetest.As("wait"), o.Env())
		tool.Stdin = read
		if in.Text() == "orphan" {
			tool.Stdin = os.Stdin
		}
		if err := tool.Start(); err != nil {
			return err
		}
		fmt.Println(tool.Process.Pid)
	}
	return in.Err()
}

// childWait is a tool: it goes on until its input ends.
func childWait(context.Context, *Ledger, *bufio.Scanner) error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// childLook says how the run on its first line is.
func childLook(ctx context.Context, _ *Ledger, in *bufio.Scanner) error {
	var o Owner
	in.Scan()
	if err := json.Unmarshal(in.Bytes(), &o); err != nil {
		return err
	}
	alive, why := Coroner{}.Alive(ctx, o)
	fmt.Println(alive, why)
	return nil
}

func startRun(t *testing.T) (*storetest.Child, Owner) {
	t.Helper()
	c := storetest.StartChild(t, "run", "")
	var o Owner
	if err := json.Unmarshal([]byte(c.Line(t)), &o); err != nil {
		t.Fatal(err)
	}
	return c, o
}

func expect(t *testing.T, o Owner, want Liveness, words ...string) {
	t.Helper()
	got, why := Coroner{}.Alive(t.Context(), o)
	for _, word := range words {
		if !strings.Contains(why, word) {
			t.Errorf("%q is not in %q", word, why)
		}
	}
	if got != want {
		t.Fatalf("got %s (%s), want %s", got, why, want)
	}
}

func TestKilledRunIsDead(t *testing.T) {
	c, o := startRun(t)
	expect(t, o, Living, fmt.Sprintf("its process %d runs", o.PID))
	if err := c.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { s, err := readStat(o.PID); return err == nil && s.ended() })
	expect(t, o, Dead, "gone") // nobody waited for it yet
	_ = c.Cmd.Wait()
	expect(t, o, Dead, fmt.Sprintf("its process %d is gone", o.PID), "not restarted since")
}

func TestOrphanIsAlive(t *testing.T) {
	c, o := startRun(t)
	if _, err := fmt.Fprintln(c.In, "orphan"); err != nil {
		t.Fatal(err)
	}
	orphan, err := strconv.Atoi(c.Line(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Cmd.Process.Kill(); err != nil { // not Wait: that closes the input
		t.Fatal(err)
	}
	until(t, func() bool { s, err := readStat(o.PID); return gone(err) || err == nil && s.ended() })
	expect(t, o, Living, fmt.Sprintf("process %d ", orphan), EnvRun)
	if err := syscall.Kill(orphan, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { s, err := readStat(orphan); return gone(err) || err == nil && s.ended() })
	expect(t, o, Dead)
}

// A run that is killed while it starts a tool: dead is never said while the tool
// is there, or about to be.
func TestKilledInTheMidstOfAStart(t *testing.T) {
	saw := map[Liveness]int{}
	for range 100 {
		c, o := startRun(t)
		if _, err := fmt.Fprintln(c.In, "orphan"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Microsecond)
		if err := c.Cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		first, _ := Coroner{}.Alive(t.Context(), o)
		saw[first]++
		if first == Dead {
			time.Sleep(20 * time.Millisecond)
			if again, why := (Coroner{}).Alive(t.Context(), o); again != Dead {
				t.Errorf("dead, and then %s: %s", again, why)
			}
		}
		_ = c.In.Close() // ends the tool
		_ = c.Cmd.Wait()
	}
	t.Log(saw)
}

// A process id that was given to another process is not the run.
func TestProcessIDIsUsedAgain(t *testing.T) {
	o := owner(t)
	expect(t, o, Living)
	o.PIDStart--
	expect(t, o, Dead)
}

func TestElsewhereIsUnknown(t *testing.T) {
	o := owner(t)
	change := func(f func(*Owner)) Owner { changed := o; f(&changed); return changed }
	ran := CI{Forge: "github", RunURL: "https://github.com/a/b/actions/runs/7", RunID: "7", Attempt: "2"}
	for name, elsewhere := range map[string]Owner{
		"boot":         change(func(o *Owner) { o.Machine.Boot = "another" }),
		"namespace":    change(func(o *Owner) { o.Machine.PIDNamespace = "pid:[1]" }),
		"host":         change(func(o *Owner) { o.Machine.Host = "another" }),
		"no boot":      change(func(o *Owner) { o.Machine.Boot = "" }),
		"no namespace": change(func(o *Owner) { o.Machine.PIDNamespace = "" }),
		"no start":     change(func(o *Owner) { o.PIDStart = 0 }),
		"no pid":       change(func(o *Owner) { o.PID = 0 }),
		"no run":       change(func(o *Owner) { o.Run = "" }),
		"nothing":      {},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, elsewhere, Unknown, "no forge knows")
			elsewhere.CI = ran
			expect(t, elsewhere, Unknown, "nobody was asked about run 7, attempt 2")
			for _, answer := range []struct {
				over bool
				err  error
				want Liveness
			}{{true, nil, Dead}, {false, nil, Living}, {true, errors.New("no answer"), Unknown}, {false, errors.New("no answer"), Unknown}} {
				got, why := Coroner{RunOver: func(_ context.Context, asked CI) (bool, error) {
					if asked != ran {
						t.Errorf("asked about %+v", asked)
					}
					return answer.over, answer.err
				}}.Alive(t.Context(), elsewhere)
				if got != answer.want || why == "" {
					t.Errorf("%+v: %s, %s", answer, got, why)
				}
			}
		})
	}
}

// The forge may say that a run is over while its terraform goes on here.
func TestForgeDoesNotOutweighAnOrphan(t *testing.T) {
	o := owner(t)
	o.CI.RunID = "7"
	over := func(context.Context, CI) (bool, error) { return true, nil }
	if got, why := (Coroner{RunOver: over}).Alive(t.Context(), o); got != Living {
		t.Errorf("got %s: %s", got, why)
	}
}

// lookAs asks a child of another user or namespace how a run is.
func lookAs(t *testing.T, o Owner, attributes *syscall.SysProcAttr) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ledger-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "look")
	text, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(program, text, 0o755)
	}
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := storetest.StartChild(t, "look", "", func(cmd *exec.Cmd) { cmd.Path, cmd.Dir, cmd.SysProcAttr = program, dir, attributes })
	if err := json.NewEncoder(c.In).Encode(o); err != nil {
		t.Fatal(err)
	}
	return c.Line(t)
}

func TestProcessesOfOtherUsersAreUnknown(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: only root can start processes of two users")
	}
	nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	c, o := startRun(t)
	if _, err := fmt.Fprintln(c.In, "orphan"); err != nil {
		t.Fatal(err)
	}
	c.Line(t)
	if err := c.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { s, err := readStat(o.PID); return gone(err) || err == nil && s.ended() })
	expect(t, o, Living)
	if got := lookAs(t, o, nobody); !strings.HasPrefix(got, "unknown ") || !strings.Contains(got, "environment cannot be read") {
		t.Errorf("with an orphan that it may not look at: %s", got)
	}
	// What began before the run is not of it, whoever's it is.
	o.PIDStart = 1 << 62
	if got := lookAs(t, o, nobody); !strings.HasPrefix(got, "dead ") {
		t.Errorf("with older processes alone: %s", got)
	}
}

func TestOtherNamespaceIsUnknown(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: only root can make a process namespace")
	}
	o := owner(t)
	got := lookAs(t, o, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID})
	if !strings.HasPrefix(got, "unknown ") {
		t.Errorf("got %s", got)
	}
}
