package bundle

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"
)

// Bounds on what is packed and read. A bundle of today has hundreds of files and
// less than a megabyte.
const (
	maxFiles     = 10_000
	maxFile      = 16 << 20  // bytes of one file
	maxTotal     = 128 << 20 // bytes of all files together
	maxArchive   = 64 << 20  // bytes, compressed
	maxManifest  = 4 << 20
	maxRatio     = 200     // how many bytes one byte of the archive may become,
	freeOfRatio  = 1 << 20 // beyond so many: equal lines compress well
	maxName      = 200     // bytes of a path
	maxSegment   = 100     // what a plain tar header has for a name
	maxDepth     = 16
	manifestName = "manifest.json"
	recordName   = "statement.json"
)

// segment is ASCII alone, so that no two names can be one to a file system that
// normalises Unicode, and nothing in a name means anything to a shell or terminal.
var segment = regexp.MustCompile(`^[A-Za-z0-9._@+=-]*[A-Za-z0-9_@+=-]$`)

// device names a device wherever it stands on Windows, with any extension.
var device = regexp.MustCompile(`^(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)

// badName says why a path cannot be in a bundle, or "".
func badName(name string) string {
	if !fs.ValidPath(name) || name == "." {
		return "it is not a relative path without . and .."
	}
	if len(name) > maxName {
		return fmt.Sprintf("it has more than %d bytes", maxName)
	}
	if name == manifestName || name == recordName {
		return "Penstock writes that file itself"
	}
	segments := strings.Split(name, "/")
	if len(segments) > maxDepth {
		return fmt.Sprintf("it is more than %d deep", maxDepth)
	}
	for _, s := range segments {
		switch {
		case len(s) > maxSegment:
			return fmt.Sprintf("%q has more than %d bytes", s, maxSegment)
		case !segment.MatchString(s):
			return fmt.Sprintf("%q has more than ASCII letters, digits and . _ @ + = -, or a dot at its end", s)
		case device.MatchString(s):
			return fmt.Sprintf("%q is a device on Windows", s)
		case strings.EqualFold(s, ".git") || strings.EqualFold(s, ".terraform"):
			return fmt.Sprintf("%q belongs to a tool", s)
		}
	}
	if _, err := header(name, 0, 0o644); err != nil {
		return "no plain tar header can hold it"
	}
	return ""
}

// tree finds two names that one file system or another cannot keep apart: equal
// but for case, or one a file and a directory.
type tree map[string]struct {
	name string
	file bool
}

func (t tree) add(name string) string {
	for at, file := name, true; at != "."; at, file = path.Dir(at), false {
		key := strings.ToLower(at)
		known, there := t[key]
		switch {
		case !there:
			known.name, known.file = at, file
			t[key] = known
		case known.name != at:
			return fmt.Sprintf("%q and %q differ in case alone", known.name, at)
		case known.file && file:
			return fmt.Sprintf("%q is there twice", at)
		case known.file != file:
			return fmt.Sprintf("%q is a file and a directory", at)
		}
	}
	return ""
}

// header is the only header that a file of this name, size and mode can have.
// Archives are read by comparing with it: no type, link, owner, time or extension
// is ever parsed.
func header(name string, size int64, mode fs.FileMode) ([]byte, error) {
	var b bytes.Buffer
	err := tar.NewWriter(&b).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: int64(mode),
		ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR})
	return b.Bytes(), err
}
