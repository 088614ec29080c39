package config

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/glob"

	"github.com/penstock-dev/penstock/pipelines"
)

// UnitKinds are what a unit rule may say.
var UnitKinds = []string{string(pipelines.Module), string(pipelines.Example), string(pipelines.Test), string(pipelines.Live), "ignore"}

// check refuses values that the types allow and the meaning does not, and fills
// in where everything stands.
func (c *Config) check(p places) error {
	if c.Version != 1 {
		return refuse(p.at("version"), `write "version: 1"`, "version is %d, allowed is 1", c.Version)
	}
	for i := range c.Units {
		rule := &c.Units[i]
		rule.Position = p.at("units", i)
		if err := globs(p.at("units", i, "path"), "path", rule.Path, true); err != nil {
			return err
		}
		if !slices.Contains(UnitKinds, rule.Kind) {
			return refuse(p.at("units", i, "kind"), "", "kind is %q, allowed are %s", rule.Kind, quoted(UnitKinds))
		}
	}
	for i, dir := range c.Compliance.Policies {
		if dir == "" || strings.HasPrefix(dir, "/") || slices.Contains(strings.Split(dir, "/"), "..") {
			return refuse(p.at("compliance", "policies", i), "name a directory of this repository",
				"the policy directory %q is not below the root", dir)
		}
	}
	if err := c.Compliance.Settings.check(p); err != nil {
		return err
	}
	for id, rule := range c.Compliance.Rules {
		rule.Position = p.at("compliance", "rules", id)
		c.Compliance.Rules[id] = rule
		if !slices.Contains([]string{"", "unknown", "pass"}, rule.Unknown) {
			return refuse(p.at("compliance", "rules", id, "unknown"), "", "unknown is %q, allowed are %s", rule.Unknown, quoted([]string{"unknown", "pass"}))
		}
	}
	for i := range c.Compliance.Waivers {
		if err := c.Compliance.Waivers[i].check(p, i); err != nil {
			return err
		}
	}
	return nil
}

func (s Settings) check(p places) error {
	for i, port := range s.AllowedPorts {
		if port < 0 || port > 65535 {
			return refuse(p.at("compliance", "settings", "allowed_ports", i), "", "the port is %d, allowed are 0 to 65535", port)
		}
	}
	for i, cidr := range s.Bastion.CIDRs {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			return refuse(p.at("compliance", "settings", "bastion", "cidrs", i), `write it like "10.1.2.0/24"`, "%q is not an address range", cidr)
		}
	}
	return nil
}

func (w *Waiver) check(p places, i int) error {
	at := func(key string) pipelines.Position { return p.at("compliance", "waivers", i, key) }
	w.Position = p.at("compliance", "waivers", i)
	for _, field := range []struct{ key, value string }{{"rule", w.Rule}, {"owner", w.Owner}, {"reason", w.Reason}, {"expires", w.Expires}} {
		if strings.TrimSpace(field.value) == "" {
			return refuse(w.Position, "add "+field.key, "the waiver has no %s", field.key)
		}
	}
	if w.Unit == "" && w.Resource == "" {
		return refuse(w.Position, "add unit or resource", "the waiver would excuse everything: it names neither unit nor resource")
	}
	if _, err := time.Parse(time.DateOnly, w.Expires); err != nil {
		return refuse(at("expires"), `write it like "2027-01-31"`, "expires is %q, allowed is a date", w.Expires)
	}
	if err := globs(at("unit"), "unit", w.Unit, false); err != nil {
		return err
	}
	return globs(at("resource"), "resource", w.Resource, false)
}

func globs(at pipelines.Position, key, pattern string, needed bool) error {
	if needed && pattern == "" {
		return refuse(at, "", "%s is empty", key)
	}
	if _, err := glob.Compile(pattern, '/'); err != nil {
		return refuse(at, "", "%s is %q, which is no glob: %v", key, pattern, err)
	}
	return nil
}
