// Package refusal makes the errors that say: it was read, and must not be used.
package refusal

import (
	"fmt"

	"github.com/penstock-dev/penstock/pipelines"
)

// Refusal is a message with a kind: its text is whole, so the kind adds none.
type Refusal struct {
	Kind error
	all  error // what every refusal of its package is
	text string
}

func (r *Refusal) Error() string { return r.text }

// Is says whether the refusal is of a kind, or asked for as one of all of its package.
func (r *Refusal) Is(target error) bool { return target == r.Kind || target == r.all }

// New is a *pipelines.Error over a Refusal, which is a kind, and all that its package refuses.
func New(all, kind error, hint, format string, args ...any) error {
	return &pipelines.Error{Err: &Refusal{kind, all, fmt.Sprintf(format, args...)}, Hint: hint}
}
