package config

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// Terratest configures the tests of modules.
type Terratest struct {
	// Parallel is how many cases run at once. Default: as many as there are cores.
	Parallel int `json:"parallel,omitempty" jsonschema:"minimum=0,maximum=1000"`
	// Soft is after how long running tests are asked to stop and to undo, such as "30m". Default 30m.
	Soft string `json:"soft,omitempty" jsonschema:"pattern=^[1-9][0-9]{0\\,6}[smh]$"`
	// Hard is after how long they are killed; it is more than soft. Default 45m.
	Hard string `json:"hard,omitempty" jsonschema:"pattern=^[1-9][0-9]{0\\,6}[smh]$"`
	// TTL is after how long anybody may sweep what a run left. Default 24h.
	TTL string `json:"ttl,omitempty" jsonschema:"pattern=^[1-9][0-9]{0\\,6}[smh]$"`
	// Retries is how often a failed case is tried again; what passes then is reported as flaky. Default 1.
	Retries *int `json:"retries,omitempty" jsonschema:"minimum=0,maximum=9"`
	// States is where runs keep what they deploy: a directory, or s3://bucket/prefix.
	States string `json:"states,omitempty" jsonschema:"minLength=1"`
	// History is where flakes and durations are kept: a directory, or s3://bucket/prefix. Default: nowhere.
	History string `json:"history,omitempty" jsonschema:"minLength=1"`
	// Accounts bound how many cases run at once in an account of a provider.
	Accounts []Account `json:"accounts,omitempty"`
	// Examples are applied, planned again and destroyed, once with each file of variables.
	Examples []ExampleCases `json:"examples,omitempty"`
	// Skip excuses cases from being run, by name and until a date.
	Skip []SkippedCase `json:"skip,omitempty"`
}

// Account is an account of a provider with what it can bear.
type Account struct {
	// Name is how examples name it.
	Name string `json:"name" jsonschema:"required,minLength=1"`
	// Limit is how many cases may run in it at once, over all processes.
	Limit int `json:"limit" jsonschema:"required,minimum=1,maximum=1000"`
	// Units are globs of the units whose cases run in it; the first account that matches counts.
	Units []string `json:"units,omitempty" jsonschema:"minLength=1"`
	// Position is where the account stands.
	Position pipelines.Position `json:"-"`
}

// ExampleCases are the cases of one example.
type ExampleCases struct {
	// Unit is the example's path.
	Unit string `json:"unit" jsonschema:"required,minLength=1"`
	// Vars are files of variables, relative to the unit, each of them a case.
	Vars []string `json:"vars" jsonschema:"required,minItems=1"`
	// Account, where it is not the one that names the unit.
	Account string `json:"account,omitempty" jsonschema:"minLength=1"`
	// Position is where the example stands.
	Position pipelines.Position `json:"-"`
}

// SkippedCase excuses cases from being run.
type SkippedCase struct {
	// Case is a glob of cases, UNIT:NAME; ** crosses directories.
	Case string `json:"case" jsonschema:"required,pattern=^[^:]+:.+$"`
	// Reason is why it is excused.
	Reason string `json:"reason" jsonschema:"required,minLength=1"`
	// Owner is who answers for it.
	Owner string `json:"owner" jsonschema:"required,minLength=1"`
	// Expires is the last day on which it holds: YYYY-MM-DD, UTC.
	Expires string `json:"expires" jsonschema:"required,format=date"`
	// Position is where it stands.
	Position pipelines.Position `json:"-"`
}

func (t *Terratest) check(p places) error {
	at := func(keys ...any) pipelines.Position { return p.at(append([]any{"terratest"}, keys...)...) }
	if t.Parallel < 0 || t.Parallel > 1000 {
		return refuse(at("parallel"), "", "parallel is %d, allowed are 0 to 1000", t.Parallel)
	}
	if t.Retries != nil && (*t.Retries < 0 || *t.Retries > 9) {
		return refuse(at("retries"), "", "retries is %d, allowed are 0 to 9", *t.Retries)
	}
	for _, d := range []struct{ key, value string }{{"soft", t.Soft}, {"hard", t.Hard}, {"ttl", t.TTL}} {
		if d.value != "" && !plainTime.MatchString(d.value) {
			return refuse(at(d.key), `write it like "30m"`, "%s is %q, allowed is a time in s, m or h", d.key, d.value)
		}
	}
	if soft, hard := Time(t.Soft), Time(t.Hard); soft > 0 && hard > 0 && hard <= soft {
		return refuse(at("hard"), "between the two, tests undo what they deployed", "hard is %s, which is not after soft, %s", t.Hard, t.Soft)
	}
	if err := t.checkAccounts(at); err != nil {
		return err
	}
	if err := t.checkExamples(at); err != nil {
		return err
	}
	for i := range t.Skip {
		if err := t.Skip[i].check(func(keys ...any) pipelines.Position { return at(append([]any{"skip", i}, keys...)...) }); err != nil {
			return err
		}
	}
	return nil
}

