/* half_closed_caller_test.c: Tests of callers over HTTP/2 that end their side once they have sent their requests: what fits the
 * windows that they left is answered, and no connection stays longer than it is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/guest.h"
#include "net/grpc/grpc_server_parts.h"
#include "net/grpc/http2_frame.h"
#include "net/http/http_server.h"
#include "tests/unit/certificates.h"
#include "tests/unit/puppet.h"

#define HELD_MAX 128
#define SETTLED_TURNS 5
#define WAIT_MS 10000
#define SILENCE_MS 300
#define PATIENT_MS 60000
#define LONG_BYTES ((size_t)100 << 10) /* more than WINDOW_BYTES */
#define SHORT_BYTES ((size_t)20 << 10)
#define WIDE_BYTES (1u << 30)
#define WINDOW_BYTES ((size_t)65535) /* of a connection that was not widened */
#define PREFIX_BYTES ((size_t)5)
#define RESET_CANCEL "reset 8\n"

struct half_stand {
	struct loop *loop;
	struct http_server *http;
	struct grpc_server *grpc;
	struct http_incoming *held[HELD_MAX];
	size_t held_count;
	struct grpc_request *talk; /* by gRPC: its message is held */
	char *bytes;		   /* an answer of LONG_BYTES */
};

static void half_stand_on_called(void *context, struct http_incoming *incoming, struct text method, struct text path,
				 struct text body)
{
	struct half_stand *stand = context;
	(void)method, (void)path, (void)body;
	assert_in_range(stand->held_count, 0, HELD_MAX - 1);
	stand->held[stand->held_count++] = incoming;
}

static bool half_stand_converses(void *context, struct grpc_request *request, struct text path, int *status, const char **words)
{
	(void)context, (void)request, (void)path, (void)status, (void)words;
	return true;
}

static bool half_stand_on_message(void *context, struct grpc_request *request, struct text path, struct text message)
{
	struct half_stand *stand = context;
	(void)path, (void)message;
	stand->talk = request;
	return true;
}

static int half_stand_begin(void **state, const struct tls_files *files, int64_t silence_ms)
{
	static struct half_stand stand;
	struct error error = {0};
	stand = (struct half_stand){.loop = loop_open(&error), .bytes = memory_take(1, LONG_BYTES)};
	const struct http_server_config http = {
		.body_bytes = 1000, .connections = 4, .called = half_stand_on_called, .context = &stand};
	stand.http = http_server_open(stand.loop, &http, &error);
	const struct grpc_server_config grpc = {.files = files,
						.message_bytes = 1000,
						.metadata_bytes = 8000,
						.streams = HELD_MAX,
						.connections = 4,
						.silence_ms = silence_ms,
						.http = stand.http,
						.converses = half_stand_converses,
						.received = half_stand_on_message,
						.context = &stand};
	stand.grpc = grpc_server_open(stand.loop, &grpc, &error);
	*state = &stand;
	return error.kind != ERROR_NONE;
}

static int half_stand_open(void **state)
{
	return half_stand_begin(state, NULL, SILENCE_MS);
}

static int half_stand_open_patient(void **state)
{
	return half_stand_begin(state, NULL, PATIENT_MS);
}

static int half_stand_open_secure(void **state)
{
	struct certificates certificates;
	certificates_make(&certificates);
	const struct tls_files files = certificates_files(&certificates, CERTIFICATE_SERVER, CERTIFICATES);
	const int failed = half_stand_begin(state, &files, PATIENT_MS);
	certificates_remove(&certificates);
	return failed;
}

static int half_stand_close(void **state)
{
	struct half_stand *stand = *state;
	http_server_close(stand->http);
	grpc_server_close(stand->grpc);
	loop_close(stand->loop);
	memory_give(stand->bytes);
	return 0;
}

static void await_held(const struct half_stand *stand, size_t count)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; stand->held_count < count;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
	for (int i = 0; i < SETTLED_TURNS; i++)
		assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
}

static void turn_for(const struct half_stand *stand, int64_t ms)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + ms; loop_now_ms(stand->loop) < until_ms;)
		assert_true(loop_turn(stand->loop, 10, &(struct error){0}));
}

static void await_closed(const struct half_stand *stand, const struct puppet *puppet)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; !strstr(puppet->heard, "closed");) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

static void await_over(const struct half_stand *stand, size_t at)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; !http_incoming_is_over(stand->held[at]);) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

