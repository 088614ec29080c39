package scaffold

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// source is where a module is.
type source struct {
	written string
	local   bool
	// dir is the module's directory in the repository that holds it; "." is the top.
	dir string
	// url and ref are what git fetches.
	url, ref string
}

const sourceHint = "write it as git::https://HOST/REPOSITORY.git//modules/NAME?ref=v1.2.0, or ./modules/NAME for one of this repository"

// reference is a tag, a branch or a commit. Nothing in it means a range, a refspec or
// an option to git.
var reference = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$`)

// short is a host and a path as ssh takes them: git@github.com:acme/modules.git.
var short = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9._~][A-Za-z0-9._~/-]*$`)

// parseSource reads a source as Terraform does, as far as it is local or git.
func parseSource(written string) (source, error) {
	s := source{written: written}
	refuse := func(format string, args ...any) (source, error) {
		shown := written
		if strings.Contains(shown, "@") && strings.Contains(shown, "://") {
			shown = "git::..." // what stands before the @ may be a password
		}
		return source{}, &pipelines.Error{Err: fmt.Errorf("reading the source %q: %w: %w", shown, ErrArgument, fmt.Errorf(format, args...)), Hint: sourceHint}
	}
	if len(written) > 2000 || strings.ContainsFunc(written, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"$%`\\", r) }) {
		return refuse("it holds what no source does")
	}
	if strings.HasPrefix(written, "./") {
		s.local, s.dir = true, path.Clean(written)
		if !fs.ValidPath(s.dir) || strings.Contains(written, "?") {
			return refuse("a local module is a directory of the repository, without a version")
		}
		return s, nil
	}
	address, query, _ := strings.Cut(written, "?")
	values, err := url.ParseQuery(query)
	if err != nil || len(values) > 1 || len(values["ref"]) != 1 {
		return refuse("it needs a version, and nothing else after the ?")
	}
	if s.ref = values.Get("ref"); !reference.MatchString(s.ref) || strings.Contains(s.ref, "..") {
		return refuse("%q is no tag, branch or commit", s.ref)
	}
	address, forced := strings.CutPrefix(address, "git::")
	if address, s.dir = subdirectory(address); !fs.ValidPath(s.dir) || strings.HasPrefix(s.dir, "-") {
		return refuse("%q is no directory of a repository", s.dir)
	}
	switch parsed, err := url.Parse(address); {
	case short.MatchString(address):
		s.url = address
	case !forced && strings.HasPrefix(address, "github.com/") && strings.Count(address, "/") == 2:
		s.url = "https://" + strings.TrimSuffix(address, ".git") + ".git"
	case err != nil || !forced || !slices.Contains([]string{"https", "ssh", "file"}, parsed.Scheme):
		return refuse("it is neither a local path nor a git reference")
	case strings.HasPrefix(parsed.Host, "-") || strings.Contains(parsed.Path, ".."):
		return refuse("it does not say plainly where it leads")
	case parsed.User != nil && (parsed.Scheme != "ssh" || hasPassword(parsed.User)):
		return refuse("credentials would be written into the configuration: leave them to git")
	default:
		s.url = address
	}
	return s, nil
}

func hasPassword(user *url.Userinfo) bool {
	_, has := user.Password()
	return has
}

// subdirectory parts an address from the directory after its //.
func subdirectory(address string) (repository, dir string) {
	start := 0
	if i := strings.Index(address, "://"); i >= 0 {
		start = i + len("://")
	}
	i := strings.Index(address[start:], "//")
	if i < 0 {
		return address, "."
	}
	return address[:start+i], strings.TrimSuffix(address[start+i+2:], "/")
}

// from is the source as a unit in dir has to write it.
func (s source) from(dir string) string {
	if !s.local {
		return s.written
	}
	up, err := filepath.Rel(dir, s.dir)
	if err != nil { // both are relative and clean
		return s.written
	}
	return filepath.ToSlash(up)
}
