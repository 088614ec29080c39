package live

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/redact"
)

// result is what the report says of a look.
func (l look) result(now Look) pipelines.Result {
	if l.outcome == Failing {
		r := l.failure
		r.Verdict = pipelines.NotRun
		if now.Errors > 1 {
			r.Reason += fmt.Sprintf("; %d looks in a row ended with an error", now.Errors)
		}
		return r
	}
	r := pipelines.Result{Judged: map[string]int{"resources": l.resources, "changed_outside": now.Outside, "pending": now.Pending, "ignored_attributes": l.ignored}}
	if l.outcome == Clean {
		r.Reason = "clean"
		if l.ignored > 0 {
			r.Reason += fmt.Sprintf(", with %s ignored", many(l.ignored, "attribute"))
		}
		return r
	}
	r.Reason = fmt.Sprintf("%s; first seen %s", l.counted(), now.Since.UTC().Format(time.DateOnly))
	for _, d := range l.differences {
		r.Findings = append(r.Findings, d.finding())
	}
	if l.omitted > 0 {
		r.Findings = append(r.Findings, pipelines.Finding{Rule: "more", Verdict: pipelines.Fail, Message: many(l.omitted, "more resource") + " that differ"})
	}
	return r
}

// counted is a drift in a few words, both kinds apart.
func (l look) counted() string {
	var parts []string
	if n := l.count(ruleOutside); n > 0 {
		parts = append(parts, many(n, "resource")+" changed outside of the code")
	}
	if n := l.count(rulePending); n > 0 {
		parts = append(parts, many(n, "resource")+" not as the code says")
	}
	if l.omitted > 0 {
		parts = append(parts, fmt.Sprintf("%d more", l.omitted))
	}
	return strings.Join(parts, ", ")
}

func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (d difference) finding() pipelines.Finding {
	f := pipelines.Finding{Rule: d.Rule, Verdict: pipelines.Fail, Resource: d.Address, Severity: pipelines.Medium, Message: d.said()}
	switch {
	case d.Action == "delete" && d.Rule == ruleOutside, d.Next == "replace", d.Next == "delete":
		f.Severity = pipelines.High
	case d.Rule == rulePending:
		f.Severity = pipelines.Low
	}
	return f
}

// said is a difference in one sentence.
func (d difference) said() string {
	text := ""
	switch {
	case d.Rule == rulePending:
		text = "not applied: the code would " + d.verb() + " it"
	case d.Action == "delete":
		text = "is gone, though no apply removed it"
	default:
		text = "was changed outside of the code"
	}
	if d.Deposed {
		text += " (deposed)"
	}
	const most = 8
	parts := d.listed()
	if more := max(len(parts)-most, 0) + d.Omitted; more > 0 && len(parts) > 0 {
		parts = append(parts[:min(len(parts), most)], fmt.Sprintf("%d more", more))
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	if d.Rule == ruleOutside {
		text += "; " + d.then()
	}
	return text
}

// then is what the next apply does about it.
func (d difference) then() string {
	switch d.Next {
	case "":
		return "the next apply only takes note of it"
	case "create":
		return "the next apply creates it again"
	case "other":
		return "nobody knows what the next apply does to it"
	}
	return "the next apply would " + string(d.Next) + " it"
}

func (d difference) verb() string {
	switch {
	case d.From != "":
		return "move"
	case d.Import:
		return "import"
	case d.Action == "no_op" || d.Action == "other":
		return "change"
	}
	return string(d.Action)
}

// listed are the attributes with their values as far as these may be shown. Of what
// comes or goes as a whole there is nothing to list, and what the provider computes
// anew is left out where there is a reason for it to see.
func (d difference) listed() []string {
	if d.Action != "update" && d.Action != "replace" {
		return nil
	}
	var known, computed []string
	for _, a := range d.Attributes {
		line := fmt.Sprintf("%s %s -> %s", a.Path, shownValue(a.Before), shownValue(a.After))
		if a.After != nil && a.After.Masked == redact.Unknown {
			computed = append(computed, line)
		} else {
			known = append(known, line)
		}
	}
	if len(known) > 0 {
		return known
	}
	return computed
}

func shownValue(v *redact.Value) string {
	switch {
	case v == nil:
		return "not set"
	case v.Masked != "":
		return "(" + v.Masked.String() + ")"
	}
	return cmp.Or(string(v.Shown), "not set")
}
