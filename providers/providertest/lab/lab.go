package lab

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifeboat/providers/providertest/emulator"
	"lifeboat/providers/providertest/labhost"
)

// The estate's fixed names.
const (
	ProductionRegion = "us-west-1"
	ProductionZone   = "us-west-1a"
	StandbyRegion    = "us-east-1"
	StandbyZone      = "us-east-1a"
	Name             = "www.example.com"
	DrillName        = "drill.example.com"
)

// TTL is what the records are to have after a failover; they start with another one.
const TTL = 60 * time.Second

// Parked is where the record of a drill points before.
const Parked = "192.0.2.10"

// Options say what the estate is like.
type Options struct {
	Delays Delays
	// Production serves at the start. Otherwise its machine is stopped.
	Production bool
	// Server makes production's machine a real one, with ssh, a volume and services of its own; otherwise it is a page.
	Server bool
}

// Delays are those of AWS, and how long a machine takes from running to answering ssh.
type Delays struct {
	emulator.Delays
	Boot time.Duration
}

// Quick has every state, each for a moment.
var Quick = Delays{
	Delays: emulator.Delays{
		Visible: 50 * time.Millisecond, Pending: 300 * time.Millisecond, Console: 300 * time.Millisecond, Attach: 200 * time.Millisecond,
		Detach: 100 * time.Millisecond, Stop: 100 * time.Millisecond, Terminate: 100 * time.Millisecond,
		InSync: 400 * time.Millisecond, Served: 300 * time.Millisecond,
	},
	Boot: 400 * time.Millisecond,
}

// Lab is a running estate. All of it ends with the test.
type Lab struct {
	AWS    *emulator.Emulator
	Dir    string
	Estate string   // path of the estate file
	Store  string   // where the program keeps its runs
	Env    []string // for the program, all of it
	URL    string   // of the service
	Zone   string   // id of the hosted zone
	Image  string

	Address, Volume           string // of the standby
	DrillAddress, DrillVolume string
	Instance                  string // of production
	ProductionAddress         string
	ProductionImage           string

	Standby, Replica *labhost.SSHD
	Machine          *labhost.Machine // the standby's devices, mounts and services
	Origin           *labhost.Machine // production's, where it is a real server
	ProductionVolume string           // of a real production
	Data             string           // the replica's folder
	Names            []*labhost.NameServer

	t         testing.TB
	opts      Options
	standby   string // the standby's own address, which no client knows
	replica   string
	origin    string        // production's own address
	originSSH *labhost.SSHD // of a real production
	port      int           // of the page
	addresses *labhost.Addresses
	identity  string

	mu     sync.Mutex
	booted map[string]time.Time // when a machine of the standby answers
	leads  map[string]string    // address -> instance, as AWS has it now
	timers []*time.Timer
	closed bool
}

// Start makes the estate. TestMain must call labhost.MaybeRunTool. A tool that is missing skips the test by name, and
// fails it where CI is true.
func Start(t testing.TB, o Options) *Lab {
	t.Helper()
	for _, program := range []string{"ssh", "sshd", "rsync", "pgrep"} {
		labhost.Need(t, program)
	}
	l := &Lab{
		t: t, opts: o, Dir: t.TempDir(), standby: private(), replica: private(),
		booted: map[string]time.Time{}, leads: map[string]string{},
	}
	l.Store = filepath.Join(l.Dir, "store")
	l.startHosts()
	l.AWS = emulator.ForTest(t, emulator.Options{
		Delays: o.Delays.Delays, OnAddress: l.onAddress, OnVolume: l.onVolume,
		OnReboot: l.onReboot, HostKeys: l.hostKeys,
	})
	t.Cleanup(l.stop) // before the emulator: nothing may call into what is gone
	l.seed()
	switch {
	case !o.Production:
		l.AWS.SeedStop(l.Instance)
	case o.Server:
		l.await(l.ProductionAddress)
	default:
		l.serveProduction()
	}
	for range 2 {
		l.Names = append(l.Names, labhost.StartDNS(t, func(name, kind string) ([]string, time.Duration, bool) {
			return l.AWS.Resolve(l.Zone, name, kind)
		}))
	}
	l.writeEstate()
	l.Env = l.environment()
	return l
}

func (l *Lab) startHosts() {
	l.t.Helper()
	keys := l.folder("keys")
	var public string
	l.identity, public = labhost.Keypair(l.t, keys)
	l.Machine = labhost.NewMachine(l.t, l.folder("standby"))
	l.Standby = labhost.StartSSHD(l.t, sshd(l.folder("standby-sshd"), l.standby, public, l.Machine.Bin))
	replica := l.folder("replica")
	l.Data = filepath.Join(replica, "srv", "data")
	bin := l.folder("replica/bin")
	// The replica's database: a file says that it is paused.
	script := fmt.Sprintf(`flag='%s/paused'
case "$2" in
pause) : >"$flag" ;;
is-paused) test -e "$flag" ;;
resume) rm -f "$flag" ;;
*) exit 64 ;;
esac
`, replica)
	l.must(labhost.WriteTool(bin, "dbctl", script))
	l.Replica = labhost.StartSSHD(l.t, sshd(l.folder("replica-sshd"), l.replica, public, bin))
	l.must(Fill(l.Data))
	l.port = labhost.FreePort(l.t, l.standby)
	if l.opts.Server {
		l.startOrigin(public)
	}
	l.addresses = labhost.NewAddresses(l.t, l.Standby.Port, l.port)
}

