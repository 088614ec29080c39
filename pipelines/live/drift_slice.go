package live

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// Slice is one of several parts of the targets: 3/8 is the third of eight. The
// zero value is all of them. The parts are the same for every job of a matrix,
// whatever other jobs remember meanwhile.
type Slice struct{ Part, Of int }

// ParseSlice reads "3/8".
func ParseSlice(s string) (Slice, error) {
	part, of, found := strings.Cut(s, "/")
	p, err := strconv.Atoi(part)
	n, err2 := strconv.Atoi(of)
	if !found || err != nil || err2 != nil || p < 1 || n < p || n > 10_000 {
		return Slice{}, &pipelines.Error{Err: fmt.Errorf("reading the slice %q: it is not of the form PART/OF", s), Hint: "write it like 3/8: the third of eight"}
	}
	return Slice{Part: p, Of: n}, nil
}

// chosen are the targets of a slice and, of these, the oldest: those whose last
// look is longest ago, never looked at first.
func chosen(all []Target, past map[string]pastLooks, s Slice, oldest int) ([]Target, error) {
	if oldest < 0 {
		return nil, fmt.Errorf("choosing the oldest: %d is no number of targets", oldest)
	}
	targets := slices.Clone(all)
	if s.Of > 0 {
		targets = nil
		for i, t := range all {
			if i%s.Of == s.Part-1 {
				targets = append(targets, t)
			}
		}
	}
	if oldest == 0 || oldest >= len(targets) {
		return targets, nil
	}
	slices.SortStableFunc(targets, func(a, b Target) int {
		return cmp.Compare(past[looksPrefix(a)].newest(), past[looksPrefix(b)].newest())
	})
	return targets[:oldest], nil
}
