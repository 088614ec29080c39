package sweep

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

// What has the tag of the run is a leak, whether a state tells of it or not: here a queue
// that an apply made in the moment in which it was killed, under a name that nobody wrote down.
func TestWhatStillHasTheTagIsALeak(t *testing.T) {
	l := newLab(t, "terraform", "local")
	aws := storetest.NewS3(t)
	l.begin(time.Hour)
	l.deploy(l.files(), "-var=directory="+l.outside())
	d := l.one()
	l.must(l.states.Redo(t.Context(), d.Run, d.ID))
	_, err := l.states.Step(t.Context(), d.Run, d.ID, record.Step{Kind: record.Import, Config: d.Steps[0].Config, Unit: d.Steps[0].Unit, Held: []string{"module.q.aws_sqs_queue.q[0]"},
		Args: d.Steps[0].Args, Files: d.Steps[0].Files, Env: append(d.Steps[0].Env, "AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL="+aws.Endpoint)})
	l.must(err)
	queue := func(form url.Values) {
		t.Helper()
		form.Set("Version", "2012-11-05")
		request, err := http.NewRequest(http.MethodPost, aws.Endpoint, strings.NewReader(form.Encode()))
		l.must(err)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261121/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=x")
		answer, err := http.DefaultClient.Do(request)
		l.must(err)
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%d: %s", answer.StatusCode, text)
		}
	}
	queue(url.Values{"Action": {"CreateQueue"}, "QueueName": {l.run.ID}, "Tag.1.Key": {"penstock:run"}, "Tag.1.Value": {l.run.ID}})
	queue(url.Values{"Action": {"CreateQueue"}, "QueueName": {"of-another"}, "Tag.1.Key": {"penstock:run"}, "Tag.1.Value": {"20261121-141500-3f9a2c"}})

	aws.Down.Store(true)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	if r := l.sweep(); r.Verdict != pipelines.NotRun || !strings.Contains(said(r), "asking AWS what has the tag") {
		t.Errorf("%s\n%s", r.Verdict, said(r))
	}
	aws.Down.Store(false)
	r := l.sweep()
	if r.Verdict != pipelines.Fail || !slices.Equal(findings(r), []string{"arn:aws:sqs:eu-west-1:123456789012:" + l.run.ID}) {
		t.Errorf("%s\n%s", r.Verdict, said(r))
	}
	queue(url.Values{"Action": {"DeleteQueue"}, "QueueUrl": {aws.Endpoint + "/123456789012/" + l.run.ID}})
	l.clean()
}
