package terratest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// prepareEnvironment is what every process of the run has in its environment: what we
// have, without what is secret of ours, and the contract with the tests.
func (s *session) prepareEnvironment() error {
	ttl := s.expires.UTC().Format(time.RFC3339)
	var env []string
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); !ours(name) && name != "PATH" {
			env = append(env, pair)
		}
	}
	env = append(env, "PENSTOCK_RUN="+s.id, "PENSTOCK_TTL="+ttl, "PENSTOCK_STATES="+s.States,
		"PENSTOCK_SOFT="+s.started.Add(s.soft).UTC().Format(time.RFC3339),
		"TF_VAR_penstock_run="+s.id, "TF_VAR_penstock_ttl="+ttl,
		"TF_AWS_DEFAULT_TAGS_penstock:run="+s.id, "TF_AWS_DEFAULT_TAGS_penstock:ttl="+ttl,
		"TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1")
	stand, err := s.standIn()
	if err != nil {
		return err
	}
	env = append(env, stand...)
	if s.Mirror != "" {
		file, err := s.mirrorConfig()
		if err != nil {
			return err
		}
		env = append(env, "TF_CLI_CONFIG_FILE="+file)
	}
	s.shared, s.scrub = env, scrubber(env)
	return nil
}

// mirrorConfig writes the CLI configuration by which providers come from the mirror only.
func (s *session) mirrorConfig() (string, error) {
	mirror, err := filepath.Abs(s.Mirror)
	if err == nil {
		_, err = os.Stat(mirror)
	}
	if err != nil {
		return "", fmt.Errorf("reading the provider mirror: %w", err)
	}
	if strings.ContainsAny(mirror, "\"\\\n\r${}") {
		return "", fmt.Errorf("naming the provider mirror %q: the path has a character that the CLI configuration cannot hold", mirror)
	}
	file := filepath.Join(s.temp, "terraform.rc")
	text := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = \"%s\"\n  }\n}\n", mirror)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("writing the CLI configuration: %w", err)
	}
	return file, nil
}

// contract are the variables by which a run speaks to its tests: those of an outer run
// are not ours.
var contract = []string{"PENSTOCK_RUN", "PENSTOCK_TTL", "PENSTOCK_STATES", "PENSTOCK_CASE", "PENSTOCK_SOFT", "PENSTOCK_TERRAFORM",
	"TF_VAR_penstock_run", "TF_VAR_penstock_ttl", "TF_AWS_DEFAULT_TAGS_penstock:run", "TF_AWS_DEFAULT_TAGS_penstock:ttl"}

// ours says whether a variable is not for tests: a secret of the pipeline, or of an
// outer run. Credentials of providers stay.
func ours(name string) bool {
	return name == "GITHUB_TOKEN" || name == "GH_TOKEN" || strings.HasPrefix(name, "ACTIONS_") ||
		strings.HasPrefix(name, "PENSTOCK_") && strings.HasSuffix(name, "_KEY") || slices.Contains(contract, name)
}

// environment is that of one process: PENSTOCK_CASE names its case where it has one only,
// else its unit.
func (s *session) environment(unit string, names []string) []string {
	name := unit
	if len(names) == 1 {
		name += ":" + names[0]
	}
	return append(slices.Clone(s.shared), "PENSTOCK_CASE="+name)
}

// credential says whether the value of a variable is a secret, by its name.
var credential = regexp.MustCompile(`(?i)(SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|PRIVATE_KEY|API_?KEY|ACCESS_KEY)`)

// scrubber takes the values of the credentials in the environment of the tests out of what
// they print: tests may keep their credentials, logs may not.
func scrubber(env []string) *strings.Replacer {
	var pairs []string
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		for _, line := range strings.Split(value, "\n") { // what is printed comes line by line
			const least = 8 // a shorter one would be found in much else
			if line = strings.TrimSpace(line); len(line) >= least && credential.MatchString(name) && !strings.HasPrefix(line, "/") {
				pairs = append(pairs, line, "(value of "+name+")")
			}
		}
	}
	return strings.NewReplacer(pairs...)
}
