/* The door for gRPC: what good callers get, and what it says to callers that ask too much,
 * leave, dawdle or lie. Good callers are the client; the others a puppet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/grpc/grpc.h"
#include "net/grpc/grpc_server.h"
#include "net/grpc/grpc_wire.h"
#include "net/http/http_server.h"
#include "tests/unit/puppet.h"

#define CALLS 64
#define MESSAGE_BYTES ((size_t)20 << 20)

struct hall {
	struct loop *loop;
	struct grpc_server *server;
	struct http_server *http; /* with which it shares its port; NULL: none */
	struct grpc_server_config config;
	struct grpc *grpc;
	struct puppet puppet;
	char address[32];
	struct asking {
		struct grpc_call call;
		struct text body;
		struct hall *hall;
		int status;
		char text[128];
		size_t length;
		struct error error;
	} askings[CALLS];
	size_t told;
	struct grpc_request *waiting[CALLS]; /* for an answer, when `path` is /wait */
	size_t waiting_count, called_count;
};

static void echo(void *context, struct grpc_request *request, struct text path, struct text body)
{
	struct hall *hall = context;
	hall->called_count++;
	if (text_is(path, "/wait"))
		hall->waiting[hall->waiting_count++] = request;
	else if (text_is(path, "/refuse"))
		grpc_server_answer(request, GRPC_NOT_FOUND, TEXT("no model \"ü\": 100%"), body);
	else
		grpc_server_answer(request, GRPC_OK, (struct text){0}, body);
}

static bool shares;

static void on_http(void *context, struct http_incoming *incoming, struct text method, struct text path, struct text body)
{
	(void)context, (void)method, (void)body;
	http_server_answer(incoming, 200, NULL, path, NULL, 0);
}

static int set_up(void **state)
{
	static struct hall hall;
	hall = (struct hall){
		.loop = loop_open(&(struct error){0}),
		.config = {.message_bytes = MESSAGE_BYTES, .streams = 8, .connections = 4, .called = echo, .context = &hall}};
	hall.puppet.loop = hall.loop;
	*state = &hall;
	return 0;
}

static void open_model_service(struct hall *hall)
{
	struct error error = {0};
	const struct http_server_config http = {.adopts = true, .connections = 4, .body_bytes = 1000, .called = on_http};
	if (shares && hall->config.metadata_bytes == 0)
		hall->config.metadata_bytes = 32 << 10;
	if (shares)
		hall->config.http = hall->http = http_server_open(hall->loop, &http, &error);
	hall->server = grpc_server_open(hall->loop, &hall->config, &error);
	assert_string_equal(error.text, "");
	snprintf(hall->address, sizeof hall->address, "127.0.0.1:%d", grpc_server_port(hall->server));
}

static int tear_down(void **state)
{
	struct hall *hall = *state;
	grpc_close(hall->grpc);
	puppet_hang_up_all(&hall->puppet);
	http_server_close(hall->http);
	grpc_server_close(hall->server);
	loop_close(hall->loop);
	return 0;
}

static void on_done(struct grpc_call *call, const struct grpc_reply *reply)
{
	struct asking *asking = call->context;
	asking->status = reply->status;
	asking->error = reply->error;
	struct text said = reply->status == GRPC_OK ? reply->body : reply->words;
	asking->length = said.length;
	snprintf(asking->text, sizeof asking->text, "%.*s", (int)(said.length < 100 ? said.length : 100),
		 said.bytes ? said.bytes : "");
	asking->hall->told++;
}

static struct asking *ask_with(struct hall *hall, size_t number, const char *path, struct text body, int64_t timeout_ms)
{
	const struct grpc_limits limits = {
		.streams = 100, .connections = 1, .connection_idle_s = 60, .reply_bytes = MESSAGE_BYTES, .connect_ms = 2000};
	struct error error = {0};
	if (!hall->server)
		open_model_service(hall);
	if (!hall->grpc)
		hall->grpc = grpc_open(hall->loop, &limits, NULL, &error);
	struct asking *asking = &hall->askings[number];
	*asking = (struct asking){.hall = hall, .body = body};
	asking->call = (struct grpc_call){.address = hall->address,
					  .path = path,
					  .body = &asking->body,
					  .body_count = 1,
					  .timeout_ms = timeout_ms,
					  .done = on_done,
					  .context = asking};
	assert_true(grpc_start(hall->grpc, &asking->call, &error));
	return asking;
}

