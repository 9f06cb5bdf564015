package emulator

import (
	"encoding/base64"
	"time"
)

// console is what cloud-init prints, with some of what surrounds it on a real console.
func (e *Emulator) console(c *call) *answer {
	id := c.form.Get("InstanceId")
	m := e.machines[id]
	if m == nil || m.region != c.region || e.unborn(id) {
		return c.noInstance(id)
	}
	text := ""
	if m.state == "running" && time.Since(m.up) >= e.opts.Delays.Console {
		text = "[    0.000000] Linux version 6.1.0\r\n[   11.404117] cloud-init[512]: Cloud-init finished\r\n"
		if e.opts.HostKeys != nil {
			text += "-----BEGIN SSH HOST KEY KEYS-----\r\n"
			for _, k := range e.opts.HostKeys(id) {
				text += k + " root@" + id + "\r\n"
			}
			text += "-----END SSH HOST KEY KEYS-----\r\n"
		}
		text += "\r\n" + id + " login: "
	}
	return c.done(txt("instanceId", id), txt("timestamp", time.Now().UTC().Format(time.RFC3339)),
		txt("output", base64.StdEncoding.EncodeToString([]byte(text))))
}
