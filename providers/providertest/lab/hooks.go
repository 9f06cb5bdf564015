package lab

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// onAddress is told by AWS that an address begins or ceases to lead to a machine. A machine answers when it has booted.
func (l *Lab) onAddress(address, instance string, up bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	production := instance == l.Instance
	if l.closed || l.Instance == "" || production && l.Origin == nil {
		return // production serves by itself
	}
	if !up {
		if production {
			l.goDown(instance)
		}
		delete(l.leads, address)
		l.point(address, "")
		return
	}
	now := time.Now()
	if l.booted[instance].IsZero() {
		l.booted[instance] = now.Add(l.opts.Delays.Boot)
	}
	l.leads[address] = instance
	if wait := l.booted[instance].Sub(now); wait > 0 {
		l.timers = append(l.timers, time.AfterFunc(wait, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if !l.closed && l.leads[address] == instance {
				l.arrive(address, instance)
			}
		}))
		return
	}
	l.arrive(address, instance)
}

func (l *Lab) point(address, host string) {
	if err := l.addresses.Point(address, host); err != nil {
		l.t.Errorf("point %s at %q: %v", address, host, err)
	}
}

// onVolume makes the disk of an attached volume appear on the standby.
func (l *Lab) onVolume(volume, instance, _ string, attached bool) {
	machine := l.Machine
	if instance == l.Instance && l.Origin != nil {
		machine = l.Origin
	}
	err := error(nil)
	if attached {
		err = machine.Plug(volume, l.Content(volume))
	} else {
		err = machine.Unplug(volume)
	}
	if err != nil {
		l.t.Errorf("volume %s, attached=%v: %v", volume, attached, err)
	}
}

func (l *Lab) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, t := range l.timers {
		t.Stop()
	}
}

// get asks one address for the page of the service.
func get(address string, port int) (string, error) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + net.JoinHostPort(address, strconv.Itoa(port)) + "/")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return string(body), err
}
