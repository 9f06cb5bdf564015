package providers

import (
	"context"
	"io"
	"time"
)

// Set is everything an action may need. Actions take the fields they use; a nil field is a provider that is not there.
type Set struct {
	Instances Instances
	Volumes   Volumes
	Images    Images
	Addresses Addresses
	Records   Records
	Identity  Identity
	Shell     Shell
	Web       Web
	Names     Names

	Power     Power
	Places    Places
	Snapshots Snapshots
	Disks     VolumeMaker
	Copies    ImageMaker
	Holdings  AddressMaker
	Objects   Objects
	Archives  Archives
	Topics    Topics
	Messenger Messenger
}

// Instances are virtual machines. All calls are safe for concurrent use and return *Error. An id that is not known is
// NotFound, which right after creation proves nothing: reads lag.
type Instances interface {
	// Launch starts one machine and returns as soon as it is accepted. The same Token gives the same machine; the same
	// Token with other words is Mismatch.
	Launch(ctx context.Context, region string, spec Launch) (Instance, error)
	Instance(ctx context.Context, region, id string) (Instance, error)
	// FindInstances returns the machines that bear all the tags, terminated ones included, oldest first.
	FindInstances(ctx context.Context, region string, tags map[string]string) ([]Instance, error)
	Terminate(ctx context.Context, region, id string) error
	// HostKeys returns the ssh host keys that the machine printed on its console, as "TYPE BASE64"; none yet is an empty
	// slice.
	HostKeys(ctx context.Context, region, id string) ([]string, error)
}

// Launch is what to start.
type Launch struct {
	Token          string
	Image          string
	Type           string
	Zone           string
	Subnet         string
	SecurityGroups []string
	KeyName        string
	Profile        string // IAM instance profile, by name
	UserData       string
	Template       string // EC2 launch template, as ID, NAME, or either with :VERSION; what stands above goes over it
	Tags           map[string]string
}

// Instance is a machine as it was read.
type Instance struct {
	ID, Region, Zone, Image, Type string
	State                         InstanceState
	Checks                        CheckState
	PublicAddress                 string
	PrivateAddress                string
	StateReason                   string
	Launched                      time.Time
	Subnet, VPC                   string
	SecurityGroups                []string // ids, sorted
	KeyName, Profile              string
	RootDevice                    string // such as /dev/xvda
	Disks                         []Disk // what hangs on it, by device
	Tags                          map[string]string
}

// Disk is one device of a machine, or of an image. Of a machine Volume is set, of an image Snapshot and what a volume made
// of it would be.
type Disk struct {
	Device, Volume, Snapshot string
	SizeGiB                  int
	Type                     string // gp3, io2, ...
	IOPS, Throughput         int    // 0: the type's own
	Encrypted                bool
	KMSKey                   string
	Kept                     bool // it outlives the machine
}

// InstanceState is EC2's word for the state of a machine.
type InstanceState string

// The states of a machine.
const (
	InstancePending      InstanceState = "pending"
	InstanceRunning      InstanceState = "running"
	InstanceStopping     InstanceState = "stopping"
	InstanceStopped      InstanceState = "stopped"
	InstanceShuttingDown InstanceState = "shutting-down"
	InstanceTerminated   InstanceState = "terminated"
)

// CheckState sums up EC2's status checks.
type CheckState string

// The sums of status checks.
const (
	ChecksInitializing CheckState = "initializing"
	ChecksOK           CheckState = "ok"
	ChecksImpaired     CheckState = "impaired"
	ChecksUnknown      CheckState = ""
)

// Volumes are block devices. Attach has no token: look first.
type Volumes interface {
	Volume(ctx context.Context, region, id string) (Volume, error)
	FindVolumes(ctx context.Context, region string, tags map[string]string) ([]Volume, error)
	// Attach asks for the attachment and returns when it is accepted. Another zone is Mismatch, a volume that hangs
	// elsewhere is Conflict, a machine or volume that is not ready yet is NotReady.
	Attach(ctx context.Context, region, volume, instance, device string) error
	// Detach is done when the volume hangs on that instance no more; a volume that is free already is no error.
	Detach(ctx context.Context, region, volume, instance string) error
}

// Volume is a block device as it was read. Instance and Device are empty when it is free; Attachment is EC2's word:
// attaching, attached, detaching, detached, busy.
type Volume struct {
	ID, Region, Zone string
	State            string // creating, available, in-use, deleting, deleted, error
	Instance, Device string
	Attachment       string
	SizeGiB          int
	Snapshot         string // what it was made from
	Type             string
	Encrypted        bool
	KMSKey           string
	Created          time.Time
	Tags             map[string]string
}

// Images are machine images.
type Images interface {
	Image(ctx context.Context, region, id string) (Image, error)
	// FindImages returns those that bear all the tags, oldest first.
	FindImages(ctx context.Context, region string, tags map[string]string) ([]Image, error)
	// CopiesOf returns this account's images of the region whose Source is that image, whoever copied it, oldest first.
	CopiesOf(ctx context.Context, region, source string) ([]Image, error)
	// LaunchedFrom lists the machines that came of the image and are not gone, sorted.
	LaunchedFrom(ctx context.Context, region, image string) ([]string, error)
}

// Image is a machine image as it was read.
type Image struct {
	ID, Region, Name string
	State            string // pending, available, failed, ...
	StateReason      string // why it failed
	Created          time.Time
	Source           string // the image that it is a copy of, when it is one
	SourceRegion     string
	Architecture     string // x86_64, arm64
	BootMode         string // uefi, legacy-bios, uefi-preferred; "" is the type's own
	Virtualization   string
	RootDevice       string
	ENA              bool
	IMDS, TPM        string // IMDS support and TPM support, as EC2 names them
	Disks            []Disk
	Tags             map[string]string
}

