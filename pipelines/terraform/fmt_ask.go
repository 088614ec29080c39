package terraform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// askBatch bounds how many files one process judges.
const askBatch = 1000

// answer is what terraform made of one source.
type answer struct {
	formatted []byte
	err       error
}

// ask has terraform judge what only it can. It returns what took part and why
// there is nobody to ask.
func (r *fmtRun) ask(ctx context.Context) ([]pipelines.Tool, error) {
	var open []*fmtFile
	for _, unit := range r.files {
		for _, file := range unit.open {
			if file.err == nil {
				open = append(open, file)
			}
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	p, err := find(r.Program)
	if err != nil {
		return nil, err
	}
	built := p.built()
	var left *fmtCache // what terraform itself leaves alone
	if built.identity != "" && !r.NoCache {
		left = openFmtCache(r.Cache, "terraform\x00"+built.identity)
	}
	var doubtful []*fmtFile
	var sources [][]byte
	for _, file := range open {
		switch {
		case file.doubt == nil && built.alike && !r.Fix: // what is written is terraform's own
		case left.has(file.hash):
			file.formatted, file.asked = file.src, true
		default:
			doubtful, sources = append(doubtful, file), append(sources, file.src)
		}
	}
	if len(doubtful) == 0 {
		return nil, nil
	}
	var tool pipelines.Tool
	var wg sync.WaitGroup
	wg.Go(func() { tool, err = p.tool(ctx) })
	for i, answer := range p.ask(ctx, sources) {
		file := doubtful[i]
		file.formatted, file.err, file.asked = answer.formatted, answer.err, true
		if file.err == nil && bytes.Equal(file.formatted, file.src) {
			left.add(file.hash)
		}
	}
	wg.Wait()
	left.save()
	if err != nil {
		tool = pipelines.Tool{Name: p.name, Version: "unknown"}
	}
	return []pipelines.Tool{tool}, nil
}

// ask lets terraform format sources, many in one process, because starting it
// costs more than formatting. The sources are copied under names of ours: no
// name or link of the checkout reaches terraform.
func (p program) ask(ctx context.Context, sources [][]byte) (answers []answer) {
	for batch := range slices.Chunk(sources, askBatch) {
		got, err := p.askOnce(ctx, batch)
		if err != nil && len(batch) > 1 {
			if _, broken := p.tool(ctx); broken != nil {
				got = allFailed(batch, broken) // it is not about a file
			} else {
				got = p.askHalves(ctx, batch)
			}
		} else if err != nil {
			got = allFailed(batch, err)
		}
		answers = append(answers, got...)
	}
	return answers
}

// askHalves finds the files that terraform cannot read.
func (p program) askHalves(ctx context.Context, sources [][]byte) (answers []answer) {
	half := (len(sources) + 1) / 2
	for part := range slices.Chunk(sources, half) {
		got, err := p.askOnce(ctx, part)
		switch {
		case err != nil && len(part) > 1 && ctx.Err() == nil:
			got = p.askHalves(ctx, part)
		case err != nil:
			got = allFailed(part, err)
		}
		answers = append(answers, got...)
	}
	return answers
}

func allFailed(sources [][]byte, err error) []answer {
	return slices.Repeat([]answer{{err: err}}, len(sources))
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
