//go:build !linux

package statelock

import "errors"

// holderOf cannot tell: what is not known is not released.
func holderOf(string) (int, error) {
	return 0, errors.New("whether a process holds it is known on Linux alone")
}
