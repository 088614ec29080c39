package bundle

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// Schema is the version of the manifest's JSON form.
const Schema = "penstock.bundle/v1"

// Manifest says what is in a bundle. It is the first file of the archive.
type Manifest struct {
	Schema string `json:"schema"`
	// Version, such as 1.4.0.
	Version string `json:"version"`
	// Commit that it was packed from, and its time in UTC.
	Commit  string    `json:"commit"`
	Created time.Time `json:"created"`
	// Files are all files but the manifest, by path.
	Files []File `json:"files"`
	// Charts are those in charts/, by name.
	Charts []Chart `json:"charts"`
	// InfraTypes are what service.tfvars may ask for, by type.
	InfraTypes []InfraType `json:"infra_types"`
}

// File is one file of a bundle.
type File struct {
	Path string `json:"path"`
	// Mode is 0644 or 0755.
	Mode   string `json:"mode"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (f File) mode() fs.FileMode {
	if f.Mode == modeExec {
		return 0o755
	}
	return 0o644
}

const (
	modeFile = "0644"
	modeExec = "0755"
)

// Chart is a Helm chart.
type Chart struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Path    string `json:"path"`
}

// InfraType is a type of infrastructure and the module that makes it.
type InfraType struct {
	Type   string `json:"type"`
	Module string `json:"module"`
}

// encode is the one form in which this package writes JSON.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return b.Bytes(), err
}

// decode reads what encode wrote, and nothing else: a member twice, in other
// capitals or beyond those that are known shows one reader something else than
// another, and is written differently when it is written again.
func decode(text []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	again, err := encode(v)
	if err == nil && !bytes.Equal(again, text) {
		err = errors.New("it is not in the form that penstock writes")
	}
	return err
}

func readManifest(text []byte) (Manifest, error) {
	var m Manifest
	if err := decode(text, &m); err != nil {
		return m, refuse(ErrArchive, hintTrust, "reading %q: %v", manifestName, err)
	}
	return m, m.valid()
}

func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

var (
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	hexForm    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	commitForm = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	nameForm   = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$`)
)

// isVersion says whether text is a version: semantic, without v and without build
// metadata, which no tag of a registry can hold.
func isVersion(text string) bool {
	return len(text) <= 64 && semver.IsValid("v"+text) && semver.Canonical("v"+text) == "v"+text
}

// ParseVersion reads a version, or the tag that ends in it: 1.4.0, v1.4.0,
// bundle-v1.4.0.
func ParseVersion(text string) (string, error) {
	version := text
	if at := strings.LastIndexAny(version, "/"); at >= 0 {
		version = version[at+1:]
	}
	version = strings.TrimPrefix(version, "bundle-")
	version = strings.TrimPrefix(version, "v")
	if !isVersion(version) {
		return "", refuse(ErrContent, "give one like 1.4.0 or the tag bundle-v1.4.0", "%q is not a version", text)
	}
	return version, nil
}

// valid says whether a manifest can be one. Everything that is read of an archive
// is foretold by its manifest, so that this is where names and sizes are judged.
func (m Manifest) valid() error {
	bad := func(format string, args ...any) error {
		return refuse(ErrArchive, hintTrust, "the manifest: "+format, args...)
	}
	switch {
	case m.Schema != Schema:
		return refuse(ErrArchive, "use the version of penstock that packed the bundle", "the manifest's schema is %q, this penstock reads %q", m.Schema, Schema)
	case !isVersion(m.Version):
		return bad("%q is not a version", m.Version)
	case !commitForm.MatchString(m.Commit):
		return bad("%q is not a commit", m.Commit)
	case m.Created != seconds(m.Created) || m.Created.Year() < 1970 || m.Created.Year() > 9999:
		return bad("its time is not in UTC and whole seconds")
	case len(m.Files) == 0 || len(m.Files) > maxFiles:
		return bad("%d files, a bundle has from 1 to %d", len(m.Files), maxFiles)
	}
	names, total := tree{}, int64(0)
	for i, f := range m.Files {
		if why := badName(f.Path); why != "" {
			return bad("the path %q: %s", f.Path, why)
		}
		if why := names.add(f.Path); why != "" {
			return bad("%s", why)
		}
		if i > 0 && m.Files[i-1].Path >= f.Path {
			return bad("the files are not sorted at %q", f.Path)
		}
		if f.Mode != modeFile && f.Mode != modeExec || !hexForm.MatchString(f.SHA256) {
			return bad("%q has the mode %q and the sha256 %q", f.Path, f.Mode, f.SHA256)
		}
		if f.Size < 0 || f.Size > maxFile {
			return bad("%q has %d bytes, at most %d are read", f.Path, f.Size, maxFile)
		}
		if total += f.Size; total > maxTotal {
			return bad("its files have more than %d bytes", maxTotal)
		}
	}
	return m.validParts()
}

func (m Manifest) validParts() error {
	charts := slices.IsSortedFunc(m.Charts, func(a, b Chart) int { return cmp.Compare(a.Path, b.Path) })
	types := slices.IsSortedFunc(m.InfraTypes, func(a, b InfraType) int { return cmp.Compare(a.Type, b.Type) })
	for _, c := range m.Charts {
		charts = charts && nameForm.MatchString(c.Name) && semver.IsValid("v"+c.Version) && len(c.Version) <= 64 && badName(c.Path) == ""
	}
	for _, t := range m.InfraTypes {
		types = types && nameForm.MatchString(t.Type) && nameForm.MatchString(t.Module)
	}
	if m.Charts == nil || m.InfraTypes == nil || !charts || !types {
		return refuse(ErrArchive, hintTrust, "the manifest: its charts or types cannot be")
	}
	return nil
}

// unpacked is how many bytes the archive of m has, uncompressed.
func (m Manifest) unpacked(manifest int64) int64 {
	total := block + manifest + padding(manifest) + 2*block
	for _, f := range m.Files {
		total += block + f.Size + padding(f.Size)
	}
	return total
}

func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// hashOf reads content to its end and returns its sha256 in hex and its size.
func hashOf(content io.Reader) (string, int64, error) {
	sum := sha256.New()
	n, err := io.Copy(sum, content)
	if err != nil {
		return "", n, fmt.Errorf("hashing: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), n, nil
}
