package release

import (
	"fmt"
	"strings"

	"github.com/hashicorp/go-version"
)

// constraint parses a version constraint; "" allows everything.
func constraint(text string) (version.Constraints, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	c, err := version.NewConstraint(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no version constraint", text)
	}
	return c, nil
}

// compareConstraints says whether there are versions that only the one or only the
// other allows. Between the versions that they name nothing changes, so that one of
// each interval decides.
func compareConstraints(before, after string) (narrowed, widened bool, err error) {
	if before == after {
		return false, false, nil
	}
	old, err := constraint(before)
	if err != nil {
		return false, false, err
	}
	now, err := constraint(after)
	if err != nil {
		return false, false, err
	}
	for _, v := range probes(before + "," + after) {
		was, is := old.Check(v), now.Check(v)
		narrowed, widened = narrowed || was && !is, widened || is && !was
	}
	return narrowed, widened, nil
}

// probes are the versions that constraints name, those right beneath and above, and
// those where a "~>" ends.
func probes(constraints string) []*version.Version {
	const many = 999_999
	texts := []string{"0.0.0", "0.0.1", fmt.Sprintf("%d.0.0", many)}
	for one := range strings.SplitSeq(constraints, ",") {
		v, err := version.NewVersion(strings.TrimLeft(strings.TrimSpace(one), "=!<>~ "))
		if err != nil {
			continue
		}
		s := v.Segments()
		for _, b := range [][3]int{{s[0], s[1], s[2]}, {s[0], s[1] + 1, 0}, {s[0] + 1, 0, 0}} {
			texts = append(texts, fmt.Sprintf("%d.%d.%d", b[0], b[1], b[2]), fmt.Sprintf("%d.%d.%d", b[0], b[1], b[2]+1))
			switch {
			case b[2] > 0:
				texts = append(texts, fmt.Sprintf("%d.%d.%d", b[0], b[1], b[2]-1))
			case b[1] > 0:
				texts = append(texts, fmt.Sprintf("%d.%d.%d", b[0], b[1]-1, many))
			case b[0] > 0:
				texts = append(texts, fmt.Sprintf("%d.%d.%d", b[0]-1, many, many))
			}
		}
		texts = append(texts, v.String()) // with its prerelease
	}
	var list []*version.Version
	for _, text := range texts {
		if v, err := version.NewVersion(text); err == nil {
			list = append(list, v)
		}
	}
	return list
}
