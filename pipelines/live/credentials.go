package live

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/store"
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

// login is what a session comes to: the variables for terraform, and the profile
// by which we reach the same cloud ourselves.
type login struct {
	env     []string
	profile store.Profile
}

// login prepares a session. dir is private to the call and receives a
// configuration of AWS where a role is assumed: the SDKs do that by themselves.
func (s session) login(dir string) (login, error) {
	var l login
	for _, pair := range os.Environ() {
		for _, prefix := range passed {
			if strings.HasPrefix(pair, prefix) {
				l.env = append(l.env, pair)
			}
		}
	}
	l.env = append(l.env, homeFiles()...)
	if s.role == "" {
		return l, nil
	}
	text := "[profile penstock]\nrole_arn = " + s.role + "\nrole_session_name = " + sessionName(s.actor, s.change) + "\n" + s.source()
	if strings.ContainsAny(s.role+s.token, "\n\r") {
		return l, fmt.Errorf("assuming the role %q: it is no name of a role", s.role)
	}
	own, _ := os.ReadFile(valueOf(l.env, "AWS_CONFIG_FILE")) // without one, the profile stands alone
	l.profile = store.Profile{File: filepath.Join(dir, "aws-config"), Name: "penstock"}
	if err := os.WriteFile(l.profile.File, []byte(string(own)+"\n"+text), 0o600); err != nil {
		return l, fmt.Errorf("writing the configuration of AWS: %w", err)
	}
	l.env = slices.DeleteFunc(l.env, func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(keys, name)
	})
	l.env = append(l.env, "AWS_CONFIG_FILE="+l.profile.File, "AWS_PROFILE="+l.profile.Name, "AWS_SDK_LOAD_CONFIG=1")
	return l, nil
}

// keys are the variables of a session of AWS.
var keys = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

// source is where a role is assumed from: an OIDC token, or the person's own session.
func (s session) source() string {
	switch profile := os.Getenv("AWS_PROFILE"); {
	case s.token != "":
		return "web_identity_token_file = " + s.token + "\n"
	case os.Getenv("AWS_ACCESS_KEY_ID") != "":
		// As variables they would win over any profile.
		text := "source_profile = penstock-source\n[profile penstock-source]\n"
		for _, name := range keys {
			if value := os.Getenv(name); value != "" {
				text += strings.ToLower(name) + " = " + value + "\n"
			}
		}
		return text
	case profile != "":
		return "source_profile = " + profile + "\n"
	}
	return "source_profile = default\n"
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
