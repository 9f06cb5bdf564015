package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers/providertest/emulator"
)

// writeEstate writes the file that a user of this estate would have written.
func (l *Lab) writeEstate() {
	l.t.Helper()
	var servers []string
	for _, n := range l.Names {
		servers = append(servers, strconv.Quote(n.Addr))
	}
	l.URL = fmt.Sprintf("http://%s:%d/", Name, l.port)
	text := strings.NewReplacer(
		"MOREOFPRODUCTION", l.originLines(), "MOREKEYS", l.originKeys(), "NIGHTLY", l.NightlyPath(), "ACCOUNT", emulator.Account, "DRILLNAME", DrillName, "NAME", Name, "PORT", strconv.Itoa(l.port), "HOSTEDZONE", l.Zone,
		"SERVERS", strings.Join(servers, ", "), "PREGION", ProductionRegion, "INSTANCE", l.Instance, "PADDRESS", l.ProductionAddress,
		"SREGION", StandbyRegion, "SZONE", StandbyZone, "IMAGE", l.Image, "DRILLADDRESS", l.DrillAddress, "ADDRESS", l.Address,
		"DRILLVOLUME", l.DrillVolume, "VOLUME", l.Volume, "MOUNT", l.MountPath(), "DATA", l.Data, "IDENTITY", l.identity,
		"SSHPORT", strconv.Itoa(l.Standby.Port), "REPLICAHOST", l.replica, "REPLICAPORT", strconv.Itoa(l.Replica.Port), "USER", l.Standby.User,
		"SUBNET", l.AWS.Subnet(StandbyRegion, StandbyZone), "GROUP", l.AWS.SecurityGroup(StandbyRegion),
		"REPLICAKEY", l.Replica.HostKey, "TTL", strconv.Itoa(int(TTL/time.Second)),
	).Replace(estate)
	l.Estate = filepath.Join(l.Dir, "estate.yaml")
	l.must(os.WriteFile(l.Estate, []byte(text), 0o644))
}

const estate = `lifeboat: 1
kind: estate
name: lab
account: "ACCOUNT"
service:
  name: NAME
  url: http://NAME:PORT/
  zone: HOSTEDZONE
  ttl: TTL
  servers: [SERVERS]
production:
  region: PREGION
  instance: INSTANCE
  address: PADDRESS
MOREOFPRODUCTIONstandby:
  region: SREGION
  zone: SZONE
  image: IMAGE
  type: m7i.large
  address: ADDRESS
  volume: {id: VOLUME, zone: SZONE, path: "MOUNT"}
  replica:
    host: REPLICAHOST
    id: replica
    port: REPLICAPORT
    path: "DATA"
    identity: "IDENTITY"
    pause: [dbctl, replica, pause]
    paused: [dbctl, replica, is-paused]
    resume: [dbctl, replica, resume]
  nightly: {host: REPLICAHOST, id: replica, port: REPLICAPORT, path: "NIGHTLY", identity: "IDENTITY"}
  subnet: SUBNET
  security_groups: [GROUP]
  key_name: shop
ssh:
  user: USER
  port: SSHPORT
  identity: "IDENTITY"
  config: none
  host_keys:
    replica: ["REPLICAKEY"]
MOREKEYSvars:
  services: [bbj, httpd]
drill:
  service:
    name: DRILLNAME
    url: http://DRILLNAME:PORT/
  standby:
    address: DRILLADDRESS
    volume: {id: DRILLVOLUME, zone: SZONE}
    replica: {host: REPLICAHOST}
`
