/* http_server_request.c: Request of the HTTP server, and its answer; see http_server_parts.h. */
#include <assert.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "base/memory.h"
#include "message/records/reply.h"
#include "net/http/http_server_parts.h"

#define ANSWER_BYTES_MAX (((size_t)1 << 30) + ((size_t)64 << 10)) /* waiting to be sent: a body, and a head */
#define KEPT_BYTES_MAX ((size_t)64 << 10)			   /* of each buffer, for the next request */
/* Of a head: an empty line before it, and the byte by which it is too long. Less would be full before it is refused. */
#define HEAD_KEPT_BYTES_MAX (HTTP_REQUEST_HEAD_BYTES_MAX + 3)
#define POOLED_MAX 256
#define INTERNAL_ERROR 500
#define LONG_BODY_WORDS "the request's body is longer than %zu bytes, which is the most that is taken here; %s"
#define REFUSAL_BYTES_MAX ((size_t)64 << 10) /* JSON may write each byte of a path as six */

static const struct http_refusal unread = {
	503, "the request was processed, and there is no memory for its answer: callers do not read theirs. Call again later"};

static bool unpacking_is_charged(struct body_unpacking *unpacking);
static void on_unpacked(struct body_unpacking *unpacking);
static void on_packed(struct body_packing *packing, struct text coded, bool is_packed);

/* ---- requests ---- */

struct http_incoming *http_incoming_open(struct http_inbound *connection)
{
	struct http_server *server = connection->server;
	struct http_incoming *incoming = server->pool;
	if (incoming) {
		server->pool = incoming->next;
		server->pooled--;
	} else {
		incoming = memory_take(1, sizeof *incoming);
		if (!incoming)
			return NULL;
		incoming->server = server;
		buffer_open(&incoming->bytes, HEAD_KEPT_BYTES_MAX);
		buffer_open(&incoming->output, ANSWER_BYTES_MAX);
		buffer_open(&incoming->open_head, ANSWER_BYTES_MAX);
		incoming->unpacking.allowed = unpacking_is_charged;
		incoming->unpacking.done = on_unpacked;
		incoming->packing.done = on_packed;
		http_intake_open(&incoming->intake, server->config.body_bytes);
	}
	http_incoming_limit_body(incoming, server->config.body_bytes, /* it may have changed */
				 server->config.remedy ? server->config.remedy : "send less at a time");
	incoming->connection = connection;
	incoming->charge.peer = connection->body_peer;
	incoming->previous = NULL;
	incoming->next = server->incomings;
	if (incoming->next)
		incoming->next->previous = incoming;
	server->incomings = incoming;
	return incoming;
}

void http_incoming_free(struct http_incoming *incoming)
{
	body_budget_give_back(incoming->server->config.bodies, &incoming->charge);
	body_unpack_stop(&incoming->unpacking);
	body_pack_stop(&incoming->packing);
	buffer_close(&incoming->bytes);
	buffer_close(&incoming->open_head);
	buffer_close(&incoming->output);
	http_intake_close(&incoming->intake);
	memory_give(incoming);
}

static void keep_small(struct buffer *buffer)
{
	if (buffer->capacity > KEPT_BYTES_MAX)
		buffer_close(buffer);
	buffer_clear(buffer);
}

static void incoming_end(struct http_incoming *incoming)
{
	struct http_server *server = incoming->server;
	body_budget_give_back(server->config.bodies, &incoming->charge);
	if (incoming->next)
		incoming->next->previous = incoming->previous;
	*(incoming->previous ? &incoming->previous->next : &server->incomings) = incoming->next;
	if (server->pooled >= POOLED_MAX) {
		http_incoming_free(incoming);
		return;
	}
	keep_small(&incoming->bytes);
	keep_small(&incoming->output);
	keep_small(&incoming->intake.body);
	http_head_scan_begin(&incoming->scan);
	incoming->head.method = incoming->head.path = (struct http_slice){0};
	incoming->head.field_count = 0;
	incoming->head.is_old = incoming->head.keeps = false;
	incoming->refusal = (struct http_refusal){0};
	incoming->is_called = incoming->in_pieces = incoming->is_cut = incoming->is_unpacked = false;
	incoming->written = incoming->added_count = 0;
	incoming->came_bytes = incoming->unread_bytes = 0;
	incoming->next = server->pool;
	server->pool = incoming;
	server->pooled++;
}

