# Which resource an argument means.
package penstock.lib.refs

# about: an argument of another resource refers to this one, by reference or by name.
about(argument, resource) if without_keys(argument["$ref"].address) == without_keys(resource.address)

about(argument, resource) if {
	is_string(argument)
	argument == resource.values.bucket
}

# lost: it cannot be known which resource an argument means.
lost(argument) if argument["$unknown"]

lost(argument) if argument["$partial"]

without_keys(address) := regex.replace(address, `\[[^\]]*\]`, "")
