// Package risk says of a plan how much there is to lose in applying it, from the
// JSON of the plan alone. It errs towards asking a person: what it does not know,
// or cannot read, is never harmless.
package risk

import "slices"

// Level is how much there is to lose. The zero value is not valid.
type Level string

const (
	// None: the plan changes nothing.
	None Level = "none"
	// Low: it changes something, and nothing of what follows.
	Low Level = "low"
	// High: something is deleted, opened, unprotected or granted, or cannot be judged.
	High Level = "high"
	// Destructive: data may be lost, or the plan does what nobody here knows.
	Destructive Level = "destructive"
)

// Levels lists every level, the least first.
var Levels = []Level{None, Low, High, Destructive}

// Rank orders levels; one that nobody knows ranks as the worst.
func (l Level) Rank() int {
	if i := slices.Index(Levels, l); i >= 0 {
		return i
	}
	return len(Levels) - 1
}

// Worse returns the worse of two levels.
func (l Level) Worse(other Level) Level {
	if other.Rank() > l.Rank() {
		return other
	}
	return l
}

// Reason is one thing that leads to a level.
type Reason struct {
	Level Level `json:"level"`
	// Address is the resource in question, or "output.NAME"; empty for the plan as
	// a whole. Its instance key may be a value of the plan: see redact.Review.
	Address string `json:"address,omitempty"`
	// Rule names the rule: "delete-stateful".
	Rule string `json:"rule"`
	// Message says what the plan does. It names attributes, never their values.
	Message string `json:"message"`
}

// Assessment is the risk of one plan: the worst of its reasons, which come worst first.
type Assessment struct {
	Level   Level    `json:"level"`
	Reasons []Reason `json:"reasons,omitempty"`
}
