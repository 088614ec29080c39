package terratest

import (
	"context"

	"github.com/penstock-dev/penstock/pipelines"
)

// group is the cases that one process runs: what is retried, sharded and bounded by the
// budget. Its run writes to the record what becomes of each.
type group struct {
	unit    pipelines.Unit
	kind    string
	account string
	// cases are its declared cases, in their order.
	cases []string
	// width is how many of them may run at once.
	width int
	// alone: no other group of the unit runs beside it, and it runs before them.
	alone bool
	// whole: its cases cannot be run one without the other, and are tried again together.
	whole bool
	run   func(ctx context.Context, a attempt) error
}

// attempt is one process of a group.
type attempt struct {
	// names are the cases to run: in the first attempt all, later those without a verdict.
	names []string
	// root is its own copy of the catalog; dir the unit in it; data a directory of its own.
	root, dir, data string
	env             []string
	width           int
	record          *record
}

// unitCases is what a unit declares.
type unitCases struct {
	groups []group
	// excused are cases that the skip list names, with the reason.
	excused []pipelines.Case
	// broken are cases that cannot be run, such as those of a package that does not
	// compile, and what is said of it.
	broken []pipelines.Case
	// had: it declares cases, in this shard or another.
	had bool
	// untested excuses a unit that no case exercises.
	untested string
	findings []pipelines.Finding
	reason   string
	hint     string
	notices  []pipelines.Notice
}
