package bundle

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/atomicfile"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// Pack packs a directory of a git repository as a commit has it.
type Pack struct {
	// Dir is the directory, such as bundle.
	Dir string
	// Version, such as 1.4.0.
	Version string
	// Key signs. Nil: the bundle is not signed and cannot be published.
	Key crypto.Signer
	// Epoch is the time that the bundle says it was made. Zero: that of the commit.
	Epoch time.Time
	// Check judges what is in terraform/ before it is packed: what it returns an error
	// for is refused. Default: it is not judged.
	Check func(terraform fs.FS) error
}

// Packed is a bundle as files.
type Packed struct {
	Manifest  Manifest
	Statement Statement
	Archive   []byte
	SBOM      []byte
	// Record is the signed statement, nil where there was no key.
	Record []byte
	// Left are the files that were left out, as leftovers of tools.
	Left []string
}

// Run packs. What is on disk has to be what the commit has: a bundle that nobody
// else can pack again is refused.
func (p Pack) Run(ctx context.Context) (*Packed, error) {
	out, err := p.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("packing %q: %w", p.Dir, err)
	}
	return out, nil
}

func (p Pack) run(ctx context.Context) (*Packed, error) {
	repo, err := git.Open(ctx, p.Dir)
	if errors.Is(err, git.ErrNoRepository) {
		return nil, &pipelines.Error{Err: err, Hint: "pack from a clone: a bundle names the commit that it was packed from"}
	}
	if err != nil {
		return nil, err
	}
	commit, err := repo.Resolve(ctx, "HEAD")
	if err != nil {
		return nil, err
	}
	when := p.Epoch
	if when.IsZero() {
		if when, err = repo.When(ctx, commit); err != nil {
			return nil, err
		}
	}
	tree, err := repo.Tree(ctx, commit)
	if err != nil {
		return nil, err
	}
	if err := unchanged(ctx, repo, tree); err != nil {
		return nil, err
	}
	c, err := fromTree(ctx, tree)
	if err != nil {
		return nil, err
	}
	if err := p.checked(c); err != nil {
		return nil, err
	}
	return pack(c, Manifest{Version: p.Version, Commit: commit, Created: seconds(when)}, p.Key)
}

// unchanged refuses a working tree that is not what is packed.
func unchanged(ctx context.Context, repo *git.Repo, committed *git.Tree) error {
	disk, err := repo.WorkTree(ctx)
	if err != nil {
		return err
	}
	differs := func(a, b map[string]git.Entry) string {
		for name, entry := range a {
			if outside := len(name) > 2 && name[:3] == "../"; !outside && !leftover(name) && b[name] != entry {
				return name
			}
		}
		return ""
	}
	name := differs(disk.Entries, committed.Entries)
	if name == "" {
		name = differs(committed.Entries, disk.Entries)
	}
	if name != "" {
		return refuse(ErrContent, "commit it, or put it back", "%q is not as the commit has it", name)
	}
	return nil
}

// pack makes the files of a bundle.
func pack(c *content, m Manifest, key crypto.Signer) (*Packed, error) {
	if !isVersion(m.Version) {
		return nil, refuse(ErrContent, "give one like 1.4.0", "%q is not a version", m.Version)
	}
	m, fsys, err := describe(c, m)
	if err != nil {
		return nil, err
	}
	text, err := encode(m)
	if err != nil {
		return nil, err
	}
	if len(text) > maxManifest {
		return nil, refuse(ErrContent, hintMend, "its manifest has %d bytes, at most %d are read", len(text), maxManifest)
	}
	if _, err := readManifest(text); err != nil { // what cannot be read is not written
		return nil, err
	}
	out := &Packed{Manifest: m, Left: c.left}
	if out.Archive, err = write(text, m, c.files); err != nil {
		return nil, err
	}
	if out.SBOM, err = sbom(fsys, m, digestOf(out.Archive), c.files); err != nil {
		return nil, err
	}
	out.Statement = Statement{Schema: StatementSchema, Version: m.Version, Digest: digestOf(out.Archive), Size: int64(len(out.Archive)),
		Manifest: digestOf(text), SBOM: digestOf(out.SBOM), Commit: m.Commit}
	if _, _, err := walk(context.Background(), out.Archive, &out.Statement, discard); err != nil {
		return nil, err
	}
	if key != nil {
		out.Record, err = out.Statement.sign(key)
	}
	return out, err
}

// describe fills in what a manifest says of the content.
func describe(c *content, m Manifest) (Manifest, fs.FS, error) {
	if err := c.addPolicies(); err != nil {
		return m, nil, err
	}
	fsys := c.fs()
	if err := whole(fsys); err != nil {
		return m, nil, err
	}
	var err error
	m.Schema = Schema
	if m.Files, err = c.list(); err != nil {
		return m, nil, err
	}
	if m.Charts, err = charts(fsys); err != nil {
		return m, nil, err
	}
	m.InfraTypes, err = infraTypes(fsys)
	return m, fsys, err
}

// Name is how the archive of a version is called.
func Name(version string) string { return "penstock-bundle-" + version + ".tar.gz" }

// The files beside an archive, by what is put to its name.
const (
	sumEnd    = ".sha256"
	sbomEnd   = ".spdx.json"
	recordEnd = ".statement.json"
)

// Write writes the files into a directory, which is made if need be, and returns
// the path of the archive. The archive comes last and replaces one of that name.
func (p *Packed) Write(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("writing the bundle: %w", err)
	}
	archive := filepath.Join(dir, Name(p.Manifest.Version))
	for _, file := range []struct {
		path string
		text []byte
	}{{archive + sbomEnd, p.SBOM}, {archive + recordEnd, p.Record}, {archive + sumEnd, p.sum()}, {archive, p.Archive}} {
		if err := replace(file.path, file.text); err != nil {
			return "", fmt.Errorf("writing the bundle: %w", err)
		}
	}
	return archive, nil
}

// replace puts a file in place as a whole; without content there is none.
func replace(path string, text []byte) error {
	if text == nil {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return atomicfile.Keep(path, 0o644, text)
}

// Epoch reads SOURCE_DATE_EPOCH; the zero time where it is not set.
func Epoch() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return time.Time{}, nil
	}
	since, err := strconv.ParseInt(text, 10, 64)
	if err != nil || since < 0 {
		return time.Time{}, refuse(ErrContent, "give the seconds since 1970, or unset it", "SOURCE_DATE_EPOCH is %q", text)
	}
	return time.Unix(since, 0).UTC(), nil
}
