package release

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// needs compares what has to be there: Terraform, providers, their configurations.
func (c *comparison) needs() error {
	if err := c.versions("Terraform", c.old.Terraform, c.now.Terraform); err != nil {
		return err
	}
	for _, source := range names(c.old.Providers, c.now.Providers) {
		old, was := c.old.Providers[source]
		now, is := c.now.Providers[source]
		called := "provider " + q(source)
		switch {
		case !is && len(old.Aliases) > 0:
			c.say(Major, pipelines.Position{}, called, ", with configurations that callers pass, was removed")
			continue
		case !is && c.otherSource(source) != "":
			c.say(Major, pipelines.Position{}, called, " is ", q(c.otherSource(source)), " now: what the one made the other does not know")
			continue
		case !is:
			c.say(Patch, pipelines.Position{}, called, " is no longer needed")
			continue
		case !was && len(now.Aliases) > 0:
			c.say(Major, pipelines.Position{}, called, " is new, and callers have to pass ", q(strings.Join(now.Aliases, ", ")))
			continue
		case !was:
			c.say(Minor, pipelines.Position{}, called, " is new")
			continue
		}
		if err := c.versions(called, old.Version, now.Version); err != nil {
			return err
		}
		if !slices.Equal(old.Aliases, now.Aliases) {
			c.say(Major, pipelines.Position{}, called, ": callers have to pass other configurations, ", q(strings.Join(now.Aliases, ", ")),
				" in place of ", q(strings.Join(old.Aliases, ", ")))
		}
	}
	for _, name := range c.now.Configured {
		if !slices.Contains(c.old.Configured, name) {
			c.say(Major, pipelines.Position{}, "provider ", q(name), " is configured within the module now: it cannot be repeated any more")
		}
	}
	for _, name := range c.old.Configured {
		if !slices.Contains(c.now.Configured, name) {
			c.say(Major, pipelines.Position{}, "provider ", q(name), " is no longer configured within the module: callers have to")
		}
	}
	return nil
}

// otherSource is a new provider of the same type as one that is gone, or "".
func (c *comparison) otherSource(gone string) string {
	for _, source := range names(nil, c.now.Providers) {
		if _, was := c.old.Providers[source]; !was && path.Base(source) == path.Base(gone) {
			return source
		}
	}
	return ""
}

func (c *comparison) versions(called, old, now string) error {
	narrowed, widened, err := compareConstraints(old, now)
	if err != nil {
		return fmt.Errorf("%s: %w", called, err)
	}
	any := func(text string) string {
		if text == "" {
			return "any version"
		}
		return q(text)
	}
	switch {
	case narrowed:
		c.say(Major, pipelines.Position{}, called, ": versions are no longer allowed that were: ", any(now), " in place of ", any(old))
	case widened:
		c.say(Minor, pipelines.Position{}, called, ": more versions are allowed: ", any(now), " in place of ", any(old))
	case old != now:
		c.say(Patch, pipelines.Position{}, called, ": the same versions are allowed in other words: ", any(now))
	}
	return nil
}

// calls compares modules that are called and are not of this repository: what they make
// cannot be seen, so that another source counts as other resources.
func (c *comparison) calls() error {
	for address, now := range c.now.Calls {
		old, was := c.old.Calls[c.before(address)]
		if !was || old.Source == "" && now.Source == "" {
			continue
		}
		oldSource, oldRef := split(old.Source)
		source, ref := split(now.Source)
		if oldSource != source {
			c.say(Major, pipelines.Position{}, q(address), " is another module now: what it makes cannot be compared")
			continue
		}
		if oldRef != ref {
			c.say(refStep(oldRef, ref), pipelines.Position{}, q(address), " is ", q(or(ref, "the default branch")), " of its module now, was ", q(or(oldRef, "the default branch")))
		}
		if old.Version == now.Version {
			continue
		}
		narrowed, widened, err := compareConstraints(old.Version, now.Version)
		if err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
		step := Patch
		if narrowed || widened {
			step = Minor
			if top(old.Version) != top(now.Version) {
				step = Major
			}
		}
		c.say(step, pipelines.Position{}, q(address), " is of version ", q(or(now.Version, "any")), " now, was ", q(or(old.Version, "any")))
	}
	return nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// split takes the ref out of a source.
func split(source string) (rest, ref string) {
	rest, query, found := strings.Cut(source, "?")
	if !found {
		return source, ""
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return source, ""
	}
	ref = values.Get("ref")
	values.Del("ref")
	return rest + "?" + values.Encode(), ref
}

// refStep: refs that are versions step as these do; of others nobody knows.
func refStep(old, now string) Step {
	last := func(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
	from, ok := parseVersion(strings.TrimPrefix(last(old), "v"))
	to, ok2 := parseVersion(strings.TrimPrefix(last(now), "v"))
	switch {
	case !ok || !ok2 || from.major != to.major || from.major == 0 && from.minor != to.minor || to.less(from):
		return Major
	case from.minor != to.minor:
		return Minor
	}
	return Patch
}

// top is the highest major version that a constraint allows, as far as it names one.
func top(constraints string) int {
	c, err := constraint(constraints)
	highest := -1
	if err != nil {
		return highest
	}
	for _, v := range probes(constraints) {
		if c.Check(v) {
			highest = max(highest, v.Segments()[0])
		}
	}
	return highest
}