/* The peer stays charged for the body while the application has it. */
void http_incoming_leave(struct http_incoming *incoming)
{
	incoming->connection = NULL;
	if (!incoming->is_called) {
		incoming_end(incoming);
		return;
	}
	body_budget_hold(incoming->server->config.bodies, &incoming->charge);
}

bool http_incoming_pass_carrier(struct http_inbound *connection)
{
	struct http_incoming *incoming = connection->incoming;
	if (!incoming || !incoming->is_called)
		return false;
	incoming->carrier = connection->carrier;
	incoming->carrier_context = connection->carrier_context;
	return true;
}

struct text http_incoming_known(const struct http_incoming *incoming, enum header_name name)
{
	return http_head_known(&incoming->head, name);
}

struct text http_incoming_known_at(const struct http_incoming *incoming, enum header_name name, size_t place)
{
	return http_head_known_at(&incoming->head, name, place);
}

uint64_t http_incoming_repeated(const struct http_incoming *incoming)
{
	return incoming->head.repeated;
}

struct text http_incoming_header(const struct http_incoming *incoming, const char *name)
{
	return http_head_value(&incoming->head, text_of(name));
}

struct text http_incoming_header_at(const struct http_incoming *incoming, const char *name, size_t place)
{
	return http_head_value_at(&incoming->head, text_of(name), place);
}

bool http_incoming_header_next(const struct http_incoming *incoming, size_t *place, struct text *name, struct text *value)
{
	return http_head_next(&incoming->head, place, name, value);
}

bool http_incoming_peer(const struct http_incoming *incoming, struct sockaddr_storage *address)
{
	socklen_t length = sizeof *address;
	return incoming->connection &&
	       getpeername(incoming->connection->link.socket, (struct sockaddr *)address, &length) == 0;
}

struct tls_peer http_incoming_certificate(const struct http_incoming *incoming, char *out, size_t size)
{
	return incoming->connection ? link_peer(&incoming->connection->link, out, size) : (struct tls_peer){0};
}

struct text http_incoming_path(const struct http_incoming *incoming)
{
	return http_head_text(&incoming->head, incoming->head.path);
}

void http_incoming_limit_body(struct http_incoming *incoming, size_t body_bytes, const char *remedy)
{
	incoming->body_bytes = incoming->intake.body.ceiling_bytes = body_bytes;
	incoming->remedy = remedy;
}

void http_incoming_mark(struct http_incoming *incoming, uint64_t mark, const void *kept)
{
	incoming->mark = mark;
	incoming->kept = kept;
}

uint64_t http_incoming_marked(const struct http_incoming *incoming)
{
	return incoming->mark;
}

const void *http_incoming_kept(const struct http_incoming *incoming)
{
	return incoming->kept;
}

void *http_incoming_context(const struct http_incoming *incoming)
{
	return incoming->server->config.context;
}

struct text http_incoming_query(const struct http_incoming *incoming)
{
	return http_head_text(&incoming->head, incoming->head.query);
}

void http_incoming_call(struct http_incoming *incoming)
{
	const struct http_server_config *config = &incoming->server->config;
	const struct text method = http_head_text(&incoming->head, incoming->head.method);
	config->called(config->context, incoming, text_equal(method, TEXT("HEAD")) ? TEXT("GET") : method,
		       http_incoming_path(incoming), http_incoming_body(incoming));
}

/* ---- decompression of the body ---- */

static bool unpacking_is_charged(struct body_unpacking *unpacking)
{
	static const struct buffer none = {.ceiling_bytes = SIZE_MAX};
	struct http_incoming *incoming = LIST_OWNER(unpacking, struct http_incoming, unpacking);
	struct body_budget *bodies = incoming->server->config.bodies;
	const size_t bytes = incoming->intake.body.capacity + unpacking->plain.capacity;
	if (!body_budget_allows(bodies, &none, &incoming->charge, bytes))
		return false;
	body_budget_charge(bodies, &incoming->charge, bytes);
	return true;
}

