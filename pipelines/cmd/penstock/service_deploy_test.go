package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The example goes from its source to a release, with the bundle's charts, a real API
// server, a real registry and roots that need no provider.
func TestExampleServiceIsReleased(t *testing.T) {
	l := newLab(t)
	s := l.newSite(t, true)
	image := s.firstHour()
	t.Run("gates", func(t *testing.T) { s.T = t; s.gates(image) })
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
		out := s.sh(line, "image="+image[1])
		for _, want := range [][]string{{"sqs_queues.orders.retention", "dvlp-iac.tfvars:3"}, {"applied sha256:"}, {"nothing"}, {"config.SQS_ORDERS_URL: generated_helm_values.yaml"}}[i] {
			if !strings.Contains(out, want) {
				s.Errorf("%s does not say %q:\n%s", line, want, out)
			}
		}
		if i == 1 || i == 2 {
			if running, revision := s.released(); running != image[1] || revision != "1" {
				s.Errorf("%s runs at revision %s, want %s at 1", running, revision, image[1])
			}
		}
	}
	text, err := os.ReadFile(s.root + "/generated_helm_values.yaml")
	if err != nil || !strings.Contains(string(text), "role/penstock/dvlp-orders") {
		s.Errorf("what was generated: %v\n%s", err, text)
	}
	return image[1]
}

func (s *site) gates(image string) {
	code, r := s.deploy("pprd", strings.Replace(image, image[len(image)-4:], "0000", 1))
	s.Logf("%d %s", code, verdicts(r))
}
