package redact

import (
	_ "embed"
	"regexp"
	"strings"
)

//go:embed names.txt
var namesFile string

//go:embed harmless.txt
var harmlessFile string

//go:embed words.txt
var wordsFile string

var (
	nameWords       = wordSet(namesFile, strings.Fields)
	harmlessValues  = wordSet(harmlessFile, func(line string) []string { return []string{strings.TrimSpace(line)} })
	diagnosticWords = wordSet(wordsFile, strings.Fields)
)

func wordSet(file string, split func(string) []string) map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(file) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, word := range split(line) {
			if word != "" {
				set[strings.ToLower(word)] = true
			}
		}
	}
	return set
}

// isName tells whether a key is made of words that attributes are named by, such
// as "cidr_blocks" or "StringEquals".
func isName(key string) bool {
	words := strings.FieldsFunc(strings.ToLower(key), func(r rune) bool { return r == '_' || r == '-' })
	for _, word := range words {
		if !nameWords[word] {
			return false
		}
	}
	return len(words) > 0 && len(key) <= 60
}

// secretName are names whose values are secrets, whether the provider knows or not.
var secretName = regexp.MustCompile(`(?i)(passw(or)?d|passphrase|passwd|\bpwd\b|_pwd$|secret|token(_|$)|private_?key|api_?key|access_?key|credential|` +
	`connection_?string|auth_?key|shared_?key|signing_?key|encryption_?key$|_wo$|(^|_)dsn$|bearer|session_?key|license_?key|webhook_?url)`)

// aboutSecrets are endings of names that only speak about a secret.
var aboutSecrets = regexp.MustCompile(`(?i)(_arn|_arns|_id|_ids|_name|_names|_type|_version|_versions|_enabled|_length|_days|_seconds|_minutes|_hours|_count|` +
	`_policy|_size|_algorithm|_format|_period|_ttl|_rotation|_required|_validity|_units?|_spec|_usage|_in_use|_path|_ref|_expiration|_reset_required)$`)

// holdsSecret tells whether values of that name are withheld by the name alone.
func holdsSecret(name string) bool {
	return secretName.MatchString(name) && !aboutSecrets.MatchString(name)
}

// scripts are attributes that hold programs, which hold anything.
var scripts = map[string]bool{"user_data": true, "user_data_base64": true, "custom_data": true, "startup_script": true,
	"metadata_startup_script": true, "content_base64": true, "cloud_config": true, "cloud_init": true, "bootstrap_script": true,
	"binary_data": true, "userdata": true, "init_script": true, "shutdown_script": true}

// secretLooks are forms that secrets have whatever they are called.
var secretLooks = regexp.MustCompile(`-----BEGIN|\b(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}|\bgh[pousr]_\w{16,}|\bgithub_pat_|\bglpat-|\bxox[abeoprs]-|` +
	`\beyJ[\w-]{8,}|\bsk_(live|test)_|\bAIza[\w-]{20,}|\bSG\.[\w-]{10,}|\bhv[sb]\.\w{10,}|\b(npm|pypi)_?[-\w]{30,}|` +
	`://[^/\s:@]+:[^/\s@]+@|\$[0-9][a-z]?\$|` +
	`(?i:passw(or)?d|passphrase|secret|token|api_?key|access_?key|private_?key|credentials?|authorization|bearer)["']?\s*[=:]\s*["']?[^\s"',;]{3,}`)

var longToken = regexp.MustCompile(`[A-Za-z0-9+=]{20,}`)

// looksSecret tells whether a text has the form of a secret, or holds one.
func looksSecret(s string) bool {
	if secretLooks.MatchString(s) {
		return true
	}
	for _, token := range longToken.FindAllString(s, -1) {
		if random(token) {
			return true
		}
	}
	return false
}

// random tells whether a run of characters looks made by a machine: digits and
// letters of both cases in no order, or letters and digits over a length that
// names seldom have. Words in camel case change their case less often.
func random(token string) bool {
	class := func(c byte) int {
		switch {
		case c >= '0' && c <= '9':
			return 0
		case c >= 'A' && c <= 'Z':
			return 1
		}
		return 2
	}
	var of [3]int
	changes := 0
	for i := range len(token) {
		of[class(token[i])]++
		if i > 0 && class(token[i]) != class(token[i-1]) {
			changes++
		}
	}
	mixed := of[0] > 0 && of[1] > 0 && of[2] > 0
	return mixed && changes*5 >= len(token)*2 || len(token) >= 32 && of[0] > 3 && of[1]+of[2] > 3
}
