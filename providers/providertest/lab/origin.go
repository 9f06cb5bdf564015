package lab

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"lifeboat/providers/providertest/labhost"
)

// Live is the page that a real production has: it is ahead of every copy.
const Live = "orders up to this second\n"

// OriginPath is where production mounts its volume.
func (l *Lab) OriginPath() string { return filepath.Join(l.Dir, "production", "srv", "data") }

// NightlyPath is where the host of the replica keeps last night's copy.
func (l *Lab) NightlyPath() string { return filepath.Join(l.Dir, "replica", "srv", "nightly") }

// startOrigin makes production's machine. It answers ssh at the port that all of the estate's machines have.
func (l *Lab) startOrigin(public string) {
	l.t.Helper()
	l.origin = private()
	l.Origin = labhost.NewMachine(l.t, l.folder("production"))
	o := sshd(l.folder("production-sshd"), l.origin, public, l.Origin.Bin)
	o.Port = l.Standby.Port
	l.originSSH = labhost.StartSSHD(l.t, o)
}

// seedOrigin gives production its volume, with data that no copy has yet, and its services.
func (l *Lab) seedOrigin(instance string) {
	l.t.Helper()
	l.ProductionVolume = l.AWS.SeedVolume(ProductionRegion, ProductionZone, 8)
	l.AWS.SeedAttachment(ProductionRegion, l.ProductionVolume, instance, "/dev/sdf")
	l.AWS.SeedKeyPair(ProductionRegion, "shop")
	content := l.Content(l.ProductionVolume)
	l.must(Fill(content))
	l.must(os.WriteFile(filepath.Join(content, "index.html"), []byte(Live), 0o644))
	l.must(os.WriteFile(filepath.Join(content, "orders", "of this second"), []byte("one\n"), 0o644))
	l.must(os.MkdirAll(l.NightlyPath(), 0o755))
	l.must(l.Origin.Plug(l.ProductionVolume, content))
	for _, service := range services {
		port := l.port
		if service == "bbj" {
			port = labhost.FreePort(l.t, l.origin)
		}
		l.must(l.Origin.AddService(service, labhost.Service{Listen: net.JoinHostPort(l.origin, strconv.Itoa(port)), Folder: l.OriginPath()}))
	}
}

var services = []string{"bbj", "httpd"}

// hostKeys are what a machine prints on its console.
func (l *Lab) hostKeys(instance string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if instance == l.Instance && l.originSSH != nil {
		return []string{l.originSSH.HostKey}
	}
	return []string{l.Standby.HostKey}
}

// arrive opens an address that leads to a machine which has booted. l.mu is held.
func (l *Lab) arrive(address, instance string) {
	if instance != l.Instance {
		l.point(address, l.standby)
		return
	}
	if err := l.Origin.Boot(map[string]string{l.ProductionVolume: l.OriginPath()}, services...); err != nil {
		l.t.Errorf("production does not boot: %v", err)
	}
	l.point(address, l.origin)
}

// goDown ends what runs on production's machine. l.mu is held.
func (l *Lab) goDown(instance string) {
	delete(l.booted, instance)
	if err := l.Origin.PowerOff(); err != nil {
		l.t.Errorf("production does not go down: %v", err)
	}
}

// onReboot is told by AWS that a machine boots anew: production's goes down and comes back, with everything that starts by
// itself.
func (l *Lab) onReboot(instance string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || instance != l.Instance || l.Origin == nil {
		return
	}
	l.goDown(instance)
	l.booted[instance] = time.Now().Add(l.opts.Delays.Boot)
	for address, at := range l.leads {
		if at != instance {
			continue
		}
		l.point(address, "")
		l.timers = append(l.timers, time.AfterFunc(l.opts.Delays.Boot, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if !l.closed && l.leads[address] == instance {
				l.arrive(address, instance)
			}
		}))
	}
}

// await waits until a page is served.
func (l *Lab) await(address string) {
	l.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
		_, err := l.Page(address)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%s does not serve: %v", address, err)
		}
	}
}

// originLines are what the estate says of a real production.
func (l *Lab) originLines() string {
	if l.Origin == nil {
		return ""
	}
	return fmt.Sprintf(`  zone: %s
  image: %s
  type: m7i.large
  volume: {id: %s, zone: %s, path: %q}
  subnet: %s
  security_groups: [%s]
  key_name: shop
`, ProductionZone, l.ProductionImage, l.ProductionVolume, ProductionZone, l.OriginPath(), l.AWS.Subnet(ProductionRegion, ProductionZone), l.AWS.SecurityGroup(ProductionRegion))
}

// originKeys pin production's host key.
func (l *Lab) originKeys() string {
	if l.Origin == nil {
		return ""
	}
	return fmt.Sprintf("    %s: [%q]\n", l.Instance, l.originSSH.HostKey)
}