static void answer(const struct half_stand *stand, size_t at, size_t bytes)
{
	http_server_answer(stand->held[at], 200, "text/plain", (struct text){stand->bytes, bytes}, NULL, 0);
}

static void half_caller_get(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, FLAG_END_STREAM, ":method", "GET", ":scheme", "http", ":path", "/held", ":authority", "us", NULL);
}

/* A caller whose requests are held. It answers no PING. */
static struct puppet_line *caller_with_held(const struct half_stand *stand, struct puppet *puppet, size_t count)
{
	*puppet = (struct puppet){.loop = stand->loop, .mute = 1};
	struct puppet_line *caller = puppet_dial(puppet, grpc_server_port(stand->grpc));
	for (size_t i = 0; i < count; i++)
		half_caller_get(caller, (int32_t)(1 + 2 * i));
	await_held(stand, count);
	return caller;
}

static void end_side(const struct puppet_line *caller)
{
	assert_int_equal(shutdown(caller->watch.descriptor, SHUT_WR), 0);
}

/* Bytes of DATA that the caller heard of a stream. */
static size_t bytes_of(const struct puppet *puppet, int32_t id)
{
	char words[32];
	size_t bytes = 0, count;
	const int length = snprintf(words, sizeof words, "%d data ", id);
	for (const char *at = puppet->heard; (at = strstr(at, words)); at += length)
		bytes += (at == puppet->heard || at[-1] == '\n') && sscanf(at + length, "%zu", &count) == 1 ? count : 0;
	return bytes;
}

/* ---- what is answered ---- */

/* The request of the last one is not whole. */
static void requests_that_wait_are_answered(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	struct puppet_line *caller = caller_with_held(stand, &puppet, 3);
	puppet_headers(caller, 7, 0, ":method", "POST", ":scheme", "http", ":path", "/held", ":authority", "us", NULL);
	end_side(caller);
	turn_for(stand, 3 * (int64_t)SILENCE_MS);
	for (size_t i = 0; i < 3; i++) {
		assert_false(http_incoming_is_over(stand->held[i]));
		answer(stand, i, SHORT_BYTES);
		await_held(stand, 3);
	}
	await_closed(stand, &puppet);
	for (int32_t id = 1; id <= 5; id += 2)
		assert_int_equal(bytes_of(&puppet, id), SHORT_BYTES);
	assert_non_null(strstr(puppet.heard, "1 end\n"));
	assert_non_null(strstr(puppet.heard, "3 end\n"));
	assert_non_null(strstr(puppet.heard, "5 end\n"));
	assert_non_null(strstr(puppet.heard, "7 " RESET_CANCEL));
	const char *goodbye = strstr(puppet.heard, "goaway 7 0\n");
	assert_non_null(goodbye);
	assert_true(strstr(puppet.heard, "5 end\n") < goodbye); /* some callers take nothing behind it */
	puppet_hang_up_all(&puppet);
}

static void a_caller_that_says_goodbye_before_is_answered(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	struct puppet_line *caller = caller_with_held(stand, &puppet, 1);
	puppet_goaway(caller, 0, 0, "");
	end_side(caller);
	await_held(stand, 1);
	assert_false(http_incoming_is_over(stand->held[0]));
	answer(stand, 0, SHORT_BYTES);
	await_closed(stand, &puppet);
	assert_int_equal(bytes_of(&puppet, 1), SHORT_BYTES);
	assert_non_null(strstr(puppet.heard, "1 end\n"));
	puppet_hang_up_all(&puppet);
}

/* Its answers have left the session when its end is seen, but not the server: its socket is full. */
static void answers_that_wait_for_the_socket_arrive_whole(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	struct puppet_line *caller = caller_with_held(stand, &puppet, 1);
	struct grpc_caller *at_server = stand->grpc->callers;
	size_t answered = 0;
	puppet_number(caller, FRAME_WINDOW, 0, WIDE_BYTES);
	assert_true(loop_watch_for(stand->loop, &caller->watch, EPOLLRDHUP, &(struct error){0})); /* it does not read */
	while (!http2_is_stuck(&at_server->http2)) {
		answer(stand, answered++, LONG_BYTES);
		half_caller_get(caller, (int32_t)(1 + 2 * answered));
		await_held(stand, answered + 1);
	}
	answer(stand, answered++, 0);
	await_held(stand, answered);
	assert_int_equal(at_server->on_wire, 0);
	end_side(caller);
	await_held(stand, answered);
	assert_true(loop_watch_for(stand->loop, &caller->watch, EPOLLIN, &(struct error){0}));
	await_closed(stand, &puppet);
	for (size_t i = 0; i + 1 < answered; i++)
		assert_int_equal(bytes_of(&puppet, (int32_t)(1 + 2 * i)), LONG_BYTES);
	puppet_hang_up_all(&puppet);
}

