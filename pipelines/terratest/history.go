package terratest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// History is what became of cases in past runs: one object for each run, written once.
type History struct{ Store store.Store }

// HistorySchema is the version of an entry.
const HistorySchema = "penstock.cases/v1"

// Entry is one run in the history.
type Entry struct {
	Schema string    `json:"schema"`
	Run    string    `json:"run"`
	At     time.Time `json:"at"`
	Commit string    `json:"commit,omitempty"`
	Cases  []Past    `json:"cases"`
}

// Past is what became of one case in one run.
type Past struct {
	Case    string  `json:"case"` // UNIT:NAME
	Status  string  `json:"status"`
	Flaky   bool    `json:"flaky,omitempty"`
	Seconds float64 `json:"seconds"`
	// Reason is that of a failure, or of a flake.
	Reason string `json:"reason,omitempty"`
}

// The two kinds of entries: of single runs, and of whole suites. Suites alone are divided
// by: no entry of theirs appears while the parts of one are running.
const (
	runsOf   = "runs/"
	suitesOf = "suites/"
	// looked is how many of the newest entries are read.
	looked = 20
)

// EntryOf makes the entry of a report.
func EntryOf(r *pipelines.Report, run, commit string) Entry {
	e := Entry{Schema: HistorySchema, Run: run, At: r.Started, Commit: commit, Cases: []Past{}}
	for _, result := range r.Results {
		for _, c := range result.Cases {
			if c.Status == pipelines.CasePassed || c.Status == pipelines.CaseFailed {
				e.Cases = append(e.Cases, Past{Case: result.Unit + ":" + c.Name, Status: c.Status, Flaky: c.Flaky, Seconds: c.Seconds, Reason: c.Reason})
			}
		}
	}
	return e
}

// AddRun keeps the entry of a run, AddSuite that of a whole suite.
func (h History) AddRun(ctx context.Context, e Entry) error { return h.add(ctx, runsOf, e) }

// AddSuite is AddRun for all parts of a suite, joined.
func (h History) AddSuite(ctx context.Context, e Entry) error { return h.add(ctx, suitesOf, e) }

func (h History) add(ctx context.Context, kind string, e Entry) error {
	text, err := json.Marshal(e)
	if err == nil {
		err = h.Store.Create(ctx, kind+e.At.UTC().Format("20060102T150405.000000000Z")+"-"+e.Run+".json", bytes.NewReader(append(text, '\n')))
	}
	if err != nil && !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("keeping the history: %w", err)
	}
	return nil
}

// newest reads the newest entries of a kind, the newest first, and the name of the newest.
func (h History) newest(ctx context.Context, kind string) ([]Entry, string, error) {
	listed, err := h.Store.List(ctx, kind)
	if err != nil {
		return nil, "", fmt.Errorf("reading the history: %w", err)
	}
	slices.Reverse(listed)
	var entries []Entry
	name := ""
	for i, object := range listed[:min(len(listed), looked)] {
		if i == 0 {
			name = strings.TrimPrefix(object.Name, kind)
		}
		e, err := h.read(ctx, object.Name)
		if err != nil {
			return nil, "", err
		}
		entries = append(entries, e)
	}
	return entries, name, nil
}

func (h History) read(ctx context.Context, name string) (Entry, error) {
	var e Entry
	content, _, err := h.Store.Read(ctx, name)
	if err != nil {
		return e, fmt.Errorf("reading the history: %w", err)
	}
	defer content.Close()
	text, err := io.ReadAll(io.LimitReader(content, 64<<20))
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err == nil && e.Schema != HistorySchema {
		err = fmt.Errorf("its schema is %q, known is %q", e.Schema, HistorySchema)
	}
	if err != nil {
		return e, fmt.Errorf("reading the history %q: %w", name, err)
	}
	return e, nil
}

// Weights are the medians of how long each case took in past suites, in seconds, and the
// name of the newest of these.
func (h History) Weights(ctx context.Context) (map[string]float64, string, error) {
	entries, name, err := h.newest(ctx, suitesOf)
	if err != nil {
		return nil, "", err
	}
	took := map[string][]float64{}
	for _, e := range entries {
		for _, c := range e.Cases {
			took[c.Case] = append(took[c.Case], c.Seconds)
		}
	}
	weights := map[string]float64{}
	for name, all := range took {
		slices.Sort(all)
		weights[name] = all[len(all)/2]
	}
	return weights, name, nil
}

// Flakes counts in how many of the past runs that are looked at a case ran, and was flaky.
type Flakes struct{ Ran, Flaky, Failed int }

// Flakes tells the past of each case, of runs and of suites.
func (h History) Flakes(ctx context.Context) (map[string]Flakes, error) {
	counts := map[string]Flakes{}
	for _, kind := range []string{runsOf, suitesOf} {
		entries, _, err := h.newest(ctx, kind)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			for _, c := range e.Cases {
				f := counts[c.Case]
				f.Ran++
				if c.Flaky {
					f.Flaky++
				}
				if c.Status == pipelines.CaseFailed {
					f.Failed++
				}
				counts[c.Case] = f
			}
		}
	}
	return counts, nil
}

// String says it in words.
func (f Flakes) String() string {
	return fmt.Sprintf("in its last %d runs it was flaky %d times and failed %d times", f.Ran, f.Flaky, f.Failed)
}
