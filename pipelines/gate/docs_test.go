package gate

import (
	"os"
	"regexp"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
)

// TestSamplesOfTheGuide: what docs/gate.md tells people to write is an allow-list.
func TestSamplesOfTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/gate.md")
	if err != nil {
		t.Fatal(err)
	}
	samples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(guide, -1)
	if len(samples) == 0 {
		t.Fatal("the guide has no sample")
	}
	for _, sample := range samples {
		var file struct {
			Version int
			Live    struct {
				Allow struct {
					Providers    []string `yaml:"providers"`
					Modules      []string `yaml:"modules"`
					DataSources  []string `yaml:"data_sources"`
					Provisioners []string `yaml:"provisioners"`
					Backends     []string `yaml:"backends"`
					Settings     []string `yaml:"settings"`
				}
			}
		}
		if err := yaml.UnmarshalWithOptions(sample[1], &file, yaml.Strict()); err != nil {
			t.Fatal(err)
		}
		allow := Allow(file.Live.Allow)
		uses := fstest.MapFS{"main.tf": {Data: []byte(`
module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "5.0.0"
}
module "own" {
  source = "git::https://git.example.com/acme/modules.git//net/vpc?ref=v1"
}
provider "kubernetes" {
  host = "x"
  exec {
    command = "aws"
  }
}
resource "aws_vpc" "x" {
  provisioner "local-exec" {
  }
}
`)}}
		findings, err := Judge(uses, ".", allow)
		if err != nil || len(findings) > 0 {
			t.Errorf("%s\ndoes not allow what it is said to: %v, %v", sample[1], findings, err)
		}
		if findings, err := Judge(uses, ".", Allow{}); err != nil || len(findings) != 7 {
			t.Errorf("with nothing allowed: %v, %v", lines(findings), err)
		}
	}
}
