package live

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// progress writes down what terraform has done, a few times a minute: who recovers
// reads it.
type progress struct {
	journal *ledger.Journal
	mu      sync.Mutex
	done    []ledger.Change
	last    time.Time
	// made are addresses of which the making began, and whether it came to its end.
	made map[string]bool
}

const flushEvery = 5 * time.Second

func (p *progress) hear(l line) {
	p.mu.Lock()
	if l.Hook.Action == "create" && (l.Type == "apply_start" || l.Type == "apply_complete") {
		p.made[l.Hook.Resource.Addr] = l.Type == "apply_complete"
	}
	if l.Type != "apply_complete" {
		p.mu.Unlock()
		return
	}
	p.done = append(p.done, ledger.Change{Address: l.Hook.Resource.Addr, Actions: []string{l.Hook.Action}})
	due := time.Since(p.last) > flushEvery
	p.mu.Unlock()
	if due {
		p.flush(context.Background())
	}
}

func (p *progress) flush(ctx context.Context) {
	p.mu.Lock()
	done := p.done
	p.done, p.last = nil, time.Now()
	p.mu.Unlock()
	if len(done) > 0 { // a journal that cannot be written now is seen when the result is
		_ = p.journal.Record(ctx, ledger.Entry{Event: ledger.Progress, Payload: ledger.Payload{Changes: done}})
	}
}

// unknown are the objects that were begun to be made and are not in the state, in
// which terraform left all that it knows of: a provider that crashed may have made them.
func (p *progress) unknown(after pulled) []ledger.Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []ledger.Change
	for address, complete := range p.made {
		if !complete && !after.Addresses[address] {
			list = append(list, ledger.Change{Address: address, Actions: []string{"create"}})
		}
	}
	slices.SortFunc(list, func(a, b ledger.Change) int { return strings.Compare(a.Address, b.Address) })
	return list
}

// lookEvery is how often a log is looked at for what came to it.
const lookEvery = 200 * time.Millisecond

// follow reads the lines of a file while another process writes it, until stop,
// which returns when the file was read to its end.
func follow(name string, hear func(line)) (stop func(), err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	over := make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		defer file.Close()
		lines := &listener{hear: hear}
		for last := false; ; {
			_, _ = io.Copy(lines, file) // what cannot be read is not known: recover says so
			if last {
				return
			}
			select {
			case <-over:
				last = true
			case <-time.After(lookEvery):
			}
		}
	})
	return func() { close(over); reading.Wait() }, nil
}
