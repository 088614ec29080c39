package values

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/bundle"
	"github.com/penstock-dev/penstock/pipelines/service"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const ordersYAML = `version: 1
live:
  environments: [{name: dvlp, gates: false}, {name: pprd}, {name: test}]
service:
  name: orders
  owner: team-shop
  namespace: shop
  image: registry.example.com/shop/orders
  secrets:
    API_TOKEN: {key: shop/orders/api}
    NO: {key: shop/orders/db, property: "pass word"}
  environments:
    - {name: dvlp, account: "111111111111", region: eu-west-1, cluster: {oidc_provider: oidc.example.com/id/1}}
    - {name: pprd, account: "111111111111", region: eu-west-1, cluster: {name: main, identity: pod-identity}}
    - name: test
      account: "111111111111"
      region: eu-west-1
      opt_out:
        - {part: service-iac, reason: by hand, owner: ines, expires: "2999-01-31"}
`

const ordersTfvars = `sqs_queues = {
  orders     = { access = ["consume"] }
  "old.mail" = {}
}
rds_clusters = {
  main = { engine_version = "16.4", database = "orders", deletion_protection = true }
}
`

// secretValue is in no output, whatever goes wrong.
const secretValue = "hunter2-and-more"

// orders is a service repository with files on top of the usual ones; "" takes one away.
func orders(t *testing.T, environment string, files map[string]string) Generate {
	t.Helper()
	root := t.TempDir()
	all := map[string]string{"penstock.yaml": ordersYAML, "service.tfvars": ordersTfvars, "helm_values.yaml": "port: 8080\nconfig: {LEVEL: info}\n"}
	for name, content := range files {
		all[name] = content
	}
	for name, content := range all {
		if content == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := service.Open(t.Context(), root, environment, "", time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(t.Context(), "../../bundle")
	if err != nil {
		t.Fatal(err)
	}
	return Generate{Service: s, Bundle: b, Open: func(context.Context) (Parameters, error) {
		return nil, errors.New("nothing is to be looked up")
	}}
}

// directory holds parameters and secrets by name.
func directory(t *testing.T, parameters map[string]string, secrets ...string) Directory {
	t.Helper()
	dir := t.TempDir()
	for name, value := range parameters {
		put(t, filepath.Join(dir, name), value)
	}
	for _, key := range secrets {
		put(t, filepath.Join(dir, "secrets", key), secretValue)
	}
	return Directory(dir)
}

func put(t *testing.T, name, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// dvlp are all parameters of the service.
func dvlp() map[string]string {
	return map[string]string{
		"/dvlp/orders/iam/role/arn":                        "arn:aws:iam::111111111111:role/penstock/dvlp-orders\n",
		"/dvlp/orders/sqs_queues/orders/url":               "https://sqs.eu-west-1.amazonaws.com/111111111111/dvlp-orders-orders",
		"/dvlp/orders/sqs_queues/orders/arn":               "0123",
		"/dvlp/orders/sqs_queues/orders/dead_letter_url":   "true",
		"/dvlp/orders/sqs_queues/old.mail/url":             "line one\n  line: \"two\" # ' no comment\n",
		"/dvlp/orders/sqs_queues/old.mail/arn":             "",
		"/dvlp/orders/sqs_queues/old.mail/dead_letter_url": "2026-01-01",
		"/dvlp/orders/rds_clusters/main/endpoint":          "main.cluster-1.eu-west-1.rds.amazonaws.com",
		"/dvlp/orders/rds_clusters/main/reader_endpoint":   "{{ .Values.x }} ${y} &a *b !c",
		"/dvlp/orders/rds_clusters/main/port":              "5432",
		"/dvlp/orders/rds_clusters/main/database":          "orders",
		"/dvlp/orders/rds_clusters/main/secret_arn":        "arn:aws:secretsmanager:eu-west-1:111111111111:secret:rds!cluster-1-AbCdEf",
	}
}

func from(p Parameters) func(context.Context) (Parameters, error) {
	return func(context.Context) (Parameters, error) { return p, nil }
}

// do generates, and says what came of it in one text.
func do(t *testing.T, g Generate) (*Outcome, string) {
	t.Helper()
	o, err := g.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o, said(o.Report)
}

func said(r *pipelines.Report) string {
	var b strings.Builder
	for _, result := range r.Results {
		b.WriteString(string(result.Verdict) + " " + result.Reason + " | " + result.Hint + "\n")
		for _, f := range result.Findings {
			b.WriteString((&pipelines.Error{Position: f.Position, Err: errors.New(f.Message)}).Error() + " [" + f.Rule + "] | " + f.Hint + "\n")
		}
	}
	for _, n := range r.Notices {
		b.WriteString("notice: " + n.Message + "\n")
	}
	if strings.Contains(b.String(), secretValue) {
		b.WriteString("A SECRET IS SHOWN")
	}
	return b.String()
}

func generated(t *testing.T, g Generate) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(g.Service.Root, Generated))
	if err != nil {
		return ""
	}
	return string(content)
}

func TestGeneratedFile(t *testing.T) {
	for _, environment := range []string{"dvlp", "test"} {
		g := orders(t, environment, nil)
		g.Open = from(directory(t, map[string]string{"/test/orders/iam/role/arn": "arn:aws:iam::111111111111:role/r"}, "shop/orders/api", "shop/orders/db"))
		if environment == "dvlp" {
			g.Open, g.Image = from(directory(t, dvlp(), "shop/orders/api", "shop/orders/db")), "sha256:"+strings.Repeat("ab", 32)
		}
		o, text := do(t, g)
		if o.Report.Verdict != pipelines.Pass {
			t.Fatalf("%s: %s", environment, text)
		}
		got, golden := generated(t, g), "testdata/"+environment+".yaml"
		if *update {
			put(t, golden, got)
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", environment, got, want)
		}
		again := g
		if _, text = do(t, again); generated(t, again) != got {
			t.Errorf("other bytes for the same values: %s", text)
		}
		if strings.Contains(got, secretValue) {
			t.Error("a secret was written")
		}
	}
}

func TestEverythingMissingIsSaidAtOnce(t *testing.T) {
	g := orders(t, "dvlp", nil)
	old := filepath.Join(g.Service.Root, Generated)
	put(t, old, "before")
	g.Open = from(directory(t, map[string]string{"/dvlp/orders/sqs_queues/orders/url": "x"}, "shop/orders/api"))
	o, text := do(t, g)
	for _, want := range []string{
		`there is no parameter "/dvlp/orders/iam/role/arn", which service-iam writes [missing-parameter] | penstock service-iam apply --env dvlp`,
		`service.tfvars:2:18: there is no parameter "/dvlp/orders/sqs_queues/orders/arn", which service-iac writes [missing-parameter] | penstock service-iac apply --env dvlp`,
		`"/dvlp/orders/sqs_queues/orders/dead_letter_url"`, `"/dvlp/orders/sqs_queues/old.mail/url"`, `"/dvlp/orders/sqs_queues/old.mail/arn"`,
		`"/dvlp/orders/sqs_queues/old.mail/dead_letter_url"`, `"/dvlp/orders/rds_clusters/main/endpoint"`, `"/dvlp/orders/rds_clusters/main/secret_arn"`,
		`penstock.yaml:11:5: there is no secret "shop/orders/db", which NO is to be [missing-secret]`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nis not said:\n%s", want, text)
		}
	}
	if n := len(o.Report.Results[0].Findings); n != 12 || o.Report.Verdict != pipelines.Fail || o.File != "" {
		t.Errorf("%d findings, %s, written to %q", n, o.Report.Verdict, o.File)
	}
	if generated(t, g) != "before" {
		t.Error("a file was written, though something is missing")
	}
}

