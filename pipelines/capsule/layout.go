package capsule

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"time"
)

// The names of a capsule's entries, in their order.
const (
	manifestName  = "manifest.json"
	envelopeName  = "envelope.json"
	signatureName = "signature.json"
	payloadName   = "payload.age"
)

const (
	block   = 512
	trailer = 2 * block
)

var zeros [trailer]byte

// header is the only header that an entry of this name and size can have. Archives
// are read by comparing with it: no extension, link, owner or time is ever parsed.
func header(name string, size int64) ([]byte, error) {
	var b bytes.Buffer
	err := tar.NewWriter(&b).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644,
		ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR})
	return b.Bytes(), err
}

// padding is how many zeros follow an entry of that size.
func padding(size int64) int64 { return (block - size%block) % block }

// writeEntry writes one entry of exactly size bytes.
func writeEntry(w io.Writer, name string, size int64, content io.Reader) error {
	head, err := header(name, size)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	if n, err := io.CopyN(w, content, size); err != nil {
		return fmt.Errorf("%q has %d of %d bytes: %w", name, n, size, err)
	}
	_, err = w.Write(zeros[:padding(size)])
	return err
}

// part is where the content of an entry lies.
type part struct{ offset, size int64 }

func (p part) end() int64 { return p.offset + p.size + padding(p.size) }

// locate finds the entry that has to begin at a byte of the file.
func locate(file io.ReaderAt, length, at int64, name string, limit int64) (part, error) {
	if at+block > length {
		return part{}, refuse(ErrTruncated, hintFetch, "the file ends at byte %d, before the entry %q", length, name)
	}
	head := make([]byte, block)
	if _, err := file.ReadAt(head, at); err != nil {
		return part{}, err
	}
	size, err := strconv.ParseInt(string(bytes.TrimRight(head[124:136], "\x00")), 8, 64)
	found, _, _ := bytes.Cut(head[:100], []byte{0})
	if err != nil || size < 0 || string(found) != name {
		return part{}, refuse(ErrStructure, hintTrust, "at byte %d there should be the entry %q, there is %q", at, name, found)
	}
	want, err := header(name, size)
	if err != nil || !bytes.Equal(head, want) {
		return part{}, refuse(ErrStructure, hintTrust, "the header of the entry %q is not one that penstock writes", name)
	}
	if size > limit {
		return part{}, refuse(ErrStructure, hintTrust, "the entry %q has %d bytes, at most %d are read", name, size, limit)
	}
	p := part{at + block, size}
	if p.end() > length {
		return part{}, refuse(ErrTruncated, hintFetch, "the file ends at byte %d, within the entry %q", length, name)
	}
	fill := make([]byte, padding(size))
	if _, err := file.ReadAt(fill, p.offset+p.size); err != nil && len(fill) > 0 {
		return part{}, err
	}
	if !bytes.Equal(fill, zeros[:len(fill)]) {
		return part{}, refuse(ErrStructure, hintTrust, "something is hidden behind the entry %q", name)
	}
	return p, nil
}

// finish holds the file to end where the last entry does.
func finish(file io.ReaderAt, length, at int64) error {
	switch {
	case length < at+trailer:
		return refuse(ErrTruncated, hintFetch, "the file ends at byte %d, %d short of its end", length, at+trailer-length)
	case length > at+trailer:
		return refuse(ErrStructure, hintTrust, "something follows the entry %q: %d bytes more than a capsule has", payloadName, length-at-trailer)
	}
	rest := make([]byte, trailer)
	if _, err := file.ReadAt(rest, at); err != nil && err != io.EOF {
		return err
	}
	if !bytes.Equal(rest, zeros[:]) {
		return refuse(ErrStructure, hintTrust, "something follows the entry %q", payloadName)
	}
	return nil
}

// expect reads from a stream what has to be there, byte by byte.
func expect(r io.Reader, want []byte) (bool, error) {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil {
		return false, err
	}
	return bytes.Equal(got, want), nil
}
