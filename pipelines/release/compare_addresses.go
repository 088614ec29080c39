package release

import (
	"maps"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// addresses compares under which addresses resources stand. What is gone is destroyed
// at a caller's next apply, unless a moved or removed block says where it went.
func (c *comparison) addresses() {
	came := map[string]bool{}
	for _, old := range slices.Sorted(maps.Keys(c.old.Resources)) {
		now := c.after(old)
		how, there := c.now.Resources[now]
		came[now] = true
		gone := c.removal(old)
		switch {
		case there && now != old:
			c.say(Patch, pipelines.Position{}, "resource ", q(old), " is ", q(now), " now, and moves there")
			c.repeats("resource ", old, now, c.old.Resources[old], how)
		case there:
			c.repeats("resource ", old, now, c.old.Resources[old], how)
		case gone == nil:
			c.say(Major, pipelines.Position{}, "resource ", q(old), " is gone without a moved or removed block: it is destroyed")
		case gone.Destroy:
			c.say(Major, pipelines.Position{}, "resource ", q(old), " was removed, and is destroyed")
		default:
			c.say(Minor, pipelines.Position{}, "resource ", q(old), " was removed; what it made stays, and is forgotten")
		}
	}
	for _, now := range slices.Sorted(maps.Keys(c.now.Resources)) {
		if !came[now] {
			c.say(Minor, pipelines.Position{}, "resource ", q(now), " is new")
		}
	}
	c.callAddresses()
	c.promises()
}

func (c *comparison) callAddresses() {
	came := map[string]bool{}
	for _, old := range slices.Sorted(maps.Keys(c.old.Calls)) {
		now := c.after(old)
		is, there := c.now.Calls[now]
		was := c.old.Calls[old]
		came[now] = true
		gone := c.removal(old)
		switch {
		case there:
			c.repeats("", old, now, was.Repeats, is.Repeats)
		case was.Source == "": // its resources were compared
		case gone == nil || gone.Destroy:
			c.say(Major, pipelines.Position{}, q(old), " is gone: what it made is destroyed")
		default:
			c.say(Minor, pipelines.Position{}, q(old), " was removed; what it made stays, and is forgotten")
		}
	}
	for _, now := range slices.Sorted(maps.Keys(c.now.Calls)) {
		if !came[now] && c.now.Calls[now].Source != "" {
			c.say(Minor, pipelines.Position{}, q(now), " is new")
		}
	}
}

// repeats compares how something repeats: Terraform itself moves between one that does
// not and the first of a count. All other instances get other addresses.
func (c *comparison) repeats(kind, old, now, was, is string) {
	first := was == "" && is == "count" || was == "count" && is == ""
	if was == is || first || old == now && c.instanceMoved(old) {
		return
	}
	words := map[string]string{"": "not at all", "count": "by count", "for_each": "by for_each"}
	if old != now { // a moved block says where the instances went
		c.say(Patch, pipelines.Position{}, kind, q(now), " repeats ", words[is], " now, was ", words[was])
		return
	}
	c.say(Major, pipelines.Position{}, kind, q(now), " repeats ", words[is], " now, was ", words[was], ": its instances have other addresses")
}

// instanceMoved: a moved block from one instance of an address to another.
func (c *comparison) instanceMoved(address string) bool {
	return slices.Contains(c.now.Moved, Move{address, address})
}

// after is where an address of before is now, by moved blocks.
func (c *comparison) after(address string) string {
	return follow(address, c.now.Moved, func(m Move) (string, string) { return m.From, m.To }, func(a string) bool { return c.now.has(a) })
}

// before is where an address of now was.
func (c *comparison) before(address string) string {
	return follow(address, c.now.Moved, func(m Move) (string, string) { return m.To, m.From }, func(a string) bool { return c.old.has(a) })
}

func (i *Interface) has(address string) bool {
	_, resource := i.Resources[address]
	_, called := i.Calls[address]
	return resource || called
}

// follow goes from address to address until it is where something stands, or no block
// leads on.
func follow(start string, moves []Move, ends func(Move) (from, to string), there func(string) bool) string {
	at := start
	for range len(moves) + 1 {
		if there(at) {
			return at
		}
		next := at
		for _, m := range moves {
			from, to := ends(m)
			if rest, ok := strings.CutPrefix(at, from); ok && from != to && (rest == "" || rest[0] == '.') {
				next = to + rest
				break
			}
		}
		if next == at {
			break
		}
		at = next
	}
	return start
}

// removal is the removed block that covers an address.
func (c *comparison) removal(address string) *Removal {
	for i, r := range c.now.Removed {
		if rest, ok := strings.CutPrefix(address, r.From); ok && (rest == "" || rest[0] == '.') {
			return &c.now.Removed[i]
		}
	}
	return nil
}

// promises: a moved or removed block that is taken away is missed by callers who did not
// yet take the version that had brought it.
func (c *comparison) promises() {
	for _, m := range c.old.Moved {
		if m.From != m.To && !slices.Contains(c.now.Moved, m) && c.within(m.From) && !c.now.has(m.From) && c.after(m.From) == m.From {
			c.say(Major, pipelines.Position{}, "the moved block from ", q(m.From), " was taken away: who comes from before it loses what stands there")
		}
	}
	for _, r := range c.old.Removed {
		if !r.Destroy && c.within(r.From) && c.removal(r.From) == nil && !c.now.has(r.From) {
			c.say(Major, pipelines.Position{}, "the removed block of ", q(r.From), " was taken away: who comes from before it loses what stands there")
		}
	}
}

// within says whether the module that holds an address is still there: without it, all
// that is in it was compared already.
func (c *comparison) within(address string) bool {
	i := strings.LastIndex(address, "module.")
	if i <= 0 {
		return true
	}
	return c.now.has(strings.TrimSuffix(address[:i], "."))
}
