package service

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/penstock-dev/penstock/pipelines/config"
)

// Reviewers see which actions on which ARNs are granted: they follow from the
// contract and the names, and hold no secret.
func TestWhatIsGrantedIsShown(t *testing.T) {
	repository := fstest.MapFS{config.File: {Data: []byte(ordersYAML)}, Values: {Data: []byte("sqs_queues = { events = { access = [\"consume\"] } }\n")}}
	c, err := config.Load(repository)
	if err != nil {
		t.Fatal(err)
	}
	terraform := os.DirFS("../../bundle/terraform")
	made, err := Configure(repository, terraform, *c.Service, "pprd")
	if err != nil {
		t.Fatal(err)
	}
	content, err := shown(terraform, made, *c.Service)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Shown []string }
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pprd-orders", "pprd-orders-events", "pprd-orders-events-dlq", "sqs:ReceiveMessage", "arn:aws:sqs:eu-central-1:222222222222:pprd-orders-events",
		"/pprd/orders/sqs_queues/events/url", "arn:aws:iam::222222222222:role/penstock/pprd-orders"} {
		if !slices.Contains(file.Shown, want) {
			t.Errorf("%q is not shown", want)
		}
	}
}
