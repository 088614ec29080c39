package page_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	unsafe "github.com/yuin/goldmark/renderer/html"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/page"
	"github.com/penstock-dev/penstock/pipelines/redact"
	"github.com/penstock-dev/penstock/pipelines/risk"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// real is the target of a plan that Terraform made.
func real(t *testing.T) page.Target {
	t.Helper()
	dir := os.DirFS("../redact/testdata/real")
	literals, err := redact.ReadLiterals(dir, []string{"main.tf", "child/main.tf"})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := dir.Open("plan.json")
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	s, a, err := redact.Review(plan, redact.Options{Literals: literals})
	if err != nil {
		t.Fatal(err)
	}
	return page.Target{Unit: "live/dvlp/orders", Environment: "dvlp", Outcome: page.Changes, Summary: &s, Risk: a, CapsuleDigest: "sha256:0123abcd",
		Why: []string{"live/dvlp/orders", "modules/service", "modules/service/main.tf changed"},
		Verdicts: []pipelines.Result{{Stage: "compliance", Unit: "live/dvlp/orders", Verdict: pipelines.Fail, Findings: []pipelines.Finding{
			{Rule: "encryption/at-rest", Verdict: pipelines.Fail, Message: "it is not encrypted", Resource: "terraform_data.db", Hint: "set encrypted"}}}}}
}

// sample has every outcome.
func sample(t *testing.T) []page.Target {
	t.Helper()
	gone := page.Target{Unit: "live/prod/data", Environment: "prod", Outcome: page.Changes, Summary: &redact.Summary{Complete: true, Counts: redact.Counts{Delete: 1},
		Root: redact.Module{Changes: []redact.Change{{Address: "aws_db_instance.main", Type: "aws_db_instance", Action: "delete"}}}},
		Risk: risk.Assessment{Level: risk.Destructive, Reasons: []risk.Reason{{Level: risk.Destructive, Address: "aws_db_instance.main", Rule: "delete-stateful", Message: "it is deleted, and with it what it holds"}}}}
	return []page.Target{
		{Unit: "live/dvlp/dns", Environment: "dvlp", Outcome: page.NoChanges},
		real(t), gone,
		{Unit: "live/pprd/orders", Environment: "pprd", Outcome: page.Deferred, Wave: 2},
		{Unit: "live/prod/orders", Environment: "prod", Outcome: page.Refused, Why: []string{"the base is not merged"}},
		{Unit: "live/dvlp/vpc", Environment: "dvlp", Outcome: page.Failed, Errors: []string{"main.tf:3: error: Invalid value (aws_vpc.main): the ▒ is not valid", "error: the last line"}},
	}
}

func render(t *testing.T, list []page.Target, limit int) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Page(&b, list, limit); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPage(t *testing.T) {
	for name, list := range map[string][]page.Target{"all": sample(t), "one": {real(t)}, "none": nil, "clean": {{Unit: "a", Environment: "e", Outcome: page.NoChanges}}} {
		got := render(t, list, page.CommentLimit)
		golden := "testdata/" + name + ".md"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || got != string(want) {
			t.Errorf("the page differs from %s (%v): go test -update\n%s", golden, err, got)
		}
	}
}

// Whatever the limit: the marker and counts first, no part cut, what is left out is
// said, and the end of the errors is there.
func TestThePageStaysWithinItsLimit(t *testing.T) {
	list := sample(t)
	for i := range 200 {
		many := real(t)
		many.Unit = fmt.Sprintf("live/x/%d", i)
		list = append(list, many)
	}
	for i := range 5 {
		list = append(list, page.Target{Unit: fmt.Sprintf("live/bad/%d", i), Environment: "dvlp", Outcome: page.Failed,
			Errors: []string{strings.Repeat("ü|word ", 3000), fmt.Sprintf("error: cause %d of it", i)}})
	}
	for limit := 3_000; limit < 2*page.SummaryLimit; limit += limit / 3 {
		got := render(t, list, limit)
		if len(got) > limit || !utf8.ValidString(got) || !strings.HasPrefix(got, page.Marker+"\n## ") {
			t.Fatalf("%d bytes, limit %d", len(got), limit)
		}
		for _, pair := range [][2]string{{"<details>", "</details>"}} {
			if strings.Count(got, pair[0]) != strings.Count(got, pair[1]) {
				t.Errorf("%d: %s is not closed", limit, pair[0])
			}
		}
		if strings.Count(got, "````")%2 != 0 {
			t.Errorf("%d: a fence is not closed", limit)
		}
		for line := range strings.Lines(got) {
			if strings.HasPrefix(line, "|") && !strings.HasSuffix(line, "|\n") {
				t.Errorf("%d: a row was cut: %.80s", limit, line)
			}
		}
		for i := range 5 {
			if !strings.Contains(got, fmt.Sprintf("error: cause %d of it", i)) && !strings.Contains(got, "The errors of ") {
				t.Errorf("%d: the error of target %d is neither there nor said to be left out", limit, i)
			}
		}
		if !strings.Contains(got, "error: cause 0 of it") {
			t.Errorf("%d: no error is there", limit)
		}
		everything := strings.Contains(got, "in dvlp: 1 unknown") || strings.Count(got, "<details>") >= 202
		if said := strings.Contains(got, "left out here"); said == everything {
			t.Errorf("%d: everything is there: %t, something is said to be left out: %t", limit, everything, said)
		}
	}
	if err := page.Page(&bytes.Buffer{}, list, 100); err == nil {
		t.Error("a page without room for its counts was written")
	}
}

