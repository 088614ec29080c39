package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/penstock-dev/penstock/pipelines/deployed/record"
)

// saved is a deployment that the harness saves itself: where it is, with its variables.
// What an apply that is cut off was about to make is only known with penstock around.
type saved struct {
	states, run, id string
	digest, unit    string
	steps           int
}

// save puts the state of a box outside of it.
func save(r running, test string, b *Box) (*saved, error) {
	s := &saved{states: r.states, run: r.id, id: record.NewDeploymentID(time.Now(), b.Dir)}
	program, err := exec.LookPath("terraform")
	if err != nil {
		program, err = exec.LookPath("tofu")
	}
	if err != nil {
		return nil, err
	}
	content, digest, err := record.Pack(b.root, []string{"."})
	if err != nil {
		return nil, err
	}
	if s.unit, err = filepath.Rel(b.root, b.Dir); err != nil {
		return nil, err
	}
	s.digest, s.unit = digest, filepath.ToSlash(s.unit)
	under := record.Under(s.run, s.id)
	if err := write(s.states, under+"deployment.json", record.Deployment{Format: record.Format, ID: s.id, Run: s.run, Case: test,
		Dir: b.Dir, Begun: time.Now().UTC(), Program: program}); err != nil {
		return nil, err
	}
	if err := writeBytes(s.states, under+"config-"+digest+".zip", content); err != nil {
		return nil, err
	}
	state := s.state()
	if err := record.Seed(state); err != nil {
		return nil, err
	}
	b.t.Cleanup(record.Watch(state))
	backend := map[string]any{"terraform": map[string]any{"backend": map[string]any{"local": map[string]any{"path": state,
		"workspace_dir": filepath.Join(s.states, filepath.FromSlash(record.WorkspacesName(s.run, s.id)))}}}}
	text, err := json.MarshalIndent(backend, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(b.Dir, record.Override), text, 0o600)
	}
	if err != nil {
		return nil, err
	}
	return s, s.step(b, nil)
}

func (s *saved) state() string {
	return filepath.Join(s.states, filepath.FromSlash(record.StateName(s.run, s.id)))
}

// step says that something is about to be applied, and with which variables.
func (s *saved) step(b *Box, vars map[string]any) error {
	s.steps++
	step := record.Step{Format: record.Format, Seq: s.steps, Kind: record.Import, At: time.Now().UTC(), Config: s.digest, Unit: s.unit}
	for _, name := range slices.Sorted(maps.Keys(b.Env)) {
		if name != record.EnvRun { // the sweep's processes are its own
			step.Env = append(step.Env, name+"="+b.Env[name])
		}
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"} {
		if value, ok := os.LookupEnv(name); ok {
			step.Env = append(step.Env, name+"="+value)
		}
	}
	if len(vars) > 0 {
		text, err := json.Marshal(vars)
		if err != nil {
			return err
		}
		step.Args, step.Files = []string{"-var-file=penstock.tfvars.json"}, map[string][]byte{"penstock.tfvars.json": text}
	}
	return write(s.states, record.StepName(s.run, s.id, s.steps), step)
}

// undone marks a deployment whose state says that nothing is left.
func (s *saved) undone() error {
	text, err := os.ReadFile(s.state())
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte(`{"resources": []}`), nil
	}
	var state struct{ Resources []struct{ Mode string } }
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if err != nil {
		return fmt.Errorf("reading the state that the undo left: %w", err)
	}
	for _, r := range state.Resources {
		if r.Mode == "managed" {
			return errors.New("the undo left something in the state")
		}
	}
	return write(s.states, record.Under(s.run, s.id)+"undone.json", record.Done{Format: record.Format, At: time.Now().UTC(), By: "the test"})
}

func write(dir, name string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return writeBytes(dir, name, text)
}

// writeBytes writes a whole file or none, and brings it to the disk before anything is applied.
func writeBytes(dir, name string, content []byte) error {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
