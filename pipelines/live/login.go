package live

import "github.com/penstock-dev/penstock/pipelines/store"

// Login is how a stage beside terraform reaches an environment's cloud: with its role,
// in the name of actor, as a plan of it does. dir is private to the call and receives
// a configuration of the AWS tools; token is a file with an OIDC token, "" uses the
// person's own session. Without a role the profile is the zero value: what the
// environment holds.
func Login(dir, role, actor, token string) (store.Profile, error) {
	l, err := session{role: role, actor: actor, token: token}.login(dir)
	return l.profile, err
}
