package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

// The example goes from its source to a release, with the bundle's charts, a real API
// server, a real registry and roots that need no provider.
func TestExampleServiceIsReleased(t *testing.T) {
	l := newLab(t)
	s := l.newSite(t, true)
	image := s.firstHour()
	t.Run("gates", func(t *testing.T) { s.T = t; s.gates(image) })
	t.Run("cut off", func(t *testing.T) { l.newSite(t, true).cut(image) })
}

// The same with the bundle's own roots, the real provider of AWS on moto, and values
// from moto's SSM. Some minutes, so only with PENSTOCK_LONG.
func TestExampleServiceIsReleasedOnMoto(t *testing.T) {
	if os.Getenv("PENSTOCK_LONG") == "" {
		t.Skip("SKIPPED: examples/service was NOT released with the provider of AWS: it takes long; make provider-test")
	}
	mirror := os.Getenv("PENSTOCK_TEST_AWS_PROVIDER")
	if home, err := os.UserHomeDir(); err == nil && mirror == "" {
		mirror = filepath.Join(home, ".cache", "lab", "providers")
	}
	found, err := filepath.Glob(filepath.Join(mirror, "registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws_*"))
	if err != nil || len(found) == 0 {
		t.Skipf("SKIPPED: examples/service was NOT released with the provider of AWS: there is none in the mirror %q (PENSTOCK_TEST_AWS_PROVIDER)", mirror)
	}
	server := storetest.NewS3(t)
	t.Setenv("AWS_ENDPOINT_URL", server.Endpoint)
	t.Setenv("HTTP_PROXY", server.Endpoint) // S3 Control is asked at ACCOUNT.127.0.0.1, which no name server knows
	l := newLab(t)
	l.mirror = mirror
	l.newSite(t, false).firstHour()
}

// firstHour runs the commands of the README and returns the image that was released.
func (s *site) firstHour() string {
	s.Helper()
	commands, rest, found := strings.Cut(readme(s.T), "penstock service explain")
	if !found {
		s.Fatal("the README explains nothing")
	}
	out := s.sh(commands + "\necho image=$image")
	image := regexp.MustCompile(`(?m)^image=(\S+@sha256:[0-9a-f]{64})$`).FindStringSubmatch(out)
	if image == nil {
		s.Fatalf("there is no image:\n%s", out)
	}
	for i, line := range strings.Split(strings.TrimSpace("penstock service explain"+rest), "\n") {
		if i == 2 && s.parameters == "" {
			s.Log("SKIPPED: a second deploy on moto: it gives attributes of queues back otherwise than they were written, and the provider waits for them")
			continue
		}
		out := s.sh(line, "image="+image[1])
		for _, want := range [][]string{{"sqs_queues.orders.retention", "dvlp-iac.tfvars:3"}, {"applied sha256:"}, {"service-iac        1 pass"}, {"config.SQS_ORDERS_URL: generated_helm_values.yaml"}}[i] {
			if !strings.Contains(out, want) {
				s.Errorf("%s does not say %q:\n%s", line, want, out)
			}
		}
		if i == 2 && strings.Contains(out, "applied") {
			s.Errorf("a second deploy applies something:\n%s", out)
		}
		if release := map[int]string{1: "revision 1 is deployed", 2: "unchanged: revision 1 has the same"}[i]; !strings.Contains(out, release) {
			s.Errorf("%s does not say of the release %q:\n%s", line, release, out)
		}
		if i == 1 || i == 2 {
			running, generation := s.released()
			if running != image[1] || generation != "1" {
				s.Errorf("%s runs in generation %s, want %s in 1", running, generation, image[1])
			}
		}
	}
	text, err := os.ReadFile(s.root + "/generated_helm_values.yaml")
	if err != nil || !strings.Contains(string(text), "role/penstock/dvlp-orders") {
		s.Errorf("what was generated: %v\n%s", err, text)
	}
	return image[1]
}

// pipeline is the environment of a job, as far as it counts for who seals and applies.
var pipeline = []string{"GITHUB_ACTIONS=true", "GITHUB_RUN_ID=7", "GITHUB_RUN_ATTEMPT=1", "GITHUB_SERVER_URL=https://github.com", "GITHUB_REPOSITORY=acme/orders", "GITHUB_ACTOR=bob",
	"GITHUB_REF=refs/heads/main"}

