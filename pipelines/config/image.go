package config

// Image says of a service's image what convention does not.
type Image struct {
	// Language runs the tests of compile-test, where more than one is detected.
	Language string `json:"language,omitempty" jsonschema:"enum=go,enum=node,enum=python,enum=maven,enum=gradle,enum=rust,enum=dockerfile"`
	// Movable are globs of tags that docker-push and image-promote may give to another
	// digest, such as main. Default: none.
	Movable []string `json:"movable,omitempty" jsonschema:"minLength=1"`
}

// ImageLanguages are what image.language may say.
var ImageLanguages = []string{"go", "node", "python", "maven", "gradle", "rust", "dockerfile"}

func (i Image) check(p places) error {
	if i.Language != "" {
		if err := oneOf(p.at("image", "language"), "language", i.Language, ImageLanguages); err != nil {
			return err
		}
	}
	for n, pattern := range i.Movable {
		at := p.at("image", "movable", n)
		if pattern == "" {
			return refuse(at, "such as main, or pr-*", "the glob of movable tags is empty")
		}
		if err := globs(at, "movable", pattern); err != nil {
			return err
		}
	}
	return nil
}