/* Puts the plain body, if it is whole, in the place of the compressed one. */
static void unpacking_end(struct http_incoming *incoming)
{
	struct body_unpacking *unpacking = &incoming->unpacking;
	incoming->is_unpacked = true;
	if (unpacking->outcome == GZIP_WHOLE) {
		buffer_close(&incoming->intake.body);
		incoming->intake.body = unpacking->plain;
		unpacking->plain = (struct buffer){0};
	}
	body_unpack_stop(unpacking);
	body_budget_charge(incoming->server->config.bodies, &incoming->charge, incoming->intake.body.capacity);
}

static void on_unpacked(struct body_unpacking *unpacking)
{
	struct http_incoming *incoming = LIST_OWNER(unpacking, struct http_incoming, unpacking);
	unpacking_end(incoming);
	http_incoming_call(incoming);
}

enum gzip_outcome http_incoming_unpack(struct http_incoming *incoming, enum gzip_form form, size_t bytes_max)
{
	struct body_unpacking *unpacking = &incoming->unpacking;
	assert(incoming->is_called && !body_unpack_is_running(unpacking));
	if (!incoming->is_unpacked &&
	    body_unpack(&incoming->server->coder, unpacking, form, http_incoming_body(incoming), bytes_max) != GZIP_MORE)
		unpacking_end(incoming);
	return unpacking->outcome;
}

struct text http_incoming_body(const struct http_incoming *incoming)
{
	return buffer_view(&incoming->intake.body);
}

int64_t http_incoming_age_ms(const struct http_incoming *incoming)
{
	return loop_now_ms(incoming->server->loop) - incoming->head_ms;
}

bool http_incoming_is_over(const struct http_incoming *incoming)
{
	const struct http_inbound *connection = incoming->connection;
	return !connection || connection->phase == HTTP_PHASE_OVER || (incoming->in_pieces && connection->is_half_closed);
}

void http_incoming_add_header(struct http_incoming *incoming, const char *name, const char *value)
{
	assert(incoming->added_count < HTTP_ADDED_HEADERS_MAX);
	incoming->added[incoming->added_count++] = (struct http_answer_header){name, value};
}

/* ---- answers ---- */

static bool is_head(const struct http_incoming *incoming)
{
	const struct http_head *head = &incoming->head;
	return head->method.length > 0 && text_equal(http_head_text(head, head->method), TEXT("HEAD"));
}

static enum http_connection_word connection_word(const struct http_incoming *incoming)
{
	if (incoming->connection->closes)
		return HTTP_CONNECTION_CLOSE;
	return incoming->head.is_old ? HTTP_CONNECTION_KEEP_ALIVE : HTTP_CONNECTION_UNSAID;
}

/* The date header, which is written once a second. */
static const char *http_date(struct http_server *server)
{
	int64_t now_s = loop_now_of_day_ms(server->loop) / 1000;
	time_t time = (time_t)now_s;
	struct tm parts;
	if (now_s != server->date_s && gmtime_r(&time, &parts))
		strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
	server->date_s = now_s;
	return server->date;
}

static void write_error(struct http_incoming *incoming, struct http_refusal refusal)
{
	const struct http_head *read = &incoming->head;
	struct buffer body;
	char id[REFUSAL_ID_SIZE];
	refusal_id_write(&incoming->server->ids, http_head_known(read, HEADER_REQUEST_ID), id);
	const struct http_answer_header headers[] = {{REPLY_ID_HEADER, id}, {"Retry-After", "1"}};
	buffer_open(&body, REFUSAL_BYTES_MAX);
	refusal_body_write(&body, refusal.status, refusal.words,
			   read->path.length > 0 ? http_head_text(read, read->path) : (struct text){0}, id);
	const struct http_answer_head head = {.status = refusal.status,
					      .content_type = "application/json",
					      .date = http_date(incoming->server),
					      .body_bytes = body.length,
					      .connection = connection_word(incoming),
					      .headers = headers,
					      .header_count = refusal.status == 503 ? 2 : 1,
					      .added = incoming->added,
					      .added_count = incoming->added_count};
	http_answer_head_write(&incoming->output, &head);
	if (!is_head(incoming))
		buffer_text(&incoming->output, buffer_view(&body));
	buffer_close(&body);
}

