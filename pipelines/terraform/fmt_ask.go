package terraform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// askBatch bounds how many files one process judges.
const askBatch = 1000

// answer is what terraform made of one source.
type answer struct {
	formatted []byte
	err       error
}

// ask lets terraform format sources, many in one process, because starting it
// costs more than formatting. The sources are copied under names of ours: no
// name or link of the checkout reaches terraform. What it could not read is
// found by halving.
func (p program) ask(ctx context.Context, sources [][]byte) []answer {
	if len(sources) > askBatch {
		return append(p.ask(ctx, sources[:askBatch]), p.ask(ctx, sources[askBatch:])...)
	}
	answers, err := p.askOnce(ctx, sources)
	switch {
	case err == nil:
		return answers
	case len(sources) == 1 || ctx.Err() != nil:
		answers = make([]answer, len(sources))
		for i := range answers {
			answers[i].err = err
		}
		return answers
	}
	half := len(sources) / 2
	return append(p.ask(ctx, sources[:half]), p.ask(ctx, sources[half:])...)
}

func (p program) askOnce(ctx context.Context, sources [][]byte) ([]answer, error) {
	home, err := os.MkdirTemp("", "penstock-fmt-")
	if err != nil {
		return nil, fmt.Errorf("making room for %s fmt: %w", p.name, err)
	}
	defer os.RemoveAll(home)
	work := filepath.Join(home, "work")
	if err := os.Mkdir(work, 0o700); err != nil {
		return nil, fmt.Errorf("making room for %s fmt: %w", p.name, err)
	}
	name := func(i int) string { return filepath.Join(work, fmt.Sprintf("%d.tf", i)) }
	for i, src := range sources {
		if err := os.WriteFile(name(i), src, 0o600); err != nil {
			return nil, fmt.Errorf("copying a file for %s fmt: %w", p.name, err)
		}
	}
	out, err := process.Run(ctx, process.Command{Argv: fmtArgv(p.path), Dir: work, Env: environment(home, os.DevNull)})
	if err != nil {
		return nil, err
	}
	if err := fmtFailed(p.name, out); err != nil {
		return nil, err
	}
	answers := make([]answer, len(sources))
	for i := range sources {
		if answers[i].formatted, err = os.ReadFile(name(i)); err != nil {
			return nil, fmt.Errorf("reading what %s fmt wrote: %w", p.name, err)
		}
	}
	return answers, nil
}

// fmtArgv formats every file of the working directory in place.
func fmtArgv(path string) []string { return []string{path, "fmt", "-no-color", "-list=false", "."} }

// fmtFailed judges how terraform fmt ended: nil when every file was formatted.
func fmtFailed(name string, out process.Output) error {
	if out.Exit == 0 {
		return nil
	}
	return fmt.Errorf("%s fmt: exit %d: %s", name, out.Exit, firstError(out.Stderr))
}

var errNoAnswer = errors.New("interrupted before it was judged")
