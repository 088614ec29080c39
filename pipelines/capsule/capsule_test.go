package capsule

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/penstock-dev/penstock/pipelines"
)

var update = flag.Bool("update", false, "rewrite the schema")

// digest is a well-formed one that differs by its letter.
func digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

// sample is a manifest with every field filled.
func sample() Manifest {
	return Manifest{
		Unit: "live/prod/vpc", Environment: "prod", Closure: digest("a"), Commit: strings.Repeat("c", 40),
		State:     State{Backend: "s3://state/prod/vpc", Lineage: "5e0ad6b2-8d1c", Serial: 42},
		Terraform: pipelines.Tool{Name: "terraform", Version: "1.11.4"}, Lock: digest("b"),
		Modules: map[string]string{"vpc": digest("d")}, Images: map[string]string{"terraform": digest("e")},
		Policies: Policies{Digest: digest("f"), Verdict: pipelines.Pass, Counts: map[pipelines.Verdict]int{pipelines.Pass: 12, pipelines.Waived: 1}},
		Risk:     Risk{Level: "high", Addresses: []string{"aws_vpc.main", `aws_subnet.private["a"]`}},
		Changes:  digest("1"), Wave: 1, After: []string{"live/prod/dns"},
		Creator: Creator{Actor: "Alice", Run: "77", Repository: "org/live", HeadRepository: "org/live", Ref: "refs/pull/7/merge"},
		Created: time.Now().Add(-time.Hour), Expires: time.Now().Add(time.Hour),
	}
}

// expected is what sample was made for.
func expected() Expect {
	m := sample()
	return Expect{Repository: m.Creator.Repository, Unit: m.Unit, Environment: m.Environment, Closure: m.Closure, State: m.State,
		Terraform: m.Terraform, Lock: m.Lock, Modules: m.Modules, Images: m.Images, Policies: m.Policies.Digest}
}

var contents = map[string]string{
	"plan.tfplan": "\x00\x01 a plan", "plan.json": `{"secret": "hunter2"}`, "plan.log": strings.Repeat("a line of the log\n", 500),
	".terraform.lock.hcl": "", "odd": strings.Repeat("x", block),
}

func sources(of map[string]string) []Source {
	var all []Source
	for name, content := range of {
		all = append(all, Source{Name: name, Content: []byte(content)})
	}
	return all
}

func signer(t testing.TB) (crypto.Signer, ed25519.PublicKey) {
	t.Helper()
	private, public, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParsePublic(public)
	if err != nil {
		t.Fatal(err)
	}
	return key, parsed
}

func identity(t testing.TB) (age.Identity, string) {
	t.Helper()
	i, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return i, i.Recipient().String()
}

// sshIdentity is a key of OpenSSH as its two files hold it.
func sshIdentity(t testing.TB, key crypto.Signer) (private []byte, public string) {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "somebody@somewhere")
	if err != nil {
		t.Fatal(err)
	}
	line, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), string(ssh.MarshalAuthorizedKey(line))
}

// setting is one capsule, and the keys that go with it.
type setting struct {
	path      string
	digest    string
	key       crypto.Signer
	public    ed25519.PublicKey
	identity  age.Identity
	recipient string
}

func (s setting) trust() Trust {
	return Trust{Signers: map[string]ed25519.PublicKey{"ci": s.public}}
}

func seal(t testing.TB, m Manifest, members map[string]string) setting {
	t.Helper()
	s := setting{path: filepath.Join(t.TempDir(), "unit.capsule")}
	s.key, s.public = signer(t)
	s.identity, s.recipient = identity(t)
	var err error
	if s.digest, err = Seal(s.path, m, sources(members), []string{s.recipient}, s.key); err != nil {
		t.Fatal(err)
	}
	return s
}

func verified(t testing.TB, s setting) *Capsule {
	t.Helper()
	c, err := Read(s.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(s.trust()); err != nil {
		t.Fatal(err)
	}
	return c
}

func opened(t testing.TB, c *Capsule, identity age.Identity) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	if err := c.Open([]age.Identity{identity}, dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if info, err := entry.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has the mode %v, %v", entry.Name(), info.Mode(), err)
		}
		found[entry.Name()] = string(content)
	}
	return found
}

func TestRoundTripForEveryKindOfRecipient(t *testing.T) {
	key, public := signer(t)
	native, nativeKey := identity(t)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	identities := map[string]age.Identity{"age": native}
	recipients := []string{nativeKey}
	for name, key := range map[string]crypto.Signer{"ssh-ed25519": edKey, "ssh-rsa": rsaKey} {
		private, line := sshIdentity(t, key)
		parsed, err := ParseIdentities(private)
		if err != nil {
			t.Fatal(err)
		}
		identities[name] = parsed[0]
		recipients = append(recipients, strings.TrimSpace(line)+" somebody@somewhere")
	}
	path := filepath.Join(t.TempDir(), "unit.capsule")
	digest, err := Seal(path, sample(), sources(contents), recipients, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2", "a line of the log", "somebody@somewhere"} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the capsule shows %q", secret)
		}
	}
	c := verified(t, setting{path: path, public: public})
	if c.Digest != digest || c.Signer != "ci" || len(c.Envelope.Recipients) != 3 {
		t.Errorf("got %s, %s, %v", c.Digest, c.Signer, c.Envelope.Recipients)
	}
	want := sample()
	want.Schema, want.Members = Schema, c.Manifest.Members
	want.Created, want.Expires = c.Manifest.Created, c.Manifest.Expires
	if !reflect.DeepEqual(c.Manifest, want.normal()) {
		t.Errorf("got\n%+v\nwant\n%+v", c.Manifest, want)
	}
	if err := c.Matches(expected()); err != nil {
		t.Error(err)
	}
	for name, identity := range identities {
		if got := opened(t, c, identity); !reflect.DeepEqual(got, contents) {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The destruction of a unit that is gone has no closure, and one without a state no lineage.
func TestADestructionWithoutAClosure(t *testing.T) {
	m := sample()
	m.Destroy, m.Closure, m.Lock, m.State = true, "", "", State{Backend: "local"}
	c := verified(t, seal(t, m, contents))
	e := expected()
	e.Destroy, e.Closure, e.Lock, e.State = true, "", "", State{Backend: "local"}
	if err := c.Matches(e); err != nil {
		t.Error(err)
	}
	if err := c.Matches(expected()); !errors.Is(err, ErrDestroy) {
		t.Errorf("got %v", err)
	}
}

// Clocks of two machines may differ by two minutes, and no more.
func TestClocksMayDiffer(t *testing.T) {
	m := sample()
	m.Created = time.Now().Add(24 * time.Hour)
	m.Expires = m.Created.Add(time.Hour)
	s := seal(t, m, contents)
	c, err := Read(s.path)
	if err != nil {
		t.Fatal(err)
	}
	created := c.Manifest.Created
	for ahead, want := range map[time.Duration]error{0: nil, skew: nil, skew + time.Second: ErrFuture, -time.Hour: ErrExpired, time.Second - time.Hour: nil} {
		trust := s.trust()
		trust.Now = created.Add(-ahead)
		if err := c.Verify(trust); !errors.Is(err, want) {
			t.Errorf("%v ahead: got %v, want %v", ahead, err, want)
		}
	}
}
