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

// Close takes the live line away.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
