package resource

import (
	"encoding/json"
	"strings"
)

// stateResource is a resource of planned_values or prior_state.
type stateResource struct {
	Address string          `json:"address"`
	Mode    string          `json:"mode"`
	Type    string          `json:"type"`
	Name    string          `json:"name"`
	Index   any             `json:"index"`
	Values  json.RawMessage `json:"values"`
}

// module is the address of the module that it is in. That of the module stands
// behind its resources.
func (r stateResource) module() string {
	before, _, _ := strings.Cut(r.Address, "data."+r.Type+"."+r.Name)
	return strings.TrimSuffix(before, ".")
}

// state walks the modules of planned_values or prior_state, which may be as large
// as the whole plan again, one resource at a time.
func (p *planReader) state(each func(stateResource)) error {
	token, err := p.in.Token()
	if err != nil || token != json.Delim('{') {
		return err
	}
	for p.in.More() {
		key, err := p.in.Token()
		if err != nil {
			return err
		}
		switch key {
		case "values", "root_module":
			err = p.state(each)
		case "child_modules":
			err = p.list(func() error { return p.state(each) })
		case "resources":
			err = p.list(func() error {
				var r stateResource
				err := p.in.Decode(&r)
				each(r)
				return err
			})
		default:
			var skipped struct{}
			err = lenient(p.in.Decode(&skipped))
		}
		if err != nil {
			return err
		}
	}
	_, err = p.in.Token()
	return err
}

// list walks an array; what is none is skipped.
func (p *planReader) list(element func() error) error {
	token, err := p.in.Token()
	if err != nil || token != json.Delim('[') {
		return err
	}
	for p.in.More() {
		if err := element(); err != nil {
			return err
		}
	}
	_, err = p.in.Token()
	return err
}

// addRead adds data sources: a plan has those that it could read already in the
// state only, without a change.
func (p *planReader) addRead() {
	changed := map[string]bool{}
	for _, r := range p.resources {
		changed[r.Address] = true
	}
	for _, r := range p.readData {
		if !changed[r.Address] {
			p.resources = append(p.resources, r)
		}
	}
}
