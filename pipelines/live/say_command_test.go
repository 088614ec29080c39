package live

import (
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// What is printed to be typed again is of the same base and mirror, and one word stays one.
func TestCommand(t *testing.T) {
	for _, row := range []struct {
		base, mirror string
		only         string
		want         string
	}{
		{"", "", "live/app", "penstock plan --only live/app"},
		{"0123abc", "", "live/app@dvlp", "penstock plan --base 0123abc --only live/app@dvlp"},
		{"0123abc", "/my providers", "live/it's", `penstock plan --base 0123abc --provider-mirror '/my providers' --only 'live/it'\''s'`},
	} {
		if got := command("plan", pipelines.Selection{Base: row.base}, row.mirror, "--only", row.only); got != row.want {
			t.Errorf("got %s, want %s", got, row.want)
		}
	}
}
