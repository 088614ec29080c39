package volume

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/gruntwork-io/terratest/modules/terraform"
	"github.com/penstock-dev/penstock/pipelines/terratest/harness"
)

// In an account, or in a stand-in by AWS_ENDPOINT_URL.
func TestVolumeIsMadeOnce(t *testing.T) {
	if os.Getenv("AWS_ACCESS_KEY_ID") == "" && os.Getenv("AWS_PROFILE") == "" && os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") == "" {
		t.Skip("there are no credentials of an AWS account: set AWS_PROFILE, or AWS_ACCESS_KEY_ID with AWS_ENDPOINT_URL of a stand-in")
	}
	t.Parallel()
	box := harness.New(t, "../../modules/ebs-volume")
	options := &terraform.Options{
		TerraformDir: box.Dir,
		Vars:         box.Vars(map[string]any{"name": box.Name, "availability_zone": os.Getenv("AWS_REGION") + "a", "size": 1}),
		EnvVars:      box.Env,
		Lock:         true,
		NoColor:      true,
	}
	box.Undo(func() error {
		_, err := terraform.DestroyContextE(t, context.Background(), options)
		return err
	})
	terraform.InitAndApplyAndIdempotentContext(t, box.Context, options)
	if id := terraform.OutputContext(t, box.Context, options, "volume_id"); !strings.HasPrefix(id, "vol-") {
		t.Errorf("the volume is %q", id)
	}
	state := terraform.ShowContext(t, box.Context, options)
	for _, address := range []string{"aws_ebs_volume.this", "aws_kms_key.this"} {
		if !strings.Contains(state, address) || strings.Count(state, box.Tags["penstock:run"]) < 2 {
			t.Errorf("the run is not in the tags of %s", address)
		}
	}
}
