package harness

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

// patience is how long tests have to end by themselves once they were interrupted.
// Terraform hears of the interrupt too, and ends the apply that waits for it.
const patience = 10 * time.Second

var boxes struct {
	sync.Mutex
	all []*Box
}

func register(b *Box) {
	boxes.Lock()
	defer boxes.Unlock()
	boxes.all = append(boxes.all, b)
}

// listen undoes everything that is not undone when the run is interrupted: at its soft
// deadline, or by a person. The context ends then. A second signal ends the process at once.
func listen() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		got := <-signals
		signal.Stop(signals)
		fmt.Fprintf(os.Stderr, "harness: %v: the tests are to end, and what they deployed is undone\n", got)
		cancel()
		boxes.Lock()
		all := slices.Clone(boxes.all)
		boxes.Unlock()
		late := time.After(patience)
		cut := false
		for _, b := range all {
			select {
			case <-b.done:
			case <-late:
				cut = true
				late = time.After(0)
			}
		}
		if !cut { // every test ended, or is about to: the testing package says how
			return
		}
		for _, b := range slices.Backward(all) {
			if err := b.undone(); err != nil {
				fmt.Fprintf(os.Stderr, "harness: undoing %s: %v\n", b.Name, err)
			}
		}
		fmt.Fprintln(os.Stderr, "harness: interrupted, and undone")
		os.Exit(1)
	}()
	return ctx
}
