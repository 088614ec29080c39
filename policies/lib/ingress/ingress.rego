# What a security group lets in, however it is written: blocks of the group, or
# rule resources of their own.
package penstock.lib.ingress

import data.penstock.lib.value

resource_ := input.resource

values := input.resource.values

# entries: one object for each rule that lets something in.
entries contains entry if {
	resource_.type in {"aws_security_group", "aws_default_security_group"}
	some block in value.list(object.get(values, "ingress", []))
	not value.undecided(block)
	entry := {
		"protocol": plain(object.get(block, "protocol", "")),
		"from": object.get(block, "from_port", 0),
		"to": object.get(block, "to_port", 0),
		"ranges": array.concat(members(block, "cidr_blocks"), members(block, "ipv6_cidr_blocks")),
		"groups": members(block, "security_groups"),
		"prefix_lists": members(block, "prefix_list_ids"),
		"itself": object.get(block, "self", false),
		"attribute": "ingress",
	}
}

entries contains entry if {
	resource_.type == "aws_security_group_rule"
	object.get(values, "type", "") == "ingress"
	entry := {
		"protocol": plain(object.get(values, "protocol", "")),
		"from": object.get(values, "from_port", 0),
		"to": object.get(values, "to_port", 0),
		"ranges": array.concat(members(values, "cidr_blocks"), members(values, "ipv6_cidr_blocks")),
		"groups": members(values, "source_security_group_id"),
		"prefix_lists": members(values, "prefix_list_ids"),
		"itself": object.get(values, "self", false),
		"attribute": "protocol",
	}
}

entries contains entry if {
	resource_.type == "aws_vpc_security_group_ingress_rule"
	entry := {
		"protocol": plain(object.get(values, "ip_protocol", "")),
		"from": object.get(values, "from_port", 0),
		"to": object.get(values, "to_port", 0),
		"ranges": array.concat(members(values, "cidr_ipv4"), members(values, "cidr_ipv6")),
		"groups": members(values, "referenced_security_group_id"),
		"prefix_lists": members(values, "prefix_list_id"),
		"itself": false,
		"attribute": "ip_protocol",
	}
}

# plain: AWS takes a protocol in capitals too.
plain(protocol) := lower(protocol) if is_string(protocol)

plain(protocol) := protocol if not is_string(protocol)

members(object_, name) := value.list(object.get(object_, name, []))

# vague: how many rules there are, or whether one lets in, cannot be known.
vague if {
	some block in value.list(object.get(values, "ingress", []))
	value.undecided(block)
}

vague if value.undecided(object.get(values, "type", ""))

# ports_known: protocol and ports of a rule are plain values.
ports_known(entry) if {
	not value.undecided(entry.protocol)
	not value.undecided(entry.from)
	not value.undecided(entry.to)
}

# known_ranges are those that are plain text.
known_ranges(entry) := [range | some range in entry.ranges; is_string(range)]

# unknown_ranges: a range is not known, or is none.
unknown_ranges(entry) if {
	some range in entry.ranges
	value.undecided(range)
}

unknown_ranges(entry) if {
	some range in known_ranges(entry)
	not net.cidr_is_valid(range)
}
