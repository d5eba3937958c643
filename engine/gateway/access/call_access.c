/* call_access.c: see call_access.h. */
#include "gateway/access/call_access.h"

#include "gateway/access/access_policy_check.h"

struct access_resource call_resource(const struct call_source *source, const struct call_name *asked)
{
	struct text name = call_name_asked(source, asked);
	const struct gateway_target *target = gateway_target_find(source->targets, asked->namespace, name);
	if (target)
		return (struct access_resource){access_kind_of(target->plan->graph->resource), text_of(target->namespace),
						text_of(target->name)};
	return (struct access_resource){
		.kind = asked->pipeline_only ? ACCESS_PIPELINE : ACCESS_MODEL,
		.namespace = asked->namespace.length > 0 ? asked->namespace : text_of(source->targets->namespace),
		.name = name};
}

static bool is_given_twice(const struct call_credentials *credentials, enum header_name name)
{
	return credentials->header(credentials->context, name, 1).bytes != NULL;
}

/* Joins all lines of X-Forwarded-For: a proxy adds an address to the last line, or adds a line (RFC 9110, 5.3).
 * False: no memory. */
static bool forwarded_join(const struct call_credentials *credentials, struct arena *arena, struct text *joined)
{
	size_t bytes = 0, count = 0;
	struct text line;
	for (; (line = credentials->header(credentials->context, HEADER_FORWARDED_FOR, count)).bytes; count++)
		bytes += line.length + 1;
	char *all = count > 1 ? ARENA_ARRAY(arena, char, bytes) : NULL;
	*joined = credentials->header(credentials->context, HEADER_FORWARDED_FOR, 0);
	if (count < 2)
		return true;
	if (!all)
		return false;
	*joined = (struct text){all, bytes - 1};
	for (size_t place = 0; place < count; place++) {
		line = credentials->header(credentials->context, HEADER_FORWARDED_FOR, place);
		memcpy(all, line.bytes, line.length);
		all[line.length] = ',';
		all += line.length + 1;
	}
	return true;
}

static struct access_request request_of(const struct call_credentials *credentials)
{
	return (struct access_request){.authorization = credentials->header(credentials->context, HEADER_AUTHORIZATION, 0),
				       .api_key = credentials->header(credentials->context, HEADER_API_KEY, 0),
				       .certificate = credentials->certificate,
				       .peer = credentials->peer};
}

bool call_access_identify(struct access *access, const struct call_credentials *credentials, struct access_identity *identity)
{
	const struct access_request request = request_of(credentials);
	*identity = (struct access_identity){0};
	return !access || access_identify(access, &request, identity);
}

struct access_identity call_access_identify_any(struct access *access, const struct call_credentials *credentials,
						struct arena *arena)
{
	struct access_request request = request_of(credentials);
	if (!forwarded_join(credentials, arena, &request.forwarded_for))
		request.forwarded_for = (struct text){0}; /* then the proxy is the caller */
	return access_identify_any(access, &request);
}

struct text call_access_caller(struct access *access, const struct call_credentials *credentials, struct arena *arena)
{
	static const struct access_identity nobody;
	struct access_identity identity;
	if (!access || !call_access_identify(access, credentials, &identity) || memcmp(&identity, &nobody, sizeof identity) == 0)
		return (struct text){"", 0};
	char *digits = arena_take(arena, 2 * ACCESS_IDENTITY_BYTES, 1);
	for (size_t i = 0; digits && i < ACCESS_IDENTITY_BYTES; i++)
		(void)number_write_hex(digits + 2 * i, identity.bytes[i], 2);
	return (struct text){digits ? digits : "", digits ? 2 * ACCESS_IDENTITY_BYTES : 0};
}

/* False: the answer, which has begun with 200, is a refusal. */
static bool request_prepare(const struct call_credentials *credentials, struct arena *arena, struct access_request *request,
			    struct access_answer *answer)
{
	if (is_given_twice(credentials, HEADER_AUTHORIZATION) || is_given_twice(credentials, HEADER_API_KEY))
		*answer = (struct access_answer){.status = 400,
						 .words = "The header Authorization or " ACCESS_API_KEY_HEADER
							  " is there twice. Send it once."};
	else if (!forwarded_join(credentials, arena, &request->forwarded_for))
		*answer = (struct access_answer){.status = 500, .words = "Memory ran out."};
	return answer->status == 200;
}

void call_access_admit(struct access *access, const struct call_credentials *credentials, enum access_verb verb,
		       const struct access_resource *resource, struct arena *arena, struct access_answer *answer)
{
	struct access_request request = request_of(credentials);
	request.verb = verb;
	*answer = (struct access_answer){.status = 200, .words = ""};
	if (access && request_prepare(credentials, arena, &request, answer))
		access_admit(access, &request, resource, answer);
}

void call_access_check(struct access *access, const struct call_credentials *credentials, enum access_verb verb,
		       struct access_resource resource, struct arena *arena, struct access_answer *answer)
{
	struct access_request request = request_of(credentials);
	request.verb = verb;
	request.resource = resource;
	*answer = (struct access_answer){.status = 200, .words = ""};
	if (access && request_prepare(credentials, arena, &request, answer))
		access_check(access, &request, answer);
}
