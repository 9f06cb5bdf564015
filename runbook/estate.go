package runbook

import "time"

// Estate is what is protected. It is written as YAML (kind: estate); the `key` tags are its words there. In expressions
// it is `estate`, by the same words.
type Estate struct {
	Name       string  `key:"name,required" doc:"short name, shown on every screen"`
	Account    string  `key:"account" doc:"AWS account id (12 digits); lifeboat refuses to act in any other"`
	Service    Service `key:"service,required" doc:"what clients use"`
	Production Site    `key:"production,required" doc:"where it runs"`
	Standby    Site    `key:"standby,required" doc:"where it goes"`
	// Servers are the machines beside the main one, which production and standby describe.
	Servers map[string]Server `key:"servers" doc:"further servers, by name"`
	Notify  []Channel         `key:"notify" doc:"who is told, and how"`
	SSH     SSH               `key:"ssh" doc:"how hosts are reached"`
	Backups []Backup          `key:"backups" doc:"the copies of the data and how old each may be"`
	Vars    map[string]any    `key:"vars" doc:"your own values, for expressions: estate.vars.NAME"`
	// Drill is merged over the estate in drill mode, key by key; what it names may be changed by a drill.
	Drill map[string]any `key:"drill" doc:"overlay for drills"`

	source Source
	doc    *document // nil for an estate that was not read from a file
}

// Service is the name that clients use and the page that proves it.
type Service struct {
	Name    string   `key:"name,required" doc:"DNS name, such as www.example.com"`
	URL     string   `key:"url,required" doc:"page that proves the service"`
	Zone    string   `key:"zone" doc:"id of the Route 53 hosted zone; found by name when it is left out"`
	TTL     Duration `key:"ttl" doc:"TTL of the record: seconds or a duration; 300 when left out"`
	Servers []string `key:"servers" doc:"authoritative name servers as host:port; found in the DNS when left out"`
	Flip    *Flip    `key:"flip" doc:"the object whose presence switches the failover records of the name, where they were wired beforehand"`
}

// Flip is an object that a Route 53 health check reads. Failover records with that health check switch when it comes or
// goes, without the control plane that edits records.
type Flip struct {
	Bucket string `key:"bucket,required" doc:"bucket, in a region that does not fail with production's"`
	Region string `key:"region" doc:"region of the bucket; the standby's when left out"`
	Key    string `key:"key,required" doc:"key of the object, such as failover/on"`
	Absent bool   `key:"absent" doc:"the records switch when the object goes, not when it comes"`
}

// Site is one of the two places. A Ref is an id, or tags that exactly one resource bears.
type Site struct {
	Region         string   `key:"region,required" doc:"AWS region, such as us-east-1"`
	Zone           string   `key:"zone" doc:"availability zone for launches; the volume's when there is one"`
	Instance       Ref      `key:"instance" doc:"the server"`
	Image          Ref      `key:"image" doc:"the machine image to launch"`
	Type           string   `key:"type" doc:"instance type, such as m7i.large"`
	Address        Ref      `key:"address" doc:"the elastic address, such as 198.51.100.7"`
	Volume         Disk     `key:"volume" doc:"the volume with the data"`
	Replica        *Replica `key:"replica" doc:"the live copy of the data"`
	Nightly        *Nightly `key:"nightly" doc:"the copy that is made every night"`
	Archive        *Archive `key:"archive" doc:"the chain of backups over the last weeks"`
	Heartbeat      string   `key:"heartbeat" doc:"file that the production server keeps writing the time into, inside of the replicated data"`
	KMSKey         string   `key:"kms_key" doc:"key that encrypts what is made here; the account's own when left out"`
	Subnet         string   `key:"subnet" doc:"subnet id"`
	SecurityGroups []string `key:"security_groups" doc:"security groups, by id or name"`
	KeyName        string   `key:"key_name" doc:"EC2 key pair"`
	Profile        string   `key:"profile" doc:"IAM instance profile"`
}

// Disk is a volume and where it is mounted.
type Disk struct {
	ID   Ref    `key:"id" doc:"volume id"`
	Zone string `key:"zone" doc:"availability zone of the volume"`
	Path string `key:"path" doc:"where it is mounted"`
}

// Replica is a host that keeps a live copy, and the commands that stop and start its intake.
type Replica struct {
	Host     string   `key:"host,required" doc:"address or name that ssh reaches"`
	ID       string   `key:"id" doc:"name under which its host key is pinned; the host when left out"`
	User     string   `key:"user" doc:"ssh user; ssh.user when left out"`
	Port     int      `key:"port" doc:"ssh port; ssh.port when left out"`
	Path     string   `key:"path,required" doc:"folder of the data"`
	Identity string   `key:"identity" doc:"private key, on the machine that runs rsync, with which it reaches this host"`
	Pause    []string `key:"pause" doc:"command that stops the replica from taking writes"`
	Paused   []string `key:"paused" doc:"command that succeeds while it is paused"`
	Resume   []string `key:"resume" doc:"command that lets it take writes again"`
	Promote  []string `key:"promote" doc:"command that makes it the one that takes writes"`
	Promoted []string `key:"promoted" doc:"command that succeeds once it is"`
}

