// Package gate reads the configuration of a unit before anything of it is run,
// and refuses what could run a program, reach another host or read what is not in
// the repository during terraform init or plan, unless it is allowed by name. It
// never runs anything itself. What it cannot read or follow, it refuses.
package gate

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/gobwas/glob"
	"github.com/hashicorp/hcl/v2"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Allow is the allow-list. Take it from the base of a pull request, never from
// the pull request. An empty list allows nothing beyond the defaults given here.
type Allow struct {
	// Providers are HOST/NAMESPACE/TYPE, in which "*" stands for any namespace or
	// type. terraform.io/builtin/terraform is always allowed.
	Providers []string
	// Modules are globs over module sources as they are written; * stays within
	// one part of a path. Local sources within the repository are always allowed.
	Modules []string
	// DataSources are the types of data sources (and ephemeral resources) that start programs or
	// reach any host they are told, such as "external", "http" or "dns_*". Those
	// that only ask their provider's own API are always allowed.
	DataSources []string
	// Provisioners are types of provisioners, such as "local-exec".
	Provisioners []string
	// Backends are types of backends beyond s3, gcs, azurerm and local, such as
	// "cloud" or "http".
	Backends []string
	// Settings are arguments beyond those known to be harmless: PROVIDER.ARGUMENT
	// as in "kubernetes.exec" or "aws.endpoints", "backend.s3.profile",
	// "helm_release.postrender", "encryption.key_provider.external", "function.templatestring"
	// or "terragrunt.run_cmd". * stays within one part; what is below an argument is allowed with it.
	Settings []string
}

// Judge looks at the configuration in dir (slash-separated, relative to the root
// of the repository, which fsys is) and at everything it reads: local modules,
// whatever they call in turn, templates, Terragrunt files, and files that change
// what terraform runs. fsys should tell symbolic links (fs.ReadLinkFS, as
// os.DirFS does): one that leads out of the repository is refused. A
// file system without the links of a checkout hides what is behind them, so judge
// the very files that terraform will see. The error says that dir cannot be read at all, or that allow is wrong.
func Judge(fsys fs.FS, dir string, allow Allow) ([]pipelines.Finding, error) {
	j, err := newJudge(fsys, dir, allow)
	if err != nil {
		return nil, err
	}
	j.module(j.root).top = true
	j.unitFiles()
	j.settle()
	return j.sorted(), nil
}

// judge is one judgement. Findings are data; whatever cannot be read is one too.
type judge struct {
	fsys  fs.FS
	root  string // of the unit, without symbolic links
	allow permissions
	// modules are by directory, relative to the root of the repository.
	modules map[string]*module
	queue   []*module
	// records are what terraform get has downloaded, by key; nil before.
	records map[string]record
	// quiet are directories that were judged before.
	quiet     map[string]bool
	grunts    map[string]bool // Terragrunt files that were judged
	templates map[string]bool
	links     map[string]bool             // directories, and whether a link below leads out
	values    map[string][]hcl.Expression // of variables of the unit, from .tfvars; nil is not read yet
	opaque    bool                        // some .tfvars cannot be read
	reads     bool                        // the state in question is read for its outputs alone: no provider that it names is run
	budget    int                         // how much of one expression is still followed
	left      int                         // and of all of them together
	findings  []pipelines.Finding
}

func newJudge(fsys fs.FS, dir string, allow Allow) (*judge, error) {
	if !fs.ValidPath(dir) {
		return nil, fmt.Errorf("judging %q: it is no directory of the repository", dir)
	}
	p, err := compile(allow)
	if err != nil {
		return nil, err
	}
	j := &judge{fsys: fsys, allow: p, modules: map[string]*module{}, grunts: map[string]bool{}, templates: map[string]bool{}, links: map[string]bool{}, left: total}
	if j.root, err = j.resolve(dir); err != nil {
		return nil, fmt.Errorf("judging %q: %w", dir, err)
	}
	if info, err := fs.Stat(fsys, j.root); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("judging %q: there is no such directory", dir)
	}
	return j, nil
}

