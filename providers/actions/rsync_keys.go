package actions

import (
	"context"
	"strings"

	"lifeboat/runbook"
)

// launched says whether the other host is a machine whose key nobody can have pinned beforehand: a run has launched it.
func (a *copyTree) launched() bool {
	_, other := a.runs()
	alias, _ := a.alias()
	return alias == "" && other.Host.Region != "" && strings.HasPrefix(other.Host.ID, "i-")
}

// learn takes the other host's keys from its console where the estate pins none: the host that runs rsync has never seen a
// machine that a run launched. What cannot be read is no failure; that host may know the other one by itself.
func (a *copyTree) learn(ctx context.Context, call runbook.Call) {
	if !a.launched() {
		return
	}
	_, other := a.runs()
	keys, err := a.w.Instances.HostKeys(ctx, other.Host.Region, other.Host.ID)
	switch {
	case err != nil:
		logf(call.Log, "could not read the host keys of %s: %v", other.Host.ID, err)
	case len(keys) == 0:
		logf(call.Log, "the console of %s tells no host keys", other.Host.ID)
	default:
		a.HostKeys = HostKeys{other.Host.ID: keys} // no other is read
	}
}

// Permissions are none, unless the keys of a machine must be read from its console.
func (a *copyTree) Permissions() []string {
	if a.launched() {
		return []string{"ec2:GetConsoleOutput"}
	}
	return nil
}
