// Package aws is the contracts of package providers, kept by EC2, Route 53 and STS.
//
// It translates and it never decides. A call is one request with a deadline; its error says which of three things is
// true of the world: nothing was sent (Unreachable), something was sent and no answer came (Lost), or the far side
// answered, in which case its code is kept and given one of the kinds of package providers. The engine is the only layer
// that repeats what changes something. Calls that only read are repeated here twice at most, quickly, within their
// deadline, because that is invisible; lack of capacity never is.
//
// What AWS lets a caller make safe is made safe here: a launch bears a client token and its tags from the first moment,
// a record changes by a batch that deletes exactly the old and creates exactly the new, an address moves only away from
// the holder that the caller names. What AWS has no token for is read first.
//
// It refuses to guess a region (an unknown name is an error with the nearest known one), to change anything in an
// account other than the one it was told, to replace an alias or a record with a routing policy, and to list without a
// filter. It holds no client of the SDK in a value that an interface can reach: methods are bound as functions, so that
// the linker can drop the several hundred that are not used. What the SDK itself would undo of that (the copy of a snapshot), or
// do in megabytes (S3), is put together here and signed with the SDK's signer.
//
//	cloud, err := aws.New(ctx, aws.Options{Account: "123456789012"})
//	if err != nil { ... }
//	machine, err := cloud.Set().Instances.Instance(ctx, "us-east-1", "i-0123456789abcdef0")
//
// Configuration is what every AWS tool reads: profiles, SSO, the environment, AWS_ENDPOINT_URL, AWS_CA_BUNDLE. After
// credentials have expired the next call reads it again, so `aws sso login` in another terminal is enough to go on.
package aws
