package pipelines

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
)

func TestWorseAndExitCodes(t *testing.T) {
	for i, better := range Verdicts {
		for _, worse := range Verdicts[i:] {
			if better.Worse(worse) != worse || worse.Worse(better) != worse {
				t.Errorf("%s is not worse than %s", worse, better)
			}
		}
	}
	for verdict, want := range map[Verdict]int{Pass: 0, Waived: 0, Unknown: 1, Fail: 1, NotRun: 3, "": 3, "odd": 3} {
		if got := verdict.ExitCode(); got != want {
			t.Errorf("%q exits with %d, want %d", verdict, got, want)
		}
	}
	if Verdict("odd").Worse(Fail) != "odd" {
		t.Error("a verdict that nobody knows is taken for better than a finding")
	}
}

func units(paths ...string) Selection {
	s := Selection{Total: len(paths)}
	for _, p := range paths {
		s.Units = append(s.Units, Unit{Path: p, Inputs: []string{p + "/main.tf"}})
	}
	return s
}

func TestCloseAccountsForWhatWasDeclared(t *testing.T) {
	s := units("a", "b")
	r := &Report{Stages: []string{"x", "y"}, Selection: s, Results: []Result{
		{Stage: "y", Unit: "b", Verdict: Pass}, {Stage: "x", Unit: "a", Findings: []Finding{{Verdict: Waived}}}, {Stage: "x", Unit: "b", Verdict: Pass}}}
	r.Close()
	if len(r.Results) != 4 || r.Verdict != NotRun || r.Counts[NotRun] != 1 || r.Counts[Waived] != 1 {
		t.Errorf("got %d results, %s, %v", len(r.Results), r.Verdict, r.Counts)
	}
	if first := r.Results[0]; first.Unit != "a" || first.Stage != "x" || first.Verdict != Waived {
		t.Errorf("the first is %+v", first)
	}
	if r.Selection.Units[0].Inputs != nil || s.Units[0].Inputs == nil {
		t.Error("inputs are the selection's: a report leaves them out of a copy")
	}
	again := len(r.Results)
	if r.Close(); len(r.Results) != again || r.Verdict != NotRun {
		t.Error("closing again changes the report")
	}
}

func TestNothingToJudgeIsNoPass(t *testing.T) {
	for name, test := range map[string]struct {
		report Report
		want   Verdict
	}{
		"no unit exists":     {Report{Stages: []string{"x"}}, NotRun},
		"no stage ran":       {Report{Selection: units("a")}, NotRun},
		"no unit is touched": {Report{Stages: []string{"x"}, Selection: Selection{Total: 3}}, Pass},
	} {
		if test.report.Close(); test.report.Verdict != test.want {
			t.Errorf("%s: got %s, want %s", name, test.report.Verdict, test.want)
		}
	}
}

func TestEachAccountsForEveryUnit(t *testing.T) {
	var events atomic.Int32
	scope := Scope{Selection: units("fine", "panics", "bad"), Progress: func(Event) { events.Add(1) }}
	r := scope.Each(t.Context(), "x", func(_ context.Context, u Unit) Result {
		switch u.Path {
		case "panics":
			panic("oh")
		case "bad":
			return Result{Findings: []Finding{{Verdict: Fail}}}
		}
		return Result{}
	})
	got := map[string]Verdict{}
	for _, result := range r.Results {
		got[result.Unit] = result.Verdict
	}
	if got["fine"] != Pass || got["panics"] != NotRun || got["bad"] != Fail || r.Verdict != NotRun {
		t.Errorf("got %v, %s", got, r.Verdict)
	}
	if events.Load() != 6 {
		t.Errorf("%d events, want one for each start and end", events.Load())
	}
}

func TestEachKeepsWhatFinishedWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	slots := make(chan struct{}, 1)
	scope := Scope{Selection: units("first", "second", "third"), Slots: slots}
	r := scope.Each(ctx, "x", func(ctx context.Context, u Unit) Result {
		cancel()
		return Result{Findings: []Finding{{Verdict: Fail, Message: u.Path}}}
	})
	failed, left := r.Counts[Fail], r.Counts[NotRun]
	if failed != 1 || left != 2 || r.Verdict != NotRun {
		t.Errorf("%d failed, %d not run, %s", failed, left, r.Verdict)
	}
}

func TestInterruptedSaysWhatWasDone(t *testing.T) {
	for _, test := range []struct {
		given Result
		want  Result
	}{
		{Result{}, Result{Verdict: NotRun, Reason: "interrupted while it was judged"}},
		{Result{Reason: "applied: 3 changes"}, Result{Verdict: NotRun, Reason: "interrupted while it was judged: applied: 3 changes"}},
		{Result{Verdict: NotRun, Reason: "a part was made", Hint: "plan again"}, Result{Verdict: NotRun, Reason: "interrupted while it was judged: a part was made", Hint: "plan again"}},
		{Result{Verdict: Fail, Reason: "refused"}, Result{Verdict: Fail, Reason: "refused"}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		scope := Scope{Selection: units("first")}
		r := scope.Each(ctx, "apply", func(context.Context, Unit) Result {
			cancel()
			return test.given
		})
		if got := r.Results[0]; got.Verdict != test.want.Verdict || got.Reason != test.want.Reason || got.Hint != test.want.Hint {
			t.Errorf("%+v became %+v", test.given, got)
		}
	}
}

func TestNotRunBecauseKeepsPlaceAndHint(t *testing.T) {
	err := &Error{Position: Position{Path: "a.tf", Line: 3, Column: 1}, Err: errors.New("broken"), Hint: "mend it"}
	result := NotRunBecause(errors.Join(errors.New("reading"), err))
	if result.Verdict != NotRun || result.Hint != "mend it" || !strings.Contains(result.Reason, "a.tf:3:1: broken") {
		t.Errorf("got %+v", result)
	}
}