// What nobody knows is an error, never no changes.
func TestAnUnknownOutcomeIsAnError(t *testing.T) {
	for _, target := range []page.Target{{Unit: "u", Environment: "e"}, {Unit: "u", Environment: "e", Outcome: "odd"}, {Unit: "u", Environment: "e", Outcome: page.Changes}} {
		if got := render(t, []page.Target{target}, page.CommentLimit); !strings.Contains(got, "1 failed") || !strings.Contains(got, "needs a person") || !strings.Contains(got, "destructive") {
			t.Errorf("%q: %s", target.Outcome, got)
		}
	}
}

// hostile are texts that would mean something in Markdown.
var hostile = []string{"a | b", "`code`", "``", "````", "````\n\n# h\n\n````", "<script>x</script>", "</details>", "</summary><b>", "<!-- penstock:plan -->", "[l](http://e.vil)",
	"![i](http://e.vil)", "http://e.vil", "www.e.vil", "me@e.vil", "*b*", "__b__", "~~s~~", "# h", "- l", "1. l", "> q", "---", "\n\n# h", "\n\n</details>", "```\ncode", "~~~", "$x$",
	"&lt;b&gt;", "|", "\n|\n", "- [ ] task", "\x1b[31m", "\u202e", "##[error]x", "::error::x"}

func named(s string) []page.Target {
	value, _ := json.Marshal(s)
	shown := &redact.Value{Shown: value}
	summary := &redact.Summary{Counts: redact.Counts{Update: 1}, Root: redact.Module{Changes: []redact.Change{{Address: s, Type: s, Action: "update", Reason: s, From: s,
		Attributes: []redact.Attribute{{Path: s, Before: shown, After: shown}}}}, Modules: []redact.Module{{Address: s, Changes: []redact.Change{{Address: s, Action: "odd"}}}}},
		Outputs: []redact.Output{{Name: s, Action: "create", After: shown}}}
	finding := pipelines.Finding{Rule: s, Resource: s, Message: s, Hint: s, Verdict: pipelines.Fail}
	return []page.Target{
		{Unit: s, Environment: s, Outcome: page.Changes, Summary: summary, CapsuleDigest: s, Why: []string{s, s},
			Risk:     risk.Assessment{Level: risk.High, Reasons: []risk.Reason{{Level: risk.High, Address: s, Rule: s, Message: s}, {Level: risk.Low, Address: s, Rule: s, Message: s}}},
			Verdicts: []pipelines.Result{{Stage: s, Verdict: pipelines.Fail, Findings: []pipelines.Finding{finding}}, {Stage: s, Verdict: pipelines.NotRun, Reason: s}}},
		{Unit: s, Environment: s, Outcome: page.Failed, Errors: []string{s, s}},
		{Unit: s, Environment: s, Outcome: page.Refused, Why: []string{s}},
	}
}

func tags(t *testing.T, text string) (string, string) {
	t.Helper()
	var b bytes.Buffer
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote, extension.DefinitionList), goldmark.WithRendererOptions(unsafe.WithUnsafe()))
	if err := markdown.Convert([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	return strings.Join(regexp.MustCompile(`<[^>]*>`).FindAllString(b.String(), -1), ""), b.String()
}

// Whatever a stranger writes, the page has the same parts as with a plain word.
func TestThePageMeansNothingOfWhatStrangersWrite(t *testing.T) {
	want, _ := tags(t, render(t, named("plain"), page.CommentLimit))
	if strings.Count(want, "<details>") != 2 && strings.Count(want, "<details>") != 1 || strings.Count(want, "<pre>") < 3 {
		t.Fatalf("the plain page has other parts: %s", want)
	}
	for _, s := range hostile {
		text := render(t, named(s), page.CommentLimit)
		got, shown := tags(t, text)
		if got != want {
			t.Errorf("%q changes the page:\n%s\n%s\n%s", s, got, want, shown)
		}
		if strings.Count(text, page.Marker) != 1 && !strings.Contains(s, "penstock:plan") || !strings.HasPrefix(text, page.Marker+"\n") {
			t.Errorf("%q: the marker is not the first line alone", s)
		}
		if strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("%q: control characters are on the page", s)
		}
	}
	outside := regexp.MustCompile("(?s)<pre>.*?</pre>|<code>.*?</code>")
	for _, s := range []string{"@all", "hi @org/team", "#12", "org/repo#12", "GH-12"} {
		_, shown := tags(t, render(t, named(s), page.CommentLimit))
		if found := regexp.MustCompile(`(?i)@\w|#\d|gh-\d`).FindString(html.UnescapeString(outside.ReplaceAllString(shown, ""))); found != "" {
			t.Errorf("%q: the page has %q", s, found)
		}
	}
}

// A low risk still asks for a person where the environment does.
func TestTheEnvironmentAsks(t *testing.T) {
	low := page.Target{Unit: "live/prod/dns", Environment: "prod", Outcome: page.Changes, Summary: &redact.Summary{Complete: true, Counts: redact.Counts{Create: 1}},
		Risk: risk.Assessment{Level: risk.Low}}
	if text := render(t, []page.Target{low}, page.CommentLimit); !strings.Contains(text, "nothing here asks for a person") {
		t.Errorf("the page is\n%s", text)
	}
	low.Approve = true
	text := render(t, []page.Target{low}, page.CommentLimit)
	if !strings.Contains(text, "**needs a person**: 1 target to be approved") || strings.Contains(text, "nothing here asks") {
		t.Errorf("the page is\n%s", text)
	}
}
