package terraform

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerifiedOnceSeveralVersions: each unit has the version of its own lock file,
// and a package that one lock file allows is refused for another that does not.
func TestVerifiedOnceSeveralVersions(t *testing.T) {
	needTerraform(t)
	mirror := ownMirror(t, "null")
	old := filepath.Dir(binary(t, mirror, "null"))
	other := filepath.Join(mirror, "registry.terraform.io/hashicorp/null/2.1.99", platform)
	if err := os.CopyFS(other, os.DirFS(old)); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(other, "terraform-provider-null_v2.1.99")
	if err := os.Rename(filepath.Join(other, filepath.Base(binaryIn(t, other))), program); err != nil {
		t.Fatal(err)
	}
	add(t, program, "other") // behind what the system loads
	version := filepath.Base(filepath.Dir(old))
	good := lockOf(t, mirror, "null="+version)
	root := tree(t, map[string]string{"a/main.tf": needing("null"), "a/.terraform.lock.hcl": good,
		"b/main.tf": needing("null"), "b/.terraform.lock.hcl": lockOf(t, mirror, "null=2.1.99"),
		"c/main.tf": needing("null"), "c/.terraform.lock.hcl": strings.Replace(good, "h1:", "h1:A", 1)})
	runner := opened(t, Runner{Program: "terraform", Mirror: mirror, VerifyProvidersOnce: true})
	for _, unit := range []string{"a", "b"} {
		w, err := ready(t, runner, root, unit)
		if err != nil {
			t.Fatal(err)
		}
		planned(t, w)
	}
	if _, err := ready(t, runner, root, "c"); !errors.Is(err, ErrUnverified) {
		t.Errorf("%v, want that the lock file does not allow it", err)
	}
}

// TestVerifiedOnceFetches: what is not kept yet comes from the registry, once; what
// lies in the cache is held against the lock file like what lies in a mirror.
func TestVerifiedOnceFetches(t *testing.T) {
	needTerraform(t)
	reg := newRegistry(t)
	cache := t.TempDir()
	root := tree(t, map[string]string{"u/main.tf": needing("null"), "u/.terraform.lock.hcl": lockOf(t, reg.mirror, "null")})
	for range 2 {
		runner := opened(t, Runner{Program: "terraform", Cache: cache, VerifyProvidersOnce: true})
		runner.store.registry = reg.config()
		w, err := ready(t, runner, root, "u")
		if err != nil {
			t.Fatal(err)
		}
		planned(t, w)
	}
	if reg.downloads["null"] != 1 {
		t.Errorf("fetched %d times", reg.downloads["null"])
	}
	add(t, binary(t, filepath.Join(cache, "kept", "providers"), "null"), "x")
	runner := opened(t, Runner{Program: "terraform", Cache: cache, VerifyProvidersOnce: true})
	if _, err := ready(t, runner, root, "u"); !errors.Is(err, ErrUnverified) {
		t.Errorf("%v, want that the package in the cache is refused", err)
	}
}

// TestVerifiedOnceFromZip: terraform providers mirror leaves packages as zips.
func TestVerifiedOnceFromZip(t *testing.T) {
	needTerraform(t)
	reg := newRegistry(t) // packs them
	lock := lockOf(t, reg.mirror, "null")
	version := filepath.Base(filepath.Dir(filepath.Dir(binary(t, reg.mirror, "null"))))
	archive := reg.archive("null", version, platform)
	root := tree(t, map[string]string{"u/main.tf": needing("null"), "u/.terraform.lock.hcl": lock})
	for _, tampered := range []bool{false, true} {
		mirror := t.TempDir()
		at := filepath.Join(mirror, "registry.terraform.io/hashicorp/null", fileName("null", version, platform))
		content := bytes.Clone(archive)
		if tampered {
			content[len(content)/2] ^= 1
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, content, 0o644)); err != nil {
			t.Fatal(err)
		}
		w, err := ready(t, opened(t, Runner{Program: "terraform", Mirror: mirror, VerifyProvidersOnce: true}), root, "u")
		if tampered {
			if !errors.Is(err, ErrUnverified) {
				t.Errorf("%v, want that the zip is refused", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		planned(t, w)
	}
}
