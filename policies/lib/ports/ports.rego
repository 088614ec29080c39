# Port ranges of security group rules, in all the ways to write them.
package penstock.lib.ports

all_protocols := {"-1", "all", -1}

port_protocols := {"tcp", "udp", "6", "17", 6, 17}

# opens: a rule lets the port through. Without ports a protocol opens all of them.
opens(protocol, from, to, port) if {
	protocol in port_protocols
	number(from) <= port
	port <= number(to)
}

opens(protocol, _, _, _) if protocol in all_protocols

# opens_all: every port there is.
opens_all(protocol, _, _) if protocol in all_protocols

opens_all(protocol, from, to) if {
	protocol in port_protocols
	number(from) <= 0
	number(to) >= 65535
}

number(n) := n if is_number(n)

number(text) := to_number(text) if is_string(text)
