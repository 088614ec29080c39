package deployed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Deployment is one saved deployment with all that is known of it.
type Deployment struct {
	record.Deployment
	Steps []record.Step
	// Undone: nothing of it is left.
	Undone bool
	// Workspaces are those that have a state, sorted: "default" among them.
	Workspaces []string
}

// Deploy saves a deployment that is about to begin.
func (s *States) Deploy(ctx context.Context, d record.Deployment) error {
	d.Format = record.Format
	return s.create(ctx, record.Under(d.Run, d.ID)+"deployment.json", d)
}

// SaveConfig saves an archive under its digest.
func (s *States) SaveConfig(ctx context.Context, run, deployment, digest string, content []byte) error {
	err := s.Store.Create(ctx, configName(run, deployment, digest), bytes.NewReader(content))
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	return err
}

// Config reads an archive.
func (s *States) Config(ctx context.Context, run, deployment, digest string) ([]byte, error) {
	return s.bytesOf(ctx, configName(run, deployment, digest), 2*record.MaxConfig)
}

func configName(run, deployment, digest string) string {
	return record.Under(run, deployment) + "config-" + digest + ".zip"
}

// Step saves what is about to be done, or that it ended, and returns its number.
func (s *States) Step(ctx context.Context, run, deployment string, step record.Step) (int, error) {
	listed, err := s.Store.List(ctx, record.Under(run, deployment)+"steps/")
	if err != nil {
		return 0, err
	}
	step.Format, step.At = record.Format, time.Now().UTC()
	for step.Seq = len(listed) + 1; ; step.Seq++ {
		err := s.create(ctx, record.StepName(run, deployment, step.Seq), step)
		if !errors.Is(err, store.ErrExists) { // or another call in the same directory was faster
			return step.Seq, err
		}
	}
}

// Undo marks a deployment of which nothing is left.
func (s *States) Undo(ctx context.Context, run, deployment, by string) error {
	err := s.create(ctx, record.Under(run, deployment)+"undone.json", record.Done{Format: record.Format, At: time.Now().UTC(), By: by})
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	return err
}

// Redo takes the mark away before something is made again.
func (s *States) Redo(ctx context.Context, run, deployment string) error {
	name := record.Under(run, deployment) + "undone.json"
	content, version, err := s.Store.Read(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_ = content.Close()
	return s.Store.Delete(ctx, name, version)
}

// Snapshot keeps a copy of a state as it was after a step.
func (s *States) Snapshot(ctx context.Context, run, deployment, workspace string, seq int, state []byte) error {
	return s.Store.Create(ctx, fmt.Sprintf("%s%06d.tfstate", snapshotsName(run, deployment, workspace), seq), bytes.NewReader(state))
}

// Deployments returns those of a run, the oldest first. One that cannot be read is an
// error: it may be all that is known of what it made.
func (s *States) Deployments(ctx context.Context, run string) ([]Deployment, error) {
	listed, err := s.Store.List(ctx, "runs/"+run+"/")
	if err != nil {
		return nil, err
	}
	names := map[string][]string{}
	var ids []string
	for _, object := range listed {
		id, rest, inside := strings.Cut(strings.TrimPrefix(object.Name, "runs/"+run+"/"), "/")
		if !inside {
			continue
		}
		if names[id] == nil {
			ids = append(ids, id)
		}
		names[id] = append(names[id], rest)
	}
	var found []Deployment
	for _, id := range ids { // named by their time
		d, err := s.deployment(ctx, run, id, names[id])
		if err != nil {
			return nil, err
		}
		if d != nil {
			found = append(found, *d)
		}
	}
	return found, nil
}

var stepForm = regexp.MustCompile(`^steps/([0-9]{6})\.json$`)

func (s *States) deployment(ctx context.Context, run, id string, names []string) (*Deployment, error) {
	if !slices.Contains(names, "deployment.json") {
		if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "steps/") || strings.HasPrefix(n, "state/") }) {
			return nil, fmt.Errorf("reading the deployment %q of the run %s in %s: its record is gone", id, run, s)
		}
		return nil, nil // killed before anything could be applied
	}
	d := &Deployment{Undone: slices.Contains(names, "undone.json")}
	if err := s.read(ctx, record.Under(run, id)+"deployment.json", &d.Deployment); err != nil {
		return nil, err
	}
	if d.ID != id || d.Run != run {
		return nil, fmt.Errorf("reading the deployment %q of the run %s in %s: it is a copy of %q", id, run, s, d.ID)
	}
	for _, name := range names {
		if stepForm.MatchString(name) {
			var step record.Step
			if err := s.read(ctx, record.Under(run, id)+name, &step); err != nil {
				return nil, err
			}
			d.Steps = append(d.Steps, step)
		}
		if w := workspaceOf(name); w != "" && !slices.Contains(d.Workspaces, w) {
			d.Workspaces = append(d.Workspaces, w)
		}
	}
	for _, step := range d.Steps {
		if step.Kind != record.Settled && step.Kind != record.Test && !slices.Contains(d.Workspaces, Workspace(step)) {
			d.Workspaces = append(d.Workspaces, Workspace(step))
		}
	}
	slices.Sort(d.Workspaces)
	return d, nil
}

// Workspace is that of a step.
func Workspace(step record.Step) string {
	if step.Workspace == "" {
		return "default"
	}
	return step.Workspace
}

// workspaceOf is the workspace whose state has a name; empty where it is no state.
func workspaceOf(name string) string {
	if name == "state/terraform.tfstate" {
		return "default"
	}
	if strings.HasPrefix(name, "snapshots/default/") {
		return "default"
	}
	rest, ok := strings.CutPrefix(name, "state/env/")
	workspace, _, inside := strings.Cut(rest, "/")
	if !ok || !inside || path.Base(name) != "terraform.tfstate" {
		return ""
	}
	return workspace
}

// StateName is the name of the state of a workspace.
func (s *States) StateName(run, deployment, workspace string) string {
	switch {
	case workspace == "default":
		return record.StateName(run, deployment)
	case s.InDirectory():
		return record.WorkspacesName(run, deployment) + "/" + workspace + "/terraform.tfstate"
	}
	return record.WorkspacesName(run, deployment) + "/" + workspace + "/" + s.place.prefix + record.StateName(run, deployment)
}

// Deployment reads one deployment.
func (s *States) Deployment(ctx context.Context, run, id string) (Deployment, error) {
	listed, err := s.Store.List(ctx, record.Under(run, id))
	if err != nil {
		return Deployment{}, err
	}
	var names []string
	for _, object := range listed {
		names = append(names, strings.TrimPrefix(object.Name, record.Under(run, id)))
	}
	d, err := s.deployment(ctx, run, id, names)
	if err == nil && d == nil {
		err = fmt.Errorf("reading the deployment %q of the run %s: %w", id, run, store.ErrNotFound)
	}
	if err != nil {
		return Deployment{}, err
	}
	return *d, nil
}

// Settled says whether every step came to its end.
func (d Deployment) Settled() bool {
	for _, step := range d.Steps {
		if step.Kind != record.Settled && !d.Ended(step.Seq) {
			return false
		}
	}
	return true
}

// Ended says whether a step came to its end.
func (d Deployment) Ended(seq int) bool {
	return slices.ContainsFunc(d.Steps, func(s record.Step) bool { return s.Kind == record.Settled && s.Of == seq })
}
