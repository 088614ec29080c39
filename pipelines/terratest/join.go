package terratest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// JoinStage is under what the joined report says that the parts are not the whole.
const JoinStage = "nightly"

// Join makes one report of the parts of a suite, and proves that they are the whole: every
// part once, all of the same commit and of the same declared cases, each of which is in
// exactly one part. What is missing is not run, by name.
func Join(parts ...*pipelines.Report) *pipelines.Report {
	j := &joining{all: &pipelines.Report{Stages: []string{Stage}, Selection: pipelines.Selection{Schema: pipelines.SelectionSchema, All: true}},
		results: map[[2]string]*pipelines.Result{}, seen: map[string]int{}, parts: map[int]bool{}}
	for i, part := range parts {
		j.add(i, part)
	}
	j.prove()
	for _, result := range j.results {
		j.all.Results = append(j.all.Results, *result)
	}
	slices.SortFunc(j.all.Selection.Units, func(a, b pipelines.Unit) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(j.all.Results, func(a, b pipelines.Result) int {
		return cmp.Or(strings.Compare(a.Unit, b.Unit), strings.Compare(a.Stage, b.Stage))
	})
	j.all.Close()
	for _, part := range parts { // what a part says of itself is never made better
		j.all.Verdict = j.all.Verdict.Worse(part.Verdict)
	}
	return j.all
}

type joining struct {
	all     *pipelines.Report
	suite   *pipelines.Suite
	results map[[2]string]*pipelines.Result
	// seen counts the parts that each case is in.
	seen     map[string]int
	parts    map[int]bool
	problems []string
}

func (j *joining) problem(format string, args ...any) {
	j.problems = append(j.problems, fmt.Sprintf(format, args...))
}

// add takes one part up.
func (j *joining) add(i int, part *pipelines.Report) {
	j.all.Seconds = max(j.all.Seconds, part.Seconds)
	if j.all.Started.IsZero() || part.Started.Before(j.all.Started) {
		j.all.Started = part.Started
	}
	for _, tool := range part.Tools {
		if !slices.Contains(j.all.Tools, tool) {
			j.all.Tools = append(j.all.Tools, tool)
		}
	}
	for _, n := range part.Notices {
		if !slices.Contains(j.all.Notices, n) {
			j.all.Notices = append(j.all.Notices, n)
		}
	}
	j.all.Selection.Total = max(j.all.Selection.Total, part.Selection.Total)
	for _, unit := range part.Selection.Units {
		if !slices.ContainsFunc(j.all.Selection.Units, func(u pipelines.Unit) bool { return u.Path == unit.Path }) {
			j.all.Selection.Units = append(j.all.Selection.Units, unit)
		}
	}
	for _, result := range part.Results {
		j.result(result)
	}
	j.compare(i, part.Suite)
}

// result adds what a part says of a unit to what others said of it.
func (j *joining) result(r pipelines.Result) {
	for _, c := range r.Cases {
		j.seen[r.Unit+":"+c.Name]++
	}
	key := [2]string{r.Stage, r.Unit}
	known := j.results[key]
	if known == nil {
		copied := r
		copied.Cases, copied.Findings = slices.Clone(r.Cases), slices.Clone(r.Findings)
		copied.Judged = nil // it counted one part alone
		j.results[key] = &copied
		return
	}
	for _, c := range r.Cases { // one that is there twice is said below; a report holds it once
		if !slices.ContainsFunc(known.Cases, func(k pipelines.Case) bool { return k.Name == c.Name && k.Kind == c.Kind }) {
			known.Cases = append(known.Cases, c)
		}
	}
	known.Findings = append(known.Findings, r.Findings...)
	known.Verdict = known.Verdict.Worse(r.Verdict)
	known.Seconds += r.Seconds
	if r.Reason != "" && r.Reason != known.Reason {
		known.Reason = strings.TrimPrefix(known.Reason+"; "+r.Reason, "; ")
	}
}

// compare holds a part's suite to that of the first.
func (j *joining) compare(i int, s *pipelines.Suite) {
	switch {
	case s == nil || s.Of == 0:
		j.problem("report %d is not of a part of a suite", i+1)
		return
	case s.Commit == "":
		j.problem("shard %d/%d does not know of what commit it is", s.Part, s.Of)
	case s.Dirty:
		j.problem("shard %d/%d tested more than the commit %.12s: its checkout was changed", s.Part, s.Of, s.Commit)
	}
	if j.suite == nil {
		j.suite = s
	}
	switch {
	case s.Of != j.suite.Of:
		j.problem("one report is of %d shards, another of %d", j.suite.Of, s.Of)
		return
	case s.Commit != j.suite.Commit:
		j.problem("shard %d/%d tested the commit %.12s, another %.12s", s.Part, s.Of, s.Commit, j.suite.Commit)
	case !slices.Equal(s.Cases, j.suite.Cases):
		j.problem("shard %d/%d declares other cases than another", s.Part, s.Of)
	case s.Weights != j.suite.Weights:
		j.problem("shard %d/%d was divided by other durations than another (%q, %q)", s.Part, s.Of, s.Weights, j.suite.Weights)
	}
	if j.parts[s.Part] {
		j.problem("there are two reports of shard %d/%d", s.Part, s.Of)
	}
	j.parts[s.Part] = true
}

// prove looks for every declared case, and says what is missing or twice.
func (j *joining) prove() {
	if j.suite != nil {
		for part := 1; part <= j.suite.Of; part++ {
			if !j.parts[part] {
				j.problem("shard %d/%d is missing", part, j.suite.Of)
			}
		}
		j.all.Suite = &pipelines.Suite{Commit: j.suite.Commit, Dirty: j.suite.Dirty, Weights: j.suite.Weights, Cases: j.suite.Cases, Excused: j.suite.Excused}
		missing := 0
		for _, id := range j.suite.Cases {
			switch n := j.seen[id]; {
			case n == 0:
				missing++
				j.missing(id)
			case n > 1:
				j.problem("%s is in %d shards", id, n)
			}
		}
		if missing > 0 {
			j.problem("%d of %d declared cases are in no report", missing, len(j.suite.Cases))
		}
		for id := range j.seen {
			if _, declared := slices.BinarySearch(j.suite.Cases, id); !declared {
				j.problem("%s is in a report, and was not declared", id)
			}
		}
	}
	if j.suite != nil && len(j.problems) == 0 {
		j.all.Selection.Head = j.suite.Commit // a whole suite is evidence for what it tested
	}
	if len(j.problems) > 0 {
		slices.Sort(j.problems)
		j.results[[2]string{JoinStage, "."}] = &pipelines.Result{Stage: JoinStage, Unit: ".", Verdict: pipelines.NotRun,
			Reason: strings.Join(j.problems, "; "), Hint: "join one report of each shard, all of one commit"}
	}
}

// missing adds a case that no part has.
func (j *joining) missing(id string) {
	unit, name, _ := strings.Cut(id, ":")
	key := [2]string{Stage, unit}
	if j.results[key] == nil {
		j.results[key] = &pipelines.Result{Stage: Stage, Unit: unit}
		j.all.Selection.Units = append(j.all.Selection.Units, pipelines.Unit{Path: unit, Kind: pipelines.Test})
	}
	j.results[key].Cases = append(j.results[key].Cases, pipelines.Case{Name: name, Kind: kindOf(name), Status: pipelines.CaseNotRun, Reason: "no report has it"})
}

// kindOf is what a case is, by its name.
func kindOf(name string) string {
	switch {
	case strings.Contains(name, ".tftest."):
		return pipelines.CaseTftest
	case !strings.Contains(name, ".") && tests(name):
		return pipelines.CaseGo
	}
	return pipelines.CaseExample
}

// Complete says whether a joined report is of the whole suite.
func Complete(r *pipelines.Report) bool {
	return r.Suite != nil && !slices.ContainsFunc(r.Results, func(result pipelines.Result) bool { return result.Stage == JoinStage })
}
