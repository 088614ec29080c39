# Which resource an argument means. Instances are different resources: a reference
# to this["a"] says nothing of this["b"].
package penstock.lib.refs

# about: an argument of another resource is this one's id or name, by reference or as text.
about(argument, resource) if {
	ref := argument["$ref"]
	ref.attribute in identifying
	ref.address == block(resource)
	object.get(ref, "key", null) == resource.key
}

about(argument, resource) if {
	is_string(argument)
	argument == resource.values.bucket
}

# identifying are the attributes that other resources know a resource by. Of
# this[each.key].id a plan does not tell the attribute.
identifying := {"", "arn", "bucket", "id"}

# block: the address without the instance key at its end, as it stands in a reference.
block(resource) := resource.address if resource.key == null

block(resource) := regex.replace(resource.address, `\[("([^"\\]|\\.)*"|[0-9]+)\]$`, "") if resource.key != null

# lost: it cannot be known which resource an argument means.
lost(argument) if argument["$unknown"]

lost(argument) if argument["$partial"]