static struct asking *ask(struct hall *hall, size_t number, const char *path)
{
	return ask_with(hall, number, path, TEXT("hello"), 5000);
}

static void turn_hall(struct hall *hall)
{
	assert_true(loop_turn(hall->loop, 20, &(struct error){0}));
}

static void turn_hall_for_ms(struct hall *hall, int64_t ms)
{
	for (int64_t until = loop_now_ms(hall->loop) + ms; loop_now_ms(hall->loop) < until;)
		turn_hall(hall);
}

static void turn_hall_until(struct hall *hall, const size_t *count, size_t enough)
{
	for (int64_t until = loop_now_ms(hall->loop) + 10000; *count < enough;) {
		assert_true(loop_now_ms(hall->loop) < until);
		turn_hall(hall);
	}
}

static void turn_hall_until_heard(struct hall *hall, const char *words)
{
	for (int64_t until = loop_now_ms(hall->loop) + 5000; !strstr(hall->puppet.heard, words);) {
		if (loop_now_ms(hall->loop) > until)
			assert_string_equal(hall->puppet.heard, words);
		turn_hall(hall);
	}
}

static struct puppet_line *dial(struct hall *hall)
{
	if (!hall->server)
		open_model_service(hall);
	return puppet_dial(&hall->puppet, grpc_server_port(hall->server));
}

#define HEAD(path)                                                                                                                 \
	":method", "POST", ":scheme", "http", ":path", path, ":authority", "us", "te", "trailers", "content-type",                 \
		"application/grpc"

static void puppet_asks(struct puppet_line *line, int32_t id, const char *path)
{
	puppet_headers(line, id, 0, HEAD(path), NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, id, "\0\0\0\0\5hello", 10);
}

/* ---- good callers ---- */

static void a_call_is_answered(void **state)
{
	struct asking *asking = ask(*state, 0, "/echo");
	turn_hall_until(*state, &asking->hall->told, 1);
	assert_int_equal(asking->status, GRPC_OK);
	assert_string_equal(asking->text, "hello");
}

static void a_refusal_has_its_words(void **state)
{
	struct asking *asking = ask(*state, 0, "/refuse");
	turn_hall_until(*state, &asking->hall->told, 1);
	assert_int_equal(asking->status, GRPC_NOT_FOUND);
	assert_string_equal(asking->text, "no model \"ü\": 100%");
}

static void calls_may_be_answered_later_and_in_any_order(void **state)
{
	struct hall *hall = *state;
	for (size_t i = 0; i < 3; i++)
		ask(hall, i, "/wait");
	turn_hall_until(hall, &hall->waiting_count, 3);
	grpc_server_answer(hall->waiting[2], GRPC_OK, (struct text){0}, TEXT("third"));
	turn_hall_until(hall, &hall->told, 1);
	grpc_server_answer(hall->waiting[0], GRPC_OK, (struct text){0}, TEXT("first"));
	grpc_server_answer(hall->waiting[1], GRPC_OK, (struct text){0}, TEXT("second"));
	turn_hall_until(hall, &hall->told, 3);
	assert_string_equal(hall->askings[0].text, "first");
	assert_string_equal(hall->askings[1].text, "second");
	assert_string_equal(hall->askings[2].text, "third");
}

static void sixteen_mebibytes_go_both_ways(void **state)
{
	static char much[16 << 20];
	struct hall *hall = *state;
	for (size_t i = 0; i < 2; i++)
		ask_with(hall, i, "/echo", (struct text){much, sizeof much}, 20000);
	turn_hall_until(hall, &hall->told, 2);
	assert_int_equal(hall->askings[0].length, sizeof much);
	assert_int_equal(hall->askings[1].length, sizeof much);
}

static void more_calls_than_streams_are_all_answered(void **state)
{
	struct hall *hall = *state;
	for (size_t i = 0; i < CALLS; i++)
		ask(hall, i, "/echo");
	turn_hall_until(hall, &hall->told, CALLS);
	for (size_t i = 0; i < CALLS; i++)
		assert_string_equal(hall->askings[i].text, "hello");
}

/* How many calls are open together is up to the network, so the rounds until it is warm are not known beforehand. */
static void a_warm_server_takes_nothing_from_the_heap(void **state)
{
	struct hall *hall = *state;
	size_t quiet = 0; /* rounds in a row in which nothing was taken */
	for (size_t round = 1; quiet < 4; round++) {
		const uint64_t taken = memory_taken();
		for (size_t i = 0; i < 8; i++)
			ask(hall, i, "/echo");
		turn_hall_until(hall, &hall->told, 8 * round);
#ifndef ARENA_EVERY_ALLOCATION_APART
		quiet = memory_taken() == taken ? quiet + 1 : 0;
#else
		quiet++;
		assert_true(memory_taken() >= taken);
#endif
		assert_true(round < 40);
	}
}

