# METADATA
# title: SSH and RDP come from the bastion only
# description: >-
#   One door that is watched. The bastion is the security group or the range that
#   compliance.settings.bastion declares, else the security group named "bastion".
# custom:
#   id: ssh-from-bastion
#   severity: critical
#   remediation: let ports 22 and 3389 in from the bastion's security group, or declare the bastion in compliance.settings.bastion
#   resources:
#     aws_security_group: [ingress, name, name_prefix]
#     aws_default_security_group: [ingress]
#     aws_security_group_rule: [type, protocol, from_port, to_port, cidr_blocks, ipv6_cidr_blocks, source_security_group_id, prefix_list_ids, self, security_group_id]
#     aws_vpc_security_group_ingress_rule: [ip_protocol, from_port, to_port, cidr_ipv4, cidr_ipv6, referenced_security_group_id, prefix_list_id, security_group_id]
#   related:
#     aws_security_group: [id, name, name_prefix]
package penstock.network.ssh_from_bastion

import data.penstock.lib.ingress
import data.penstock.lib.ports
import data.penstock.lib.refs
import data.penstock.lib.value

bastion := input.settings.bastion

declared if count(bastion.security_groups) + count(bastion.cidrs) > 0

remote := {22: "SSH", 3389: "RDP"}

deny contains {"message": message, "attribute": entry.attribute} if {
	not guards_itself
	some entry in ingress.entries
	some port, name in remote
	ingress.ports_known(entry)
	ports.opens(entry.protocol, entry.from, entry.to, port)
	some source in strangers(entry)
	message := sprintf("%s (port %d) is open from %s, which is not the bastion", [name, port, source])
}

# guards_itself: it is the bastion, which has to be reached from somewhere.
guards_itself if {
	input.resource.type == "aws_security_group"
	named(input.resource)
}

guards_itself if {
	group := input.resource.values.security_group_id
	known_group(group)
}

strangers(entry) := union({
	{range | some range in ingress.known_ranges(entry); net.cidr_is_valid(range); not inside(range)},
	{shown(group) | some group in entry.groups; not value.unknown(group); not maybe(group); not known_group(group)},
	{"a prefix list" | some list in entry.prefix_lists; not value.unknown(list)},
	{"itself" | value.truthy(entry.itself)},
})

inside(range) if {
	some allowed in bastion.cidrs
	net.cidr_contains(allowed, range)
}

shown(group) := group if is_string(group)

shown(group) := group["$ref"].address if group["$ref"]

shown(group) := "a security group" if group["$partial"]

# known_group: it is the bastion's security group.
known_group(group) if {
	is_string(group)
	group in bastion.security_groups
}

known_group(group) if {
	ref := group["$ref"]
	ref.type == "aws_security_group"
	some candidate in input.related.aws_security_group
	refs.about(group, candidate)
	named(candidate)
}

# In a plan the id of a group that exists is known.
known_group(group) if {
	is_string(group)
	some candidate in input.related.aws_security_group
	candidate.values.id == group
	named(candidate)
}

known_group(group) if {
	ref := group["$ref"]
	not declared
	ref.type == "aws_security_group"
	ref.name == "bastion"
	ref.attribute in refs.identifying
}

# maybe: a reference of which the name is not known, such as one to a data source by variable.
maybe(group) if {
	ref := group["$ref"]
	ref.type == "aws_security_group"
	some candidate in input.related.aws_security_group
	refs.about(group, candidate)
	not named(candidate)
	candidate.name != "bastion"
	value.undecided(object.get(candidate.values, "name", ""))
}

named(candidate) if {
	not declared
	candidate.name == "bastion"
}

named(candidate) if {
	not declared
	candidate.values.name == "bastion"
}

named(candidate) if {
	not declared
	is_string(candidate.values.name_prefix)
	startswith(candidate.values.name_prefix, "bastion")
}

named(candidate) if candidate.values.name in bastion.security_groups

unknown contains "it is not known what is let in" if {
	not guards_itself
	ingress.vague
}

unknown contains {"message": "it is not known whether SSH or RDP comes from the bastion", "attribute": entry.attribute} if {
	not guards_itself
	some entry in ingress.entries
	may_open(entry)
	unknown_source(entry)
}

may_open(entry) if not ingress.ports_known(entry)

may_open(entry) if {
	some port, _ in remote
	ports.opens(entry.protocol, entry.from, entry.to, port)
}

unknown_source(entry) if ingress.unknown_ranges(entry)

unknown_source(entry) if {
	some group in entry.groups
	value.unknown(group)
}

unknown_source(entry) if {
	some group in entry.groups
	maybe(group)
}

unknown_source(entry) if {
	not ingress.ports_known(entry)
	count(strangers(entry)) > 0
}

unknown_source(entry) if {
	some list in entry.prefix_lists
	value.unknown(list)
}

unknown_source(entry) if value.undecided(entry.itself)
