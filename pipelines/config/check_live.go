package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
)

// Risks are the levels from which a person may be asked for.
var Risks = []string{"low", "high", "destructive"}

// DefaultExpires is how long a capsule may be applied where nothing is said.
const DefaultExpires = 72 * time.Hour

var environmentName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

var (
	lifetime    = regexp.MustCompile(`^[0-9]+[hm]$`)
	placeholder = regexp.MustCompile(`\{[A-Za-z_]*\}`)
	backendType = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
)

// Lifetime is how long a capsule may be applied.
func (l Live) Lifetime() time.Duration {
	if d, err := time.ParseDuration(l.Expires); err == nil {
		return d
	}
	return DefaultExpires
}

func (l *Live) check(p places) error {
	at := func(path ...any) pipelines.Position { return p.at(append([]any{"live"}, path...)...) }
	if l.Expires != "" {
		if d, err := time.ParseDuration(l.Expires); err != nil || d <= 0 || !lifetime.MatchString(l.Expires) {
			return refuse(at("expires"), `write it like "24h"`, "expires is %q, allowed are hours or minutes", l.Expires)
		}
	}
	if err := l.keys(at); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(l.Authors)) {
		for i, address := range l.Authors[name] {
			if local, domain, _ := strings.Cut(address, "@"); local == "" || domain == "" || strings.ContainsAny(address, " \t\n<>") {
				return refuse(at("authors", name, i), `write it like ines@acme.example`, "authors: %q is no e-mail address", address)
			}
		}
	}
	for i := range l.Environments {
		if err := l.environment(at, i); err != nil {
			return err
		}
	}
	for i := range l.Units {
		unit := &l.Units[i]
		unit.Position = at("units", i)
		if unit.Path == "" || len(unit.After) == 0 {
			return refuse(unit.Position, `write it like {path: "live/*/app", after: ["live/{env}/network"]}`, "the unit needs a path and what it comes after")
		}
		if err := globs(at("units", i, "path"), "path", unit.Path); err != nil {
			return err
		}
	}
	for i, pattern := range l.Allow.Modules {
		if err := globs(at("allow", "modules", i), "modules", pattern); err != nil {
			return err
		}
	}
	for i := range l.Drift.Ignore {
		if err := l.Drift.Ignore[i].check(at, i); err != nil {
			return err
		}
	}
	return nil
}

// keys refuses what is no public key: without this it is found when something is
// sealed, verified or approved with it, by whoever does that.
func (l *Live) keys(at func(...any) pipelines.Position) error {
	wrong := func(at pipelines.Position, what string, err error) error {
		var refused *pipelines.Error
		if errors.As(err, &refused) {
			return refuse(at, refused.Hint, "%s: %w", what, refused.Err)
		}
		return refuse(at, "", "%s: %w", what, err)
	}
	for i, text := range l.Recipients {
		if _, err := capsule.ParseRecipients([]string{text}); err != nil {
			return wrong(at("recipients", i), "recipients", err)
		}
	}
	for _, named := range []struct {
		key  string
		keys map[string]string
	}{{"signers", l.Signers}, {"approvers", l.Approvers}} {
		for _, name := range slices.Sorted(maps.Keys(named.keys)) {
			if _, err := capsule.ParsePublic(named.keys[name]); err != nil {
				return wrong(at(named.key, name), fmt.Sprintf("the key of %q in %s", name, named.key), err)
			}
		}
	}
	return nil
}

func (l *Live) environment(at func(...any) pipelines.Position, i int) error {
	e := &l.Environments[i]
	e.Position = at("environments", i)
	place := func(key string) pipelines.Position { return at("environments", i, key) }
	if !environmentName.MatchString(e.Name) {
		return refuse(place("name"), "use small letters, digits and hyphens", "the name of the environment is %q", e.Name)
	}
	if slices.ContainsFunc(l.Environments[:i], func(o Environment) bool { return o.Name == e.Name }) {
		return refuse(place("name"), "take one out", "the environment %q is there twice", e.Name)
	}
	for n, pattern := range e.Paths {
		if err := globs(at("environments", i, "paths", n), "path", pattern); err != nil {
			return err
		}
	}
	for n, file := range e.VarFiles {
		if file == "" || strings.HasPrefix(file, "/") {
			return refuse(at("environments", i, "var_files", n), "name a file relative to the unit", "the variable file is %q", file)
		}
	}
	if e.Backend.Type == "" && len(e.Backend.Config) > 0 {
		return refuse(place("backend"), "add its type, such as s3", "the backend has no type")
	}
	if e.Backend.Type != "" && !backendType.MatchString(e.Backend.Type) {
		return refuse(at("environments", i, "backend", "type"), "", "the type of the backend is %q", e.Backend.Type)
	}
	for key, value := range e.Backend.Config {
		for _, name := range placeholder.FindAllString(fmt.Sprint(value), -1) {
			if name != "{env}" && name != "{unit}" {
				return refuse(at("environments", i, "backend", "config", key), "allowed are {env} and {unit}", "there is no placeholder %q", name)
			}
		}
	}
	if e.Approve != "" {
		if err := oneOf(place("approve"), "approve", e.Approve, Risks); err != nil {
			return err
		}
	}
	if e.Approvals != "" {
		if err := oneOf(place("approvals"), "approvals", e.Approvals, []string{"signed", "forge"}); err != nil {
			return err
		}
	}
	for n, name := range e.Approvers {
		if _, known := l.Approvers[name]; !known {
			return refuse(at("environments", i, "approvers", n), "allowed are the names of live.approvers: "+strings.Join(slices.Sorted(maps.Keys(l.Approvers)), ", "),
				"there is no approver %q", name)
		}
	}
	return nil
}

func (d *DriftIgnore) check(at func(...any) pipelines.Position, i int) error {
	d.Position = at("drift", "ignore", i)
	for _, field := range []struct{ key, value string }{{"resource", d.Resource}, {"attribute", d.Attribute}, {"reason", d.Reason}, {"expires", d.Expires}} {
		if strings.TrimSpace(field.value) == "" {
			return refuse(d.Position, "add "+field.key, "what is ignored has no %s", field.key)
		}
	}
	if _, err := time.Parse(time.DateOnly, d.Expires); err != nil {
		return refuse(at("drift", "ignore", i, "expires"), `write it like "2027-01-31"`, "expires is %q, allowed is a date", d.Expires)
	}
	if err := globs(at("drift", "ignore", i, "unit"), "unit", d.Unit); err != nil {
		return err
	}
	return globs(at("drift", "ignore", i, "resource"), "resource", d.Resource)
}
