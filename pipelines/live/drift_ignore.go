package live

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/glob"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// nearEnd is how long before its end an ignore is warned of.
const nearEnd = 14 * 24 * time.Hour

// ignoring are the attributes that may drift, and what came of that in a run.
type ignoring struct {
	rules []ignoreRule
	today string
	soon  string

	mu sync.Mutex
}

type ignoreRule struct {
	config.DriftIgnore
	unit, resource *glob.Pattern // unit is nil for every unit
	// matched are the targets in which it matched.
	matched map[string]bool
}

func newIgnoring(list []config.DriftIgnore, now time.Time) (*ignoring, error) {
	g := &ignoring{today: now.UTC().Format(time.DateOnly), soon: now.UTC().Add(nearEnd).Format(time.DateOnly)}
	for _, one := range list {
		r := ignoreRule{DriftIgnore: one, matched: map[string]bool{}}
		var err error
		if one.Unit != "" {
			if r.unit, err = glob.Compile(strings.TrimSuffix(one.Unit, "/"), '/'); err != nil {
				return nil, fmt.Errorf("reading what may drift: %q is no glob", one.Unit)
			}
		}
		if r.resource, err = glob.Compile(escapeKeys(one.Resource)); err != nil {
			return nil, fmt.Errorf("reading what may drift: %q is no glob", one.Resource)
		}
		g.rules = append(g.rules, r)
	}
	return g, nil
}

// escapeKeys takes the brackets of instance keys for what they are: in a glob they
// would be classes of characters, and aws_instance.a[0] would match nothing.
func escapeKeys(pattern string) string {
	return strings.NewReplacer("[", `\[`, "]", `\]`).Replace(pattern)
}

// covers says whether an attribute of a resource may drift, and notes every rule
// that matches, expired ones too.
func (g *ignoring) covers(t Target, address string, path []string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	covered := false
	for _, r := range g.rules {
		if r.unit != nil && !r.unit.Match(t.Unit.Path) || !r.resource.Match(address) || !within(path, r.Attribute) {
			continue
		}
		r.matched[t.ID()] = true
		covered = covered || g.today <= r.Expires
	}
	return covered
}

// within says whether the path of a value is the attribute or below it.
func within(path []string, attribute string) bool {
	written := written(path)
	rest, found := strings.CutPrefix(written, attribute)
	return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// written is a path as redact shows it: tags.Name, ingress[0].cidr_blocks[1].
func written(path []string) string {
	var b strings.Builder
	for i, step := range path {
		if i > 0 && !strings.HasPrefix(step, "[") {
			b.WriteByte('.')
		}
		if i > 0 && !strings.HasPrefix(step, "[") && strings.ContainsAny(step, ".[\"") {
			step = fmt.Sprintf("%q", step)
		}
		b.WriteString(step)
	}
	return b.String()
}

// notices say which ignores are over, nearly over, or idle. Only a complete run
// can tell that one is idle.
func (g *ignoring) notices(complete bool) []pipelines.Notice {
	var list []pipelines.Notice
	for _, r := range g.rules {
		say := func(format string, args ...any) {
			list = append(list, pipelines.Notice{Path: r.Position.Path, Line: r.Position.Line,
				Message: fmt.Sprintf("the ignore of %s of %q (%s) ", r.Attribute, r.Resource, r.Reason) + fmt.Sprintf(format, args...)})
		}
		over := g.today > r.Expires
		switch {
		case over && len(r.matched) > 0:
			say("expired on %s, so it alarms again: %s", r.Expires, someOf(r.matched))
		case over:
			say("expired on %s", r.Expires)
		case r.Expires <= g.soon:
			say("ends on %s", r.Expires)
		}
		if complete && len(r.matched) == 0 {
			say("matched nothing in a complete run: take it out if it is no longer needed")
		}
	}
	return list
}

// someOf are the first of a set, and how many more there are.
func someOf(set map[string]bool) string {
	var list []string
	for name := range set {
		list = append(list, name)
	}
	slices.Sort(list)
	const most = 5
	if len(list) > most {
		list = append(list[:most], fmt.Sprintf("and %d more", len(list)-most))
	}
	return strings.Join(list, ", ")
}
