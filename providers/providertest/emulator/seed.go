package emulator

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// What follows makes the estate that a test starts from. It goes to moto directly: nothing of it is in the log, no fault
// befalls it, and it is there at once. An error is a mistake in the test or in the emulator, so it panics.

// SeedImage makes an available image.
func (e *Emulator) SeedImage(region, name string, tags ...string) string {
	id := e.must(region, "RegisterImage", "Name", name, "Architecture", "x86_64", "RootDeviceName", "/dev/sda1").get("imageId")
	for i := 0; i+1 < len(tags); i += 2 { // moto leaves out the tags of a registration
		e.must(region, "CreateTags", "ResourceId.1", id, "Tag.1.Key", tags[i], "Tag.1.Value", tags[i+1])
	}
	return id
}

// SeedVolume makes an available volume.
func (e *Emulator) SeedVolume(region, zone string, gib int, tags ...string) string {
	root := e.must(region, "CreateVolume", append([]string{
		"Size", strconv.Itoa(gib), "AvailabilityZone", zone,
	}, tagging("volume", tags)...)...)
	return root.get("volumeId")
}

// SeedAddress allocates an elastic address. It is a loopback address: a lab can listen on it.
func (e *Emulator) SeedAddress(region string, tags ...string) string {
	return e.must(region, "AllocateAddress", append([]string{"Domain", "vpc"}, tagging("elastic-ip", tags)...)...).get("publicIp")
}

// SeedInstance makes a running machine. Its temporary address is up when this returns, its checks have passed.
func (e *Emulator) SeedInstance(region, zone, image string, tags ...string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	root := e.mustLocked(region, "RunInstances", append([]string{
		"ImageId", image, "InstanceType", "m7i.large", "MinCount", "1", "MaxCount", "1", "Placement.AvailabilityZone", zone,
	}, tagging("instance", tags)...)...)
	c := &call{region: region, form: url.Values{}}
	m := e.birth(c, root.at("instancesSet", "item"))
	m.born = m.born.Add(-e.opts.Delays.Visible)
	e.note(e.passed(m))
	m.up = m.up.Add(-max(e.opts.Delays.Checks, e.opts.Delays.Console))
	return m.id
}

// Protect protects a machine against termination.
func (e *Emulator) Protect(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.machines[id].protected = true
}

// SeedGroup makes a security group of that name in the region's default network, without rules.
func (e *Emulator) SeedGroup(region, name string) string {
	id := e.must(region, "CreateSecurityGroup", "GroupName", name, "GroupDescription", name, "VpcId", e.VPC(region)).get("groupId")
	e.must(region, "RevokeSecurityGroupEgress", "GroupId", id, "IpPermissions.1.IpProtocol", "-1", "IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0")
	return id
}

// SeedAssociation gives an address to a machine.
func (e *Emulator) SeedAssociation(region, address, instance string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	root := e.mustLocked(region, "AssociateAddress", "PublicIp", address, "InstanceId", instance)
	e.known[root.get("associationId")] = true
	m := e.machines[instance]
	e.address(m.public(), m.id, false)
	m.elastic, m.temporary = address, ""
	e.address(m.public(), m.id, true)
}

// SeedAttachment hangs a volume on a machine. Options.OnVolume is not told.
func (e *Emulator) SeedAttachment(region, volume, instance, device string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mustLocked(region, "AttachVolume", "VolumeId", volume, "InstanceId", instance, "Device", device)
	e.disks[volume] = &disk{id: volume, region: region, instance: instance, device: device, state: "attached"}
}

// SeedKeyPair makes an EC2 key pair of that name.
func (e *Emulator) SeedKeyPair(region, name string) { e.must(region, "CreateKeyPair", "KeyName", name) }

// SeedTopic makes an SNS topic and returns its ARN.
func (e *Emulator) SeedTopic(region, name string) string {
	form := url.Values{"Action": {"CreateTopic"}, "Version": {"2010-03-31"}, "Name": {name}}
	status, body, err := e.moto.send("POST", "/", "sns", region, "application/x-www-form-urlencoded", []byte(form.Encode()))
	if err != nil || status >= 300 {
		panic(fmt.Sprintf("make topic %q: %v HTTP %d %s", name, err, status, body))
	}
	made, err := parseXML(body)
	if err != nil {
		panic(err)
	}
	return made.get("CreateTopicResult", "TopicArn")
}

