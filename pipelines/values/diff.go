package values

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/valuesfile"
)

// Change is one key that differs from what is deployed.
type Change struct {
	// Action is add, change or remove.
	Action string `json:"action"`
	Key    string `json:"key"`
	// Before and After are texts that are not secret; "" where there is nothing to show.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Source is where the new value comes from.
	Source string `json:"source,omitempty"`
}

// Diff compares what would be generated now with what is deployed. Nothing is written.
type Diff struct {
	Generate
	// Against is a file of values to compare with. Default: the values of the revision
	// that is deployed, which helm is asked for.
	Against string
	// Env is what helm inherits. Default: the environment of this process.
	Env []string
}

// Do compares. Each difference is a change, and a finding: as with diff, the exit code
// is 1 where there is one.
func (d Diff) Do(ctx context.Context) (*Outcome, error) {
	return d.with(ctx, func(b *built) pipelines.Result {
		deployed, where, err := d.deployed(ctx)
		if err != nil {
			return pipelines.NotRunBecause(err)
		}
		b.notice("compared with " + where)
		b.outcome.Changes = compare(deployed, b.outcome.Entries, merged(b.layers))
		var result pipelines.Result
		for _, c := range b.outcome.Changes {
			result.Findings = append(result.Findings, pipelines.Finding{Rule: "differs", Verdict: pipelines.Fail, Severity: pipelines.Low, Message: c.String(),
				Hint: fmt.Sprintf("penstock helm-deploy --env %s brings it into the cluster", b.outcome.Environment)})
		}
		return result
	})
}

// String is the change on one line.
func (c Change) String() string {
	from := ""
	if c.Source != "" {
		from = " (" + c.Source + ")"
	}
	switch {
	case c.Action == "add" && c.After != "":
		return fmt.Sprintf("%s is new: %s%s", c.Key, c.After, from)
	case c.Action == "add":
		return fmt.Sprintf("%s is new%s", c.Key, from)
	case c.Action == "remove":
		return c.Key + " is no longer there"
	case c.Before != "" || c.After != "":
		return fmt.Sprintf("%s changes: %s -> %s%s", c.Key, c.Before, c.After, from)
	}
	return fmt.Sprintf("%s changes%s", c.Key, from)
}

// compare says what the generated entries change in deployed values, and which
// variables nothing sets any more. What is deployed may hold anything: of it only
// a value is shown that stands where a plain one is generated.
func compare(deployed map[string]any, entries []Entry, now map[string]any) []Change {
	changes := []Change{}
	for _, e := range entries {
		c := Change{Action: "change", Key: e.Key, Source: e.Source}
		before, there := at(deployed, e.path)
		if e.Reference == nil {
			c.After = quote(e.value)
			if before == any(e.value) {
				continue
			}
			if s, ok := before.(string); ok {
				c.Before = quote(s)
			}
		} else if reflect.DeepEqual(before, e.reference()) {
			continue
		}
		if !there {
			c.Action = "add"
		}
		changes = append(changes, c)
	}
	for _, section := range []string{"config", "secrets"} {
		old, _ := deployed[section].(map[string]any)
		for _, variable := range slices.Sorted(maps.Keys(old)) {
			if _, there := at(now, []string{section, variable}); !there && old[variable] != nil {
				changes = append(changes, Change{Action: "remove", Key: section + "." + variable})
			}
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Key, b.Key) })
	return changes
}

// reference is that of an entry as the values hold it.
func (e Entry) reference() map[string]any {
	inner := map[string]any{"store": map[string]any{"name": e.Reference.Store, "kind": "ClusterSecretStore"}, "key": e.Reference.Key}
	if e.Reference.Property != "" {
		inner["property"] = e.Reference.Property
	}
	return map[string]any{"externalSecret": inner}
}

func at(values map[string]any, path []string) (any, bool) {
	var here any = values
	for _, step := range path {
		m, ok := here.(map[string]any)
		if !ok {
			return nil, false
		}
		if here, ok = m[step]; !ok {
			return nil, false
		}
	}
	return here, true
}

// deployed are the values to compare with, and what they are called.
func (d Diff) deployed(ctx context.Context) (map[string]any, string, error) {
	if d.Against != "" {
		dir, file := filepath.Split(d.Against)
		if dir == "" {
			dir = "."
		}
		got, err := valuesfile.Read(os.DirFS(dir), file, d.Against)
		return got.Values, d.Against, err
	}
	release := releaseOf(d.Service)
	text, err := d.helm(ctx, historyArgv(release))
	if errors.Is(err, errNoRelease) {
		return nil, fmt.Sprintf("nothing: %q was never released in the namespace %q", release.name, release.namespace), nil
	}
	if err != nil {
		return nil, "", err
	}
	revision, err := lastDeployed(text)
	if err != nil {
		return nil, "", err
	}
	if revision == 0 {
		return nil, fmt.Sprintf("nothing: no revision of %q in the namespace %q is deployed", release.name, release.namespace), nil
	}
	if text, err = d.helm(ctx, valuesArgv(release, revision)); err != nil {
		return nil, "", err
	}
	var values map[string]any
	if err := json.Unmarshal(text, &values); err != nil {
		return nil, "", fmt.Errorf("reading the values that helm printed: %w", err)
	}
	return values, fmt.Sprintf("revision %d of %q in the namespace %q", revision, release.name, release.namespace), nil
}