// settle judges every module once all of them are known: what a variable of a
// module can be is told by its callers.
func (j *judge) settle() {
	for len(j.queue) > 0 { // Terragrunt and modules add to it
		m := j.queue[0]
		j.queue = j.queue[1:]
		j.follow(m)
	}
	for _, dir := range slices.Sorted(maps.Keys(j.modules)) {
		if m := j.modules[dir]; !j.quiet[dir] {
			j.judge(m)
		}
	}
}

// find adds a finding.
func (j *judge) find(at hcl.Range, rule, hint, format string, args ...any) {
	if j.quiet[path.Dir(at.Filename)] {
		return
	}
	j.findings = append(j.findings, pipelines.Finding{Position: position(at), Rule: rule, Verdict: pipelines.Fail,
		Severity: pipelines.High, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// findFile adds a finding about a file as a whole.
func (j *judge) findFile(name, rule, hint, format string, args ...any) {
	j.find(hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}, rule, hint, format, args...)
}

// unreadable says that what a file does cannot be told, which is never a pass.
func (j *judge) unreadable(at hcl.Range, why string) {
	if at.Start.Line == 0 {
		at.Start, at.End = hcl.InitialPos, hcl.InitialPos
	}
	j.find(at, "unreadable", "mend it, so that it can be judged", "what it does cannot be told: %s", printable.Text(why, 300))
}

func (j *judge) sorted() []pipelines.Finding {
	order := func(a, b pipelines.Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	}
	slices.SortStableFunc(j.findings, order)
	return slices.CompactFunc(j.findings, func(a, b pipelines.Finding) bool { return order(a, b) == 0 })
}

func position(r hcl.Range) pipelines.Position {
	return pipelines.Position{Path: r.Filename, Line: r.Start.Line, Column: r.Start.Column, EndLine: r.End.Line, EndColumn: r.End.Column}
}

// quoted shows what somebody wrote.
func quoted(s string) string {
	return `"` + strings.ReplaceAll(printable.Text(s, 200), `"`, `\"`) + `"`
}

// toAllow is the hint that names the key of penstock.yaml.
func toAllow(key, value string) string {
	return fmt.Sprintf("to allow it, add %s to live.allow.%s in penstock.yaml, in a change of its own: it counts once it is on the base", quoted(value), key)
}

// permissions is a compiled allow-list.
type permissions struct {
	providers                                             []string
	modules, dataSources, provisioners, backends, setting []*glob.Pattern
}

func compile(a Allow) (p permissions, err error) {
	for _, pattern := range a.Providers {
		if parts := strings.Split(pattern, "/"); len(parts) != 3 || slices.Contains(parts, "") || strings.Contains(parts[0], "*") {
			return p, &pipelines.Error{Err: fmt.Errorf("allowing provider %q: it is not HOST/NAMESPACE/TYPE", pattern),
				Hint: `write it as registry.terraform.io/datadog/datadog; "*" stands for any namespace or type`}
		}
		p.providers = append(p.providers, strings.ToLower(pattern))
	}
	for _, list := range []struct {
		key      string
		patterns []string
		to       *[]*glob.Pattern
		within   rune
	}{
		{"modules", a.Modules, &p.modules, '/'}, {"data_sources", a.DataSources, &p.dataSources, '.'},
		{"provisioners", a.Provisioners, &p.provisioners, '.'}, {"backends", append([]string{"s3", "gcs", "azurerm", "local"}, a.Backends...), &p.backends, '.'},
		{"settings", append(slices.Clone(harmless), a.Settings...), &p.setting, '.'},
	} {
		for _, pattern := range list.patterns {
			compiled, err := glob.Compile(pattern, list.within)
			if err != nil || pattern == "" {
				return p, &pipelines.Error{Err: fmt.Errorf("reading live.allow.%s: %q is no glob", list.key, pattern), Hint: "write it like terraform-aws-modules/*/aws"}
			}
			*list.to = append(*list.to, compiled)
		}
	}
	return p, nil
}

func matches(patterns []*glob.Pattern, s string) bool {
	return slices.ContainsFunc(patterns, func(p *glob.Pattern) bool { return p.Match(s) })
}
