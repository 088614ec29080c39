package redact_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/redact"
)

// What Terraform really says of an error is shown with its place, and no secret is.
func TestErrorsOfTerraform(t *testing.T) {
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("NOT RUN: terraform is not here")
	}
	dir := t.TempDir()
	const code = `variable "password" {
  sensitive = true
  default   = "qzx-hunter-wkvb"
}
resource "terraform_data" "orders" {
  input = var.password
  lifecycle {
    precondition {
      condition     = nonsensitive(var.password) == "x"
      error_message = "the value ${nonsensitive(var.password)} of team orders is invalid"
    }
  }
}
output "exposed" { value = var.password }
`
	for name, text := range map[string]string{"main.tf": code, "settings.tfrc": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) []byte {
		command := exec.CommandContext(t.Context(), "terraform", args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "settings.tfrc"), "CHECKPOINT_DISABLE=1")
		out, _ := command.Output()
		return out
	}
	run("init", "-input=false")
	literals, err := redact.ReadLiterals(os.DirFS(dir), []string{"main.tf"})
	if err != nil {
		t.Fatal(err)
	}
	log := run("plan", "-json", "-input=false")
	first := redact.Diagnostics(bytes.NewReader(log), redact.Options{Literals: literals})
	if len(first) != 1 || !strings.HasPrefix(first[0], "main.tf:14: error: Output refers to sensitive values") {
		t.Errorf("%q\n%s", first, log)
	}
	fixed := strings.Replace(code, "{ value = var.password }", "{ value = 1 }", 1)
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(fixed), 0o600); err != nil {
		t.Fatal(err)
	}
	log = run("plan", "-json", "-input=false")
	second := redact.Diagnostics(bytes.NewReader(log), redact.Options{Literals: literals})
	if !strings.Contains(string(log), "qzx-hunter-wkvb") {
		t.Fatalf("the error does not hold the secret that has to be masked: %s", log)
	}
	want := "main.tf:9: error: Resource precondition failed (resource \"terraform_data\" \"orders\"): the value ▒ of ▒ orders is invalid"
	if len(second) != 1 || second[0] != want {
		t.Errorf("%q, want %q", second, want)
	}
}
