// Package manifest judges rendered Kubernetes manifests, as helm template prints
// them: by the schemas of the Kubernetes API at the versions that count, and by
// our policies. It reads them as the API server's tools do, and refuses what
// these read in two ways.
package manifest

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/resource"
	"github.com/penstock-dev/penstock/policies"
)

// Stage is the name of the stage.
const Stage = "manifest"

// Limit is the largest stream that is read, in bytes.
const Limit = 16 << 20

// YAMLRule is broken by text that cannot be read in one way only. It cannot be
// waived: what it is about was not judged.
const YAMLRule = "kubernetes-yaml"

// Options say by what to judge. The zero value of each is its default.
type Options struct {
	// Name is what positions call the stream. Default "manifest.yaml".
	Name string
	// Unit is whose waivers count, as in compliance.waivers[].unit. Default: Name.
	Unit string
	// Namespace is where objects are that name none. Default "default".
	Namespace string
	// Versions of Kubernetes that have to take the objects, as minor versions:
	// "1.36". Default: all of Versions().
	Versions []string
	// Schemas are JSON Schemas of kinds that Kubernetes does not know, by
	// "group/version/Kind". ExternalSecret is known without one.
	Schemas map[string][]byte
	// Config is penstock.yaml: its compliance section switches and waives. Nil: none.
	Config *config.Config
	// Now is the time by which waivers expire. Default: the time of the call.
	Now time.Time
	// Budget bounds one query of a policy. Default 10 s.
	Budget time.Duration
}

// Judgement is what is said of a stream.
type Judgement struct {
	// Result has the findings and what was counted: objects, rules, versions. Its
	// verdict is never pass where nothing was judged or something was not read.
	pipelines.Result
	// Notices say which waivers excuse nothing or end soon.
	Notices []pipelines.Notice
	// Objects are what was read, in the order of the stream.
	Objects []Object
}

// Judge judges a stream of YAML documents. A finding's path is the chart's file of
// helm's comment "# Source:" above the object, without a line, for those of the
// template are not known; the message then ends with the line of the stream. Without
// such a comment the position is that in the stream.
//
// An error means that nothing could be judged by: a version without a schema, a
// schema or policy that does not compile, a query over budget. Text that is
// not readable is no error but a finding, and the verdict is not run.
func Judge(ctx context.Context, stream []byte, o Options) (*Judgement, error) {
	o.Name = cmp.Or(o.Name, "manifest.yaml")
	o.Unit = cmp.Or(o.Unit, o.Name)
	o.Namespace = cmp.Or(o.Namespace, "default")
	if len(o.Versions) == 0 {
		o.Versions = Versions()
	}
	rules, err := compliance.Load(ctx, compliance.Source{Name: "policies", FS: policies.Kubernetes})
	if err != nil {
		return nil, err
	}
	objects, broken := read(o.Name, stream)
	further, err := valid(objects, o)
	if err != nil {
		return nil, err
	}
	doc := &resource.Document{Kind: "manifest", Path: o.Unit}
	for i := range objects {
		doc.Resources = append(doc.Resources, objects[i].resources(o.Namespace)...)
	}
	further = append(further, twice(objects, o.Namespace)...)
	c := compliance.Compliance{Config: o.Config, Now: o.Now, Budget: o.Budget}
	j := &Judgement{Objects: objects}
	if j.Result, j.Notices, err = c.Document(ctx, rules, doc, further); err != nil {
		return nil, fmt.Errorf("judging the manifests %q: %w", o.Name, err)
	}
	j.Stage, j.Unit, j.Verdict = Stage, o.Unit, pipelines.Pass
	j.Judged["objects"], j.Judged["versions"] = len(objects), len(o.Versions)
	j.Findings = append(j.Findings, broken...)
	place(o.Name, j.Findings, templatesOf(stream))
	for _, f := range j.Findings {
		j.Verdict = j.Verdict.Worse(f.Verdict)
	}
	switch {
	case len(broken) > 0:
		j.Verdict, j.Reason = pipelines.NotRun, broken[0].Message
	case len(objects) == 0:
		j.Verdict, j.Reason = pipelines.NotRun, "there is no object in it"
	}
	return j, nil
}

// valid judges objects by the schemas.
func valid(objects []Object, o Options) ([]compliance.Decision, error) {
	apis, done, err := load(o.Versions, o.Schemas)
	if err != nil {
		return nil, err
	}
	defer done()
	var all []compliance.Decision
	for i := range objects {
		decisions, err := apis.judge(&objects[i])
		if err != nil {
			return nil, err
		}
		all = append(all, decisions...)
	}
	return all, nil
}