/* ---- windows ---- */

/* The answer that does not fit takes nothing of the window. */
static void an_answer_beyond_the_window_is_reset_and_others_arrive(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	struct puppet_line *caller = caller_with_held(stand, &puppet, 4);
	end_side(caller);
	await_held(stand, 4);
	answer(stand, 0, SHORT_BYTES);
	answer(stand, 1, LONG_BYTES);
	await_held(stand, 4);
	answer(stand, 2, 2 * SHORT_BYTES);
	answer(stand, 3, 2 * SHORT_BYTES);
	await_closed(stand, &puppet);
	assert_int_equal(bytes_of(&puppet, 1), SHORT_BYTES);
	assert_non_null(strstr(puppet.heard, "1 end\n"));
	assert_non_null(strstr(puppet.heard, "3 " RESET_CANCEL));
	assert_int_equal(bytes_of(&puppet, 3), 0);
	assert_int_equal(bytes_of(&puppet, 5) + bytes_of(&puppet, 7), 2 * SHORT_BYTES); /* one of the two */
	puppet_hang_up_all(&puppet);
}

static void an_answer_whose_window_was_used_up_before_is_reset(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	struct puppet_line *caller = caller_with_held(stand, &puppet, 1);
	answer(stand, 0, LONG_BYTES);
	while (bytes_of(&puppet, 1) < WINDOW_BYTES)
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	end_side(caller);
	await_closed(stand, &puppet);
	assert_non_null(strstr(puppet.heard, "1 " RESET_CANCEL));
	puppet_hang_up_all(&puppet);
}

/* A caller that talks, and has sent its one message. */
static struct puppet_line *caller_that_talks(const struct half_stand *stand, struct puppet *puppet)
{
	*puppet = (struct puppet){.loop = stand->loop, .mute = 1};
	struct puppet_line *caller = puppet_dial(puppet, grpc_server_port(stand->grpc));
	puppet_headers(caller, 1, 0, ":method", "POST", ":scheme", "http", ":path", "/talk", ":authority", "us", "content-type",
		       "application/grpc", NULL);
	puppet_frame(caller, FRAME_DATA, FLAG_END_STREAM, 1, "\0\0\0\0\1x", PREFIX_BYTES + 1);
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; !stand->talk;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
	return caller;
}

static void the_end_of_a_conversation_needs_no_window(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	struct puppet_line *caller = caller_that_talks(stand, &puppet);
	grpc_conversation_send(stand->talk, (struct text){stand->bytes, WINDOW_BYTES - PREFIX_BYTES});
	while (bytes_of(&puppet, 1) < WINDOW_BYTES)
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	end_side(caller);
	await_held(stand, 0);
	grpc_conversation_refuse(stand->talk, 1, GRPC_DEADLINE_EXCEEDED, "late");
	await_closed(stand, &puppet);
	assert_non_null(strstr(puppet.heard, "1 grpc-status: 4\n1 grpc-message: late\n1 end\n"));
	assert_null(strstr(puppet.heard, "reset"));
	puppet_hang_up_all(&puppet);
}

static void a_message_of_a_conversation_beyond_the_window_is_reset(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	struct puppet_line *caller = caller_that_talks(stand, &puppet);
	grpc_conversation_send(stand->talk, (struct text){stand->bytes, WINDOW_BYTES - PREFIX_BYTES});
	while (bytes_of(&puppet, 1) < WINDOW_BYTES)
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	end_side(caller);
	await_held(stand, 0);
	grpc_conversation_answer(stand->talk, 1, TEXT("y"));
	await_closed(stand, &puppet);
	assert_int_equal(bytes_of(&puppet, 1), WINDOW_BYTES);
	assert_non_null(strstr(puppet.heard, "1 " RESET_CANCEL));
	puppet_hang_up_all(&puppet);
}

/* ---- the end ---- */

static void requests_are_over_when_their_caller_closes(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	caller_with_held(stand, &puppet, 3);
	puppet_hang_up_all(&puppet);
	for (size_t i = 0; i < 3; i++) {
		await_over(stand, i);
		answer(stand, i, SHORT_BYTES);
	}
	assert_null(stand->grpc->callers);
}

