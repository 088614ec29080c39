package resource

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// policyDocument computes what data.aws_iam_policy_document does: the JSON of a
// policy. References stay in it as texts; anything unknown makes it unknown.
func (m *module) policyDocument(b *block, i instance) cty.Value {
	v := m.object1(b.body, i.scope)
	if b.body.attributes != nil {
		for _, name := range []string{"source_policy_documents", "override_policy_documents", "source_json", "override_json"} {
			if _, ok := b.body.attributes[name]; ok {
				return m.mergedDocument(v, b)
			}
		}
	}
	return m.documentOf(v, nil, b)
}

// mergedDocument puts the statements of source documents first.
func (m *module) mergedDocument(v cty.Value, b *block) cty.Value {
	var statements []any
	var refs cty.ValueMarks
	for _, old := range []string{"source_json", "override_json"} {
		if v.Type().HasAttribute(old) && !v.GetAttr(old).RawEquals(cty.NullVal(v.GetAttr(old).Type())) {
			return unknown(cty.String, b.at, old+" is not evaluated: use "+strings.TrimSuffix(old, "json")+"policy_documents")
		}
	}
	for _, name := range []string{"source_policy_documents", "override_policy_documents"} {
		if !v.Type().HasAttribute(name) {
			continue
		}
		list, marks := v.GetAttr(name).UnmarkDeep()
		refs = union(refs, marks)
		if !list.IsWhollyKnown() {
			return cty.UnknownVal(cty.String).WithMarks(marks)
		}
		if list.IsNull() {
			continue
		}
		for it := list.ElementIterator(); it.Next(); {
			_, text := it.Element()
			var doc struct{ Statement []any }
			if text.IsNull() || text.Type() != cty.String || json.Unmarshal([]byte(text.AsString()), &doc) != nil {
				return unknown(cty.String, b.at, "a document that it is made from is no JSON")
			}
			statements = append(statements, doc.Statement...)
		}
	}
	out := m.documentOf(v, statements, b)
	return out.WithMarks(refs)
}

func union(a, b cty.ValueMarks) cty.ValueMarks {
	return cty.True.WithMarks(a, b).Marks()
}

func (m *module) documentOf(v cty.Value, statements []any, b *block) cty.Value {
	bare, marks := v.UnmarkDeep()
	if !bare.IsWhollyKnown() {
		return cty.UnknownVal(cty.String).Mark(reasonOf(marks))
	}
	raw := rawObject(bare)
	for _, s := range rawList(raw["statement"]) {
		if _, dynamic := s["dynamic"]; dynamic {
			return unknown(cty.String, b.at, "dynamic blocks inside of blocks in JSON syntax are not evaluated")
		}
		statements = append(statements, statement(s))
	}
	doc := map[string]any{"Version": "2012-10-17", "Statement": statements}
	if version, ok := raw["version"].(string); ok {
		doc["Version"] = version
	}
	if id, ok := raw["policy_id"].(string); ok {
		doc["Id"] = id
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(doc); err != nil {
		return unknown(cty.String, b.at, err.Error())
	}
	return cty.StringVal(strings.TrimSpace(text.String())).WithMarks(onlyRefs(marks))
}

func onlyRefs(marks cty.ValueMarks) cty.ValueMarks {
	out := cty.ValueMarks{}
	for mark := range marks {
		if _, ok := mark.(refMark); ok {
			out[mark] = struct{}{}
		}
	}
	return out
}

// statement is one statement in the words of a policy.
func statement(s map[string]any) map[string]any {
	out := map[string]any{"Effect": "Allow"}
	for from, to := range map[string]string{"sid": "Sid", "effect": "Effect", "actions": "Action", "not_actions": "NotAction",
		"resources": "Resource", "not_resources": "NotResource"} {
		if value, ok := s[from]; ok {
			out[to] = value
		}
	}
	for from, to := range map[string]string{"principals": "Principal", "not_principals": "NotPrincipal"} {
		who := map[string]any{}
		for _, p := range rawList(s[from]) {
			kind, _ := p["type"].(string)
			ids, _ := p["identifiers"].([]any)
			had, _ := who[kind].([]any)
			who[kind] = append(had, ids...)
		}
		if all, ok := who["*"]; ok && len(who) == 1 && len(all.([]any)) == 1 && all.([]any)[0] == "*" {
			out[to] = "*"
		} else if len(who) > 0 {
			out[to] = who
		}
	}
	conditions := map[string]any{}
	for _, c := range rawList(s["condition"]) {
		test, _ := c["test"].(string)
		variable, _ := c["variable"].(string)
		tests, _ := conditions[test].(map[string]any)
		if tests == nil {
			tests = map[string]any{}
			conditions[test] = tests
		}
		had, _ := tests[variable].([]any)
		values, _ := c["values"].([]any)
		tests[variable] = append(had, values...)
	}
	if len(conditions) > 0 {
		out["Condition"] = conditions
	}
	return out
}

// rawObject turns a known value into plain data, texts of references as they are.
func rawObject(v cty.Value) map[string]any {
	out := map[string]any{}
	for it := v.ElementIterator(); it.Next(); {
		key, member := it.Element()
		if value := raw(member); value != nil {
			out[key.AsString()] = value
		}
	}
	return out
}

func raw(v cty.Value) any {
	switch t := v.Type(); {
	case v.IsNull():
		return nil
	case t == cty.String:
		return v.AsString()
	case t == cty.Bool:
		return v.True()
	case t == cty.Number:
		return v.AsBigFloat().Text('f', -1)
	case t.IsObjectType(), t.IsMapType():
		return rawObject(v)
	case v.CanIterateElements():
		list := []any{}
		for it := v.ElementIterator(); it.Next(); {
			_, member := it.Element()
			list = append(list, raw(member))
		}
		return list
	}
	return nil
}

func rawList(v any) []map[string]any {
	var out []map[string]any
	list, _ := v.([]any)
	if object, ok := v.(map[string]any); ok { // JSON writes a single block without its list
		list = []any{object}
	}
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			out = append(out, object)
		}
	}
	return out
}
