package helm

import (
	"errors"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// What is said of a release that somebody holds is a command that works as it stands:
// the ledger of releases lies beneath the store, whose address may have settings.
func TestHintOfARefusal(t *testing.T) {
	g := &guard{target: "dvlp/orders", address: "s3://acme/live/helm?region=eu-west-1"}
	held := &ledger.HeldError{Held: ledger.Held{Owner: ledger.Owner{Run: "20261121t1-a"}}}
	var known *pipelines.Error
	if err := g.refusal(held, "nobody knows"); !errors.As(err, &known) ||
		known.Hint != "wait for that run to end; if you know that it is dead: penstock unlock dvlp/orders --store 's3://acme/live/helm?region=eu-west-1' --run 20261121t1-a" {
		t.Errorf("%v, hint: %s", err, known.Hint)
	}
}
