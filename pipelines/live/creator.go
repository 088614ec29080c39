package live

import "github.com/penstock-dev/penstock/pipelines/capsule"

// Creator is who plans or applies, and where.
type Creator struct {
	// Actor is the person, as the forge names them.
	Actor string
	// Run names the job; empty on a person's machine.
	Run string
	// Change is the pull request or ticket.
	Change string
	// Repository is where the change shall land, HeadRepository where it comes from.
	Repository, HeadRepository string
	Ref                        string
	// Dirty: the working tree differs from the commit.
	Dirty bool
}

func (c Creator) manifest() capsule.Creator {
	return capsule.Creator{Actor: c.Actor, Run: c.Run, Repository: c.Repository, HeadRepository: c.HeadRepository,
		Ref: c.Ref, Dirty: c.Dirty, Local: c.Run == ""}
}
