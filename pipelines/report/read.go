package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
)

// Limit is the largest report that is read, in bytes.
const Limit = 256 << 20

// Read reads a report that JSON wrote. A member that it does not know is an
// error: a report of a later version must not be half understood. The verdict is
// drawn anew from the results; if what the report says of itself is worse, that
// counts.
func Read(r io.Reader) (*pipelines.Report, error) {
	content, err := io.ReadAll(io.LimitReader(r, Limit+1))
	if err != nil {
		return nil, err
	}
	if len(content) > Limit {
		return nil, fmt.Errorf("the report is over %d bytes", Limit)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	report := &pipelines.Report{}
	if err := decoder.Decode(report); err != nil {
		return nil, fmt.Errorf("decoding a report: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decoding a report: something follows it")
	}
	if err := valid(report); err != nil {
		return nil, fmt.Errorf("decoding a report: %w", err)
	}
	said := report.Verdict
	report.Close()
	report.Verdict = report.Verdict.Worse(said)
	return report, nil
}

var (
	stageName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
	commit    = regexp.MustCompile(`^([0-9a-f]{7,64})?$`)
)

// valid refuses what no stage writes: renderers rely on it, and so does whoever
// copies the command that reproduces a report.
func valid(r *pipelines.Report) error {
	if r.Schema != pipelines.ReportSchema {
		return fmt.Errorf("its schema is %q, allowed is %q", r.Schema, pipelines.ReportSchema)
	}
	if !slices.Contains(pipelines.Verdicts, r.Verdict) {
		return fmt.Errorf("there is no verdict %q", string(r.Verdict))
	}
	for _, hash := range []string{r.Selection.Base, r.Selection.Head} {
		if !commit.MatchString(hash) {
			return fmt.Errorf("%q is no commit", hash)
		}
	}
	if s := r.Suite; s != nil {
		if !commit.MatchString(s.Commit) {
			return fmt.Errorf("%q is no commit", s.Commit)
		}
		if s.Part < 0 || s.Part > s.Of {
			return fmt.Errorf("there is no part %d of %d", s.Part, s.Of)
		}
	}
	for _, stage := range r.Stages {
		if !stageName.MatchString(stage) {
			return fmt.Errorf("%q is no name of a stage", stage)
		}
	}
	for _, result := range r.Results {
		if err := validResult(result); err != nil {
			return fmt.Errorf("the result of %q on %q: %w", result.Stage, result.Unit, err)
		}
	}
	return nil
}

func validResult(r pipelines.Result) error {
	switch {
	case !stageName.MatchString(r.Stage):
		return errors.New("it has no stage")
	case r.Unit == "":
		return errors.New("it has no unit")
	case !slices.Contains(pipelines.Verdicts, r.Verdict):
		return fmt.Errorf("there is no verdict %q", string(r.Verdict))
	}
	for i, c := range r.Cases {
		switch {
		case c.Name == "":
			return errors.New("a case has no name")
		case !slices.Contains(pipelines.CaseKinds, c.Kind):
			return fmt.Errorf("there is no kind of case %q", c.Kind)
		case !slices.Contains(pipelines.CaseStatuses, c.Status):
			return fmt.Errorf("a case cannot be %q", c.Status)
		case c.Excused && c.Status != pipelines.CaseSkipped, c.Flaky && c.Status != pipelines.CasePassed:
			return fmt.Errorf("the case %q is excused or flaky, and %s", c.Name, c.Status)
		case c.Attempts < 0 || c.Seconds < 0:
			return fmt.Errorf("the case %q took less than no time or attempt", c.Name)
		case c.Log != "" && !filepath.IsLocal(filepath.FromSlash(c.Log)):
			return fmt.Errorf("the log of the case %q is not below the report", c.Name)
		case slices.ContainsFunc(r.Cases[:i], func(o pipelines.Case) bool { return o.Kind == c.Kind && o.Name == c.Name }):
			return fmt.Errorf("the case %q is there twice", c.Name)
		}
	}
	for _, f := range r.Findings {
		switch {
		case !slices.Contains([]pipelines.Verdict{pipelines.Fail, pipelines.Unknown, pipelines.Waived}, f.Verdict):
			return fmt.Errorf("a finding cannot be %q", string(f.Verdict))
		case f.Severity != "" && !slices.Contains(severities, f.Severity):
			return fmt.Errorf("there is no severity %q", string(f.Severity))
		case f.Rule == "":
			return errors.New("a finding names no rule")
		case (f.Verdict == pipelines.Waived) != (f.Waiver != nil):
			return errors.New("a finding is waived without a waiver, or has one without being waived")
		case min(f.Line, f.Column, f.EndLine, f.EndColumn) < 0:
			return errors.New("a finding has a place that cannot be")
		}
	}
	return nil
}