func TestIdentitiesAndWhatIsLeftOut(t *testing.T) {
	pprd := map[string]string{}
	for name, value := range dvlp() {
		pprd[strings.Replace(name, "/dvlp/", "/pprd/", 1)] = value
	}
	g := orders(t, "pprd", nil)
	g.Open = from(directory(t, pprd, "shop/orders/api", "shop/orders/db"))
	o, text := do(t, g)
	if o.Report.Verdict != pipelines.Pass || strings.Contains(generated(t, g), "role-arn") {
		t.Errorf("with Pod Identity an annotation would win over the association: %s\n%s", text, generated(t, g))
	}
	g = orders(t, "test", nil)
	g.Open = from(directory(t, map[string]string{"/test/orders/iam/role/arn": "arn"}, "shop/orders/api", "shop/orders/db"))
	if o, text = do(t, g); o.Report.Verdict != pipelines.Pass || !strings.Contains(text, "service-iac is left out") || len(o.Report.Notices) < 2 {
		t.Errorf("an opt-out is to be said: %s", text)
	}
	g = orders(t, "test", map[string]string{"penstock.yaml": strings.Replace(ordersYAML, "part: service-iac", "part: helm-values", 1)})
	if o, text = do(t, g); o.Report.Verdict != pipelines.Waived || generated(t, g) != "" {
		t.Errorf("what is left out is waived: %s", text)
	}
}

