package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-github/v88/github"
)

// description is how many characters a commit status may have.
const description = 140

// unavailable says that there are no check runs for this forge or token. A request
// that came too often is refused by 403 too.
func unavailable(err error) bool {
	var f *Failure
	return errors.As(err, &f) && !f.Limited && (f.Status == http.StatusForbidden || f.Status == http.StatusNotFound)
}

// commitStatus says in one line what a check run would have said. The latest of a
// name counts, so that it may be sent twice.
func (f *Forge) commitStatus(ctx context.Context, c CheckRun, why error) (Written, error) {
	state := "success"
	if c.Conclusion != Success {
		state = "failure"
	}
	text := cut(c.Title, description)
	now, answer, err := f.client.Repositories.CreateStatus(repeatable(ctx, true), f.owner, f.name, c.SHA,
		github.RepoStatus{State: &state, Context: &c.Name, Description: &text})
	if err == nil && now.GetID() <= 0 {
		err = unnamed(answer)
	}
	if err != nil {
		return Written{}, fmt.Errorf("%w; and as a commit status: %w", why, failed(answer, err))
	}
	return Written{Done: Created, Note: fmt.Sprintf("it is a commit status, without summary and annotations, since check runs are not to be had (%v)", why)}, nil
}
