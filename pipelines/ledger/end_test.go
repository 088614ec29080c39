//go:build linux

package ledger

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// What a killed run leaves is ended, and what belongs to others is not.
func TestEndKillsWhatIsLeftOfARunAlone(t *testing.T) {
	owner, err := NewOwner("t", CI{})
	if err != nil {
		t.Fatal(err)
	}
	if killed, err := End(owner); err == nil || killed != 0 {
		t.Fatalf("a run that lives was ended: %d processes, %v", killed, err)
	}
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	owner.PID = dead.ProcessState.Pid()
	orphan, other := exec.Command("sleep", "600"), exec.Command("sleep", "600")
	orphan.Env, other.Env = append(os.Environ(), owner.Env()), os.Environ()
	for _, cmd := range []*exec.Cmd{orphan, other} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
	}
	killed, err := End(owner)
	if err != nil || killed != 1 {
		t.Fatalf("%d were killed, %v", killed, err)
	}
	if err := orphan.Wait(); err == nil {
		t.Error("the orphan ended by itself")
	}
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("another process was killed: %v", err)
	}
	if state, why := (Coroner{}).Alive(t.Context(), owner); state != Dead {
		t.Errorf("the run is %s: %s", state, why)
	}
}
