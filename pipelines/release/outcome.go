package release

import (
	"fmt"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// Schema is the version of an outcome's JSON form.
const Schema = "penstock.release/v1"

// Outcome is what a release did, or would do: all modules, or none.
type Outcome struct {
	Schema string `json:"schema" jsonschema:"const=penstock.release/v1"`
	DryRun bool   `json:"dry_run"`
	// Verdict is pass where it was, or could be, released or nothing changed; fail where it
	// is refused; not_run where something could not be read.
	Verdict pipelines.Verdict `json:"verdict"`
	// Commit is what is released, Time is when it was committed.
	Commit string    `json:"commit"`
	Time   time.Time `json:"time"`
	// Base is the main branch of the remote.
	Base string `json:"base"`
	// Total counts the modules of the catalog.
	Total int `json:"total"`
	// Modules are those that are released.
	Modules []*Module `json:"modules"`
	// Unchanged are those whose last release has what the commit has.
	Unchanged []string  `json:"unchanged"`
	Refusals  []Refusal `json:"refusals"`
	Notices   []string  `json:"notices"`
	// Evidence is the report that was given.
	Evidence *Evidence `json:"evidence,omitempty"`
	// Records is the commit of the branch of records that was pushed.
	Records string `json:"records,omitempty"`
	// Pushed: tags and records are on the remote.
	Pushed bool `json:"pushed"`

	by, penstock string
}

// Refusal is why a release must not be.
type Refusal struct {
	// Module is empty where it is about all.
	Module  string `json:"module,omitempty"`
	Rule    string `json:"rule"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Here: it is about where and when the release is run. On a pull request it is only
	// foretold.
	Here     bool               `json:"here,omitempty"`
	Position pipelines.Position `json:"position,omitzero"`
}

func (o *Outcome) refuse(r Refusal) { o.Refusals = append(o.Refusals, r) }

func (o *Outcome) notice(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, said := range o.Notices {
		if said == text {
			return
		}
	}
	o.Notices = append(o.Notices, text)
}

// refused says whether anything stands against the release.
func (o *Outcome) refused() bool {
	for _, r := range o.Refusals {
		if !r.Here || !o.DryRun {
			return true
		}
	}
	return false
}

// close draws the verdict.
func (o *Outcome) close() {
	o.Verdict = pipelines.Pass
	for _, r := range o.Refusals {
		switch {
		case r.Rule == "unreadable" || r.Rule == "not-asked":
			o.Verdict = o.Verdict.Worse(pipelines.NotRun)
		case !r.Here || !o.DryRun:
			o.Verdict = o.Verdict.Worse(pipelines.Fail)
		}
	}
	if o.Total == 0 {
		o.Verdict = pipelines.NotRun
	}
}
