/* grpc_server_answer.c: Answer to a call on the gRPC server: a message, or a refusal; see grpc_server_parts.h. */

#include "message/records/reply.h"
#include "net/grpc/grpc_server_parts.h"
#include "net/http/http_exchange.h"

#define WORDS_BYTES ((size_t)8 << 10) /* encoded: callers accept no longer headers */
#define NO_MEMORY_WORDS "no memory for the answer"
#define END_WAIT_MS 2000
#define END_WAIT_BYTES_MAX ((uint64_t)64 << 20) /* of a body, as much as is dropped of one over HTTP/1.1 */
#define PLACE_SHOWN ((size_t)512) /* bytes of a path in the metadata, of which callers accept 8 KiB */

/* ---- bytes ---- */

static ssize_t on_words_wanted(nghttp2_session *session, int32_t id, uint8_t *room, size_t size, uint32_t *flags,
			       nghttp2_data_source *source, void *context)
{
	(void)source;
	struct grpc_request *request = nghttp2_session_get_stream_user_data(session, id);
	if (!request)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	const size_t now = grpc_answer_copy(request, context, room, size);
	if (request->offset == request->answer.length)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)now;
}

static ssize_t grpc_answer_on_wanted(nghttp2_session *session, int32_t id, uint8_t *room, size_t size, uint32_t *flags,
				     nghttp2_data_source *source, void *context)
{
	(void)source;
	struct grpc_request *request = nghttp2_session_get_stream_user_data(session, id);
	if (!request)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	const size_t now = grpc_answer_copy(request, context, room, size);
	if (request->offset < request->answer.length)
		return (ssize_t)now;
	const nghttp2_nv trailer = http2_constant(TEXT("grpc-status"), TEXT("0"));
	*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
	return nghttp2_submit_trailer(session, id, &trailer, 1) == 0 ? (ssize_t)now : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* Sends an answer without a message, which is one block of headers. */
static void send_headers(struct grpc_request *request, const nghttp2_nv *pairs, size_t count)
{
	nghttp2_session *session = request->caller->http2.session;
	request->over = true;
	if (nghttp2_submit_response(session, request->id, pairs, count, NULL) != 0)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, request->id, NGHTTP2_INTERNAL_ERROR);
	grpc_caller_mark_dirty(request->caller);
}

static enum error_kind kind_of_status(int status)
{
	if (status == GRPC_RESOURCE_EXHAUSTED || status == GRPC_DEADLINE_EXCEEDED)
		return ERROR_LIMIT;
	return status == GRPC_UNAVAILABLE ? ERROR_REMOTE : ERROR_INPUT;
}

static void refusal_explain(struct grpc_request *request, int status)
{
	struct text path = buffer_view(&request->path);
	char id[REFUSAL_ID_SIZE];
	if (!grpc_fields_have(&request->fields, TEXT(REPLY_ID_HEADER))) {
		refusal_id_write(&request->server->ids, grpc_request_known(request, HEADER_REQUEST_ID, 0), id);
		grpc_request_add_field(request, TEXT(REPLY_ID_HEADER), text_of(id));
	}
	if (grpc_fields_have(&request->fields, TEXT(REPLY_ERROR_HEADER)))
		return;
	path.length = path.length < PLACE_SHOWN ? path.length : PLACE_SHOWN;
	grpc_request_add_field(request, TEXT(REPLY_ERROR_HEADER), text_of(error_kind_name(kind_of_status(status))));
	grpc_request_add_field(request, TEXT(REPLY_PLACE_HEADER), path);
}

/* Begins the headers of a response; how many they are. Few of the array's places are used, so it is not cleared. */
static size_t status_pairs(nghttp2_nv *pairs)
{
	pairs[0] = http2_constant(TEXT(":status"), TEXT("200"));
	pairs[1] = http2_constant(TEXT("content-type"), TEXT("application/grpc"));
	return 2;
}

void grpc_request_refuse(struct grpc_request *request, int status, struct text words)
{
	refusal_explain(request, status);
	char number[NUMBER_TEXT_MAX];
	char bytes[WORDS_BYTES];
	struct buffer encoded = {.bytes = bytes, .capacity = sizeof bytes, .ceiling_bytes = sizeof bytes};
	nghttp2_nv pairs[5 + GRPC_FIELDS_MAX];
	size_t count = status_pairs(pairs);
	count += grpc_fields_pairs(&request->fields, pairs + count);
	if (status == GRPC_UNIMPLEMENTED) /* the reason may be an unsupported compression */
		pairs[count++] = http2_constant(TEXT("grpc-accept-encoding"), TEXT(GRPC_CODINGS_TAKEN));
	pairs[count++] = http2_variable(TEXT("grpc-status"), (struct text){number, number_write_int64(number, status)});
	grpc_words_write(&encoded, words); /* a longer text is cut */
	if (words.length > 0)
		pairs[count++] = http2_variable(TEXT("grpc-message"), buffer_view(&encoded));
	send_headers(request, pairs, count);
}

/* Begins an answer that has a body. */
static inline bool body_begin(struct grpc_request *request, const nghttp2_nv *pairs, size_t count,
			      const nghttp2_data_provider *body)
{
	struct grpc_caller *caller = request->caller;
	if (buffer_failed(&request->answer) ||
	    nghttp2_submit_response(caller->http2.session, request->id, pairs, count, body) != 0) {
		buffer_clear(&request->answer);
		return false;
	}
	request->moved_ms = loop_now_ms(request->server->loop);
	if (caller->answering++ == 0)
		caller->moved_ms = request->moved_ms;
	request->pending = true;
	request->over = true;
	grpc_caller_mark_dirty(caller);
	return true;
}

