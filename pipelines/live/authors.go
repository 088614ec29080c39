package live

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// Authors are the e-mail addresses of who wrote or committed what a checkout has beyond a
// base; nil where git cannot tell, or there is no base.
func Authors(ctx context.Context, dir, base string) []string {
	if base == "" {
		return nil
	}
	repo, err := git.Open(ctx, dir)
	if err != nil {
		return nil
	}
	people, err := repo.People(ctx, base, "HEAD")
	if err != nil {
		return nil
	}
	return people
}

// byForgeItself is the committer of what was edited or merged on GitHub's pages.
const byForgeItself = "noreply@github.com"

var forgeLogin = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}(\[bot\])?$`)

// namesOf are the names of the people behind addresses, sorted, and whether each is known.
// An address that GitHub gives out in place of one's own has one's login in it.
func namesOf(addresses []string, c config.Live) (names []string, known bool) {
	known = len(addresses) > 0
	for _, address := range addresses {
		found := strings.EqualFold(address, byForgeItself)
		add := func(name string) {
			if found = true; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		for name, theirs := range c.Authors {
			if slices.ContainsFunc(theirs, func(one string) bool { return strings.EqualFold(one, address) }) {
				add(name)
			}
		}
		if local, domain, _ := strings.Cut(address, "@"); strings.EqualFold(domain, "users.noreply.github.com") {
			if _, login, numbered := strings.Cut(local, "+"); numbered {
				local = login
			}
			if forgeLogin.MatchString(local) {
				add(local)
			}
		}
		known = known && found
	}
	slices.Sort(names)
	return names, known
}

// authored says in a manifest who made the change.
func (s Seal) authored(m *capsule.Manifest) {
	m.Creator.Authors, m.Creator.AuthorsKnown = namesOf(s.Authors, s.Config.Live)
}
