package labhost

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Answer says what a name server knows: the values of the name and kind ("A", "NS", ...), and whether there is such a
// name at all. Names come in lower case without a final dot. It is called from many goroutines.
type Answer func(name, kind string) (values []string, ttl time.Duration, found bool)

// NameServer is a name server on a free port of 127.0.0.1, over UDP and TCP. It ends with the test.
type NameServer struct {
	Addr string // host:port

	answer  Answer
	delay   atomic.Int64
	silent  atomic.Bool
	foreign atomic.Bool
	rcode   atomic.Int64
	asked   atomic.Int64
	overTCP atomic.Int64
}

// StartDNS starts an authoritative name server that says what answer says.
func StartDNS(t testing.TB, answer Answer) *NameServer {
	t.Helper()
	s := &NameServer{answer: answer}
	var udp net.PacketConn
	var tcp net.Listener
	var err error
	for range 50 {
		if udp, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			continue
		}
		if tcp, err = net.Listen("tcp", udp.LocalAddr().String()); err == nil {
			break
		}
		udp.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Addr = udp.LocalAddr().String()
	for _, server := range []*dns.Server{{PacketConn: udp, Handler: s}, {Listener: tcp, Handler: s}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		ended := make(chan struct{})
		go func() {
			_ = server.ActivateAndServe()
			close(ended)
		}()
		<-started
		t.Cleanup(func() {
			_ = server.Shutdown()
			<-ended
		})
	}
	return s
}

// Delay makes every answer late.
func (s *NameServer) Delay(d time.Duration) { s.delay.Store(int64(d)) }

// Silence makes the server swallow questions.
func (s *NameServer) Silence(yes bool) { s.silent.Store(yes) }

// NotAuthoritative makes it answer as a resolver does, without the AA flag.
func (s *NameServer) NotAuthoritative(yes bool) { s.foreign.Store(yes) }

// Fail makes every answer an error, such as dns.RcodeRefused; 0 ends that.
func (s *NameServer) Fail(rcode int) { s.rcode.Store(int64(rcode)) }

// Asked is the number of questions, and OverTCP of those over TCP.
func (s *NameServer) Asked() int { return int(s.asked.Load()) }

// OverTCP is the number of questions that came over TCP.
func (s *NameServer) OverTCP() int { return int(s.overTCP.Load()) }

// ServeDNS answers one question.
func (s *NameServer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	s.asked.Add(1)
	_, udp := w.RemoteAddr().(*net.UDPAddr)
	if !udp {
		s.overTCP.Add(1)
	}
	if s.silent.Load() {
		return
	}
	time.Sleep(time.Duration(s.delay.Load()))
	r := new(dns.Msg)
	r.SetReply(q)
	r.Authoritative = !s.foreign.Load()
	if code := int(s.rcode.Load()); code != 0 || len(q.Question) != 1 {
		r.Rcode = max(code, dns.RcodeFormatError)
	} else {
		s.fill(r, q.Question[0])
	}
	size := dns.MinMsgSize
	if opt := q.IsEdns0(); opt != nil {
		r.SetEdns0(opt.UDPSize(), false)
		size = int(opt.UDPSize())
	}
	if udp {
		r.Truncate(size)
	}
	_ = w.WriteMsg(r)
}

// fill follows aliases that this server knows, as authoritative servers do within their zones.
func (s *NameServer) fill(r *dns.Msg, q dns.Question) {
	kind := dns.TypeToString[q.Qtype]
	name := dns.CanonicalName(q.Name)
	for range 8 {
		values, ttl, found := s.answer(strings.TrimSuffix(name, "."), kind)
		if len(values) > 0 || kind == "CNAME" {
			r.Answer = append(r.Answer, records(name, kind, ttl, values)...)
		}
		if len(values) > 0 {
			return
		}
		alias, ttl, _ := s.answer(strings.TrimSuffix(name, "."), "CNAME")
		if len(alias) == 0 || kind == "CNAME" {
			if !found && len(r.Answer) == 0 {
				r.Rcode = dns.RcodeNameError
			}
			return
		}
		r.Answer = append(r.Answer, records(name, "CNAME", ttl, alias[:1])...)
		name = dns.CanonicalName(alias[0])
	}
}

func records(name, kind string, ttl time.Duration, values []string) []dns.RR {
	var out []dns.RR
	for _, value := range values {
		if kind == "CNAME" || kind == "NS" {
			value = dns.Fqdn(value)
		}
		rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", name, int(ttl.Seconds()), kind, value))
		if err == nil && rr != nil {
			out = append(out, rr)
		}
	}
	return out
}