// Addresses are public addresses that can move between machines of one region.
type Addresses interface {
	// Address finds an address by its number, such as 198.51.100.7.
	Address(ctx context.Context, region, address string) (Address, error)
	FindAddresses(ctx context.Context, region string, tags map[string]string) ([]Address, error)
	// Associate gives the address to the machine, taking it from its holder only where the caller names that holder in
	// from ("" is nobody); another holder is Conflict. A machine that is still pending is NotReady.
	Associate(ctx context.Context, region, address, instance, from string) error
	// Disassociate takes the address from the machine; when it is not there, that is no error.
	Disassociate(ctx context.Context, region, address, instance string) error
}

// Address is a public address as it was read.
type Address struct {
	Address, Allocation, Region string
	Instance                    string // "" when nobody holds it
	Tags                        map[string]string
}

// Records are the resource record sets of hosted zones.
type Records interface {
	// Zone finds the hosted zone that holds name: its id and name. When zone is given, that one, if it is right.
	Zone(ctx context.Context, zone, name string) (Zone, error)
	// Record reads one record set; one that does not exist is NotFound.
	Record(ctx context.Context, zone, name, kind string) (Record, error)
	// Change replaces old by new in one atomic batch, as a compare-and-swap: when the record set is not exactly old any
	// more it is Conflict and nothing is changed. A nil old means that there must be none, a nil new deletes. It returns
	// the id of the change, for Changed.
	Change(ctx context.Context, zone string, old, new *Record) (string, error)
	// Changed says whether all authoritative servers have the change.
	Changed(ctx context.Context, change string) (bool, error)
}

// Zone is a hosted zone.
type Zone struct {
	ID, Name string
	Private  bool
	Servers  []string // authoritative name servers, host names
}

// Record is a simple resource record set. Name has no final dot; Other says that the set has what lifeboat does not
// model (an alias, a routing policy), which it refuses to replace.
type Record struct {
	Name, Type string
	TTL        time.Duration
	Values     []string // sorted
	Other      string
}

// Identity says who asks.
type Identity interface {
	Account(ctx context.Context, region string) (Account, error)
}

// Account is the account behind the credentials.
type Account struct {
	ID, Alias, ARN string
}

// Shell runs commands on hosts. The command is an argv: it reaches the far side byte for byte, whatever is in it.
type Shell interface {
	// Run runs one command and returns when it has ended. A command that ended with a status above 0 is no error: Status
	// says so. Unreachable, HostKey and Denied are errors before the command ran; Lost is one after it may have started.
	Run(ctx context.Context, host Host, cmd Command) (Result, error)
}

// Host is a machine that ssh reaches. ID, when there is one, is the name under which its host key is pinned, so that an
// address may move between machines.
type Host struct {
	Address string `json:"address"`
	ID      string `json:"id,omitempty"`
	Region  string `json:"region,omitempty"` // of the instance ID, so that its keys can be read from its console
	User    string `json:"user,omitempty"`
	Port    int    `json:"port,omitempty"`
	Local   bool   `json:"local,omitempty"` // this very machine, without ssh: Console alone sets it, no file can
}

// Console is this machine, where lifeboat runs. No value of a runbook leads to it: a host that was left out by mistake
// must not become the operator's own.
func Console() Host { return Host{Address: "console", Local: true} }

// Command is what to run. Output goes line by line to Line, already made safe for a terminal; what was written is also
// kept in the Result, up to 64 KiB from the end.
type Command struct {
	Argv  []string
	Stdin string
	Env   map[string]string // sent over standard input, never on a command line: values may be secrets
	Line  func(stream, line string)
	Log   io.Writer
	// Hang says how long the command may be silent before it counts as lost; 0: for ever.
	Hang time.Duration
	// ForwardAgent lets the command use the caller's ssh agent.
	ForwardAgent bool
	// ReadOnly says that the command changes nothing. The drill fence lets it pass on any host; every other command
	// counts as a change of its host.
	ReadOnly bool
}

// Result is how a command ended.
type Result struct {
	Status         int
	Stdout, Stderr string
}

// Web asks web servers.
type Web interface {
	// Get fetches url. When address is given it connects there instead of looking the name up, and keeps the name for
	// the Host header and the certificate.
	Get(ctx context.Context, url, address string) (Page, error)
}

// Page is an answer.
type Page struct {
	Status  int
	Body    string // the first 64 KiB
	Took    time.Duration
	Address string // who answered
}

// Names looks names up.
type Names interface {
	// Servers returns the authoritative servers of the zone that holds name, as host:port.
	Servers(ctx context.Context, name string) ([]string, error)
	// Ask asks one server, without recursion.
	Ask(ctx context.Context, server, name, kind string) (Answer, error)
	// Resolve asks one resolver, as host:port, to find the answer out: what its clients are told now. The answer's TTL is
	// for how long it will go on saying so; it is never authoritative.
	Resolve(ctx context.Context, resolver, name, kind string) (Answer, error)
	// Resolvers are those that this machine uses, as host:port; none is no error.
	Resolvers(ctx context.Context) ([]string, error)
}

// Answer is what a name server said.
type Answer struct {
	Server        string
	Values        []string // sorted
	TTL           time.Duration
	Authoritative bool
}