/* Called when the answer is complete. The connection's turn does what follows. */
static void answer_complete(struct http_incoming *incoming)
{
	struct http_inbound *connection = incoming->connection;
	incoming->is_called = false;
	if (!connection) {
		if (incoming->carrier)
			incoming->carrier->released(incoming->carrier_context);
		incoming->carrier = NULL;
		incoming_end(incoming);
		return;
	}
	if (buffer_failed(&incoming->output))
		connection->phase = HTTP_PHASE_OVER;
	if (connection->phase != HTTP_PHASE_OVER) {
		connection->phase = incoming->unread_bytes > 0 && !connection->closes ? HTTP_PHASE_DISCARD : HTTP_PHASE_SENDING;
		connection->left = incoming->unread_bytes;
	}
	connection->since_ms = loop_now_ms(incoming->server->loop);
	http_inbound_flush(connection);
	if (!connection->in_turn)
		http_inbound_wake(connection);
}

void http_incoming_refuse(struct http_incoming *incoming, struct http_refusal refusal, bool keeps)
{
	const struct http_server_config *config = &incoming->server->config;
	char words[ERROR_TEXT_MAX];
	if (!refusal.words)
		(void)snprintf(words, sizeof words, LONG_BODY_WORDS, incoming->body_bytes, incoming->remedy);
	refusal.words = refusal.words ? refusal.words : words;
	incoming->connection->closes |= !keeps;
	incoming->server->acceptor.counts.rejected += !keeps;
	if (config->refused)
		config->refused(config->context, refusal.status);
	write_error(incoming, refusal);
	answer_complete(incoming);
}

/* False: the connection is gone, or is answered with an error. */
static bool write_head(struct http_incoming *incoming, struct http_answer_head *head, struct buffer *out)
{
	struct http_inbound *connection = incoming->connection;
	if (!connection || connection->phase == HTTP_PHASE_OVER)
		return false;
	connection->closes |= incoming->server->leaving || incoming->server->draining || head->unsized ||
			      (connection->has_ended && connection->rest.length == 0);
	head->date = http_date(incoming->server);
	head->connection = connection_word(incoming);
	head->added = incoming->added;
	head->added_count = incoming->added_count;
	if (http_answer_head_write(out, head))
		return true;
	write_error(incoming, (struct http_refusal){INTERNAL_ERROR, "a header of the answer holds a control character"});
	return false;
}

static bool accepts_gzip(const struct http_incoming *incoming)
{
	struct text value;
	for (size_t place = 0; (value = http_head_known_at(&incoming->head, HEADER_ACCEPT_ENCODING, place)).bytes; place++)
		if (gzip_is_accepted(value))
			return true;
	return false;
}

static bool is_coded(const struct http_answer_head *head)
{
	for (size_t i = 0; i < head->header_count; i++)
		if (text_equal_caseless(text_of(head->headers[i].name), TEXT("content-encoding")))
			return true;
	return false;
}

/* Whether to compress the body. Notes in the head that this depends on the caller. */
static bool body_is_to_be_packed(const struct http_incoming *incoming, struct http_answer_head *head)
{
	if (!incoming->connection || !body_is_packed(&incoming->server->coder, head->body_bytes) || is_coded(head))
		return false;
	head->varies = true;
	return accepts_gzip(incoming);
}

static void answer_pack_later(struct http_incoming *incoming, struct http_answer_head *head, struct text body)
{
	head->is_open = true;
	if (!body_budget_add_answer(incoming->server->config.bodies, &incoming->charge, body.length))
		write_error(incoming, unread);
	else if (write_head(incoming, head, &incoming->open_head)) {
		if (body_pack(&incoming->server->coder, &incoming->packing, body))
			return;
		incoming->output.failed = true;
	}
	answer_complete(incoming);
}

/* The caller may have left meanwhile. */
static void on_packed(struct body_packing *packing, struct text coded, bool is_packed)
{
	struct http_incoming *incoming = LIST_OWNER(packing, struct http_incoming, packing);
	const struct http_answer_head head = {.status = 200, .is_gzip = is_packed, .body_bytes = coded.length};
	buffer_text(&incoming->output, buffer_view(&incoming->open_head));
	http_answer_head_end(&incoming->output, &head);
	if (!is_head(incoming))
		buffer_text(&incoming->output, coded);
	incoming->output.failed |= buffer_failed(&incoming->open_head);
	buffer_close(&incoming->open_head);
	answer_complete(incoming);
}

