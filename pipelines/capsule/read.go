package capsule

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Capsule is the public part of a capsule, as it was read from a file.
type Capsule struct {
	// Path is the file, from which the payload is read when it is needed.
	Path string
	// Digest is that of manifest.json.
	Digest    string
	Manifest  Manifest
	Envelope  Envelope
	Signature Signature
	// Signer is the name of who signed, known once Verify found nothing.
	Signer string

	envelope []byte // exact bytes, which are what is signed
	payload  part
	verified bool
}

// Read reads the public part of a capsule and checks that it is laid out as one
// and that its parts belong together. It does not say who made it: Verify does.
func Read(path string) (*Capsule, error) {
	file, length, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the capsule %q: %w", path, err)
	}
	defer file.Close()
	c, err := read(file, length)
	if err != nil {
		return nil, fmt.Errorf("reading the capsule %q: %w", path, err)
	}
	c.Path = path
	return c, nil
}

// JSON writes the public part as one object, in ASCII: its digest, manifest,
// envelope and signature.
func (c *Capsule) JSON() ([]byte, error) {
	return encode(struct {
		Digest    string    `json:"digest"`
		Manifest  Manifest  `json:"manifest"`
		Envelope  Envelope  `json:"envelope"`
		Signature Signature `json:"signature"`
	}{c.Digest, c.Manifest.normal(), c.Envelope, c.Signature})
}

// openFile opens a plain file; opening a pipe would wait for its other end.
func openFile(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a file")
	}
	if err != nil {
		return nil, 0, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if info, err = file.Stat(); err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

func read(file io.ReaderAt, length int64) (*Capsule, error) {
	c := &Capsule{}
	texts := map[string][]byte{}
	at := int64(0)
	for _, entry := range []struct {
		name  string
		limit int64
	}{{manifestName, maxManifest}, {envelopeName, maxEnvelope}, {signatureName, maxSignature}, {payloadName, maxPayload}} {
		p, err := locate(file, length, at, entry.name, entry.limit)
		if err != nil {
			return nil, err
		}
		at = p.end()
		if entry.name == payloadName {
			c.payload = p
			continue
		}
		text := make([]byte, p.size)
		if _, err := file.ReadAt(text, p.offset); err != nil && p.size > 0 {
			return nil, err
		}
		texts[entry.name] = text
	}
	if err := finish(file, length, at); err != nil {
		return nil, err
	}
	return c, c.decode(texts)
}

func (c *Capsule) decode(texts map[string][]byte) error {
	c.envelope = texts[envelopeName]
	if err := decode(c.envelope, &c.Envelope, func() ([]byte, error) { return encode(c.Envelope) }); err != nil {
		return refuse(ErrJSON, hintTrust, "reading %q: %v", envelopeName, err)
	}
	signature := texts[signatureName]
	if err := decode(signature, &c.Signature, func() ([]byte, error) { return encode(c.Signature) }); err != nil {
		return refuse(ErrJSON, hintTrust, "reading %q: %v", signatureName, err)
	}
	var err error
	if c.Manifest, err = readManifest(texts[manifestName]); err != nil {
		return err
	}
	c.Digest = digestOf(texts[manifestName])
	switch e := c.Envelope; {
	case e.Manifest != c.Digest:
		return refuse(ErrBinding, hintTrust, "the envelope is for the manifest %s, beside it lies %s", e.Manifest, c.Digest)
	case e.Payload.Size != c.payload.size:
		return refuse(ErrPayload, hintTrust, "the envelope is for a payload of %d bytes, beside it lies one of %d", e.Payload.Size, c.payload.size)
	case !hexForm.MatchString(e.Payload.SHA256):
		return refuse(ErrManifest, hintTrust, "the envelope's payload cannot have the sha256 %q", e.Payload.SHA256)
	case seconds(e.Sealed) != e.Sealed:
		return refuse(ErrManifest, hintTrust, "the envelope's time is not in UTC and whole seconds")
	}
	recipients, _, err := parseRecipients(c.Envelope.Recipients)
	if err != nil {
		return err
	}
	if !slices.Equal(recipients, c.Envelope.Recipients) {
		return refuse(ErrRecipient, hintTrust, "the envelope's recipients are not sorted, or one is there twice")
	}
	return nil
}
