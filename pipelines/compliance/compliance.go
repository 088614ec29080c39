// Package compliance judges resources by policy: of plain configuration and of
// plans, through one document of resources.
package compliance

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/version"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/resource"
	"github.com/penstock-dev/penstock/policies"
)

// Stage is the name of the stage.
const Stage = "compliance"

// opaqueRule is the id under which a module that cannot be looked into is reported.
const opaqueRule = "external-module"

// Compliance judges units, or plans, by policy.
type Compliance struct {
	pipelines.Scope
	// Config is penstock.yaml as it counts: that of the base. Nil: there is none.
	Config *config.Config
	// NoBuiltin leaves the built-in rules out.
	NoBuiltin bool
	// Policies are further rules, beside those that Config names.
	Policies []Source
	// Plans are judged in place of units.
	Plans []PlanOf
	// Now is the time by which waivers expire. Default: the time of the run.
	Now time.Time
	// Budget bounds one query. Default 10 s.
	Budget time.Duration
	// Decided hears of every decision, in any order but one call at a time.
	Decided func(unit string, d Decision)
}

// PlanOf is a plan to judge.
type PlanOf struct {
	// File is what terraform show -json wrote, relative to Root or absolute.
	File string
	// Unit is what the report calls it. Default: File.
	Unit string
	// Waived is the unit whose waivers count. Default: Unit.
	Waived string

	// from is what is read in place of File.
	from io.Reader
}

// run is one run of the stage.
type run struct {
	Compliance
	root     fs.FS
	rules    []*Rule
	wanted   resource.Wanted
	settings map[string]any
	waivers  []*waiver

	mu       sync.Mutex
	notices  []pipelines.Notice
	comments map[string]bool   // files whose notices were said
	plans    map[string]PlanOf // by what the report calls them
	others   map[string]bool   // the rules on Kubernetes objects, once they are asked for
}

// Run compiles the rules and judges every unit. A rule that does not compile is
// an error, and nothing is judged.
func (c Compliance) Run(ctx context.Context) (*pipelines.Report, error) {
	root, err := os.OpenRoot(c.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the catalog: %w", err)
	}
	defer root.Close()
	r, err := c.begin(ctx, root.FS())
	if err != nil {
		return nil, err
	}
	if len(c.Plans) > 0 {
		r.ofPlans()
	}
	report := r.Each(ctx, Stage, r.unit)
	report.Tools = []pipelines.Tool{{Name: "opa", Version: version.Version}}
	report.Notices = append(r.notices, r.remarks()...)
	return report, nil
}

// begin sets the defaults and compiles the rules.
func (c Compliance) begin(ctx context.Context, root fs.FS) (*run, error) {
	if c.Config == nil {
		c.Config = &config.Config{Version: 1}
	}
	if c.Now.IsZero() {
		c.Now = time.Now()
	}
	if c.Budget == 0 {
		c.Budget = 10 * time.Second
	}
	r := &run{Compliance: c, root: root, comments: map[string]bool{}, waivers: fromConfig(c.Config)}
	return r, r.load(ctx)
}

// load compiles the rules as they stand on the base.
func (r *run) load(ctx context.Context) error {
	var sources []Source
	if !r.NoBuiltin {
		sources = append(sources, Source{"policies", policies.FS})
	}
	judged := r.root
	if r.Base != nil {
		judged = r.Base
	}
	for _, dir := range r.Config.Compliance.Policies {
		sub, err := fs.Sub(judged, path.Clean(dir))
		if err != nil {
			return fmt.Errorf("reading the policies in %q: %w", dir, err)
		}
		sources = append(sources, Source{dir, sub})
	}
	rules, err := Load(ctx, append(sources, r.Policies...)...)
	if err != nil {
		return err
	}
	known := map[string]bool{opaqueRule: true}
	for _, rule := range rules {
		known[rule.ID] = true
	}
	for _, id := range sorted(r.Config.Compliance.Rules) {
		if setting := r.Config.Compliance.Rules[id]; !known[id] && !r.isElsewhere(id) {
			return &pipelines.Error{Position: setting.Position, Err: fmt.Errorf("there is no rule %q", id), Hint: "see docs/rules.md for the rules that there are"}
		}
	}
	r.rules = slices.DeleteFunc(rules, r.off)
	if len(r.rules) == 0 {
		return errors.New("loading policies: every rule is switched off")
	}
	r.waivers = slices.DeleteFunc(r.waivers, func(w *waiver) bool { return !known[w.rule] && r.isElsewhere(w.rule) })
	r.wanted = wanted(r.rules)
	return r.see()
}

// see turns the settings into what rules see, with every member there.
func (r *run) see() error {
	s := r.Config.Compliance.Settings
	r.settings = map[string]any{"allowed_ports": s.AllowedPorts, "required_tags": s.RequiredTags, "disposable": s.Disposable, "custom": s.Custom,
		"bastion": map[string]any{"security_groups": s.Bastion.SecurityGroups, "cidrs": s.Bastion.CIDRs}}
	text, err := json.Marshal(r.settings)
	if err != nil {
		return err
	}
	text = bytes.ReplaceAll(text, []byte(":null"), []byte(":[]"))
	r.settings = nil
	return json.Unmarshal(text, &r.settings)
}

// ofPlans selects the plans in place of units.
func (r *run) ofPlans() {
	r.plans = map[string]PlanOf{}
	s := pipelines.Selection{Schema: pipelines.SelectionSchema, All: true, Total: len(r.Plans)}
	for _, p := range r.Plans {
		p.Unit = cmp.Or(p.Unit, p.File)
		p.Waived = cmp.Or(p.Waived, p.Unit)
		r.plans[p.Unit] = p
		s.Units = append(s.Units, pipelines.Unit{Path: p.Unit, Kind: pipelines.Live, Why: []string{p.Unit, "it was named"}})
	}
	r.Selection = s
}

// remarks says which waivers matched nothing or end soon.
func (r *run) remarks() []pipelines.Notice {
	var notices []pipelines.Notice
	for _, w := range r.waivers {
		at := pipelines.Notice{Path: w.Source.Path, Line: w.Source.Line}
		switch {
		case !w.used && (r.Selection.All || w.block != ""):
			at.Message = fmt.Sprintf("the waiver of %s by %s excuses nothing: take it out", w.rule, w.Owner)
		case w.used && w.endsSoon(r.Now):
			at.Message = fmt.Sprintf("the waiver of %s by %s ends on %s", w.rule, w.Owner, w.Expires)
		default:
			continue
		}
		notices = append(notices, at)
	}
	return notices
}
