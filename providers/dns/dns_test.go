package dns_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"lifeboat/providers"
	"lifeboat/providers/dns"
	"lifeboat/providers/providertest/labhost"
)

func kind(t *testing.T, err error, want providers.ErrorKind) {
	t.Helper()
	if !providers.Is(err, want) {
		t.Fatalf("got %v, want an error of kind %q", err, want)
	}
	var e *providers.Error
	if errors.As(err, &e); e.Detail == "" {
		t.Errorf("it says nothing: %+v", e)
	}
}

// zone answers from a table: "NAME TYPE" to values. A name is there when any of its types is.
func zone(table map[string][]string) labhost.Answer {
	return func(name, kind string) ([]string, time.Duration, bool) {
		found := false
		for key := range table {
			found = found || strings.HasPrefix(key, name+" ")
		}
		ttl := 300 * time.Second
		if kind == "CNAME" {
			ttl = 60 * time.Second
		}
		return table[name+" "+kind], ttl, found
	}
}

func TestAsk(t *testing.T) {
	many := []string{}
	for i := range 200 {
		many = append(many, fmt.Sprintf("192.0.2.%d", i+1))
	}
	s := labhost.StartDNS(t, zone(map[string][]string{
		"www.example.com A":          {"198.51.100.7", "192.0.2.9"},
		"www.example.com AAAA":       {"2001:db8::1"},
		"shop.example.com CNAME":     {"WWW.example.com"},
		"far.example.com CNAME":      {"www.example.net"},
		"example.com MX":             {"10 mail.example.com."},
		"example.com TXT":            {`"v=spf1 -all" "more"`},
		"example.com NS":             {"ns1.example.com"},
		"example.com CAA":            {`0 issue "ca.example.net; a=\"b\\c\""`},
		"example.com SOA":            {"ns1.example.com. host.example.com. 7 3600 600 86400 60"},
		"_s._tcp.example.com SRV":    {"10 20 443 www.example.com."},
		"9.2.0.192.in-addr.arpa PTR": {"www.example.com."},
		"odd.example.com TXT":        {`"tab\009 quote\" back\\ high\255"`},
		"many.example.com A":         many,
		"*.example.com A":            {"192.0.2.1"},
		"loop.example.com CNAME":     {"loop2.example.com"},
		"loop2.example.com CNAME":    {"loop.example.com"},
	}))
	n := dns.New(dns.Options{})
	slices.Sort(many)
	for _, c := range []struct {
		name, kind string
		want       []string
		ttl        time.Duration
	}{
		{"www.example.com", "A", []string{"192.0.2.9", "198.51.100.7"}, 300 * time.Second},
		{"WWW.Example.COM.", "a", []string{"192.0.2.9", "198.51.100.7"}, 300 * time.Second},
		{"www.example.com", "AAAA", []string{"2001:db8::1"}, 300 * time.Second},
		{"www.example.com", "TXT", nil, 0},
		{"none.example.com", "A", nil, 0},
		{"shop.example.com", "CNAME", []string{"www.example.com"}, 60 * time.Second},
		{"shop.example.com", "A", []string{"192.0.2.9", "198.51.100.7"}, 60 * time.Second},
		{"far.example.com", "A", []string{"www.example.net"}, 60 * time.Second},
		{"example.com", "MX", []string{"10 mail.example.com."}, 300 * time.Second},
		{"example.com", "TXT", []string{`"v=spf1 -all" "more"`}, 300 * time.Second},
		{"example.com", "NS", []string{"ns1.example.com"}, 300 * time.Second},
		{"example.com", "CAA", []string{`0 issue "ca.example.net; a=\"b\\c\""`}, 300 * time.Second},
		{"example.com", "SOA", []string{"ns1.example.com. host.example.com. 7 3600 600 86400 60"}, 300 * time.Second},
		{"_s._tcp.example.com", "SRV", []string{"10 20 443 www.example.com."}, 300 * time.Second},
		{"9.2.0.192.in-addr.arpa", "PTR", []string{"www.example.com."}, 300 * time.Second},
		{"odd.example.com", "TXT", []string{`"tab\009 quote\" back\\ high\255"`}, 300 * time.Second},
		{"many.example.com", "A", many, 300 * time.Second},
		{"*.example.com", "A", []string{"192.0.2.1"}, 300 * time.Second},
	} {
		t.Run(c.name+" "+c.kind, func(t *testing.T) {
			a, err := n.Ask(t.Context(), s.Addr, c.name, c.kind)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(a.Values, c.want) || a.TTL != c.ttl || !a.Authoritative || a.Server != s.Addr {
				t.Errorf("got %+v", a)
			}
		})
	}
	if s.OverTCP() != 1 {
		t.Errorf("%d questions over TCP, want the one whose answer was cut", s.OverTCP())
	}
	if _, err := n.Ask(t.Context(), s.Addr, "loop.example.com", "A"); err != nil {
		t.Errorf("a loop of aliases: %v", err)
	}
	s.NotAuthoritative(true)
	if a, err := n.Ask(t.Context(), s.Addr, "www.example.com", "A"); err != nil || a.Authoritative {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestAskErrors(t *testing.T) {
	s := labhost.StartDNS(t, zone(map[string][]string{"www.example.com A": {"192.0.2.9"}}))
	n := dns.New(dns.Options{})
	ask := func(server, name, kind string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := n.Ask(ctx, server, name, kind)
		return err
	}
	for _, bad := range [][2]string{{"www.example.com", "NOPE"}, {"www.example.com", "RRSIG"}, {strings.Repeat("x.", 127) + "example.com", "A"}, {"", "A"}, {"a b.example.com", "A"}, {strings.Repeat("x", 64) + ".example.com", "A"}, {"a..example.com", "A"}} {
		kind(t, ask(s.Addr, bad[0], bad[1]), providers.Invalid)
	}
	s.Fail(mdns.RcodeRefused)
	kind(t, ask(s.Addr, "www.example.com", "A"), providers.Denied)
	s.Fail(mdns.RcodeServerFailure)
	kind(t, ask(s.Addr, "www.example.com", "A"), providers.Server)
	s.Fail(0)
	s.Silence(true)
	kind(t, ask(s.Addr, "www.example.com", "A"), providers.Lost)
	s.Silence(false)
	if err := ask(s.Addr, "www.example.com", "A"); err != nil {
		t.Error(err)
	}
	kind(t, ask(fmt.Sprintf("127.0.0.1:%d", labhost.FreePort(t)), "www.example.com", "A"), providers.Unreachable)
}

// TestAnotherQuestion: an answer to something else is not believed.
func TestAnotherQuestion(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := &mdns.Server{PacketConn: pc, NotifyStartedFunc: func() { close(started) }, Handler: mdns.HandlerFunc(func(w mdns.ResponseWriter, q *mdns.Msg) {
		r := new(mdns.Msg)
		r.SetReply(q)
		r.Question[0].Name = "other.example.com."
		rr, _ := mdns.NewRR("www.example.com. 60 IN A 192.0.2.66")
		r.Answer = []mdns.RR{rr}
		w.WriteMsg(r)
	})}
	go server.ActivateAndServe()
	<-started
	defer server.Shutdown()
	_, err = dns.New(dns.Options{}).Ask(t.Context(), pc.LocalAddr().String(), "www.example.com", "A")
	kind(t, err, providers.Server)
}

func TestServers(t *testing.T) {
	table := map[string][]string{
		"example.com NS":           {"ns2.example.com", "ns1.example.com"},
		"ns1.example.com A":        {"192.0.2.53"},
		"ns2.example.com A":        {"198.51.100.53"},
		"six.example.org NS":       {"ns.six.example.org"},
		"ns.six.example.org AAAA":  {"2001:db8::53"},
		"shop.example.com CNAME":   {"six.example.org"},
		"lame.example.com NS":      {"gone.example.com"},
		"www.deep.example.com A":   {"192.0.2.9"},
		"alias.example.com CNAME":  {"nowhere.example.net"},
		"odd.example.com NS":       {"alias.example.com"},
		"sub.zone.example.com TXT": {`"x"`},
	}
	resolver := labhost.StartDNS(t, zone(table))
	dead := labhost.StartDNS(t, zone(table))
	dead.Fail(mdns.RcodeServerFailure)
	n := dns.New(dns.Options{
		Resolvers: []string{dead.Addr, resolver.Addr},
		Servers:   map[string][]string{"Private.example.com.": {"192.0.2.1", "192.0.2.2:5353"}, "www.private.example.com": {"192.0.2.3"}},
	})
	for name, want := range map[string][]string{
		"example.com":               {"192.0.2.53:53", "198.51.100.53:53"},
		"www.example.com":           {"192.0.2.53:53", "198.51.100.53:53"},
		"www.deep.example.com.":     {"192.0.2.53:53", "198.51.100.53:53"},
		"shop.example.com":          {"192.0.2.53:53", "198.51.100.53:53"}, // its target's zone is another's
		"x.six.example.org":         {"[2001:db8::53]:53"},
		"private.example.com":       {"192.0.2.1:53", "192.0.2.2:5353"},
		"a.b.PRIVATE.example.com":   {"192.0.2.1:53", "192.0.2.2:5353"},
		"www.private.example.com":   {"192.0.2.3:53"},
		"x.www.private.example.com": {"192.0.2.3:53"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := n.Servers(t.Context(), name)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
	for _, name := range []string{"www.example.net", "x.lame.example.com", "x.odd.example.com"} {
		_, err := n.Servers(t.Context(), name)
		kind(t, err, providers.NotFound)
	}
	_, err := dns.New(dns.Options{Resolvers: []string{dead.Addr}}).Servers(t.Context(), "www.example.com")
	kind(t, err, providers.Server)
	all := dns.New(dns.Options{Servers: map[string][]string{".": {"192.0.2.4"}}})
	if got, err := all.Servers(t.Context(), "anything.example"); err != nil || !slices.Equal(got, []string{"192.0.2.4:53"}) {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestResolve: a resolver is asked to find out, an authoritative server is not; and a resolver's word is never authority.
func TestResolve(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan bool, 1)
	started := make(chan struct{})
	server := &mdns.Server{PacketConn: pc, NotifyStartedFunc: func() { close(started) }, Handler: mdns.HandlerFunc(func(w mdns.ResponseWriter, q *mdns.Msg) {
		asked <- q.RecursionDesired
		r := new(mdns.Msg)
		r.SetReply(q)
		r.Authoritative = true
		rr, _ := mdns.NewRR("www.example.com. 41 IN A 192.0.2.9")
		r.Answer = []mdns.RR{rr}
		w.WriteMsg(r)
	})}
	go server.ActivateAndServe()
	<-started
	defer server.Shutdown()
	at := pc.LocalAddr().String()
	n := dns.New(dns.Options{Resolvers: []string{at, "192.0.2.53"}})
	a, err := n.Resolve(t.Context(), at, "www.example.com", "A")
	if err != nil || !slices.Equal(a.Values, []string{"192.0.2.9"}) || a.TTL != 41*time.Second || a.Authoritative || !<-asked {
		t.Errorf("got %+v, %v", a, err)
	}
	if _, err := n.Ask(t.Context(), at, "www.example.com", "A"); err != nil || <-asked {
		t.Errorf("an authoritative server was asked to find out: %v", err)
	}
	if list, err := n.Resolvers(t.Context()); err != nil || !slices.Equal(list, []string{at, "192.0.2.53:53"}) {
		t.Errorf("resolvers %q, %v", list, err)
	}
	_, err = n.Resolve(t.Context(), at, "", "A")
	kind(t, err, providers.Invalid)
}

// TestSomebodyElsesPacketIsPassedOver: what does not bear the question's number is read past, and waited on.
func TestSomebodyElsesPacketIsPassedOver(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	go func() {
		buffer := make([]byte, 512)
		n, from, err := pc.ReadFrom(buffer)
		var q mdns.Msg
		if err != nil || q.Unpack(buffer[:n]) != nil {
			return
		}
		for _, x := range []struct {
			id      uint16
			address string
		}{{q.Id + 1, "192.0.2.66"}, {q.Id, "192.0.2.9"}} {
			r := new(mdns.Msg)
			r.SetReply(&q)
			r.Id = x.id
			rr, _ := mdns.NewRR("www.example.com. 60 IN A " + x.address)
			r.Answer = []mdns.RR{rr}
			b, _ := r.Pack()
			pc.WriteTo(nil, from)
			pc.WriteTo(b, from)
		}
	}()
	a, err := dns.New(dns.Options{}).Ask(t.Context(), pc.LocalAddr().String(), "www.example.com", "A")
	if err != nil || !slices.Equal(a.Values, []string{"192.0.2.9"}) {
		t.Errorf("got %+v, %v", a, err)
	}
}
