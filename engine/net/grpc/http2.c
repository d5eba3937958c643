/* http2.c: One connection of HTTP/2 on a link, and nghttp2's session of a server; see http2.h. */
#include "net/grpc/http2.h"

#include "net/grpc/http2_frame.h"

#define RECORDS_A_TURN 16 /* of TLS: then other connections are served */
#define REST_BYTES_MAX ((size_t)64 << 10) /* as much as is read at once: more is read when nothing of it is left */
#define SERVER_HEADERS_BYTES (32 << 10)
#define FIELD_BYTES 32 /* of a field, beside its name and value, as by RFC 9113, 6.5.2 */
#define HEAD_WORDS "the headers come to far more than 32 KiB, the limit, when they are decoded; send less"
#define CONTINUATION_WORDS                                                                                                         \
	"too many frames that cannot be processed (CONTINUATION and others); send the headers of a request in one"
#define TOO_MANY_CONTINUATIONS (-905) /* of nghttp2: headers before 1.61 have no name for it, unless a distribution added it */
#define FLOOD_WORDS \
	"too many frames that do not advance a request (PING, WINDOW_UPDATE and others); send at most 100 a second besides"

void http2_open(struct http2 *http2, struct loop *loop, void (*ready)(void *context, uint32_t events), void *context)
{
	*http2 = (struct http2){.loop = loop, .link = LINK_NONE, .watch = {.ready = ready, .context = context}};
	buffer_open(&http2->out, HTTP2_OUT_BYTES + HTTP2_OUT_BYTES_BEYOND);
	buffer_open(&http2->rest, REST_BYTES_MAX);
}

void http2_forget(struct http2 *http2)
{
	nghttp2_session_del(http2->session);
	http2->session = NULL;
	if (http2->events)
		loop_unwatch(http2->loop, &http2->watch);
	http2->events = 0;
	http2->sent = 0;
	http2->heard = http2->is_half_closed = false;
	http2->flooded = NULL;
	buffer_clear(&http2->out);
	buffer_close(&http2->rest);
	http2->rest_at = 0;
}

void http2_close(struct http2 *http2)
{
	http2_forget(http2);
	link_close(&http2->link);
	buffer_close(&http2->out);
	memory_pool_close(&http2->pool);
}

bool http2_watch(struct http2 *http2, uint32_t events, struct error *error)
{
	if (http2->is_half_closed) /* its end could be read again and again */
		events = (events & EPOLLOUT) | EPOLLERR;
	if (http2->events == events)
		return true;
	bool watched = http2->events ? loop_watch_for(http2->loop, &http2->watch, events, error)
				     : loop_watch(http2->loop, &http2->watch, http2->link.socket, events, error);
	if (watched)
		http2->events = events;
	return watched;
}

/* ---- the session ---- */

static void *http2_memory_take(size_t size, void *context)
{
	return memory_pool_take(context, size);
}

static void give(void *piece, void *context)
{
	memory_pool_give(context, piece);
}

static void *take_zeroed(size_t count, size_t size, void *context)
{
	size_t whole;
	void *piece = __builtin_mul_overflow(count, size, &whole) ? NULL : memory_pool_take(context, whole);
	return piece ? memset(piece, 0, whole) : NULL;
}

static void *resize(void *piece, size_t size, void *context)
{
	return memory_pool_resize(context, piece, size);
}

nghttp2_mem http2_memory(struct memory_pool *pool)
{
	return (nghttp2_mem){pool, http2_memory_take, give, take_zeroed, resize};
}

static bool open_session(struct http2 *http2, const nghttp2_session_callbacks *callbacks, void *context)
{
	nghttp2_mem heap = http2_memory(&http2->pool);
	nghttp2_option *option;
	if (nghttp2_option_new(&option) != 0)
		return false;
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_no_auto_window_update(option, 1); /* the server says when bytes are taken */
	int failed = nghttp2_session_server_new3(&http2->session, callbacks, context, option, &heap);
	nghttp2_option_del(option);
	return !failed;
}

static bool session_refused_flood(ssize_t taken)
{
	return taken == NGHTTP2_ERR_FLOODED || taken == TOO_MANY_CONTINUATIONS;
}

static void session_allow(struct http2 *http2, size_t requests)
{
	http2->may_begin = requests;
	http2->pause = 0;
}

/* Passes bytes on, up to a request beyond those that may begin; adds their number to `at`. */
static bool session_pass(struct http2 *http2, const char *bytes, size_t count, size_t *at, struct error *error)
{
	ssize_t taken = nghttp2_session_mem_recv(http2->session, (const uint8_t *)bytes, count);
	if (taken >= 0) {
		*at += (size_t)taken;
		return true;
	}
	if (taken == NGHTTP2_ERR_NOMEM)
		return error_memory(error, ERROR_SYSTEM, "reading HTTP/2");
	if (session_refused_flood(taken)) {
		http2->flooded = CONTINUATION_WORDS;
		return error_set(error, ERROR_LIMIT, PLACE_NONE, CONTINUATION_WORDS);
	}
	return error_set(error, ERROR_REMOTE, PLACE_NONE, "it does not speak HTTP/2: %s", nghttp2_strerror((int)taken));
}

static bool session_take(void *context, const char *bytes, size_t count, struct error *error)
{
	struct http2 *http2 = context;
	size_t taken = 0;
	if (!frame_budget_take(&http2->frames, (const uint8_t *)bytes, count, loop_now_ms(http2->loop))) {
		http2->flooded = FLOOD_WORDS;
		return error_set(error, ERROR_LIMIT, PLACE_NONE, FLOOD_WORDS);
	}
	if (!session_pass(http2, bytes, count, &taken, error))
		return false;
	if (taken == count)
		return true;
	buffer_append(&http2->rest, bytes + taken, count - taken);
	return !buffer_failed(&http2->rest) || error_memory(error, ERROR_SYSTEM, "reading HTTP/2");
}

