// Package ssh runs commands on hosts through the OpenSSH client, as a child process.
//
// The client is the user's own, so keys, agents, jump hosts and hardware tokens work as they do at the prompt. What must
// not depend on anybody's configuration is set on the command line: batch mode, timeouts, and above all strict host keys
// from pinned files only.
//
// How a command travels. The far side is asked for one constant line, a small sh program that says "ready" and then
// reads the real script from its standard input. Only then is the script sent: the environment, the argv, and after it
// the command's own input. So
//
//   - no argument, variable or secret is on a command line here, nor in the words that the login shell over there has
//     to parse: the argv arrives byte for byte whatever that shell is;
//   - until the script is sent nothing can have run, so every error before that is Unreachable, HostKey or Denied, for
//     certain; every loss after it is Lost;
//   - the script says the exit status at its end, so a command that exits with 255 is not mistaken for ssh's own 255,
//     and a daemon that keeps the command's output open does not keep us waiting.
//
// A command for this very machine (providers.Console) goes the same way, into a local sh in place of ssh.
//
// It refuses to accept a host key that nobody pinned, to learn one from the connection itself, to ask for a password,
// and to run a name that begins with a dash. The first word of an argv is a program, never a builtin of a shell.
//
//	shell := ssh.New(ssh.Options{Estate: estate.SSH, Dir: runFolder, Keys: keysFromConsole})
//	defer shell.Close()
//	result, err := shell.Run(ctx, providers.Host{Address: "198.51.100.7", ID: "i-0f3a"}, providers.Command{
//		Argv: []string{"systemctl", "start", "httpd"},
//	})
package ssh
