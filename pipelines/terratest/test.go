package terratest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// state is a case while it is tested: what the report will say, and its log.
type state struct {
	pipelines.Case
	place pipelines.Position
	log   *caseLog
}

// test runs the cases of one unit and judges them.
func (s *session) test(ctx context.Context, unit pipelines.Unit, u *unitCases) pipelines.Result {
	states := make([][]*state, len(u.groups))
	var wg sync.WaitGroup
	var found findings
	for i, g := range u.groups {
		if g.alone {
			states[i] = s.runGroup(ctx, g, &found)
		}
	}
	for i, g := range u.groups {
		if !g.alone {
			wg.Go(func() { states[i] = s.runGroup(ctx, g, &found) })
		}
	}
	wg.Wait()
	u.findings = append(u.findings, found.list...)
	return s.judge(unit, u, states)
}

// findings gathers those of processes.
type findings struct {
	mu   sync.Mutex
	list []pipelines.Finding
}

func (f *findings) add(unit pipelines.Unit, list []pipelines.Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range list {
		if one.Path == "" {
			one.Path = unit.Path
		}
		f.list = append(f.list, one)
	}
}

// runGroup runs the process of a group, and tries again what failed.
func (s *session) runGroup(ctx context.Context, g group, findings *findings) []*state {
	states := make([]*state, len(g.cases))
	by := map[string]*state{}
	for i, name := range g.cases {
		file := filepath.Join(s.logs, logFile(g.unit.Path, name))
		states[i] = &state{Case: pipelines.Case{Name: name, Kind: g.kind, Status: pipelines.CaseNotRun}, log: newCaseLog(file, logKept)}
		by[name] = states[i]
	}
	left := g.cases
	for try := range s.retries + 1 {
		left = s.attempt(ctx, g, left, by, try, findings)
		if len(left) == 0 || ctx.Err() != nil {
			break
		}
		if g.whole {
			left = g.cases
		}
	}
	for _, c := range states {
		s.closeLog(g.unit, c)
	}
	return states
}

// attempt starts one process for cases of a group, and returns those to try again.
func (s *session) attempt(ctx context.Context, g group, names []string, by map[string]*state, try int, findings *findings) []string {
	width := min(g.width, len(names))
	if !s.budget.take(ctx, width, g.account) {
		for _, name := range names {
			if c := by[name]; c.Attempts == 0 {
				c.Reason = s.whyEnded(ctx, 0, nil) + " before it was started"
				s.progress.event(g.unit.Path, name, pipelines.CaseNotRun, 0)
			}
		}
		return nil
	}
	defer s.budget.give(width, g.account)
	logs := map[string]io.Writer{}
	for _, name := range names {
		logs[name] = by[name].log
		if try > 0 {
			fmt.Fprintf(logs[name], "\n... attempt %d ...\n", try+1)
		}
	}
	record := newRecord(names, logs, s.scrub, func(name, status string, took time.Duration) {
		s.progress.event(g.unit.Path, name, status, took)
	})
	err := s.inSandbox(ctx, g, names, width, record)
	if err != nil {
		record.close(names, err.Error())
	}
	findings.add(g.unit, record.findings)
	return s.take(g, names, by, record, try)
}

// inSandbox runs the process of an attempt in a sandbox of its own.
func (s *session) inSandbox(ctx context.Context, g group, names []string, width int, r *record) error {
	root, err := s.copy("s")
	defer s.remove(root)
	if err != nil {
		return err
	}
	data := filepath.Join(s.temp, "d", filepath.Base(root))
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("making room for a test: %w", err)
	}
	defer s.remove(data)
	return g.run(ctx, attempt{names: names, root: root, dir: filepath.Join(root, filepath.FromSlash(g.unit.Path)), data: data,
		env: s.environment(g.unit.Path, names), width: width, record: r})
}

// take adds what an attempt said to the cases, and returns those to try again.
func (s *session) take(g group, names []string, by map[string]*state, r *record, try int) []string {
	var again []string
	for _, name := range names {
		c, t := by[name], r.trials[name]
		c.Seconds += t.seconds
		if t.status == pipelines.CaseNotRun {
			c.Reason = t.reason
			again = append(again, name)
			continue
		}
		c.Attempts++
		switch {
		case t.status == pipelines.CasePassed && c.Status == pipelines.CaseFailed:
			c.Status, c.Flaky = t.status, true // the reason stays that of the failure
		case t.status == pipelines.CaseFailed:
			again = append(again, name)
			if c.Status != pipelines.CaseFailed {
				c.Status, c.Reason, c.place = t.status, s.stopped(t), t.place
			}
		case t.status == pipelines.CaseSkipped && c.Status == pipelines.CaseFailed:
			// a failure that is skipped when it is tried again stays one
		default:
			c.Status, c.Reason, c.place = t.status, t.reason, t.place
			if t.status == pipelines.CasePassed {
				c.Reason = ""
			}
		}
	}
	return again
}

// stopped says of a failure after the soft deadline that it may be due to it.
func (s *session) stopped(t *trial) string {
	if !errors.Is(context.Cause(s.running), errSoft) || strings.Contains(t.reason, "deadline (") {
		return t.reason
	}
	return fmt.Sprintf("stopped at the soft deadline (%s): %s", s.soft, t.reason)
}

// closeLog ends the log of a case and puts its excerpt into the report.
func (s *session) closeLog(unit pipelines.Unit, c *state) {
	left := c.log.left()
	err := c.log.Close()
	if err != nil {
		s.notice(pipelines.Notice{Message: fmt.Sprintf("the log of %s:%s is not complete: %v", unit.Path, c.Name, err)})
	} else if left > 0 {
		s.notice(pipelines.Notice{Message: fmt.Sprintf("%s:%s printed %d bytes: its log has the beginning and the end, %d bytes are left out", unit.Path, c.Name, c.log.written, left)})
	}
	c.Output = excerpt(c.log.path)
	if _, err := os.Stat(c.log.path); err == nil && s.Out != "" {
		c.Log = path.Join("cases", filepath.Base(c.log.path))
	}
}

var fileSafe = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// logFile is a name for a log that two cases never share.
func logFile(unit, name string) string {
	plain := fileSafe.ReplaceAllString(unit+"--"+name, "-")
	return fmt.Sprintf("%.120s-%s.log", plain, short(unit+"\x00"+name))
}
