package capsule

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/penstock-dev/penstock/pipelines"
)

func TestTheSamePeopleAreWrittenInTheSameWay(t *testing.T) {
	_, a := identity(t)
	_, b := identity(t)
	_, line := sshIdentity(t, mustSigner(t))
	bare := strings.TrimSpace(line)
	want, _, err := parseRecipients([]string{a, b, bare})
	if err != nil {
		t.Fatal(err)
	}
	for _, given := range [][]string{{b, bare, a}, {" " + a + "\n", b, a, bare + " me@laptop", bare + " other"}} {
		got, parsed, err := parseRecipients(given)
		if err != nil || !reflect.DeepEqual(got, want) || len(parsed) != 3 {
			t.Errorf("got %v and %d, %v, want %v", got, len(parsed), err, want)
		}
	}
}

func mustSigner(t *testing.T) crypto.Signer {
	t.Helper()
	key, _ := signer(t)
	return key
}

func TestRecipientsThatAreRefused(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	_, smallLine := sshIdentity(t, small)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, curveLine := sshIdentity(t, curve)
	_, line := sshIdentity(t, mustSigner(t))
	private, _ := sshIdentity(t, mustSigner(t))
	for name, c := range map[string]struct{ recipient, says string }{
		"a plugin":         {"age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", "needs a plugin of age"},
		"a plugin by name": {"age1plugin1qqqqqqqqqqqqqqqqqqqqqqq", "needs a plugin of age"},
		"post-quantum":     {hybrid.Recipient().String(), "post-quantum"},
		"a typing error":   {secret.Recipient().String()[:61] + "b", "is not an age public key"},
		"cut short":        {"age1qqqq", "is not an age public key"},
		"a secret key":     {secret.String(), "a recipient is a secret key of age"},
		"a private key":    {string(private), "neither an age nor an SSH public key"},
		"an empty one":     {"", "neither an age nor an SSH public key"},
		"options":          {`command="sh" ` + line, "neither an age nor an SSH public key"},
		"two lines":        {line + line, "is not one public key of OpenSSH"},
		"small RSA":        {smallLine, "RSA key size is too small"},
		"another curve":    {curveLine, "neither an age nor an SSH public key"},
		"broken base64":    {"ssh-ed25519 AAAA", "is not one public key of OpenSSH"},
		"another type":     {"ssh-rsa " + strings.Fields(line)[1], "is not one public key of OpenSSH"},
	} {
		path := filepath.Join(t.TempDir(), "x.capsule")
		_, err := Seal(path, sample(), sources(contents), []string{c.recipient}, mustSigner(t))
		refused(t, name, err, ErrRecipient, c.says)
		for _, part := range []string{secret.String(), "PRIVATE"} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error shows a secret key", name)
			}
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
	many := make([]string, 0, maxRecipients+1)
	for range maxRecipients + 1 {
		_, key := identity(t)
		many = append(many, key)
	}
	_, _, err = parseRecipients(many)
	refused(t, "too many", err, ErrRecipient, "there are 101 recipients, at most 100 can be")
	if _, _, err := parseRecipients(many[1:]); err != nil {
		t.Error(err)
	}
}

