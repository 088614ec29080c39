package terratest

import (
	"cmp"
	"context"
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
			if err := s.declareGo(ctx, unit, found); err != nil {
				r := pipelines.NotRunBecause(err)
				found.reason, found.hint = r.Reason, r.Hint
			}
		})
	}
	wg.Wait()
	for _, found := range d.units {
		s.notices = append(s.notices, found.notices...)
	}
	return d
}

func compareNotices(a, b pipelines.Notice) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
}