static void requests_are_over_when_their_caller_waits_too_long(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	struct puppet_line *caller = caller_with_held(stand, &puppet, 1);
	const int64_t since_ms = loop_now_ms(stand->loop);
	end_side(caller);
	await_over(stand, 0);
	assert_in_range(loop_now_ms(stand->loop) - since_ms, 10 * (int64_t)SILENCE_MS, 13 * (int64_t)SILENCE_MS);
	await_closed(stand, &puppet);
	answer(stand, 0, SHORT_BYTES);
	puppet_hang_up_all(&puppet);
}

static void a_caller_that_reads_nothing_is_closed(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	struct puppet_line *caller = caller_with_held(stand, &puppet, 1);
	puppet_number(caller, FRAME_WINDOW, 0, WIDE_BYTES);
	assert_true(loop_watch_for(stand->loop, &caller->watch, EPOLLRDHUP, &(struct error){0})); /* it does not read */
	for (size_t i = 0; !http2_is_stuck(&stand->grpc->callers->http2); i++) {
		answer(stand, i, LONG_BYTES);
		half_caller_get(caller, (int32_t)(3 + 2 * i));
		await_held(stand, i + 2);
	}
	end_side(caller);
	const int64_t since_ms = loop_now_ms(stand->loop);
	await_over(stand, stand->held_count - 1);
	assert_in_range(loop_now_ms(stand->loop) - since_ms, 0, 4 * (int64_t)SILENCE_MS);
	assert_null(stand->grpc->callers);
	answer(stand, stand->held_count - 1, SHORT_BYTES);
	puppet_hang_up_all(&puppet);
}

/* nghttp2 ends the session: it neither reads nor writes, though a stream is open. */
static void a_caller_that_breaks_the_protocol_is_closed(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	struct puppet_line *caller = caller_with_held(stand, &puppet, 1);
	puppet_frame(caller, FRAME_DATA, 0, 0, "x", 1);
	end_side(caller);
	await_closed(stand, &puppet);
	assert_true(http_incoming_is_over(stand->held[0]));
	assert_non_null(strstr(puppet.heard, "goaway 1 1\n"));
	answer(stand, 0, SHORT_BYTES);
	puppet_hang_up_all(&puppet);
}

static void a_server_that_drains_awaits_them(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet;
	struct puppet_line *caller = caller_with_held(stand, &puppet, 2);
	end_side(caller);
	await_held(stand, 2);
	assert_false(grpc_server_drain(stand->grpc));
	answer(stand, 0, SHORT_BYTES);
	await_held(stand, 2);
	assert_false(grpc_server_drain(stand->grpc));
	answer(stand, 1, SHORT_BYTES);
	await_closed(stand, &puppet);
	assert_true(grpc_server_drain(stand->grpc));
	assert_int_equal(bytes_of(&puppet, 1) + bytes_of(&puppet, 3), 2 * SHORT_BYTES);
	puppet_hang_up_all(&puppet);
}

/* What is done for one caller costs by its own requests, however many others have. */
static void requests_are_listed_by_their_callers(void **state)
{
	struct half_stand *stand = *state;
	struct puppet puppet, other = {.loop = stand->loop, .mute = 1};
	struct puppet_line *caller = caller_with_held(stand, &puppet, 3);
	const struct grpc_caller *at_server = stand->grpc->callers;
	struct puppet_line *another = puppet_dial(&other, grpc_server_port(stand->grpc));
	half_caller_get(another, 1);
	await_held(stand, 4);
	assert_int_equal(list_length(&at_server->requests), 3);
	assert_int_equal(list_length(&stand->grpc->callers->requests), 1);
	puppet_hang_up(another);
	await_over(stand, 3);
	assert_int_equal(list_length(&stand->grpc->abandoned), 1);
	answer(stand, 3, 0);
	await_held(stand, 4);
	assert_int_equal(list_length(&stand->grpc->abandoned), 0);
	for (size_t i = 0; i < 3; i++)
		answer(stand, i, 0);
	await_held(stand, 4);
	assert_int_equal(list_length(&at_server->requests), 0);
	puppet_hang_up(caller);
}

/* ---- over TLS ---- */

