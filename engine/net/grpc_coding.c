/* grpc_coding.c: see grpc_coding.h. */
#include "net/grpc_coding.h"

#include <assert.h>
#include <stdio.h>

#include "net/grpc_server_parts.h"
#include "net/gzip.h"

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

/* False: the budget of bodies has no memory for it. */
static bool plain_is_charged(struct grpc_request *request, const struct buffer *plain)
{
	static const struct buffer none = {.ceiling_bytes = SIZE_MAX};
	struct body_budget *bodies = request->server->config.bodies;
	const size_t bytes = request->head_bytes + plain->capacity;
	if (request->converses) /* it is charged for all that it holds, when it has taken what came */
		return true;
	if (!body_budget_allows(bodies, &none, &request->charge, bytes))
		return false;
	body_budget_charge(bodies, &request->charge, bytes);
	return true;
}

static int unpack_refuse(const struct grpc_request *request, enum gzip_outcome outcome, char words[GRPC_UNPACK_WORDS_MAX])
{
	const size_t most = request->server->config.message_bytes;
	if (outcome == GZIP_TOO_LONG)
		(void)snprintf(words, GRPC_UNPACK_WORDS_MAX,
			       "the message has more than %zu bytes when it is decompressed, which is the limit", most);
	else if (outcome == GZIP_NO_MEMORY)
		(void)snprintf(words, GRPC_UNPACK_WORDS_MAX, "no memory for the message");
	else
		(void)snprintf(words, GRPC_UNPACK_WORDS_MAX,
			       "the message is not whole in the compression that grpc-encoding names; compress it again");
	return outcome == GZIP_INVALID ? GRPC_INTERNAL : GRPC_RESOURCE_EXHAUSTED;
}

bool grpc_message_unpack(struct grpc_request *request, int *status, char words[GRPC_UNPACK_WORDS_MAX])
{
	const size_t most = request->server->config.message_bytes;
	const struct text packed = buffer_view(&request->body);
	struct buffer plain;
	assert(grpc_coding_is_taken(request->coding));
	buffer_open(&plain, most + 1); /* a byte more shows that there is more */
	const enum gzip_outcome outcome =
		request->coding == GRPC_CODING_GZIP ? gzip_unpack(packed, most, &plain) : zlib_unpack(packed, most, &plain);
	if (outcome == GZIP_WHOLE && plain_is_charged(request, &plain)) {
		request->server->held_bytes += plain.length - request->body.length;
		buffer_close(&request->body);
		request->body = plain;
		return true;
	}
	*status = GRPC_RESOURCE_EXHAUSTED;
	if (outcome == GZIP_WHOLE)
		(void)snprintf(words, GRPC_UNPACK_WORDS_MAX, "%s", GRPC_CROWDED);
	else
		*status = unpack_refuse(request, outcome, words);
	buffer_close(&plain);
	return false;
}

/* ---- answers ---- */

bool grpc_answers_are_packed(const struct grpc_request *request)
{
	struct text accepted;
	if (!request->server->gzip || !grpc_coding_is_taken(request->coding))
		return false;
	for (size_t place = 0; (accepted = grpc_request_metadata(request, "grpc-accept-encoding", place)).bytes; place++)
		if (gzip_is_accepted(accepted))
			return true;
	return false;
}

struct text grpc_answer_packed(struct grpc_server *server, struct text body, bool *is_packed)
{
	*is_packed = false;
	buffer_clear(&server->packed);
	if (body.length < GZIP_BYTES_LEAST || body.length > GZIP_BYTES_MAX || !gzip_pack(server->gzip, body, &server->packed) ||
	    server->packed.length >= body.length)
		return body;
	*is_packed = true;
	return buffer_view(&server->packed);
}
