package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const formatted = `# Number %[1]d.
resource "aws_instance" "web%[1]d" {
  ami           = "ami-%[1]d"
  instance_type = "t3.micro"

  root_block_device {
    encrypted   = true
    volume_size = %[1]d
  }

  tags = {
    Name  = "web-${var.environment}-%[1]d"
    Owner = "platform"
  }
}

variable "size%[1]d" {
  description = "How large it is."
  type        = number
  default     = %[1]d
}
`

// format compares terraform-fmt with terraform fmt -check: cold, where one file in
// a hundred changed since the last run, and where it has to ask terraform. Of the
// files, two in a hundred are not formatted.
func (b *bench) format() error {
	if _, err := exec.LookPath("terraform"); err != nil {
		b.row("fmt", 0, "not measured: there is no terraform here", "", "")
		return nil
	}
	for _, n := range b.sizes(100, 1000, 10_000) {
		root := filepath.Join(b.dir, fmt.Sprint("fmt", n))
		for i := range n {
			text := fmt.Sprintf(formatted, i)
			if i%50 == 0 {
				text = strings.Replace(text, "  ami           =", "  ami =", 1)
			}
			if err := write(filepath.Join(root, fmt.Sprintf("m%d/f%d.tf", i/20, i)), text); err != nil {
				return err
			}
		}
		cache := filepath.Join(b.dir, "cache")
		peer := side{argv: []string{"terraform", "fmt", "-check", "-recursive", "-list=true"}, dir: root, exit: 3, answer: listed}
		forget := func() error { return os.RemoveAll(cache) }
		ours := side{argv: []string{b.penstock, "terraform-fmt", "--all", "--json", root}, exit: 1, env: []string{"XDG_CACHE_HOME=" + cache}, answer: unformatted,
			before: forget}
		if err := b.compare("fmt, cold", n, peer, ours); err != nil {
			return err
		}
		round := 0
		ours.before = func() error { // formatted edits of one file in a hundred
			round++
			for change := 1; change < n; change += 100 {
				path := filepath.Join(root, fmt.Sprintf("m%d/f%d.tf", change/20, change))
				if err := write(path, fmt.Sprintf(formatted, change)+fmt.Sprintf("# edit %d\n", round)); err != nil {
					return err
				}
			}
			return nil
		}
		if err := b.compare("fmt, 1 % changed", n, peer, ours); err != nil {
			return err
		}
		for i := 0; i < n; i += 50 { // in the place of those that are not formatted
			text := strings.Replace(fmt.Sprintf(formatted, i), `"t3.micro"`, `"${var.type}"`, 1)
			if err := write(filepath.Join(root, fmt.Sprintf("m%d/f%d.tf", i/20, i)), text); err != nil {
				return err
			}
		}
		ours.before = forget
		if err := b.compare("fmt, cold, 2 % with what only Terraform can judge", n, peer, ours); err != nil {
			return err
		}
	}
	return nil
}

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func listed(stdout []byte) (string, error) {
	lines := strings.Fields(string(stdout))
	slices.Sort(lines)
	return strings.Join(lines, " "), nil
}

// report is what of a report is compared.
type report struct {
	Verdict string `json:"verdict"`
	Results []struct {
		Findings []struct {
			Path    string `json:"path"`
			Message string `json:"message"`
			Verdict string `json:"verdict"`
		} `json:"findings"`
	} `json:"results"`
}

// unformatted are the files with a finding; one that is not decided is no answer.
func unformatted(stdout []byte) (string, error) {
	var r report
	if err := json.Unmarshal(stdout, &r); err != nil {
		return "", err
	}
	var paths []string
	for _, result := range r.Results {
		for _, f := range result.Findings {
			if f.Verdict != "fail" {
				return "", fmt.Errorf("%s is %s: %s", f.Path, f.Verdict, f.Message)
			}
			paths = append(paths, f.Path)
		}
	}
	slices.Sort(paths)
	return strings.Join(slices.Compact(paths), " "), nil
}
