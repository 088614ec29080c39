package report

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Progress prints what is going on: one live line on a terminal, one line for
// each finished unit elsewhere.
type Progress struct {
	w        io.Writer
	live     bool
	mu       sync.Mutex
	shown    bool
	finished map[string]int
	total    map[string]int
}

// NewProgress prints to w, which is a terminal when live.
func NewProgress(w io.Writer, live bool) *Progress {
	return &Progress{w: w, live: live, finished: map[string]int{}, total: map[string]int{}}
}

// Event hears of a unit that starts or ends; stages may call it at the same time.
func (p *Progress) Event(e pipelines.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished[e.Stage], p.total[e.Stage] = e.Done, e.Total
	unit := printable.Path(e.Unit)
	if p.live {
		done, total := 0, 0
		for stage := range p.total {
			done, total = done+p.finished[stage], total+p.total[stage]
		}
		fmt.Fprintf(p.w, "\r\x1b[K[%d/%d] %s %.60s", done, total, e.Stage, unit)
		p.shown = true
		return
	}
	if e.Verdict != "" {
		fmt.Fprintf(p.w, "[%d/%d] %s %s: %s (%s)\n", e.Done, e.Total, e.Stage, unit, e.Verdict, e.Elapsed.Round(time.Millisecond))
	}
}

// Case hears of a case that starts or ends, as Event does of units.
func (p *Progress) Case(e pipelines.CaseEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := printable.Path(e.Unit + ":" + e.Case)
	counts := fmt.Sprintf("%d running, %d passed, %d failed, %s", e.Running, e.Passed, e.Failed, e.Since.Round(time.Second))
	switch {
	case p.live:
		fmt.Fprintf(p.w, "\r\x1b[K[%d/%d] %s: %s: %.60s", e.Done, e.Total, e.Stage, counts, name)
		p.shown = true
	case e.Status == "":
		fmt.Fprintf(p.w, "[%d/%d] %s started (%s)\n", e.Done, e.Total, name, counts)
	default:
		status := outcome(pipelines.Case{Status: e.Status})
		fmt.Fprintf(p.w, "[%d/%d] %s: %s after %s (%s)\n", e.Done, e.Total, name, status, e.Elapsed.Round(time.Millisecond), counts)
	}
}

// Close takes the live line away.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