void grpc_request_refuse_as_http(struct grpc_request *request, struct http_refusal refusal)
{
	const nghttp2_data_provider body = {.read_callback = on_words_wanted};
	const struct grpc_server_config *config = &request->server->config;
	char status[NUMBER_TEXT_MAX], length[NUMBER_TEXT_MAX], id[REFUSAL_ID_SIZE];
	struct text path = {0}; /* its buffer may be full */
	nghttp2_nv pairs[5];
	size_t count = 0;
	if (request->is_http)
		http_exchange_count_refusal(config->http, refusal.status);
	else if (config->refused)
		config->refused(config->context, GRPC_UNKNOWN); /* as gRPC's clients take 405 and 415 */
	refusal_id_write(&request->server->ids, grpc_request_known(request, HEADER_REQUEST_ID, 0), id);
	buffer_clear(&request->answer);
	if (!buffer_failed(&request->path))
		path = buffer_view(&request->path);
	refusal_body_write(&request->answer, refusal.status, refusal.words, path, id);
	pairs[count++] = http2_variable(TEXT(":status"), (struct text){status, number_write_int64(status, refusal.status)});
	pairs[count++] = http2_constant(TEXT("content-type"), TEXT("application/json"));
	pairs[count++] = http2_variable(TEXT("content-length"),
					(struct text){length, number_write_int64(length, (int64_t)request->answer.length)});
	if (refusal.status == 503)
		pairs[count++] = http2_constant(TEXT("retry-after"), TEXT("1"));
	else if (refusal.status == 405)
		pairs[count++] = http2_constant(TEXT("allow"), TEXT("POST"));
	pairs[count++] = http2_variable(TEXT(REPLY_ID_HEADER), text_of(id));
	if (request->is_head || !body_begin(request, pairs, count, &body))
		send_headers(request, pairs, count);
}

void grpc_answer_send(struct grpc_request *request, struct text coded, bool is_packed)
{
	unsigned char prefix[GRPC_PREFIX_BYTES];
	grpc_prefix_write(prefix, coded.length);
	prefix[0] = is_packed;
	buffer_append(&request->answer, prefix, sizeof prefix);
	buffer_text(&request->answer, coded);
	nghttp2_nv pairs[3 + GRPC_FIELDS_MAX];
	size_t count = status_pairs(pairs);
	count += grpc_fields_pairs(&request->fields, pairs + count);
	if (is_packed)
		pairs[count++] = http2_constant(TEXT("grpc-encoding"), TEXT("gzip"));
	const nghttp2_data_provider message = {.read_callback = grpc_answer_on_wanted};
	if (!body_begin(request, pairs, count, &message))
		grpc_request_refuse(request, GRPC_RESOURCE_EXHAUSTED, TEXT(NO_MEMORY_WORDS));
}

static void send_answer(struct grpc_request *request, struct text body)
{
	struct body_coder *coder = &request->server->coder;
	const bool packs = body_is_packed(coder, body.length) && grpc_answers_are_packed(request);
	const bool waits = packs && !body_packs_at_once(coder, body.length);
	bool is_packed = false;
	if (body.length > UINT32_MAX) {
		grpc_request_refuse(request, GRPC_RESOURCE_EXHAUSTED,
				    TEXT("the answer has more than the 4 GiB that gRPC can carry"));
		return;
	}
	if (packs && !waits)
		body = body_pack_at_once(coder, body, &is_packed);
	if (!body_budget_add_answer(request->server->config.bodies, &request->charge, body.length)) {
		grpc_request_refuse(request, GRPC_RESOURCE_EXHAUSTED, TEXT(GRPC_UNREAD_WORDS));
		return;
	}
	if (!waits)
		grpc_answer_send(request, body, is_packed);
	else if (!body_pack(coder, &request->packing, body))
		grpc_request_refuse(request, GRPC_RESOURCE_EXHAUSTED, TEXT(NO_MEMORY_WORDS));
}

void grpc_server_answer(struct grpc_request *request, int status, struct text words, struct text body)
{
	const bool waits = request->on_wire && !request->over;
	grpc_request_release(request);
	if (waits && status == GRPC_OK)
		send_answer(request, body);
	else if (waits)
		grpc_request_refuse(request, status, words);
}

/* ---- the end of a request that is answered already ---- */

/* What came of a message that was refused is of no use while the rest of it comes. */
static void message_drop(struct grpc_request *request)
{
	struct grpc_server *server = request->server;
	server->held_bytes -= request->body.length;
	grpc_buffer_empty(&request->body);
	body_budget_charge(server->config.bodies, &request->charge, request->head_bytes);
}

bool grpc_answer_wait_for_end(struct grpc_request *request)
{
	struct loop *loop = request->server->loop;
	const struct text announced = grpc_request_known(request, HEADER_CONTENT_LENGTH, 0);
	struct error error = {0};
	uint64_t length;
	if (request->converses || request->caller->on_wire > request->server->config.streams / 2 ||
	    (announced.bytes && (!digits_read(announced, 10, &length) || length > END_WAIT_BYTES_MAX)))
		return false;
	request->waits_for_end = loop_timer_set(loop, &request->deadline, loop_now_ms(loop) + END_WAIT_MS, &error);
	if (request->waits_for_end && request->open == 0)
		message_drop(request);
	return request->waits_for_end;
}

void grpc_answer_end_wait(struct grpc_request *request)
{
	nghttp2_submit_rst_stream(request->caller->http2.session, NGHTTP2_FLAG_NONE, request->id, NGHTTP2_NO_ERROR);
	grpc_caller_mark_dirty(request->caller);
}
