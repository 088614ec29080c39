package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// maxBinary is the largest file that is looked into, in bytes. A larger one is an
// error: what is in it would be missing from the list without a word.
const maxBinary = 1 << 30

// packagesOf looks through the files of an image as a container would see them.
func packagesOf(image v1.Image) ([]pack, error) {
	files := mutate.Extract(image)
	defer files.Close()
	var found []pack
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return sortPacks(found), nil
		}
		if err != nil {
			return nil, err
		}
		name := path.Clean("/" + header.Name)
		if header.Typeflag != tar.TypeReg {
			continue
		}
		var more []pack
		switch {
		case name == "/var/lib/dpkg/status", path.Dir(name) == "/var/lib/dpkg/status.d" && !strings.HasSuffix(name, ".md5sums"):
			more, err = stanzas(r, name, "Package: ", "Version: ", "Architecture: ", "pkg:deb/debian/%s@%s?arch=%s")
		case name == "/lib/apk/db/installed", name == "/usr/lib/apk/db/installed":
			more, err = stanzas(r, name, "P:", "V:", "A:", "pkg:apk/alpine/%s@%s?arch=%s")
		case header.Mode&0o111 != 0:
			more, err = goModules(r, header.Size, name)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", name, err)
		}
		found = append(found, more...)
	}
}

// stanzas reads a list of packages in which a blank line ends each.
func stanzas(r io.Reader, where, name, version, arch, purl string) ([]pack, error) {
	var found []pack
	var p pack
	var machine string
	removed := false
	end := func() {
		if p.name != "" && p.version != "" && !removed {
			p.purl, p.where = fmt.Sprintf(purl, url.PathEscape(p.name), url.PathEscape(p.version), url.QueryEscape(machine)), where
			found = append(found, p)
		}
		p, machine, removed = pack{}, "", false
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case line == "":
			end()
		case strings.HasPrefix(line, name):
			p.name = strings.TrimPrefix(line, name)
		case strings.HasPrefix(line, version):
			p.version = strings.TrimPrefix(line, version)
		case strings.HasPrefix(line, arch):
			machine = strings.TrimPrefix(line, arch)
		case strings.HasPrefix(line, "Status: "):
			removed = !strings.HasSuffix(line, " installed")
		}
	}
	end()
	return found, lines.Err()
}

// goModules are the modules that a Go binary was built from; none of any other file.
func goModules(r io.Reader, size int64, where string) ([]pack, error) {
	start := make([]byte, 4)
	if n, err := io.ReadFull(r, start); err != nil || !bytes.Equal(start[:n], []byte("\x7fELF")) {
		return nil, nil //nolint:nilerr // too short a file is no binary
	}
	if size > maxBinary {
		return nil, fmt.Errorf("the binary has %d bytes, more than %d", size, maxBinary)
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	info, err := buildinfo.Read(bytes.NewReader(append(start, rest...)))
	if err != nil {
		return nil, nil //nolint:nilerr // a binary of another language
	}
	module := func(name, version string) pack {
		if version == "" || version == "(devel)" {
			return pack{name, "", "pkg:golang/" + name, where}
		}
		return pack{name, version, "pkg:golang/" + name + "@" + url.PathEscape(version), where}
	}
	found := []pack{module("stdlib", strings.TrimPrefix(info.GoVersion, "go"))}
	if info.Main.Path != "" {
		found = append(found, module(info.Main.Path, info.Main.Version))
	}
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		found = append(found, module(d.Path, d.Version))
	}
	return found, nil
}
