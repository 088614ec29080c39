package values

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smtypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// cloud is moto behind a proxy that counts, keeps what was asked, and can fail.
type cloud struct {
	*httptest.Server
	mutex sync.Mutex
	// calls are the operations, such as AmazonSSM.GetParameters, each with its body.
	calls []string
	// fail answers in place of moto; false lets the request through.
	fail func(operation string, count int, w http.ResponseWriter) bool
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	behind, err := url.Parse(storetest.NewS3(t).Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{}
	forward := httputil.NewSingleHostReverseProxy(behind)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		operation := r.Header.Get("X-Amz-Target")
		if operation == "" && strings.Contains(string(body), "Action=") {
			form, _ := url.ParseQuery(string(body))
			operation = form.Get("Action")
		}
		c.mutex.Lock()
		c.calls = append(c.calls, operation+" "+string(body))
		count, fail := len(c.calls), c.fail
		c.mutex.Unlock()
		if fail != nil && fail(operation, count, w) {
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	t.Setenv("AWS_ENDPOINT_URL", c.URL)
	t.Setenv("AWS_ENDPOINT_URL_STS", c.URL)
	return c
}

// fill writes parameters and secrets, and forgets that it did.
func (c *cloud) fill(t *testing.T, as store.Profile, parameters map[string]string, encrypted, secrets []string) {
	t.Helper()
	settings, err := Settings(t.Context(), "eu-west-1", as)
	if err != nil {
		t.Fatal(err)
	}
	writer := ssm.NewFromConfig(settings)
	put := func(name, value string, kind types.ParameterType) {
		if _, err := writer.PutParameter(t.Context(), &ssm.PutParameterInput{Name: &name, Value: &value, Type: kind, Overwrite: aws.Bool(true)}); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range parameters {
		put(name, value, types.ParameterTypeString)
	}
	for _, name := range encrypted {
		put(name, secretValue, types.ParameterTypeSecureString)
	}
	vault := secretsmanager.NewFromConfig(settings)
	for _, key := range secrets {
		var there *smtypes.ResourceExistsException // moto is that of all tests here
		if _, err := vault.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &key, SecretString: aws.String(secretValue)}); err != nil && !errors.As(err, &there) {
			t.Fatal(err)
		}
	}
	c.mutex.Lock()
	c.calls = nil
	c.mutex.Unlock()
}

func (c *cloud) count(operation string) (n int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, call := range c.calls {
		if strings.HasPrefix(call, operation+" ") {
			n++
		}
	}
	return n
}

// impatient is a client that waits for nothing and gives up after three attempts.
func impatient(t *testing.T) *AWS {
	t.Helper()
	settings, err := Settings(t.Context(), "eu-west-1", store.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	return newAWS(settings, func(o *retry.StandardOptions) {
		o.MaxAttempts = 3
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

func TestParametersOfAWS(t *testing.T) {
	c := newCloud(t)
	many, names := map[string]string{}, []string{}
	for i := range 23 {
		name := fmt.Sprintf("/dev/orders/sqs_queues/q%d/url", i)
		many[name] = fmt.Sprint("v", i)
		names = append(names, name)
	}
	c.fill(t, store.Profile{}, many, []string{"/dev/orders/sealed"}, []string{"aws/there", "aws/going"})
	a, err := NewAWS(t.Context(), "eu-west-1", store.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := a.Look(t.Context(), append(names, "/dev/orders/sealed", "/dev/orders/not-there"))
	if err != nil || len(found) != 24 || found[names[22]] != (Parameter{Value: "v22"}) || found["/dev/orders/sealed"] != (Parameter{Secret: true}) {
		t.Fatalf("got %d parameters, %v, %+v", len(found), err, found)
	}
	if n := c.count("AmazonSSM.GetParameters"); n != 3 || len(c.calls) != 3 {
		t.Errorf("%d requests for 25 names: %v", n, c.calls)
	}
	for _, call := range c.calls {
		if !strings.Contains(call, `"WithDecryption":false`) {
			t.Errorf("asked %s", call)
		}
	}
	if _, err := a.secrets.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: aws.String("aws/going")}); err != nil {
		t.Fatal(err)
	}
	missing, err := a.Without(t.Context(), []string{"aws/there", "aws/going", "aws/never"})
	if err != nil || strings.Join(missing, " ") != "aws/going aws/never" {
		t.Errorf("missing are %v, %v", missing, err)
	}
	if c.count("secretsmanager.GetSecretValue") != 0 || c.count("secretsmanager.DescribeSecret") != 3 {
		t.Errorf("asked %v", c.calls)
	}
}

// The role that plans is assumed, and nothing else is asked than what reads.
func TestGeneratedFromAWS(t *testing.T) {
	c := newCloud(t)
	values := map[string]string{}
	for name, value := range dvlp() {
		if value != "" { // SSM has no empty parameter
			values[name] = value
		}
	}
	values["/dvlp/orders/sqs_queues/old.mail/arn"] = "x"
	delete(values, "/dvlp/orders/rds_clusters/main/port")
	as, err := live.Login(t.TempDir(), "arn:aws:iam::111111111111:role/plan", "ines", "")
	if err != nil {
		t.Fatal(err)
	}
	// They are in the account of the role, and nowhere else.
	c.fill(t, as, values, []string{"/dvlp/orders/rds_clusters/main/port"}, []string{"shop/orders/api", "shop/orders/db"})
	g := orders(t, "dvlp", nil)
	g.Open = func(ctx context.Context) (Parameters, error) { return NewAWS(ctx, "eu-west-1", as) }
	o, text := do(t, g)
	written := generated(t, g)
	if o.Report.Verdict != pipelines.Pass || strings.Contains(written, secretValue) {
		t.Fatalf("%s%s", text, written)
	}
	if !strings.Contains(written, "  RDS_MAIN_PORT:\n    externalSecret:\n      store:\n        name: \"aws-parameters\"\n        kind: \"ClusterSecretStore\"\n      key: \"/dvlp/orders/rds_clusters/main/port\"\n") {
		t.Errorf("an encrypted parameter is a reference:\n%s", written)
	}
	if c.count("AssumeRole") == 0 || c.count("AmazonSSM.GetParameters") != 2 || c.count("secretsmanager.DescribeSecret") != 2 {
		t.Errorf("asked %v", c.calls)
	}
	for _, call := range c.calls {
		if operation, _, _ := strings.Cut(call, " "); operation != "AssumeRole" && operation != "AmazonSSM.GetParameters" && operation != "secretsmanager.DescribeSecret" {
			t.Errorf("asked for %s", operation)
		}
	}
}

func TestARoleThatCannotBeAssumed(t *testing.T) {
	c := newCloud(t)
	c.fail = func(operation string, _ int, w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
		return true
	}
	g := orders(t, "dvlp", nil)
	as, err := live.Login(t.TempDir(), "arn:aws:iam::111111111111:role/plan", "ines", "")
	if err != nil {
		t.Fatal(err)
	}
	g.Open = func(ctx context.Context) (Parameters, error) { return NewAWS(ctx, "eu-west-1", as) }
	o, text := do(t, g)
	if o.Report.Verdict != pipelines.NotRun || !strings.Contains(text, "assuming the environment's role: access denied (AccessDenied) | ask the platform team who may assume it") {
		t.Errorf("got %s", text)
	}
}

// A plain parameter that holds a secret where its ARN belongs is not written, nor shown.
func TestASecretInAPlainParameter(t *testing.T) {
	values := dvlp()
	values["/dvlp/orders/rds_clusters/main/secret_arn"] = secretValue
	g := orders(t, "dvlp", nil)
	g.Open = from(directory(t, values, "shop/orders/api", "shop/orders/db"))
	o, text := do(t, g)
	if o.Report.Verdict != pipelines.Fail || strings.Contains(text, secretValue) || !strings.Contains(text, "holds something else, which is not shown") || generated(t, g) != "" {
		t.Errorf("got %s", text)
	}
}

func answer(status int, code string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		if code != "" {
			fmt.Fprintf(w, `{"__type":%q,"message":"of the server: %s"}`, code, secretValue)
		}
	}
}

func TestFaultsOfAWS(t *testing.T) {
	c := newCloud(t)
	values := map[string]string{}
	for name, value := range dvlp() {
		values[name] = value + "." // SSM has no empty parameter
	}
	c.fill(t, store.Profile{}, values, nil, []string{"shop/orders/api", "shop/orders/db"})
	only := func(operation string, first int, reply func(http.ResponseWriter)) func(string, int, http.ResponseWriter) bool {
		sent := 0
		return func(o string, _ int, w http.ResponseWriter) bool {
			if o != operation || sent >= first {
				return false
			}
			sent++
			reply(w)
			return true
		}
	}
	const get, describe = "AmazonSSM.GetParameters", "secretsmanager.DescribeSecret"
	for name, test := range map[string]struct {
		fail    func(string, int, http.ResponseWriter) bool
		verdict pipelines.Verdict
		want    string
		sent    int // requests of GetParameters
	}{
		"fine":                       {nil, pipelines.Pass, "pass", 2},
		"throttled, then fine":       {only(get, 2, answer(400, "ThrottlingException")), pipelines.Pass, "pass", 4},
		"429, then fine":             {only(get, 1, answer(429, "")), pipelines.Pass, "pass", 3},
		"500, then fine":             {only(get, 2, answer(500, "InternalServerError")), pipelines.Pass, "pass", 4},
		"throttled for ever":         {only(get, 99, answer(400, "ThrottlingException")), pipelines.NotRun, "still throttled after 3 attempts (ThrottlingException) | wait a little, and run it again", 3},
		"500 for ever":               {only(get, 99, answer(500, "InternalServerError")), pipelines.NotRun, "AWS answered InternalServerError", 3},
		"502 without a word":         {only(get, 99, answer(502, "")), pipelines.NotRun, "the service answered with status 502, and nothing", 3},
		"denied":                     {only(get, 99, answer(400, "AccessDeniedException")), pipelines.NotRun, `reading 10 parameters of SSM from "/dvlp/orders/iam/role/arn" on: access denied (AccessDeniedException) | ask the platform team to allow ssm:GetParameters`, 1},
		"session is over":            {only(get, 99, answer(400, "ExpiredTokenException")), pipelines.NotRun, "the session is not accepted (ExpiredTokenException) | log in", 1},
		"secrets are denied":         {only(describe, 99, answer(400, "AccessDeniedException")), pipelines.NotRun, `looking for the secret "shop/orders/db": access denied (AccessDeniedException)`, 2},
		"secrets throttled for ever": {only(describe, 99, answer(400, "ThrottlingException")), pipelines.NotRun, "still throttled after 3 attempts", 2},
		"an answer about nothing":    {only(get, 1, func(w http.ResponseWriter) { fmt.Fprint(w, `{}`) }), pipelines.NotRun, "the answer does not say whether there is", 1},
		"not JSON":                   {only(get, 99, func(w http.ResponseWriter) { fmt.Fprint(w, `<html>`) }), pipelines.NotRun, "reading 10 parameters of SSM", 1},
	} {
		t.Run(name, func(t *testing.T) {
			c.mutex.Lock()
			c.calls, c.fail = nil, test.fail
			c.mutex.Unlock()
			g := orders(t, "dvlp", nil)
			g.Open = from(impatient(t))
			o, text := do(t, g)
			if o.Report.Verdict != test.verdict || !strings.Contains(text, test.want) || strings.Contains(text, secretValue) {
				t.Errorf("want %s, got %s", test.want, text)
			}
			if n := c.count(get); n != test.sent {
				t.Errorf("%d requests, want %d", n, test.sent)
			}
			if (generated(t, g) != "") != (test.verdict == pipelines.Pass) {
				t.Error("a file is written on success, and only then")
			}
		})
	}
	c.Close()
	g := orders(t, "dvlp", nil)
	g.Open = from(impatient(t))
	if o, text := do(t, g); o.Report.Verdict != pipelines.NotRun || !strings.Contains(text, "the service cannot be reached | look at the network") {
		t.Errorf("without a network: %s", text)
	}
}

func TestNoCredentials(t *testing.T) {
	c := newCloud(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	g := orders(t, "dvlp", nil)
	g.Open = from(impatient(t))
	o, text := do(t, g)
	if o.Report.Verdict != pipelines.NotRun || !strings.Contains(text, "there are no credentials | log in") || len(c.calls) != 0 {
		t.Errorf("got %s, asked %v", text, c.calls)
	}
}
