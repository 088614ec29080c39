package release

import (
	"slices"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// edit commits another text of a file to the branch of records; "" takes it away. With
// amend the commit before is replaced, as by a push that was forced.
func (p *site) edit(file, from, to string, amend bool) {
	p.Helper()
	dir := p.TempDir()
	p.git(dir, "clone", "-q", "-b", "penstock/releases", p.bare, "r")
	s := &site{T: p.T, dir: dir + "/r"}
	if to == "" && from == "" {
		p.git(s.dir, "rm", "-q", file)
	} else {
		text := p.git(s.dir, "show", "HEAD:"+file) + "\n"
		if !strings.Contains(text, from) {
			p.Fatalf("%s does not hold %q", file, from)
		}
		s.put(file, strings.Replace(text, from, to, 1))
	}
	args := []string{"commit", "-q", "-a", "-m", "edit"}
	if amend {
		args = append(args, "--amend")
	}
	p.git(s.dir, args...)
	p.git(s.dir, "push", "-qf", "origin", "HEAD:penstock/releases")
}

// Whatever is done to tags and records afterwards is found, by the rule that says it.
func TestVerifyFinds(t *testing.T) {
	const record, seal, tag = "records/modules/vpc/v0.1.1.json", "records/modules/vpc/v0.1.1.seal.json", "modules/vpc/v0.1.1"
	for name, test := range map[string]struct {
		do   func(p *site)
		want []string
	}{
		"nothing":                       {func(*site) {}, nil},
		"a tag moved":                   {func(p *site) { p.git(p.bare, "tag", "-f", "-a", "-m", "x", tag, "main~2") }, []string{"tag-moved", "tag-retargeted"}},
		"a tag moved, lightweight":      {func(p *site) { p.git(p.bare, "tag", "-f", tag, "main~2") }, []string{"tag-moved", "tag-retargeted"}},
		"a tag made anew, same commit":  {func(p *site) { p.git(p.bare, "tag", "-f", "-a", "-m", "x", tag, tag+"^{}") }, []string{"tag-retargeted", "tag-retargeted"}},
		"a tag without its message":     {func(p *site) { p.git(p.bare, "tag", "-f", tag, tag+"^{}") }, []string{"tag-retargeted", "tag-retargeted"}},
		"a tag deleted":                 {func(p *site) { p.git(p.bare, "tag", "-d", tag) }, []string{"tag-deleted"}},
		"a tag of nobody":               {func(p *site) { p.git(p.bare, "tag", "modules/vpc/v0.9.0", "main") }, []string{"tag-without-record"}},
		"a tag of a new module":         {func(p *site) { p.git(p.bare, "tag", "modules/new/v1.0.0", "main") }, []string{"tag-without-record"}},
		"the branch of records is gone": {func(p *site) { p.git(p.bare, "update-ref", "-d", "refs/heads/penstock/releases") }, []string{"record-vanished", "record-vanished", "record-vanished"}},
		"a record edited":               {func(p *site) { p.edit(record, `"level": "routine"`, `"level": "timely"`, false) }, []string{"record-altered"}},
		"a record edited, amended":      {func(p *site) { p.edit(record, `"level": "routine"`, `"level": "timely"`, true) }, []string{"record-altered"}},
		"the last record edited":        {func(p *site) { p.edit("records/modules/vpc/v0.1.2.json", `"by": "t `, `"by": "m `, true) }, []string{"record-altered"}},
		"a record taken away":           {func(p *site) { p.edit(record, "", "", false) }, []string{"record-altered", "record-vanished"}},
		"a record taken away, amended":  {func(p *site) { p.edit(record, "", "", true) }, []string{"record-vanished"}},
		"a seal taken away":             {func(p *site) { p.edit(seal, "", "", true) }, []string{"record-altered"}},
		"a seal of another tag object": {func(p *site) {
			p.edit(seal, `"object": "`+p.git(p.bare, "rev-parse", tag), `"object": "`+strings.Repeat("0", 40), true)
		}, []string{"tag-retargeted"}},
		"the branch went back one": {func(p *site) {
			p.git(p.bare, "update-ref", "refs/heads/penstock/releases", "refs/heads/penstock/releases~1")
		}, []string{"record-vanished"}},
		"the changelog edited": {func(p *site) { p.edit("records/modules/vpc/CHANGELOG.md", "First release.", "Nothing.", false) }, []string{"changelog-altered"}},
		"history rewritten": {func(p *site) {
			p.git(p.dir, "checkout", "-q", "--orphan", "other")
			p.commit("other")
			p.git(p.dir, "push", "-qf", p.bare, "HEAD:main")
		}, []string{"history-rewritten"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.released()
			p.change("b")
			p.released()
			p.change("c")
			p.released()
			test.do(p)
			verdict, found := p.verified()
			slices.Sort(found)
			rules := slices.Compact(slices.Clone(found))
			want := slices.Compact(slices.Sorted(slices.Values(test.want)))
			for _, rule := range want {
				if !slices.Contains(rules, rule) {
					t.Errorf("found %v, want %v", found, want)
				}
			}
			if (verdict == pipelines.Pass) != (len(want) == 0) {
				t.Errorf("it is %s: %v", verdict, found)
			}
		})
	}
}

// Without releases there is nothing to verify, and that is no pass; without a remote it
// is an error.
func TestVerifyOfNothing(t *testing.T) {
	p := newPlace(t)
	if verdict, found := p.verified(); verdict != pipelines.NotRun || len(found) != 0 {
		t.Errorf("got %s %v", verdict, found)
	}
	for _, remote := range []string{"nowhere", "-u", "http://127.0.0.1:1/x.git", "ext::sh -c 'touch /tmp/x'"} {
		if _, err := (Verify{Dir: p.dir, Remote: remote}).Run(t.Context()); err == nil {
			t.Errorf("%q is no remote", remote)
		}
	}
}
