// Package dns asks name servers, so that what the world is told can be measured where it is told.
//
// The authoritative servers of a zone are found as a resolver would: the name is followed upwards until a zone answers
// with its servers. Each of them is then asked by itself, without recursion, over UDP, and over TCP when the answer was
// cut. An estate may name the servers instead, where the public DNS does not know the zone.
//
// It refuses to believe an answer to another question, and to take a resolver's word for what an authoritative server
// says: Answer.Authoritative tells the two apart. It changes nothing; records are changed by another package.
//
//	names := dns.New(dns.Options{})
//	servers, err := names.Servers(ctx, "www.example.com") // "192.0.2.53:53", ...
//	answer, err := names.Ask(ctx, servers[0], "www.example.com", "A")
package dns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"lifeboat/providers"
	"lifeboat/runbook"
)

const (
	opAsk     = "dns:Ask"
	opServers = "dns:Servers"
	opResolve = "dns:Resolve"

	tries      = 2               // over UDP, where a packet may be lost
	tryTimeout = 2 * time.Second // of one try
	udpSize    = 1232            // what passes without fragments (DNS flag day 2020)
	maxServers = 32
)

// Options are what Names needs.
type Options struct {
	// Servers names the authoritative servers, as host or host:port, by zone or name: those of the longest suffix of a
	// name are its servers. "." stands for every name.
	Servers map[string][]string
	// Resolvers are asked for the servers of a zone, as host or host:port; those of /etc/resolv.conf when empty.
	Resolvers []string
	Clock     runbook.Clock // the wall clock when nil
}

// Names is a providers.Names over x/net's dnsmessage. It is safe for concurrent use and caches nothing.
type Names struct {
	opts    Options
	servers map[string][]string
}

var _ providers.Names = (*Names)(nil)

// New makes Names.
func New(opts Options) *Names {
	if opts.Clock == nil {
		opts.Clock = runbook.WallClock{}
	}
	n := &Names{opts: opts, servers: map[string][]string{}}
	for zone, list := range opts.Servers {
		for _, s := range list {
			n.servers[canonical(zone)] = append(n.servers[canonical(zone)], withPort(s))
		}
	}
	return n
}

// Ask implements providers.Names. No such name, or none of that kind, is an answer without values. Values of kind A and
// AAAA are addresses, of CNAME and NS names in lower case without a final dot, of others the text of a zone file. A name
// that is an alias and has no values of the kind asked gives the alias's target.
//
// Errors: Invalid (the question), Unreachable (nobody listens there), Lost (no answer in time), Denied (REFUSED) and
// Server (any other failure that the server reports, or words that are no DNS).
func (n *Names) Ask(ctx context.Context, server, name, kind string) (providers.Answer, error) {
	q, err := question(name, kind)
	if err != nil {
		return providers.Answer{}, err
	}
	server = withPort(server)
	r, err := n.exchange(ctx, opAsk, server, q, false)
	if err != nil {
		return providers.Answer{}, err
	}
	if r.RCode != dnsmessage.RCodeSuccess && r.RCode != dnsmessage.RCodeNameError {
		return providers.Answer{}, rcode(opAsk, server, r)
	}
	values, ttl := collect(r.answers, q)
	return providers.Answer{Server: server, Values: values, TTL: ttl, Authoritative: r.Authoritative}, nil
}

// Resolve implements providers.Names. It is Ask with recursion; the answer is a resolver's word, whatever it says of itself.
func (n *Names) Resolve(ctx context.Context, resolver, name, kind string) (providers.Answer, error) {
	q, err := question(name, kind)
	if err != nil {
		return providers.Answer{}, err
	}
	resolver = withPort(resolver)
	r, err := n.exchange(ctx, opResolve, resolver, q, true)
	if err != nil {
		return providers.Answer{}, err
	}
	if r.RCode != dnsmessage.RCodeSuccess && r.RCode != dnsmessage.RCodeNameError {
		return providers.Answer{}, rcode(opResolve, resolver, r)
	}
	values, ttl := collect(r.answers, q)
	return providers.Answer{Server: resolver, Values: values, TTL: ttl}, nil
}

// Resolvers implements providers.Names.
func (n *Names) Resolvers(context.Context) ([]string, error) { return n.resolvers() }

func question(name, kind string) (query, error) {
	t, ok := types[strings.ToUpper(kind)]
	if !ok {
		return query{}, providers.Errorf(providers.Invalid, opAsk, "", "%q is not a type of record that is asked for, such as A or CNAME", kind)
	}
	if name == "" || strings.ContainsAny(name, " \t\r\n\x00") || !labelled(canonical(name)) {
		return query{}, providers.Errorf(providers.Invalid, opAsk, "", "%q is not a DNS name", name)
	}
	return query{name: canonical(name), kind: t}, nil
}

