package release

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
)

// Step is what a change asks of a version.
type Step string

const (
	Patch Step = "patch"
	Minor Step = "minor"
	Major Step = "major"
)

func (s Step) rank() int {
	switch s {
	case Major:
		return 2
	case Minor:
		return 1
	}
	return 0
}

// max is the graver of two steps.
func (s Step) max(other Step) Step {
	if other.rank() > s.rank() {
		return other
	}
	return s
}

// semver is a version without prerelease or build: releases have none.
type semver struct{ major, minor, patch int }

var semverText = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$`)

func parseVersion(text string) (semver, bool) {
	m := semverText.FindStringSubmatch(text)
	if m == nil {
		return semver{}, false
	}
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v } // nine digits fit
	return semver{n(1), n(2), n(3)}, true
}

func (v semver) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }

func (v semver) less(other semver) bool {
	return cmp.Or(cmp.Compare(v.major, other.major), cmp.Compare(v.minor, other.minor), cmp.Compare(v.patch, other.patch)) < 0
}

// next is the version that a step leads to. Before 1.0.0 what breaks callers raises the
// second number, and all else the third: "~> 0.3.0" stays as safe as "~> 1.3" is.
func (v semver) next(step Step) semver {
	if v.major == 0 {
		if step == Major {
			return semver{0, v.minor + 1, 0}
		}
		return semver{0, v.minor, v.patch + 1}
	}
	switch step {
	case Major:
		return semver{v.major + 1, 0, 0}
	case Minor:
		return semver{v.major, v.minor + 1, 0}
	}
	return semver{v.major, v.minor, v.patch + 1}
}