var hosts atomic.Int64

// private is an address of the loopback that no other lab of this machine has, so that a port that is free there stays
// free: outgoing connections use 127.0.0.1.
func private() string {
	pid, n := os.Getpid(), hosts.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 32+pid%32, pid/32%250+1, n%250+1)
}

// sshd is a server whose commands start in its own home: by itself it would use that of whoever runs the test.
func sshd(dir, address, public, bin string) labhost.Options {
	return labhost.Options{
		Dir: dir, Listen: []string{address}, AuthorizedKey: public, Bin: bin,
		Config: []string{`ForceCommand cd "$HOME" && eval "$SSH_ORIGINAL_COMMAND"`},
	}
}

// Paused says whether the replica's intake is stopped.
func (l *Lab) Paused() bool {
	_, err := os.Stat(filepath.Join(l.Dir, "replica", "paused"))
	return err == nil
}

// MountPath is where the standby mounts its volume.
func (l *Lab) MountPath() string { return filepath.Join(l.Dir, "standby", "srv", "data") }

// Content is the folder that is a volume's content.
func (l *Lab) Content(volume string) string { return filepath.Join(l.Dir, "volumes", volume) }

// Page asks an address for the page, as a client does whose resolver gives that address.
func (l *Lab) Page(address string) (string, error) { return get(address, l.port) }

func (l *Lab) seed() {
	l.t.Helper()
	aws := l.AWS
	l.Image = aws.SeedImage(StandbyRegion, "shop")
	l.Address, l.DrillAddress = aws.SeedAddress(StandbyRegion), aws.SeedAddress(StandbyRegion)
	l.Volume, l.DrillVolume = aws.SeedVolume(StandbyRegion, StandbyZone, 8), aws.SeedVolume(StandbyRegion, StandbyZone, 8)
	aws.SeedKeyPair(StandbyRegion, "shop")
	l.ProductionAddress = aws.SeedAddress(ProductionRegion)
	l.ProductionImage = aws.SeedImage(ProductionRegion, "shop")
	instance := aws.SeedInstance(ProductionRegion, ProductionZone, l.ProductionImage)
	if l.opts.Server {
		l.seedOrigin(instance)
	}
	l.mu.Lock() // AWS tells of its address meanwhile
	l.Instance = instance
	l.mu.Unlock()
	aws.SeedAssociation(ProductionRegion, l.ProductionAddress, l.Instance)
	l.Zone = aws.SeedZone("example.com", false)
	aws.SeedRecord(l.Zone, Name, "A", 5*time.Minute, l.ProductionAddress)
	aws.SeedRecord(l.Zone, DrillName, "A", 5*time.Minute, Parked)
	for _, volume := range []string{l.Volume, l.DrillVolume} {
		l.must(Nightly(l.Data, l.Content(volume)))
	}
	for _, service := range services {
		port := l.port
		if service == "bbj" {
			port = labhost.FreePort(l.t, l.standby)
		}
		l.must(l.Machine.AddService(service, labhost.Service{
			Listen: net.JoinHostPort(l.standby, strconv.Itoa(port)), Folder: l.MountPath(),
		}))
	}
}

// serveProduction is production's page, at its address.
func (l *Lab) serveProduction() {
	l.t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(l.ProductionAddress, strconv.Itoa(l.port)))
	l.must(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "production")
	})}
	done := make(chan struct{})
	go func() {
		_ = server.Serve(listener) // it ends with Close and nothing else
		close(done)
	}()
	l.t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

// environment is this process's, without what could lead to another AWS, another home or another run.
func (l *Lab) environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "LIFEBOAT_") || strings.HasPrefix(name, "XDG_") ||
			name == "HOME" || strings.HasPrefix(name, "SSH_") || strings.HasSuffix(strings.ToLower(name), "_proxy") {
			continue
		}
		env = append(env, kv)
	}
	env = append(env, l.AWS.Env()...)
	return append(env, "HOME="+l.folder("home"), "XDG_STATE_HOME="+l.folder("state"), "LIFEBOAT_STORE="+l.Store)
}

func (l *Lab) folder(name string) string {
	l.t.Helper()
	dir := filepath.Join(l.Dir, name)
	l.must(os.MkdirAll(dir, 0o755))
	return dir
}

func (l *Lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}
