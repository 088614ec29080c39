package shim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// session is one call in one directory of a run.
type session struct {
	states     *deployed.States
	run, real  string
	call       call
	dir        string
	deployment string
}

func (s *session) do(ctx context.Context) (int, error) {
	if s.call.command == "init" && (s.call.has("from-module") || slices.Contains(s.call.only("backend"), "-backend=false")) {
		return 0, become(s.real, os.Args[1:]) // no state yet
	}
	if err := s.deploy(ctx); err != nil {
		return 0, err
	}
	switch s.call.command {
	case "init":
		return 0, become(s.real, s.initArgv()[1:])
	case "apply":
		if s.call.on("destroy") {
			return s.step(ctx, record.Destroy)
		}
		if s.call.on("refresh-only") {
			return s.step(ctx, record.Import)
		}
		return s.step(ctx, record.Apply)
	case "destroy":
		return s.step(ctx, record.Destroy)
	case "test":
		return s.step(ctx, record.Test)
	}
	return s.step(ctx, record.Import)
}

// initArgv leaves out what belongs to a backend that is not used, and never asks whether
// to move a state to ours.
func (s *session) initArgv() []string {
	c := s.call
	c.flags = slices.DeleteFunc(slices.Clone(c.flags), func(f flag) bool {
		return slices.Contains([]string{"backend-config", "reconfigure", "migrate-state", "force-copy"}, f.name)
	})
	c.flags = append(c.flags, flag{"reconfigure", "-reconfigure"})
	return c.argv(s.real)
}

// deploy finds the deployment of the directory, or begins one: it is known by the file
// that puts its state outside. A copy of that file in another directory is of no use there.
func (s *session) deploy(ctx context.Context) error {
	file := filepath.Join(s.dir, record.Override)
	if id := s.known(ctx, file); id != "" {
		s.deployment = id
		return nil
	}
	if _, err := os.Stat(s.dir); err != nil {
		return fmt.Errorf("saving the deployment: %w", err)
	}
	d := record.Deployment{ID: record.NewDeploymentID(time.Now(), s.dir), Run: s.run, Case: os.Getenv(record.EnvCase),
		Dir: s.dir, Begun: time.Now().UTC(), Program: s.real}
	text, err := s.states.Override(s.run, d.ID)
	if err == nil {
		err = s.states.Deploy(ctx, d)
	}
	if err == nil && s.states.InDirectory() { // terraform makes the directory of a state, but not for everyone to stay out
		err = os.MkdirAll(s.states.File(path.Dir(record.StateName(s.run, d.ID))), 0o700)
	}
	if err == nil {
		err = replaceFile(file, text)
	}
	if err != nil {
		return refused(err)
	}
	s.deployment = d.ID
	return nil
}

var errRefused = errors.New("nothing was applied")

func refused(err error) error {
	hint := "what is not saved cannot be swept: see to the place of the states, " + record.EnvStates
	var known *pipelines.Error
	if errors.As(err, &known) && known.Hint != "" {
		hint = known.Hint
	}
	return &pipelines.Error{Err: fmt.Errorf("saving the deployment: %w; %w", err, errRefused), Hint: hint}
}

// known is the deployment that the override file of this directory is of; empty where it
// is of another run, or was copied from another directory.
func (s *session) known(ctx context.Context, file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), record.Under(s.run, "")[:len(record.Under(s.run, ""))-1])
	id, _, _ := strings.Cut(rest, "/")
	if id == "" {
		return ""
	}
	found, err := s.states.Deployment(ctx, s.run, id)
	if err != nil || found.Dir != s.dir {
		return ""
	}
	want, err := s.states.Override(s.run, id)
	if err != nil || !bytes.Equal(want, text) {
		return ""
	}
	return id
}

// replaceFile puts a file in place of another as a whole.
func replaceFile(name string, content []byte) error {
	temporary := name + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, name)
}

// workspace is the one that terraform will work in.
func (s *session) workspace() string {
	if name := os.Getenv("TF_WORKSPACE"); name != "" {
		return name
	}
	text, err := os.ReadFile(filepath.Join(s.dataDir(), "environment"))
	if err != nil {
		return "default"
	}
	return strings.TrimSpace(string(text))
}

func (s *session) dataDir() string {
	dir := os.Getenv("TF_DATA_DIR")
	switch {
	case dir == "":
		return filepath.Join(s.dir, ".terraform")
	case filepath.IsAbs(dir):
		return dir
	}
	return filepath.Join(s.dir, dir)
}

