package risk

import (
	"net/netip"
	"strings"
)

// open are switches that let strangers in when they are on; the level is that of
// a new resource which has it on.
var open = map[string]Level{"publicly_accessible": High, "public_access": High, "allow_blob_public_access": High,
	"allow_nested_items_to_be_public": High, "endpoint_public_access": Low, "public_network_access_enabled": Low,
	"associate_public_ip_address": Low, "map_public_ip_on_launch": Low, "assign_public_ip": Low, "enable_public_ip": Low,
	"public_ip_enabled": Low, "ipv4_enabled": Low}

// shut are switches that keep strangers out while they are on.
var shut = map[string]Level{"block_public_acls": High, "block_public_policy": High, "ignore_public_acls": High,
	"restrict_public_buckets": High, "internal": Low, "enable_private_nodes": Low, "enable_private_endpoint": Low,
	"private_cluster_enabled": Low, "endpoint_private_access": Low}

// ranges are attributes that hold address ranges which are let in.
var ranges = map[string]bool{"cidr_blocks": true, "ipv6_cidr_blocks": true, "cidr_ipv4": true, "cidr_ipv6": true, "cidr": true,
	"source_ranges": true, "source_address_prefix": true, "source_address_prefixes": true, "public_access_cidrs": true,
	"authorized_networks": true, "authorized_ip_ranges": true, "api_server_authorized_ip_ranges": true, "ip_rules": true,
	"ip_range_filter": true, "allowed_cidr_blocks": true, "allowed_ips": true, "source_ip_ranges": true, "src_ip_ranges": true,
	"source_ips": true, "whitelisted_ips": true, "master_authorized_networks_config": true, "load_balancer_source_ranges": true,
	"inbound_cidrs": true, "client_ip_cidrs": true, "ip_whitelist": true, "cidr_block_allow": true}

// firewalls are types that are one rule, or one set of rules, by their own attributes.
var firewalls = map[string]bool{"aws_security_group_rule": true, "aws_vpc_security_group_ingress_rule": true,
	"aws_network_acl_rule": true, "aws_default_security_group": true, "aws_security_group": true, "aws_network_acl": true,
	"google_compute_firewall": true, "azurerm_network_security_rule": true, "azurerm_network_security_group": true,
	"hcloud_firewall": true, "digitalocean_firewall": true, "openstack_networking_secgroup_rule_v2": true,
	"kubernetes_network_policy": true, "kubernetes_network_policy_v1": true}

// whole judges resources that are one rule of a firewall: ports and ranges count together.
func (a attributeJudge) whole() {
	if !singleRule[a.resource.Type] {
		return
	}
	c := a.resource.Change
	after, _ := c.After.(map[string]any)
	unknown, _ := c.AfterUnknown.(map[string]any)
	if outward(after) || after == nil {
		return
	}
	for name := range unknown {
		if marked(unknown[name]) && (ranges[name] || ports[name]) {
			return // what is unknown is judged where it is met
		}
	}
	a.rules(node{top: "the rule", name: "the rule", before: list(c.Before), after: list(c.After)})
}

// singleRule are types that are one rule each; "ingress" holds several.
var singleRule = map[string]bool{"aws_security_group_rule": true, "aws_vpc_security_group_ingress_rule": true}

// ports are the other attributes of such a rule.
var ports = map[string]bool{"from_port": true, "to_port": true, "ip_protocol": true, "protocol": true}

func list(v any) any {
	if v == nil {
		return nil
	}
	return []any{v}
}

// outward tells whether a rule is of outgoing traffic.
func outward(rule map[string]any) bool {
	for _, name := range []string{"type", "direction"} {
		if text, ok := rule[name].(string); ok {
			switch strings.ToLower(text) {
			case "egress", "outbound", "out":
				return true
			}
		}
	}
	egress, _ := rule["egress"].(bool) // of aws_network_acl_rule
	return egress
}

func networkCheck(kind string, n node) check {
	if n.name == "ingress" || n.name == "inbound_rule" || n.name == "security_rule" {
		return attributeJudge.rules
	}
	if n.name == "egress" || n.top == "egress" || n.top == "outbound_rule" || strings.Contains(kind, "egress") {
		return nil // what goes out is the other side's to judge
	}
	if _, ok := open[n.name]; ok {
		return opened
	}
	if _, ok := shut[n.name]; ok {
		return unshut
	}
	switch n.name {
	case "acl", "access_control_policy", "predefined_acl":
		return published
	case "authorization_type", "authorization", "auth_type":
		return unauthenticated
	case "allow", "deny", "destination_port_range", "destination_port_ranges", "direction", "access", "rule_action":
		if firewalls[kind] {
			return attributeJudge.changedRule
		}
	case "from_port", "to_port", "ip_protocol", "protocol", "referenced_security_group_id", "prefix_list_id", "prefix_list_ids",
		"source_security_group_id", "self":
		if singleRule[kind] {
			return withRule(n)
		}
		if firewalls[kind] {
			return attributeJudge.changedRule
		}
	}
	if ranges[n.name] {
		if singleRule[kind] {
			return withRule(n)
		}
		return attributeJudge.ranges
	}
	return nil
}

