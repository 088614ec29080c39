package resource

import (
	"slices"
	"strings"
)

// filledIn are the nested blocks that the AWS provider computes where nobody
// writes them. A plan shows these as unknown, just like blocks of a dynamic block
// of which the number is unknown. They are taken for absent, as they are in plain
// configuration; any other block that is unknown is a dynamic one.
var filledIn = map[string][]string{
	"aws_instance":                         {"ebs_block_device", "root_block_device", "metadata_options"},
	"aws_launch_configuration":             {"ebs_block_device", "root_block_device"},
	"aws_launch_template":                  {"metadata_options"},
	"aws_dynamodb_table":                   {"server_side_encryption"},
	"aws_opensearch_domain":                {"encrypt_at_rest", "domain_endpoint_options"},
	"aws_elasticsearch_domain":             {"encrypt_at_rest", "domain_endpoint_options"},
	"aws_s3_bucket":                        {"server_side_encryption_configuration", "versioning", "grant"},
	"aws_security_group":                   {"ingress", "egress"},
	"aws_default_security_group":           {"ingress", "egress"},
	"aws_kinesis_firehose_delivery_stream": nil,
}

// planMerge merges what is planned for a resource with what is unknown and what
// is written.
type planMerge struct {
	planScope
	kind   string
	wanted []string
}

// blocks says whether a path names nested blocks: something inside of it is wanted.
func (m planMerge) blocks(path string) bool {
	return !slices.Contains(filledIn[m.kind], path) &&
		slices.ContainsFunc(m.wanted, func(w string) bool { return strings.HasPrefix(w, path+".") })
}

// merge puts markers where a value is unknown. A computed argument that nobody
// wrote is absent, as it is in plain configuration.
func (m planMerge) merge(value, unknown any, w written, path string) any {
	switch flag := unknown.(type) {
	case bool:
		if flag {
			return m.missing(w, path)
		}
	case map[string]any:
		object, _ := value.(map[string]any)
		out := map[string]any{}
		for name, member := range object {
			if v := m.merge(member, flag[name], w.at(name), path+"."+name); v != nil {
				out[name] = v
			}
		}
		for name, inner := range flag {
			if _, had := object[name]; !had {
				if v := m.merge(nil, inner, w.at(name), path+"."+name); v != nil {
					out[name] = v
				}
			}
		}
		return out
	case []any:
		list, _ := value.([]any)
		out := []any{}
		n := max(len(list), len(flag))
		sole := w.state == expression && len(slices.DeleteFunc(slices.Clone(flag), settled)) == 1 && m.created(w)
		for i := range n {
			var item, inner any
			if i < len(list) {
				item = list[i]
			}
			if i < len(flag) {
				inner = flag[i]
			}
			place := w.item(item, n)
			if sole {
				place = w
			}
			if v := m.merge(item, inner, place, path); v != nil {
				out = append(out, v)
			}
		}
		return out
	}
	return withoutNulls(value)
}

// missing is an unknown value: a reference, unknown, or nothing that was written.
func (m planMerge) missing(w written, path string) any {
	if w.state == nowhere {
		if m.blocks(path) {
			return unknownMarker(reasonMark{message: "which blocks there are is known only after apply"})
		}
		return nil
	}
	references, null := w.references()
	if null {
		return nil
	}
	if r, ok := m.resolve(references, 0); ok {
		return refMarker(r)
	}
	return unknownMarker(reasonMark{message: "it is known only after apply"})
}

// created says whether what is written refers only to the id of a resource that
// is going to be created. It is then unknown in the block that refers to it, so
// that the only block that holds an unknown is this one, and none of a dynamic block.
func (m planMerge) created(w written) bool {
	references, _ := w.references()
	r, ok := m.resolve(references, 0)
	return ok && (r.attribute == "id" || r.attribute == "arn") && m.reader.created[r.instance()]
}

// settled says whether nothing in a value is unknown.
func settled(flag any) bool {
	switch flag := flag.(type) {
	case bool:
		return !flag
	case []any:
		return !slices.ContainsFunc(flag, func(f any) bool { return !settled(f) })
	case map[string]any:
		for _, inner := range flag {
			if !settled(inner) {
				return false
			}
		}
	}
	return true
}

// tagged says whether tags_all is made from tags that are not known, those of the
// resource or default_tags: it is unknown too where there are none at all.
func (m planMerge) tagged(flags map[string]any) bool {
	return m.reader.defaultTags || flags["tags"] != nil && flags["tags"] != false
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, member := range v {
			if member = withoutNulls(member); member != nil {
				out[key] = member
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			out = append(out, withoutNulls(item))
		}
		return out
	}
	return v
}