static SSL *secure_dial(const struct half_stand *stand, SSL_CTX *context, int socket_of_caller)
{
	SSL *session = SSL_new(context);
	assert_int_equal(fcntl(socket_of_caller, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(SSL_set_alpn_protos(session, (const unsigned char *)"\2h2", 3), 0);
	assert_int_equal(SSL_set_fd(session, socket_of_caller), 1);
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; SSL_connect(session) != 1;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 1, &(struct error){0}));
	}
	return session;
}

/* Sends what puppet_headers() and others wrote. */
static void secure_send(SSL *session, int written)
{
	char bytes[16384];
	const ssize_t length = recv(written, bytes, sizeof bytes, MSG_DONTWAIT);
	assert_in_range(length, 1, sizeof bytes - 1);
	assert_int_equal(SSL_write(session, bytes, (int)length), length);
}

/* Frames of DATA, until the connection ends. */
static size_t secure_data_bytes(const struct half_stand *stand, SSL *session)
{
	static unsigned char heard[LONG_BYTES];
	size_t length = 0, count, bytes = 0;
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS;;) {
		const int got = SSL_read_ex(session, heard + length, sizeof heard - length, &count);
		length += got == 1 ? count : 0;
		if (got != 1 && SSL_get_error(session, got) != SSL_ERROR_WANT_READ)
			break;
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 1, &(struct error){0}));
	}
	for (size_t at = 0; at + HTTP2_HEAD_BYTES <= length;) {
		const struct http2_frame_head head = http2_frame_head_read(heard + at);
		bytes += head.type == NGHTTP2_DATA ? head.length : 0;
		at += HTTP2_HEAD_BYTES + head.length;
	}
	return bytes;
}

static void secure_caller_is_answered(struct half_stand *stand, bool notifies)
{
	const struct guest guest = guest_open(stand->loop, grpc_server_port(stand->grpc));
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF); /* nor does the server send a notice */
	SSL *session = secure_dial(stand, context, guest.socket);
	int written[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, written), 0);
	struct puppet_line line = {.watch.descriptor = written[0]};
	puppet_say(&line, PUPPET_PREFACE, sizeof PUPPET_PREFACE - 1);
	puppet_settings(&line, 0);
	half_caller_get(&line, 1);
	half_caller_get(&line, 3);
	secure_send(session, written[1]);
	if (notifies)
		assert_in_range(SSL_shutdown(session), 0, 1);
	assert_int_equal(shutdown(guest.socket, SHUT_WR), 0);
	await_held(stand, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_false(http_incoming_is_over(stand->held[i]));
		answer(stand, i, SHORT_BYTES);
		await_held(stand, 2);
	}
	assert_int_equal(secure_data_bytes(stand, session), 2 * SHORT_BYTES);
	SSL_free(session);
	SSL_CTX_free(context);
	close(guest.socket);
	close(written[0]);
	close(written[1]);
}

static void a_caller_that_notifies_the_close_of_tls_is_answered(void **state)
{
	secure_caller_is_answered(*state, true);
}

static void a_caller_that_ends_tls_without_a_notice_is_answered(void **state)
{
	secure_caller_is_answered(*state, false);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, half_stand_open, half_stand_close)
#define PATIENT_STORY(name) cmocka_unit_test_setup_teardown(name, half_stand_open_patient, half_stand_close)
	const struct CMUnitTest tests[] = {
		STORY(requests_that_wait_are_answered),
		PATIENT_STORY(a_caller_that_says_goodbye_before_is_answered),
		PATIENT_STORY(answers_that_wait_for_the_socket_arrive_whole),
		PATIENT_STORY(an_answer_beyond_the_window_is_reset_and_others_arrive),
		PATIENT_STORY(an_answer_whose_window_was_used_up_before_is_reset),
		PATIENT_STORY(the_end_of_a_conversation_needs_no_window),
		PATIENT_STORY(a_message_of_a_conversation_beyond_the_window_is_reset),
		PATIENT_STORY(requests_are_over_when_their_caller_closes),
		STORY(requests_are_over_when_their_caller_waits_too_long),
		STORY(a_caller_that_reads_nothing_is_closed),
		PATIENT_STORY(a_caller_that_breaks_the_protocol_is_closed),
		PATIENT_STORY(a_server_that_drains_awaits_them),
		PATIENT_STORY(requests_are_listed_by_their_callers),
		cmocka_unit_test_setup_teardown(a_caller_that_notifies_the_close_of_tls_is_answered, half_stand_open_secure,
						half_stand_close),
		cmocka_unit_test_setup_teardown(a_caller_that_ends_tls_without_a_notice_is_answered, half_stand_open_secure,
						half_stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
