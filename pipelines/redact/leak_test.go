package redact_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/penstock-dev/penstock/pipelines/page"
	"github.com/penstock-dev/penstock/pipelines/redact"
)

// generated is how many plans are made; a tenth of them in a short run.
func generated() uint64 {
	if testing.Short() {
		return 50
	}
	return 500
}

// published is all that the public sees of a plan.
func published(t *testing.T, plan []byte, log string, o redact.Options) string {
	t.Helper()
	s, a, err := redact.Review(bytes.NewReader(plan), o)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := redact.Summarise(bytes.NewReader(plan), o)
	if err != nil {
		t.Fatal(err)
	}
	if string(jsonOf(t, alone)) != string(jsonOf(t, s)) {
		t.Fatal("Review and Summarise tell different things")
	}
	target := page.Target{Unit: "live/x", Environment: "dvlp", Outcome: page.Changes, Summary: &s, Risk: a, Errors: redact.Diagnostics(strings.NewReader(log), o)}
	var all strings.Builder
	for _, limit := range []int{page.SummaryLimit, page.CommentLimit, 5_000} {
		if err := page.Page(&all, []page.Target{target}, limit); err != nil {
			t.Fatal(err)
		}
	}
	for _, document := range []any{s, a, target.Errors} {
		all.Write(jsonOf(t, document))
	}
	return plain(all.String())
}

func jsonOf(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// plain undoes what Markdown's escapes hide from a search, not from a reader.
func plain(s string) string { return strings.ReplaceAll(html.UnescapeString(s), "\u200b", "") }

// forms are what a secret looks like, encoded: this is the test's own list.
func forms(s string) []string {
	list := []string{s, strings.TrimSpace(s)}
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); len(line) > 30 && !strings.HasPrefix(line, "---") {
			list = append(list, line)
		}
	}
	quoted := string(marshal(s))
	list = append(list, quoted[1:len(quoted)-1], url.QueryEscape(s), url.PathEscape(s), hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))), html.EscapeString(s))
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for shift := range 3 { // without the characters that depend on what stands around it
			text := encoding.EncodeToString(append(make([]byte, shift), s...))
			list = append(list, strings.TrimRight(text[[]int{0, 2, 3}[shift]:], "=")[:len(strings.TrimRight(text[[]int{0, 2, 3}[shift]:], "="))-1])
		}
	}
	return list
}

func seen(page string, secret string) bool {
	lower := strings.ToLower(page)
	return slices.ContainsFunc(forms(secret), func(form string) bool {
		return len(form) > 3 && (strings.Contains(page, form) || strings.Contains(lower, strings.ToLower(form)))
	})
}

// THE promise: nothing secret is published, and most of what is harmless is.
func TestNoPlantedSecretIsPublished(t *testing.T) {
	var secrets, leaked, harmless, shown int
	for seed := range generated() {
		p := generate(seed)
		literals, err := redact.ReadLiterals(p.files())
		if err != nil {
			t.Fatal(err)
		}
		got := published(t, p.plan(), p.log.String(), redact.Options{Literals: literals})
		for where, secret := range p.secrets {
			secrets++
			if seen(got, secret) {
				leaked++
				t.Errorf("seed %d: the secret of %s is published: %q", seed, where, secret)
			}
		}
		for _, text := range p.harmless {
			harmless++
			if strings.Contains(got, text) {
				shown++
			} else if seed < 20 {
				t.Logf("seed %d: harmless but not shown: %q", seed, text)
			}
		}
		if leaked > 20 {
			t.FailNow()
		}
	}
	t.Logf("%d plans: %d of %d secrets published, %d of %d harmless literals shown (%.1f %%)", generated(), leaked, secrets, shown, harmless, 100*float64(shown)/float64(harmless))
	if shown*100 < harmless*90 {
		t.Errorf("%d of %d harmless literals are shown", shown, harmless)
	}
	if secrets < 10*int(generated()) || harmless < 10*int(generated()) {
		t.Errorf("only %d secrets and %d literals were planted", secrets, harmless)
	}
}

// everything is code that has all strings of a plan as literals: then only marks
// and look-ups protect.
func everything(t *testing.T, plan []byte, more ...string) redact.Literals {
	t.Helper()
	var document any
	if err := json.Unmarshal(plan, &document); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	n := 0
	say := func(text string) {
		n++
		fmt.Fprintf(&b, "locals { t%d = %s }\n", n, quote(text))
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			say(v)
			var inner any
			if json.Unmarshal([]byte(v), &inner) == nil {
				walk(inner)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for key, e := range v {
				say(key)
				walk(e)
			}
		}
	}
	walk(document)
	for _, text := range more {
		for word := range strings.FieldsSeq(text) {
			say(strings.Trim(word, `"'(),:`))
		}
	}
	l, err := redact.ReadLiterals(fstest.MapFS{"all.tf": {Data: []byte(b.String())}}, []string{"all.tf"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// What is marked or looked up stays hidden even where the code has it in plain sight.
func TestMarksAndLookUpsProtectByThemselves(t *testing.T) {
	count := 0
	for seed := range uint64(60) {
		p := generate(seed)
		plan := p.plan()
		got := published(t, plan, "", redact.Options{Literals: everything(t, plan)})
		for where, secret := range p.secrets {
			protected := !p.computed[secret] && !strings.HasPrefix(where, "error/") && !strings.HasPrefix(where, "user-data/")
			if !protected {
				continue
			}
			if count++; seen(got, secret) {
				t.Errorf("seed %d: the secret of %s is published: %q", seed, where, secret)
			}
		}
	}
	t.Logf("%d secrets that stand in the code as well", count)
}

// The search above can find: without marks, with everything in the code, secrets
// are published, from every place where they were planted but those that are
// hidden by their looks or kind whatever is known of them.
func TestTheSearchFindsWhatIsNotMasked(t *testing.T) {
	found, total := map[string]int{}, map[string]int{}
	for seed := range uint64(60) {
		p := generate(seed)
		p.data = nil // nothing was looked up
		plan := unmarked(t, p.plan())
		got := published(t, plan, p.log.String(), redact.Options{Literals: everything(t, plan, p.log.String())})
		for where, secret := range p.secrets {
			place, _, _ := strings.Cut(where, "/")
			total[place]++
			if seen(got, secret) {
				found[place]++
			}
		}
	}
	for _, place := range []string{"variable", "data", "data-sensitive", "nested-json", "encoded", "module-input", "set", "list-of-objects", "map-key", "map-key-looked-up", "output",
		"computed", "drift", "instance-key", "error"} {
		if found[place] == 0 {
			t.Errorf("of %d secrets of %s none is found even without masking: the search is blind", total[place], place)
		}
	}
	t.Logf("found without masking: %v of %v", found, total)
}

// unmarked takes every mark out of a plan.
func unmarked(t *testing.T, plan []byte) []byte {
	t.Helper()
	var document any
	if err := json.Unmarshal(plan, &document); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for key, e := range v {
				if key == "before_sensitive" || key == "after_sensitive" || key == "sensitive" || key == "sensitive_values" {
					delete(v, key)
					continue
				}
				walk(e)
			}
		}
	}
	walk(document)
	return marshal(document)
}
