package image

import (
	"encoding/json"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	provenanceType = "https://slsa.dev/provenance/v1"
	buildType      = "https://github.com/penstock-dev/penstock/docker-build/v1"
)

// parameters are what a build was asked for.
type parameters struct {
	// Kind is binaries, layout or dockerfile.
	Kind       string   `json:"kind"`
	Dockerfile string   `json:"dockerfile,omitempty"`
	Target     string   `json:"target,omitempty"`
	Platforms  []string `json:"platforms,omitempty"`
	Source     string   `json:"source,omitempty"`
	Revision   string   `json:"revision,omitempty"`
}

// provenancePredicate is SLSA's provenance, v1. It says no time and no run, so that the
// same source gives the same bytes.
type provenancePredicate struct {
	BuildDefinition struct {
		BuildType            string       `json:"buildType"`
		ExternalParameters   parameters   `json:"externalParameters"`
		ResolvedDependencies []dependency `json:"resolvedDependencies,omitempty"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder struct {
			ID string `json:"id"`
		} `json:"builder"`
	} `json:"runDetails"`
}

type dependency struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest"`
}

// provenance is what the image was made from, by whom, beside its index.
func (b Build) provenance(root v1.Descriptor, subjects []v1.Hash, from parameters, builder string) (manifest, error) {
	var p provenancePredicate
	from.Source, from.Revision = PlainURL(b.Labels.Source), b.Labels.Revision
	p.BuildDefinition.BuildType, p.BuildDefinition.ExternalParameters = buildType, from
	p.RunDetails.Builder.ID = builder
	// A tree that differs from its commit is not what the commit is.
	if from.Source != "" && from.Revision != "" && !strings.HasSuffix(from.Revision, "-dirty") {
		p.BuildDefinition.ResolvedDependencies = []dependency{{URI: "git+" + from.Source, Digest: map[string]string{"gitCommit": from.Revision}}}
	}
	text, err := json.Marshal(newStatement(provenanceType, b.Labels.Title, subjects, p))
	if err != nil {
		return nil, err
	}
	notes := map[string]string{predicateNote: provenanceType, createdLabel: b.Labels.annotations()[createdLabel]}
	if b.Key == nil {
		return newArtifact(root, statementType, text, notes)
	}
	if text, err = seal(text, b.Key); err != nil {
		return nil, err
	}
	return newArtifact(root, envelopeType, text, notes)
}
