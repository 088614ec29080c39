package service

import (
	"fmt"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
)

// ExplanationSchema is the version of an explanation's JSON form.
const ExplanationSchema = "penstock.service-explain/v1"

// Explanation is what a service is made of in an environment, for people.
type Explanation struct {
	Schema      string `json:"schema"`
	Service     string `json:"service"`
	Environment string `json:"environment"`
	Bundle      string `json:"bundle"`
	// Enabled: something is deployed there.
	Enabled bool `json:"enabled"`
	// LeftOut are the parts that are not.
	LeftOut []LeftOut `json:"left_out,omitempty"`
	// Settings are all effective values, by name.
	Settings []Setting `json:"settings"`
	// Remarks say the same of what is not enabled or left out, for people.
	Remarks []string `json:"-"`
}

// LeftOut is a part that is left out, and by whom.
type LeftOut struct {
	Part    string             `json:"part"`
	Owner   string             `json:"owner"`
	Reason  string             `json:"reason"`
	Expires string             `json:"expires"`
	Source  pipelines.Position `json:"source"`
}

// Explain says what a configuration came to.
func (s *Service) Explain(b *bundle.Bundle, c *Configuration) Explanation {
	e := Explanation{Schema: ExplanationSchema, Service: s.Config.Service.Name, Environment: s.Environment.Name, Bundle: strings.TrimSpace(b.Version + " " + b.Digest),
		Enabled: s.Environment.On(), Settings: c.Settings}
	if !e.Enabled {
		e.Remarks = append(e.Remarks, fmt.Sprintf("not enabled: nothing is deployed there (%s:%d)", s.Environment.Position.Path, s.Environment.Position.Line))
	}
	for _, o := range s.Environment.OptOut {
		e.LeftOut = append(e.LeftOut, LeftOut{o.Part, o.Owner, o.Reason, o.Expires, o.Position})
		e.Remarks = append(e.Remarks, fmt.Sprintf("waived: %s is left out until %s by %s: %s (%s:%d)", o.Part, o.Expires, o.Owner, o.Reason, o.Position.Path, o.Position.Line))
	}
	return e
}
