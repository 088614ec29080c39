package sweep

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// play is a process of a run: penstock, the binary of its test, or a sweep.
func play(role string) int {
	var err error
	switch role {
	case "penstock":
		err = playPenstock()
	case "test":
		err = playTest()
	case "sweep":
		_, err = Sweep{States: os.Getenv(record.EnvStates), ID: os.Getenv("SWEEP_TEST_RUN"), Mirror: os.Getenv("SWEEP_TEST_MIRROR"),
			Patience: 2 * time.Second, Pause: time.Millisecond}.Run(context.Background())
	default:
		err = fmt.Errorf("there is no role %q", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		return 1
	}
	return 0
}

// playPenstock begins a run and starts its test in a process group, as penstock terratest does.
func playPenstock() error {
	states, err := deployed.Open(context.Background(), os.Getenv(record.EnvStates))
	if err != nil {
		return err
	}
	r, err := deployed.NewRun("tester", ledger.CI{}, time.Hour)
	if err != nil {
		return err
	}
	if err := states.Begin(context.Background(), r); err != nil {
		return err
	}
	if err := os.WriteFile(os.Getenv("SWEEP_TEST_SAYS"), []byte(r.ID), 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "SWEEP_TEST_ROLE=test", r.Owner.Env(), "TF_VAR_penstock_run="+r.ID)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Run()
}

// playTest deploys and undoes as a test does: also where the deploying failed.
func playTest() error {
	terraform := func(args ...string) error {
		cmd := exec.Command(os.Getenv("SWEEP_TEST_PROGRAM"), args...)
		cmd.Dir = os.Getenv("SWEEP_TEST_DIR")
		text, err := cmd.CombinedOutput() // through a pipe, as Terratest reads it
		fmt.Print(string(text))
		return err
	}
	if err := terraform("init", "-input=false", "-no-color"); err != nil {
		return err
	}
	variables := strings.Fields(os.Getenv("SWEEP_TEST_VARS"))
	failed := terraform(append([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, variables...)...)
	if err := terraform(append([]string{"destroy", "-auto-approve", "-input=false", "-no-color"}, variables...)...); err != nil {
		return err
	}
	return failed
}
