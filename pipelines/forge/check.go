package forge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/google/go-github/v88/github"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Conclusion is how a check ended.
type Conclusion string

const (
	Success Conclusion = "success"
	Failed  Conclusion = "failure"
	// ActionRequired blocks as Failed does, and says that a person can do something.
	ActionRequired Conclusion = "action_required"
)

// Level is how loud an annotation is.
type Level string

const (
	LevelNotice  Level = "notice"
	LevelWarning Level = "warning"
	LevelFailure Level = "failure"
)

// Annotation is a remark beside lines of a file.
type Annotation struct {
	// Path is relative to the repository; lines count from 1, and columns too,
	// where 0 is "not known". EndLine is Line where it is 0.
	Path                             string
	Line, EndLine, Column, EndColumn int
	Level                            Level
	Title, Message                   string
}

// CheckRun is what is said of a commit.
type CheckRun struct {
	SHA, Name  string
	Conclusion Conclusion
	// Title is one line, Summary Markdown of at most SummaryLimit characters.
	Title, Summary string
	Annotations    []Annotation
}

const (
	// SummaryLimit is how many characters the summary of a check may have.
	SummaryLimit = 65_535
	// batch is how many annotations one request may have.
	batch = 50
)

var commit = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

func (c CheckRun) valid() error {
	switch {
	case !commit.MatchString(c.SHA):
		return fmt.Errorf("%q is no full commit", c.SHA)
	case c.Name == "":
		return errors.New("it has no name")
	case !slices.Contains([]Conclusion{Success, Failed, ActionRequired}, c.Conclusion):
		return fmt.Errorf("there is no conclusion %q", string(c.Conclusion))
	case utf8.RuneCountInString(c.Summary) > SummaryLimit:
		return fmt.Errorf("its summary has %d characters, at most %d are allowed", utf8.RuneCountInString(c.Summary), SummaryLimit)
	}
	return nil
}

// Check publishes a check run. Where there are more annotations than one request
// may have it is in progress until the last of them is there: a check that was cut
// short passes nothing. Where the forge or the token knows no check runs it is a
// commit status, and Written.Note says so.
//
// It needs the permission "checks: write", or "statuses: write".
func (f *Forge) Check(ctx context.Context, c CheckRun) (Written, error) {
	err := c.valid()
	if err == nil {
		var w Written
		if w, err = f.check(ctx, c); err == nil {
			return w, nil
		}
	}
	return Written{}, fmt.Errorf("publishing the check %q of commit %s: %w", c.Name, printable.Text(c.SHA, 64), err)
}

func (f *Forge) check(ctx context.Context, c CheckRun) (Written, error) {
	sent := min(batch, len(c.Annotations))
	run, err := f.createCheck(ctx, c, c.Annotations[:sent], sent == len(c.Annotations))
	if unavailable(err) {
		return f.commitStatus(ctx, c, err)
	}
	if err != nil {
		return Written{}, err
	}
	for sent < len(c.Annotations) {
		next := min(sent+batch, len(c.Annotations))
		if err := f.extendCheck(ctx, c, run.GetID(), c.Annotations[sent:next], next, next == len(c.Annotations)); err != nil {
			return Written{}, fmt.Errorf("sending annotations %d to %d of %d: %w", sent+1, next, len(c.Annotations), err)
		}
		sent = next
	}
	return Written{Done: Created, URL: run.GetHTMLURL()}, nil
}

// createCheck creates the run once: it is found again by an id of this call.
func (f *Forge) createCheck(ctx context.Context, c CheckRun, first []Annotation, whole bool) (*github.CheckRun, error) {
	o := github.CreateCheckRunOptions{Name: c.Name, HeadSHA: c.SHA, ExternalID: github.Ptr("penstock-" + rand.Text()), Output: c.output(first)}
	o.Status = github.Ptr("in_progress")
	if whole {
		o.Status, o.Conclusion = github.Ptr("completed"), github.Ptr(string(c.Conclusion))
	}
	var run *github.CheckRun
	err := f.writeOnce(ctx, func() error {
		made, answer, err := f.client.Checks.CreateCheckRun(ctx, f.owner, f.name, o)
		if err != nil {
			return failed(answer, err)
		}
		if made.GetID() <= 0 {
			return unnamed(answer)
		}
		run = made
		return nil
	}, func() (bool, error) {
		all, err := every(func(page github.ListOptions) ([]*github.CheckRun, *github.Response, error) {
			list, answer, err := f.client.Checks.ListCheckRunsForRef(ctx, f.owner, f.name, c.SHA,
				&github.ListCheckRunsOptions{CheckName: &c.Name, Filter: github.Ptr("all"), ListOptions: page})
			if err == nil && list.Total == nil {
				err = unnamed(answer)
			}
			if err != nil {
				return nil, answer, err
			}
			return list.CheckRuns, answer, nil
		})
		i := slices.IndexFunc(all, func(r *github.CheckRun) bool { return r.GetExternalID() == *o.ExternalID })
		if i >= 0 {
			run = all[i]
		}
		return i >= 0, err
	})
	return run, err
}

// extendCheck adds annotations: what is sent twice would be there twice, so that a
// lost answer is followed by counting them.
func (f *Forge) extendCheck(ctx context.Context, c CheckRun, id int64, part []Annotation, sent int, last bool) error {
	o := github.UpdateCheckRunOptions{Name: c.Name, Status: github.Ptr("in_progress"), Output: c.output(part)}
	if last {
		o.Status, o.Conclusion = github.Ptr("completed"), github.Ptr(string(c.Conclusion))
	}
	return f.writeOnce(ctx, func() error {
		now, answer, err := f.client.Checks.UpdateCheckRun(repeatable(ctx, false), f.owner, f.name, id, o)
		if err == nil && now.GetID() != id {
			err = unnamed(answer)
		}
		if err != nil {
			return failed(answer, err)
		}
		return nil
	}, func() (bool, error) {
		run, answer, err := f.client.Checks.GetCheckRun(ctx, f.owner, f.name, id)
		if err == nil && run.GetID() != id {
			err = unnamed(answer)
		}
		if err != nil {
			return false, failed(answer, err)
		}
		return run.Output != nil && run.Output.GetAnnotationsCount() >= sent && run.GetStatus() == *o.Status, nil
	})
}

func (c CheckRun) output(part []Annotation) *github.CheckRunOutput {
	out := &github.CheckRunOutput{Title: github.Ptr(cut(c.Title, 250)), Summary: &c.Summary}
	for _, a := range part {
		one := &github.CheckRunAnnotation{Path: &a.Path, StartLine: github.Ptr(max(a.Line, 1)), EndLine: github.Ptr(max(a.EndLine, a.Line, 1)),
			AnnotationLevel: github.Ptr(string(a.Level)), Message: github.Ptr(cut(a.Message, 8000))}
		if a.Title != "" {
			one.Title = github.Ptr(cut(a.Title, 250))
		}
		if a.Column > 0 && *one.StartLine == *one.EndLine { // GitHub refuses columns of several lines
			one.StartColumn, one.EndColumn = &a.Column, github.Ptr(max(a.EndColumn, a.Column))
		}
		out.Annotations = append(out.Annotations, one)
	}
	return out
}
