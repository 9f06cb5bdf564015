package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"lifeboat/runbook"
)

// caa is a type that Route 53 has and dnsmessage does not (RFC 8659).
const caa dnsmessage.Type = 257

// types are those whose answers can be compared with what Route 53 was given.
var types = map[string]dnsmessage.Type{
	"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CAA": caa, "CNAME": dnsmessage.TypeCNAME, "MX": dnsmessage.TypeMX,
	"NS": dnsmessage.TypeNS, "PTR": dnsmessage.TypePTR, "SOA": dnsmessage.TypeSOA, "SRV": dnsmessage.TypeSRV, "TXT": dnsmessage.TypeTXT,
}

// query is a question: a name in lower case with its final dot, and a type.
type query struct {
	name string
	kind dnsmessage.Type
}

// reply is what came back. Answers are read only where the answer was not cut.
type reply struct {
	dnsmessage.Header
	answers []dnsmessage.Resource
}

var errOther = errors.New("the answer is to another question")

// pack is the question as it goes over the wire, with room for answers of more than 512 bytes (EDNS0, RFC 6891).
func (q query) pack(id uint16, recurse bool) ([]byte, error) {
	name, err := dnsmessage.NewName(q.name)
	if err != nil {
		return nil, err
	}
	b := dnsmessage.NewBuilder(make([]byte, 2, 512), dnsmessage.Header{ID: id, RecursionDesired: recurse})
	var room dnsmessage.ResourceHeader
	err = errors.Join(
		b.StartQuestions(), b.Question(dnsmessage.Question{Name: name, Type: q.kind, Class: dnsmessage.ClassINET}),
		b.StartAdditionals(), room.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, false), b.OPTResource(room, dnsmessage.OPTResource{}),
	)
	if err != nil {
		return nil, err
	}
	return b.Finish() // two bytes are left in front, for the length that TCP wants
}

// once asks once, over udp or tcp.
func (n *Names) once(ctx context.Context, network, server string, q query, recurse bool) (*reply, error) {
	ctx, cancel := n.opts.Clock.WithTimeout(ctx, tryTimeout)
	defer cancel()
	id := uint16(rand.Uint32())
	packet, err := q.pack(id, recurse)
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // nothing was left to write
	// The context ends the conversation, whatever clock it runs on.
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	r, err := converse(conn, network, packet, id, q)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil, ctx.Err()
	}
	return r, err
}

// converse sends the packet and reads until the answer to it comes: over UDP anybody may send anything.
func converse(conn net.Conn, network string, packet []byte, id uint16, q query) (*reply, error) {
	if network == "udp" {
		packet = packet[2:]
	} else {
		binary.BigEndian.PutUint16(packet, uint16(len(packet)-2))
	}
	if _, err := conn.Write(packet); err != nil {
		return nil, err
	}
	buffer := make([]byte, udpSize)
	for {
		said, err := read(conn, network, buffer)
		if err != nil {
			return nil, err
		}
		if len(said) < 2 || binary.BigEndian.Uint16(said) != id {
			if network == "tcp" {
				return nil, errOther
			}
			continue
		}
		return understand(said, q)
	}
}

func read(conn net.Conn, network string, buffer []byte) ([]byte, error) {
	if network == "udp" {
		n, err := conn.Read(buffer)
		return buffer[:n], err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	said := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, said)
	return said, err
}

func understand(said []byte, q query) (*reply, error) {
	var p dnsmessage.Parser
	r := &reply{}
	var err error
	if r.Header, err = p.Start(said); err != nil {
		return nil, err
	}
	asked, err := p.AllQuestions()
	if err != nil {
		return nil, err
	}
	if r.RCode == dnsmessage.RCodeFormatError && len(asked) == 0 {
		return r, nil // a server that understood nothing says so without the question
	}
	if !r.Response || len(asked) != 1 || canonical(asked[0].Name.String()) != q.name || asked[0].Type != q.kind {
		return nil, errOther
	}
	if r.Truncated {
		return r, nil
	}
	r.answers, err = p.AllAnswers()
	return r, err
}

// value is the record's data as people write it.
func value(body dnsmessage.ResourceBody) string {
	switch rr := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(rr.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(rr.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return bare(rr.CNAME)
	case *dnsmessage.NSResource:
		return bare(rr.NS)
	default:
		return runbook.Clean(text(body))
	}
}

func bare(name dnsmessage.Name) string { return strings.TrimSuffix(canonical(name.String()), ".") }

// text is the data as a zone file has it.
func text(body dnsmessage.ResourceBody) string {
	words := []string{}
	numbers := func(list ...uint32) {
		for _, n := range list {
			words = append(words, strconv.FormatUint(uint64(n), 10))
		}
	}
	switch rr := body.(type) {
	case *dnsmessage.MXResource:
		numbers(uint32(rr.Pref))
		words = append(words, rr.MX.String())
	case *dnsmessage.PTRResource:
		words = append(words, rr.PTR.String())
	case *dnsmessage.SRVResource:
		numbers(uint32(rr.Priority), uint32(rr.Weight), uint32(rr.Port))
		words = append(words, rr.Target.String())
	case *dnsmessage.SOAResource:
		words = append(words, rr.NS.String(), rr.MBox.String())
		numbers(rr.Serial, rr.Refresh, rr.Retry, rr.Expire, rr.MinTTL)
	case *dnsmessage.TXTResource:
		for _, s := range rr.TXT {
			words = append(words, quoted(s))
		}
	case *dnsmessage.UnknownResource: // CAA: flags, the length of a tag, the tag, the rest
		if d := rr.Data; len(d) >= 2 && len(d) >= 2+int(d[1]) {
			numbers(uint32(d[0]))
			words = append(words, string(d[2:2+d[1]]), quoted(string(d[2+d[1]:])))
		}
	}
	return strings.Join(words, " ")
}

// quoted is a character string as a zone file has it (RFC 1035, 5.1).
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			b.WriteString(`\` + string([]byte{'0' + c/100, '0' + c/10%10, '0' + c%10}))
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
