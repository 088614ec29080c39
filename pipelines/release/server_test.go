package release

import (
	"fmt"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// The whole way over HTTP, against git's own server.
func TestReleaseOverHTTP(t *testing.T) {
	p := newPlace(t)
	s := p.serve()
	first := p.released()
	if first.Modules[0].Tag != "modules/vpc/v0.1.0" || first.Modules[0].Step != First {
		t.Errorf("got %+v", first.Modules[0])
	}
	before := p.refs()
	if again := p.run(p.tested()); len(again.Modules) != 0 || again.Verdict != pipelines.Pass || p.refs() != before {
		t.Errorf("it was released again: %+v", again)
	}
	p.change("b")
	second := p.released()
	if got := second.Modules[0]; got.Version != "0.1.1" || got.Previous.Version != "0.1.0" || got.Previous.Record == "" || got.record.Evidence == nil {
		t.Errorf("got %+v", got)
	}
	log := p.git(p.bare, "show", "penstock/releases:records/modules/vpc/CHANGELOG.md")
	if a, b := strings.Index(log, "## 0.1.1"), strings.Index(log, "## 0.1.0"); a < 0 || b < a {
		t.Errorf("the changelog is %q", log)
	}
	if verdict, found := p.verified(); verdict != pipelines.Pass || len(found) != 0 {
		t.Errorf("verified: %s %v", verdict, found)
	}
	if s.pushes.Load() != 2 {
		t.Errorf("%d pushes, want 2", s.pushes.Load())
	}
	if kind := p.git(p.bare, "cat-file", "-t", "modules/vpc/v0.1.1"); kind != "tag" {
		t.Errorf("the tag is a %s", kind)
	}
}

// A tag that somebody pushes between compute and push: refused, and nothing is half done.
func TestForeignTagMeanwhile(t *testing.T) {
	p := newPlace(t)
	p.serve()
	p.put("modules/rds/main.tf", vpc)
	p.commit("feat: rds")
	p.push()
	p.released("modules/vpc", "modules/rds")
	p.change("b")
	p.put("modules/rds/b.tf", "resource \"terraform_data\" \"b\" {}\n")
	p.commit("feat: b")
	p.push()
	r := p.tested("modules/vpc", "modules/rds")
	r.beforePush = func() { p.git(p.bare, "tag", "-a", "-m", "mine", "modules/vpc/v0.1.1", "main") }
	before := p.refs()
	o := p.run(r)
	if o.Verdict != pipelines.Fail || o.Pushed || rules(o) != "tag-exists" {
		t.Fatalf("got %+v", o)
	}
	p.git(p.bare, "tag", "-d", "modules/vpc/v0.1.1")
	if after := p.refs(); after != before {
		t.Errorf("something was pushed:\n%s\nbefore:\n%s", after, before)
	}
	p.git(p.bare, "tag", "modules/vpc/v0.1.1", "main") // it stays: the next run sees it at once
	r.beforePush = nil
	if o := p.run(r); o.Verdict != pipelines.Fail || rules(o) != "history" {
		t.Errorf("got %+v", o)
	}
}

// Another release that moves the records in between.
func TestRecordsMoveMeanwhile(t *testing.T) {
	p := newPlace(t)
	p.serve()
	p.put("modules/rds/main.tf", vpc)
	p.commit("feat: rds")
	p.push()
	p.released("modules/vpc", "modules/rds")
	p.change("b")
	r := p.tested()
	tip := p.git(p.bare, "rev-parse", "penstock/releases")
	r.beforePush = func() {
		tree := p.git(p.bare, "rev-parse", tip+"^{tree}")
		p.git(p.bare, "update-ref", "refs/heads/penstock/releases", p.git(p.bare, "commit-tree", tree, "-p", tip, "-m", "other"))
	}
	if o := p.run(r); o.Verdict != pipelines.Fail || rules(o) != "records-moved" || strings.Contains(p.refs(), "v0.1.1") {
		t.Fatalf("got %+v", o)
	}
	r.beforePush = nil
	if o := p.run(r); !o.Pushed {
		t.Errorf("a second run does not release: %+v", o)
	}
}

// A push of which half arrives changes nothing; one whose answer is lost is found.
func TestPushThatDies(t *testing.T) {
	p := newPlace(t)
	s := p.serve()
	s.cut.Store("request")
	before := p.refs()
	if _, err := p.tested().Run(t.Context()); err == nil {
		t.Error("half a push is no release")
	}
	if after := p.refs(); after != before {
		t.Errorf("half a push left\n%s", after)
	}
	s.cut.Store("answer")
	o := p.run(p.tested())
	if !o.Pushed || o.Verdict != pipelines.Pass {
		t.Errorf("got %+v", o)
	}
	if verdict, found := p.verified(); verdict != pipelines.Pass {
		t.Errorf("verified: %s %v", verdict, found)
	}
	if s.pushes.Load() < 2 { // git may send one again
		t.Errorf("%d pushes", s.pushes.Load())
	}
}

// What a release refuses, each with the rule that says so, and without a ref that moved.
func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(p *site)
		release func(p *site, r *Release)
		want    string
		// dry is the verdict of --dry-run.
		dry pipelines.Verdict
	}{
		"history was rewritten": {want: "history not-on-base", dry: pipelines.Fail, prepare: func(p *site) {
			p.git(p.dir, "commit", "-q", "--amend", "-m", "other")
			p.git(p.dir, "push", "-qf", p.bare, "HEAD:side")
		}},
		"history was rewritten and pushed": {want: "history", dry: pipelines.Fail, prepare: func(p *site) {
			p.git(p.dir, "commit", "-q", "--amend", "-m", "other")
			p.put("modules/vpc/b.tf", "locals {}\n")
			p.commit("feat: b")
			p.git(p.dir, "push", "-qf", p.bare, "HEAD:main")
		}},
		"not on the main branch": {want: "not-on-base", dry: pipelines.Pass, prepare: func(p *site) {
			p.put("modules/vpc/b.tf", "output \"o\" {\n  value = 1\n}\n")
			p.commit("feat: b")
		}},
		"dirty": {want: "dirty", dry: pipelines.Pass, prepare: func(p *site) { p.change("b"); p.put("modules/vpc/c.tf", "") }},
		"the last tag is gone": {want: "history", dry: pipelines.Fail, prepare: func(p *site) {
			p.change("b")
			p.git(p.bare, "tag", "-d", "modules/vpc/v0.1.0")
		}},
		"the last tag was moved": {want: "history", dry: pipelines.Fail, prepare: func(p *site) {
			p.change("b")
			p.git(p.bare, "tag", "-f", "modules/vpc/v0.1.0", "main")
		}},
		"the tag exists": {want: "history", dry: pipelines.Fail, prepare: func(p *site) {
			p.change("b")
			p.git(p.bare, "tag", "modules/vpc/v0.1.1", "main")
		}},
		"the records are gone": {want: "history", dry: pipelines.Fail, prepare: func(p *site) {
			p.change("b")
			p.git(p.bare, "update-ref", "-d", "refs/heads/penstock/releases")
		}},
		"no evidence":                  {want: "no-evidence", dry: pipelines.Pass, prepare: func(p *site) { p.change("b") }, release: func(_ *site, r *Release) { r.Evidence = "" }},
		"evidence of another commit":   {want: "evidence-commit", dry: pipelines.Pass, prepare: func(p *site) { p.change("b") }, release: edited(func(r *pipelines.Report) { r.Selection.Head = strings.Repeat("a", 40) })},
		"evidence of no commit":        {want: "evidence-commit", dry: pipelines.Pass, prepare: func(p *site) { p.change("b") }, release: edited(func(r *pipelines.Report) { r.Selection.Head = "" })},
		"evidence that fails":          {want: "evidence-verdict evidence-covers", dry: pipelines.Pass, prepare: func(p *site) { p.change("b") }, release: edited(func(r *pipelines.Report) { r.Results[0].Verdict = pipelines.Fail })},
		"evidence that ran nothing":    {want: "evidence-verdict evidence-covers", dry: pipelines.Pass, prepare: func(p *site) { p.change("b") }, release: edited(func(r *pipelines.Report) { r.Results = nil })},
		"evidence of another module":   {want: "evidence-covers", dry: pipelines.Pass, prepare: func(p *site) { p.change("b") }, release: edited(func(r *pipelines.Report) { r.Results[0].Unit, r.Selection.Units[0].Path = "modules/x", "modules/x" })},
		"evidence of no test":          {want: "evidence-covers", dry: pipelines.Pass, prepare: func(p *site) { p.change("b") }, release: edited(func(r *pipelines.Report) { r.Results[0].Stage, r.Stages[0] = "terraform-fmt", "terraform-fmt" })},
		"an interface that is no HCL":  {want: "unreadable", dry: pipelines.NotRun, prepare: func(p *site) { p.put("modules/vpc/b.tf", "variable {"); p.commit("b"); p.push() }},
		"a new module that is no HCL":  {want: "unreadable", dry: pipelines.NotRun, prepare: func(p *site) { p.put("modules/rds/b.tf", "variable {"); p.commit("b"); p.push() }},
		"a fragment of no such module": {want: "fragment", dry: pipelines.Fail, prepare: func(p *site) { p.put(".penstock/changes/a.yaml", "modules: [modules/x]\nnote: n\n"); p.change("b") }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.released()
			test.prepare(p)
			before := p.refs()
			r := p.tested()
			if test.release != nil {
				test.release(p, &r)
			}
			if o := p.run(r); rules(o) != test.want || o.Verdict.ExitCode() == 0 || o.Pushed {
				t.Errorf("refused by %q, want %q: %+v", rules(o), test.want, o)
			}
			r.DryRun = true
			if o := p.run(r); rules(o) != test.want || o.Verdict != test.dry {
				t.Errorf("--dry-run: %q and %s, want %q and %s", rules(o), o.Verdict, test.want, test.dry)
			}
			if after := p.refs(); after != before {
				t.Errorf("something was pushed:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

// edited gives the release evidence that was changed.
func edited(edit func(*pipelines.Report)) func(*site, *Release) {
	return func(p *site, r *Release) { r.Evidence = p.report(edit, "modules/vpc") }
}

func TestShallowCloneIsRefused(t *testing.T) {
	p := newPlace(t)
	p.released()
	p.change("b")
	shallow := t.TempDir()
	p.git(shallow, "clone", "-q", "--depth=1", "file://"+p.bare, "c")
	r := p.tested()
	r.Root = shallow + "/c"
	if _, err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "shallow") {
		t.Errorf("got %v", err)
	}
}

// A run that comes late for an older commit releases nothing, and that is fine.
func TestOlderCommitAfterTheLater(t *testing.T) {
	p := newPlace(t)
	p.released()
	older := p.change("b")
	p.change("c")
	p.released()
	p.git(p.dir, "checkout", "-q", older)
	o := p.run(p.tested())
	if o.Verdict != pipelines.Pass || len(o.Modules) != 0 || !strings.Contains(strings.Join(o.Notices, " "), "later commit") {
		t.Errorf("got %+v", o)
	}
}

// A clone that has not fetched the tags gets what it needs, and no ref of it is written.
func TestCloneWithoutTags(t *testing.T) {
	p := newPlace(t)
	p.released()
	p.change("b")
	dir := t.TempDir()
	p.git(dir, "clone", "-q", "--no-tags", "--single-branch", p.bare, "c")
	before := p.git(dir+"/c", "for-each-ref")
	r := p.tested()
	r.Root = dir + "/c"
	if o := p.run(r); !o.Pushed || o.Modules[0].Version != "0.1.1" {
		t.Errorf("got %+v", o)
	}
	if after := p.git(dir+"/c", "for-each-ref"); after != before && strings.Contains(after, "refs/tags") {
		t.Errorf("refs were written: %s", after)
	}
}

// A repository that is one module has tags without a path; the catalog may lie deeper, and
// names come from strangers.
func TestNames(t *testing.T) {
	p := newPlace(t)
	p.git(p.dir, "rm", "-rq", "modules")
	p.put("main.tf", vpc)
	p.put("Makefile", "all:\n")
	p.put("m o/ünï\tcode/main.tf", vpc)
	p.put("a..b/main.tf", vpc)
	odd := "x\n::error::y \x1b[31m`|<b>.txt"
	p.put(odd, "1")
	p.commit("feat!: a | <script> @team `x`\n\n:::\x01")
	p.push()
	o := p.run(p.tested(".", "m o/ünï\tcode", "a..b"))
	if rules(o) != "history history" || o.Pushed { // there are no such tags
		t.Fatalf("got %+v", o.Refusals)
	}
	p.put("penstock.yaml", "version: 1\nrelease: {first: 1.0.0}\nunits: [{path: 'm o/**', kind: ignore}, {path: a..b, kind: ignore}]\n")
	p.commit("fix: units")
	p.push()
	if o := p.released("."); o.Modules[0].Tag != "v1.0.0" || len(o.Modules) != 1 {
		t.Errorf("got %+v", o.Modules[0])
	}
	p.put(odd, "2")
	hash := p.commit("feat!: a | <script> @team `x`\n\n:::\x01")
	p.push()
	o = p.released(".")
	if m := o.Modules[0]; m.Tag != "v2.0.0" || !strings.Contains(m.Why, hash[:12]) || strings.Contains(m.Changelog, "<script>") || strings.Contains(m.Changelog, " @team") {
		t.Errorf("got %+v", m)
	}
	if verdict, found := p.verified(); verdict != pipelines.Pass {
		t.Errorf("verified: %s %v", verdict, found)
	}
	deep := newPlace(t)
	deep.put("catalog/modules/a/main.tf", vpc)
	deep.commit("feat: a")
	deep.push()
	r := deep.tested("modules/a")
	r.Root = deep.dir + "/catalog"
	if o := deep.run(r); !o.Pushed || o.Modules[0].Tag != "catalog/modules/a/v0.1.0" || o.Modules[0].record.Tree.Files[0].Path != "catalog/modules/a/main.tf" {
		t.Errorf("got %+v", o)
	}
	if verdict, found := deep.verified(); verdict != pipelines.Pass {
		t.Errorf("verified: %s %v", verdict, found)
	}
}

// The tag made by hand before Penstock came is where the versions go on.
func TestAdoption(t *testing.T) {
	p := newPlace(t)
	p.git(p.bare, "tag", "modules/vpc/v3.1.4", "main")
	p.change("b")
	o := p.released()
	if o.Modules[0].Version != "3.2.0" || !strings.Contains(strings.Join(o.Notices, " "), "without a record") {
		t.Errorf("got %+v", o)
	}
	if verdict, found := p.verified(); verdict != pipelines.Pass {
		t.Errorf("verified: %s %v", verdict, found)
	}
	p.git(p.bare, "tag", "-f", "modules/vpc/v3.1.4", "main")
	if verdict, found := p.verified(); verdict != pipelines.Fail || fmt.Sprint(found) != "[tag-moved]" {
		t.Errorf("verified: %s %v", verdict, found)
	}
}

// Two that release the same commit at once end in the same.
func TestTwoAtOnce(t *testing.T) {
	p := newPlace(t)
	p.serve()
	r := p.tested()
	r.beforePush = func() {
		other := r
		other.beforePush = nil
		if o := p.run(other); !o.Pushed {
			t.Errorf("got %+v", o)
		}
	}
	if o := p.run(r); !o.Pushed || o.Verdict != pipelines.Pass {
		t.Errorf("got %+v", o)
	}
	if verdict, found := p.verified(); verdict != pipelines.Pass {
		t.Errorf("verified: %s %v", verdict, found)
	}
}