/* Everything is opened, called and closed; the call, if it could be started at all, is told. */
static void go_through(struct hall *hall, int64_t timeout_ms)
{
	const struct grpc_limits limits = {
		.streams = 4, .connections = 1, .connection_idle_s = 60, .reply_bytes = 1000, .connect_ms = 100};
	struct error error = {0};
	struct asking *asking = &hall->askings[0];
	*asking = (struct asking){.hall = hall, .body = TEXT("hello")};
	hall->told = 0;
	hall->loop = loop_open(&error);
	hall->server = hall->loop ? grpc_server_open(hall->loop, &hall->config, &error) : NULL;
	hall->grpc = hall->server ? grpc_open(hall->loop, &limits, NULL, &error) : NULL;
	if (hall->grpc)
		snprintf(hall->address, sizeof hall->address, "127.0.0.1:%d", grpc_server_port(hall->server));
	asking->call = (struct grpc_call){.address = hall->address,
					  .path = "/echo",
					  .body = &asking->body,
					  .body_count = 1,
					  .timeout_ms = timeout_ms,
					  .done = on_done,
					  .context = asking};
	if (hall->grpc && grpc_start(hall->grpc, &asking->call, &error))
		turn_hall_until(hall, &hall->told, 1);
	grpc_close(hall->grpc);
	grpc_server_close(hall->server);
	loop_close(hall->loop);
	hall->grpc = NULL;
	hall->server = NULL;
	hall->loop = NULL;
}

static void every_allocation_may_fail(void **state)
{
	struct hall *hall = *state;
	bool whole = false;
	loop_close(hall->loop);
	for (uint64_t nth = 1; !whole; nth++) {
		assert_in_range(nth, 1, 1000);
		uint64_t before = memory_taken();
		memory_fail_at(nth);
		go_through(hall, 100);
		memory_fail_at(0);
		whole = memory_taken() - before < nth; /* none has failed */
	}
	go_through(hall, 5000); /* a machine that is busy may have cut the last one short */
	assert_string_equal(hall->askings[0].text, "hello");
}

/* ---- limits and deadlines ---- */

static void a_message_beyond_the_limit_is_refused_at_once(void **state)
{
	static char much[64 << 10];
	struct hall *hall = *state;
	hall->config.message_bytes = 1000;
	struct asking *asking = ask_with(hall, 0, "/echo", (struct text){much, sizeof much}, 5000);
	turn_hall_until(hall, &hall->told, 1);
	assert_int_equal(asking->status, GRPC_RESOURCE_EXHAUSTED);
	assert_string_equal(asking->text, "the message has 65536 bytes; the limit is 1000");
	ask(hall, 1, "/echo");
	turn_hall_until(hall, &hall->told, 2);
	assert_string_equal(hall->askings[1].text, "hello");
}

static void messages_that_are_too_many_bytes_together_are_refused(void **state)
{
	struct hall *hall = *state;
	static char half[500];
	hall->config.message_bytes = 500;
	hall->config.streams = 50;
	for (size_t i = 0; i < 20; i++)
		ask_with(hall, i, "/wait", (struct text){half, sizeof half}, 5000);
	turn_hall_until(hall, &hall->told, 1);
	assert_int_equal(hall->askings[hall->waiting_count].status, GRPC_RESOURCE_EXHAUSTED);
	assert_in_range(hall->waiting_count, 16, 17);
}

static void a_deadline_that_passes_is_answered_by_the_server(void **state)
{
	struct hall *hall = *state;
	struct puppet_line *line = dial(hall);
	puppet_headers(line, 1, 0, HEAD("/wait"), "grpc-timeout", "40m", NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, "\0\0\0\0\5hello", 10);
	turn_hall_until_heard(hall, "1 grpc-status: 4\n");
	assert_true(grpc_request_is_over(hall->waiting[0]));
	grpc_server_answer(hall->waiting[0], GRPC_OK, (struct text){0}, TEXT("late"));
	puppet_asks(line, 3, "/echo");
	turn_hall_until_heard(hall, "3 grpc-status: 0\n3 end\n");
	assert_null(strstr(hall->puppet.heard, "1 data"));
}