var plainTime = regexp.MustCompile(`^[1-9][0-9]{0,6}[smh]$`)

// Time is a time of penstock.yaml, such as "30m"; 0 where there is none.
func Time(s string) time.Duration {
	took, _ := time.ParseDuration(s) // check took it
	return took
}

func (t *Terratest) checkAccounts(at func(...any) pipelines.Position) error {
	for i := range t.Accounts {
		a := &t.Accounts[i]
		a.Position = at("accounts", i)
		if a.Name == "" {
			return refuse(a.Position, "add name", "the account has no name")
		}
		if slices.ContainsFunc(t.Accounts[:i], func(other Account) bool { return other.Name == a.Name }) {
			return refuse(a.Position, "take one out", "the account %q is there twice", a.Name)
		}
		if a.Limit < 1 || a.Limit > 1000 {
			return refuse(at("accounts", i, "limit"), "", "the limit is %d, allowed are 1 to 1000", a.Limit)
		}
		for n, unit := range a.Units {
			if unit == "" {
				return refuse(at("accounts", i, "units", n), `write it like "modules/rds*"`, "the glob of units is empty")
			}
			if err := globs(at("accounts", i, "units", n), "unit", unit); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Terratest) checkExamples(at func(...any) pipelines.Position) error {
	for i := range t.Examples {
		e := &t.Examples[i]
		e.Position = at("examples", i)
		if e.Unit == "" {
			return refuse(e.Position, "add unit", "the example has no unit")
		}
		if e.Unit != path.Clean(e.Unit) || strings.HasPrefix(e.Unit, "/") || strings.HasPrefix(e.Unit, "..") {
			return refuse(at("examples", i, "unit"), "write it as penstock units lists it", "the unit is %q, allowed is a path below the root", e.Unit)
		}
		if slices.ContainsFunc(t.Examples[:i], func(other ExampleCases) bool { return other.Unit == e.Unit }) {
			return refuse(e.Position, "put its files of variables into one list", "the example %q is there twice", e.Unit)
		}
		if len(e.Vars) == 0 {
			return refuse(e.Position, `write it like vars: [small.tfvars]`, "the example %q has no files of variables", e.Unit)
		}
		for n, file := range e.Vars {
			if file == "" || strings.HasPrefix(file, "/") || strings.HasPrefix(file, "-") {
				return refuse(at("examples", i, "vars", n), `write it like "small.tfvars"`, "the file of variables is %q, allowed is a path relative to the unit", file)
			}
			if slices.Contains(e.Vars[:n], file) {
				return refuse(at("examples", i, "vars", n), "take one out", "the file of variables %q is named twice", file)
			}
		}
		if e.Account != "" && !slices.ContainsFunc(t.Accounts, func(a Account) bool { return a.Name == e.Account }) {
			return refuse(at("examples", i, "account"), "name one of terratest.accounts", "there is no account %q", e.Account)
		}
	}
	return nil
}

func (s *SkippedCase) check(at func(...any) pipelines.Position) error {
	s.Position = at()
	for _, field := range []struct{ key, value string }{{"case", s.Case}, {"reason", s.Reason}, {"owner", s.Owner}, {"expires", s.Expires}} {
		if strings.TrimSpace(field.value) == "" {
			return refuse(at(field.key), "add "+field.key, "the skipped case has no %s", field.key)
		}
	}
	if unit, name, found := strings.Cut(s.Case, ":"); !found || unit == "" || name == "" {
		return refuse(at("case"), `write it like "tests/rds:TestRestore"`, "the skipped case is %q, allowed is UNIT:NAME", s.Case)
	}
	if _, err := time.Parse(time.DateOnly, s.Expires); err != nil {
		return refuse(at("expires"), `write it like "2027-01-31"`, "expires is %q, allowed is a date", s.Expires)
	}
	return globs(at("case"), "case", s.Case)
}
