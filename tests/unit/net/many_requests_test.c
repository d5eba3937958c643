/* many_requests_test.c: Tests of connections on which many requests come at once: those of others are served between them, over
 * HTTP/1.1 and over HTTP/2, and all are served at last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/guest.h"
#include "net/grpc/grpc_server.h"
#include "net/http/http_server.h"
#include "tests/unit/certificates.h"
#include "tests/unit/puppet.h"

#define REQUESTS 200
#define ROW 20
#define SETTLED_TURNS 5
#define RECORD_REQUESTS 25 /* in a record of TLS */
#define WAIT_MS 10000

struct many_stand {
	struct loop *loop;
	struct http_server *http;
	struct grpc_server *grpc;
	size_t many, others;		      /* requests */
	size_t many_before;		      /* the first of the others */
	struct http_incoming *held[REQUESTS]; /* of /held, which are answered once all have come */
	size_t held_count;
};

static void on_called(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	struct many_stand *stand = context;
	(void)method, (void)body;
	if (text_is(path, "/held")) {
		stand->held[stand->held_count++] = incoming;
		return;
	}
	if (text_is(path, "/many"))
		stand->many++;
	else if (stand->others++ == 0)
		stand->many_before = stand->many;
	http_server_answer(incoming, 200, "text/plain", path, NULL, 0);
}

/* Files NULL: its connections of HTTP/2 are plain. */
static int many_stand_begin(void **state, const struct tls_files *files)
{
	static struct many_stand stand;
	struct error error = {0};
	stand = (struct many_stand){.loop = loop_open(&error)};
	const struct http_server_config http = {.body_bytes = 1000, .connections = 4, .called = on_called, .context = &stand};
	stand.http = http_server_open(stand.loop, &http, &error);
	const struct grpc_server_config grpc = {.files = files,
						.message_bytes = 1000,
						.metadata_bytes = 8000,
						.streams = REQUESTS,
						.connections = 4,
						.http = stand.http};
	stand.grpc = grpc_server_open(stand.loop, &grpc, &error);
	*state = &stand;
	return error.kind != ERROR_NONE;
}

static int many_stand_open(void **state)
{
	return many_stand_begin(state, NULL);
}

static int many_stand_open_secure(void **state)
{
	struct certificates certificates;
	certificates_make(&certificates);
	const struct tls_files files = certificates_files(&certificates, CERTIFICATE_SERVER, CERTIFICATES);
	const int failed = many_stand_begin(state, &files);
	certificates_remove(&certificates);
	return failed;
}

static int many_stand_close(void **state)
{
	struct many_stand *stand = *state;
	http_server_close(stand->http);
	grpc_server_close(stand->grpc);
	loop_close(stand->loop);
	return 0;
}

static void await_all(const struct many_stand *stand)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; stand->many < REQUESTS || stand->others < 1;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
}

static size_t answers_of(const char *heard)
{
	size_t answers = 0;
	for (const char *at = heard; at && (at = strstr(at, "HTTP/1.1 200")); at++)
		answers++;
	return answers;
}

