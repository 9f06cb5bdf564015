package ssh_test

import (
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/providers/ssh"
	"lifeboat/runbook"
)

// BenchmarkRun is one small command over a connection that is shared, and over one of its own.
func BenchmarkRun(b *testing.B) {
	private, public := labhost.Keypair(b, b.TempDir())
	host := labhost.StartSSHD(b, labhost.Options{AuthorizedKey: public})
	o := ssh.Options{Dir: b.TempDir(), Estate: runbook.SSH{
		User: host.User, Port: host.Port, Identity: private, Config: "none", HostKeys: map[string][]string{"127.0.0.1": {host.HostKey}},
	}}
	command := providers.Command{Argv: []string{"true"}}
	b.Run("shared", func(b *testing.B) {
		s := ssh.New(o)
		defer s.Close()
		for b.Loop() {
			if _, err := s.Run(b.Context(), here, command); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			s := ssh.New(o)
			if _, err := s.Run(b.Context(), here, command); err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
	})
}
