package pipelines

import (
	"errors"
	"fmt"
)

// Error is an error with a place and a way out. Every package may return it, and
// whoever prints an error looks for it with errors.As.
type Error struct {
	Position
	// Err says what was being done and what went wrong.
	Err error
	// Hint is the next thing to type.
	Hint string
}

func (e *Error) Error() string {
	switch {
	case e.Path == "":
		return e.Err.Error()
	case e.Line == 0:
		return fmt.Sprintf("%s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%s:%d:%d: %v", e.Path, e.Line, e.Column, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// NotRunBecause is the result of a unit that an error kept from being judged.
func NotRunBecause(err error) Result {
	result := Result{Verdict: NotRun, Reason: err.Error()}
	var known *Error
	if errors.As(err, &known) {
		result.Hint = known.Hint
	}
	return result
}