// labelled says whether a name with its final dot keeps to the lengths of RFC 1035.
func labelled(name string) bool {
	if len(name) > 254 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if len(label) == 0 && name != "." || len(label) > 63 {
			return false
		}
	}
	return true
}

// collect follows the chain of aliases in an answer and returns the values at its end. The TTL is the shortest on the
// way: after it nobody who honours TTLs believes the old answer.
func collect(answers []dnsmessage.Resource, q query) ([]string, time.Duration) {
	owner, alias, ttl := q.name, "", ^uint32(0)
	for range len(answers) + 1 {
		var values []string
		next := ""
		for _, rr := range answers {
			h := rr.Header
			if canonical(h.Name.String()) != owner || h.Class != dnsmessage.ClassINET {
				continue
			}
			if c, ok := rr.Body.(*dnsmessage.CNAMEResource); ok && q.kind != dnsmessage.TypeCNAME {
				next = canonical(c.CNAME.String())
				ttl = min(ttl, h.TTL)
			} else if h.Type == q.kind {
				values = append(values, value(rr.Body))
				ttl = min(ttl, h.TTL)
			}
		}
		if len(values) > 0 {
			slices.Sort(values)
			return slices.Compact(values), time.Duration(ttl) * time.Second
		}
		if next == "" {
			break
		}
		alias, owner = next, next
	}
	if alias == "" {
		return nil, 0
	}
	return []string{strings.TrimSuffix(alias, ".")}, time.Duration(ttl) * time.Second
}

// exchange asks one server: over UDP, again when a packet is lost, and over TCP when the answer was cut.
func (n *Names) exchange(ctx context.Context, op, server string, q query, recurse bool) (*reply, error) {
	var last error
	for range tries {
		r, err := n.once(ctx, "udp", server, q, recurse)
		if err == nil && r.Truncated {
			r, err = n.once(ctx, "tcp", server, q, recurse)
		}
		if err == nil {
			return r, nil
		}
		last = err
		if ctx.Err() != nil || !timeout(err) {
			break
		}
	}
	return nil, failed(op, server, last)
}

// failed sorts what went wrong on the way.
func failed(op, server string, err error) error {
	e := &providers.Error{Kind: providers.Server, Op: op, Where: server, Cause: err}
	var no *net.DNSError
	var opErr *net.OpError
	switch {
	case errors.As(err, &no):
		e.Kind, e.Detail = providers.Unreachable, "the server's name does not resolve"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Kind, e.Detail = providers.Unreachable, "nobody answers DNS there"
	case timeout(err):
		e.Kind, e.Detail = providers.Lost, "no answer in time"
	case errors.Is(err, context.Canceled):
		e.Kind, e.Detail = providers.Unreachable, "stopped"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		e.Kind, e.Detail = providers.Lost, "the connection ended before the answer"
	case errors.As(err, &opErr) && opErr.Op == "dial":
		e.Kind, e.Detail = providers.Unreachable, runbook.Clean(opErr.Err.Error())
	default:
		e.Detail = runbook.Clean(err.Error())
	}
	return e
}

func timeout(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// rcodes are the words of RFC 1035 and of those who use them.
var rcodes = map[dnsmessage.RCode]string{
	dnsmessage.RCodeFormatError: "FORMERR", dnsmessage.RCodeServerFailure: "SERVFAIL", dnsmessage.RCodeNameError: "NXDOMAIN",
	dnsmessage.RCodeNotImplemented: "NOTIMP", dnsmessage.RCodeRefused: "REFUSED",
}

func rcode(op, server string, r *reply) error {
	word := rcodes[r.RCode]
	if word == "" {
		word = fmt.Sprintf("RCODE %d", r.RCode)
	}
	e := &providers.Error{Kind: providers.Server, Op: op, Where: server, Code: word, Detail: fmt.Sprintf("the server answered %s", word)}
	if r.RCode == dnsmessage.RCodeRefused {
		e.Kind = providers.Denied
		e.Detail = "the server does not answer for this name, or not to this machine"
	}
	return e
}

// canonical is a name in lower case with its final dot.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) + "." }

func withPort(server string) string {
	if h, p, err := net.SplitHostPort(server); err == nil {
		return net.JoinHostPort(h, p)
	}
	return net.JoinHostPort(strings.Trim(server, "[]"), "53")
}
