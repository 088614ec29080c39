package live

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/planjson"
	"github.com/penstock-dev/penstock/pipelines/risk"
)

var errNoRecipients = &pipelines.Error{Err: errors.New("sealing plans: there are no recipients"),
	Hint: "name public keys of those who may open plans under live.recipients in penstock.yaml: age-keygen makes one"}

// facts are what the JSON of a plan says, whoever wrote the record beside it.
type facts struct {
	risk     risk.Assessment
	changes  string // the digest of the normalised changes
	list     []ledger.Change
	policies capsule.Policies
	judged   pipelines.Result
}

// read finds the facts of a plan out, on its own.
func read(ctx context.Context, file string, t Target, root string, c *config.Config) (facts, error) {
	var f facts
	err := onFile(file, func(r io.Reader) error {
		var err error
		f.risk, err = risk.Assess(r, risk.Options{Stateful: c.Live.Stateful})
		return err
	})
	if err != nil {
		return f, err
	}
	if err := onFile(file, func(r io.Reader) error {
		var err error
		f.changes, err = normalise(r)
		return err
	}); err != nil {
		return f, err
	}
	if f.list, err = changesIn(file); err != nil {
		return f, err
	}
	report, err := compliance.Compliance{Scope: pipelines.Scope{Root: root}, Config: c,
		Plans: []compliance.PlanOf{{File: file, Unit: t.ID(), Waived: t.Unit.Path}}}.Run(ctx)
	if err != nil {
		return f, fmt.Errorf("judging the plan: %w", err)
	}
	f.judged = report.Results[0]
	f.policies = capsule.Policies{Verdict: f.judged.Verdict, Counts: map[pipelines.Verdict]int{}}
	for _, v := range pipelines.Verdicts {
		if n := f.judged.Judged[string(v)]; n > 0 {
			f.policies.Counts[v] = n
		}
	}
	f.policies.Digest, err = compliance.Compliance{Scope: pipelines.Scope{Root: root}, Config: c}.Digest()
	return f, err
}

func onFile(name string, do func(io.Reader) error) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("reading the plan: %w", err)
	}
	defer file.Close()
	return do(file)
}

// manifestRisk is the risk as a capsule binds it: with the addresses that need a
// person in the target's environment.
func (f facts) manifestRisk(t Target) capsule.Risk {
	r := capsule.Risk{Level: string(f.risk.Level)}
	seen := map[string]bool{}
	for _, reason := range f.risk.Reasons {
		if needsPerson(t, reason.Level) && !seen[reason.Address] {
			seen[reason.Address] = true
			r.Addresses = append(r.Addresses, reason.Address)
		}
	}
	return r
}

// needsPerson says whether a risk is at or above what an environment asks a person for.
func needsPerson(t Target, level risk.Level) bool {
	from := risk.Level(t.Environment.Approve)
	if from == "" {
		from = risk.High
	}
	return t.Environment.Gated() && level.Rank() >= from.Rank()
}

// changesIn lists what a plan does, by address.
func changesIn(file string) ([]ledger.Change, error) {
	var list []ledger.Change
	err := onFile(file, func(r io.Reader) error {
		_, err := planjson.Walk(r, planjson.Visitor{Change: func(c *tfjson.ResourceChange) error {
			if c.Change != nil && !c.Change.Actions.NoOp() {
				change := ledger.Change{Address: c.Address}
				for _, action := range c.Change.Actions {
					change.Actions = append(change.Actions, string(action))
				}
				list = append(list, change)
			}
			return nil
		}})
		return err
	})
	return list, err
}

// normalise is the digest of what a plan changes, in a form that is the same for
// every plan of the same changes.
func normalise(r io.Reader) (string, error) {
	sum := sha256.New()
	write := func(what string, v any) error {
		text, err := json.Marshal(v) // maps are sorted
		fmt.Fprintf(sum, "%s %s\n", what, text)
		return err
	}
	_, err := planjson.Walk(r, planjson.Visitor{
		Change: func(c *tfjson.ResourceChange) error {
			if c.Change == nil || c.Change.Actions.NoOp() {
				return nil
			}
			before := masked(c.Change.Before, c.Change.BeforeSensitive)
			after := masked(c.Change.After, c.Change.AfterSensitive)
			return write(c.Address, []any{c.PreviousAddress, c.DeposedKey, c.Change.Actions, before, after, c.Change.AfterUnknown})
		},
		Output: func(name string, c *tfjson.Change) error {
			if c.Actions.NoOp() {
				return nil
			}
			return write("output."+name, []any{c.Actions, masked(c.Before, c.BeforeSensitive), masked(c.After, c.AfterSensitive), c.AfterUnknown})
		},
	})
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), err
}

// masked leaves out what is sensitive: the digest is public, and a value in it
// could be guessed and confirmed.
func masked(value, sensitive any) any {
	switch marks := sensitive.(type) {
	case bool:
		if marks {
			return "(sensitive)"
		}
	case map[string]any:
		if object, ok := value.(map[string]any); ok {
			out := map[string]any{}
			for key, inner := range object {
				out[key] = masked(inner, marks[key])
			}
			return out
		}
	case []any:
		if list, ok := value.([]any); ok {
			out := make([]any, len(list))
			for i, inner := range list {
				var mark any
				if i < len(marks) {
					mark = marks[i]
				}
				out[i] = masked(inner, mark)
			}
			return out
		}
	}
	return value
}
