package aws

import (
	"strings"

	"lifeboat/providers"
)

// kinds gives a kind to each code that these calls can meet, from the error code lists of the EC2 and Route 53 API
// references and the common errors of both. The status of the answer decides only for codes that are not here:
// InsufficientInstanceCapacity, for one, comes as HTTP 500 and is as definite as an answer can be.
var kinds = map[string]providers.ErrorKind{
	"BandwidthLimitExceeded":   providers.Throttled,
	"EC2ThrottledException":    providers.Throttled,
	"PriorRequestNotComplete":  providers.Throttled,
	"RequestLimitExceeded":     providers.Throttled,
	"RequestThrottled":         providers.Throttled,
	"SlowDown":                 providers.Throttled,
	"Throttling":               providers.Throttled,
	"ThrottlingException":      providers.Throttled,
	"TooManyRequestsException": providers.Throttled,

	"NoSuchChange":     providers.NotFound,
	"NoSuchEntity":     providers.NotFound,
	"NoSuchHostedZone": providers.NotFound,

	"IdempotentParameterMismatch":  providers.Mismatch,
	"InvalidVolume.ZoneMismatch":   providers.Mismatch,
	"IdempotentInstanceTerminated": providers.KeySpent,

	"InvalidIPAddress.InUse":        providers.Conflict,
	"InvalidNetworkInterface.InUse": providers.Conflict,
	"OperationNotPermitted":         providers.Conflict,
	"Resource.AlreadyAssociated":    providers.Conflict,
	"VolumeInUse":                   providers.Conflict,

	"ConcurrentTagAccess":    providers.NotReady,
	"IdempotentInProgress":   providers.NotReady,
	"IncorrectInstanceState": providers.NotReady,
	"IncorrectState":         providers.NotReady,
	"InvalidInstanceID":      providers.NotReady, // "the pending instance is not in a valid state for this operation"

	"InsufficientCapacity":                 providers.NoCapacity,
	"InsufficientHostCapacity":             providers.NoCapacity,
	"InsufficientInstanceCapacity":         providers.NoCapacity,
	"InsufficientReservedInstanceCapacity": providers.NoCapacity,
	"InsufficientVolumeCapacity":           providers.NoCapacity,
	"Unsupported":                          providers.NoCapacity, // the type is not offered in that zone

	"InsufficientAddressCapacity":       providers.Quota,
	"InsufficientFreeAddressesInSubnet": providers.Quota,

	"AccessDenied":                providers.Denied,
	"AccessDeniedException":       providers.Denied,
	"AuthFailure":                 providers.Denied,
	"Blocked":                     providers.Denied,
	"IncompleteSignature":         providers.Denied,
	"InvalidAccessKeyId":          providers.Denied,
	"InvalidClientTokenId":        providers.Denied,
	"InvalidSignatureException":   providers.Denied,
	"MissingAuthenticationToken":  providers.Denied,
	"NotAuthorized":               providers.Denied,
	"OptInRequired":               providers.Denied,
	"PendingVerification":         providers.Denied,
	"RequestTimeTooSkewed":        providers.Denied,
	"SignatureDoesNotMatch":       providers.Denied,
	"UnauthorizedOperation":       providers.Denied,
	"UnrecognizedClientException": providers.Denied,

	"ExpiredToken":          providers.Expired,
	"ExpiredTokenException": providers.Expired,
	"InvalidToken":          providers.Expired,
	"RequestExpired":        providers.Expired,

	"InternalError":       providers.Server,
	"InternalFailure":     providers.Server,
	"InternalServerError": providers.Server,
	"ServerInternal":      providers.Server,
	"ServiceUnavailable":  providers.Server,
	"Unavailable":         providers.Server,
}

// kindOf turns a code into a kind.
func kindOf(code, message string, status int) providers.ErrorKind {
	// Two codes say of a thing that it is not yet there and that it is there no more. Only the words differ.
	coming := strings.Contains(message, "pending")
	switch {
	case code == "InvalidInstanceID" && !coming:
		return providers.Conflict
	case code == "InvalidAMIID.Unavailable" && coming:
		return providers.NotReady
	}
	if k, ok := kinds[code]; ok {
		return k
	}
	switch {
	case code == "InvalidChangeBatch":
		return batchKind(message)
	case strings.HasSuffix(code, ".NotFound"):
		return providers.NotFound
	case strings.HasSuffix(code, "LimitExceeded"):
		return providers.Quota
	case status >= 500:
		return providers.Server
	case status == 429:
		return providers.Throttled
	default:
		return providers.Invalid
	}
}

// batchKind tells a change batch that lost a race from one that could never be right. Route 53 has one code for both.
func batchKind(message string) providers.ErrorKind {
	for _, lost := range []string{
		"already exists", "was not found", "do not match the current values", "is not permitted because a conflicting",
	} {
		if strings.Contains(message, lost) {
			return providers.Conflict
		}
	}
	return providers.Invalid
}

// advice is what a person can do. Codes first, then kinds.
func advice(kind providers.ErrorKind, code, region string) string {
	switch code {
	case "RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignatureException":
		return "is this machine's clock right? if it is, the secret key is not"
	case "RequestExpired":
		return "is this machine's clock right? if it is, run `aws sso login` or renew the credentials"
	case "AuthFailure", "OptInRequired":
		return "look at the credentials; a region that is not enabled for the account answers so too: `aws ec2 describe-regions --all-regions`"
	case "OperationNotPermitted":
		return "it is protected: `aws ec2 modify-instance-attribute --no-disable-api-termination --region " + regionOr(region) + " --instance-id ID` lifts that"
	case "Unsupported":
		return "choose another type or zone: this zone does not offer it"
	}
	switch kind {
	case providers.Expired:
		return "run `aws sso login` (with --profile when AWS_PROFILE is set) or renew the credentials; the next call reads them"
	case providers.Denied:
		return "`aws sts get-caller-identity` shows who is asking; `lifeboat policy` prints what it needs"
	case providers.NoCapacity:
		return "try another instance type in the same zone, then another zone with a copy of the volume"
	case providers.Quota:
		return "the account's quota is used up: free something, or ask for more with `aws service-quotas request-service-quota-increase`"
	default:
		return ""
	}
}
