package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// side is one of two programs that are compared.
type side struct {
	argv []string
	dir  string
	env  []string
	// before is done before each run and is not measured.
	before func() error
	// exit is what the program has to exit with: one that could not start is quick, too.
	exit int
	// answer reads what the program found from its output.
	answer func(stdout []byte) (string, error)
}

// measured are the runs of one side.
type measured struct {
	seconds []float64
	// peak is the largest resident memory of a run, in MiB.
	peak   float64
	answer string
}

func (m measured) median() float64 { return slices.Sorted(slices.Values(m.seconds))[len(m.seconds)/2] }

func (m measured) String() string {
	return fmt.Sprintf("%.3f s (%.3f to %.3f), %.0f MiB", m.median(), slices.Min(m.seconds), slices.Max(m.seconds), m.peak)
}

func (s side) once(m *measured) error {
	if s.before != nil {
		if err := s.before(); err != nil {
			return err
		}
	}
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), s.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	m.seconds = append(m.seconds, time.Since(start).Seconds())
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	if code := cmd.ProcessState.ExitCode(); code != s.exit {
		return fmt.Errorf("%s exits with %d, not %d: %s", s.argv[0], code, s.exit, tail(stderr.Bytes()))
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.peak = max(m.peak, float64(usage.Maxrss)/1024)
	}
	answer, err := s.answer(stdout.Bytes())
	if err != nil {
		return fmt.Errorf("%s: %w: %s", s.argv[0], err, tail(stderr.Bytes()))
	}
	if answer == "" {
		return fmt.Errorf("%s found nothing: two empty answers would agree whatever happened", s.argv[0])
	}
	if m.answer != "" && m.answer != answer {
		return fmt.Errorf("%s answers %q and then %q", s.argv[0], m.answer, answer)
	}
	m.answer = answer
	return nil
}

func tail(text []byte) []byte { return bytes.TrimSpace(text[max(0, len(text)-500):]) }

// pairs runs both sides in turn, three times each.
func pairs(peer, ours side) (p, o measured, err error) {
	m, err := inTurn(peer, ours)
	return m[0], m[1], err
}

// inTurn runs all sides in turn, three times each.
func inTurn(sides ...side) ([]measured, error) {
	m := make([]measured, len(sides))
	for range 3 {
		for i, s := range sides {
			if err := s.once(&m[i]); err != nil {
				return m, err
			}
		}
	}
	return m, nil
}

// compare adds a row with a ratio where both sides gave the same answer.
func (b *bench) compare(what string, size int, peer, ours side) error {
	p, o, err := pairs(peer, ours)
	if err != nil {
		return err
	}
	return b.against(what, size, p, o)
}

// against adds the row of two sides that were measured in turn.
func (b *bench) against(what string, size int, p, o measured) error {
	if p.answer != o.answer {
		return fmt.Errorf("%s at %d: the sides do not agree: %.300q and %.300q", what, size, p.answer, o.answer)
	}
	b.row(what, size, p.String(), o.String(), fmt.Sprintf("%.1fx the speed, %.2f of the memory", p.median()/o.median(), o.peak/p.peak))
	return nil
}

// alone measures ours where there is no peer, and says why.
func (b *bench) alone(what string, size int, why string, ours side) error {
	var o measured
	for range 3 {
		if err := ours.once(&o); err != nil {
			return err
		}
	}
	b.row(what, size, why, o.String(), "")
	return nil
}

func (b *bench) row(what string, size int, peer, ours, ratio string) {
	row := fmt.Sprintf("| %s | %d | %s | %s | %s |", what, size, peer, ours, ratio)
	fmt.Fprintln(os.Stderr, row)
	b.rows = append(b.rows, row)
}
