package helm

import (
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// The charts of our bundle go through all steps, judged by our own policies, and deploy:
// first, again with other values, and back.
func TestChartsOfTheBundle(t *testing.T) {
	for name, own := range map[string]string{
		"http-service":   "config: {GREETING: hello}\nsecrets:\n  TOKEN: {secretKeyRef: {name: existing, key: token}}\nmigration: {enabled: true, command: [/migrate]}\n",
		"daemon-service": "config: {GREETING: hello}\n",
		"db-migration":   "command: [/migrate]\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.config.Service.Chart = config.Chart{Name: name}
			s.write(OwnValues, own)
			deploy := func() *Outcome {
				d := s.deploying()
				d.Bundle, d.Policy = "../../bundle", nil
				return s.want(s.done(d.Do(t.Context())), pipelines.Pass)
			}
			first := deploy()
			if first.Revision != 1 || len(first.Changes) == 0 {
				t.Errorf("revision %d, %d changes", first.Revision, len(first.Changes))
			}
			s.write("dvlp-"+OwnValues, "podLabels: {again: \"yes\"}\n")
			if second := deploy(); second.Revision != 2 {
				t.Errorf("revision %d", second.Revision)
			}
			s.want(s.rollback(0), pipelines.Pass)
			s.unlocked()
		})
	}
}