static void requests_in_a_row_leave_room_for_others(void **state)
{
	static char words[REQUESTS * 40];
	struct many_stand *stand = *state;
	struct guest caller = guest_open(stand->loop, http_server_port(stand->http));
	struct guest other = guest_open(stand->loop, http_server_port(stand->http));
	size_t length = 0;
	for (int i = 0; i < REQUESTS; i++)
		length += (size_t)snprintf(words + length, sizeof words - length, "GET /many HTTP/1.1\r\nHost: x\r\n\r\n");
	(void)snprintf(words + length, sizeof words - length, "GET /last HTTP/1.0\r\n\r\n");
	guest_say(&caller, words);
	guest_say(&other, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
	await_all(stand);
	assert_in_range(stand->many_before, 0, 2);
	assert_int_equal(answers_of(guest_hear(&caller, "/last")), REQUESTS + 1);
	guest_close(&caller);
	guest_close(&other);
}

static struct guest caller_in_a_row(const struct many_stand *stand)
{
	struct guest caller = guest_open(stand->loop, http_server_port(stand->http));
	for (int i = 0; i < ROW; i++)
		guest_say(&caller, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
	return caller;
}

static void a_row_is_answered_though_its_caller_ends_its_side(void **state)
{
	struct many_stand *stand = *state;
	struct guest caller = caller_in_a_row(stand);
	assert_int_equal(shutdown(caller.socket, SHUT_WR), 0);
	assert_int_equal(answers_of(guest_hear(&caller, "")), ROW);
	guest_close(&caller);
}

static void await_held(const struct many_stand *stand, size_t count)
{
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; stand->held_count < count;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
	for (int i = 0; i < SETTLED_TURNS; i++)
		assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
}

/* Its end is seen while its first request waits; the others are in the same packet, or behind. The last one is not whole. */
static void a_row_that_waits_is_answered_though_its_caller_ends_its_side(void **state)
{
	struct many_stand *stand = *state;
	static const char held[] = "GET /held HTTP/1.1\r\nHost: x\r\n\r\n";
	for (int together = 0; together < 2; together++) {
		struct guest caller = guest_open(stand->loop, http_server_port(stand->http));
		stand->held_count = 0;
		guest_say(&caller, held);
		if (!together)
			await_held(stand, 1);
		guest_say(&caller, held);
		guest_say(&caller, held);
		for (int i = 0; i < ROW; i++) /* which are answered at once */
			guest_say(&caller, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
		guest_say(&caller, "GET /held HTTP/1.1\r\nHos");
		assert_int_equal(shutdown(caller.socket, SHUT_WR), 0);
		for (size_t i = 0; i < 3; i++) {
			await_held(stand, i + 1);
			assert_false(http_incoming_is_over(stand->held[i]));
			http_server_answer(stand->held[i], 200, "text/plain", TEXT("done"), NULL, 0);
		}
		const char *heard = guest_hear(&caller, "");
		assert_memory_equal(heard, "HTTP/1.1 200 OK\r\n", 17);
		assert_int_equal(answers_of(heard), 3 + ROW);
		assert_int_equal(stand->held_count, 3);
		guest_close(&caller);
	}
}

static void an_old_caller_that_ends_its_side_is_answered(void **state)
{
	struct many_stand *stand = *state;
	struct guest caller = guest_open(stand->loop, http_server_port(stand->http));
	guest_say(&caller, "GET /held HTTP/1.0\r\n\r\n");
	assert_int_equal(shutdown(caller.socket, SHUT_WR), 0);
	await_held(stand, 1);
	assert_false(http_incoming_is_over(stand->held[0]));
	http_server_answer(stand->held[0], 200, "text/plain", TEXT("done"), NULL, 0);
	const char *heard = guest_hear(&caller, "");
	assert_memory_equal(heard, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(heard, "\r\n\r\ndone"));
	guest_close(&caller);
}

/* More of its requests are in the packet, or behind it: none of them begins. */
static void a_row_is_dropped_when_its_caller_closes(void **state)
{
	struct many_stand *stand = *state;
	for (int together = 0; together < 2; together++) {
		struct guest caller = guest_open(stand->loop, http_server_port(stand->http));
		stand->held_count = 0;
		guest_say(&caller, "GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
		if (!together)
			await_held(stand, 1);
		guest_say(&caller, "GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
		await_held(stand, 1);
		guest_close(&caller);
		for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; !http_incoming_is_over(stand->held[0]);) {
			assert_true(loop_now_ms(stand->loop) < until_ms);
			assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
		}
		http_server_answer(stand->held[0], 200, "text/plain", TEXT("too late"), NULL, 0);
		await_held(stand, 1);
		assert_int_equal(stand->held_count, 1);
	}
}

/* What it has not read may be sent elsewhere: its last answer says so. */
static void a_row_ends_in_words_if_the_server_drains(void **state)
{
	struct many_stand *stand = *state;
	struct guest caller = caller_in_a_row(stand);
	while (stand->others == 0)
		guest_turn(&caller);
	http_server_drain(stand->http);
	const char *heard = guest_hear(&caller, "");
	assert_in_range(answers_of(heard), 2, ROW - 1);
	assert_non_null(strstr(heard, "Connection: close"));
	guest_close(&caller);
}

static void get(struct puppet_line *line, int32_t id, const char *path)
{
	puppet_headers(line, id, FLAG_END_STREAM, ":method", "GET", ":scheme", "http", ":path", path, ":authority", "us", NULL);
}

/* A caller whose settings are known: nothing more comes from it by itself. */
static struct puppet_line *caller_dial(const struct many_stand *stand, struct puppet *puppet)
{
	struct puppet_line *caller = puppet_dial(puppet, grpc_server_port(stand->grpc));
	get(caller, 1, "/first");
	while (!strstr(puppet->heard, "1 end\n"))
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	for (int i = 0; i < SETTLED_TURNS; i++)
		assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
	return caller;
}

static void streams_at_once_leave_room_for_others(void **state)
{
	struct many_stand *stand = *state;
	struct puppet puppet = {.loop = stand->loop};
	struct puppet_line *other = puppet_dial(&puppet, grpc_server_port(stand->grpc));
	struct puppet_line *caller = caller_dial(stand, &puppet);
	stand->others = 0;
	puppet_hold(caller, true);
	for (int i = 0; i < REQUESTS; i++)
		get(caller, 3 + 2 * i, "/many");
	puppet_hold(caller, false);
	get(other, 1, "/other");
	await_all(stand);
	assert_in_range(stand->many_before, 0, REQUESTS / 2);
	assert_int_equal(stand->many, REQUESTS);
	assert_int_equal(puppet.resets, 0);
	puppet_hang_up_all(&puppet);
}

/* Those that come later begin though no answer is given meanwhile. */
static void streams_begin_while_others_wait(void **state)
{
	struct many_stand *stand = *state;
	struct puppet puppet = {.loop = stand->loop};
	struct puppet_line *caller = caller_dial(stand, &puppet);
	puppet_hold(caller, true);
	for (int i = 0; i < REQUESTS; i++)
		get(caller, 3 + 2 * i, "/held");
	puppet_hold(caller, false);
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; stand->held_count < REQUESTS;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
	for (size_t i = 0; i < REQUESTS; i++)
		http_server_answer(stand->held[i], 204, NULL, (struct text){0}, NULL, 0);
	puppet_hang_up_all(&puppet);
}

/* ---- over TLS ---- */

/* A caller over TLS, whose frames are written into one end of a pair of sockets, and sent from the other. */
struct secure_caller {
	const struct many_stand *stand;
	SSL_CTX *context;
	SSL *session;
	int socket, written[2];
	struct puppet_line line;
};

/* Sends what was written, in one record of TLS. */
static void secure_send(struct secure_caller *caller)
{
	char bytes[16384];
	const ssize_t length = recv(caller->written[1], bytes, sizeof bytes, MSG_DONTWAIT);
	assert_in_range(length, 1, sizeof bytes - 1);
	assert_int_equal(SSL_write(caller->session, bytes, (int)length), length);
}

/* What it has first in flight is answered, and no more comes from it by itself. */
static void secure_open(struct secure_caller *caller, const struct many_stand *stand)
{
	const size_t before = stand->others;
	const struct guest guest = guest_open(stand->loop, grpc_server_port(stand->grpc));
	*caller = (struct secure_caller){.stand = stand, .context = SSL_CTX_new(TLS_client_method()), .socket = guest.socket};
	assert_int_equal(fcntl(caller->socket, F_SETFL, O_NONBLOCK), 0);
	caller->session = SSL_new(caller->context);
	assert_int_equal(SSL_set_alpn_protos(caller->session, (const unsigned char *)"\2h2", 3), 0);
	assert_int_equal(SSL_set_fd(caller->session, caller->socket), 1);
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; SSL_connect(caller->session) != 1;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 1, &(struct error){0}));
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, caller->written), 0);
	caller->line.watch.descriptor = caller->written[0];
	puppet_say(&caller->line, PUPPET_PREFACE, sizeof PUPPET_PREFACE - 1);
	puppet_settings(&caller->line, 0);
	puppet_frame(&caller->line, FRAME_SETTINGS, FLAG_ACK, 0, NULL, 0);
	get(&caller->line, 1, "/first");
	secure_send(caller);
	for (int64_t until_ms = loop_now_ms(stand->loop) + WAIT_MS; stand->others == before;) {
		assert_true(loop_now_ms(stand->loop) < until_ms);
		assert_true(loop_turn(stand->loop, 20, &(struct error){0}));
	}
	for (int i = 0; i < SETTLED_TURNS; i++)
		assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
}

