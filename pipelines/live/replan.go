package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
)

// errReview says that what would be done now was not seen by anybody.
var errReview = errors.New("what it would change now is not what was reviewed")

// errNothing says that nothing is left to be done.
var errNothing = errors.New("nothing is left to change")

// replan plans a target anew: its state moved since it was planned, or what it
// depends on was applied in between. The new plan is applied unattended only if it
// does exactly what was reviewed.
func (e *execution) replan(ctx context.Context) error {
	out, err := e.again(ctx, e.t, e.work)
	if err != nil {
		return err
	}
	dir := filepath.Join(out.dir, e.t.directory())
	same, err := e.reviewed(*out.facts)
	if err != nil {
		return err
	}
	if !same {
		return e.toReview(e.t, out)
	}
	key, err := os.ReadFile(filepath.Join(e.plan, ChangesKey))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, ChangesKey), key, 0o600)
	}
	e.plan = dir
	return err
}

// replanned is a plan that was made anew.
type replanned struct {
	planned
	dir string
}

// again plans one target into a new directory in dir.
func (a *applying) again(ctx context.Context, t Target, dir string) (replanned, error) {
	room := dir
	dir, err := os.MkdirTemp(room, "new-")
	if err != nil {
		return replanned{}, fmt.Errorf("making room to plan again: %w", err)
	}
	quiet := a.Scope
	quiet.Progress = nil
	// It takes no lock of its own, of which nobody would know whose it is if we were
	// killed: the state is compared once it is locked.
	p := &planning{Plan: Plan{Scope: quiet, Config: a.Config, Out: dir, LockTimeout: noLock, Program: a.Program, Mirror: a.Mirror, Token: a.Token, Creator: a.Creator, Destroy: a.Destroy, Now: a.Now},
		root: a.root, runner: a.runner, rules: a.judge, pending: map[string]Outcome{}, planned: map[string]planned{}, room: room, review: true}
	out := replanned{p.target(ctx, t), dir}
	switch out.record.Outcome {
	case NoChanges:
		return out, errNothing
	case Changes:
		if out.facts != nil {
			return out, nil
		}
	}
	return out, &pipelines.Error{Err: fmt.Errorf("planning again: %s", out.result.Reason), Hint: out.result.Hint}
}

// toReview is the refusal of a plan that nobody has seen. The plan is kept to be sealed.
func (a *applying) toReview(t Target, out replanned) error {
	err := fmt.Errorf("planning %q again: %w: %s, risk %s", t.ID(), errReview, counted(out.facts.summary.Counts), out.facts.risk.Level)
	if a.Replanned == "" {
		return &pipelines.Error{Err: err, Hint: "plan it: " + planCommand(t, "", a.Mirror, a.Program, a.Destroy, "DIR") + "; then seal it, have it reviewed, and apply its capsule"}
	}
	if mkdir := os.MkdirAll(a.Replanned, 0o700); mkdir != nil {
		return errors.Join(err, mkdir)
	}
	if copied := keepPrivate(a.Replanned, os.DirFS(out.dir)); copied != nil {
		return errors.Join(err, fmt.Errorf("keeping the new plan: %w", copied))
	}
	return &pipelines.Error{Err: err, Hint: "seal the plan in " + a.Replanned + " with penstock capsule seal, have it reviewed, and apply its capsule"}
}

// keepPrivate copies files that hold secrets: os.CopyFS would let everybody read them.
func keepPrivate(dir string, from fs.FS) error {
	return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err != nil || d.IsDir() {
			return errors.Join(err, os.MkdirAll(to, 0o700))
		}
		in, err := from.Open(name)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return errors.Join(err, out.Close())
	})
}

// unplanned is what becomes of a target without a capsule. None is made of a plan
// without changes, so it is planned now: where nothing would change, all is well.
// Where what it depends on was applied just now it could not have been planned
// before, and the plan is for a person to see.
func (a *applying) unplanned(ctx context.Context, t Target, missing error, work string) pipelines.Result {
	out, err := a.again(ctx, t, work)
	switch {
	case errors.Is(err, errNothing):
		return pipelines.Result{Reason: "no changes"}
	case !slices.ContainsFunc(t.After, func(id string) bool { return a.applied[id] }):
		return refusal("capsule", missing)
	case err != nil:
		return pipelines.NotRunBecause(err)
	}
	return refusal("approval", a.toReview(t, out))
}

// compared says whether the capsule is of the world as it is now, apart from its state.
func (e *execution) compared(lock string, modules map[string]string) error {
	m := e.c.Manifest
	return e.c.Matches(capsule.Expect{Repository: e.Repository, Unit: m.Unit, Environment: m.Environment, Destroy: m.Destroy, Closure: m.Closure,
		State: m.State, Terraform: e.w.Tool, Lock: lock, Modules: modules, Images: m.Images, Policies: m.Policies.Digest})
}
