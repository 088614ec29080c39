package terraform

import (
	"io/fs"
	"syscall"
	"time"
)

// touched is the time of the last change, which no program can set: one that
// writes to a file and sets its time of modification back is seen.
func touched(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Ctim.Unix())
	}
	return time.Time{}
}