func TestSealingRefusesWhatReadingWould(t *testing.T) {
	key := mustSigner(t)
	_, to := identity(t)
	there := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(there, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, maxMembers+1); err != nil { // a hole: it takes no space
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		edit    func(m *Manifest)
		members []Source
		kind    error
		says    string
	}{
		"no UTF-8":        {func(m *Manifest) { m.Creator.Run = "\xff" }, nil, ErrManifest, "not UTF-8"},
		"no environment":  {func(m *Manifest) { m.Environment = "" }, nil, ErrManifest, `environment cannot be ""`},
		"no member":       {nil, []Source{}, ErrManifest, "names no member"},
		"a path":          {nil, []Source{{Name: "a/b"}}, ErrMember, `cannot be called "a/b"`},
		"dots":            {nil, []Source{{Name: ".."}}, ErrMember, `cannot be called ".."`},
		"reserved":        {nil, []Source{{Name: "salt"}}, ErrMember, `cannot be called "salt"`},
		"a name twice":    {nil, []Source{{Name: "a"}, {Name: "a"}}, ErrMember, "is there twice"},
		"an absent file":  {nil, []Source{{Name: "a", Path: there + "-not"}}, os.ErrNotExist, `reading the member "a"`},
		"a directory":     {nil, []Source{{Name: "a", Path: filepath.Dir(there)}}, nil, "it is not a file"},
		"a huge file":     {nil, []Source{{Name: "a", Path: huge}}, ErrMember, "at most 4294967296 can be sealed"},
		"a huge manifest": {func(m *Manifest) { m.Risk.Addresses = []string{strings.Repeat("a", maxManifest)} }, nil, ErrManifest, "at most 8388608 can be read"},
		"a key of no use": {nil, nil, ErrKey, "not an ed25519 key"},
	} {
		m, members, signing := sample(), c.members, key
		if c.edit != nil {
			c.edit(&m)
		}
		if members == nil {
			members = []Source{{Name: "a", Path: there}}
		}
		if c.kind == ErrKey {
			signing, _ = rsa.GenerateKey(rand.Reader, 2048)
		}
		dir := t.TempDir()
		_, err := Seal(filepath.Join(dir, "x.capsule"), m, members, []string{to}, signing)
		if err == nil || c.kind != nil && !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}

// A hostile name is read back as it was, and is written in ASCII alone.
func TestHostileNamesStayThemselves(t *testing.T) {
	m := sample()
	m.Unit, m.Creator.Ref = "live/a\x1b[31m\u202e\U0001F600\"##[x]", "<b>&\x7f\u2028"
	s := seal(t, m, contents)
	if c := verified(t, s); c.Manifest.Unit != m.Unit || c.Manifest.Creator.Ref != m.Creator.Ref {
		t.Errorf("got %q and %q", c.Manifest.Unit, c.Manifest.Creator.Ref)
	}
	text := apart(t, s.path).at(manifestName).content
	if slices.ContainsFunc(text, func(b byte) bool { return b != '\n' && (b < ' ' || b > '~') }) || strings.Contains(string(text), "##[") {
		t.Errorf("a terminal or a runner could obey\n%s", text)
	}
}

func TestKeysOfOpenSSHItself(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not on PATH: its files are not tried")
	}
	make := func(passphrase, kind string) (string, string) {
		path := filepath.Join(t.TempDir(), "id")
		if out, err := exec.Command(keygen, "-q", "-t", kind, "-N", passphrase, "-C", "me", "-f", path).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		public, err := os.ReadFile(path + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		return path, string(public)
	}
	path, line := make("", "ed25519")
	key, err := ReadSigner(path)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ParsePublic(line)
	if err != nil || !public.Equal(key.Public()) {
		t.Errorf("got %v, %v", public, err)
	}
	rsaPath, rsaLine := make("", "rsa")
	identities, err := ReadIdentities(path, rsaPath)
	if err != nil || len(identities) != 2 {
		t.Fatal(identities, err)
	}
	out := filepath.Join(t.TempDir(), "x.capsule")
	if _, err := Seal(out, sample(), sources(contents), []string{line, rsaLine}, key); err != nil {
		t.Fatal(err)
	}
	for _, identity := range identities {
		if got := opened(t, verified(t, setting{path: out, public: public}), identity); !reflect.DeepEqual(got, contents) {
			t.Errorf("%T: got %v", identity, got)
		}
	}
	locked, _ := make("secret", "ed25519")
	_, err = ReadSigner(locked)
	refused(t, "a signing key with a passphrase", err, ErrKey, "has a passphrase")
	_, err = ReadIdentities(locked)
	refused(t, "an identity with a passphrase", err, ErrKey, "has a passphrase")
	_, err = ReadSigner(rsaPath)
	refused(t, "an RSA key to sign with", err, ErrKey, "not an ed25519 key")
}

func TestKeysThatAreRefused(t *testing.T) {
	private, public, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	_, rsaLine := sshIdentity(t, func() crypto.Signer { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k }())
	for name, text := range map[string]string{"nothing": "", "short": public[:20], "long": public + "AAAA", "unpadded": strings.TrimRight(public, "="),
		"a line end": public[:20] + "\n" + public[20:], "RSA": rsaLine, "a secret": string(private)} {
		_, err := ParsePublic(text)
		refused(t, "public: "+name, err, ErrKey, "")
		if strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: the error shows a secret key", name)
		}
	}
	if key, err := ParsePublic(" " + public + "\n"); err != nil || FormatPublic(key) != public {
		t.Errorf("got %v, %v", key, err)
	}
	block, _ := pem.Decode(private)
	for name, text := range map[string][]byte{"nothing": nil, "no PEM": []byte("x"), "cut": private[:40],
		"another kind": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes})} {
		_, err := ParseSigner(text)
		refused(t, "private: "+name, err, ErrKey, "neither PEM of PKCS #8 nor a key of OpenSSH")
		if _, err := ParseIdentities(text); !errors.Is(err, ErrKey) {
			t.Errorf("identity: %s: got %v", name, err)
		}
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, append(private, make([]byte, maxKey)...), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = ReadSigner(large)
	refused(t, "a large file", err, ErrKey, "it is no key")
	if _, err := ReadSigner(large + "-not"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// A signer need not be a key in memory: an agent or a service can hold it.
type remote struct{ crypto.Signer }

func TestASignerMayBeElsewhere(t *testing.T) {
	key, public := signer(t)
	_, to := identity(t)
	path := filepath.Join(t.TempDir(), "x.capsule")
	if _, err := Seal(path, sample(), sources(contents), []string{to}, remote{key}); err != nil {
		t.Fatal(err)
	}
	verified(t, setting{path: path, public: public})
	var hinted *pipelines.Error
	if _, err := Seal(path, sample(), nil, []string{to}, nil); !errors.As(err, &hinted) || hinted.Hint == "" {
		t.Errorf("got %v", err)
	}
}
