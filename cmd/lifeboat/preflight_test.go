package main

import (
	"testing"

	"lifeboat/runbook"
)

func TestForwardedAgentIsNoticed(t *testing.T) {
	forwarded := map[string]string{"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22", "SSH_AUTH_SOCK": "/tmp/ssh-x/agent.1"}
	local := map[string]string{"SSH_AUTH_SOCK": "/run/user/1000/agent"}
	for _, c := range []struct {
		env  map[string]string
		ssh  runbook.SSH
		want bool
	}{
		{forwarded, runbook.SSH{}, true},
		{forwarded, runbook.SSH{Identity: "/etc/lifeboat/key"}, false},
		{local, runbook.SSH{}, false},
		{nil, runbook.SSH{}, false},
	} {
		if got := borrowsAgent(func(k string) string { return c.env[k] }, c.ssh); got != c.want {
			t.Errorf("env %v, ssh %+v: %v", c.env, c.ssh, got)
		}
	}
}
