package git

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// People are the e-mail addresses of the authors and committers of the commits that head
// has and base has not, as the commits say, each once and sorted. No mailmap counts: it
// is a file of the change.
func (r *Repo) People(ctx context.Context, base, head string) ([]string, error) {
	if r.shallow(ctx) {
		return nil, errors.New("the clone is shallow: some of the commits may not be here")
	}
	out, err := r.git(ctx, "log", "--no-show-signature", "--no-mailmap", "--format=%ae%n%ce", "--end-of-options", base+".."+head)
	if err != nil {
		return nil, err
	}
	people := []string{}
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(people, line) {
			people = append(people, line)
		}
	}
	slices.Sort(people)
	return people, nil
}
