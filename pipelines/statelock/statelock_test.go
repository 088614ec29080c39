package statelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/process"
	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
	"github.com/penstock-dev/penstock/pipelines/store"
)

const (
	key   = "live/dvlp/vpc/terraform.tfstate"
	id    = "0f6f1e1c-6a1f-4b55-9c9e-0c7f4a1d2b3c"
	other = "1f6f1e1c-6a1f-4b55-9c9e-0c7f4a1d2b3c"
)

// root is a live root with its state in moto.
type root struct {
	terraform, dir string
	env            []string
	store          store.Store
	bucket         string
}

func newRoot(t *testing.T) *root {
	t.Helper()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skipf("SKIPPED: no terraform on PATH: %v", err)
	}
	server := storetest.NewS3(t)
	s, err := store.Open(t.Context(), server.Address(""))
	if err != nil {
		t.Fatal(err)
	}
	r := &root{terraform: terraform, dir: t.TempDir(), store: s, bucket: server.Bucket}
	r.env = append(server.Env(), "HOME="+t.TempDir(), "TF_CLI_CONFIG_FILE="+os.DevNull, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "PATH="+os.Getenv("PATH"))
	config := fmt.Sprintf(`terraform {
  backend "s3" {
    bucket                      = %q
    key                         = %q
    region                      = "eu-west-1"
    use_lockfile                = true
    use_path_style              = true
    skip_credentials_validation = true
    skip_requesting_account_id  = true
    skip_region_validation      = true
    skip_metadata_api_check     = true
    endpoints                   = { s3 = %q }
  }
}
variable "command" { default = "true" }
resource "terraform_data" "x" {
  triggers_replace = var.command
  provisioner "local-exec" { command = var.command }
}
`, server.Bucket, key, server.Endpoint)
	if err := os.WriteFile(filepath.Join(r.dir, "main.tf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, exit := r.run(t, "init", "-input=false", "-no-color"); exit != 0 {
		t.Fatalf("init: %s", out)
	}
	return r
}

func (r *root) run(t *testing.T, args ...string) (string, int) {
	t.Helper()
	out, err := process.Run(t.Context(), process.Command{Argv: append([]string{r.terraform}, args...), Dir: r.dir, Env: r.env})
	if err != nil {
		t.Fatal(err)
	}
	return string(out.Stdout) + string(out.Stderr), out.Exit
}

func (r *root) info() Info {
	return Info{ID: id, Operation: "OperationTypeApply", Info: "penstock run 42, capsule sha256:abc", Who: "ada@laptop", Version: "1.11.4",
		Created: time.Now().UTC(), Path: r.bucket + "/" + key}
}

func TestTerraformKeepsToOurLock(t *testing.T) {
	r := newRoot(t)
	if err := Lock(t.Context(), r.store, key, r.info()); err != nil {
		t.Fatal(err)
	}
	out, exit := r.run(t, "apply", "-auto-approve", "-input=false", "-no-color")
	if exit != 1 {
		t.Fatalf("apply under our lock: exit %d: %s", exit, out)
	}
	for _, want := range []string{"Error acquiring the state lock", id, "ada@laptop", "penstock run 42, capsule sha256:abc", "OperationTypeApply"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in %s", want, out)
		}
	}
	if out, exit = r.run(t, "apply", "-auto-approve", "-input=false", "-no-color", "-lock=false"); exit != 0 {
		t.Fatalf("apply with -lock=false, which is the one that we start: %s", out)
	}
	if there, _, err := Look(t.Context(), r.store, key); err != nil || there.ID != id {
		t.Errorf("after it: %+v, %v", there, err)
	}
	if err := Unlock(t.Context(), r.store, key, id); err != nil {
		t.Fatal(err)
	}
	if out, exit = r.run(t, "apply", "-auto-approve", "-input=false", "-no-color"); exit != 0 {
		t.Fatalf("apply after our release: %s", out)
	}
}

func TestTerraformForceUnlockRemovesOurs(t *testing.T) {
	r := newRoot(t)
	if err := Lock(t.Context(), r.store, key, r.info()); err != nil {
		t.Fatal(err)
	}
	if out, exit := r.run(t, "force-unlock", "-force", other); exit != 1 || !strings.Contains(out, id) {
		t.Errorf("under another id: exit %d: %s", exit, out)
	}
	if out, exit := r.run(t, "force-unlock", "-force", id); exit != 0 {
		t.Fatalf("exit %d: %s", exit, out)
	}
	if _, _, err := Look(t.Context(), r.store, key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := Unlock(t.Context(), r.store, key, id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unlocking what is not locked: %v", err)
	}
}

// Terraform holds its lock while a provisioner waits for us.
func TestWeKeepToTerraformsLock(t *testing.T) {
	r := newRoot(t)
	fifo := filepath.Join(r.dir, "go")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	started := filepath.Join(r.dir, "started")
	if err := syscall.Mkfifo(started, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		out, err := process.Run(ctx, process.Command{Dir: r.dir, Env: r.env, Argv: []string{r.terraform, "apply", "-auto-approve",
			"-input=false", "-no-color", "-var", fmt.Sprintf("command=echo up > %s; cat %s", started, fifo)}})
		if err == nil && out.Exit != 0 {
			err = fmt.Errorf("exit %d: %s%s", out.Exit, out.Stdout, out.Stderr)
		}
		done <- err
	}()
	up := make(chan error, 1)
	go func() {
		_, err := os.ReadFile(started)
		up <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("it ended before its provisioner: %v", err)
	case err := <-up:
		if err != nil {
			t.Fatal(err)
		}
	}
	there, _, err := Look(t.Context(), r.store, key)
	if err != nil || there.Operation != "OperationTypeApply" || !strings.Contains(there.Who, "@") || there.Version != "1.11.4" ||
		there.Path != r.info().Path || there.Created.IsZero() || !uuid.MatchString(there.ID) {
		t.Errorf("got %+v, %v", there, err)
	}
	var locked *LockedError
	if err := Lock(t.Context(), r.store, key, r.info()); !errors.As(err, &locked) || locked.ID != there.ID || !strings.Contains(err.Error(), there.Who) {
		t.Errorf("got %v", err)
	}
	if err := Unlock(t.Context(), r.store, key, id); !errors.As(err, &locked) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(fifo, []byte("go\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, _, err := Look(t.Context(), r.store, key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after terraform: %v", err)
	}
}

func TestUnreadableLockIsNoLockOfOurs(t *testing.T) {
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"", "{", "null", `{"ID":""}`, `[]`, strings.Repeat(" ", maxInfo+1)} {
		key := fmt.Sprint("state", i)
		if err := s.Create(t.Context(), key+".tflock", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Look(t.Context(), s, key); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("%.20q: %v", text, err)
		}
		if err := Lock(t.Context(), s, key, Info{ID: id}); err == nil {
			t.Errorf("%.20q: locked over it", text)
		}
		if err := Unlock(t.Context(), s, key, ""); err == nil {
			t.Errorf("%.20q: unlocked", text)
		}
	}
	for _, wrong := range []string{"", "run-42", strings.ToUpper(id)} {
		if err := Lock(t.Context(), s, key, Info{ID: wrong}); err == nil {
			t.Errorf("took the id %q, which force-unlock does not", wrong)
		}
	}
}
