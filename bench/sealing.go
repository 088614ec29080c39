package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sealing compares sealing and opening with age on the same file, to the same
// recipient. Ours compresses, signs, and verifies before it opens; age encrypts alone.
func (b *bench) sealing() error {
	const what = "sealing, peer age, MB"
	install := exec.Command("go", "install", "filippo.io/age/cmd/age@v1.3.2")
	install.Env = append(os.Environ(), "GOBIN="+b.dir, "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		b.row(what, 0, fmt.Sprintf("not measured: age cannot be built: %.100s", out), "", "")
		return nil
	}
	parts, err := b.buildParts()
	if err != nil {
		return err
	}
	age, in := filepath.Join(b.dir, "age"), func(name string) string { return filepath.Join(b.dir, "sealing", name) }
	if err := os.MkdirAll(in(""), 0o700); err != nil {
		return err
	}
	recipient, err := b.keygen("--identity", "--out", in("identity"))
	if err != nil {
		return err
	}
	signer, err := b.keygen("--out", in("key"))
	if err != nil {
		return err
	}
	for _, mb := range b.sizes(10, 100) {
		plain := in("plain.json")
		if err := writePlan(plain, mb*1_000_000); err != nil {
			return err
		}
		// What was sealed is opened again outside of the time that is measured.
		openOurs := []string{b.penstock, "capsule", "open", in("capsule"), "--signer", signer, "--identity", in("identity"), "--out", in("opened")}
		openPeer := []string{age, "--decrypt", "--identity", in("identity"), "--output", in("decrypted"), in("age")}
		clean := func() error { return os.RemoveAll(in("opened")) }
		again := func(argv []string, result string) func([]byte) (string, error) {
			return func([]byte) (string, error) {
				if err := clean(); err != nil {
					return "", err
				}
				if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
					return "", fmt.Errorf("%w: %s", err, out)
				}
				return hashed(result)
			}
		}
		ours := side{argv: []string{parts, "seal", plain, in("capsule"), recipient, in("key")}, answer: again(openOurs, in("opened/plan.json"))}
		peer := side{argv: []string{age, "--encrypt", "--recipient", recipient, "--output", in("age"), plain}, answer: again(openPeer, in("decrypted"))}
		truth, err := hashed(plain)
		if err != nil {
			return err
		}
		if err := b.compare(what, mb, exactly(peer, truth), exactly(ours, truth)); err != nil {
			return err
		}
		read := func(result string) func([]byte) (string, error) {
			return func([]byte) (string, error) { return hashed(result) }
		}
		ours = side{argv: openOurs, before: clean, answer: read(in("opened/plan.json"))}
		peer = side{argv: openPeer, before: func() error { return os.RemoveAll(in("decrypted")) }, answer: read(in("decrypted"))}
		if err := b.compare("opening, peer age, MB", mb, exactly(peer, truth), exactly(ours, truth)); err != nil {
			return err
		}
	}
	return nil
}

// keygen makes a key and returns the public one.
func (b *bench) keygen(args ...string) (string, error) {
	out, err := exec.Command(b.penstock, append([]string{"capsule", "keygen"}, args...)...).Output()
	if err != nil {
		return "", fmt.Errorf("making a key: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

func hashed(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}
