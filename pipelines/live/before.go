package live

import (
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// asBefore is penstock.yaml of the trunk without what came with the change that is
// applied: who could not sign, approve or read before cannot now, nothing more may
// run, and an environment that had no right to go without gates has them.
func asBefore(now, before *config.Config) *config.Config {
	c := *now
	c.Live.Signers = inBoth(now.Live.Signers, before.Live.Signers)
	c.Live.Approvers = inBoth(now.Live.Approvers, before.Live.Approvers)
	c.Live.Recipients = slices.DeleteFunc(slices.Clone(now.Live.Recipients), func(r string) bool { return !slices.Contains(before.Live.Recipients, r) })
	if len(c.Live.Recipients) == 0 {
		c.Live.Recipients = before.Live.Recipients
	}
	c.Live.Allow = before.Live.Allow // it was planned by that
	c.Live.AuthorsKnown = now.Live.AuthorsKnown || before.Live.AuthorsKnown
	c.Live.Environments = slices.Clone(now.Live.Environments)
	for i := range c.Live.Environments {
		e := &c.Live.Environments[i]
		was := slices.IndexFunc(before.Live.Environments, func(o config.Environment) bool { return o.Name == e.Name })
		if was < 0 {
			if len(before.Live.Environments) > 0 { // by another name it may be one that had gates
				e.Gates = nil
			}
			e.Approvals = "" // nobody has chosen that for it before
			continue
		}
		old := before.Live.Environments[was]
		if !old.ByForge() {
			e.Approvals = ""
		}
		if old.Gated() {
			e.Gates = nil
		}
		if len(old.Approvers) > 0 {
			kept := slices.DeleteFunc(slices.Clone(e.Approvers), func(name string) bool { return !slices.Contains(old.Approvers, name) })
			if len(kept) == 0 { // none would stand for everybody
				kept = old.Approvers
			}
			e.Approvers = kept
		}
	}
	return &c
}

// inBoth are the keys that are the same in both.
func inBoth(now, before map[string]string) map[string]string {
	both := map[string]string{}
	for name, key := range now {
		if before[name] == key {
			both[name] = key
		}
	}
	return both
}

// gatedAsBefore gives gates to targets whose units the change moved to an environment
// without, and takes the forge's approval from those that it moved to one with it: by
// its paths an environment can take in what stood behind gates.
func gatedAsBefore(targets []Target, before config.Live) []Target {
	for i, t := range targets {
		if t.Environment.Gated() && !t.Environment.ByForge() {
			continue
		}
		was, err := Targets(t.home.FS(), []pipelines.Unit{t.Unit}, before)
		same := slices.ContainsFunc(was, func(o Target) bool { return o.Environment.Name == t.Environment.Name })
		if err != nil || !same {
			targets[i].Environment.Approvals = ""
		}
		if err != nil || !same && slices.ContainsFunc(was, func(o Target) bool { return o.Environment.Gated() }) {
			targets[i].Environment.Gates = nil
		}
	}
	return targets
}
