package kubeconfig

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gruntwork-io/terratest/modules/terraform"
	"github.com/penstock-dev/penstock/pipelines/terratest/harness"
)

func TestFileIsWrittenAndTakenAway(t *testing.T) {
	t.Parallel()
	box := harness.New(t, "../../modules/kubeconfig")
	directory := t.TempDir()
	options := &terraform.Options{
		TerraformDir: box.Dir,
		Vars: box.Vars(map[string]any{
			"directory": directory,
			"cluster":   map[string]any{"name": box.Name, "endpoint": "https://example.invalid", "certificate_authority": "Y2E="},
		}),
		EnvVars: box.Env,
		Lock:    true,
		NoColor: true,
	}
	box.Undo(func() error {
		_, err := terraform.DestroyContextE(t, context.Background(), options)
		return err
	})
	terraform.InitAndApplyAndIdempotentContext(t, box.Context, options)

	path := terraform.OutputContext(t, box.Context, options, "path")
	if path != filepath.Join(directory, box.Name+".yaml") {
		t.Errorf("the file is %q", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), box.Tags["penstock:run"]) {
		t.Errorf("the file does not say of which run it is:\n%s", text)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file can be read by others: %v, %v", info.Mode(), err)
	}
}
