# Which ranges of addresses, taken together, open something to the whole world.
package penstock.lib.cidr

# world: the ranges cover all public addresses of one family, however they are cut.
# A range shorter than /8 (IPv4) or /16 (IPv6) counts as the world by itself:
# nobody owns that much.
world(ranges) if {
	some range in merged(ranges)
	wide(range)
}

wide(range) if {
	not contains(range, ":")
	prefix(range) < 8
}

wide(range) if {
	contains(range, ":")
	prefix(range) < 16
}

prefix(range) := to_number(split(range, "/")[1])

# merged: neighbouring ranges become one, so that two halves are the whole.
merged(ranges) := net.cidr_merge([range | some range in ranges; net.cidr_is_valid(range)])
