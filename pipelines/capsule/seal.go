package capsule

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/penstock-dev/penstock/pipelines/internal/atomicfile"
)

// Source is a file to seal.
type Source struct {
	// Name is the member's: letters, digits, dots, dashes and underscores, no path.
	Name string
	// Path is where the content lies. Where it is empty, Content is sealed.
	Path    string
	Content []byte
}

// Seal writes a capsule and returns its digest. It fills in the manifest's schema
// and members. Nothing readable touches the disk, and a capsule that was at the
// path before is replaced as a whole or not at all.
func Seal(path string, m Manifest, members []Source, recipients []string, key crypto.Signer) (digest string, err error) {
	m.Schema, m.Members = Schema, map[string]Member{}
	m = m.normal()
	names, to, err := parseRecipients(recipients)
	if err == nil {
		_, err = publicOf(key)
	}
	if err == nil {
		err = m.valid()
	}
	if err != nil {
		return "", fmt.Errorf("sealing %q: %w", m.Unit, err)
	}
	sealed, err := encrypt(filepath.Dir(path), to, func(w io.Writer) error { return pack(w, members, m.Members) })
	if err != nil {
		return "", fmt.Errorf("sealing %q: %w", m.Unit, err)
	}
	defer sealed.remove()
	text, err := m.writable()
	if err != nil {
		return "", fmt.Errorf("sealing %q: %w", m.Unit, err)
	}
	if err := assemble(path, text, sealed, names, key); err != nil {
		return "", fmt.Errorf("sealing %q: %w", m.Unit, err)
	}
	return digestOf(text), nil
}

func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// pack writes what is sealed: a salt and the members, sorted by name, as a
// compressed tar, and says of each member what it is.
func pack(w io.Writer, members []Source, found map[string]Member) error {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return err
	}
	compressed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := writeEntry(compressed, saltName, saltSize, bytes.NewReader(salt)); err != nil {
		return err
	}
	sorted := slices.SortedFunc(slices.Values(members), func(a, b Source) int { return strings.Compare(a.Name, b.Name) })
	for _, source := range sorted {
		if _, twice := found[source.Name]; twice || !memberForm.MatchString(source.Name) || source.Name == saltName {
			return refuse(ErrMember, hintName, "a member cannot be called %q, or is there twice", source.Name)
		}
		member, err := source.pack(compressed, salt)
		if err != nil {
			return fmt.Errorf("reading the member %q: %w", source.Name, err)
		}
		found[source.Name] = member
	}
	if _, err := compressed.Write(zeros[:]); err != nil {
		return err
	}
	return compressed.Close()
}

func (s Source) pack(w io.Writer, salt []byte) (Member, error) {
	var content io.Reader = bytes.NewReader(s.Content)
	size := int64(len(s.Content))
	if s.Path != "" {
		file, length, err := openFile(s.Path)
		if err != nil {
			return Member{}, err
		}
		defer file.Close()
		content, size = file, length
	}
	if size > maxMembers {
		return Member{}, refuse(ErrMember, "leave out what need not be sealed", "it has %d bytes, at most %d can be sealed", size, int64(maxMembers))
	}
	sum := hmac.New(sha256.New, salt)
	if err := writeEntry(w, s.Name, size, io.TeeReader(content, sum)); err != nil {
		return Member{}, err
	}
	if _, err := io.ReadFull(content, make([]byte, 1)); !errors.Is(err, io.EOF) {
		return Member{}, fmt.Errorf("it has more than the %d bytes that it had at first", size)
	}
	return Member{HMAC: hex.EncodeToString(sum.Sum(nil)), Size: size}, nil
}

// ciphertext is a sealed payload in a file without a name of its own yet.
type ciphertext struct {
	file *os.File
	Payload
}

func (c *ciphertext) remove() {
	c.file.Close()
	os.Remove(c.file.Name())
}

// encrypt seals what write writes. The payload has to lie somewhere before the
// entries that stand in front of it can be written: encrypted, it may lie on disk.
func encrypt(dir string, to []age.Recipient, write func(io.Writer) error) (_ *ciphertext, err error) {
	file, err := os.CreateTemp(dir, ".capsule-*")
	if err != nil {
		return nil, err
	}
	c := &ciphertext{file: file}
	defer func() {
		if err != nil {
			c.remove()
		}
	}()
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(file, sum), 256<<10)
	plain, err := age.Encrypt(out, to...)
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	if err = write(plain); err != nil {
		return nil, err
	}
	if err = plain.Close(); err != nil {
		return nil, err
	}
	if err = out.Flush(); err != nil {
		return nil, err
	}
	if c.Size, err = file.Seek(0, io.SeekCurrent); err != nil {
		return nil, err
	}
	if c.Size > maxPayload {
		return nil, refuse(ErrPayload, "leave out what need not be sealed", "the payload has %d bytes, at most %d can be read", c.Size, int64(maxPayload))
	}
	c.SHA256 = hex.EncodeToString(sum.Sum(nil))
	_, err = file.Seek(0, io.SeekStart)
	return c, err
}

// assemble writes the file: in one piece, under its name when all of it is on disk.
func assemble(path string, manifest []byte, sealed *ciphertext, recipients []string, key crypto.Signer) (err error) {
	envelope, err := encode(Envelope{Manifest: digestOf(manifest), Payload: sealed.Payload, Recipients: recipients, Sealed: seconds(time.Now())})
	if err != nil {
		return err
	}
	signed, err := sign(key, envelopeDomain, envelope)
	if err != nil {
		return err
	}
	signature, err := encode(signed)
	if err != nil {
		return err
	}
	// A capsule holds nothing that only its owner may read.
	return atomicfile.Stream(path, 0o644, func(file io.Writer) error {
		out := bufio.NewWriterSize(file, 256<<10)
		for _, entry := range []struct {
			name    string
			size    int64
			content io.Reader
		}{
			{manifestName, int64(len(manifest)), bytes.NewReader(manifest)},
			{envelopeName, int64(len(envelope)), bytes.NewReader(envelope)},
			{signatureName, int64(len(signature)), bytes.NewReader(signature)},
			{payloadName, sealed.Size, sealed.file},
		} {
			if err := writeEntry(out, entry.name, entry.size, entry.content); err != nil {
				return err
			}
		}
		if _, err := out.Write(zeros[:]); err != nil {
			return err
		}
		return out.Flush()
	})
}
