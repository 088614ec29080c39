package capsule

import (
	"bufio"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/penstock-dev/penstock/pipelines/internal/refusal"
)

// Open decrypts the members into a directory, which is made where it does not
// exist: exactly those that the manifest names, each new and readable by its owner
// alone. On an error nothing of it stays. The capsule has to be verified.
func (c *Capsule) Open(identities []age.Identity, dir string) (err error) {
	if err := c.errUnverified("opening"); err != nil {
		return err
	}
	made := os.Mkdir(dir, 0o700) == nil
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the capsule %q: %w", c.Path, err)
	}
	defer root.Close()
	var written []string
	defer func() {
		if err == nil {
			return
		}
		for _, name := range written {
			root.Remove(name)
		}
		if made {
			os.Remove(dir)
		}
	}()
	create := func(name string) (io.WriteCloser, error) {
		file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			written = append(written, name)
		}
		return file, err
	}
	err = c.decrypt(identities, func(r io.Reader) error { return c.Manifest.unpack(r, create) })
	if err != nil {
		return fmt.Errorf("opening the capsule %q: %w", c.Path, err)
	}
	return nil
}

// decrypt hands over what was sealed. Whatever was read of it, it must have come
// from the payload that was verified.
func (c *Capsule) decrypt(identities []age.Identity, read func(io.Reader) error) error {
	file, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	section := io.NewSectionReader(file, c.payload.offset, c.payload.size)
	sealed := io.TeeReader(section, sum)
	problem := c.decryptFrom(bufio.NewReaderSize(sealed, 256<<10), identities, read)
	if _, err := io.Copy(io.Discard, sealed); err != nil {
		return errors.Join(problem, err)
	}
	at, err := section.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if err := c.samePayload(at, sum.Sum(nil)); err != nil {
		return err // the file changed since it was verified: that is the reason for all else
	}
	return problem
}

func (c *Capsule) decryptFrom(sealed io.Reader, identities []age.Identity, read func(io.Reader) error) error {
	hint := "use the private key of one of these: " + strings.Join(c.Envelope.Recipients, ", ")
	if len(identities) == 0 {
		return refuse(ErrIdentity, hint, "there is no identity to open it with")
	}
	plain, err := age.Decrypt(sealed, identities...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return refuse(ErrIdentity, hint, "it is sealed to %d others: none of the %d identities opens it", len(c.Envelope.Recipients), len(identities))
	}
	if err != nil {
		return refuse(ErrPayload, hintTrust, "the payload cannot be decrypted: %v", err)
	}
	err = read(plain)
	if _, refused := errors.AsType[*refusal.Refusal](err); err == nil || refused || errors.As(err, new(*fs.PathError)) {
		return err
	}
	return refuse(ErrMember, hintTrust, "the payload cannot be unpacked: %v", err)
}

// unpack reads the members in the one form in which pack writes them. The sizes
// that are read are those of the manifest, whatever the payload unfolds to.
func (m Manifest) unpack(r io.Reader, create func(name string) (io.WriteCloser, error)) error {
	buffered := bufio.NewReaderSize(r, 64<<10)
	unfolded, err := gzip.NewReader(buffered)
	if err != nil {
		return err
	}
	unfolded.Multistream(false)
	salt := make([]byte, saltSize)
	if err := readHeader(unfolded, saltName, saltSize); err != nil {
		return err
	}
	if _, err := io.ReadFull(unfolded, salt); err != nil {
		return err
	}
	if err := readZeros(unfolded, padding(saltSize)); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m.Members)) {
		if err := m.Members[name].unpack(unfolded, name, salt, create); err != nil {
			return err
		}
	}
	if err := readZeros(unfolded, trailer); err != nil {
		return err
	}
	for _, rest := range []io.Reader{unfolded, buffered} {
		switch _, err := io.ReadFull(rest, make([]byte, 1)); {
		case err == nil:
			return refuse(ErrMember, hintTrust, "the payload holds more than the manifest names")
		case !errors.Is(err, io.EOF):
			return err
		}
	}
	return nil
}

func (m Member) unpack(r io.Reader, name string, salt []byte, create func(name string) (io.WriteCloser, error)) error {
	if err := readHeader(r, name, m.Size); err != nil {
		return err
	}
	file, err := create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := hmac.New(sha256.New, salt)
	if _, err := io.CopyN(io.MultiWriter(file, sum), r, m.Size); err != nil {
		return err
	}
	if want, err := hex.DecodeString(m.HMAC); err != nil || !hmac.Equal(sum.Sum(nil), want) {
		return refuse(ErrMember, hintTrust, "the member %q is not the one that the manifest names: its HMAC differs", name)
	}
	if err := file.Close(); err != nil {
		return err
	}
	return readZeros(r, padding(m.Size))
}

func readHeader(r io.Reader, name string, size int64) error {
	want, err := header(name, size)
	if err != nil {
		return err
	}
	same, err := expect(r, want)
	if err != nil {
		return err
	}
	if !same {
		return refuse(ErrMember, hintTrust, "the payload does not go on with the member %q of %d bytes, as the manifest says", name, size)
	}
	return nil
}

func readZeros(r io.Reader, count int64) error {
	same, err := expect(r, zeros[:count])
	if err != nil {
		return err
	}
	if !same {
		return refuse(ErrMember, hintTrust, "the payload holds more than the manifest names")
	}
	return nil
}