static void secure_close(struct secure_caller *caller)
{
	SSL_free(caller->session);
	SSL_CTX_free(caller->context);
	close(caller->socket);
	close(caller->written[0]);
	close(caller->written[1]);
}

/* Several records are read in a turn: what may begin in it is counted over all of them. */
static void streams_of_several_records_leave_room_for_others(void **state)
{
	struct many_stand *stand = *state;
	struct secure_caller caller, other;
	secure_open(&other, stand);
	secure_open(&caller, stand);
	stand->others = 0;
	const struct puppet_line sent = {.watch.descriptor = caller.socket};
	puppet_hold(&sent, true); /* all of it comes before the first turn */
	for (int i = 0; i < REQUESTS; i++) {
		get(&caller.line, 3 + 2 * i, "/many");
		if (i % RECORD_REQUESTS == RECORD_REQUESTS - 1)
			secure_send(&caller);
	}
	puppet_hold(&sent, false);
	get(&other.line, 3, "/other");
	secure_send(&other);
	await_all(stand);
	assert_in_range(stand->many_before, 0, REQUESTS / 2);
	assert_int_equal(stand->many, REQUESTS);
	secure_close(&caller);
	secure_close(&other);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, many_stand_open, many_stand_close)
	const struct CMUnitTest tests[] = {
		STORY(requests_in_a_row_leave_room_for_others),
		STORY(a_row_is_answered_though_its_caller_ends_its_side),
		STORY(a_row_that_waits_is_answered_though_its_caller_ends_its_side),
		STORY(an_old_caller_that_ends_its_side_is_answered),
		STORY(a_row_is_dropped_when_its_caller_closes),
		STORY(a_row_ends_in_words_if_the_server_drains),
		STORY(streams_at_once_leave_room_for_others),
		STORY(streams_begin_while_others_wait),
		cmocka_unit_test_setup_teardown(streams_of_several_records_leave_room_for_others, many_stand_open_secure,
						many_stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
