package ledger

import (
	"testing"

	"github.com/penstock-dev/penstock/pipelines/store"
)

// eachStore runs a test on a ledger in each kind of store that can hold one.
func eachStore(t *testing.T, test func(*testing.T, *Ledger)) {
	t.Run("directory", func(t *testing.T) {
		s, err := store.Open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		test(t, New(s))
	})
}
