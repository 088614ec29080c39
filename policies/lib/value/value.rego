# Tests on values that may be markers, or texts that stand for booleans and numbers.
package penstock.lib.value

# unknown: it holds something that is neither known nor a reference.
unknown(v) if is_object(v["$unknown"])

# undecided: it is a marker of any kind.
undecided(v) if unknown(v)

undecided(v) if v["$ref"]

undecided(v) if v["$partial"]

truthy(true)

truthy("true")

truthy("1")

falsy(false)

falsy("false")

falsy("0")

falsy(null)

falsy("")

# off: an argument that is not set, or set to false.
off(object_, name) if falsy(object.get(object_, name, false))

# on: an argument that is set to true.
on(object_, name) if truthy(object.get(object_, name, false))

# unset: an argument that is absent, null or an empty text.
unset(object_, name) if object.get(object_, name, "") in {"", null}

# list: the items of a list, or a single value as a list of one. A marker in
# place of a list has no items: ask undecided first.
list(v) := v if is_array(v)

list(v) := [v] if {
	not is_array(v)
	v != null
}
