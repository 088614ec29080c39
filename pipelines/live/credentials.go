package live

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// passed are the variables of our environment that reach terraform: credentials
// of clouds, and variables of the configuration. Nothing of ours is among them.
var passed = []string{"AWS_", "GOOGLE_", "CLOUDSDK_", "ARM_", "TF_VAR_", "KUBE_", "VAULT_", "DATADOG_", "DD_", "GITHUB_TOKEN=", "SSH_AUTH_SOCK="}

// session is how a target's provider logs in: with which role, in whose name.
type session struct {
	// role is assumed from what the environment holds; "" takes it as it is.
	role string
	// actor and change name the session in the cloud's records.
	actor, change string
	// token is a file with an OIDC token; "" uses the person's own session.
	token string
}

// environment returns the variables of a session. dir is private to the call and
// receives a configuration of AWS where a role is assumed from a person's session.
func (s session) environment(dir string) ([]string, error) {
	var env []string
	for _, pair := range os.Environ() {
		for _, prefix := range passed {
			if strings.HasPrefix(pair, prefix) {
				env = append(env, pair)
			}
		}
	}
	env = append(env, homeFiles()...)
	if s.role == "" {
		return env, nil
	}
	name := sessionName(s.actor, s.change)
	if s.token != "" {
		return append(env, "AWS_ROLE_ARN="+s.role, "AWS_WEB_IDENTITY_TOKEN_FILE="+s.token, "AWS_ROLE_SESSION_NAME="+name), nil
	}
	return chained(env, dir, s.role, name)
}

// chained assumes a role from the person's own session. The SDKs do that by
// themselves when a profile says so.
func chained(env []string, dir, role, name string) ([]string, error) {
	source := "credential_source = Environment"
	if os.Getenv("AWS_ACCESS_KEY_ID") == "" {
		profile := os.Getenv("AWS_PROFILE")
		if profile == "" {
			profile = "default"
		}
		source = "source_profile = " + profile
	}
	if strings.ContainsAny(role+source, "\n\r") {
		return nil, fmt.Errorf("assuming the role %q: it is no name of a role", role)
	}
	own, _ := os.ReadFile(valueOf(env, "AWS_CONFIG_FILE")) // without one, the profile stands alone
	text := string(own) + "\n[profile penstock]\nrole_arn = " + role + "\nrole_session_name = " + name + "\n" + source + "\n"
	file := filepath.Join(dir, "aws-config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("writing the configuration of AWS: %w", err)
	}
	return append(env, "AWS_CONFIG_FILE="+file, "AWS_PROFILE=penstock", "AWS_SDK_LOAD_CONFIG=1"), nil
}

// homeFiles point at what lies in the person's home, since terraform gets a home of
// its own.
func homeFiles() []string {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	var env []string
	for name, file := range map[string]string{"AWS_CONFIG_FILE": ".aws/config", "AWS_SHARED_CREDENTIALS_FILE": ".aws/credentials",
		"GIT_CONFIG_GLOBAL": ".gitconfig"} {
		path := filepath.Join(home, file)
		if set, said := os.LookupEnv(name); said {
			if name == "GIT_CONFIG_GLOBAL" {
				env = append(env, name+"="+set)
			}
		} else if _, err := os.Stat(path); err == nil {
			env = append(env, name+"="+path)
		}
	}
	return env
}

func valueOf(env []string, name string) string {
	value := ""
	for _, pair := range env {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			value = v
		}
	}
	return value
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9+=,.@-]+`)

// sessionName fits what AWS takes: 2 to 64 of some characters.
func sessionName(actor, change string) string {
	name := strings.Trim(unfit.ReplaceAllString("penstock-"+actor+"-"+change, "-"), "-")
	return fmt.Sprintf("%.64s", name)
}
