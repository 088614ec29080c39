package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const ourRule = `# METADATA
# title: Volumes are encrypted
# custom:
#   id: volume-%[1]d
#   severity: high
#   remediation: set encrypted
#   resources:
#     %[2]s: [%[3]s]
package bench.rule%[1]d

deny contains "it is not encrypted" if not input.resource.values.%[3]s == true
`

const peerRule = `package main

import rego.v1

deny contains sprintf("%%s is not encrypted", [r.address]) if {
	some r in input.resource_changes
	r.mode == "managed"
	r.type == "%[2]s"
	not r.change.after.%[3]s == true
}
`

// compliance compares with conftest on the same plans and equivalent rules.
func (b *bench) compliance() error {
	if _, err := exec.LookPath("conftest"); err != nil {
		b.row("compliance", 0, "not measured: there is no conftest here", "", "")
		return nil
	}
	plan, err := os.ReadFile("pipelines/compliance/testdata/plans/insecure/plan.json")
	if err != nil {
		return err
	}
	ours, theirs := filepath.Join(b.dir, "rules"), filepath.Join(b.dir, "conftest")
	for i, rule := range [][2]string{{"aws_ebs_volume", "encrypted"}, {"aws_efs_file_system", "encrypted"}, {"aws_db_instance", "storage_encrypted"},
		{"aws_redshift_cluster", "encrypted"}, {"aws_kms_key", "enable_key_rotation"}} {
		if err := write(filepath.Join(ours, fmt.Sprintf("r%d.rego", i)), fmt.Sprintf(ourRule, i, rule[0], rule[1])); err != nil {
			return err
		}
		if err := write(filepath.Join(theirs, fmt.Sprintf("r%d.rego", i)), fmt.Sprintf(peerRule, i, rule[0], rule[1])); err != nil {
			return err
		}
	}
	for _, n := range b.sizes(10, 100, 1000) {
		var plans []string
		for i := range n {
			path := filepath.Join(b.dir, "plans", fmt.Sprintf("%d.json", i))
			if err := write(path, strings.ReplaceAll(string(plan), "fixture", fmt.Sprint("fixture", i))); err != nil {
				return err
			}
			plans = append(plans, path)
		}
		peer := side{argv: append([]string{"conftest", "test", "--output=json", "--no-color", "--policy", theirs}, plans...), exit: 1, answer: failures}
		mine := side{argv: append([]string{b.penstock, "compliance", "--json", "--no-builtin", "--policies", ours}, plans...), exit: 1, answer: failed}
		if err := b.compare("compliance, plans", n, peer, mine); err != nil {
			return err
		}
	}
	return nil
}

func failures(stdout []byte) (string, error) {
	var files []struct {
		Failures []json.RawMessage `json:"failures"`
	}
	if err := json.Unmarshal(stdout, &files); err != nil {
		return "", err
	}
	n := 0
	for _, f := range files {
		n += len(f.Failures)
	}
	return told(n, len(files)), nil
}

func failed(stdout []byte) (string, error) {
	var r report
	if err := json.Unmarshal(stdout, &r); err != nil {
		return "", err
	}
	n := 0
	for _, result := range r.Results {
		for _, f := range result.Findings {
			if f.Verdict == "fail" {
				n++
			}
		}
	}
	return told(n, len(r.Results)), nil
}

// told is empty where nothing failed: each plan here is insecure.
func told(failures, plans int) string {
	if failures == 0 {
		return ""
	}
	return fmt.Sprintf("%d failures in %d plans", failures, plans)
}
