package redact_test

import (
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/planjson/plangen"
	"github.com/penstock-dev/penstock/pipelines/redact"
)

// BenchmarkReview reviews 200 MB: go test -bench Review -benchtime 1x. What it may
// take is 200 MB.
func BenchmarkReview(b *testing.B) {
	const size = 200 << 20
	b.SetBytes(size)
	for range b.N {
		var most atomic.Uint64
		done := make(chan struct{})
		go func() {
			var stats runtime.MemStats
			for {
				select {
				case <-done:
					return
				case <-time.After(10 * time.Millisecond):
					runtime.ReadMemStats(&stats)
					most.Store(max(most.Load(), stats.HeapSys-stats.HeapReleased))
				}
			}
		}()
		r, w := io.Pipe()
		go func() {
			_, err := plangen.Write(w, size)
			w.CloseWithError(err)
		}()
		if _, _, err := redact.Review(r, redact.Options{}); err != nil {
			b.Fatal(err)
		}
		close(done)
		b.ReportMetric(float64(most.Load())/(1<<20), "MiB-peak")
	}
}
