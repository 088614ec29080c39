package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bucketValues are the values of one resource; the numbers keep them from being all alike.
const bucketValues = `{"arn":"arn:aws:s3:::bucket-%[1]d","bucket":"bucket-%[1]d","bucket_domain_name":"bucket-%[1]d.s3.amazonaws.com",` +
	`"force_destroy":false,"hosted_zone_id":"Z%[2]X","id":"bucket-%[1]d","object_lock_enabled":false,"policy":"%[3]s","region":"eu-central-1",` +
	`"tags":{"Name":"bucket-%[1]d","Owner":"team-%[4]d","Serial":"%[2]x"},"timeouts":null}`

// writePlan writes a plan of about size bytes in the form of terraform show -json:
// of each ten resources one is created, one changed, one replaced and seven stay.
func writePlan(path string, size int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<20)
	policy := strings.ReplaceAll(`{\"Statement\":[{\"Action\":\"s3:GetObject\",\"Effect\":\"Allow\",\"Resource\":\"*\",\"Principal\":{\"AWS\":\"*\"}}]}`, "*", "arn:aws:iam::1:role/r")
	n := size / 2750               // what one resource takes in all four parts
	values := func(i int) string { // not kept: what the bench holds counts as memory of the processes that it starts
		return fmt.Sprintf(bucketValues, i, rand.New(rand.NewPCG(1, uint64(i))).Uint64(), policy, i%50)
	}
	const named = `"address":"aws_s3_bucket.b%[1]d","mode":"managed","type":"aws_s3_bucket","name":"b%[1]d","provider_name":"registry.terraform.io/hashicorp/aws"`
	part := func(before, after string, one func(i int) string) {
		w.WriteString(before)
		for i := range n {
			if i > 0 {
				w.WriteByte(',')
			}
			w.WriteString(one(i))
		}
		w.WriteString(after)
	}
	state := func(i int) string {
		return fmt.Sprintf("{"+named+`,"schema_version":0,"values":%[2]s,"sensitive_values":{"tags":{}}}`, i, values(i))
	}
	part(`{"format_version":"1.2","terraform_version":"1.11.4","applyable":true,"complete":true,"errored":false,"planned_values":{"root_module":{"resources":[`,
		`]}},`, state)
	part(`"resource_changes":[`, `],`, func(i int) string {
		actions, before, after := `"no-op"`, values(i), values(i)
		switch i % 10 {
		case 0:
			actions, before = `"create"`, "null"
		case 1:
			actions, after = `"update"`, strings.Replace(values(i), `"force_destroy":false`, `"force_destroy":true`, 1)
		case 2:
			actions = `"delete","create"`
		}
		return fmt.Sprintf("{"+named+`,"change":{"actions":[%[2]s],"before":%[3]s,"after":%[4]s,"after_unknown":{},"before_sensitive":{},"after_sensitive":{}}}`,
			i, actions, before, after)
	})
	part(`"prior_state":{"format_version":"1.0","terraform_version":"1.11.4","values":{"root_module":{"resources":[`, `]}}},`, state)
	part(`"configuration":{"provider_config":{"aws":{"name":"aws","full_name":"registry.terraform.io/hashicorp/aws"}},"root_module":{"resources":[`, `]}}}`+"\n",
		func(i int) string {
			return fmt.Sprintf(`{"address":"aws_s3_bucket.b%[1]d","mode":"managed","type":"aws_s3_bucket","name":"b%[1]d","provider_config_key":"aws",`+
				`"expressions":{"bucket":{"constant_value":"bucket-%[1]d"},"tags":{"references":["var.tags"]}},"schema_version":0}`, i)
		})
	return errors.Join(w.Flush(), file.Close())
}

// buildParts builds the program of parts once.
func (b *bench) buildParts() (string, error) {
	parts := filepath.Join(b.dir, "parts")
	if _, err := os.Stat(parts); err == nil {
		return parts, nil
	}
	if out, err := exec.Command("go", "build", "-o", parts, "./bench/parts").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building parts: %w: %s", err, out)
	}
	return parts, nil
}

// planMemory compares how much memory it takes to read a large plan. Ours is a
// stream, so that the plan's size is a bound that it may not reach.
func (b *bench) planMemory() error {
	parts, err := b.buildParts()
	if err != nil {
		return err
	}
	for _, mb := range b.sizes(20, 200) {
		plan := filepath.Join(b.dir, fmt.Sprintf("plan%d.json", mb))
		if err := writePlan(plan, mb*1_000_000); err != nil {
			return err
		}
		info, err := os.Stat(plan)
		if err != nil {
			return err
		}
		if got := info.Size() / 1_000_000; got < int64(mb) || got > int64(mb)*11/10 {
			return fmt.Errorf("the plan has %d MB, not %d", got, mb)
		}
		ours := side{argv: []string{parts, "walk", plan}, answer: listed}
		peer := side{argv: []string{parts, "unmarshal", plan}, answer: listed}
		p, o, err := pairs(peer, ours)
		if err != nil {
			return err
		}
		if err := b.against("plan JSON and its risk, peer terraform-json without risk, MB", mb, p, o); err != nil {
			return err
		}
		if o.peak*1.048576 >= 200 {
			return fmt.Errorf("reading a plan of %d MB takes %.0f MiB: it is not read as a stream", mb, o.peak)
		}
	}
	return nil
}
