package config

// Image says of a service's image what convention does not.
type Image struct {
	// Language runs the tests of compile-test, where more than one is detected.
	Language string `json:"language,omitempty" jsonschema:"enum=go,enum=node,enum=python,enum=maven,enum=gradle,enum=rust,enum=dockerfile"`
	// Movable are globs of tags that docker-push and image-promote may give to another
	// digest, such as main. Default: none.
	Movable []string `json:"movable,omitempty" jsonschema:"minLength=1"`
}
