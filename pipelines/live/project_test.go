package live_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// built is the program, built once for the test binary.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pk-bin-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "penstock")
	out, err := exec.Command("go", "build", "-o", file, "../cmd/penstock").CombinedOutput()
	if err != nil {
		err = &exec.Error{Name: string(out), Err: err}
	}
	return file, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if file, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(code)
}

// project is a repository of live units, with the keys and the store that go with
// it, and the program to drive it with.
type project struct {
	t *testing.T
	// dir is the repository, tmp where the program puts what is temporary: short,
	// because providers listen on sockets beneath it.
	dir, tmp string
	mirror   string
	// address is that of the store.
	address string
	// env is the environment of the program; it is all that it has.
	env []string
	// keys are the files with private keys; public is the signer's.
	signing, identity string
	public, recipient string
	key               ed25519.PrivateKey
	age               *age.X25519Identity
}

// mirror is the filesystem mirror with the small providers; the test is skipped without.
func mirror(t *testing.T, types ...string) string {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skipf("SKIPPED: no terraform on PATH: %v", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "penstock", "providers")
	for _, name := range types {
		if found, _ := filepath.Glob(filepath.Join(dir, "registry.terraform.io/hashicorp", name, "*/*")); len(found) == 0 {
			t.Skipf("SKIPPED: no hashicorp/%s in %s", name, dir)
		}
	}
	return dir
}

func newProject(t *testing.T, types ...string) *project {
	t.Helper()
	p := &project{t: t, mirror: mirror(t, types...)}
	var err error
	if p.tmp, err = os.MkdirTemp("", "pk"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(p.tmp) })
	p.dir = filepath.Join(p.tmp, "repo")
	keys := filepath.Join(p.tmp, "keys")
	for _, dir := range []string{p.dir, keys, filepath.Join(p.tmp, "tmp"), filepath.Join(p.tmp, "home")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p.address = filepath.Join(p.tmp, "store")
	p.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(p.tmp, "home"), "TMPDIR=" + filepath.Join(p.tmp, "tmp"), "GIT_CONFIG_NOSYSTEM=1"}
	p.key = newKey(t)
	p.signing, p.public = keyFile(t, keys, "signing.pem", p.key), capsule.FormatPublic(p.key.Public().(ed25519.PublicKey))
	if p.age, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	p.identity, p.recipient = filepath.Join(keys, "identity"), p.age.Recipient().String()
	if err := os.WriteFile(p.identity, []byte(p.age.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.git("init", "-q", "-b", "main")
	return p
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// keyFile writes a private key to sign with.
func keyFile(t *testing.T, dir, name string, key ed25519.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// write puts files, by name and text, into the repository.
func (p *project) write(files ...string) {
	p.t.Helper()
	for i := 0; i < len(files); i += 2 {
		file := filepath.Join(p.dir, files[i])
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(files[i+1]), 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *project) git(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", p.dir, "-c", "user.name=t", "-c", "user.email=t@example.invalid"}, args...)...)
	cmd.Env = p.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit commits all that is there.
func (p *project) commit() string {
	p.t.Helper()
	p.git("add", "-A")
	p.git("commit", "-q", "--allow-empty", "-m", "c")
	return p.git("rev-parse", "HEAD")
}

// command is one call of the program.
func (p *project) command(args ...string) *exec.Cmd {
	p.t.Helper()
	program, err := built()
	if err != nil {
		p.t.Fatalf("building the program: %v", err)
	}
	cmd := exec.CommandContext(p.t.Context(), program, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	return cmd
}

// penstock runs the program to its end and returns its exit code and all it said.
func (p *project) penstock(args ...string) (int, string) {
	p.t.Helper()
	cmd := p.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		p.t.Fatalf("penstock %s: %v", strings.Join(args, " "), err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// must runs the program, which has to end with one of the codes (default 0).
func (p *project) must(args ...string) string {
	p.t.Helper()
	code, out := p.penstock(args...)
	if code != 0 {
		p.t.Fatalf("penstock %s: exit %d:\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// temporary is a new directory's name.
func (p *project) temporary() string {
	p.t.Helper()
	dir, err := os.MkdirTemp(p.tmp, "d")
	if err != nil {
		p.t.Fatal(err)
	}
	return dir
}

// plan plans and returns the directory with what it wrote, and what became of each target.
func (p *project) plan(args ...string) (string, map[string]live.Record) {
	p.t.Helper()
	dir := p.temporary()
	p.must(append([]string{"plan", "--provider-mirror", p.mirror, "--out", dir}, args...)...)
	return dir, p.records(dir)
}

// records are what a plan wrote, by target.
func (p *project) records(dir string) map[string]live.Record {
	p.t.Helper()
	byDir, err := live.Records(dir)
	if err != nil {
		p.t.Fatal(err)
	}
	records := map[string]live.Record{}
	for _, r := range byDir {
		records[r.Target] = r
	}
	return records
}

func (p *project) seal(dir string, args ...string) string {
	p.t.Helper()
	return p.must(append([]string{"capsule", "seal", "--plans", dir, "--key", p.signing}, args...)...)
}

// applying are the arguments of an apply.
func (p *project) applying(args ...string) []string {
	return append([]string{"apply", "--provider-mirror", p.mirror, "--identity", p.identity}, args...)
}

func (p *project) store() store.Store {
	p.t.Helper()
	s, err := store.Open(context.WithoutCancel(p.t.Context()), p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// runs are the journal of a target.
func (p *project) runs(target string) []ledger.Run {
	p.t.Helper()
	runs, err := ledger.New(p.store()).Runs(context.WithoutCancel(p.t.Context()), target)
	if err != nil {
		p.t.Fatal(err)
	}
	return runs
}
