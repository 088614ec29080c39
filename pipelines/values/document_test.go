package values

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	yaml3 "go.yaml.in/yaml/v3"
	helmyaml "sigs.k8s.io/yaml"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/valuesfile"
)

// odd texts: what YAML 1.1 or 1.2 takes for something else, and what breaks a line, a
// comment, a template or a quote.
var oddTexts = []string{"", " ", "  x  ", "true", "False", "yes", "NO", "on", "y", "~", "null", "Null", "0", "-0", "007", "0o7", "0x1F", "1_000", "1e3", ".5", ".inf", ".NaN",
	"12:30:45", "2026-01-01", "2026-01-01T00:00:00Z", "<<", "=", "!!str x", "&a", "*a", "- a", "? a", ": ", "a: b", "#", "a # b", "%YAML 1.1", "---", "...", "'", `"`, `\`, `\n`, "`", "@",
	"{{ .Values.x }}", "${HOME}", "$(x)", "\n", "\r", "\r\n", "\t", "a\nb", "a\n", "\na", " \n ", "\u0085", "\u2028", "\u2029", "\ufeff", "\u00a0", "\u200b", "\x01", "\x1b[31m", "\x7f", "\u0080",
	"\ufffd", "\ufffe", "\uffff", "\U0001f600", "\U0010ffff", "\ue000", "ä", "日本", "[", "]", "{", "}", ",", "|", ">", "|-\n x", strings.Repeat("long ", 400)}

// What is rendered is read back the same: by the YAML 1.2 of our own readers, by that
// of others, and as helm reads it.
func TestWhatIsRenderedIsReadBack(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	count := 0
	for round := range 3000 {
		entries, want := []Entry{}, map[string]any{}
		config, secrets := map[string]any{}, map[string]any{}
		for i := range 1 + random.IntN(6) {
			value := oddText(random, round)
			variable := []string{"SQS_A", "NO", "Y", "_", "ON", "RDS_MAIN_PORT", "NULL"}[i]
			config[variable] = value
			entries = append(entries, configured(variable, "/a/b", value, pipelines.Position{}))
			count++
			key, property := "k"+oddText(random, round), oddText(random, round)
			e := secret(variable, "/a/b", Reference{Store: SecretStore, Key: key, Property: property}, pipelines.Position{})
			secrets[variable] = e.reference()
			entries = append(entries, e)
		}
		want["config"], want["secrets"] = config, secrets
		rendered := render([]string{"Generated."}, entries)
		for name, read := range map[string]func([]byte, any) error{
			"goccy": func(b []byte, v any) error { return yaml.Unmarshal(b, v) },
			"yaml3": yaml3.Unmarshal,
			"helm":  func(b []byte, v any) error { return helmyaml.UnmarshalStrict(b, v) },
		} {
			var got map[string]any
			if err := read(rendered, &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s reads %v, %q of %q\n%s", name, err, got, want, rendered)
			}
		}
		if l, err := valuesfile.Parse("x", rendered); err != nil || !reflect.DeepEqual(l.Values, want) {
			t.Fatalf("we read %v, %q of\n%s", err, l.Values, rendered)
		}
	}
	if count < 9000 {
		t.Errorf("%d values are too few to say anything", count)
	}
}

// oddText is one of the odd ones, or some of their characters, or any characters.
func oddText(random *rand.Rand, round int) string {
	if round < len(oddTexts) {
		return oddTexts[round]
	}
	var b strings.Builder
	for range random.IntN(12) {
		if random.IntN(2) == 0 {
			b.WriteString(oddTexts[random.IntN(len(oddTexts)-1)])
			continue
		}
		r := rune(random.IntN(utf8.MaxRune))
		if random.IntN(2) == 0 {
			r = rune(1 + random.IntN(0x2fff))
		}
		if utf8.ValidRune(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func TestNoEntries(t *testing.T) {
	l, err := valuesfile.Parse("x", render([]string{"Generated."}, nil))
	if err != nil || len(l.Values) != 0 {
		t.Errorf("got %v, %v", l.Values, err)
	}
}

func TestPlainRefusesWhatNoVariableHolds(t *testing.T) {
	for value, want := range map[string]string{
		secretValue + "\xff":                        "it is not UTF-8",
		secretValue + "\x00":                        "it holds a NUL",
		secretValue + strings.Repeat("x", maxValue): "it is over 8192 bytes",
		"x": "",
	} {
		err := plain("/a/b", value)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secretValue)) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
