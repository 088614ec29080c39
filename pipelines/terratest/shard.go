package terratest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// Shard is one part of a suite: 3/8 is the third of eight. The zero value is all of it.
type Shard struct{ Part, Of int }

// ParseShard reads "3/8".
func ParseShard(s string) (Shard, error) {
	part, of, found := strings.Cut(s, "/")
	p, err := strconv.Atoi(part)
	n, err2 := strconv.Atoi(of)
	if !found || err != nil || err2 != nil || p < 1 || n < p || n > 1000 {
		return Shard{}, &pipelines.Error{Err: fmt.Errorf("%w: the shard %q is not of the form PART/OF", ErrChoice, s), Hint: "write it like 3/8: the third of eight"}
	}
	return Shard{p, n}, nil
}

// guess is how long a case takes of which nothing is known, in seconds.
const guess = 60

// weighed is a group with what it is expected to take.
type weighed struct {
	key    string
	weight float64
	limit  int // how many parts its account may be in at once; 0: any number
}

// divide gives each group a part, from 1 on: the longest first, each to the part that has
// the least so far. The same groups and weights give the same parts, whoever divides.
// An account with a limit is in at most as many parts as it bears cases: no part knows
// what the others run.
func divide(groups []weighed, of int) map[string]int {
	sorted := slices.Clone(groups)
	slices.SortFunc(sorted, func(a, b weighed) int {
		return cmp.Or(-cmp.Compare(a.weight, b.weight), strings.Compare(a.key, b.key))
	})
	load := make([]float64, of)
	parts := map[string]int{}
	for _, g := range sorted {
		best := 0
		allowed := of
		if g.limit > 0 {
			allowed = min(of, g.limit)
		}
		for i := range allowed {
			if load[i] < load[best] {
				best = i
			}
		}
		load[best] += g.weight
		parts[g.key] = best + 1
	}
	return parts
}

// key names a group within a suite.
func (g group) key() string { return g.unit.Path + ":" + strings.Join(g.cases, ",") }

// suite says what is declared in all, and keeps of it the groups of the shard.
func (s *session) suite(d declaration, weights map[string]float64) *pipelines.Suite {
	suite := &pipelines.Suite{Part: s.Shard.Part, Of: s.Shard.Of, Run: s.id, Cases: []string{}}
	var groups []weighed
	for path, u := range d.units {
		for _, g := range u.groups {
			w := weighed{key: g.key()}
			for _, name := range g.cases {
				id := path + ":" + name
				suite.Cases = append(suite.Cases, id)
				if known, ok := weights[id]; ok {
					w.weight += known
				} else {
					w.weight += guess
				}
			}
			for _, a := range s.Config.Terratest.Accounts {
				if a.Name == g.account {
					w.limit = a.Limit
				}
			}
			groups = append(groups, w)
		}
		for _, c := range slices.Concat(u.excused, u.broken) {
			suite.Cases = append(suite.Cases, path+":"+c.Name)
			if c.Excused {
				suite.Excused = append(suite.Excused, path+":"+c.Name)
			}
		}
	}
	slices.Sort(suite.Cases)
	slices.Sort(suite.Excused)
	if s.Shard.Of == 0 {
		suite.Part, suite.Of = 1, 1
		return suite
	}
	parts := divide(groups, s.Shard.Of)
	for _, u := range d.units {
		u.had = !u.empty()
		u.groups = slices.DeleteFunc(u.groups, func(g group) bool { return parts[g.key()] != s.Shard.Part })
	}
	if s.Shard.Part != 1 { // what nobody runs is said once
		for _, u := range d.units {
			u.excused, u.broken, u.findings = nil, nil, nil
		}
	}
	s.keep(d)
	return suite
}

// keep takes the units out of the selection of which the shard has nothing; what has no
// cases at all is said by the first.
func (s *session) keep(d declaration) {
	s.Selection.Units = slices.DeleteFunc(slices.Clone(s.Selection.Units), func(unit pipelines.Unit) bool {
		u := d.units[unit.Path]
		return u.empty() && (s.Shard.Part != 1 || u.had)
	})
}
