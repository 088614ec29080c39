package terratest

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// trial is what one attempt said of one case.
type trial struct {
	began   time.Time
	status  string // empty: it has no verdict
	reason  string
	place   pipelines.Position
	seconds float64
}

// record is what one process said of its cases, while it runs.
type record struct {
	mu     sync.Mutex
	trials map[string]*trial
	logs   map[string]io.Writer
	scrub  *strings.Replacer
	// told hears of a case that starts (status empty) or ends.
	told func(name, status string, took time.Duration)
	// said is the end of what the process printed that is no case's.
	said tail
	// findings are of the process, not of one case.
	findings []pipelines.Finding
}

func newRecord(names []string, logs map[string]io.Writer, scrub *strings.Replacer, told func(string, string, time.Duration)) *record {
	r := &record{trials: map[string]*trial{}, logs: logs, scrub: scrub, told: told}
	for _, name := range names {
		r.trials[name] = &trial{}
	}
	return r
}

// knows says whether a case is one of the process.
func (r *record) knows(name string) bool { return r.trials[name] != nil }

func (r *record) start(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.trials[name]; t != nil && t.began.IsZero() {
		t.began = time.Now()
		r.told(name, "", 0)
	}
}

// print adds to the log of a case, or to what is no case's.
func (r *record) print(name string, text []byte) {
	text = []byte(r.scrub.Replace(string(text)))
	r.mu.Lock()
	log := r.logs[name]
	if log == nil {
		_, _ = r.said.Write(text)
	}
	r.mu.Unlock()
	if log != nil {
		_, _ = log.Write(text) // it never fails: Close says it
	}
}

// end is the verdict on a case; the first counts.
func (r *record) end(name, status, reason string, place pipelines.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.trials[name]
	if t == nil || t.status != "" {
		return
	}
	t.status, t.reason, t.place = status, r.scrub.Replace(reason), place
	if !t.began.IsZero() {
		t.seconds = time.Since(t.began).Seconds()
		r.told(name, status, time.Since(t.began))
	}
}

// found adds what is no case's.
func (r *record) found(f pipelines.Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.Message = r.scrub.Replace(f.Message)
	r.findings = append(r.findings, f)
}

// kept is something that its own process could not destroy. Whether it leaked, the sweep says.
func (r *record) kept(address, why string) {
	r.found(pipelines.Finding{Rule: "cleanup", Verdict: pipelines.Fail, Resource: address, Message: why})
}

// close gives those a verdict that have none when their process is over: what it had
// begun failed with why, what it had not was not run.
func (r *record) close(names []string, why string) {
	if said := r.said.line(); said != "" {
		why += ": " + said
	}
	for _, name := range names {
		if r.trials[name].began.IsZero() {
			r.end(name, pipelines.CaseNotRun, why, pipelines.Position{})
		} else {
			r.end(name, pipelines.CaseFailed, "it did not end: "+why, pipelines.Position{})
		}
	}
}

// ended says how a process ended, as a reason.
func ended(exit int) string {
	if exit < 0 {
		return "the process was killed"
	}
	return fmt.Sprintf("the process ended with exit code %d", exit)
}