// gates brings the image to pprd by the commands of docs/service-deploy.md, and no other image.
func (s *site) gates(image string) {
	doc, err := os.ReadFile("../../../docs/service-deploy.md")
	if err != nil {
		s.Fatal(err)
	}
	commands := strings.Split(strings.TrimSpace(fenced(s.T, string(doc), "sh")), "\n")
	if len(commands) != 5 {
		s.Fatalf("docs/service-deploy.md has %d commands", len(commands))
	}
	other := strings.TrimSpace(s.sh(`penstock docker-build --layout build/other --name orders --service-version 9.9.9 --binary linux/amd64=build/orders-amd64 > build/other.txt
penstock docker-push build/other --tag other | head -1`))
	if other == image || !strings.Contains(other, "@sha256:") {
		s.Fatalf("the other image is %q", other)
	}
	sealed := append(pipeline, "image="+image)
	deploy := commands[4] + " --json"

	// Without capsules, by a key that is at hand, and of an image that dvlp never saw: refused, and nothing is changed.
	code, out, complaints := s.try(deploy, append(pipeline, "image="+other)...)
	r := s.report(out, complaints)
	if code != 1 || verdicts(r) != "image fail; skipped: service-iam, service-iac, helm-values, helm-deploy, image-attest" ||
		!strings.Contains(out, "no attestation") {
		s.Errorf("another image: exit %d, %s\n%s", code, verdicts(r), out)
	}
	code, out, complaints = s.try(deploy, sealed...)
	if r = s.report(out, complaints); code != 1 || verdicts(r) != "image pass, service-iam fail; skipped: service-iac, helm-values, helm-deploy, image-attest" || !strings.Contains(out, "there is no capsule") {
		s.Errorf("without a capsule: exit %d, %s\n%s", code, verdicts(r), out)
	}
	if code, _, complaints := s.try(strings.Replace(commands[4], "--identity ~/.penstock/key.txt", "", 1), sealed...); code == 0 || !strings.Contains(complaints, "--identity FILE") {
		s.Errorf("without an identity: exit %d, %s", code, complaints)
	}
	if states, err := filepath.Glob(s.root + "/.penstock/state/pprd/orders/*/terraform.tfstate"); err != nil || len(states) > 0 {
		s.Errorf("something was applied in pprd: %v, %v", states, err)
	}

	for _, line := range commands[:4] {
		s.sh(line, sealed...)
	}
	r = s.report(s.sh(deploy, sealed...), "")
	if verdicts(r) != passed {
		s.Errorf("with capsules: %s", verdicts(r))
	}
	text, err := os.ReadFile(s.root + "/generated_helm_values.yaml")
	if err != nil || !strings.Contains(string(text), "role/penstock/pprd-orders") {
		s.Errorf("what was generated: %v\n%s", err, text)
	}
	if running, _ := s.released(); running != image {
		s.Errorf("%s runs, want %s", running, image)
	}
	if out := s.sh(`penstock image gate "$image" --env prod`, sealed...); !strings.Contains(out, "deployed to pprd") {
		s.Errorf("pprd attested nothing: %s", out)
	}
	if r = s.report(s.sh(deploy, sealed...), ""); verdicts(r) != passed {
		s.Errorf("again: %s", verdicts(r))
	}
}

const passed = "image pass, service-iam pass, service-iac pass, helm-values pass, helm-deploy pass, image-attest pass"

// A deploy that is asked to stop says how far it came; one that is killed in an apply is
// recovered; after each the next ends well.
func (s *site) cut(image string) {
	hold, holding := filepath.Join(s.parameters, "hold"), filepath.Join(s.parameters, "holding")
	s.sh("penstock capsule keygen --out ../../signing.pem")
	line := "exec penstock service-deploy --json --env dvlp " + bundles + " --image " + image
	begin := func() (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
		write(s.T, hold, "")
		_ = os.Remove(holding)
		var out, complaints bytes.Buffer
		cmd := s.command(line)
		cmd.Stdout, cmd.Stderr = &out, &complaints
		if err := cmd.Start(); err != nil {
			s.Fatal(err)
		}
		s.Cleanup(func() { _ = os.Remove(hold); _ = cmd.Process.Kill() })
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			if _, err := os.Stat(holding); err == nil {
				return cmd, &out, &complaints
			}
			if time.Now().After(deadline) {
				s.Fatalf("service-iac is not applied:\n%s", complaints.String())
			}
		}
	}
	cmd, out, complaints := begin()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		s.Fatal(err)
	}
	_ = cmd.Wait()
	r := s.report(out.String(), complaints.String())
	if code := cmd.ProcessState.ExitCode(); code != 3 || verdicts(r) != "image pass, service-iam pass, service-iac not_run; skipped: helm-values, helm-deploy, image-attest" {
		s.Errorf("asked to stop: exit %d, %s\n%s%s", code, verdicts(r), out, complaints)
	}
	if last := r.Results[len(r.Results)-1]; !strings.Contains(last.Reason, "a part of the changes may have been made") || last.Hint == "" {
		s.Errorf("asked to stop, it says %q, hint: %q", last.Reason, last.Hint)
	}
	const recover = "penstock service-iac recover --env dvlp " + bundles
	s.sh(recover)

	cmd, _, _ = begin()
	apply := s.sh(fmt.Sprintf("ps -o pid= --ppid %d", cmd.Process.Pid))
	_ = cmd.Process.Kill() // first, or it would tell of the end of its part
	_ = cmd.Wait()
	s.sh("kill -9 " + strings.TrimSpace(apply))
	code, said, complained := s.try(recover + " --end")
	if code != 1 || !strings.Contains(said, "the lock of the state is released; the lease of") || !strings.Contains(said, "terraform_data.held: whether it was made is not known") {
		s.Fatalf("recover: exit %d\n%s%s", code, said, complained)
	}
	if err := os.Remove(hold); err != nil {
		s.Fatal(err)
	}
	if r := s.report(s.sh(line+" --key ../../signing.pem"), ""); verdicts(r) != passed {
		s.Errorf("after recover: %s", verdicts(r))
	}
}
