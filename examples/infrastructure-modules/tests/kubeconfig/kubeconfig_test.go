package kubeconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gruntwork-io/terratest/modules/terraform"
)

func TestFileIsWrittenAndTakenAway(t *testing.T) {
	directory := t.TempDir()
	options := &terraform.Options{TerraformDir: "../../modules/kubeconfig", Vars: map[string]any{
		"directory": directory,
		"cluster":   map[string]any{"name": "shop", "endpoint": "https://example.invalid", "certificate_authority": "Y2E="},
	}, NoColor: true}
	defer terraform.DestroyContext(t, t.Context(), options)
	terraform.InitAndApplyAndIdempotentContext(t, t.Context(), options)
	text, err := os.ReadFile(terraform.OutputContext(t, t.Context(), options, "path"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), os.Getenv("PENSTOCK_RUN")) || filepath.Dir(terraform.OutputContext(t, t.Context(), options, "path")) != directory {
		t.Errorf("the file is not of this run:\n%s", text)
	}
}
