package compliance

import (
	"cmp"
	"context"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/resource"
	"github.com/penstock-dev/penstock/policies"
)

// Rules of Kubernetes objects that are not written in Rego. They are switched and
// waived in penstock.yaml as the others are.
const (
	// SchemaRule is broken by an object that the API does not take.
	SchemaRule = "kubernetes-schema"
	// KindRule is broken by an object of a kind that nobody described.
	KindRule = "kubernetes-kind"
)

// Document judges a document that is not of Terraform by the rules that come with
// it, under the switches, settings and waivers of Config. The path of the document
// is the unit whose waivers count. Further decisions, made without Rego, are
// switched and waived in the same way. The notices say which waivers of these rules
// excuse nothing or end soon.
//
// A query that ends with an error or over budget is an error, and nothing is judged.
func (c Compliance) Document(ctx context.Context, rules []*Rule, d *resource.Document, further []Decision) (pipelines.Result, []pipelines.Notice, error) {
	if c.Config == nil {
		c.Config = &config.Config{Version: 1}
	}
	if c.Now.IsZero() {
		c.Now = time.Now()
	}
	c.Budget = cmp.Or(c.Budget, 10*time.Second)
	known := map[string]bool{SchemaRule: true, KindRule: true}
	r := &run{Compliance: c}
	for _, rule := range rules {
		known[rule.ID] = true
		if !r.off(rule) {
			r.rules = append(r.rules, rule)
		}
	}
	for _, w := range fromConfig(c.Config) {
		if known[w.rule] {
			r.waivers = append(r.waivers, w)
		}
	}
	r.Selection.All = true // so that a waiver that matched nothing is said
	if err := r.see(); err != nil {
		return pipelines.Result{}, nil, err
	}
	decisions, err := Decide(ctx, r.rules, d, r.settings, r.Budget)
	if err != nil {
		return pipelines.Result{}, nil, err
	}
	for _, decision := range further {
		if !r.off(decision.Rule) {
			decisions = append(decisions, decision)
		}
	}
	result := pipelines.Result{Judged: map[string]int{"rules": len(r.rules), "resources": len(d.Resources)}}
	r.weigh(&result, d, d.Path, decisions, nil)
	return result, r.remarks(), nil
}

func (r *run) off(rule *Rule) bool {
	enabled := r.Config.Compliance.Rules[rule.ID].Enabled
	return enabled != nil && !*enabled
}

// elsewhere are the ids of the rules on Kubernetes objects: what penstock.yaml says
// of them is not said of resources, and is no mistake either.
func elsewhere() (map[string]bool, error) {
	modules := map[string]*ast.Module{}
	if err := parse(Source{"policies", policies.Kubernetes}, modules); err != nil {
		return nil, err
	}
	ids := map[string]bool{SchemaRule: true, KindRule: true}
	for _, name := range sorted(modules) {
		rule, err := read(name, modules[name])
		if err != nil {
			return nil, err
		}
		if rule != nil {
			ids[rule.ID] = true
		}
	}
	return ids, nil
}

// isElsewhere says whether a rule is about Kubernetes objects; it reads them only
// when it is asked for a rule that is not known here.
func (r *run) isElsewhere(id string) bool {
	if r.others == nil {
		r.others, _ = elsewhere() // what is embedded parses: a test holds it
	}
	return r.others[id]
}
