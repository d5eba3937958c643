/* grpc_server_coding.c: see grpc_server_coding.h. */
#include "net/grpc/grpc_server_coding.h"

#include <stdio.h>

#include "net/grpc/grpc_server_parts.h"

enum grpc_coding grpc_coding_of(struct text name)
{
	if (name.length == 0 || text_is(name, "identity"))
		return GRPC_CODING_NONE;
	return text_is(name, "gzip") ? GRPC_CODING_GZIP : text_is(name, "deflate") ? GRPC_CODING_DEFLATE : GRPC_CODING_OTHER;
}

bool grpc_coding_is_taken(enum grpc_coding coding)
{
	return coding == GRPC_CODING_GZIP || coding == GRPC_CODING_DEFLATE;
}

/* ---- messages ---- */

/* The budget is charged for the message in both forms. False: it has no memory for that. */
static bool grpc_plain_is_charged(struct body_unpacking *unpacking)
{
	static const struct buffer none = {.ceiling_bytes = SIZE_MAX};
	struct grpc_request *request = LIST_OWNER(unpacking, struct grpc_request, unpacking);
	struct body_budget *bodies = request->server->config.bodies;
	const size_t bytes = request->head_bytes + request->body.capacity + unpacking->plain.capacity;
	if (request->converses)
		return grpc_conversation_is_charged(request);
	if (!body_budget_allows(bodies, &none, &request->charge, bytes))
		return false;
	body_budget_charge(bodies, &request->charge, bytes);
	return true;
}

static void unpack_refuse(struct grpc_request *request, enum gzip_outcome outcome)
{
	char words[120];
	(void)snprintf(words, sizeof words, "the message has more than %zu bytes when it is decompressed, which is the limit",
		       request->body.ceiling_bytes);
	if (outcome == GZIP_INVALID)
		grpc_request_shed(request, GRPC_INTERNAL,
				  "the message is not whole in the compression that grpc-encoding names; compress it again");
	else
		grpc_request_shed(request, GRPC_RESOURCE_EXHAUSTED, outcome == GZIP_TOO_LONG ? words : GRPC_CROWDED);
}

/* The plain message takes the place of the other. */
static void message_replace(struct grpc_request *request)
{
	struct grpc_server *server = request->server;
	server->held_bytes += request->unpacking.plain.length - request->body.length;
	const size_t ceiling_bytes = request->body.ceiling_bytes;
	buffer_close(&request->body);
	request->body = request->unpacking.plain;
	request->body.ceiling_bytes = ceiling_bytes;
	request->unpacking.plain = (struct buffer){0};
	if (!request->converses)
		body_budget_charge(server->config.bodies, &request->charge, request->head_bytes + request->body.capacity);
}

static void grpc_on_unpacked(struct body_unpacking *unpacking)
{
	struct grpc_request *request = LIST_OWNER(unpacking, struct grpc_request, unpacking);
	const enum gzip_outcome outcome = unpacking->outcome;
	if (outcome == GZIP_WHOLE)
		message_replace(request);
	body_unpack_stop(unpacking);
	if (request->over) /* its deadline has passed meanwhile */
		return;
	if (request->converses)
		grpc_conversation_unpacked(request, outcome == GZIP_WHOLE     ? GRPC_OK
						    : outcome == GZIP_INVALID ? GRPC_INTERNAL
									      : GRPC_RESOURCE_EXHAUSTED);
	else if (outcome == GZIP_WHOLE)
		grpc_request_call(request);
	else
		unpack_refuse(request, outcome);
}

void grpc_message_unpack(struct grpc_request *request)
{
	const enum gzip_form form = request->coding == GRPC_CODING_GZIP ? GZIP_FORM_GZIP : GZIP_FORM_ZLIB;
	assert(grpc_coding_is_taken(request->coding));
	if (body_unpack(&request->server->coder, &request->unpacking, form, buffer_view(&request->body),
			request->body.ceiling_bytes) != GZIP_MORE)
		grpc_on_unpacked(&request->unpacking);
}

/* ---- answers ---- */

bool grpc_answers_are_packed(const struct grpc_request *request)
{
	struct text accepted;
	if (!request->server->coder.gzip || !grpc_coding_is_taken(request->coding))
		return false;
	for (size_t place = 0; (accepted = grpc_request_metadata(request, "grpc-accept-encoding", place)).bytes; place++)
		if (gzip_is_accepted(accepted))
			return true;
	return false;
}

static void grpc_on_packed(struct body_packing *packing, struct text coded, bool is_packed)
{
	struct grpc_request *request = LIST_OWNER(packing, struct grpc_request, packing);
	if (!request->over)
		grpc_answer_send(request, coded, is_packed);
}

/* ---- requests ---- */

void grpc_coding_open(struct grpc_request *request)
{
	request->unpacking = (struct body_unpacking){.allowed = grpc_plain_is_charged, .done = grpc_on_unpacked};
	request->packing = (struct body_packing){.done = grpc_on_packed};
}

void grpc_coding_close(struct grpc_request *request)
{
	body_unpack_stop(&request->unpacking);
	body_pack_stop(&request->packing);
}
