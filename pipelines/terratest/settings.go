package terratest

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/glob"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// settle takes each setting from the flag, else from penstock.yaml, else its default.
func (s *session) settle() error {
	if s.Config == nil {
		s.Config = &config.Config{}
	}
	c := s.Config.Terratest
	first := func(of ...time.Duration) time.Duration {
		return of[slices.IndexFunc(of, func(d time.Duration) bool { return d > 0 })]
	}
	s.soft = first(s.Soft, config.Time(c.Soft), DefaultSoft)
	s.hard = first(s.Hard, config.Time(c.Hard), DefaultHard)
	s.ttl = first(s.TTL, config.Time(c.TTL), DefaultTTL)
	if s.hard <= s.soft {
		return &pipelines.Error{Err: fmt.Errorf("%w: the hard deadline (%s) is not after the soft one (%s)", ErrChoice, s.hard, s.soft),
			Hint: "between the two, tests undo what they deployed: give --hard more time than --soft"}
	}
	s.retries = DefaultRetries
	if c.Retries != nil {
		s.retries = *c.Retries
	}
	if s.Retries != nil {
		s.retries = *s.Retries
	}
	parallel := runtime.GOMAXPROCS(0)
	if c.Parallel > 0 {
		parallel = c.Parallel
	}
	if s.Parallel > 0 {
		parallel = s.Parallel
	}
	limits := map[string]int{}
	for _, a := range c.Accounts {
		limits[a.Name] = a.Limit
		if s.Shard.Of > 0 { // each part has its share, and those beyond the limit have none
			limits[a.Name] = a.Limit / min(a.Limit, s.Shard.Of)
		}
		for _, pattern := range a.Units {
			s.accounts = append(s.accounts, account{a, glob.MustCompile(pattern, '/')})
		}
	}
	s.budget = newBudget(parallel, limits)
	for _, skip := range c.Skip {
		s.skips = append(s.skips, &skipped{SkippedCase: skip, glob: glob.MustCompile(skip.Case, '/')})
	}
	s.States = s.beneath(or(s.States, c.States))
	s.History = s.beneath(or(s.History, c.History))
	return nil
}

// beneath is an address as it is meant: a directory of penstock.yaml is relative to it.
func (s *session) beneath(address string) string {
	if address == "" || filepath.IsAbs(address) || strings.Contains(address, "://") {
		return address
	}
	return filepath.Join(s.Root, address)
}

// account is one glob of an account.
type account struct {
	config.Account
	glob *glob.Pattern
}

// accountOf is the first account that names a unit, "" if none does.
func (s *session) accountOf(unit string) string {
	for _, a := range s.accounts {
		if a.glob.Match(unit) {
			return a.Name
		}
	}
	return ""
}

// skipped is one entry of the skip list.
type skipped struct {
	config.SkippedCase
	glob *glob.Pattern
	used bool
}

// excuse is the entry that excuses a case today, nil if none does.
func (s *session) excuse(unit, name string) *skipped {
	today := s.started.UTC().Format(time.DateOnly)
	for _, skip := range s.skips {
		if !skip.glob.Match(unit + ":" + name) {
			continue
		}
		skip.used = true
		if today <= skip.Expires {
			return skip
		}
		s.notice(pipelines.Notice{Path: skip.Position.Path, Line: skip.Position.Line,
			Message: fmt.Sprintf("the skip of %q ended on %s: %s:%s is run", skip.Case, skip.Expires, unit, name)})
	}
	return nil
}

func (s *skipped) reason() string {
	return fmt.Sprintf("skipped until %s by %s: %s", s.Expires, s.Owner, s.Reason)
}

// unmatched says which selectors of penstock.yaml match nothing. In a part of the catalog
// that says nothing of them.
func (s *session) unmatched() {
	if len(s.Selection.Units) < s.Selection.Total {
		return
	}
	say := func(at pipelines.Position, format string, args ...any) {
		s.notice(pipelines.Notice{Path: at.Path, Line: at.Line, Message: fmt.Sprintf(format, args...)})
	}
	for _, skip := range s.skips {
		if !skip.used {
			say(skip.Position, "the skip of %q matches no case", skip.Case)
		}
	}
	unit := func(matches func(string) bool) bool {
		return slices.ContainsFunc(s.Selection.Units, func(u pipelines.Unit) bool { return matches(u.Path) })
	}
	for _, a := range s.accounts {
		if !unit(a.glob.Match) {
			say(a.Position, "the account %q names units that match nothing", a.Name)
		}
	}
	for _, e := range s.Config.Terratest.Examples {
		if !unit(func(path string) bool { return path == e.Unit }) {
			say(e.Position, "the example %q is no unit", e.Unit)
		}
	}
}
