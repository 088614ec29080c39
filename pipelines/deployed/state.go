package deployed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// State is what is read of a state.
type State struct {
	Lineage   string
	Serial    uint64
	Resources []Held
	// Content is all of it.
	Content []byte
}

// Held is one managed object in a state. One that is deposed was to be replaced, and what
// took its place is another.
type Held struct {
	Address, Type string
	// ARN is how AWS calls it; empty where the provider says none.
	ARN     string
	Deposed bool
}

// Addresses are those of the objects that are not deposed.
func (s State) Addresses() []string {
	var found []string
	for _, r := range s.Resources {
		if !r.Deposed {
			found = append(found, r.Address)
		}
	}
	return found
}

// ErrState says that a state cannot be read: it is truncated, or no state.
var ErrState = errors.New("the state cannot be read")

// ParseState reads a state of version 4. An empty file is ErrState: terraform truncates
// the file before it writes it anew, and one that was killed in between leaves it so.
func ParseState(content []byte) (State, error) {
	var s struct {
		Version   int
		Lineage   string
		Serial    uint64
		Resources []struct {
			Module, Mode, Type, Name string
			Instances                []struct {
				IndexKey   any `json:"index_key"`
				Deposed    string
				Attributes struct{ ARN any }
			}
		}
	}
	if err := json.Unmarshal(content, &s); err != nil {
		return State{}, fmt.Errorf("%w: %w", ErrState, err)
	}
	if s.Version != 4 || s.Lineage == "" {
		return State{}, fmt.Errorf("%w: it is of version %d, with the lineage %q", ErrState, s.Version, s.Lineage)
	}
	state := State{Lineage: s.Lineage, Serial: s.Serial, Content: content}
	for _, r := range s.Resources {
		if r.Mode != "managed" {
			continue
		}
		base := r.Type + "." + r.Name
		if r.Module != "" {
			base = r.Module + "." + base
		}
		for _, i := range r.Instances {
			arn, _ := i.Attributes.ARN.(string)
			state.Resources = append(state.Resources, Held{Address: base + index(i.IndexKey), Type: r.Type, ARN: arn, Deposed: i.Deposed != ""})
		}
	}
	return state, nil
}

func index(key any) string {
	switch key := key.(type) {
	case string:
		return "[" + strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(key)) + "]"
	case float64:
		return "[" + strconv.FormatFloat(key, 'f', -1, 64) + "]"
	}
	return ""
}

// State reads the state of a workspace. store.ErrNotFound where there is none, ErrState
// where it cannot be read.
func (s *States) State(ctx context.Context, run, deployment, workspace string) (State, error) {
	return s.stateAt(ctx, s.StateName(run, deployment, workspace))
}

func (s *States) stateAt(ctx context.Context, name string) (State, error) {
	content, err := s.bytesOf(ctx, name, maxRecord)
	if err != nil {
		return State{}, err
	}
	return ParseState(content)
}

// Snapshots are the copies of a state made after steps, by the number of the step; under 0
// and -1 are terraform's backup and the copy made while it wrote. Those that cannot be read are left out: they stand in for
// a state, and nothing is proven by them.
func (s *States) Snapshots(ctx context.Context, run, deployment, workspace string) (map[int]State, error) {
	prefix := snapshotsName(run, deployment, workspace)
	listed, err := s.Store.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	state := s.StateName(run, deployment, workspace)
	names := map[int]string{0: state + ".backup", -1: record.CopyOf(state)}
	for _, object := range listed {
		seq, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(object.Name, prefix), ".tfstate"))
		if err == nil && seq > 0 {
			names[seq] = object.Name
		}
	}
	found := map[int]State{}
	for seq, name := range names {
		state, err := s.stateAt(ctx, name)
		switch {
		case errors.Is(err, store.ErrNotFound) || errors.Is(err, ErrState):
		case err != nil:
			return nil, err
		default:
			found[seq] = state
		}
	}
	return found, nil
}

func snapshotsName(run, deployment, workspace string) string {
	return record.Under(run, deployment) + "snapshots/" + workspace + "/"
}