func TestWhatTheChartDoesNotTake(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"misspelt":           {map[string]string{"helm_values.yaml": "port: 8080\nreplica: 3\n"}, `helm_values.yaml:2:1: the top has no key "replica" [schema]`},
		"number for text":    {map[string]string{"helm_values.yaml": "config:\n  LEVEL: 3\n"}, `helm_values.yaml:2:3: config.LEVEL is of the type number, allowed is string: write it in quotes [schema]`},
		"yes, as helm reads": {map[string]string{"dvlp-helm_values.yaml": "config:\n  DEBUG: yes\n"}, `dvlp-helm_values.yaml:2:10: the value yes is a boolean to helm and text to others [values-file]`},
		"by the environment": {map[string]string{"helm_values.yaml": "port: 8080\n", "dvlp-helm_values.yaml": "port: http\n"}, `dvlp-helm_values.yaml:1:1: port is of the type string`},
		"a default":          {map[string]string{"helm_values.yaml": "migration:\n  enabled: true\n"}, `helm_values.yaml:1:1: migration.command is not of the form that is allowed (minItems), as bundle:charts/http-service/values.yaml:`},
		"no image":           {map[string]string{"penstock.yaml": strings.Replace(ordersYAML, "  image: registry.example.com/shop/orders\n", "", 1)}, `penstock.yaml:4:1: nothing says which image is released [image] | set service.image`},
		"no such chart":      {map[string]string{"penstock.yaml": strings.Replace(ordersYAML, "  secrets:", "  chart: {name: htp-service}\n  secrets:", 1)}, `the bundle has no chart "htp-service" [chart] | it has`},
		"no file":            {map[string]string{"helm_values.yaml": ""}, `helm_values.yaml: there is no such file [values-file] | write it, though it be empty`},
		"not UTF-8":          {map[string]string{"helm_values.yaml": "port: 8080\nx: \xff\n"}, `helm_values.yaml:2:1: it is not UTF-8`},
		"anchors":            {map[string]string{"helm_values.yaml": "a: &a {}\nb: *a\n"}, `helm_values.yaml:1:4: anchors and aliases are not allowed`},
		"merges":             {map[string]string{"helm_values.yaml": "a: {}\n<<: {b: 1}\n"}, `are not allowed`},
		"tags":               {map[string]string{"helm_values.yaml": "a: !!str 3\n"}, `tags are not allowed`},
		"twice":              {map[string]string{"helm_values.yaml": "port: 1\nport: 2\n"}, `helm_values.yaml:2:1: mapping key "port" already defined`},
		"two documents":      {map[string]string{"helm_values.yaml": "port: 1\n---\nport: 2\n"}, `helm_values.yaml:3:1: it holds more than one document`},
		"broken":             {map[string]string{"helm_values.yaml": "port: [1\n"}, `[values-file]`},
		"deep":               {map[string]string{"helm_values.yaml": "a: " + strings.Repeat("[", 5000) + "\n"}, `nested more than`},
		"a list":             {map[string]string{"helm_values.yaml": "- a\n"}, `[values-file]`},
	} {
		t.Run(name, func(t *testing.T) {
			g := orders(t, "dvlp", test.files)
			g.Open = from(directory(t, dvlp(), "shop/orders/api", "shop/orders/db"))
			o, text := do(t, g)
			if !strings.Contains(text, test.want) || o.Report.Verdict != pipelines.Fail || generated(t, g) != "" {
				t.Errorf("want %s, got %s%s", test.want, text, generated(t, g))
			}
		})
	}
}

func TestNamesThatMeet(t *testing.T) {
	values := dvlp()
	for name, value := range dvlp() {
		values[strings.Replace(name, "/old.mail/", "/old-mail/", 1)] = value
	}
	g := orders(t, "dvlp", map[string]string{"service.tfvars": "sqs_queues = {\n  \"old.mail\" = {access = []}\n  old-mail = {access = []}\n}\n",
		"penstock.yaml": strings.Replace(ordersYAML, "API_TOKEN", "SQS_OLD_MAIL_URL", 1)})
	g.Open = from(directory(t, values, "shop/orders/api", "shop/orders/db"))
	o, text := do(t, g)
	if o.Report.Verdict != pipelines.Fail || strings.Count(text, "[one-source]") != 4 || generated(t, g) != "" {
		t.Errorf("got %s", text)
	}
	g = orders(t, "dvlp", map[string]string{"helm_values.yaml": "config:\n  SQS_ORDERS_URL: mine\n"})
	g.Open = from(directory(t, dvlp(), "shop/orders/api", "shop/orders/db"))
	if o, text = do(t, g); o.Report.Verdict != pipelines.Pass || !strings.Contains(text, "helm_values.yaml:2: config.SQS_ORDERS_URL is not used") {
		t.Errorf("a value that loses is to be said: %s", text)
	}
}

func TestAFileIsReplacedWhole(t *testing.T) {
	g := orders(t, "dvlp", nil)
	g.Open = from(directory(t, dvlp(), "shop/orders/api", "shop/orders/db"))
	g.Out = filepath.Join(t.TempDir(), "there", "values.yaml")
	o, text := do(t, g)
	if o.Report.Verdict != pipelines.NotRun || o.File != "" {
		t.Errorf("a directory that is not there: %s", text)
	}
	put(t, g.Out, "before")
	held, err := os.Open(g.Out) // whoever reads the old one goes on reading it whole
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if o, text = do(t, g); o.Report.Verdict != pipelines.Pass {
		t.Fatal(text)
	}
	before := make([]byte, 20)
	n, _ := held.Read(before)
	entries, err := os.ReadDir(filepath.Dir(g.Out))
	if string(before[:n]) != "before" || len(entries) != 1 || err != nil {
		t.Errorf("read %q, %d files, %v", before[:n], len(entries), err)
	}
}
