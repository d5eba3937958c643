/* grpc_front_head.c: Whom a call names, and checks of its head and of its caller; see grpc_front_parts.h. */
#include <inttypes.h>
#include <stdio.h>

#include "gateway/grpc_front_parts.h"
#include "message/formats/protobuf_wire.h"
#include "net/grpc/grpc_wire.h"

#define UNKNOWN_METHOD 501		     /* of HTTP: UNIMPLEMENTED */
#define OPEN_MESSAGE_BYTES ((size_t)1 << 10) /* of a method for everybody: its message names a service, if anything */

struct text grpc_metadata_of(const void *request, enum header_name name)
{
	return grpc_request_known(request, name, 0);
}

static struct text metadata_named(const void *request, const char *name, size_t place)
{
	return grpc_request_metadata(request, name, place);
}

struct call_source grpc_source_of(const struct grpc_asked *asked)
{
	const struct grpc_front *front = asked->front;
	const int64_t now_ms = loop_now_of_day_ms(front->loop);
	return (struct call_source){.config = front->config.gateway,
				    .targets = front->config.targets,
				    .now_ms = now_ms,
				    .arrived_ms = now_ms - grpc_request_age_ms(asked->request),
				    .content_type = asked->is_seldon ? front->seldon_type : front->inference_type,
				    .suggests = !*front->config.access,
				    .dropped_traces = calls_dropped_traces(front->config.calls),
				    .context = asked->request,
				    .header = grpc_metadata_of,
				    .header_at = grpc_metadata_at,
				    .header_named = metadata_named};
}

/* The last field of a number counts, as in any reader of protobuf. */
static struct call_name body_names(struct text body)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(body);
	struct protobuf_field field;
	struct call_name name = {0};
	while (protobuf_next(&cursor, &field))
		if (protobuf_is(&field, MODEL_NAME, WIRE_BYTES))
			name.name = field.bytes;
		else if (protobuf_is(&field, MODEL_VERSION, WIRE_BYTES))
			name.version = field.bytes;
	return name;
}

/* The ingress of Seldon Core 1 routes all protocols by the metadata `seldon` and `namespace`, so they are preferred, as the prefix
 * of a path is by REST. */
struct call_name grpc_name_of(const struct grpc_asked *asked)
{
	struct text deployment = grpc_metadata_of(asked->request, HEADER_SELDON);
	if (deployment.length > 0)
		return (struct call_name){.name = deployment, .namespace = grpc_metadata_of(asked->request, HEADER_NAMESPACE)};
	if (asked->is_seldon)
		return (struct call_name){0};
	return body_names(asked->body);
}

struct text grpc_metadata_at(const void *request, enum header_name name, size_t place)
{
	return grpc_request_known(request, name, place);
}

void grpc_access_explain(struct grpc_request *request, const struct access_answer *answer)
{
	char seconds[24];
	if (answer->challenge[0])
		grpc_request_add_field(request, TEXT("www-authenticate"), text_of(answer->challenge));
	if (answer->retry_after_s <= 0)
		return;
	(void)snprintf(seconds, sizeof seconds, "%" PRId64, answer->retry_after_s);
	grpc_request_add_field(request, TEXT("retry-after"), text_of(seconds));
}

struct credentials_room {
	struct sockaddr_storage peer;
	char subject[CALL_SUBJECT_BYTES_MAX];
};

static struct call_credentials credentials_with_peer(const struct grpc_request *request, struct credentials_room *room)
{
	if (!grpc_request_peer(request, &room->peer)) /* the connection is gone, so nobody receives the answer */
		room->peer = (struct sockaddr_storage){.ss_family = AF_INET};
	return (struct call_credentials){.header = grpc_metadata_at,
					 .context = request,
					 .peer = &room->peer,
					 .certificate = grpc_request_certificate(request, room->subject, sizeof room->subject)};
}

bool grpc_caller_may(struct grpc_front *front, struct grpc_request *request, enum access_verb verb, struct access_resource resource,
		     struct access_answer *answer)
{
	struct credentials_room room;
	const struct call_credentials credentials = credentials_with_peer(request, &room);
	call_access_check(*front->config.access, &credentials, verb, resource, front->arena, answer);
	return answer->status == 200;
}

