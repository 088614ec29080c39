package risk

import "strings"

// rule is one thing that a firewall lets in: from where, to which ports.
type rule struct {
	from     []reach
	others   []string // groups and lists instead of ranges
	protocol string
	low, top float64
	ports    string // where they are text, compared as they are
	deny     bool
}

// rules judges a list of rules as a set.
func (a attributeJudge) rules(n node) {
	if texts(n.after) != nil && !nested(n.after) && !a.create {
		a.add(High, "network-changed", n.name+" changes")
		return
	}
	before, after := rulesOf(n.before), rulesOf(n.after)
	for _, r := range after {
		if r.deny {
			continue
		}
		for _, p := range r.from {
			if allowed(before, r, p) {
				continue
			}
			switch {
			case p.world:
				a.add(High, "network-opened", n.name+" lets the whole internet in")
				return
			case !a.create:
				a.add(High, "network-opened", n.name+" lets more in than before")
				return
			}
		}
		for _, other := range r.others {
			if !a.create && !allowedFrom(before, r, other) {
				a.add(High, "network-opened", n.name+" lets more in than before")
				return
			}
		}
	}
	for _, r := range before {
		if r.deny && !a.create {
			a.add(High, "network-changed", n.name+" has rules that deny, and changes")
			return
		}
	}
}

func rulesOf(v any) []rule {
	blocks, _ := v.([]any)
	var rules []rule
	for _, b := range blocks {
		block, _ := b.(map[string]any)
		if block == nil || outward(block) {
			continue
		}
		r := rule{protocol: "-1", low: 0, top: 65535}
		for name := range block {
			if ranges[name] || name == "cidr_block" || name == "ipv6_cidr_block" {
				r.from = append(r.from, prefixes(block[name])...)
			}
		}
		for _, name := range []string{"security_groups", "prefix_list_ids", "source_security_group_id", "referenced_security_group_id", "prefix_list_id"} {
			r.others = append(r.others, texts(block[name])...)
		}
		if self, _ := block["self"].(bool); self {
			r.others = append(r.others, "self")
		}
		for _, name := range []string{"protocol", "ip_protocol"} {
			if text, ok := block[name].(string); ok {
				r.protocol = strings.ToLower(text)
			}
		}
		if r.protocol == "all" || r.protocol == "*" {
			r.protocol = "-1"
		}
		if r.protocol != "-1" {
			r.low, r.top = bounds(block)
		}
		for _, name := range []string{"destination_port_range", "destination_port_ranges", "port_range", "port", "ports"} {
			r.ports += strings.Join(texts(block[name]), ",") + ";"
		}
		for _, name := range []string{"action", "access", "rule_action"} {
			if text, _ := block[name].(string); strings.EqualFold(text, "deny") {
				r.deny = true
			}
		}
		rules = append(rules, r)
	}
	return rules
}

// bounds are the ports of a rule; where they cannot be read, all of them.
func bounds(block map[string]any) (float64, float64) {
	for _, names := range [][2]string{{"from_port", "to_port"}} {
		low, ok := number(block[names[0]])
		top, known := number(block[names[1]])
		if ok && known && low >= 0 {
			return low, top
		}
	}
	return 0, 65535
}

func (r rule) within(other rule) bool {
	return !other.deny && (other.protocol == "-1" || other.protocol == r.protocol) && other.low <= r.low && other.top >= r.top && other.ports == r.ports
}

func allowed(before []rule, r rule, p reach) bool {
	for _, b := range before {
		if r.within(b) && covered(b.from, p) {
			return true
		}
	}
	return false
}

func allowedFrom(before []rule, r rule, other string) bool {
	for _, b := range before {
		if r.within(b) {
			for _, o := range b.others {
				if o == other {
					return true
				}
			}
		}
	}
	return false
}