// SeedZone makes a hosted zone and returns its id.
func (e *Emulator) SeedZone(name string, private bool) string {
	root := el("CreateHostedZoneRequest",
		txt("Name", strings.TrimSuffix(name, ".")+"."), txt("CallerReference", fmt.Sprint(name, time.Now().UnixNano())))
	conf := el("HostedZoneConfig", txt("Comment", ""), txt("PrivateZone", strconv.FormatBool(private)))
	root.space = dnsSpace
	if private {
		root.set(el("VPC", txt("VPCRegion", "us-east-1"), txt("VPCId", e.VPC("us-east-1"))))
	}
	root.set(conf)
	status, body, err := e.moto.send("POST", "/2013-04-01/hostedzone", "route53", "us-east-1", "text/xml", root.bytes())
	if err != nil || status >= 300 {
		panic(fmt.Sprintf("make zone %q: %v HTTP %d %s", name, err, status, body))
	}
	made, err := parseXML(body)
	if err != nil {
		panic(err)
	}
	return strings.TrimPrefix(made.get("HostedZone", "Id"), "/hostedzone/")
}

// SeedRecord makes a record that is served at once.
func (e *Emulator) SeedRecord(zone, name, kind string, ttl time.Duration, vals ...string) {
	set := el("ResourceRecordSet", txt("Name", strings.TrimSuffix(name, ".")+"."), txt("Type", kind),
		txt("TTL", strconv.Itoa(int(ttl/time.Second))), el("ResourceRecords"))
	for _, v := range vals {
		list := set.at("ResourceRecords")
		list.kids = append(list.kids, el("ResourceRecord", txt("Value", v)))
	}
	e.SeedRecordSet(zone, set.String())
}

// SeedRecordSet makes a record set from its XML, for those that SeedRecord cannot say.
func (e *Emulator) SeedRecordSet(zone, text string) {
	set, err := parseXML([]byte(text))
	if err != nil {
		panic(err)
	}
	root := el("ChangeResourceRecordSetsRequest", el("ChangeBatch", el("Changes", el("Change", txt("Action", "UPSERT"), set))))
	root.space = dnsSpace
	status, body, err := e.moto.send("POST", "/2013-04-01/hostedzone/"+zone+"/rrset/", "route53", "us-east-1", "text/xml", root.bytes())
	if err != nil || status >= 300 {
		panic(fmt.Sprintf("make a record: %v HTTP %d %s", err, status, body))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.serve(zone, setKey(set), set, time.Now())
}

// VPC is the region's default VPC.
func (e *Emulator) VPC(region string) string {
	return e.must(region, "DescribeVpcs").get("vpcSet", "item", "vpcId")
}

// Subnet is the zone's default subnet.
func (e *Emulator) Subnet(region, zone string) string {
	for _, s := range e.must(region, "DescribeSubnets").all("subnetSet", "item") {
		if s.get("availabilityZone") == zone {
			return s.get("subnetId")
		}
	}
	panic("no subnet in " + zone)
}

// SecurityGroup is the default one of the region.
func (e *Emulator) SecurityGroup(region string) string {
	return e.must(region, "DescribeSecurityGroups").get("securityGroupInfo", "item", "groupId")
}

// String is the element without a header.
func (n *node) String() string {
	_, text, _ := strings.Cut(string(n.bytes()), "?>\n")
	return text
}

func (e *Emulator) must(region, action string, kv ...string) *node {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mustLocked(region, action, kv...)
}

func (e *Emulator) mustLocked(region, action string, kv ...string) *node {
	root, err := e.ask(region, action, kv...)
	if err != nil {
		panic(err)
	}
	return root
}

// tagging makes the parameters that tag a new resource; tags are keys and values in turn.
func tagging(kind string, tags []string) []string {
	if len(tags) == 0 {
		return nil
	}
	out := []string{"TagSpecification.1.ResourceType", kind}
	for i := 0; i+1 < len(tags); i += 2 {
		n := strconv.Itoa(i/2 + 1)
		out = append(out, "TagSpecification.1.Tag."+n+".Key", tags[i], "TagSpecification.1.Tag."+n+".Value", tags[i+1])
	}
	return out
}
