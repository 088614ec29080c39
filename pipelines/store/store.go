// Package store keeps small objects under names, in a directory, an S3 bucket or
// an OCI registry: capsules, journals and leases. What is there is whole, and is
// only changed by whoever knows what it was before.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/penstock-dev/penstock/pipelines"
)

// The errors that callers tell apart, with errors.Is.
var (
	// ErrExists says that the name is taken.
	ErrExists = errors.New("it exists already")
	// ErrNotFound says that there is nothing under the name.
	ErrNotFound = errors.New("there is none")
	// ErrChanged says that what is under the name is no longer the version that the caller saw; it may be gone.
	ErrChanged = errors.New("it was changed by someone else")
	// ErrUnsupported says that this kind of store cannot do it safely, and so does not.
	ErrUnsupported = errors.New("this kind of store cannot do that")
)

// Version names the content of an object: equal versions mean equal content.
// Content that changes from one to another and back has its first version again,
// so writers that must notice that put something unique into the content.
type Version string

// Entry is one object of a list. Modified is in the store's time.
type Entry struct {
	Name     string
	Size     int64
	Modified time.Time
}

// Store keeps objects under slash-separated names, see CheckName. It may be used
// by many goroutines and many processes at once.
type Store interface {
	// Create puts content under a name that is free, from its start to its end,
	// as a whole or not at all. ErrExists where the name is taken.
	Create(ctx context.Context, name string, content io.ReadSeeker) error
	// Read returns the content and its version. ErrNotFound where there is none.
	Read(ctx context.Context, name string) (io.ReadCloser, Version, error)
	// Replace puts content in place of a version, as a whole or not at all.
	// ErrChanged where that version is no longer there, ErrUnsupported where the
	// store cannot compare and swap.
	Replace(ctx context.Context, name string, content []byte, old Version) error
	// Delete removes a version. Errors as for Replace. Where the answer to a
	// Delete was lost and the object is then gone, that counts as removed.
	Delete(ctx context.Context, name string, old Version) error
	// List returns the objects whose names begin with prefix, sorted by name.
	List(ctx context.Context, prefix string) ([]Entry, error)
	// Now is the time by the clock that Entry.Modified is taken from.
	Now(ctx context.Context) (time.Time, error)
	// Exclusive returns nil where of several Creates of one name at the same
	// time exactly one succeeds, from whatever machine, and ErrUnsupported with
	// the reason where more than one can.
	Exclusive() error
	// String is the address, without credentials.
	String() string
}

// Open opens a store by its address:
//
//	path/to/directory, file:///path/to/directory
//	s3://bucket/prefix?region=eu-west-1&endpoint=https://s3.example.com
//	oci://registry/repository
//
// The directory is made if need be; a bucket or a registry has to be there. S3
// takes credentials, and what the address does not say, from where the AWS tools
// take them (AWS_ENDPOINT_URL too), OCI from the Docker configuration.
func Open(ctx context.Context, address string) (Store, error) { return OpenAs(ctx, address, Profile{}) }

// Profile is a profile in a configuration file of the AWS tools. The zero value is
// none: credentials come from where they are found.
type Profile struct{ File, Name string }

// OpenAs opens a store as Open does; one in S3 takes its credentials from a profile.
func OpenAs(ctx context.Context, address string, as Profile) (Store, error) {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return openDirectory(address)
	}
	u, err := url.Parse(address)
	if err != nil { // its text would show the address, and so a password in it
		return nil, unusable(scheme+"://...", "it is not a URL")
	}
	shown := u.Scheme + "://" + u.Host + u.Path
	switch {
	case u.User != nil:
		return nil, unusable(shown, "it holds a user name or a password; these come from the environment")
	case u.Fragment != "":
		return nil, unusable(shown, "it has a fragment")
	case scheme == "s3":
		return openS3(ctx, u, shown, as)
	case u.RawQuery != "":
		return nil, unusable(shown, "only s3:// takes parameters")
	case scheme == "oci":
		return openOCI(rest)
	case scheme == "file" && (u.Host == "" || u.Host == "localhost"):
		return openDirectory(u.Path)
	}
	return nil, unusable(shown, "it is of no known kind")
}

func unusable(address, why string) error {
	return &pipelines.Error{
		Err:  fmt.Errorf("opening the store %q: %s", address, why),
		Hint: "give a directory, s3://bucket/prefix or oci://registry/repository",
	}
}

// own is the first segment of the names that the directory store keeps for itself.
const own = ".penstock"

// CheckName returns an error for a name that some kind of store cannot keep or
// that means something else somewhere: names are slash-separated printable UTF-8
// without empty segments, "." or "..", at most 900 bytes, 200 a segment.
func CheckName(name string) error {
	why := ""
	switch {
	case name == "":
		why = "it is empty"
	case len(name) > 900: // an S3 key has 1024, prefix included
		why = "it is longer than 900 bytes"
	case !utf8.ValidString(name):
		why = "it is not UTF-8"
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == '\\' || r == utf8.RuneError }):
		why = "it holds a backslash or what cannot be printed"
	}
	for segment := range strings.SplitSeq(name, "/") {
		switch {
		case why != "":
		case segment == "" || segment == "." || segment == "..":
			why = fmt.Sprintf("a segment is %q", segment)
		case len(segment) > 200: // most file systems have 255
			why = "a segment is longer than 200 bytes"
		}
	}
	if why == "" && (name == own || strings.HasPrefix(name, own+"/")) {
		why = own + " belongs to the store itself"
	}
	if why != "" {
		return fmt.Errorf("the name %q cannot be kept in a store: %s", name, why)
	}
	return nil
}

// doing wraps the error of an operation on an object.
func doing(verb, name string, in fmt.Stringer, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q in %s: %w", verb, name, in, err)
}
