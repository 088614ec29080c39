package config

import "regexp"

// Release says of releases of modules what convention does not.
type Release struct {
	// First is the version of a module's first release. Default 0.1.0.
	First string `json:"first,omitempty" jsonschema:"pattern=^(0|[1-9][0-9]*)[.](0|[1-9][0-9]*)[.](0|[1-9][0-9]*)$"`
}

var firstVersion = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$`)

// FirstVersion is the version of a module's first release.
func (r Release) FirstVersion() string {
	if r.First == "" {
		return "0.1.0"
	}
	return r.First
}

func (r Release) check(p places) error {
	if r.First != "" && !firstVersion.MatchString(r.First) {
		return refuse(p.at("release", "first"), "write it like 0.1.0 or 1.0.0", "%q is no version of a release", r.First)
	}
	return nil
}
