package values

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/penstock-dev/penstock/pipelines"
)

// Parameters is where a service's stacks write what they made, and where declared
// secrets are kept. It is read, and never written.
type Parameters interface {
	// Look returns those of the names that there are. An error says that the others
	// cannot be known either.
	Look(ctx context.Context, names []string) (map[string]Parameter, error)
	// Without returns those of the keys of which there is no secret. It never reads one.
	Without(ctx context.Context, keys []string) ([]string, error)
}

// Parameter is one that was found.
type Parameter struct {
	// Secret says that the store encrypts it: it has no value here.
	Secret bool
	Value  string
}

// maxValue is the largest parameter, in bytes: 8 KiB are the most that SSM takes.
const maxValue = 8 << 10

// plain refuses what no environment variable can hold. The value is in no message.
func plain(name, value string) error {
	switch {
	case len(value) > maxValue:
		return &pipelines.Error{Err: fmt.Errorf("reading the parameter %q: it is over %d bytes", name, maxValue)}
	case !utf8.ValidString(value):
		return &pipelines.Error{Err: fmt.Errorf("reading the parameter %q: it is not UTF-8", name), Hint: "write it again by the stack that owns it"}
	}
	for _, c := range value {
		if c == 0 {
			return &pipelines.Error{Err: fmt.Errorf("reading the parameter %q: it holds a NUL, which no environment variable can", name)}
		}
	}
	return nil
}
