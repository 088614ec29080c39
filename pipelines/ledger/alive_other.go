//go:build !linux

package ledger

import "context"

func look(context.Context, Owner) (Liveness, string) {
	return Unknown, "processes can only be looked at on Linux"
}
