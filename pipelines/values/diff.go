package values

// Change is one key that differs from what is deployed.
type Change struct {
	// Action is add, change or remove.
	Action string `json:"action"`
	Key    string `json:"key"`
	// Before and After are texts that are not secret, or references; "" where there is nothing to show.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Source is where the new value comes from.
	Source string `json:"source,omitempty"`
}
