// Package tools reads tools.json: every tool's image, version and digest, in the
// one file that the update bot edits. It is a leaf, standard library only,
// because the Dagger module imports it.
package tools

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Schema is the version of the form of tools.json.
const Schema = "penstock.tools/v1"

// Tool is one pinned tool.
type Tool struct {
	Name string `json:"name"`
	// Image is the repository of the tool's image, without tag: "docker.io/hashicorp/terraform".
	Image string `json:"image"`
	// Version is the image's tag.
	Version string `json:"version"`
	// Digest is "sha256:" and 64 hex digits; empty until a release records it.
	Digest string `json:"digest"`
}

// Ref is what to pull: "image:version", with "@digest" once one is recorded.
func (t Tool) Ref() string {
	ref := t.Image + ":" + t.Version
	if t.Digest != "" {
		ref += "@" + t.Digest
	}
	return ref
}

//go:embed tools.json
var pinned []byte

// Pinned returns the tool of that name as tools.json pins it.
func Pinned(name string) (Tool, error) {
	all, err := Parse(pinned)
	if err != nil {
		return Tool{}, err
	}
	for _, tool := range all {
		if tool.Name == name {
			return tool, nil
		}
	}
	return Tool{}, fmt.Errorf("no tool named %q in tools.json", name)
}

// Parse reads the content of a tools.json. An unknown key, a tool that stands
// there twice, and a version, image or digest that pins nothing are errors.
func Parse(content []byte) ([]Tool, error) {
	var file struct {
		Schema string `json:"schema"`
		Tools  []Tool `json:"tools"`
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("reading tools.json: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading tools.json: something follows the object")
	}
	if file.Schema != Schema {
		return nil, fmt.Errorf("reading tools.json: schema %q, want %q", file.Schema, Schema)
	}
	seen := map[string]bool{}
	for _, tool := range file.Tools {
		if err := tool.check(); err != nil {
			return nil, fmt.Errorf("reading tools.json: tool %q: %w", tool.Name, err)
		}
		if seen[tool.Name] {
			return nil, fmt.Errorf("reading tools.json: tool %q stands there twice", tool.Name)
		}
		seen[tool.Name] = true
	}
	return file.Tools, nil
}

var (
	validName    = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	validImage   = regexp.MustCompile(`^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+$`)
	validVersion = regexp.MustCompile(`^v?[0-9][A-Za-z0-9._-]{0,126}$`)
	validDigest  = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

func (t Tool) check() error {
	registry, _, _ := strings.Cut(t.Image, "/")
	switch {
	case !validName.MatchString(t.Name):
		return errors.New("a name is lower case letters, digits and dashes")
	case !validImage.MatchString(t.Image), !strings.ContainsAny(registry, ".:"):
		return fmt.Errorf("image %q is not registry/repository", t.Image)
	case !validVersion.MatchString(t.Version):
		return fmt.Errorf("version %q does not pin anything", t.Version)
	case t.Digest != "" && !validDigest.MatchString(t.Digest):
		return fmt.Errorf("digest %q is not sha256 and 64 hex digits", t.Digest)
	}
	return nil
}