// withRule meets an attribute only to see whether it is unknown or sensitive: its
// value is judged with the whole rule.
func withRule(node) check { return func(attributeJudge, node) {} }

func opened(a attributeJudge, n node) {
	if on(n.before) || !on(n.after) {
		return
	}
	level := High
	if a.create {
		level = open[n.name]
	}
	a.add(level, "network-opened", quoted(n)+" is on")
}

func unshut(a attributeJudge, n node) {
	if on(n.after) || !a.create && !on(n.before) {
		return
	}
	level := High
	if a.create {
		if level = shut[n.name]; n.after == nil {
			return
		}
	}
	a.add(level, "network-opened", quoted(n)+" is off")
}

func published(a attributeJudge, n node) {
	text, _ := n.after.(string)
	switch lower := strings.ToLower(text); {
	case strings.HasPrefix(lower, "public"), lower == "authenticated-read", lower == "authenticatedread":
		a.add(High, "network-opened", quoted(n)+" lets everybody in")
	case nested(n.after):
		a.add(High, "network-opened", quoted(n)+" grants access by a list that is not judged")
	}
}

func unauthenticated(a attributeJudge, n node) {
	if text, _ := n.after.(string); strings.EqualFold(text, "none") {
		a.add(High, "network-opened", quoted(n)+" asks nobody who they are")
	}
}

func (a attributeJudge) changedRule(n node) {
	rule, _ := a.resource.Change.After.(map[string]any)
	if a.create || outward(rule) {
		return
	}
	a.add(High, "network-changed", quoted(n)+" of a firewall changes")
}

// ranges judges a list of address ranges.
func (a attributeJudge) ranges(n node) {
	rule, _ := a.resource.Change.After.(map[string]any)
	if outward(rule) {
		return
	}
	before, after := prefixes(n.before), prefixes(n.after)
	for _, p := range after {
		switch {
		case p.world:
			if !anyWorld(before, p) {
				a.add(High, "network-opened", quoted(n)+" lets the whole internet in")
				return
			}
		case !a.create && !covered(before, p):
			a.add(High, "network-opened", quoted(n)+" lets more addresses in than before")
			return
		}
	}
	if !a.create && len(after) == 0 && len(before) > 0 && n.name != "cidr_ipv4" && n.name != "cidr_ipv6" {
		a.add(High, "network-changed", quoted(n)+" is emptied, which to some services means everybody")
	}
}

// reach is one range; what is no range but a name, such as a tag, has text only.
type reach struct {
	prefix netip.Prefix
	text   string
	world  bool
}

// prefixes reads the ranges in a value, however it is built.
func prefixes(v any) []reach {
	switch v := v.(type) {
	case string:
		var all []reach
		for _, text := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' }) {
			all = append(all, reachOf(text))
		}
		return all
	case []any:
		var all []reach
		for _, element := range v {
			all = append(all, prefixes(element)...)
		}
		return all
	case map[string]any: // authorized_networks { value = "10.0.0.0/8" }
		var all []reach
		for _, name := range []string{"value", "cidr_block", "cidr", "cidr_blocks", "ip_range", "start_ip_address"} {
			all = append(all, prefixes(v[name])...)
		}
		return all
	}
	return nil
}

func reachOf(text string) reach {
	switch strings.ToLower(text) {
	case "*", "internet", "any", "0.0.0.0", "::":
		return reach{text: text, world: true}
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return reach{prefix: p.Masked(), text: text, world: p.Bits() == 0}
	}
	if address, err := netip.ParseAddr(text); err == nil {
		return reach{prefix: netip.PrefixFrom(address, address.BitLen()), text: text}
	}
	return reach{text: text}
}

func covered(before []reach, p reach) bool {
	for _, b := range before {
		if b.text == p.text || b.prefix.IsValid() && p.prefix.IsValid() && b.prefix.Bits() <= p.prefix.Bits() && b.prefix.Contains(p.prefix.Addr()) {
			return true
		}
	}
	return false
}

func anyWorld(before []reach, p reach) bool {
	for _, b := range before {
		if b.world && (b.text == p.text || b.prefix == p.prefix || !b.prefix.IsValid()) {
			return true
		}
	}
	return false
}