static void a_message_that_never_ends_is_refused(void **state)
{
	struct hall *hall = *state;
	hall->config.silence_ms = 30;
	hall->config.message_bytes = 640;
	struct puppet_line *line = dial(hall);
	puppet_headers(line, 1, 0, HEAD("/echo"), NULL);
	puppet_frame(line, FRAME_DATA, 0, 1, "\0\0\0\0\5hel", 8);
	turn_hall_until_heard(hall, "1 grpc-status: 4\n"); /* though it answers pings */
	puppet_asks(line, 3, "/echo");
	turn_hall_until_heard(hall, "3 grpc-status: 0\n3 end\n");
}

static void metadata_counts_in_the_budget_of_bodies(void **state)
{
	struct hall *hall = *state;
	static char value[121];
	static struct body_budget bodies = {.limit_bytes = 4096};
	memset(value, 'v', sizeof value - 1);
	hall->config.metadata_bytes = 4000;
	hall->config.bodies = &bodies;
	struct puppet_line *line = dial(hall);
	for (int32_t id = 1; id <= 9; id += 2)
		puppet_headers(line, id, 0, HEAD("/wait"), "a", value, "b", value, "c", value, "d", value, "e", value, NULL);
	turn_hall_until_heard(hall, "9 grpc-status: 8\n");
	assert_null(strstr(hall->puppet.heard, "1 grpc-status"));
	assert_in_range(bodies.used_bytes, 600, 4096);
	puppet_hang_up_all(&hall->puppet);
	grpc_server_close(hall->server);
	hall->server = NULL;
	assert_int_equal(bodies.used_bytes, 0);
}

static void connections_beyond_the_limit_are_closed(void **state)
{
	struct hall *hall = *state;
	hall->config.connections = 1;
	struct puppet_line *first = dial(hall);
	turn_hall(hall);
	dial(hall);
	turn_hall_until_heard(hall, "closed\n");
	puppet_asks(first, 1, "/echo");
	turn_hall_until_heard(hall, "1 end\n");
}

/* ---- callers that leave or dawdle ---- */

static void a_caller_that_has_gone_is_seen_and_may_be_answered(void **state)
{
	struct hall *hall = *state;
	struct puppet_line *line = dial(hall);
	puppet_asks(line, 1, "/wait");
	puppet_asks(line, 3, "/wait");
	turn_hall_until(hall, &hall->waiting_count, 2);
	puppet_number(line, FRAME_RESET, 1, 8);
	turn_hall_for_ms(hall, 30);
	assert_true(grpc_request_is_over(hall->waiting[0]));
	assert_false(grpc_request_is_over(hall->waiting[1]));
	puppet_hang_up(line);
	turn_hall_for_ms(hall, 30);
	assert_true(grpc_request_is_over(hall->waiting[1]));
	grpc_server_answer(hall->waiting[0], GRPC_OK, (struct text){0}, TEXT("x"));
	grpc_server_answer(hall->waiting[1], GRPC_OK, (struct text){0}, TEXT("x"));
}

static void a_caller_that_asks_and_resets_without_end_is_refused(void **state)
{
	struct hall *hall = *state;
	struct puppet_line *line = dial(hall);
	for (int32_t id = 1; id <= 2 * 50; id += 2) {
		puppet_asks(line, id, "/wait");
		puppet_number(line, FRAME_RESET, id, 8);
	}
	turn_hall_for_ms(hall, 50);
	assert_in_range(hall->called_count, 8, 16); /* twice its streams */
	while (hall->waiting_count > 0)
		grpc_server_answer(hall->waiting[--hall->waiting_count], GRPC_OK, (struct text){0}, TEXT("x"));
	puppet_asks(line, 1001, "/echo"); /* and welcome again when that is done */
	turn_hall_until_heard(hall, "1001 end\n");
}

static void a_dead_caller_is_noticed_by_a_ping(void **state)
{
	struct hall *hall = *state;
	hall->config.silence_ms = 30;
	dial(hall);
	turn_hall_for_ms(hall, 150);
	assert_true(hall->puppet.pings > 0);
	assert_string_equal(hall->puppet.heard, ""); /* one that answers stays */
	hall->puppet.mute = 1;
	turn_hall_until_heard(hall, "closed\n");
}

