package resource

import (
	"encoding/json"
	"strings"
	"testing"
)

// A plan has data sources that it could read in its prior state only.
func TestDataSourcesOfPlans(t *testing.T) {
	const plan = `{"format_version": "1.2",
		"resource_changes": [{"address": "data.box.later", "mode": "data", "type": "box", "name": "later",
			"change": {"actions": ["read"], "after": {}, "after_unknown": {"a": true}}}],
		"prior_state": {"values": {"root_module": {
			"resources": [
				{"address": "data.box.later", "mode": "data", "type": "box", "name": "later", "values": {"a": 0}},
				{"address": "box.managed", "mode": "managed", "type": "box", "name": "managed", "values": {"a": 1}}],
			"child_modules": [{"resources": [
				{"address": "module.m[\"x\"].data.box.now[0]", "mode": "data", "type": "box", "name": "now", "index": 0, "values": {"a": 2}},
				{"address": "module.m[\"x\"].data.other.now", "mode": "data", "type": "other", "name": "now", "values": {}}],
				"address": "module.m[\"x\"]"}]}}},
		"configuration": {"root_module": {}}}`
	d, err := FromPlan(t.Context(), strings.NewReader(plan), "plan.json", Wanted{"box": {"a"}})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, r := range d.Resources {
		values, _ := json.Marshal(r.Values)
		got.WriteString(r.Address + " in " + r.Module + " " + string(values) + "\n")
	}
	const want = `data.box.later in  {"a":{"$unknown":{"message":"it is known only after apply"}}}
module.m["x"].data.box.now[0] in module.m["x"] {"a":2}
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func TestAddressesOfPlans(t *testing.T) {
	for address, want := range map[string]string{
		`aws_vpc.this.id`:                 `[{"aws_vpc",nil} {"this",nil} {"id",nil}]`,
		`module.m["a.b"].aws_vpc.t[0].id`: `[{"module",nil} {"m","a.b"} {"aws_vpc",nil} {"t",0} {"id",nil}]`,
		`each.value["x"].id`:              `[{"each",nil} {"value","x"} {"id",nil}]`,
		`broken[`:                         `[]`,
	} {
		var got []string
		for _, s := range stepsOf(address) {
			key, _ := json.Marshal(s.key)
			got = append(got, `{"`+s.name+`",`+strings.Replace(string(key), "null", "nil", 1)+`}`)
		}
		if text := "[" + strings.Join(got, " ") + "]"; text != want {
			t.Errorf("%s is %s, want %s", address, text, want)
		}
	}
}
