package sim

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// How long a client tries to connect to an address where nothing answers.
const (
	webConnect = 5 * time.Second
	sshConnect = 10 * time.Second
	knock      = time.Second // between two tries
)

func (c *cloud) Get(ctx context.Context, where, address string) (providers.Page, error) {
	r := request{op: "http:Get", about: where + " " + address, read: true}
	u, err := url.Parse(where)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return providers.Page{}, refuse(providers.Invalid, r, "", "%q is not the address of a page", where)
	}
	began := c.clock.Now()
	for {
		page, silent, err := c.get(ctx, r, u, address)
		if err != nil {
			return providers.Page{}, err
		}
		page.Took = c.clock.Now().Sub(began)
		if !silent {
			return page, nil
		}
		if page.Took >= webConnect {
			return providers.Page{}, refuse(providers.Unreachable, r, "", "no answer from %s in %s", page.Address, webConnect)
		}
		if runbook.Sleep(ctx, c.clock, knock) != nil {
			return providers.Page{}, unsent(r, ctx)
		}
	}
}

// get asks once; silent says that nothing answers there.
func (c *cloud) get(ctx context.Context, r request, u *url.URL, address string) (page providers.Page, silent bool, err error) {
	err = c.call(ctx, r, c.spec.Delays.Call, func(s *state, now time.Time) (*Entry, error) {
		page.Address = address
		if address == "" {
			page.Address = s.lookUp(u.Hostname(), now)
		}
		if page.Address == "" {
			return nil, refuse(providers.Unreachable, r, "", "no such host as %q", u.Hostname())
		}
		m := s.machineAt(page.Address, now)
		if m == nil || !m.now(now).up || s.dark(m.region(), now) {
			silent = true
			return nil, nil
		}
		page.Status = 503
		switch s.serving(m, now) {
		case "":
			return nil, refuse(providers.Unreachable, r, "ECONNREFUSED", "%s refuses the connection", page.Address)
		case "starting":
			page.Body = "<h1>Starting</h1>\n"
		case "no data":
			page.Body = "<h1>No data</h1>\n"
		default:
			page.Status, page.Body = 200, s.body(m, u)
		}
		return nil, nil
	})
	return page, silent, err
}

// body is the page: it says who serves it and on which data.
func (s *state) body(m *machine, u *url.URL) string {
	data := Data{Version: "none"}
	if at := s.spec.Service.Path; at != "" {
		data = s.data(m, at)
	}
	return fmt.Sprintf("<h1>%s</h1>\n<p>served by %s in %s, data: %s</p>\n", u.Hostname(), m.id, m.region(), data.Version)
}
