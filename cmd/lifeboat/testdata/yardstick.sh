#!/bin/bash
# What somebody has today who has no lifeboat: the failover of the story as a shell script, one step after another, with
# the aws command line, ssh and rsync. It is the yardstick of BenchmarkYardstick, and no example to follow: without
# capacity it stops after DNS has moved, and run a second time it launches a second machine.
#
# The estate is in the environment: REGION IMAGE TYPE SUBNET GROUP KEY_NAME VOLUME ADDRESS MOUNT ZONE NAME TTL PORT
# SSH_USER SSH_PORT IDENTITY REPLICA REPLICA_PORT DATA SERVICES. INSYNC is when it waits for Route 53: "first", before
# anything else, as the steps are written down; "last", when all else is done.
set -euo pipefail

mark() { printf '%s %s\n' "$(date +%s.%N)" "$*"; }
ec2() { aws ec2 --region "$REGION" --output text "$@"; }
export AWS_DEFAULT_REGION="$REGION"
known="$PWD/known_hosts"
ssh_to() { # PORT ADDRESS COMMAND
	ssh -F none -i "$IDENTITY" -p "$1" -o BatchMode=yes -o ConnectTimeout=5 -o StrictHostKeyChecking=accept-new \
		-o UserKnownHostsFile="$known" -o LogLevel=ERROR "$SSH_USER@$2" "$3"
}
insync() {
	aws route53 wait resource-record-sets-changed --id "$change"
	mark insync
}

mark start
change=$(aws route53 change-resource-record-sets --hosted-zone-id "$ZONE" --output text --query ChangeInfo.Id --change-batch '{
	"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {
		"Name": "'"$NAME"'", "Type": "A", "TTL": '"$TTL"', "ResourceRecords": [{"Value": "'"$ADDRESS"'"}]}}]}')
mark dns
if [ "$INSYNC" = first ]; then insync; fi

instance=$(ec2 run-instances --image-id "$IMAGE" --instance-type "$TYPE" --subnet-id "$SUBNET" --security-group-ids "$GROUP" \
	--key-name "$KEY_NAME" --count 1 --query 'Instances[0].InstanceId')
mark launched
ec2 wait instance-running --instance-ids "$instance"
mark running

ec2 attach-volume --volume-id "$VOLUME" --instance-id "$instance" --device /dev/sdf --query State >/dev/null
ec2 wait volume-in-use --volume-ids "$VOLUME"
mark attached

public=$(ec2 describe-instances --instance-ids "$instance" --query 'Reservations[0].Instances[0].PublicIpAddress')
until ssh_to "$SSH_PORT" "$public" true 2>/dev/null; do sleep 1; done
mark ssh
ssh_to "$SSH_PORT" "$public" "sudo mkdir -p '$MOUNT' && sudo mount /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${VOLUME/-/} '$MOUNT'"
mark mounted
ssh_to "$SSH_PORT" "$public" "rsync -a --delete -e 'ssh -F none -i $IDENTITY -p $REPLICA_PORT -o BatchMode=yes \
-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=$known' '$SSH_USER@$REPLICA:$DATA/' '$MOUNT/'"
mark copied

ec2 associate-address --public-ip "$ADDRESS" --instance-id "$instance" >/dev/null
mark associated
until ssh_to "$SSH_PORT" "$ADDRESS" "sudo systemctl start $SERVICES"; do sleep 1; done
mark services
until curl --silent --fail --max-time 5 --resolve "$NAME:$PORT:$ADDRESS" "http://$NAME:$PORT/"; do sleep 1; done
mark served
if [ "$INSYNC" = last ]; then insync; fi
mark "end"
