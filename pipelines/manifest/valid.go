package manifest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/resource"
)

var (
	schemaRule = &compliance.Rule{ID: compliance.SchemaRule, Title: "The Kubernetes API takes the object", Severity: pipelines.High,
		Remediation: "correct the template, or the value that it prints"}
	kindRule = &compliance.Rule{ID: compliance.KindRule, Title: "The kind of the object is known", Severity: pipelines.Medium,
		Remediation: "give the kind's JSON Schema, or excuse it by a waiver of kubernetes-kind in penstock.yaml"}
)

// judge says by which versions an object is not valid, and whether its kind is known.
func (a *apis) judge(o *Object) ([]compliance.Decision, error) {
	full := o.APIVersion + "/" + o.Kind
	subject := o.resource(o.Kind)
	value := withoutNulls(o.Value)
	wrong := map[compliance.Note][]string{}
	var unknown []string
	for _, api := range a.list {
		schema, err := api.schema(full)
		if err != nil {
			return nil, err
		}
		if schema == nil {
			unknown = append(unknown, api.version)
			continue
		}
		var invalid *jsonschema.ValidationError
		switch err := schema.Validate(value); {
		case errors.As(err, &invalid):
			o.shapeless = o.shapeless || shapeless(invalid)
			for _, note := range leaves(invalid) {
				if !slices.Contains(wrong[note], api.version) {
					wrong[note] = append(wrong[note], api.version)
				}
			}
		case err != nil:
			return nil, fmt.Errorf("judging %s: %w", o.Address(), err)
		}
	}
	var decisions []compliance.Decision
	decide := func(rule *compliance.Rule, verdict pipelines.Verdict, notes ...compliance.Note) {
		decisions = append(decisions, compliance.Decision{Rule: rule, Resource: subject, Verdict: verdict, Notes: notes})
	}
	if len(wrong) > 0 {
		var notes []compliance.Note
		for note, versions := range wrong {
			note.Message += " (Kubernetes " + strings.Join(versions, ", ") + ")"
			notes = append(notes, note)
		}
		decide(schemaRule, pipelines.Fail, notes...)
	}
	where := compliance.Note{Attribute: "kind"}
	switch kind := printable.Text(full, 200); {
	case len(unknown) == 0:
	case a.groups[group(full)]:
		where.Message = fmt.Sprintf("there is no %s in Kubernetes %s", kind, strings.Join(unknown, ", "))
		decide(schemaRule, pipelines.Fail, where)
	default:
		where.Message = fmt.Sprintf("the kind %s is not known, so it is not judged", kind)
		decide(kindRule, pipelines.Unknown, where)
	}
	if len(decisions) == 0 {
		decide(schemaRule, pipelines.Pass)
	}
	return decisions, nil
}

// withoutNulls copies a value without members that are null: the API takes them
// for absent. In a list a null stays what it is.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			if value != nil {
				out[key] = withoutNulls(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = withoutNulls(item)
		}
		return out
	}
	return v
}

// leaves are the innermost reasons, in words and without any value: it may be secret.
func leaves(e *jsonschema.ValidationError) []compliance.Note {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
	default:
		if len(e.Causes) > 0 {
			var all []compliance.Note
			for _, cause := range e.Causes {
				all = append(all, leaves(cause)...)
			}
			return all
		}
	}
	at := strings.Join(e.InstanceLocation, ".")
	place := printable.Text(at, 200)
	if at == "" {
		place = "the object"
	}
	note := func(at, format string, args ...any) compliance.Note {
		return compliance.Note{Attribute: at, Message: printable.Text(fmt.Sprintf(format, args...), 400)}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		var all []compliance.Note
		for _, name := range k.Properties {
			all = append(all, note(join(at, name), "%s has no field %q", place, name))
		}
		return all
	case *kind.Required:
		return []compliance.Note{note(at, "%s lacks %s", place, strings.Join(k.Missing, ", "))}
	case *kind.Type:
		return []compliance.Note{note(at, "%s is of the type %s, allowed is %s", place, k.Got, strings.Join(k.Want, " or "))}
	case *kind.Format:
		return []compliance.Note{note(at, "%s is not of the format %s", place, k.Want)}
	case *kind.Minimum, *kind.Maximum:
		return []compliance.Note{note(at, "%s is out of range", place)}
	}
	return []compliance.Note{note(at, "%s is not of the form that is allowed (%s)", place, strings.Join(e.ErrorKind.KeywordPath(), "/"))}
}

// shapeless says whether an error is that something is of another type than it
// has to be, so that rules would look for what cannot be there.
func shapeless(e *jsonschema.ValidationError) bool {
	switch e.ErrorKind.(type) {
	case *kind.Type, *kind.AnyOf, *kind.OneOf:
		return true
	}
	return slices.ContainsFunc(e.Causes, shapeless)
}

