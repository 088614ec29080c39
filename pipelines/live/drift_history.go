package live

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/penstock-dev/penstock/pipelines/store"
)

// DriftHistory returns the last look at every target that was ever looked at, by
// target and environment. Each carries the story of those before it.
func DriftHistory(ctx context.Context, s store.Store) ([]Look, error) {
	past, err := pastOf(ctx, s)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var looks []Look
	var first error
	slots := make(chan struct{}, 8) // a bucket answers many at once
	for _, p := range past {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			l, err := p.last(ctx, s)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				first = err
				return
			}
			looks = append(looks, l)
		})
	}
	wg.Wait()
	if first != nil {
		return nil, first
	}
	slices.SortFunc(looks, func(a, b Look) int {
		return strings.Compare(a.Target+"\x00"+a.Environment, b.Target+"\x00"+b.Environment)
	})
	return looks, nil
}
