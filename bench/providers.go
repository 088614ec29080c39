package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

const nullProvider = "registry.terraform.io/hashicorp/null"

const liveUnit = `terraform {
  backend "local" {}
}

resource "null_resource" "a" {
  count    = 3
  triggers = { unit = %d }
}
`

// providers measures plans with a large provider: as Terragrunt and as penstock
// have terraform hash it in each call, and hashed once a run. All sides start
// without anything that an earlier run left, as in CI, and end with plans as JSON.
func (b *bench) providers() error {
	if _, err := exec.LookPath("terraform"); err != nil {
		b.row("plan, units", 0, "not measured: there is no terraform here", "", "")
		return nil
	}
	mb := 700
	if b.small {
		mb = 50
	}
	mirror, lock, err := b.paddedProvider(mb)
	if err != nil {
		return err
	}
	for _, n := range b.sizes(10, 50) {
		root := filepath.Join(b.dir, fmt.Sprint("live", n))
		for i := range n {
			unit := filepath.Join(root, fmt.Sprint("live/u", i))
			err := errors.Join(write(filepath.Join(unit, "main.tf"), fmt.Sprintf(liveUnit, i)),
				write(filepath.Join(unit, ".terraform.lock.hcl"), lock), write(filepath.Join(unit, "terragrunt.hcl"), "# a unit\n"))
			if err != nil {
				return err
			}
		}
		if err := commit(root, "units"); err != nil {
			return err
		}
		theirs := filepath.Join(b.dir, fmt.Sprint("terragrunt", n)) // it leaves its cache beside the units
		if err := os.CopyFS(theirs, os.DirFS(root)); err != nil {
			return err
		}
		if err := b.plansOf(root, theirs, mirror, n, mb); err != nil {
			return err
		}
	}
	return nil
}

// plansOf measures all ways to plan the units of a repository.
func (b *bench) plansOf(root, theirs, mirror string, n, mb int) error {
	out := filepath.Join(b.dir, "plans-out")
	ours := side{argv: []string{b.penstock, "plan", "--all", "--provider-mirror", mirror, "--out", out, root}, before: func() error { return os.RemoveAll(out) },
		answer: func([]byte) (string, error) { return plannedIn(out, "plan.json", n) }}
	once := ours
	once.argv = slices.Concat(ours.argv, []string{"--verify-providers-once"})
	what := func(way string) string { return fmt.Sprintf("%s, units with a provider of %d MB", way, mb) }
	if _, err := exec.LookPath("terragrunt"); err != nil {
		b.row(what("terragrunt"), n, "not measured: there is no terragrunt here, .ci/terragrunt builds it", "", "")
		m, err := inTurn(ours, once)
		if err != nil {
			return err
		}
		return b.against(what("plan --verify-providers-once, peer: without it"), n, m[0], m[1])
	}
	config := filepath.Join(b.dir, "terragrunt.tfrc")
	if err := write(config, fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)); err != nil {
		return err
	}
	peer := side{argv: []string{"terragrunt", "run", "--all", "--no-color", "--non-interactive", "--tf-path", "terraform", "--json-out-dir", out, "--", "plan"},
		dir: theirs, env: []string{"TF_CLI_CONFIG_FILE=" + config, "CHECKPOINT_DISABLE=1"},
		before: func() error { return errors.Join(os.RemoveAll(out), removeAll(theirs, ".terragrunt-cache")) },
		answer: func([]byte) (string, error) { return plannedIn(out, "tfplan.json", n) }}
	m, err := inTurn(peer, ours, once)
	if err != nil {
		return err
	}
	return errors.Join(b.against(what("plan, peer terragrunt"), n, m[0], m[1]),
		b.against(what("plan --verify-providers-once, peer terragrunt"), n, m[0], m[2]),
		b.against(what("plan --verify-providers-once, peer: without it"), n, m[1], m[2]))
}

// paddedProvider is a mirror with the null provider, made as large as mb says, and
// its lock file. Behind the end of a program no system looks.
func (b *bench) paddedProvider(mb int) (mirror, lock string, err error) {
	built, err := exec.Command(".ci/providers").Output()
	if err != nil {
		return "", "", fmt.Errorf("building the providers: %w", err)
	}
	found, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(built)), nullProvider, "*", runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-null_*"))
	if err != nil || len(found) != 1 {
		return "", "", fmt.Errorf("looking for the null provider: %d programs, %w", len(found), err)
	}
	version := filepath.Base(filepath.Dir(filepath.Dir(found[0])))
	mirror = filepath.Join(b.dir, "mirror")
	dir := filepath.Join(mirror, nullProvider, version, runtime.GOOS+"_"+runtime.GOARCH)
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(found[0]))); err != nil {
		return "", "", err
	}
	program, err := os.OpenFile(filepath.Join(dir, filepath.Base(found[0])), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return "", "", err
	}
	info, err := program.Stat()
	if err != nil {
		return "", "", err
	}
	padding := bufio.NewWriterSize(program, 1<<20)
	random := rand.NewChaCha8([32]byte{}) // nothing that a file system could keep in less room
	chunk := make([]byte, 1<<20)
	for left := int64(mb)*1_000_000 - info.Size(); left > 0; left -= int64(len(chunk)) {
		_, _ = random.Read(chunk) // it never fails
		if _, err := padding.Write(chunk[:min(left, int64(len(chunk)))]); err != nil {
			return "", "", err
		}
	}
	if err := errors.Join(padding.Flush(), program.Close()); err != nil {
		return "", "", err
	}
	h1, err := dirhash.HashDir(dir, "", dirhash.Hash1)
	return mirror, fmt.Sprintf("provider %q {\n  version = %q\n  hashes = [\n    %q,\n  ]\n}\n", nullProvider, version, h1), err
}

// plannedIn lists what the plans below a directory do, by unit.
func plannedIn(dir, name string, units int) (string, error) {
	var lines []string
	plans := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != name {
			return err
		}
		plans++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var plan struct {
			Changes []struct {
				Address string `json:"address"`
				Change  struct {
					Actions []string        `json:"actions"`
					After   json.RawMessage `json:"after"`
				} `json:"change"`
			} `json:"resource_changes"`
		}
		if err := json.Unmarshal(text, &plan); err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		for _, c := range plan.Changes {
			lines = append(lines, fmt.Sprint(filepath.Base(filepath.Dir(path)), " ", c.Address, c.Change.Actions, string(c.Change.After)))
		}
		return nil
	})
	if err == nil && plans != units {
		err = fmt.Errorf("there are %d plans of %d units", plans, units)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), err
}

// removeAll removes everything of a name below a directory.
func removeAll(dir, name string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != name {
			return err
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		return filepath.SkipDir
	})
}
