package service

import (
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// hintFor names what was probably meant, and all that there is.
func hintFor(name string, there []string, otherwise string) string {
	if len(there) == 0 {
		return otherwise
	}
	there = slices.Sorted(slices.Values(there))
	nearest, distance := "", 0
	for _, candidate := range there {
		d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(candidate), nil)
		if nearest == "" || d < distance {
			nearest, distance = candidate, d
		}
	}
	hint := "allowed here: " + strings.Join(there, ", ")
	if distance <= max(2, len(nearest)/3) {
		return "write " + strconv.Quote(nearest) + "; " + hint
	}
	return hint
}