bool http2_resume(struct http2 *http2, struct error *error)
{
	struct buffer *rest = &http2->rest;
	session_allow(http2, HTTP2_REQUESTS_A_TURN);
	if (!session_pass(http2, rest->bytes + http2->rest_at, rest->length - http2->rest_at, &http2->rest_at, error))
		return false;
	if (http2->rest_at == rest->length) {
		buffer_close(rest);
		http2->rest_at = 0;
	}
	return true;
}

/* Appends frames of the session to `out`, until there is enough for one send. */
static bool session_gather(void *context, struct error *error)
{
	struct http2 *http2 = context;
	while (http2->out.length < HTTP2_OUT_BYTES) {
		const uint8_t *bytes;
		ssize_t count = nghttp2_session_mem_send(http2->session, &bytes);
		if (count == 0)
			return true;
		if (count > 0)
			buffer_append(&http2->out, bytes, (size_t)count);
		if (count > HTTP2_HEAD_BYTES && http2_frame_head_read(bytes).type == NGHTTP2_DATA)
			frame_budget_sent(&http2->frames, (size_t)count - HTTP2_HEAD_BYTES);
		if (count < 0 || buffer_failed(&http2->out))
			return error_memory(error, ERROR_SYSTEM, "writing HTTP/2");
	}
	return true;
}

bool http2_begin(struct http2 *http2, const nghttp2_session_callbacks *callbacks, void *context, uint32_t streams,
		 int64_t tokens, struct error *error)
{
	assert(!http2->session && http2->link.socket >= 0);
	const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams},
						   {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_STREAM_WINDOW},
						   {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, SERVER_HEADERS_BYTES}};
	http2->take = session_take;
	http2->gather = session_gather;
	http2->context = http2;
	frame_budget_open(&http2->frames, tokens, loop_now_ms(http2->loop));
	if (open_session(http2, callbacks, context) &&
	    nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings) == 0 &&
	    nghttp2_session_set_local_window_size(http2->session, NGHTTP2_FLAG_NONE, 0, HTTP2_CONNECTION_WINDOW) == 0)
		return true;
	return error_memory(error, ERROR_SYSTEM, "beginning HTTP/2");
}

/* ---- bytes ---- */

bool http2_take(struct http2 *http2, const char *bytes, size_t count, struct error *error)
{
	/* Old servers and wrong ports answer the preface with HTTP/1. */
	if (!http2->heard && count >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
		return error_set(error, ERROR_REMOTE, PLACE_NONE, "it uses HTTP/1, not HTTP/2");
	http2->heard = true;
	return http2->take(http2->context, bytes, count, error);
}

bool http2_receive(struct http2 *http2, char *room, size_t size, struct error *error)
{
	session_allow(http2, HTTP2_REQUESTS_AT_ONCE);
	/* OpenSSL returns one record at a time, and data that it holds does not make the socket readable. */
	for (int records = 0; records < (http2->link.tls ? RECORDS_A_TURN : 1) && !http2_waits(http2); records++) {
		size_t count = 0;
		enum link_outcome outcome = link_read(&http2->link, room, size, &count, error);
		if (outcome != LINK_DONE)
			return outcome == LINK_LATER;
		if (!http2_take(http2, room, count, error))
			return false;
	}
	return true;
}

bool http2_flush(struct http2 *http2, struct error *error)
{
	for (;;) {
		if (!http2->gather(http2->context, error))
			return false;
		if (!http2_is_stuck(http2))
			return http2_watch(http2, EPOLLIN, error);
		size_t count = 0;
		switch (link_write(&http2->link, http2->out.bytes + http2->sent, http2->out.length - http2->sent, &count, error)) {
		case LINK_BROKEN:
			return false;
		case LINK_LATER:
			return http2_watch(http2, EPOLLIN | EPOLLOUT, error);
		case LINK_DONE:
			http2->sent += count;
			http2->moved_ms = loop_now_ms(http2->loop);
		}
		if (!http2_is_stuck(http2)) {
			buffer_clear(&http2->out);
			http2->sent = 0;
		}
	}
}

void http2_head_begin(struct http2 *http2)
{
	http2->head_bytes = 0;
}

bool http2_head_take(struct http2 *http2, size_t name_bytes, size_t value_bytes)
{
	const size_t bytes = name_bytes + value_bytes + FIELD_BYTES;
	http2->head_bytes += bytes;
	if (http2->head_bytes <= SERVER_HEADERS_BYTES || frame_budget_head(&http2->frames, bytes))
		return true;
	http2->flooded = HEAD_WORDS;
	return false;
}

void http2_excuse(struct http2 *http2)
{
	const struct text words = text_of(http2->flooded);
	struct error error = {0};
	if (http2->flooded &&
	    nghttp2_submit_goaway(http2->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(http2->session),
				  NGHTTP2_ENHANCE_YOUR_CALM, (const uint8_t *)words.bytes, words.length) == 0)
		(void)http2_flush(http2, &error);
}

nghttp2_nv http2_constant(struct text name, struct text value)
{
	nghttp2_nv pair = http2_variable(name, value);
	pair.flags |= NGHTTP2_NV_FLAG_NO_COPY_VALUE;
	return pair;
}

nghttp2_nv http2_variable(struct text name, struct text value)
{
	/* nghttp2 does not write to either; its struct is also used for decoding. */
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.bytes,
			    .value = (uint8_t *)(uintptr_t)value.bytes,
			    .namelen = name.length,
			    .valuelen = value.length,
			    .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME};
}