void http_server_answer(struct http_incoming *incoming, int status, const char *content_type, struct text body,
			const struct http_answer_header *headers, size_t header_count)
{
	assert(incoming->is_called && !incoming->in_pieces);
	struct http_answer_head head = {.status = status,
					.content_type = content_type,
					.body_bytes = body.length,
					.headers = headers,
					.header_count = header_count};
	if (body_is_to_be_packed(incoming, &head)) {
		if (!body_packs_at_once(&incoming->server->coder, body.length)) {
			answer_pack_later(incoming, &head, body);
			return;
		}
		body = body_pack_at_once(&incoming->server->coder, body, &head.is_gzip);
		head.body_bytes = body.length;
	}
	const bool has_body = incoming->connection && !http_status_is_bodiless(status) && !is_head(incoming);
	if (has_body && !body_budget_add_answer(incoming->server->config.bodies, &incoming->charge, body.length))
		write_error(incoming, unread);
	else if (write_head(incoming, &head, &incoming->output) && has_body)
		buffer_text(&incoming->output, body);
	answer_complete(incoming);
}

void http_server_cut(struct http_incoming *incoming, int status, const char *content_type, struct text body, size_t sent)
{
	assert(incoming->is_called && !incoming->in_pieces && sent < body.length);
	struct http_answer_head head = {.status = status, .content_type = content_type, .body_bytes = body.length};
	if (incoming->connection)
		incoming->connection->closes = true;
	incoming->is_cut = true;
	if (write_head(incoming, &head, &incoming->output))
		buffer_append(&incoming->output, body.bytes, sent);
	answer_complete(incoming);
}

/* ---- answers in pieces ---- */

void http_server_begin(struct http_incoming *incoming, int status, const char *content_type,
		       const struct http_answer_header *headers, size_t header_count)
{
	assert(incoming->is_called && !incoming->in_pieces);
	struct http_answer_head head = {.status = status,
					.content_type = content_type,
					.in_chunks = !incoming->head.is_old,
					.unsized = incoming->head.is_old,
					.headers = headers,
					.header_count = header_count};
	incoming->in_pieces = write_head(incoming, &head, &incoming->output);
	if (incoming->connection)
		http_inbound_flush(incoming->connection);
}

static void drop_written(struct http_incoming *incoming)
{
	struct buffer *output = &incoming->output;
	if (incoming->written == 0)
		return;
	output->length -= incoming->written;
	memmove(output->bytes, output->bytes + incoming->written, output->length);
	incoming->written = 0;
}

bool http_server_send(struct http_incoming *incoming, struct text piece)
{
	assert(incoming->is_called);
	struct http_inbound *connection = incoming->connection;
	struct buffer *output = &incoming->output;
	if (!connection || !incoming->in_pieces || connection->phase == HTTP_PHASE_OVER)
		return false;
	if (piece.length == 0 || is_head(incoming))
		return true;
	drop_written(incoming);
	if (piece.length > HTTP_BACKLOG_BYTES_MAX || output->length > HTTP_BACKLOG_BYTES_MAX - piece.length) {
		connection->phase = HTTP_PHASE_OVER;
		http_inbound_wake(connection);
		return false;
	}
	if (!incoming->head.is_old)
		buffer_print(output, "%zx\r\n", piece.length);
	buffer_text(output, piece);
	if (!incoming->head.is_old)
		buffer_text(output, TEXT("\r\n"));
	if (buffer_failed(output))
		connection->phase = HTTP_PHASE_OVER;
	http_inbound_flush(connection);
	if (!connection->in_turn && (connection->phase == HTTP_PHASE_OVER || incoming->written < output->length))
		http_inbound_wake(connection);
	return connection->phase != HTTP_PHASE_OVER;
}

void http_server_end(struct http_incoming *incoming)
{
	assert(incoming->is_called);
	const struct http_inbound *connection = incoming->connection;
	bool lives = connection && connection->phase != HTTP_PHASE_OVER && incoming->in_pieces;
	incoming->in_pieces = false;
	if (lives && !incoming->head.is_old && !is_head(incoming))
		buffer_text(&incoming->output, TEXT("0\r\n\r\n"));
	answer_complete(incoming);
}
