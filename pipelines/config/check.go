package config

import (
	"maps"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gobwas/glob"

	"github.com/penstock-dev/penstock/pipelines"
)

// UnitKinds are what a unit rule may say.
var UnitKinds = []string{string(pipelines.Module), string(pipelines.Example), string(pipelines.Test), string(pipelines.Live), "ignore"}

// unknowns are what a rule may make of what cannot be decided; "" is the default.
var unknowns = []string{"unknown", "pass"}

// check refuses values that the types allow and the meaning does not, and fills
// in where everything stands.
func (c *Config) check(p places) error {
	if c.Version == 0 {
		return refuse(p.at("version"), `write "version: 1"`, "there is no version, allowed is 1")
	}
	if c.Version != 1 {
		return refuse(p.at("version"), `write "version: 1"`, "version is %d, allowed is 1", c.Version)
	}
	for i := range c.Units {
		rule := &c.Units[i]
		rule.Position = p.at("units", i)
		if rule.Path == "" {
			return refuse(rule.Position, `write it like "stacks/**"`, "the unit rule has no path")
		}
		if err := globs(p.at("units", i, "path"), "path", rule.Path); err != nil {
			return err
		}
		if err := oneOf(p.at("units", i, "kind"), "kind", rule.Kind, UnitKinds); err != nil {
			return err
		}
	}
	if err := c.Image.check(p); err != nil {
		return err
	}
	if err := c.Terratest.check(p); err != nil {
		return err
	}
	if err := c.Release.check(p); err != nil {
		return err
	}
	if err := c.Compliance.check(p); err != nil {
		return err
	}
	if err := c.Live.check(p); err != nil {
		return err
	}
	if c.Service == nil {
		return nil
	}
	return c.Service.check(p, c.Live.Environments)
}

func (c *Compliance) check(p places) error {
	for i, dir := range c.Policies {
		at := p.at("compliance", "policies", i)
		clean := path.Clean(dir)
		if dir == "" || clean == "." || strings.HasPrefix(dir, "/") || slices.Contains(strings.Split(dir, "/"), "..") {
			return refuse(at, "name a directory of this repository", "the policy directory %q is not below the root", dir)
		}
		if slices.Contains(c.Policies[:i], clean) {
			return refuse(at, "take one out", "the policy directory %q is named twice", dir)
		}
		c.Policies[i] = clean
	}
	if err := c.Settings.check(p); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(c.Rules)) {
		rule := c.Rules[id]
		rule.Position = p.at("compliance", "rules", id)
		c.Rules[id] = rule
		if rule.Unknown == "" {
			continue
		}
		if err := oneOf(p.at("compliance", "rules", id, "unknown"), "unknown", rule.Unknown, unknowns); err != nil {
			return err
		}
	}
	for i := range c.Waivers {
		if err := c.Waivers[i].check(p, i); err != nil {
			return err
		}
	}
	return nil
}

func (s Settings) check(p places) error {
	at := func(path ...any) pipelines.Position {
		return p.at(append([]any{"compliance", "settings"}, path...)...)
	}
	for i, port := range s.AllowedPorts {
		if port < 1 || port > 65535 {
			return refuse(at("allowed_ports", i), "", "the port is %d, allowed are 1 to 65535", port)
		}
	}
	for i, tag := range s.RequiredTags {
		if strings.TrimSpace(tag) == "" {
			return refuse(at("required_tags", i), "name the tag, or take it out", "the required tag is empty")
		}
	}
	for i, tag := range s.Disposable {
		if name, value, ok := strings.Cut(tag, "="); !ok || name == "" || value == "" {
			return refuse(at("disposable", i), `write it like "environment=dvlp"`, "%q is no tag with its value", tag)
		}
	}
	for i, group := range s.Bastion.SecurityGroups {
		if strings.TrimSpace(group) == "" {
			return refuse(at("bastion", "security_groups", i), "name the group, or take it out", "the security group is empty")
		}
	}
	for i, cidr := range s.Bastion.CIDRs {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return refuse(at("bastion", "cidrs", i), `write it like "10.1.2.0/24"`, "%q is not an address range", cidr)
		}
		if prefix.Bits() == 0 {
			return refuse(at("bastion", "cidrs", i), "name the range of the bastion alone", "%q is the whole world, not a bastion", cidr)
		}
	}
	return nil
}

func (w *Waiver) check(p places, i int) error {
	at := func(key string) pipelines.Position { return p.at("compliance", "waivers", i, key) }
	w.Position = p.at("compliance", "waivers", i)
	for _, field := range []struct{ key, value string }{{"rule", w.Rule}, {"owner", w.Owner}, {"reason", w.Reason}, {"expires", w.Expires}} {
		if strings.TrimSpace(field.value) == "" {
			return refuse(at(field.key), "add "+field.key, "the waiver has no %s", field.key)
		}
	}
	if w.Unit == "" && w.Resource == "" {
		return refuse(w.Position, "add unit or resource", "the waiver would excuse everything: it names neither unit nor resource")
	}
	if _, err := time.Parse(time.DateOnly, w.Expires); err != nil {
		return refuse(at("expires"), `write it like "2027-01-31"`, "expires is %q, allowed is a date", w.Expires)
	}
	if err := globs(at("unit"), "unit", w.Unit); err != nil {
		return err
	}
	return globs(at("resource"), "resource", w.Resource)
}

// globs refuses what is no glob, and backslashes, which nobody needs in a path
// or an address and which would mean something else once brackets are escaped.
func globs(at pipelines.Position, key, pattern string) error {
	if strings.Contains(pattern, `\`) {
		return refuse(at, "take the backslash out", "%s is %q, allowed is a glob without a backslash", key, pattern)
	}
	compiled := pattern
	if key == "resource" { // the brackets of an instance key stand for themselves
		compiled = strings.NewReplacer("[", `\[`, "]", `\]`).Replace(pattern)
	}
	if _, err := glob.Compile(compiled, '/'); err != nil {
		return refuse(at, "", "%s is %q, which is no glob: %v", key, pattern, err)
	}
	return nil
}

func oneOf(at pipelines.Position, key, value string, allowed []string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	list := make([]string, len(allowed))
	for i, s := range allowed {
		list[i] = strconv.Quote(s)
	}
	return refuse(at, "", "%s is %q, allowed are %s", key, value, strings.Join(list, ", "))
}
