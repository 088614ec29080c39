package storetest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestAttributesOfQueuesAreAsWritten(t *testing.T) {
	s := NewS3(t)
	ask := func(action, body string) call {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint+"/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Amz-Target", "AmazonSQS."+action)
		request.Header.Set("Content-Type", "application/x-amz-json-1.0")
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		var said call
		if err != nil || answer.StatusCode != http.StatusOK || len(text) > 0 && json.Unmarshal(text, &said) != nil {
			t.Fatalf("%s: %d, %v: %s", action, answer.StatusCode, err, text)
		}
		return said
	}
	dead := ask("CreateQueue", `{"QueueName":"dead"}`).QueueURL
	written := `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:dead","maxReceiveCount":3}`
	quoted, _ := json.Marshal(written)
	live := ask("CreateQueue", `{"QueueName":"live","Attributes":{"RedrivePolicy":`+string(quoted)+`}}`).QueueURL
	if got := ask("GetQueueAttributes", `{"QueueUrl":"`+live+`","AttributeNames":["All"]}`).Attributes; got["RedrivePolicy"] != written || got["QueueArn"] == "" {
		t.Errorf("the live queue has %v", got)
	}
	ask("SetQueueAttributes", `{"QueueUrl":"`+dead+`","Attributes":{"RedriveAllowPolicy":"{\"redrivePermission\":\"denyAll\"}"}}`)
	if got := ask("GetQueueAttributes", `{"QueueUrl":"`+dead+`","AttributeNames":["RedriveAllowPolicy"]}`).Attributes["RedriveAllowPolicy"]; got != `{"redrivePermission":"denyAll"}` {
		t.Errorf("the dead-letter queue has %q", got)
	}
	ask("SetQueueAttributes", `{"QueueUrl":"`+dead+`","Attributes":{"RedriveAllowPolicy":""}}`)
	if got, has := ask("GetQueueAttributes", `{"QueueUrl":"`+dead+`","AttributeNames":["All"]}`).Attributes["RedriveAllowPolicy"]; has {
		t.Errorf("taken away, it is %q", got)
	}
}
