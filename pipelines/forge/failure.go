package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-github/v88/github"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Failure is a request that did not go well.
type Failure struct {
	// Method and Path are those of the request, without its host and query.
	Method, Path string
	// Status is that of the answer, 0 where there was none.
	Status int
	// Limited says that it was refused for coming too often.
	Limited bool
	// Err is what the forge said, made printable, or why there was no answer.
	Err error
}

func (f *Failure) Error() string {
	path := printable.Text(f.Path, 300)
	if f.Status == 0 {
		return fmt.Sprintf("%s %s: %v", f.Method, path, f.Err)
	}
	return fmt.Sprintf("%s %s: %d %s: %v", f.Method, path, f.Status, http.StatusText(f.Status), f.Err)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// status is that of the answer which an error is about, 0 where there is none.
func status(err error) int {
	var f *Failure
	if errors.As(err, &f) {
		return f.Status
	}
	return 0
}

// lost says that nobody knows whether a write was carried out: the answer did not
// come, could not be read, or came from something in between.
func lost(err error) bool {
	var f *Failure
	if !errors.As(err, &f) || errors.Is(err, context.Canceled) {
		return false
	}
	return f.Status == 0 && !neverSent(err) || f.Status >= 500 || f.Status > 0 && f.Status < 300
}

// unnamed is the failure of a request whose answer does not say what it is about.
func unnamed(answer *github.Response) error {
	return &Failure{Method: answer.Request.Method, Path: answer.Request.URL.EscapedPath(), Status: answer.StatusCode, Err: errors.New("the answer does not say what it is about")}
}

// failed turns what the library returns into a Failure, with a hint where there is
// a next step.
func failed(answer *github.Response, err error) error {
	var f *Failure
	if errors.As(err, &f) { // the library shows the address around it
		return f
	}
	if answer == nil || answer.Response == nil || answer.Request == nil {
		return err
	}
	f = &Failure{Method: answer.Request.Method, Path: answer.Request.URL.EscapedPath(), Status: answer.StatusCode,
		Limited: limited(answer.Response), Err: errors.New(message(err))}
	if hint := hintOf(answer.Response); hint != "" {
		return &pipelines.Error{Err: f, Hint: hint}
	}
	return f
}

// message is what the forge said is wrong.
func message(err error) string {
	var said *github.ErrorResponse
	var limit *github.RateLimitError
	var abuse *github.AbuseRateLimitError
	text := err.Error()
	switch {
	case errors.As(err, &limit):
		text = limit.Message
	case errors.As(err, &abuse):
		text = abuse.Message
	case errors.As(err, &said):
		text = said.Message
		for _, e := range said.Errors {
			text += fmt.Sprintf("; %s %s %s", e.Field, e.Code, e.Message)
		}
	}
	if text == "" {
		text = "the forge says no more"
	}
	return printable.Text(text, 500)
}

func hintOf(answer *http.Response) string {
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		return "the token does not hold (any more): set GITHUB_TOKEN anew"
	case limited(answer):
		return "too many requests were sent: run it again later"
	case answer.StatusCode == http.StatusForbidden:
		if wanted := answer.Header.Get("X-Accepted-GitHub-Permissions"); wanted != "" {
			return "give the job or token this permission: " + printable.Text(strings.ReplaceAll(wanted, "=", ": "), 200)
		}
		return "give the job or token the permission that docs/forge.md names"
	case answer.StatusCode == http.StatusNotFound:
		return "check GITHUB_REPOSITORY, and that the token may see it"
	}
	return ""
}

// writeOnce carries out a write that must not happen twice: where its answer is
// lost, landed looks for what it would have left before it is sent again.
func (f *Forge) writeOnce(ctx context.Context, write func() error, landed func() (bool, error)) error {
	const writes = 3
	for try := 1; ; try++ {
		err := write()
		if err == nil || !lost(err) {
			return err
		}
		if waited := f.wait(ctx, backoff(try)); waited != nil {
			return fmt.Errorf("%w; whether it was carried out is not known", err)
		}
		there, looked := landed()
		if looked != nil {
			return fmt.Errorf("%w; whether it was carried out is not known: %w", err, looked)
		}
		if there {
			return nil
		}
		if try == writes {
			return err
		}
	}
}
