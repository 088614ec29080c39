// Package page writes the one page of a pull request: what each target would
// change, how much there is to lose, and what needs a person.
package page

import (
	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/redact"
	"github.com/penstock-dev/penstock/pipelines/risk"
)

// The sizes that GitHub allows, less some room: 65,536 characters for a comment,
// 1 MiB for the summary of a step, beyond which it drops the whole.
const (
	CommentLimit = 65_000
	SummaryLimit = 1_000_000
)

// Marker is the first line of the page: by it the comment is found again.
const Marker = "<!-- penstock:plan -->"

// Outcome is how planning a target ended. The zero value is not valid.
type Outcome string

const (
	// NoChanges: the target is as its code says.
	NoChanges Outcome = "no_changes"
	// Changes: there is a plan to review.
	Changes Outcome = "changes"
	// Deferred: it is to be planned again after what it depends on was applied.
	Deferred Outcome = "deferred"
	// Refused: it was not planned, because it may not be.
	Refused Outcome = "refused"
	// Failed: planning ended with an error.
	Failed Outcome = "error"
)

// Target is one unit in one environment.
type Target struct {
	Unit        string
	Environment string
	Outcome     Outcome
	// Wave is, of a deferred target, the wave after which it is planned again.
	Wave int
	// Why says how the target came to be planned, or why it was refused.
	Why []string
	// Summary is what the plan would change, nil where there is no plan.
	Summary *redact.Summary
	// Risk is the public form: Summary.Assessment made it.
	Risk risk.Assessment
	// Approve says that the environment wants a person's approval of these changes.
	Approve bool
	// Verdicts are what the policies say of the plan.
	Verdicts []pipelines.Result
	// CapsuleDigest is the digest of the sealed plan, "sha256:...".
	CapsuleDigest string
	// Errors are the tail of what went wrong, made public by redact.Diagnostics.
	Errors []string
	// Reproduce is the command that plans it, quoted. Default: penstock plan with its unit.
	Reproduce string
}
