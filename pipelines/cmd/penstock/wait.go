package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// wait is how long to wait: a time below none is a mistake, and never a way to go on
// without what is waited for.
type wait time.Duration

// addLockTimeout adds --lock-timeout.
func addLockTimeout(cmd *cobra.Command, d *time.Duration) {
	*d = 2 * time.Minute
	cmd.Flags().Var((*wait)(d), "lock-timeout", "how long to wait for a lock of the state, such as 30s; 0 does not wait")
}

func (w *wait) String() string { return time.Duration(*w).String() }

// Type is what pflag shows as the kind of the value.
func (w *wait) Type() string { return "duration" }

func (w *wait) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	if d < 0 {
		return fmt.Errorf("%s is below 0: nothing is planned or applied without a lock", d)
	}
	*w = wait(max(d, time.Nanosecond)) // 0 is the default of the stages
	return nil
}
