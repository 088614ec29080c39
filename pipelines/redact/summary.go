// Package redact makes of a plan what everybody may read. A public page is shown
// to whoever can open a pull request, so it works by permission: a value is shown
// only if it is known to stand in the code, or to be harmless by its kind; all
// else is left out, with a word for why.
package redact

import (
	"encoding/json"

	"github.com/penstock-dev/penstock/pipelines/risk"
)

// Schema is the version of the summary's JSON form.
const Schema = "penstock.plan/v1"

// Kind says why a value is not shown.
type Kind string

const (
	// Sensitive: marked as such, or equal to or containing what is.
	Sensitive Kind = "sensitive"
	// LookedUp: it came from a data source.
	LookedUp Kind = "looked_up"
	// Unknown: it is known after the apply.
	Unknown Kind = "unknown"
	// TooLong: more than a page can show.
	TooLong Kind = "too_long"
	// NotInCode: it does not stand in the code, so nobody knows whose it is.
	NotInCode Kind = "not_in_code"
)

// String is the kind as people read it.
func (k Kind) String() string {
	switch k {
	case LookedUp:
		return "looked up"
	case Unknown:
		return "known after apply"
	case TooLong:
		return "too long"
	case NotInCode:
		return "not in the code"
	}
	return string(k)
}

// Summary is what everybody may read of a plan.
type Summary struct {
	Schema           string `json:"schema"`
	TerraformVersion string `json:"terraform_version,omitempty"`
	// Complete is false for a plan that covers a part only: targeted, or deferring.
	Complete bool   `json:"complete"`
	Counts   Counts `json:"counts"`
	// Root is the root module; the others are below it.
	Root Module `json:"root"`
	// Outputs are those that change.
	Outputs []Output `json:"outputs,omitempty"`
	// Masked counts the values that are not shown, by why.
	Masked map[Kind]int `json:"masked,omitempty"`
	// Shown counts the values that are.
	Shown int `json:"shown"`
	// Omitted counts what there was no room for.
	Omitted Omitted `json:"omitted"`
	// Changes is the SHA-256, in hex, of Root and Outputs as they stand here: it
	// binds what the reviewer saw. It is computed from public values alone.
	Changes string `json:"changes"`

	public *addresses
}

// Counts are the changes by what is done. Import and Move count beside it.
type Counts struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Delete  int `json:"delete"`
	Replace int `json:"replace"`
	Read    int `json:"read"`
	Forget  int `json:"forget"`
	NoOp    int `json:"no_op"`
	Other   int `json:"other"`
	Import  int `json:"import"`
	Move    int `json:"move"`
	Drift   int `json:"drift"`
	Outputs int `json:"outputs"`
	// Deferred counts the changes that a later plan decides.
	Deferred int `json:"deferred"`
}

// Omitted counts what a summary leaves out for its size.
type Omitted struct {
	Changes    int `json:"changes,omitempty"`
	Attributes int `json:"attributes,omitempty"`
}

// Module is a module with its changes and the modules in it.
type Module struct {
	// Address is empty for the root.
	Address string   `json:"address,omitempty"`
	Changes []Change `json:"changes,omitempty"`
	Modules []Module `json:"modules,omitempty"`
}

// Action is what is done to a resource: create, update, delete, replace, read,
// forget, no_op, or other for what this version does not know.
type Action string

// Change is one resource that changes.
type Change struct {
	// Address has its instance keys only where these may be shown; what stands for
	// one that may not is "▒" and a number.
	Address string `json:"address"`
	Type    string `json:"type"`
	Action  Action `json:"action"`
	// Reason is Terraform's word for why: replace_because_tainted.
	Reason string `json:"reason,omitempty"`
	// From is the address before it was moved.
	From string `json:"from,omitempty"`
	// Import: it exists already and is taken over.
	Import bool `json:"import,omitempty"`
	// Deposed: it is what an earlier replacement left behind.
	Deposed bool `json:"deposed,omitempty"`
	// Attributes are those that change.
	Attributes []Attribute `json:"attributes,omitempty"`
	// Omitted counts the attributes that there was no room for.
	Omitted int `json:"omitted,omitempty"`
}

// Attribute is one value that changes, before and after; nil is "not set".
type Attribute struct {
	// Path is like tags.Name or ingress[0].cidr_blocks[1].
	Path   string `json:"path"`
	Before *Value `json:"before,omitempty"`
	After  *Value `json:"after,omitempty"`
	// Replaces: it is why the resource is replaced.
	Replaces bool `json:"replaces,omitempty"`
}

// Value is either shown or said to be left out.
type Value struct {
	// Shown is the value as JSON: "dvlp", 3, true.
	Shown json.RawMessage `json:"shown,omitempty"`
	// Masked says why it is not shown.
	Masked Kind `json:"masked,omitempty"`
}

// Output is an output of the root module that changes.
type Output struct {
	Name      string `json:"name"`
	Action    Action `json:"action"`
	Sensitive bool   `json:"sensitive,omitempty"`
	Before    *Value `json:"before,omitempty"`
	After     *Value `json:"after,omitempty"`
}

// Assessment makes the risk of the same plan public: it shows the addresses as
// the summary does. It needs a summary that Summarise returned, not one read back.
func (s Summary) Assessment(a risk.Assessment) risk.Assessment {
	out := risk.Assessment{Level: a.Level}
	for _, r := range a.Reasons {
		if s.public == nil {
			r.Address = withoutKeys(r.Address)
		} else {
			r.Address = s.public.show(r.Address)
		}
		out.Reasons = append(out.Reasons, r)
	}
	return out
}