struct access_resource grpc_server_resource(const struct grpc_front *front)
{
	return (struct access_resource){.kind = ACCESS_SERVER, .namespace = text_of(front->config.targets->namespace)};
}

/* For methods that callers of other servers expect. */
const char *grpc_absence_words(struct text path)
{
	if (text_starts_with(path, TEXT(INFERENCE "Repository")))
		return "models are not listed, loaded or unloaded by callers here: the pipelines' files name them; change those";
	if (text_starts_with(path, TEXT("/seldon.protos.")))
		return "of Seldon's services this port has seldon.protos.Seldon with Predict, SendFeedback, ModelMetadata and "
		       "GraphMetadata; the others are between Seldon's own containers";
	return "there is no such method here; pipelines and models answer to " INFERENCE "ModelInfer";
}

void grpc_asked_begin(struct grpc_front *front)
{
	arena_reset(front->arena);
	buffer_clear(&front->reply);
}

/* ---- heads of calls ---- */

/* Whether the metadata say which target is asked. */
static bool head_names_target(const struct grpc_asked *asked)
{
	return asked->is_seldon || grpc_metadata_of(asked->request, HEADER_SELDON).length > 0 ||
	       grpc_metadata_of(asked->request, HEADER_SELDON_MODEL).length > 0;
}

static bool head_refuse(struct grpc_front *front, int status, const char *words)
{
	(void)snprintf(front->refusal.words, sizeof front->refusal.words, "%s", words);
	front->refusal.status = status;
	return false;
}

/* Whether the caller may make such calls at all, if the message has yet to say of what. */
static bool head_admits(const struct grpc_asked *asked, const struct grpc_route *route)
{
	struct grpc_front *front = asked->front;
	const struct call_source source = grpc_source_of(asked);
	const struct call_name name = grpc_name_of(asked);
	struct credentials_room room;
	struct access_answer answer;
	if (!*front->config.access)
		return true;
	const struct access_resource resource = route->names_target ? call_resource(&source, &name) : grpc_server_resource(front);
	const bool is_known = !route->names_target || head_names_target(asked);
	const struct call_credentials credentials = credentials_with_peer(asked->request, &room);
	if (route->serve)
		call_access_admit(*front->config.access, &credentials, route->verb, is_known ? &resource : NULL, front->arena,
				  &answer);
	else /* nothing is asked again */
		call_access_check(*front->config.access, &credentials, route->verb, resource, front->arena, &answer);
	if (answer.status == 200)
		return true;
	grpc_access_explain(asked->request, &answer);
	return head_refuse(front, answer.status, answer.words);
}

static bool metadata_next(const void *request, size_t *place, struct text *name, struct text *value)
{
	return grpc_request_metadata_next(request, place, name, value);
}

/* Envoy joins two values by a comma, and then no route has that name. */
static bool metadata_are_single(const struct grpc_asked *asked)
{
	const struct call_lines lines = {.next = metadata_next,
					 .context = asked->request,
					 .repeated = grpc_request_repeated(asked->request),
					 .more = call_names_of_grpc()};
	return call_headers_check(&lines, asked->front->config.targets, &asked->front->refusal);
}

static bool head_is_good(const struct grpc_asked *asked, const struct grpc_route *route)
{
	struct grpc_front *front = asked->front;
	const struct call_source source = grpc_source_of(asked);
	const struct call_name name = grpc_name_of(asked);
	if (!route)
		return head_refuse(front, UNKNOWN_METHOD, grpc_absence_words(asked->path));
	if (route->is_open) {
		grpc_request_limit_message(asked->request, OPEN_MESSAGE_BYTES);
		return true;
	}
	return head_admits(asked, route) && metadata_are_single(asked) &&
	       (!route->names_target || !head_names_target(asked) || call_target_find(&source, &name, &front->refusal));
}

void grpc_head_check(const struct grpc_asked *asked, const struct grpc_route *route, int *status, const char **words)
{
	struct grpc_front *front = asked->front;
	grpc_asked_begin(front);
	if (head_is_good(asked, route))
		return;
	*status = grpc_status_for_http(front->refusal.status);
	*words = front->refusal.words;
	calls_count_refusal(front->config.calls, COUNTED_GRPC, *status);
}
