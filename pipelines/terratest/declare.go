package terratest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/penstock-dev/penstock/pipelines"
)

// declaration is what all selected units declare, by the path of the unit.
type declaration struct {
	units map[string]*unitCases
}

func (d declaration) total() int {
	n := 0
	for _, u := range d.units {
		for _, g := range u.groups {
			n += len(g.cases)
		}
	}
	return n
}

// declare finds the cases of every selected unit. To compile is work: it is bounded like
// the tests are.
func (s *session) declare(ctx context.Context) declaration {
	d := declaration{units: map[string]*unitCases{}}
	var wg sync.WaitGroup
	for _, unit := range s.Selection.Units {
		found := &unitCases{}
		d.units[unit.Path] = found
		wg.Go(func() {
			if !s.budget.take(ctx, 1, "") {
				found.reason = "interrupted before its cases were found"
				return
			}
			defer s.budget.give(1, "")
			if err := s.declareUnit(ctx, unit, found); err != nil {
				r := pipelines.NotRunBecause(err)
				found.reason, found.hint = r.Reason, r.Hint
			}
		})
	}
	wg.Wait()
	for _, unit := range s.Selection.Units {
		found := d.units[unit.Path]
		s.excuseCases(unit, found)
		for _, n := range found.notices {
			s.notice(n)
		}
	}
	return d
}

func (s *session) declareUnit(ctx context.Context, unit pipelines.Unit, found *unitCases) error {
	err := s.declareGo(ctx, unit, found)
	if unit.Kind != pipelines.Live {
		err = errors.Join(err, s.declareTftest(unit, found))
		s.declareExample(unit, found)
	}
	return err
}

// excuseCases takes the cases that the skip list names out of their groups.
func (s *session) excuseCases(unit pipelines.Unit, u *unitCases) {
	var groups []group
	for _, g := range u.groups {
		kept := slices.DeleteFunc(slices.Clone(g.cases), func(name string) bool {
			skip := s.excuse(unit.Path, name)
			if skip != nil {
				u.excused = append(u.excused, pipelines.Case{Name: name, Kind: g.kind, Status: pipelines.CaseSkipped, Excused: true, Reason: skip.reason()})
			}
			return skip != nil
		})
		if g.whole && len(kept) > 0 && len(kept) < len(g.cases) { // its runs cannot be run without each other
			u.excused = slices.DeleteFunc(u.excused, func(c pipelines.Case) bool { return c.Kind == g.kind && slices.Contains(g.cases, c.Name) })
			u.notices = append(u.notices, pipelines.Notice{Path: unit.Path, Message: fmt.Sprintf("the skip list names only some runs of %s, which are run together: all of them are run", fileOf(g.cases[0]))})
			kept = g.cases
		}
		if g.cases = kept; len(kept) > 0 {
			groups = append(groups, g)
		}
	}
	u.groups = groups
	if u.empty() && s.excuse(unit.Path, "") != nil {
		u.untested = s.excuse(unit.Path, "").reason()
	}
}

// fileOf is the file of a run of terraform test.
func fileOf(name string) string { return name[:max(0, strings.LastIndex(name, "/"))] }

func (u *unitCases) empty() bool { return len(u.groups)+len(u.excused)+len(u.broken) == 0 }

// testedBy is a unit that has cases and reaches another one, "" if there is none.
func (s *session) testedBy(unit pipelines.Unit) string {
	all := s.Catalog
	if all == nil {
		all = s.Selection.Units
	}
	for _, other := range all {
		if other.Path == unit.Path || !s.hasCases(other) {
			continue
		}
		if slices.ContainsFunc(other.Inputs, func(p string) bool { return strings.HasPrefix(p, unit.Path+"/") }) {
			return other.Path
		}
	}
	return ""
}

// hasCases says whether a unit declares any case, without compiling it.
func (s *session) hasCases(unit pipelines.Unit) bool {
	dir := filepath.Join(s.Root, filepath.FromSlash(unit.Path))
	functions, err := testFunctions(dir)
	if err == nil && len(functions) > 0 {
		return true
	}
	for _, e := range s.Config.Terratest.Examples {
		if e.Unit == unit.Path {
			return true
		}
	}
	files, err := tftestFiles(dir)
	return err == nil && len(files) > 0
}

func compareNotices(a, b pipelines.Notice) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
}
