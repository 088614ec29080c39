package report

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	unsafe "github.com/yuin/goldmark/renderer/html"

	"github.com/penstock-dev/penstock/pipelines"
)

// hostile are names and messages that would mean something in Markdown.
var hostile = []string{
	"a | b", "a\\| b", "\\", "`code`", "``", "<script>x</script>", "</details>", "</summary><b>", "<!--", "[l](http://e.vil)", "![i](http://e.vil)",
	"[x]: http://e.vil", "[^1]", "http://e.vil", "HTTPS://e.vil", "www.e.vil", "WWW.e.vil", "ftp://e.vil", "me@e.vil", "mailto:me@e.vil",
	"*b*", "**b**", "_i_", "a _i_ b", "__b__", "~~s~~", "~s~", "# h", "#1", "- l", "+ l", "* l", "1. l", "1) l", "12. l", "> q", "---", "===", "***", "___",
	"    code", "\n\n# h", "\n\n</details>", "```\ncode", "~~~", "$x$", "&lt;b&gt;", "&", "&#124;", "|", "||", "\n|\n", "| a |\n|---|\n| b |", "- [ ] task", ": d",
}

// tags of what a renderer of GitHub's Markdown makes of a text.
func tags(t *testing.T, text []byte) (string, string) {
	t.Helper()
	var b bytes.Buffer
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote, extension.DefinitionList),
		goldmark.WithRendererOptions(unsafe.WithUnsafe()))
	if err := markdown.Convert(text, &b); err != nil {
		t.Fatal(err)
	}
	return strings.Join(regexp.MustCompile(`<[^>]*>`).FindAllString(b.String(), -1), ""), b.String()
}

// named is a report in which all that strangers name or write is s.
func named(s string) *pipelines.Report {
	r := &pipelines.Report{Stages: []string{"compliance", "tflint"}, Skipped: []pipelines.Skip{{Stage: "terraform-fmt", Reason: s}},
		Notices:   []pipelines.Notice{{Path: s, Line: 3, Message: s}, {Message: s}},
		Selection: pipelines.Selection{Total: 4, Units: []pipelines.Unit{{Path: "a"}, {Path: s}}}}
	finding := pipelines.Finding{Position: pipelines.Position{Path: s, Line: 1}, Rule: s, Resource: s, Message: s, Hint: s, Verdict: pipelines.Fail}
	bare := pipelines.Finding{Rule: s, Message: s, Verdict: pipelines.Waived, Waiver: &pipelines.Waiver{Owner: s, Reason: s, Expires: s}}
	r.Results = []pipelines.Result{
		{Stage: "compliance", Unit: "a", Reason: s, Hint: s, Why: []string{s, s}, Findings: []pipelines.Finding{finding, bare}},
		{Stage: "compliance", Unit: s, Verdict: pipelines.NotRun, Reason: s, Hint: s},
		{Stage: "tflint", Unit: "a", Verdict: pipelines.NotRun, Reason: "same"}, {Stage: "tflint", Unit: s, Verdict: pipelines.NotRun, Reason: "same"},
	}
	r.Close()
	return r
}

// Whatever a stranger writes, the page has the same parts as with a plain word.
func TestMarkdownMeansNothingOfWhatStrangersWrite(t *testing.T) {
	want, _ := tags(t, render(t, "markdown", named("plain")))
	if strings.Count(want, "<table>") != 2 || strings.Count(want, "<details>") != 3 {
		t.Fatalf("the plain page has other parts: %s", want)
	}
	for _, s := range hostile {
		got, page := tags(t, render(t, "markdown", named(s)))
		if got != want {
			t.Errorf("%q changes the page: %s\n%s", s, got, page)
		}
	}
}

// GitHub looks for these in what is shown, after entities are characters again.
func TestMarkdownMentionsAndRefersToNobody(t *testing.T) {
	for _, s := range []string{"@all", "hi @org/team", "#12", "org/repo#12", "GH-12", "gh-12", "mail@host"} {
		_, page := tags(t, render(t, "markdown", named(s)))
		if found := regexp.MustCompile(`(?i)@\w|#\d|gh-\d`).FindString(html.UnescapeString(page)); found != "" {
			t.Errorf("%q: the page has %q", s, found)
		}
	}
}

