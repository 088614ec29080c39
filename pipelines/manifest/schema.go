package manifest

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/penstock-dev/penstock/pipelines"
)

//go:generate go run ./schemas/generate

// schemas are written by schemas/generate, and say themselves where they are from.
//
//go:embed schemas/*.json.gz schemas/*.json
var schemas embed.FS

// base is what schemas of other kinds may refer to: "kubernetes.json#/definitions/...".
const base = "file:///kubernetes.json"

const externalSecret = "external-secrets.io/v1/ExternalSecret"

// described is one file of schemas.
type described struct {
	// Kinds are definitions by "group/version/Kind", "v1/Service" for the core.
	Kinds       map[string]string `json:"kinds"`
	Definitions any               `json:"definitions"`
}

var files = sync.OnceValues(func() (map[string]*described, error) {
	names, err := schemas.ReadDir("schemas")
	if err != nil {
		return nil, err
	}
	all := map[string]*described{}
	for _, entry := range names {
		version, isSchema := strings.CutSuffix(entry.Name(), ".json.gz")
		if !isSchema {
			continue
		}
		packed, err := schemas.ReadFile(path.Join("schemas", entry.Name()))
		if err != nil {
			return nil, err
		}
		unpacked, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		d := &described{}
		if err := json.NewDecoder(unpacked).Decode(d); err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, unpacked); err != nil { // the checksum stands at the end
			return nil, err
		}
		all[minor(version)] = d
	}
	return all, nil
})

// minor is "1.36" of "v1.36.3".
func minor(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// Versions are the minor versions of Kubernetes that have a schema here, the
// oldest first: "1.34".
func Versions() []string {
	all, err := files()
	if err != nil {
		panic("the embedded schemas are broken: " + err.Error()) // a test holds it
	}
	var versions []string
	for version := range all {
		versions = append(versions, version)
	}
	slices.Sort(versions)
	return versions
}

// api is Kubernetes at one version.
type api struct {
	version  string
	kinds    map[string]string
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

// apis are the versions that an object has to suit.
type apis struct {
	list []*api
	// groups that Kubernetes has at any version; no schema of others is missing.
	groups map[string]bool
}

// shared are the versions without further schemas: compiling one takes a tenth of
// a second, and what was compiled counts for every call.
var shared struct {
	sync.Mutex
	apis map[string]*api
}

// load returns the versions and a function that gives them back.
func load(versions []string, further map[string][]byte) (*apis, func(), error) {
	all, err := files()
	if err != nil {
		return nil, nil, fmt.Errorf("reading the schemas of Kubernetes: %w", err)
	}
	a := &apis{groups: map[string]bool{"extensions": true}}
	for _, d := range all {
		for kind := range d.Kinds {
			a.groups[group(kind)] = true
		}
	}
	shared.Lock()
	for _, version := range versions {
		version = minor(version)
		d := all[version]
		if d == nil {
			shared.Unlock()
			return nil, nil, &pipelines.Error{Err: fmt.Errorf("reading the schemas of Kubernetes: there is none of version %q", version),
				Hint: "name one of " + strings.Join(Versions(), ", ")}
		}
		one := shared.apis[version]
		if one == nil || len(further) > 0 {
			if one, err = prepare(version, d, further); err != nil {
				shared.Unlock()
				return nil, nil, err
			}
		}
		if len(further) == 0 {
			if shared.apis == nil {
				shared.apis = map[string]*api{}
			}
			shared.apis[version] = one
		}
		a.list = append(a.list, one)
	}
	if len(further) > 0 {
		shared.Unlock()
		return a, func() {}, nil
	}
	return a, shared.Unlock, nil // a compiler is for one at a time
}

// prepare makes the compiler of one version.
func prepare(version string, d *described, further map[string][]byte) (*api, error) {
	own, err := schemas.ReadFile("schemas/external-secrets.json")
	if err != nil {
		return nil, err
	}
	kinds := map[string][]byte{externalSecret: own}
	for kind, text := range further {
		kinds[kind] = text
	}
	one := &api{version: version, kinds: map[string]string{}, compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	one.compiler.DefaultDraft(jsonschema.Draft7)
	one.compiler.AssertFormat()
	one.compiler.RegisterFormat(&jsonschema.Format{Name: "byte", Validate: inBase64})
	one.compiler.UseLoader(nothing{})
	if err := one.compiler.AddResource(base, map[string]any{"definitions": d.Definitions}); err != nil {
		return nil, err
	}
	for kind, definition := range d.Kinds {
		one.kinds[kind] = base + "#/definitions/" + definition
	}
	for kind, text := range kinds {
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("reading the schema of %q: %w", kind, err)
		}
		at := "file:///" + strings.NewReplacer("/", "_", "#", "_", "?", "_", "%", "_").Replace(kind) + ".json"
		if err := one.compiler.AddResource(at, schema); err != nil {
			return nil, fmt.Errorf("reading the schema of %q: %w", kind, err)
		}
		one.kinds[kind] = at
		if _, err := one.schema(kind); err != nil {
			return nil, err
		}
	}
	return one, nil
}

// nothing loads nothing: a schema that refers elsewhere does not compile.
type nothing struct{}

func (nothing) Load(url string) (any, error) { return nil, fmt.Errorf("%q is not given", url) }

func inBase64(v any) error {
	text, ok := v.(string)
	if !ok {
		return nil
	}
	_, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(text))
	if err != nil {
		return errors.New("it is not base64")
	}
	return nil
}

// schema compiles the schema of a kind once; nil is a kind that is not known.
func (a *api) schema(kind string) (*jsonschema.Schema, error) {
	at := a.kinds[kind]
	if at == "" || a.compiled[kind] != nil {
		return a.compiled[kind], nil
	}
	compiled, err := a.compiler.Compile(at)
	if err != nil {
		return nil, fmt.Errorf("compiling the schema of %q: %w", kind, err)
	}
	a.compiled[kind] = compiled
	return compiled, nil
}

// group is "apps" of "apps/v1/Deployment" and "" of "v1/Service".
func group(kind string) string {
	if parts := strings.Split(kind, "/"); len(parts) == 3 {
		return parts[0]
	}
	return ""
}
