package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
)

// sealed seals what a script needs: "sealed OUT KEY RECIPIENT [HEAD]", where HEAD is
// the repository that the change comes from.
func sealed() {
	key, err := capsule.ReadSigner(os.Args[2])
	if err == nil {
		digest := "sha256:" + strings.Repeat("a", 64)
		m := capsule.Manifest{Unit: "live/prod/vpc\x1b[31m", Environment: "prod", Closure: digest, Changes: digest,
			State:     capsule.State{Backend: "s3://state/prod/vpc", Lineage: "5e0a", Serial: 42},
			Terraform: pipelines.Tool{Name: "terraform", Version: "1.11.4"},
			Policies:  capsule.Policies{Verdict: pipelines.Pass}, Risk: capsule.Risk{Level: "high", Addresses: []string{"aws_vpc.main"}},
			Creator: capsule.Creator{Actor: "alice", Repository: "org/live", HeadRepository: "org/live"},
			Created: time.Now(), Expires: time.Now().Add(time.Hour)}
		if len(os.Args) > 4 {
			m.Creator.HeadRepository = os.Args[4]
		}
		_, err = capsule.Seal(os.Args[1], m, []capsule.Source{{Name: "plan.tfplan", Content: []byte("the plan\n")}},
			[]string{os.Args[3]}, key)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
