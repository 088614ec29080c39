package bundle

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"time"

	deflate "github.com/klauspost/compress/gzip"
)

const block = 512

var zeros [2 * block]byte

// padding is how many zeros follow a file of that size.
func padding(size int64) int64 { return (block - size%block) % block }

// gzipHead is how every archive begins: no name, no time, no system.
var gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff}

// write writes the archive of a manifest and of the contents of its files. The
// compressor is one that go.mod pins: that of Go's own library differs with the
// toolchain, and so would the digest.
func write(manifest []byte, m Manifest, contents map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := deflate.NewWriterLevel(&b, deflate.BestCompression)
	if err != nil {
		return nil, err
	}
	w.ModTime = time.Unix(0, 0) // "no time" to gzip; the zero time is not
	entry := func(f File, content []byte) error {
		head, err := header(f.Path, int64(len(content)), f.mode())
		if err != nil {
			return err
		}
		for _, part := range [][]byte{head, content, zeros[:padding(int64(len(content)))]} {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		return nil
	}
	if err := entry(File{Path: manifestName}, manifest); err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		if err := entry(f, contents[f.Path]); err != nil {
			return nil, err
		}
	}
	if _, err := w.Write(zeros[:]); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// walk reads an archive and shows each file to visit, which reads it to its end.
// Where there is a statement, the archive has to be the one that it is about. What
// visit saw counts only once walk returned no error.
func walk(ctx context.Context, archive []byte, s *Statement, visit func(File, io.Reader) error) (Manifest, []byte, error) {
	if len(archive) > maxArchive {
		return Manifest{}, nil, refuse(ErrArchive, hintTrust, "the archive has %d bytes, at most %d are read", len(archive), maxArchive)
	}
	if s != nil && (int64(len(archive)) != s.Size || digestOf(archive) != s.Digest) {
		return Manifest{}, nil, refuse(ErrStatement, hintTrust, "the archive is %s (%d bytes), its statement is of %s (%d bytes)",
			digestOf(archive), len(archive), s.Digest, s.Size)
	}
	if !bytes.HasPrefix(archive, gzipHead) {
		return Manifest{}, nil, refuse(ErrArchive, hintTrust, "the archive does not begin as penstock writes it")
	}
	raw := bytes.NewReader(archive) // a ByteReader: gzip takes no byte beyond its end
	unzipped, err := gzip.NewReader(raw)
	if err != nil {
		return Manifest{}, nil, unreadable(err)
	}
	unzipped.Multistream(false)
	w := walker{unzipped}
	m, text, err := w.manifest()
	if err != nil {
		return m, text, err
	}
	if s != nil && (digestOf(text) != s.Manifest || m.Version != s.Version || m.Commit != s.Commit) {
		return m, text, refuse(ErrStatement, hintTrust, "the archive holds version %q of commit %s, its statement is of %q of commit %s", m.Version, m.Commit, s.Version, s.Commit)
	}
	if size := m.unpacked(int64(len(text))); size > freeOfRatio && size/int64(len(archive)) > maxRatio {
		return m, text, refuse(ErrArchive, hintTrust, "%d bytes would become %d, at most %d times as many are unpacked", len(archive), size, maxRatio)
	}
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return m, text, err
		}
		if err := w.file(f, visit); err != nil {
			return m, text, err
		}
	}
	return m, text, w.end(raw)
}

func unreadable(err error) error {
	return refuse(ErrArchive, "fetch it again; if it stays, do not use it", "the archive cannot be read: %v", err)
}

type walker struct{ r io.Reader }

// take reads what has to be there.
func (w walker) take(n int64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(w.r, b); err != nil {
		return nil, unreadable(err)
	}
	return b, nil
}

func (w walker) filling(name string, size int64) error {
	fill, err := w.take(padding(size))
	if err == nil && !bytes.Equal(fill, zeros[:len(fill)]) {
		err = refuse(ErrArchive, hintTrust, "something is hidden behind the file %q", name)
	}
	return err
}

// manifest reads the first file, the only one of which the size is not known.
func (w walker) manifest() (Manifest, []byte, error) {
	head, err := w.take(block)
	if err != nil {
		return Manifest{}, nil, err
	}
	size, err := strconv.ParseInt(string(bytes.TrimRight(head[124:136], "\x00 ")), 8, 64)
	if err != nil || size < 0 || size > maxManifest {
		return Manifest{}, nil, refuse(ErrArchive, hintTrust, "the archive does not begin with its manifest of at most %d bytes", maxManifest)
	}
	if err := sameHeader(head, manifestName, size, File{}); err != nil {
		return Manifest{}, nil, err
	}
	text, err := w.take(size)
	if err == nil {
		err = w.filling(manifestName, size)
	}
	if err != nil {
		return Manifest{}, nil, err
	}
	m, err := readManifest(text)
	return m, text, err
}

func sameHeader(head []byte, name string, size int64, f File) error {
	want, err := header(name, size, f.mode())
	if err != nil {
		return err
	}
	if !bytes.Equal(head, want) {
		found, _, _ := bytes.Cut(head[:100], []byte{0})
		return refuse(ErrArchive, hintTrust, "where the manifest has the file %q of %d bytes, the archive has %q, or in a form that penstock does not write", name, size, found)
	}
	return nil
}

// file reads the file that the manifest says comes now.
func (w walker) file(f File, visit func(File, io.Reader) error) error {
	head, err := w.take(block)
	if err != nil {
		return err
	}
	if err := sameHeader(head, f.Path, f.Size, f); err != nil {
		return err
	}
	sum := sha256.New()
	content := &io.LimitedReader{R: io.TeeReader(broken{w.r}, sum), N: f.Size}
	if err := visit(f, content); err != nil {
		return err
	}
	if content.N != 0 {
		return unreadable(io.ErrUnexpectedEOF)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return refuse(ErrArchive, hintTrust, "the file %q has the sha256 %s, its manifest says %s", f.Path, got, f.SHA256)
	}
	return w.filling(f.Path, f.Size)
}

// broken turns an error of reading the archive into a refusal; others, of writing
// what was read, pass through io.Copy as they are.
type broken struct{ r io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		err = unreadable(err)
	}
	return n, err
}

// end holds the archive to end where its last file does.
func (w walker) end(raw *bytes.Reader) error {
	rest, err := w.take(int64(len(zeros)))
	if err != nil {
		return err
	}
	if !bytes.Equal(rest, zeros[:]) {
		return refuse(ErrArchive, hintTrust, "the archive holds more than its manifest")
	}
	switch n, err := io.ReadFull(w.r, make([]byte, 1)); { // reads the checksum, too
	case n > 0:
		return refuse(ErrArchive, hintTrust, "something follows the last file of the archive")
	case err != io.EOF:
		return unreadable(err)
	}
	if raw.Len() > 0 {
		return refuse(ErrArchive, hintTrust, "%d bytes follow the end of the archive", raw.Len())
	}
	return nil
}
