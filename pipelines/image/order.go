package image

import (
	"fmt"
	"slices"

	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// Order are the environments that an image goes through, in the order of
// live.environments: those of the service, or all where the service names none. One that
// is not enabled stays among them: enabled: false has no reason, owner or end, and would
// else be a quiet way around what it has to attest.
func Order(c *config.Config) []string {
	var names []string
	for _, e := range c.Live.Environments {
		if c.Service == nil || len(c.Service.Environments) == 0 || slices.ContainsFunc(c.Service.Environments, func(s config.ServiceEnvironment) bool {
			return s.Name == e.Name
		}) {
			names = append(names, e.Name)
		}
	}
	return names
}

// SignersOf reads those of live.signers: who may seal may attest.
func SignersOf(c *config.Config) (Signers, error) {
	signers := Signers{}
	for name, text := range c.Live.Signers {
		key, err := capsule.ParsePublic(text)
		if err != nil {
			return nil, fmt.Errorf("reading live.signers, %q: %w", name, err)
		}
		signers[name] = key
	}
	return signers, nil
}
