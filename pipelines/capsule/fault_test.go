//go:build unix

package capsule

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
)

const secret = "the password of the database "

// child runs one test of this file in a process of its own.
func child(t *testing.T, name string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run", "^"+name+"$")
	cmd.Env = append(append(os.Environ(), "PENSTOCK_CAPSULE_CHILD=1"), env...)
	return cmd
}

// Whenever the process dies, what lies at the path is a whole capsule or nothing,
// and nothing that can be read lies anywhere.
func TestKilledWhileSealing(t *testing.T) {
	if os.Getenv("PENSTOCK_CAPSULE_CHILD") != "" {
		sealForever(t)
	}
	dir := t.TempDir()
	private, public, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	signing := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(signing, private, 0o600); err != nil {
		t.Fatal(err)
	}
	s := setting{path: filepath.Join(dir, "x.capsule")}
	if s.public, err = ParsePublic(public); err != nil {
		t.Fatal(err)
	}
	s.identity, s.recipient = identity(t)
	random := rand.New(rand.NewPCG(1, 2))
	const kills = 25
	whole, within := 0, 0
	for range kills {
		cmd := child(t, "TestKilledWhileSealing", "CAPSULE_OUT="+s.path, "CAPSULE_KEY="+signing, "CAPSULE_TO="+s.recipient)
		begun, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := begun.Read(make([]byte, 1)); err != nil {
			t.Fatalf("the child did not come to seal: %v", err)
		}
		time.Sleep(time.Duration(random.IntN(40_000)) * time.Microsecond) // where it dies is left to chance
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if _, err := os.Stat(s.path); err == nil {
			whole++
			opened(t, verified(t, s), s.identity)
		}
		left, err := filepath.Glob(filepath.Join(dir, ".*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range left {
			within++
			if raw, err := os.ReadFile(path); err != nil || bytes.Contains(raw, []byte(secret)) {
				t.Errorf("what is left shows the plan, or %v", err)
			}
			os.Remove(path)
		}
		os.Remove(s.path)
	}
	t.Logf("%d kills, %d files that were not finished, %d whole capsules, 0 broken", kills, within, whole)
	if within == 0 {
		t.Error("no process died within sealing: nothing was tried")
	}
}

func sealForever(t *testing.T) {
	key, err := ReadSigner(os.Getenv("CAPSULE_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	content := []byte(strings.Repeat(secret, 100_000))
	os.Stdout.Write([]byte{'.'})
	for {
		if _, err := Seal(os.Getenv("CAPSULE_OUT"), sample(), []Source{{Name: "plan.json", Content: content}}, []string{os.Getenv("CAPSULE_TO")}, key); err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that is full is no refusal, and nothing half written stays.
func TestAFullDisk(t *testing.T) {
	if os.Getenv("PENSTOCK_CAPSULE_CHILD") == "" {
		if out, err := child(t, "TestAFullDisk").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	noise := make([]byte, 4<<20)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(noise)
	s := seal(t, sample(), map[string]string{"plan.json": string(noise)})
	c := verified(t, s)
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
		t.Fatal(err) // stands for a disk: no file can grow beyond 1 MB
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "x.capsule")
	for name, do := range map[string]func() error{
		"sealing": func() error {
			_, err := Seal(out, sample(), []Source{{Name: "plan.json", Content: noise}}, []string{s.recipient}, s.key)
			return err
		},
		"rotating": func() error {
			_, err := Rotate(s.path, out, Rotation{Trust: s.trust(), Identities: []age.Identity{s.identity}, Recipients: []string{s.recipient}, Key: s.key})
			return err
		},
		"opening": func() error { return c.Open([]age.Identity{s.identity}, filepath.Join(dir, "out")) },
	} {
		err := do()
		var path *fs.PathError
		if !errors.Is(err, syscall.EFBIG) || !errors.As(err, &path) || errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", name, left, err)
		}
	}
}