// save writes down what is about to be done: from here on sweep knows of it.
func (s *session) save(ctx context.Context, kind string) (record.Step, error) {
	step := record.Step{Kind: kind, Env: keptEnvironment(os.Environ())}
	if kind != record.Test {
		step.Workspace = s.workspace()
		if err := s.seed(ctx, step.Workspace); err != nil {
			return step, err
		}
		held, err := s.held(ctx, step.Workspace)
		if err != nil {
			return step, err
		}
		step.Held = held.Addresses()
	}
	var err error
	if step.Args, step.Files, err = s.call.variables(s.dir); err != nil {
		return step, err
	}
	root, names, err := closure(s.dir)
	if err != nil {
		return step, err
	}
	content, digest, err := record.Pack(root, names)
	if err != nil {
		return step, err
	}
	if step.Unit, err = filepath.Rel(root, s.dir); err != nil {
		return step, err
	}
	step.Unit, step.Config = filepath.ToSlash(step.Unit), digest
	return step, s.states.SaveConfig(ctx, s.run, s.deployment, digest, content)
}

// seed makes the state of the first step.
func (s *session) seed(ctx context.Context, workspace string) error {
	d, err := s.states.Deployment(ctx, s.run, s.deployment)
	if err != nil || !s.states.InDirectory() || len(d.Steps) > 0 {
		return err
	}
	return record.Seed(s.file(workspace))
}

// file is the state of a workspace in a directory of states.
func (s *session) file(workspace string) string {
	return s.states.File(s.states.StateName(s.run, s.deployment, workspace))
}

// held is the state before the call. One that cannot be read would be taken for an empty
// one by terraform, and what it held for gone.
func (s *session) held(ctx context.Context, workspace string) (deployed.State, error) {
	state, err := s.states.State(ctx, s.run, s.deployment, workspace)
	if errors.Is(err, store.ErrNotFound) {
		return state, nil
	}
	if errors.Is(err, deployed.ErrState) {
		return state, &pipelines.Error{Err: err, Hint: "penstock sweep " + s.run + " destroys what it held"}
	}
	return state, err
}

// planFile is the plan that an apply was given, if it was.
func (s *session) planFile() string {
	if s.call.command != "apply" || len(s.call.rest) == 0 {
		return ""
	}
	return s.call.rest[0]
}

// plan asks for a plan with the same arguments, and writes down what it would make.
func (s *session) plan(ctx context.Context, step *record.Step) (code int, err error) {
	file := s.planFile()
	if file == "" {
		dir, err := os.MkdirTemp("", "penstock-plan-")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
		file = filepath.Join(dir, "plan")
		args := append([]string{"-input=false", "-no-color", "-out=" + file}, s.call.planned()...)
		var said bytes.Buffer
		code, err := s.start(ctx, s.call.beside(s.real, "plan", args...), nil, &said, &said)
		if err != nil || code != 0 {
			os.Stderr.Write(said.Bytes()) // as the apply would have said it
			return max(code, exitRefused), err
		}
	}
	var out, said bytes.Buffer
	code, err = s.start(ctx, s.call.beside(s.real, "show", "-json", file), nil, &out, &said)
	if err != nil || code != 0 {
		os.Stderr.Write(said.Bytes())
		return max(code, exitRefused), err
	}
	return 0, s.read(out.Bytes(), step)
}

// read takes the intended creates from a plan, and the variables of one that was given.
func (s *session) read(text []byte, step *record.Step) error {
	var plan struct {
		Variables map[string]struct {
			Value any `json:"value"`
		} `json:"variables"`
		Changes []struct {
			Address  string `json:"address"`
			Mode     string `json:"mode"`
			Type     string `json:"type"`
			Provider string `json:"provider_name"`
			Change   struct {
				Actions []string       `json:"actions"`
				After   map[string]any `json:"after"`
			} `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		return fmt.Errorf("reading the plan: %w", err)
	}
	for _, c := range plan.Changes {
		if c.Mode == "managed" && slices.Contains(c.Change.Actions, "create") {
			step.Creates = append(step.Creates, record.Create{Address: c.Address, Type: c.Type, Provider: c.Provider,
				Identity: deployed.Identity(c.Type, c.Change.After)})
		}
	}
	if s.planFile() == "" || len(plan.Variables) == 0 {
		return nil
	}
	values := map[string]any{}
	for name, v := range plan.Variables {
		values[name] = v.Value
	}
	content, err := json.Marshal(values)
	step.Args, step.Files = []string{"-var-file=penstock.tfvars.json"}, map[string][]byte{"penstock.tfvars.json": content}
	return err
}