func TestMarkdownShowsWhatWasWritten(t *testing.T) {
	for _, s := range []string{"modules/a_b-c.d/main.tf", "aws_kms_key.k[\"a\"]", "a & b < c", "50 % of $5 | x", "naïve 名前"} {
		_, page := tags(t, []byte(prose(s)))
		plain := strings.NewReplacer("&quot;", `"`, "&amp;", "&", "&lt;", "<", "&gt;", ">", "\u200b", "", "<p>", "", "</p>\n", "").Replace(page)
		if plain != s {
			t.Errorf("%q is shown as %q", s, plain)
		}
	}
	if got := prose("modules/a_b/c-d.tf:3"); got != "modules/a_b/c-d.tf:3" {
		t.Errorf("a common name is hard to read: %s", got)
	}
}

func TestMarkdownStaysWithinItsLimit(t *testing.T) {
	r := sample()
	for i := range 300 {
		r.Results[0].Findings = append(r.Results[0].Findings,
			pipelines.Finding{Rule: "r", Verdict: pipelines.Fail, Message: fmt.Sprint(i) + strings.Repeat("ü|", 300)})
		r.Notices = append(r.Notices, pipelines.Notice{Message: "n"})
		unit := pipelines.Result{Stage: "compliance", Unit: fmt.Sprintf("modules/m%d", i), Findings: []pipelines.Finding{{Rule: "r", Verdict: pipelines.Fail, Message: "m"}}}
		r.Results = append(r.Results, unit)
	}
	r.Results[1].Reason = strings.Repeat("x", 100_000) + "the cause"
	r.Close()
	for limit := 1500; limit < 2*SummaryLimit; limit += limit / 3 {
		var b bytes.Buffer
		if err := Markdown(&b, r, limit); err != nil {
			t.Fatalf("%d: %v", limit, err)
		}
		page := b.String()
		if len(page) > limit || !utf8.ValidString(page) {
			t.Fatalf("%d bytes, limit %d", len(page), limit)
		}
		if opened, closed := strings.Count(page, "<details>"), strings.Count(page, "</details>"); opened != closed {
			t.Errorf("%d: %d details opened, %d closed", limit, opened, closed)
		}
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, "|") && !strings.HasSuffix(line, "|\n") {
				t.Errorf("%d: a row was cut: %.80s", limit, line)
			}
		}
		if !strings.HasSuffix(page, "--stages terraform-fmt,compliance`\n") || !strings.Contains(page, "more notices") {
			t.Errorf("%d: it does not end with the command, or hides that there are more notices", limit)
		}
		everything := strings.Contains(page, "modules/m299</summary>") && !strings.Contains(page, "more findings")
		if said := strings.Contains(page, "more parts are in") || strings.Contains(page, "more findings are in"); said == everything {
			t.Errorf("%d: everything is there: %t, something is said to be left out: %t", limit, everything, said)
		}
		if strings.Contains(page, "xxxx") && !strings.Contains(page, "the cause") {
			t.Errorf("%d: the end of the reason is lost", limit)
		}
	}
	if err := Markdown(&bytes.Buffer{}, r, 100); err == nil {
		t.Error("a page without room for its summary was written")
	}
}

// A unit with thousands of findings leaves room for the others.
func TestMarkdownSharesItsRoom(t *testing.T) {
	r := sample()
	for i := range r.Results {
		if r.Results[i].Stage == "terraform-fmt" {
			for range 3000 {
				r.Results[i].Findings = append(r.Results[i].Findings, pipelines.Finding{Rule: "r", Verdict: pipelines.Fail, Message: "not formatted"})
			}
		}
	}
	r.Close()
	page := string(render(t, "markdown", r))
	if n := strings.Count(page, "<details>"); n != len(blocks(r)) || !strings.Contains(page, "port 22 is open") {
		t.Errorf("%d of %d parts are shown", n, len(blocks(r)))
	}
}
