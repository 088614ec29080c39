//go:build !linux

package terraform

import (
	"io/fs"
	"time"
)

// touched is not known here; size, time of modification and inode are.
func touched(fs.FileInfo) time.Time { return time.Time{} }
