package dns

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"lifeboat/providers"
)

// resolvConf is where the machine's resolvers are written.
const resolvConf = "/etc/resolv.conf"

// Servers implements providers.Names. It returns IPv4 addresses where a server has them: a machine without IPv6 would
// take the other half for dead. Errors: NotFound (no zone holds the name), and those of the last resolver.
func (n *Names) Servers(ctx context.Context, name string) ([]string, error) {
	fqdn := canonical(name)
	if _, err := question(name, "NS"); err != nil {
		return nil, err
	}
	for at := fqdn; ; at = parent(at) {
		if list := n.servers[at]; len(list) > 0 {
			return slices.Clone(list), nil
		}
		if at == "." {
			break
		}
	}
	resolvers, err := n.resolvers()
	if err != nil {
		return nil, err
	}
	for at := fqdn; at != "."; at = parent(at) {
		hosts, err := n.lookup(ctx, resolvers, at, dnsmessage.TypeNS)
		if err != nil {
			return nil, err
		}
		if len(hosts) > 0 {
			return n.addresses(ctx, resolvers, at, hosts)
		}
	}
	return nil, providers.Errorf(providers.NotFound, opServers, "", "no zone in the DNS holds %q", name)
}

// addresses looks up the servers of a zone.
func (n *Names) addresses(ctx context.Context, resolvers []string, zone string, hosts []string) ([]string, error) {
	var out []string
	var last error
	for _, host := range hosts[:min(len(hosts), maxServers)] {
		ips, err := n.lookup(ctx, resolvers, canonical(host), dnsmessage.TypeA)
		if err == nil && len(ips) == 0 {
			ips, err = n.lookup(ctx, resolvers, canonical(host), dnsmessage.TypeAAAA)
		}
		if err != nil {
			last = err
			continue
		}
		for _, ip := range ips {
			// The end of a chain that leads nowhere is a name.
			if net.ParseIP(ip) != nil {
				out = append(out, net.JoinHostPort(ip, "53"))
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) == 0 && last != nil {
		return nil, last
	}
	if len(out) == 0 {
		return nil, providers.Errorf(providers.NotFound, opServers, "", "the name servers of %q have no addresses: %s", zone, strings.Join(hosts, ", "))
	}
	return out, nil
}

// lookup asks the resolvers in turn until one knows. A name that does not exist has no values. The servers of a name
// that is an alias are none: its target's are another zone's.
func (n *Names) lookup(ctx context.Context, resolvers []string, name string, kind dnsmessage.Type) ([]string, error) {
	q := query{name: name, kind: kind}
	var last error
	for _, resolver := range resolvers {
		r, err := n.exchange(ctx, opServers, resolver, q, true)
		switch {
		case err != nil:
			last = err
		case r.RCode != dnsmessage.RCodeSuccess && r.RCode != dnsmessage.RCodeNameError:
			last = rcode(opServers, resolver, r)
		case kind == dnsmessage.TypeNS:
			return own(r.answers, q), nil
		default:
			values, _ := collect(r.answers, q)
			return values, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// own is collect without following aliases.
func own(answers []dnsmessage.Resource, q query) []string {
	var out []string
	for _, rr := range answers {
		if rr.Header.Type == q.kind && canonical(rr.Header.Name.String()) == q.name {
			out = append(out, value(rr.Body))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (n *Names) resolvers() ([]string, error) {
	list := n.opts.Resolvers
	if len(list) == 0 {
		text, err := os.ReadFile(resolvConf)
		if list = nameservers(string(text)); len(list) == 0 {
			return nil, &providers.Error{
				Kind: providers.Unreachable, Op: opServers, Detail: "this machine has no resolver in " + resolvConf,
				Do: "name the zone's servers in the estate: service.servers", Cause: err,
			}
		}
	}
	var out []string
	for _, s := range list {
		out = append(out, withPort(s))
	}
	return out, nil
}

// nameservers reads a resolv.conf (resolv.conf(5)).
func nameservers(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) >= 2 && words[0] == "nameserver" {
			out = append(out, words[1])
		}
	}
	return out
}

func parent(name string) string {
	if _, rest, _ := strings.Cut(name, "."); rest != "" {
		return rest
	}
	return "."
}
