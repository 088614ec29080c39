package terratest

import (
	"context"
	"sync"
)

// budget bounds how many cases run at once: in all, and in each account, over all
// processes of a run.
type budget struct {
	parallel int
	limits   map[string]int

	mu   sync.Mutex
	room sync.Cond
	all  int
	used map[string]int
}

func newBudget(parallel int, limits map[string]int) *budget {
	b := &budget{parallel: parallel, limits: limits, used: map[string]int{}}
	b.room.L = &b.mu
	return b
}

// most is how many cases of an account may run at once.
func (b *budget) most(account string) int {
	if limit, limited := b.limits[account]; limited {
		return min(limit, b.parallel)
	}
	return b.parallel
}

// take waits for room for n cases of an account, at most as many as there may be. It is
// false where ctx ends first.
func (b *budget) take(ctx context.Context, n int, account string) bool {
	stop := context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.room.Broadcast()
	})
	defer stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for ctx.Err() == nil {
		if b.all+n <= b.parallel && b.used[account]+n <= b.most(account) {
			b.all, b.used[account] = b.all+n, b.used[account]+n
			return true
		}
		b.room.Wait()
	}
	return false
}

func (b *budget) give(n int, account string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all, b.used[account] = b.all-n, b.used[account]-n
	b.room.Broadcast()
}
