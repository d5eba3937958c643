/* rest_request.c: Target, headers and caller of a request by REST; see rest.h. */
#include "gateway/rest.h"

#include "base/hash.h"
#include "gateway/calls/idempotent_limits.h"

static struct text rest_header(const void *context, enum header_name name)
{
	return http_incoming_known(context, name);
}

static struct text rest_header_at(const void *context, enum header_name name, size_t place)
{
	return http_incoming_known_at(context, name, place);
}

static struct text rest_header_named(const void *context, const char *name, size_t place)
{
	return http_incoming_header_at(context, name, place);
}

struct call_source rest_source(const struct rest_request *request)
{
	const struct rest *rest = request->rest;
	const int64_t now_ms = loop_now_of_day_ms(rest->loop);
	return (struct call_source){.config = rest->config,
				    .targets = rest->targets,
				    .now_ms = now_ms,
				    .arrived_ms = now_ms - http_incoming_age_ms(request->incoming),
				    .suggests = !rest->access,
				    .dropped_traces = calls_dropped_traces(rest->calls),
				    .context = request->incoming,
				    .header = rest_header,
				    .header_at = rest_header_at,
				    .header_named = rest_header_named};
}

struct call_name rest_call_name(const struct rest_request *request)
{
	return (struct call_name){.namespace = request->namespace,
				  .name = request->name,
				  .version = request->version,
				  .pipeline_only = request->pipeline_only};
}

/* The target that was found by the head is kept for the request, unless the targets were read again meanwhile. */
const struct gateway_target *rest_target_find(const struct rest_request *request)
{
	const uint64_t revision = request->rest->revision;
	const bool is_marked = http_incoming_marked(request->incoming) == revision;
	const struct gateway_target *kept = is_marked ? http_incoming_kept(request->incoming) : NULL;
	if (kept)
		return kept;
	const struct call_source source = rest_source(request);
	const struct call_name name = rest_call_name(request);
	struct call_refusal refusal;
	const struct gateway_target *target = call_target_find(&source, &name, &refusal);
	if (!target)
		rest_refuse(request, refusal.status, "%s", refusal.words);
	else if (is_marked)
		http_incoming_mark(request->incoming, revision, target);
	return target;
}

static struct call_credentials credentials_of(const struct rest_request *request, char subject[CALL_SUBJECT_BYTES_MAX])
{
	return (struct call_credentials){.header = rest_header_at,
					 .context = request->incoming,
					 .certificate =
						 http_incoming_certificate(request->incoming, subject, CALL_SUBJECT_BYTES_MAX)};
}

bool rest_caller_find(const struct rest_request *request, struct access_identity *identity)
{
	char subject[CALL_SUBJECT_BYTES_MAX];
	const struct call_credentials credentials = credentials_of(request, subject);
	return call_access_identify(request->rest->access, &credentials, identity);
}

/* Callers that come from this machine, perhaps all through one proxy, are not told apart. */
static uint64_t peer_share(const struct sockaddr_storage *peer)
{
	const struct peer_address address = peer_address_of(peer);
	return network_is_loopback((const struct sockaddr *)peer) ? 0 : hash_bytes(address.bytes, sizeof address.bytes, 0) | 1;
}

uint64_t rest_caller_share(const struct rest_request *request)
{
	char subject[CALL_SUBJECT_BYTES_MAX];
	struct sockaddr_storage peer;
	struct call_credentials credentials = credentials_of(request, subject);
	if (!http_incoming_peer(request->incoming, &peer))
		return 0; /* the connection is gone */
	if (!request->rest->access)
		return peer_share(&peer);
	credentials.peer = &peer;
	const struct access_identity caller = call_access_identify_any(request->rest->access, &credentials, request->rest->arena);
	return keyed_caller(&caller, true);
}

struct text rest_caller(const struct rest_request *request)
{
	char subject[CALL_SUBJECT_BYTES_MAX];
	const struct call_credentials credentials = credentials_of(request, subject);
	return call_access_caller(request->rest->access, &credentials, request->rest->arena);
}
