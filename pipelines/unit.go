package pipelines

// Kind is what a unit is.
type Kind string

const (
	Module  Kind = "module"
	Example Kind = "example"
	Test    Kind = "test"
	Live    Kind = "live"
)

// Unit is a directory of infrastructure code that is checked as one.
type Unit struct {
	// Path is slash-separated and relative to the catalog's root; "." is the root itself.
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
	// Why says how the unit came to be selected, from the unit to the cause:
	// ["examples/eks", "modules/eks-cluster", "modules/vpc/main.tf changed"].
	Why []string `json:"why,omitempty"`
	// Inputs are the files of the unit's closure, slash-separated and relative
	// to the root, sorted: what a stage may have to read to judge the unit.
	Inputs []string `json:"inputs,omitempty"`
	// Command are the words of the commands on it, Verb standing for what is done, where
	// these are not penstock plan, recover... with the unit: penstock service-iac Verb --env dvlp.
	Command []string `json:"-"`
}

// Verb stands in Unit.Command for what is done: plan, apply, recover, drift, unlock.
const Verb = "VERB"

// SelectionSchema is the version of the selection's JSON form.
const SelectionSchema = "penstock.selection/v1"

// Selection is which units of a catalog are to be judged, and why.
type Selection struct {
	Schema string `json:"schema"`
	// Base and Head are commits (40 hex digits); Base is the merge base.
	// Base is empty when all units are selected, Head when it is the working tree.
	Base string `json:"base,omitempty"`
	Head string `json:"head,omitempty"`
	All  bool   `json:"all"`
	// Total counts the units of the catalog, selected or not.
	Total int    `json:"total"`
	Units []Unit `json:"units"`
	// Live are the paths of all live units of the catalog, selected or not: what a
	// unit may say that it comes after.
	Live []string `json:"live,omitempty"`
	// Removed are live units that the change takes away: what they made stays until
	// it is destroyed. Their inputs are those of the base.
	Removed []Unit `json:"removed,omitempty"`
	// Reason explains an empty selection.
	Reason  string   `json:"reason,omitempty"`
	Notices []Notice `json:"notices,omitempty"`
}

// Notice is something the reader should know that is not a finding, such as a
// policy that the pull request changes and that does not count for itself.
type Notice struct {
	Path    string `json:"path,omitempty"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}
