//go:build linux

package ledger

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

func init() { children["stand"] = childStand }

// childStand has a child that never comes to its exec, and stands still.
func childStand(_ context.Context, _ *Ledger, in *bufio.Scanner) error {
	pid := forkStanding()
	if pid <= 0 {
		return fmt.Errorf("forking: %d", pid)
	}
	fmt.Println(pid)
	in.Scan()
	return nil
}

// forkStanding forks. Between that and an exec a process can do nothing but call the kernel.
//
//go:norace
//go:nosplit
func forkStanding() int {
	pid, _, _ := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if pid != 0 {
		return int(pid)
	}
	for {
		self, _, _ := syscall.RawSyscall(syscall.SYS_GETPID, 0, 0, 0)
		syscall.RawSyscall(syscall.SYS_KILL, self, uintptr(syscall.SIGSTOP), 0)
	}
}

// A process that was forked and stands still may be the tool of a run that was killed in
// the midst of starting it: unless it is the child of somebody else, or was forked when
// the run's own process was gone.
func TestForkThatStandsStill(t *testing.T) {
	c, o := startRun(t)
	if err := c.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Cmd.Wait()
	for now := o.PIDStart; now <= o.PIDStart; time.Sleep(time.Millisecond) { // what follows begins later
		now, _ = ticks()
	}
	before, err := ticks()
	if err != nil || goneBy(o) < before {
		t.Fatalf("the run's process was gone by %d: %v", before, err)
	}
	stranger := storetest.StartChild(t, "stand", "")
	standing, err := strconv.Atoi(stranger.Line(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(standing, syscall.SIGKILL) })
	var p stat
	until(t, func() bool { p, err = readStat(standing); return err == nil && p.state == "T" })
	if !p.forked || p.parent != stranger.Cmd.Process.Pid || p.start < before {
		t.Fatalf("it is %+v", p)
	}
	judge := func(gone uint64) (Liveness, string) {
		is, why, _ := (&search{owner: o, began: time.Now().Add(-time.Hour), gone: gone}).examine(standing)
		return is, why
	}
	if is, why := judge(0); is != Dead {
		t.Errorf("as the child of a stranger it is %s: %s", is, why)
	}
	expect(t, o, Dead)

	if err := stranger.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = stranger.Cmd.Wait()
	if is, why := judge(0); is != Unknown || !strings.Contains(why, "stands still") {
		t.Errorf("as an orphan it is %s: %s", is, why)
	}
	if is, _ := judge(p.start); is != Unknown {
		t.Errorf("forked while the run's process may have been there, it is %s", is)
	}
	if is, why := judge(p.start - 1); is != Dead {
		t.Errorf("forked later, it is %s: %s", is, why)
	}
	expect(t, o, Unknown, "stands still")
}

// The time of the machine is that of its processes.
func TestTicks(t *testing.T) {
	before, err := ticks()
	if err != nil {
		t.Fatal(err)
	}
	_, o := startRun(t)
	after, err := ticks()
	if err != nil || o.PIDStart < before || o.PIDStart > after {
		t.Errorf("a process began at %d, between %d and %d: %v", o.PIDStart, before, after, err)
	}
}
