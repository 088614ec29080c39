package terratest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Whoever divides comes to the same parts; each group is in one; no part has more than the
// best has and the longest group; a limited account is in no more parts than it bears.
func TestDivide(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		of := 1 + random.IntN(9)
		groups := make([]weighed, random.IntN(40))
		longest, total := 0.0, 0.0
		limited := random.IntN(3) == 0
		for i := range groups {
			groups[i] = weighed{key: fmt.Sprintf("u%d:T", i), weight: float64(random.IntN(100))}
			if limited && i%2 == 0 {
				groups[i].limit = 2
			}
			longest, total = max(longest, groups[i].weight), total+groups[i].weight
		}
		parts := divide(groups, of)
		load := make([]float64, of+1)
		for _, g := range groups {
			part := parts[g.key]
			if part < 1 || part > of || g.limit > 0 && part > g.limit {
				t.Fatalf("%s is in part %d of %d", g.key, part, of)
			}
			load[part] += g.weight
		}
		if worst := slices.Max(load); !limited && worst > total/float64(of)+longest {
			t.Errorf("a part has %g, of %g in %d parts", worst, total, of)
		}
		random.Shuffle(len(groups), func(a, b int) { groups[a], groups[b] = groups[b], groups[a] })
		if !maps.Equal(parts, divide(groups, of)) {
			t.Error("another order gives other parts")
		}
	}
}

