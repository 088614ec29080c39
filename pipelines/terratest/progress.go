package terratest

import (
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// progress counts what runs and what became of the rest.
type progress struct {
	tell    func(pipelines.CaseEvent)
	started time.Time
	total   int

	mu      sync.Mutex
	running map[string]bool
	last    map[string]string // the last verdict: a retry may change it
}

func (p *progress) event(unit, name, status string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		p.running, p.last = map[string]bool{}, map[string]string{}
	}
	key := unit + "\x00" + name
	if status == "" {
		p.running[key] = true
		delete(p.last, key)
	} else {
		delete(p.running, key)
		p.last[key] = status
	}
	if p.tell == nil {
		return
	}
	e := pipelines.CaseEvent{Stage: Stage, Unit: unit, Case: name, Status: status, Elapsed: took,
		Running: len(p.running), Done: len(p.last), Total: p.total, Since: time.Since(p.started)}
	for _, status := range p.last {
		switch status {
		case pipelines.CasePassed:
			e.Passed++
		case pipelines.CaseFailed:
			e.Failed++
		}
	}
	p.tell(e)
}