// twice finds objects of which another has the same name: one would replace the other.
func twice(objects []Object, namespace string) []compliance.Decision {
	seen := map[string]bool{}
	var decisions []compliance.Decision
	for i := range objects {
		o := &objects[i]
		if o.Name == "" {
			continue
		}
		in := o.Namespace
		if in == "" {
			in = namespace
		}
		id := strings.Join([]string{group(o.APIVersion + "/" + o.Kind), o.Kind, in, o.Name}, "\x00")
		if seen[id] {
			decisions = append(decisions, compliance.Decision{Rule: schemaRule, Resource: o.resource(o.Kind), Verdict: pipelines.Fail,
				Notes: []compliance.Note{{Message: "the object is there twice: one replaces the other", Attribute: "kind"}}})
		}
		seen[id] = true
	}
	return decisions
}

// resource is the object in the form that rules see.
func (o *Object) resource(typ string) *resource.Resource {
	return &resource.Resource{Address: o.Address(), Type: typ, Name: o.Name, Mode: "managed", Position: o.Position, Positions: o.Positions}
}

// templates are where the pods of a kind are described.
var templates = [][]string{{}, {"template"}, {"spec", "template"}, {"spec", "jobTemplate", "spec", "template"}}

// podKinds always have a pod.
var podKinds = map[string]int{"Pod": 0, "PodTemplate": 1, "Deployment": 2, "StatefulSet": 2, "DaemonSet": 2, "ReplicaSet": 2, "ReplicationController": 2,
	"Job": 2, "CronJob": 3}

// resources are what rules judge of an object: itself, under its kind, and the pod
// that it describes, under "pod", with metadata, spec, namespace and owner.
func (o *Object) resources(namespace string) []resource.Resource {
	value, _ := withoutNulls(o.Value).(map[string]any)
	if o.Namespace != "" {
		namespace = o.Namespace
	}
	self := *o.resource(o.Kind)
	core := builtin(o.APIVersion)
	if !core {
		self.Type = o.APIVersion + "/" + o.Kind
	}
	self.Values = maps.Clone(value)
	if o.shapeless {
		self.Values = undecided()
	}
	self.Values["namespace"] = namespace
	all := []resource.Resource{self}
	for i, at := range templates {
		always, known := podKinds[o.Kind]
		template := inside(value, at)
		spec, _ := template["spec"].(map[string]any)
		switch {
		case core && known && always != i, core && !known:
			continue
		case !core && spec["containers"] == nil:
			continue
		}
		pod := *o.resource("pod")
		pod.Values = map[string]any{"namespace": namespace, "metadata": template["metadata"], "spec": spec,
			"owner": map[string]any{"kind": o.Kind, "name": o.Name}}
		switch {
		case o.shapeless || spec == nil || !core && !podLike(template):
			pod.Values = undecided()
			pod.Values["namespace"] = namespace
		case template["metadata"] == nil:
			pod.Values["metadata"] = map[string]any{}
		}
		pod.Positions = map[string]pipelines.Position{}
		prefix := strings.Join(at, ".")
		for path, p := range o.Positions {
			if rest, ok := strings.CutPrefix(path, prefix); ok {
				pod.Positions[strings.TrimPrefix(rest, ".")] = p
			}
		}
		all = append(all, pod)
	}
	return all
}

// undecided stands for every field of an object that is not of its kind's form: a
// rule that reads any is not decided.
func undecided() map[string]any {
	values := map[string]any{}
	for _, field := range []string{"metadata", "spec", "data", "stringData", "owner", "subjects", "automountServiceAccountToken"} {
		values[field] = map[string]any{resource.UnknownMarker: map[string]any{"message": "it is not of the form of its kind"}}
	}
	return values
}

// podLike says whether what another kind holds has the form of a pod, in the
// newest version.
func podLike(template map[string]any) bool {
	versions := Versions()
	apis, done, err := load(versions[len(versions)-1:], nil)
	if err != nil {
		return false
	}
	defer done()
	schema, err := apis.list[0].schema("v1/PodTemplate")
	if err != nil || schema == nil {
		return false
	}
	var invalid *jsonschema.ValidationError
	err = schema.Validate(withoutNulls(map[string]any{"template": map[string]any{"metadata": template["metadata"], "spec": template["spec"]}}))
	return err == nil || errors.As(err, &invalid) && !shapeless(invalid)
}

func inside(value map[string]any, at []string) map[string]any {
	for _, name := range at {
		value, _ = value[name].(map[string]any)
	}
	return value
}

// builtin says whether a group and version are of Kubernetes itself.
func builtin(apiVersion string) bool {
	all, _ := files()
	for _, d := range all {
		for kind := range d.Kinds {
			if group(kind) == group(apiVersion+"/x") {
				return true
			}
		}
	}
	return false
}
