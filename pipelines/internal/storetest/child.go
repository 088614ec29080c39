package storetest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// Child is this test binary, started again to do something that can be killed.
type Child struct {
	Cmd *exec.Cmd
	In  io.WriteCloser
	Out *bufio.Scanner
}

const roleVariable, addressVariable = "STORETEST_ROLE", "STORETEST_ADDRESS"

// As is the variable that makes this test binary do what a role does, as NAME=VALUE.
func As(role string) string { return roleVariable + "=" + role }

// Main is the TestMain of a package with children: do is what one does in a role, with
// the address of a store that it was started with, and with its input.
func Main(m *testing.M, do func(role, address string, in *bufio.Scanner) error) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := do(role, os.Getenv(addressVariable), bufio.NewScanner(os.Stdin)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// StartChild starts this test binary in a role; prepare may change the command. The
// child is killed when the test ends.
func StartChild(t *testing.T, role, address string, prepare ...func(*exec.Cmd)) *Child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), As(role), addressVariable+"="+address)
	cmd.Stderr = os.Stderr
	for _, change := range prepare {
		change(cmd)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &Child{Cmd: cmd, In: in, Out: bufio.NewScanner(out)}
}

// Line is the next line that the child says.
func (c *Child) Line(t *testing.T) string {
	t.Helper()
	if !c.Out.Scan() {
		t.Fatalf("the child ended: %v", c.Out.Err())
	}
	return c.Out.Text()
}

// Kill ends the child as kill -9 does, and waits until it has.
func (c *Child) Kill(t *testing.T) {
	t.Helper()
	if err := c.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Cmd.Wait()
}
