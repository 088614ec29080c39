package sweep

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// orphan is what may have been made, and no state knows of.
type orphan struct {
	record.Create
	seq int // of the step that was to make it
	// known is its identity by the plan of today, needs what would have to be made before it.
	known string
	needs []record.Create
}

// adopt brings orphans into the state, so that the destroy finds them, and says of the
// others that they may exist.
func (w *workspace) adopt(ctx context.Context, orphans []orphan, state deployed.State, lost bool) error {
	var begun []orphan
	for _, o := range orphans {
		why, err := w.examine(ctx, &o)
		switch {
		case err != nil:
			return err
		case why != "":
			w.leak(o.Address, o.Type, why)
		case w.neverBegun(o, state, lost):
			w.result.Judged["orphans_never_begun"]++
		default:
			begun = append(begun, o)
		}
	}
	var again []orphan
	for _, o := range begun {
		switch how, _ := deployed.AdoptionOf(o.Type); how {
		case deployed.ByImport:
			if err := w.imported(ctx, o); err != nil {
				return err
			}
		case deployed.Upsert:
			if why := w.unsafe(o, begun); why != "" {
				w.leak(o.Address, o.Type, why)
			} else {
				again = append(again, o)
			}
		default:
			w.leak(o.Address, o.Type, "it was being made when the run was cut off, and nobody wrote down how to look for objects of this type")
		}
	}
	return w.upsert(ctx, again)
}

// examine asks what it would take to make the orphan now.
func (w *workspace) examine(ctx context.Context, o *orphan) (why string, err error) {
	file := filepath.Join(w.Dir, "plan")
	args := append([]string{"plan", "-refresh=false", "-input=false", "-no-color", "-out=" + file, "-target=" + o.Address}, w.vars...)
	out, err := w.terraform(ctx, args...)
	if err != nil {
		return "", err
	}
	if out.Exit != 0 {
		return "what it would take to make it cannot be planned: " + firstLine(out.Stderr), nil
	}
	if out, err = w.terraform(ctx, "show", "-json", file); err != nil {
		return "", err
	}
	var plan struct {
		Changes []struct {
			Address, Mode, Type string
			Change              struct {
				Actions []string
				After   map[string]any
			}
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(out.Stdout, &plan); err != nil {
		return "what it would take to make it cannot be read", nil
	}
	there := false
	for _, c := range plan.Changes {
		if c.Mode != "managed" || !slices.Contains(c.Change.Actions, "create") {
			continue
		}
		if c.Address == o.Address {
			there, o.known = true, deployed.Identity(c.Type, c.Change.After)
		} else {
			o.needs = append(o.needs, record.Create{Address: c.Address, Type: c.Type})
		}
	}
	if !there {
		return "the saved configuration does not make it any more", nil
	}
	return "", nil
}

// neverBegun says that an orphan cannot exist: something that has to be there before it
// was not. Terraform writes a state in a file after each object, before it begins what
// depends on that; to a bucket it writes now and then only, and of a state that was lost
// nothing is known.
func (w *workspace) neverBegun(o orphan, state deployed.State, lost bool) bool {
	if lost || !w.states.InDirectory() {
		return false
	}
	return slices.ContainsFunc(o.needs, func(n record.Create) bool {
		return !slices.Contains(state.Addresses(), n.Address) && !slices.ContainsFunc(w.d.Steps, func(s record.Step) bool {
			return s.Seq > o.seq && deployed.Workspace(s) == w.name && slices.Contains(s.Held, n.Address)
		})
	})
}

// imported imports an orphan. That there is none is proof.
func (w *workspace) imported(ctx context.Context, o orphan) error {
	id := o.Identity
	if id == "" {
		id = o.known
	}
	if id == "" {
		w.leak(o.Address, o.Type, "it was being made when the run was cut off, under a name that is not known")
		return nil
	}
	args := slices.Concat([]string{"import", "-input=false", "-no-color"}, w.vars, []string{o.Address, id})
	out, err := w.terraform(ctx, args...)
	switch {
	case err != nil:
		return err
	case out.Exit == 0:
		w.result.Judged["orphans_adopted"]++
	case strings.Contains(string(out.Stderr), "Cannot import non-existent remote object"):
		w.result.Judged["orphans_absent"]++
	default:
		w.leak(o.Address, o.Type, fmt.Sprintf("looking for %q: %s", printable.Text(id, 200), firstLine(out.Stderr)))
	}
	return nil
}

// unsafe says why an orphan must not be made once more: it might become another one, or
// take others with it.
func (w *workspace) unsafe(o orphan, begun []orphan) string {
	switch {
	case o.known == "":
		return "it was being made when the run was cut off, under a name that is not known"
	case o.Identity != "" && o.Identity != o.known:
		return fmt.Sprintf("it was to be %q, and would be %q today", printable.Text(o.Identity, 200), printable.Text(o.known, 200))
	}
	for _, n := range o.needs {
		how, _ := deployed.AdoptionOf(n.Type)
		also := slices.ContainsFunc(begun, func(b orphan) bool { return b.Address == n.Address })
		if how != deployed.Nothing && !(how == deployed.Upsert && also) {
			return fmt.Sprintf("to look for it, %s would have to be made", n.Address)
		}
	}
	return ""
}

// upsert makes orphans once more: each writes the object that is there, or makes one that
// the destroy then finds.
func (w *workspace) upsert(ctx context.Context, orphans []orphan) error {
	if len(orphans) == 0 {
		return nil
	}
	args := append([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, w.vars...)
	for _, o := range orphans {
		args = append(args, "-target="+o.Address)
	}
	out, err := w.terraform(ctx, args...)
	if err != nil {
		return err
	}
	state, err := w.state(ctx)
	if err != nil {
		return err
	}
	for _, o := range orphans {
		if slices.Contains(state.Addresses(), o.Address) {
			w.result.Judged["orphans_adopted"]++
		} else {
			w.leak(o.Address, o.Type, "making it once more, to have it in the state: "+firstLine(out.Stderr))
		}
	}
	return nil
}
