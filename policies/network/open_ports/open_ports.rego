# METADATA
# title: Nothing is open to the whole world but the allowed ports
# description: >-
#   A port that the whole world reaches is attacked within minutes. What has to be
#   public is named in compliance.settings.allowed_ports of penstock.yaml.
# custom:
#   id: open-ports
#   severity: critical
#   remediation: name the ranges that need it, or add the port to compliance.settings.allowed_ports
#   resources:
#     aws_security_group: [ingress]
#     aws_default_security_group: [ingress]
#     aws_security_group_rule: [type, protocol, from_port, to_port, cidr_blocks, ipv6_cidr_blocks]
#     aws_vpc_security_group_ingress_rule: [ip_protocol, from_port, to_port, cidr_ipv4, cidr_ipv6]
package penstock.network.open_ports

import data.penstock.lib.cidr
import data.penstock.lib.ingress
import data.penstock.lib.ports

deny contains {"message": message, "attribute": entry.attribute} if {
	some entry in ingress.entries
	cidr.world(ingress.known_ranges(entry))
	ingress.ports_known(entry)
	what := opened(entry)
	message := sprintf("%s open to the whole world", [what])
}

opened(entry) := "every port is" if ports.opens_all(entry.protocol, entry.from, entry.to)

opened(entry) := what if {
	not ports.opens_all(entry.protocol, entry.from, entry.to)
	entry.protocol in ports.port_protocols
	from := ports.number(entry.from)
	to := ports.number(entry.to)
	allowed := {port | some port in input.settings.allowed_ports; port >= from; port <= to}
	count(allowed) < (to - from) + 1
	what := named(from, to)
}

named(from, to) := sprintf("port %d is", [from]) if from == to

named(from, to) := sprintf("ports %d to %d are", [from, to]) if from != to

unknown contains "it is not known what is let in" if ingress.vague

unknown contains {"message": "it is not known from where it is open", "attribute": entry.attribute} if {
	some entry in ingress.entries
	ingress.unknown_ranges(entry)
	not harmless(entry)
}

unknown contains {"message": "it is not known which ports are open to the whole world", "attribute": entry.attribute} if {
	some entry in ingress.entries
	not ingress.ports_known(entry)
	cidr.world(ingress.known_ranges(entry))
}

# harmless: whoever reaches it, only allowed ports are open.
harmless(entry) if {
	ingress.ports_known(entry)
	not opened(entry)
}
