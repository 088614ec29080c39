package image

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// broken says whether a connection ended before the answer did.
func broken(err error) bool {
	for _, cause := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNREFUSED, net.ErrClosed} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}
