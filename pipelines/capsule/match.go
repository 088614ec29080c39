package capsule

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// Expect is what a capsule has to have been made for. Every field is compared, the
// empty ones too. Who deliberately leaves one out gives the capsule's own value.
type Expect struct {
	Repository  string
	Unit        string
	Environment string
	Destroy     bool
	// Closure is the digest of the unit's closure on the trunk.
	Closure   string
	State     State
	Terraform pipelines.Tool
	Lock      string
	Modules   map[string]string
	Images    map[string]string
	// Policies is the digest of the rules that count now.
	Policies string
}

// Matches says whether the capsule was made for exactly what is expected: the
// first thing that differs is the reason, with both values.
func (c *Capsule) Matches(e Expect) error {
	if err := c.Manifest.matches(e); err != nil {
		return fmt.Errorf("matching the capsule %q: %w", c.Path, err)
	}
	return nil
}

func (m Manifest) matches(e Expect) error {
	differs := func(kind error, hint, here, want, got string) error {
		return refuse(kind, hint, "%s is %s, the capsule was made for %s", here, shown(want), shown(got))
	}
	const hintOther = "take the capsule of this unit and environment"
	switch {
	case m.Creator.Repository != e.Repository:
		return differs(ErrRepository, hintOther, "the repository", e.Repository, m.Creator.Repository)
	case m.Unit != e.Unit:
		return differs(ErrUnit, hintOther, "the unit", e.Unit, m.Unit)
	case m.Environment != e.Environment:
		return differs(ErrEnvironment, hintOther, "the environment", e.Environment, m.Environment)
	case m.Destroy != e.Destroy:
		return refuse(ErrDestroy, hintPlan, "destroying the unit is %t here, the capsule was made with %t", e.Destroy, m.Destroy)
	case m.Closure != e.Closure:
		return differs(ErrClosure, hintPlan, "the trunk's closure", e.Closure, m.Closure)
	case m.State.Backend != e.State.Backend:
		return differs(ErrState, hintPlan, "the state's backend", e.State.Backend, m.State.Backend)
	case m.State.Lineage != e.State.Lineage:
		return differs(ErrState, hintPlan, "the state's lineage", e.State.Lineage, m.State.Lineage)
	case m.State.Serial != e.State.Serial:
		return refuse(ErrState, hintPlan, "the state's serial is %d, the capsule was made for %d: it changed in between", e.State.Serial, m.State.Serial)
	case m.Terraform != e.Terraform:
		return differs(ErrTerraform, "use the version that planned, or plan again", "the program here", e.Terraform.Name+" "+e.Terraform.Version,
			m.Terraform.Name+" "+m.Terraform.Version)
	case m.Lock != e.Lock:
		return differs(ErrLock, hintPlan, "the digest of .terraform.lock.hcl", e.Lock, m.Lock)
	case m.Policies.Digest != e.Policies:
		return differs(ErrPolicies, hintPlan, "the digest of the policies", e.Policies, m.Policies.Digest)
	}
	if name, differ := difference(m.Modules, e.Modules); differ {
		return differs(ErrModules, hintPlan, "the module "+strconv.Quote(name), e.Modules[name], m.Modules[name])
	}
	if name, differ := difference(m.Images, e.Images); differ {
		return differs(ErrImages, hintPlan, "the image "+strconv.Quote(name), e.Images[name], m.Images[name])
	}
	return nil
}

// shown is a value as a message shows it.
func shown(value string) string {
	switch {
	case value == "":
		return "none"
	case strings.HasPrefix(value, "sha256:"):
		return strings.Trim(strconv.Quote(value), `"`)
	}
	return strconv.Quote(value)
}

// difference finds the first key, sorted, whose values differ. No value is empty.
func difference(a, b map[string]string) (string, bool) {
	keys := slices.Sorted(maps.Keys(a))
	keys = slices.AppendSeq(keys, maps.Keys(b))
	slices.Sort(keys)
	for _, key := range keys {
		if a[key] != b[key] {
			return key, true
		}
	}
	return "", false
}
