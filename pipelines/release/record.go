package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

const (
	// RecordSchema is the version of a record's JSON form.
	RecordSchema = "penstock.release-record/v1"
	// SealSchema is the version of a seal's JSON form.
	SealSchema = "penstock.release-seal/v1"
	// AdoptedSchema is the version of the JSON form of tags that were adopted.
	AdoptedSchema = "penstock.release-adopted/v1"
	// Branch is where records are kept: beside the tags, and not in them.
	Branch = "refs/heads/penstock/releases"
)

// Record is what is known of one release, for machines. It is written once.
type Record struct {
	Schema string `json:"schema" jsonschema:"const=penstock.release-record/v1"`
	// Module is the path of the module in the repository; "." is the repository itself.
	Module  string `json:"module"`
	Version string `json:"version" jsonschema:"pattern=^[0-9]+\\.[0-9]+\\.[0-9]+$"`
	Tag     string `json:"tag"`
	// Commit is what the tag is on; Time is when that was committed.
	Commit string    `json:"commit" jsonschema:"pattern=^[0-9a-f]{40}([0-9a-f]{24})?$"`
	Time   time.Time `json:"time"`
	// By is who released.
	By string `json:"by"`
	// Previous is the release before, nil of the first.
	Previous *Previous `json:"previous,omitempty"`
	// Step is what the version was raised by, and Changes are why.
	Step    Step     `json:"step" jsonschema:"enum=first,enum=patch,enum=minor,enum=major"`
	Changes []Change `json:"changes"`
	Commits []Commit `json:"commits"`
	Tree    Content  `json:"tree"`
	// InterfaceDigest is "sha256:HEX" over the JSON of Interfaces, without space.
	InterfaceDigest string     `json:"interface_digest" jsonschema:"pattern=^sha256:[0-9a-f]{64}$"`
	Interfaces      Interfaces `json:"interfaces"`
	Severity        Severity   `json:"severity"`
	// Evidence is the report of the tests of exactly this commit, nil where none was given.
	Evidence *Evidence `json:"evidence,omitempty"`
	// Checks are what the forge had to say of the commit.
	Checks []Check `json:"checks,omitempty"`
	// Changelog is the entry of this release, in Markdown.
	Changelog string `json:"changelog"`
	// Penstock is the version of the program.
	Penstock string `json:"penstock"`
}

// Interfaces are what the module is for each program; OpenTofu is there where it reads
// the module in another way.
type Interfaces struct {
	Terraform *Interface `json:"terraform,omitempty"`
	OpenTofu  *Interface `json:"opentofu,omitempty"`
}

// Previous names a release and what its record was.
type Previous struct {
	Version string `json:"version"`
	Tag     string `json:"tag"`
	Commit  string `json:"commit"`
	// Record is "sha256:HEX" of its record, "" where a tag was made by hand.
	Record string `json:"record,omitempty"`
}

// Seal is kept beside a record, and says which object its tag is. The tag says in turn
// which record it belongs to, so that neither can be changed alone.
type Seal struct {
	Schema string `json:"schema" jsonschema:"const=penstock.release-seal/v1"`
	Tag    string `json:"tag"`
	Object string `json:"object" jsonschema:"pattern=^[0-9a-f]{40}([0-9a-f]{24})?$"`
	Commit string `json:"commit" jsonschema:"pattern=^[0-9a-f]{40}([0-9a-f]{24})?$"`
	Record string `json:"record" jsonschema:"pattern=^sha256:[0-9a-f]{64}$"`
}

// Adopted are the tags that were there before the first record: made by hand, and held
// to what they were from then on. It is written once, with the branch of records.
type Adopted struct {
	Schema string `json:"schema" jsonschema:"const=penstock.release-adopted/v1"`
	// Tags are by name.
	Tags map[string]AdoptedTag `json:"tags"`
}

// AdoptedTag is a tag that no release made.
type AdoptedTag struct {
	Object string `json:"object" jsonschema:"pattern=^[0-9a-f]{40}([0-9a-f]{24})?$"`
	Commit string `json:"commit" jsonschema:"pattern=^[0-9a-f]{40}([0-9a-f]{24})?$"`
}

// adoptedPath is where they are kept.
const adoptedPath = "records/adopted.json"

// tagOf is the name of a tag: the module's path and the version, or the version alone
// where the module is the repository.
func tagOf(module, version string) string {
	if module == "." {
		return "v" + version
	}
	return module + "/v" + version
}

// recordPath, sealPath and changelogPath are where files lie on the branch of records.
func recordPath(module, version string) string {
	return path.Join("records", module, "v"+version+".json")
}

func sealPath(module, version string) string {
	return path.Join("records", module, "v"+version+".seal.json")
}

func changelogPath(module string) string { return path.Join("records", module, "CHANGELOG.md") }

// encoded is JSON on one line, without escapes that only HTML needs.
func encoded(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // none of our types can fail
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// file is JSON as it is kept: indented, and always the same.
func file(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (i Interfaces) digest() string { return digest([]byte(encoded(i))) }

// strict reads one JSON value that has no member which is not known.
func strict(content []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

// ReadRecord reads a record that a release wrote.
func ReadRecord(content []byte) (*Record, error) {
	r := &Record{}
	if err := strict(content, r); err != nil {
		return nil, fmt.Errorf("reading a record: %w", err)
	}
	if r.Schema != RecordSchema {
		return nil, &pipelines.Error{Err: fmt.Errorf("reading a record: its schema is %q, allowed is %q", r.Schema, RecordSchema), Hint: "a later Penstock wrote it: update"}
	}
	if _, ok := parseVersion(r.Version); !ok || r.Tag != tagOf(r.Module, r.Version) {
		return nil, fmt.Errorf("reading a record: %q is no tag of version %q of %q", r.Tag, r.Version, r.Module)
	}
	return r, nil
}