/* Says `words` instead of a preface, and waits until the server hangs up. */
static void say_and_be_closed(struct hall *hall, const char *words)
{
	open_model_service(hall);
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
					    .sin_port = htons((uint16_t)grpc_server_port(hall->server))};
	int caller = socket(AF_INET, SOCK_STREAM, 0);
	char byte[4096];
	ssize_t got = -1;
	assert_int_equal(connect(caller, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(send(caller, words, strlen(words), MSG_NOSIGNAL), strlen(words));
	for (int turns = 0; turns < 100 && got != 0; turns++) {
		turn_hall(hall);
		got = recv(caller, byte, sizeof byte, MSG_DONTWAIT);
		if (got < 0 && errno == ECONNRESET)
			got = 0;
	}
	assert_int_equal(got, 0);
	close(caller);
}

static void a_caller_that_never_greets_is_closed(void **state)
{
	struct hall *hall = *state;
	hall->config.silence_ms = 30;
	say_and_be_closed(hall, "");
}

static void one_that_does_not_read_its_answers_is_closed(void **state)
{
	static char much[1 << 20];
	struct hall *hall = *state;
	hall->config.silence_ms = 50;
	struct puppet_line *line = dial(hall);
	puppet_asks(line, 1, "/wait");
	turn_hall_until(hall, &hall->waiting_count, 1);
	grpc_server_answer(hall->waiting[0], GRPC_OK, (struct text){0}, (struct text){much, sizeof much});
	turn_hall_until_heard(hall, "closed\n"); /* its connection's window, 65,535 bytes, is never raised */
	assert_non_null(strstr(hall->puppet.heard, "1 data"));
}

/* ---- a door that is shut ---- */

static void draining_lets_what_came_be_answered_and_takes_nothing_new(void **state)
{
	struct hall *hall = *state;
	ask(hall, 0, "/wait");
	turn_hall_until(hall, &hall->waiting_count, 1);
	assert_false(grpc_server_drain(hall->server));
	turn_hall_for_ms(hall, 40);
	assert_false(grpc_server_drain(hall->server));
	struct asking *late = ask(hall, 1, "/echo");
	turn_hall_until(hall, &hall->told, 1);
	assert_int_equal(late->status, -1);
	assert_non_null(strstr(late->error.text, "could not be reached"));
	grpc_server_answer(hall->waiting[0], GRPC_OK, (struct text){0}, TEXT("in time"));
	turn_hall_until(hall, &hall->told, 2);
	assert_string_equal(hall->askings[0].text, "in time");
	turn_hall_for_ms(hall, 40);
	assert_true(grpc_server_drain(hall->server));
}

static void what_was_sent_before_the_notice_was_heard_is_served(void **state)
{
	struct hall *hall = *state;
	struct puppet_line *line = dial(hall);
	turn_hall_for_ms(hall, 30);
	hall->puppet.mute = 1; /* the ping behind the notice is not answered yet */
	assert_false(grpc_server_drain(hall->server));
	turn_hall_until_heard(hall, "goaway 2147483647 0\n");
	puppet_asks(line, 1, "/echo");
	turn_hall_until_heard(hall, "1 end\n");
	turn_hall_until_heard(hall, "goaway 1 0\n");
	turn_hall_until_heard(hall, "closed\n");
	assert_true(grpc_server_drain(hall->server));
}

static void an_idle_server_drains_at_once(void **state)
{
	struct hall *hall = *state;
	open_model_service(hall);
	assert_true(grpc_server_drain(hall->server));
}

/* ---- liars ---- */

static void assert_answer(struct hall *hall, struct puppet_line *line, const char *words)
{
	turn_hall_until_heard(hall, words);
	hall->puppet.heard[0] = '\0';
	puppet_asks(line, 99, "/echo"); /* the connection is as good as new */
	turn_hall_until_heard(hall, "99 end\n");
	assert_int_equal(hall->called_count, 1);
}

static void a_compressed_message_is_refused(void **state)
{
	struct puppet_line *line = dial(*state);
	puppet_headers(line, 1, 0, HEAD("/echo"), NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, "\1\0\0\0\5hello", 10);
	assert_answer(*state, line,
		      "1 grpc-status: 12\n1 grpc-message: the message is compressed, and grpc-encoding is not gzip or deflate\n"
		      "1 end\n");
}

static void a_message_cut_short_is_refused(void **state)
{
	struct puppet_line *line = dial(*state);
	puppet_headers(line, 1, 0, HEAD("/echo"), NULL);
	puppet_frame(line, FRAME_DATA, FLAG_END_STREAM, 1, "\0\0\0\0\6hello", 10);
	assert_answer(*state, line, "1 grpc-status: 13\n1 grpc-message: the message is shorter than its prefix says\n1 end\n");
}

static void a_call_without_a_message_is_refused(void **state)
{
	struct puppet_line *line = dial(*state);
	puppet_headers(line, 1, FLAG_END_STREAM, HEAD("/echo"), NULL);
	assert_answer(*state, line, "1 grpc-status: 13\n1 grpc-message: the call has no message; it must have one\n1 end\n");
}

static void two_messages_are_refused_before_the_caller_has_ended(void **state)
{
	struct puppet_line *line = dial(*state);
	puppet_headers(line, 1, 0, HEAD("/echo"), NULL);
	puppet_frame(line, FRAME_DATA, 0, 1, "\0\0\0\0\5hello\0\0\0\0\1x", 16);
	assert_answer(*state, line, "1 end\n1 reset 0\n");
}

static void what_is_no_grpc_is_told_so_in_http(void **state)
{
	struct puppet_line *line = dial(*state);
	puppet_headers(line, 1, 0, ":method", "POST", ":scheme", "http", ":path", "/", ":authority", "us", "content-type",
		       "text/html", NULL);
	puppet_headers(line, 3, FLAG_END_STREAM, ":method", "GET", ":scheme", "http", ":path", "/", ":authority", "us", NULL);
	puppet_headers(line, 5, FLAG_END_STREAM, ":method", "HEAD", ":scheme", "http", ":path", "/", ":authority", "us", NULL);
	turn_hall_until_heard(*state, "1 :status: 415\n1 content-type: application/json\n1 content-length: 146\n");
	turn_hall_until_heard(*state, "3 content-length: 150\n3 allow: POST\n");
	turn_hall_until_heard(*state, "1 data 146\n1 end\n");
	turn_hall_until_heard(*state, "3 data 150\n3 end\n");
	turn_hall_until_heard(*state, "5 :status: 405\n5 content-type: application/json\n5 content-length: 150\n5 allow: POST\n"
				      "5 x-request-id: ");
	turn_hall_until_heard(*state, "5 end\n");
	assert_null(strstr(((struct hall *)*state)->puppet.heard, "5 data"));
}

static void frames_of_unknown_types_are_passed_over(void **state)
{
	struct puppet_line *line = dial(*state);
	puppet_frame(line, 0xbe, 0xff, 1, "whatever", 8);
	puppet_asks(line, 1, "/echo");
	turn_hall_until_heard(*state, "1 end\n");
}

static void a_caller_of_http1_is_closed(void **state)
{
	say_and_be_closed(*state, "GET / HTTP/1.1\r\nHost: us\r\n\r\n");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_call_is_answered),
		STORY(a_refusal_has_its_words),
		STORY(calls_may_be_answered_later_and_in_any_order),
		STORY(sixteen_mebibytes_go_both_ways),
		STORY(more_calls_than_streams_are_all_answered),
		STORY(a_warm_server_takes_nothing_from_the_heap),
		STORY(every_allocation_may_fail),
		STORY(a_message_beyond_the_limit_is_refused_at_once),
		STORY(messages_that_are_too_many_bytes_together_are_refused),
		STORY(a_deadline_that_passes_is_answered_by_the_server),
		STORY(a_message_that_never_ends_is_refused),
		STORY(metadata_counts_in_the_budget_of_bodies),
		STORY(connections_beyond_the_limit_are_closed),
		STORY(a_caller_that_has_gone_is_seen_and_may_be_answered),
		STORY(a_caller_that_asks_and_resets_without_end_is_refused),
		STORY(a_dead_caller_is_noticed_by_a_ping),
		STORY(a_caller_that_never_greets_is_closed),
		STORY(one_that_does_not_read_its_answers_is_closed),
		STORY(draining_lets_what_came_be_answered_and_takes_nothing_new),
		STORY(what_was_sent_before_the_notice_was_heard_is_served),
		STORY(an_idle_server_drains_at_once),
		STORY(a_compressed_message_is_refused),
		STORY(a_message_cut_short_is_refused),
		STORY(a_call_without_a_message_is_refused),
		STORY(two_messages_are_refused_before_the_caller_has_ended),
		STORY(frames_of_unknown_types_are_passed_over),
	};
	const struct CMUnitTest alone[] = {STORY(what_is_no_grpc_is_told_so_in_http), STORY(a_caller_of_http1_is_closed)};
	int failed = cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests(alone, NULL, NULL);
	shares = true;
	return failed + cmocka_run_group_tests_name("at a port that is shared", tests, NULL, NULL);
}