// Nightly is a copy that rsync makes every night. Without a host it lies on the site's volume.
type Nightly struct {
	Host     string `key:"host" doc:"host that holds the copy; the server that has the volume when left out"`
	ID       string `key:"id" doc:"name under which its host key is pinned; the host when left out"`
	User     string `key:"user" doc:"ssh user; ssh.user when left out"`
	Port     int    `key:"port" doc:"ssh port; ssh.port when left out"`
	Path     string `key:"path,required" doc:"folder of the copy"`
	Identity string `key:"identity" doc:"private key, on the machine that runs rsync, with which it reaches this host"`
	Marker   string `key:"marker" doc:"file in the copy that says when it was complete; .lifeboat-copy when left out"`
}

// Archive is a chain of full and incremental backups, as duplicity keeps it.
type Archive struct {
	Host       string                `key:"host" doc:"host that runs duplicity; this machine when left out"`
	ID         string                `key:"id" doc:"name under which its host key is pinned; the host when left out"`
	User       string                `key:"user" doc:"ssh user; ssh.user when left out"`
	Port       int                   `key:"port" doc:"ssh port; ssh.port when left out"`
	URL        string                `key:"url,required" doc:"where the chain lies, as duplicity writes it"`
	Name       string                `key:"name" doc:"duplicity's --name"`
	Folder     string                `key:"folder" doc:"folder that is backed up"`
	Passphrase SecretName            `key:"passphrase" doc:"name of the secret (environment or file) that opens it"`
	Plain      bool                  `key:"plain" doc:"it is not encrypted"`
	Env        map[string]SecretName `key:"env" doc:"environment of duplicity: names of secrets, by variable"`
	Options    []string              `key:"options" doc:"further options of duplicity"`
	Sample     string                `key:"sample" doc:"a file or folder of it that changes seldom: what is restored to prove it"`
	Size       int                   `key:"size" doc:"GiB of a volume that holds all of it; 100 when left out"`
	FullEvery  Duration              `key:"full_every" doc:"begin a new chain when the last full backup is older"`
}

// SecretName names a secret, which the environment or a file holds. In expressions it is the secret itself, where a
// secret is allowed.
type SecretName string

// Server is a machine beside the main one. What its two sides leave out is that of production and standby.
type Server struct {
	Title      string   `key:"title" doc:"what it is for"`
	Production Machine  `key:"production" doc:"where it runs"`
	Standby    Machine  `key:"standby" doc:"where it goes"`
	URL        string   `key:"url" doc:"page that proves it"`
	Names      []string `key:"names" doc:"DNS names that point at it"`
	Services   []string `key:"services" doc:"what it runs, in the order in which it starts"`
}

// Machine is one side of a Server.
type Machine struct {
	Region         string   `key:"region" doc:"AWS region; the site's when left out"`
	Zone           string   `key:"zone" doc:"availability zone for launches"`
	Instance       Ref      `key:"instance" doc:"the server"`
	Image          Ref      `key:"image" doc:"the machine image"`
	Type           string   `key:"type" doc:"instance type, such as m7i.large"`
	Address        Ref      `key:"address" doc:"the elastic address"`
	Volume         Disk     `key:"volume" doc:"the volume with its data"`
	Subnet         string   `key:"subnet" doc:"subnet id"`
	SecurityGroups []string `key:"security_groups" doc:"security groups, by id or name"`
	KeyName        string   `key:"key_name" doc:"EC2 key pair"`
	Profile        string   `key:"profile" doc:"IAM instance profile"`
	KMSKey         string   `key:"kms_key" doc:"key that encrypts what is made here"`
	Nightly        *Nightly `key:"nightly" doc:"the copy of its data that is made every night"`
}

// Channel is one way to tell people: an SNS topic, a telephone, or the URL of a service, which is a secret.
type Channel struct {
	Name   string     `key:"name,required" doc:"short name of the channel"`
	Topic  string     `key:"topic" doc:"ARN of an SNS topic"`
	Phone  string     `key:"phone" doc:"telephone for a text by SNS, such as +15555550100"`
	Region string     `key:"region" doc:"region that sends it; the standby's when left out"`
	URL    SecretName `key:"url" doc:"name of the secret that holds the service's URL, such as slack://TOKEN@CHANNEL"`
}

// SSH is how hosts are reached.
type SSH struct {
	User       string              `key:"user" doc:"user on the hosts"`
	Port       int                 `key:"port" doc:"port on the hosts; 22 when left out"`
	Identity   string              `key:"identity" doc:"private key file on this machine"`
	Config     string              `key:"config" doc:"ssh_config file to use instead of the user's"`
	KnownHosts string              `key:"known_hosts" doc:"known_hosts file with pinned keys"`
	HostKeys   map[string][]string `key:"host_keys" doc:"pinned host keys, by instance id, image id or host: lines of TYPE BASE64"`
}

// Backup is one of the copies and its limit of age.
type Backup struct {
	Name   string   `key:"name,required" doc:"name of the copy"`
	Kind   string   `key:"kind,required" words:"replica nightly archive" doc:"what kind of copy it is"`
	MaxAge Duration `key:"max_age" doc:"older than this is a warning"`
}

// Ref names a resource by its id, or by tags that exactly one resource of the region bears (the newest, with newest:
// true). In YAML it is a string, or `{tags: {KEY: VALUE}, newest: true}`. In expressions it is the id.
type Ref struct {
	ID     string
	Tags   map[string]string
	Newest bool
}

// DefaultTTL is the TTL of a service's record when the estate names none.
const DefaultTTL = 300 * time.Second
