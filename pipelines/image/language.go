package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// language is how one language tests itself.
type language struct {
	name string
	// files in the service's directory that say it.
	files []string
	// variables of the caller that its programs are given, beside those of everybody.
	variables []string
	command   func(ctx context.Context, dir, out string) ([]string, error)
	// extra are variables that make it write its results where they are looked for.
	extra func(out string) []string
	read  func(run) (tests, error)
}

func none(string) []string { return nil }

var languages = []language{
	{"go", []string{"go.mod"}, []string{"GO*", "CGO_*", "CC", "CXX"}, goCommand, none, readGo},
	{"node", []string{"package.json"}, []string{"NODE_*", "npm_config_*", "NPM_CONFIG_*"}, nodeCommand, nodeExtra, readJUnit("junit.xml")},
	{"python", []string{"pyproject.toml", "setup.py", "setup.cfg", "requirements.txt"}, []string{"PYTHON*", "VIRTUAL_ENV", "PIP_*"}, pythonCommand, none, readPython},
	{"maven", []string{"pom.xml"}, []string{"JAVA_*", "MAVEN_*", "M2_HOME"}, mavenCommand, none, readJVM("target/surefire-reports", "target/site/jacoco/jacoco.xml")},
	{"gradle", []string{"build.gradle", "build.gradle.kts"}, []string{"JAVA_*", "GRADLE_*"}, gradleCommand, none, readJVM("build/test-results", "build/reports/jacoco/test/jacocoTestReport.xml")},
	{"rust", []string{"Cargo.toml"}, []string{"CARGO_*", "RUST*"}, rustCommand, none, readRust},
	{"dockerfile", nil, []string{"DOCKER_*", "BUILDX_*", "BUILDKIT_*", "CONTAINER_*", "CONTAINERS_*"}, dockerfileCommand, none, readExit},
}

// Languages are the names that Language and image.language of penstock.yaml take.
func Languages() []string {
	var names []string
	for _, l := range languages {
		names = append(names, l.name)
	}
	return names
}

const hintLanguage = "name it: image.language in penstock.yaml, or --language"

// detect finds the language by the files at the top of the directory. A stage `test` of
// the Dockerfile counts where there is no file of a language.
func detect(dir, named string) (language, error) {
	if named != "" {
		i := slices.IndexFunc(languages, func(l language) bool { return l.name == named })
		if i < 0 {
			return language{}, &pipelines.Error{Err: fmt.Errorf("there is no language %q, there are %s", named, strings.Join(Languages(), ", ")), Hint: hintLanguage}
		}
		return languages[i], nil
	}
	var found []language
	for _, l := range languages {
		if slices.ContainsFunc(l.files, func(name string) bool { return isFile(filepath.Join(dir, name)) }) {
			found = append(found, l)
		}
	}
	if len(found) == 0 && hasTestStage(dir) {
		return languages[len(languages)-1], nil
	}
	switch len(found) {
	case 0:
		return language{}, &pipelines.Error{Err: errors.New("no language was detected, and the Dockerfile has no stage named test"),
			Hint: "add the stage: FROM build AS test; or " + hintLanguage}
	case 1:
		return found[0], nil
	}
	var names []string
	for _, l := range found {
		names = append(names, l.name)
	}
	return language{}, &pipelines.Error{Err: fmt.Errorf("more than one language was detected: %s", strings.Join(names, ", ")), Hint: hintLanguage}
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

var testStage = regexp.MustCompile(`(?im)^[ \t]*FROM[ \t]+.*[ \t]AS[ \t]+test[ \t]*\r?$`)

func hasTestStage(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	return err == nil && testStage.Match(text)
}

func nodeCommand(context.Context, string, string) ([]string, error) {
	return []string{"npm", "test"}, nil
}

// nodeExtra asks node's own runner, jest-junit and mocha-junit-reporter for JUnit.
func nodeExtra(out string) []string {
	file := filepath.Join(out, "junit.xml")
	env := []string{"JEST_JUNIT_OUTPUT_FILE=" + file, "MOCHA_FILE=" + file, "CI=1", "NO_COLOR=1"}
	if strings.ContainsAny(file, " \t\"") { // NODE_OPTIONS is taken apart at blanks
		return env
	}
	return append(env, "NODE_OPTIONS=--test-reporter=junit --test-reporter-destination="+file+" --test-reporter=spec --test-reporter-destination=stdout")
}

func mavenCommand(_ context.Context, dir, _ string) ([]string, error) {
	argv := []string{"mvn", "--batch-mode", "--no-transfer-progress", "test"}
	if isFile(filepath.Join(dir, "mvnw")) {
		argv[0] = filepath.Join(dir, "mvnw")
	}
	return argv, nil
}

func gradleCommand(_ context.Context, dir, _ string) ([]string, error) {
	argv := []string{"gradle", "--no-daemon", "--console=plain", "test"}
	if isFile(filepath.Join(dir, "gradlew")) {
		argv[0] = filepath.Join(dir, "gradlew")
	}
	return argv, nil
}

func rustCommand(context.Context, string, string) ([]string, error) {
	return []string{"cargo", "test", "--no-fail-fast", "--color", "never"}, nil
}

// dockerfileCommand builds the stage `test` and keeps nothing of it: its RUN is the test.
func dockerfileCommand(ctx context.Context, dir, _ string) ([]string, error) {
	b, err := findBuilder(ctx)
	if err != nil {
		return nil, err
	}
	switch b.name {
	case "podman":
		return []string{"podman", "build", "--target", "test", dir}, nil
	case "buildctl":
		return []string{"buildctl", "build", "--progress=plain", "--frontend", "dockerfile.v0", "--local", "context=" + dir, "--local", "dockerfile=" + dir, "--opt", "target=test"}, nil
	}
	return []string{"docker", "buildx", "build", "--progress=plain", "--target", "test", "--output", "type=cacheonly", dir}, nil
}