func TestParseShard(t *testing.T) {
	if s, err := ParseShard("3/8"); err != nil || s != (Shard{3, 8}) {
		t.Errorf("%v, %v", s, err)
	}
	for _, bad := range []string{"", "3", "0/8", "9/8", "3/x", "-1/2", "1/100000"} {
		if _, err := ParseShard(bad); !errors.Is(err, ErrChoice) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// shards runs a catalog of eight cases in parts.
func shards(t *testing.T, of int) []*pipelines.Report {
	t.Helper()
	root := place(t, map[string]string{
		"tests/a/a_test.go": "func TestA(t *testing.T) { t.Parallel() }\nfunc TestB(t *testing.T) { t.Parallel() }\nfunc TestC(t *testing.T) { t.Parallel() }\n",
		"tests/b/b_test.go": "func TestA(t *testing.T) {}\nfunc TestB(t *testing.T) {}\n",
		"tests/c/c_test.go": "func TestA(t *testing.T) { t.Parallel() }\nfunc TestSkipped(t *testing.T) { t.Parallel(); t.Fatal(1) }\n",
		"tests/d/d_test.go": "func TestA(t *testing.T) { undefined }\n",
		"modules/m/main.tf": moduleTF,
		"penstock.yaml":     "version: 1\nterratest: {skip: [{case: 'tests/c:TestSkipped', reason: r, owner: o, expires: 2099-01-31}]}\n"})
	states := t.TempDir()
	var parts []*pipelines.Report
	for part := 1; part <= of; part++ {
		s := stage(t, root)
		s.Suite, s.Shard, s.Commit, s.States = true, Shard{part, of}, strings.Repeat("a", 40), states
		parts = append(parts, run(t, s))
	}
	return parts
}

func clone(t *testing.T, r *pipelines.Report) *pipelines.Report {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	copied := &pipelines.Report{}
	if err := json.Unmarshal(text, copied); err != nil {
		t.Fatal(err)
	}
	return copied
}

// The parts together are the whole; a part or a case that is missing, twice, or of something
// else is never read as a whole suite.
func TestJoinProvesThatNothingIsMissing(t *testing.T) {
	parts := shards(t, 3)
	whole := Join(parts...)
	expect(t, whole, pipelines.NotRun, map[string]string{"tests/a:TestA": "passed", "tests/a:TestB": "passed", "tests/a:TestC": "passed", "tests/b:TestA": "passed", "tests/b:TestB": "passed",
		"tests/c:TestA": "passed", "tests/c:TestSkipped": "skipped", "tests/d:TestA": "not_run"})
	if !Complete(whole) || len(whole.Suite.Cases) != 8 || len(whole.Suite.Excused) != 1 || whole.Suite.Of != 0 {
		t.Errorf("it is not complete: %+v", whole.Results)
	}
	if got := resultOf(t, whole, "modules/m"); got.Reason != "no case exercises it" {
		t.Errorf("%+v", got)
	}
	for i, part := range parts {
		ran := 0
		for _, result := range part.Results {
			ran += len(result.Cases)
		}
		if ran == 0 || ran > 5 {
			t.Errorf("shard %d has %d cases", i+1, ran)
		}
	}
	for name, broken := range map[string]struct {
		spoil func(parts []*pipelines.Report) []*pipelines.Report
		want  string
	}{
		"a shard is missing": {func(p []*pipelines.Report) []*pipelines.Report { return p[:2] }, "shard 3/3 is missing"},
		"a shard is twice":   {func(p []*pipelines.Report) []*pipelines.Report { return append(p, p[0]) }, "two reports of shard 1/3"},
		"only one":           {func(p []*pipelines.Report) []*pipelines.Report { return p[2:] }, "shard 1/3 is missing; shard 2/3 is missing"},
		"another commit":     {func(p []*pipelines.Report) []*pipelines.Report { p[1].Suite.Commit = strings.Repeat("b", 40); return p }, "shard 2/3 tested the commit bbbbbbbbbbbb"},
		"no commit":          {func(p []*pipelines.Report) []*pipelines.Report { p[1].Suite.Commit = ""; return p }, "shard 2/3 does not know of what commit it is"},
		"a changed tree":     {func(p []*pipelines.Report) []*pipelines.Report { p[1].Suite.Dirty = true; return p }, "its checkout was changed"},
		"other cases":        {func(p []*pipelines.Report) []*pipelines.Report { p[1].Suite.Cases = p[1].Suite.Cases[1:]; return p }, "declares other cases"},
		"other numbers":      {func(p []*pipelines.Report) []*pipelines.Report { p[1].Suite.Of = 4; return p }, "of 3 shards, another of 4"},
		"no suite":           {func(p []*pipelines.Report) []*pipelines.Report { p[1].Suite = nil; return p }, "report 2 is not of a part of a suite"},
		"a case is lost": {func(p []*pipelines.Report) []*pipelines.Report {
			for _, part := range p {
				for i, result := range part.Results {
					if result.Unit == "tests/b" {
						part.Results[i].Cases = result.Cases[:1]
					}
				}
			}
			return p
		}, "1 of 8 declared cases are in no report"},
		"a case is new": {func(p []*pipelines.Report) []*pipelines.Report {
			p[0].Results[len(p[0].Results)-1].Cases = append(p[0].Results[len(p[0].Results)-1].Cases, pipelines.Case{Name: "TestNew", Kind: "go", Status: "passed"})
			return p
		}, ":TestNew is in a report, and was not declared"},
	} {
		t.Run(name, func(t *testing.T) {
			var copies []*pipelines.Report
			for _, part := range parts {
				copies = append(copies, clone(t, part))
			}
			r := Join(broken.spoil(copies)...)
			said := ""
			for _, result := range r.Results {
				if result.Stage == JoinStage {
					said = result.Reason
				}
			}
			if r.Verdict != pipelines.NotRun || Complete(r) || !strings.Contains(said, broken.want) {
				t.Errorf("%s: %q", r.Verdict, said)
			}
		})
	}
	lost := outcomes(Join(parts[0], parts[1]))
	if len(lost) != 8 {
		t.Errorf("%d of 8 cases are named", len(lost))
	}
}

func TestHistoryTellsDurationsAndFlakes(t *testing.T) {
	kept, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := History{kept}
	at := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	for i, seconds := range []float64{10, 30, 20} {
		r := &pipelines.Report{Started: at.AddDate(0, 0, i), Results: []pipelines.Result{{Unit: "tests/a", Cases: []pipelines.Case{
			{Name: "TestA", Status: pipelines.CasePassed, Seconds: seconds, Flaky: i == 1}, {Name: "TestNot", Status: pipelines.CaseNotRun}}}}}
		if err := h.AddSuite(t.Context(), EntryOf(r, "suite", "")); err != nil {
			t.Fatal(err)
		}
		r.Results[0].Cases[0].Seconds = 1000
		if err := h.AddRun(t.Context(), EntryOf(r, fmt.Sprint("run", i), "")); err != nil {
			t.Fatal(err)
		}
	}
	weights, newest, err := h.Weights(t.Context())
	if err != nil || len(weights) != 1 || weights["tests/a:TestA"] != 20 || newest != "20261123T020000.000000000Z-suite.json" {
		t.Errorf("%v, %v, %q", err, weights, newest)
	}
	flakes, err := h.Flakes(t.Context())
	if err != nil || flakes["tests/a:TestA"] != (Flakes{Ran: 6, Flaky: 2}) {
		t.Errorf("%v, %v", err, flakes)
	}
	// What cannot be read is no history.
	if err := kept.Create(t.Context(), "suites/9-broken.json", bytes.NewReader([]byte("{"))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Weights(t.Context()); err == nil {
		t.Error("a broken entry was read")
	}
}

// A run adds to the history, and tells of what is flaky how it was before.
func TestRunsRemember(t *testing.T) {
	root := place(t, map[string]string{"tests/a/a_test.go": "func TestBad(t *testing.T) { t.Fatal(1) }\n", "penstock.yaml": "version: 1\nterratest: {history: kept/history}\n"})
	var r *pipelines.Report
	for range 2 {
		r = run(t, stage(t, root))
	}
	if len(r.Notices) != 1 || r.Notices[0].Message != "tests/a:TestBad: in its last 1 runs it was flaky 0 times and failed 1 times before" {
		t.Errorf("%+v", r.Notices)
	}
}
