package sweep

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
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

// AWS lists what was destroyed for a while. Only what a state at the end no longer holds, and
// an earlier one did, is known to be destroyed.
func TestWhatTerraformDestroyedIsNoLeak(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	l.deploy(l.files(), "-var=directory="+l.outside())
	d := l.one()
	state := func(serial int, arns ...string) []byte {
		var resources []string
		for i, arn := range arns {
			resources = append(resources, fmt.Sprintf(`{"mode":"managed","type":"aws_kms_key","name":"k%d","instances":[{"attributes":{"arn":%q}}]}`, i, arn))
		}
		return fmt.Appendf(nil, `{"version":4,"lineage":"a","serial":%d,"resources":[%s]}`, serial, strings.Join(resources, ","))
	}
	l.must(l.states.Snapshot(t.Context(), d.Run, d.ID, "default", 90, state(90, "arn:aws:kms:a", "arn:aws:kms:b")))
	look := func() map[string]bool {
		t.Helper()
		gone, err := (&sweeping{states: l.states}).destroyed(t.Context(), []deployed.Deployment{d})
		l.must(err)
		return gone
	}
	file := l.states.File(record.StateName(d.Run, d.ID))
	for content, want := range map[string]map[string]bool{
		string(state(91)):                  {"arn:aws:kms:a": true, "arn:aws:kms:b": true},
		string(state(91, "arn:aws:kms:b")): {"arn:aws:kms:a": true},
		`{"version":4,`:                    {},
	} {
		l.must(os.WriteFile(file, []byte(content), 0o600))
		if got := look(); !maps.Equal(got, want) {
			t.Errorf("with the state %s destroyed are %v", content, got)
		}
	}
	l.must(os.Remove(file))
	if got := look(); len(got) != 0 {
		t.Errorf("without a state destroyed are %v", got)
	}
}
