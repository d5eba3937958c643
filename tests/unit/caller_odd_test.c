/* caller_odd_test.c: calls over HTTP to servers that keep to its rules in unusual ways, or break
 * them: each has an end that its caller can understand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "serving/caller.h"

#define SUM "{\"outputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[3]}]}"
#define WITH_LENGTH "Content-Length: 67\r\n\r\n" SUM
#define CALLS_MAX 4
#define CONNECTIONS_MAX 64

/* What the server sends for a request. */
struct said {
	const char *bytes;
	size_t length; /* 0: as its NUL says */
	size_t piece;  /* so much each millisecond; 0: all at once */
	bool closes;
};

struct stand {
	struct loop *loop;
	struct watch listener;
	struct connection {
		struct watch watch;
		struct stand *stand;
		char request[4096];
		size_t heard;
		const struct said *answer;
		size_t said;
		struct loop_timer timer;
	} connections[CONNECTIONS_MAX];
	size_t connection_count;
	const struct said *script;
	size_t requests, script_length; /* the last is repeated */
	struct arena *arena;
	struct caller *caller;
	struct message message;
	struct call calls[CALLS_MAX];
	size_t answered;
	char base[64], url[96];
	struct model_address address;
	struct model_config model;
	struct caller_config config;
	char told[300]; /* why the model is away */
};

/* ---- the server ---- */

static void hang_up(struct connection *connection)
{
	if (connection->watch.descriptor < 0)
		return;
	loop_timer_stop(connection->stand->loop, &connection->timer);
	loop_unwatch(connection->stand->loop, &connection->watch);
	close(connection->watch.descriptor);
	connection->watch.descriptor = -1;
}

static void say_more(void *context)
{
	struct connection *connection = context;
	struct loop *loop = connection->stand->loop;
	const struct said *answer = connection->answer;
	size_t length = answer->length ? answer->length : strlen(answer->bytes), left = length - connection->said;
	size_t piece = answer->piece && answer->piece < left ? answer->piece : left;
	ssize_t sent = send(connection->watch.descriptor, answer->bytes + connection->said, piece, MSG_NOSIGNAL);
	if (sent < 0) { /* nobody listens any more */
		hang_up(connection);
		return;
	}
	connection->said += (size_t)sent;
	if (connection->said < length)
		assert_true(loop_timer_set(loop, &connection->timer, loop_now_ms(loop) + 1, &(struct error){0}));
	else if (answer->closes)
		hang_up(connection);
}

static void answer_request(struct connection *connection)
{
	static const struct said ready = {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"};
	struct stand *stand = connection->stand;
	bool question = strncmp(connection->request, "GET ", 4) == 0;
	connection->heard = connection->said = 0;
	connection->answer = question ? &ready : &stand->script[stand->requests < stand->script_length ? stand->requests
												       : stand->script_length - 1];
	stand->requests += !question;
	say_more(connection);
}

static void on_request(void *context, uint32_t events)
{
	(void)events;
	struct connection *connection = context;
	ssize_t got = recv(connection->watch.descriptor, connection->request + connection->heard,
			   sizeof connection->request - 1 - connection->heard, 0);
	if (got <= 0) {
		hang_up(connection);
		return;
	}
	connection->heard += (size_t)got;
	connection->request[connection->heard] = '\0';
	const char *blank = strstr(connection->request, "\r\n\r\n"), *announced = strstr(connection->request, "Content-Length: ");
	size_t body = announced ? strtoul(announced + strlen("Content-Length: "), NULL, 10) : 0;
	if (blank && connection->heard >= (size_t)(blank + 4 - connection->request) + body)
		answer_request(connection);
}

static void on_connection(void *context, uint32_t events)
{
	(void)events;
	struct stand *stand = context;
	assert_in_range(stand->connection_count, 0, CONNECTIONS_MAX - 1);
	struct connection *connection = &stand->connections[stand->connection_count++];
	*connection = (struct connection){.watch = {.ready = on_request, .context = connection},
					  .stand = stand,
					  .timer = {.due = say_more, .context = connection}};
	int socket = accept(stand->listener.descriptor, NULL, NULL);
	assert_true(loop_watch(stand->loop, &connection->watch, socket, EPOLLIN, &(struct error){0}));
}

static int server_open(struct stand *stand)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, CONNECTIONS_MAX), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	stand->listener = (struct watch){.ready = on_connection, .context = stand};
	assert_true(loop_watch(stand->loop, &stand->listener, listener, EPOLLIN, &(struct error){0}));
	return ntohs(address.sin_port);
}

/* ---- the caller ---- */

static void on_answered(void *context, struct call *call)
{
	struct stand *stand = context;
	(void)call;
	stand->answered++;
}

static void on_told(void *context, const char *model, const char *words)
{
	struct stand *stand = context;
	(void)model;
	if (words)
		snprintf(stand->told, sizeof stand->told, "%s", words);
}

static int set_up(void **state)
{
	static struct stand stand;
	struct error error = {0};
	stand = (struct stand){.loop = loop_open(&error), .arena = arena_open((size_t)1 << 20)};
	snprintf(stand.base, sizeof stand.base, "http://127.0.0.1:%d", server_open(&stand));
	snprintf(stand.url, sizeof stand.url, "%s/v2/models/m/infer", stand.base);
	stand.address = (struct model_address){.base = stand.base, .url = stand.url, .model = "m"};
	stand.model = (struct model_config){.name = "m", .addresses = {1, &stand.address}, .lanes_most = 1};
	stand.config = (struct caller_config){.model_count = 1,
					      .models = &stand.model,
					      .request_bytes = 4096,
					      .reply_bytes = 4096,
					      .told = on_told,
					      .told_context = &stand};
	stand.message = (struct message){.arena = stand.arena, .id = TEXT("r-1")};
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	caller_close(stand->caller);
	for (size_t i = 0; i < stand->connection_count; i++)
		hang_up(&stand->connections[i]);
	loop_unwatch(stand->loop, &stand->listener);
	close(stand->listener.descriptor);
	loop_close(stand->loop);
	arena_close(stand->arena);
	return 0;
}

static void turn(struct stand *stand)
{
	assert_true(loop_turn(stand->loop, 5000, &(struct error){0}));
}

static struct call *begin(struct stand *stand, size_t number)
{
	static const float elements[] = {1, 2};
	static const int64_t shape[] = {2};
	static const struct tensor tensor = {
		.name = {"x", 1}, .shape = shape, .data = elements, .count = 2, .datatype = DATATYPE_FP32, .rank = 1};
	static const struct tensor *const tensors[] = {&tensor};
	static const struct payload payload = {.tensors = {1, tensors}};
	struct call *call = &stand->calls[number];
	struct error error = {0};
	*call = (struct call){.target = CALL_MODEL, .name = "m", .request = &payload, .message = &stand->message};
	if (!stand->caller)
		stand->caller = caller_open(stand->loop, &stand->config, on_answered, stand, &error);
	assert_true(caller_call(stand->caller, call, &error));
	return call;
}

/* The answer to a call of a server that goes by this script. */
static const struct call *ask(struct stand *stand, const struct said *script, size_t length)
{
	stand->script = script;
	stand->script_length = length;
	stand->requests = stand->answered = 0;
	const struct call *call = begin(stand, 0);
	for (int turns = 0; stand->answered == 0; turns++) {
		assert_in_range(turns, 0, 5000);
		turn(stand);
	}
	return call;
}

static void expect_sum(const struct call *call)
{
	assert_string_equal(call->error.text, "");
	assert_float_equal(tensor_number(tensors_find(call->reply->tensors, TEXT("y")), 0), 3, 0);
}

static void expect_failure(const struct call *call, enum error_kind kind, const char *words)
{
	assert_int_equal(call->error.kind, kind);
	if (!strstr(call->error.text, words))
		fail_msg("`%s` does not say `%s`", call->error.text, words);
	assert_true(text_is_utf8(text_of(call->error.text)));
}

/* ---- unusual, and good ---- */

static void answers_in_unusual_forms_are_answers(void **state)
{
	static const struct said rows[] = {
		{.bytes = "HTTP/1.1 200 OK\r\n" WITH_LENGTH, .piece = 1},
		{.bytes = "HTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n" WITH_LENGTH},
		{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
			  "5;why=not\r\n{\"out\r\n"
			  "3e\r\nputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[3]}]}\r\n"
			  "0\r\nX-Sum: 1\r\nServer-Timing: a\r\n\r\n"},
		{.bytes = "HTTP/1.0 200 OK\r\n\r\n" SUM, .closes = true},
		{.bytes = "HTTP/1.0 200\r\n" WITH_LENGTH, .closes = true},
		{.bytes = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" SUM, .closes = true},
		{.bytes = "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 67\n\n" SUM},
	};
	struct stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		expect_sum(ask(stand, &rows[i], 1));
		assert_int_equal(stand->calls[0].attempts, 1);
	}
}

/* It says nothing of closing; its next caller finds out. */
static void a_connection_that_is_closed_behind_each_answer_costs_nothing(void **state)
{
	struct stand *stand = *state;
	static const struct said closes = {.bytes = "HTTP/1.1 200 OK\r\n" WITH_LENGTH, .closes = true};
	for (size_t i = 0; i < 4; i++) {
		expect_sum(ask(stand, &closes, 1));
		assert_int_equal(stand->calls[0].attempts, 1);
		assert_int_equal(stand->requests, 1);
	}
}

/* ---- slow ---- */

static void an_answer_that_drips_beyond_the_timeout_has_timed_out(void **state)
{
	struct stand *stand = *state;
	static const struct said drips = {.bytes = "HTTP/1.1 200 OK\r\n" WITH_LENGTH, .piece = 1};
	stand->model.timeout_ms = 40; /* it takes twice as long */
	expect_failure(ask(stand, &drips, 1), ERROR_REMOTE, "no answer within 40 ms");
	assert_int_equal(stand->calls[0].attempts, 3);
}

/* ---- what is no reply ---- */

static void a_reply_that_is_none_is_remote_at_once_and_says_what_came(void **state)
{
	static const char gzip[] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n"
				   "\x1f\x8b\x08\0\0\0\0\0\0\3";
	static const char zlib[] = "HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 8\r\n\r\n"
				   "\x78\x9c\x03\0\0\0\0\1";
	static const struct {
		struct said answer;
		const char *words;
	} rows[] = {
		{{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, "m : the reply is empty"},
		{{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}, "m : the reply is empty"},
		{{.bytes = "HTTP/1.0 200 OK\r\n\r\n", .closes = true}, "m : the reply is empty"},
		{{.bytes = gzip, .length = sizeof gzip - 1}, "m : the reply is compressed, which was not asked for"},
		{{.bytes = zlib, .length = sizeof zlib - 1}, "m : the reply is compressed, which was not asked for"},
	};
	struct stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		expect_failure(ask(stand, &rows[i].answer, 1), ERROR_REMOTE, rows[i].words);
		assert_int_equal(stand->calls[0].attempts, 1);
	}
}

static void a_failure_in_bytes_that_are_no_text_is_told_by_its_status(void **state)
{
	struct stand *stand = *state;
	static const char gzip[] = "HTTP/1.1 400 No\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n"
				   "\x1f\x8b\x08\xff\xfe\0\0\0\0\3";
	const struct said answer = {.bytes = gzip, .length = sizeof gzip - 1};
	expect_failure(ask(stand, &answer, 1), ERROR_INPUT, "status 400");
}

static void an_answer_that_breaks_off_is_asked_for_again(void **state)
{
	static const struct said rows[][2] = {
		{{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\n" SUM, .closes = true}},
		{{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"out\r\n", .closes = true}},
		{{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{\"out\r\n", .closes = true}},
	};
	struct stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct said script[] = {rows[i][0], {.bytes = "HTTP/1.1 200 OK\r\n" WITH_LENGTH}};
		expect_sum(ask(stand, script, 2));
		assert_int_equal(stand->calls[0].attempts, 2);
	}
}

/* As the port of gRPC does. Nothing is lost to it: the model is away until its address is mended. */
static void who_speaks_no_http_is_away_and_the_port_is_doubted(void **state)
{
	struct stand *stand = *state;
	static const char settings[] = "\0\0\0\4\0\0\0\0\0";
	const struct said answer = {.bytes = settings, .length = sizeof settings - 1, .closes = true};
	stand->script = &answer;
	stand->script_length = 1;
	for (size_t i = 0; i < CALLS_MAX; i++)
		begin(stand, i);
	for (int turns = 0; !stand->told[0]; turns++) {
		assert_in_range(turns, 0, 5000);
		turn(stand);
	}
	assert_int_equal(stand->answered, 0);
	assert_non_null(strstr(stand->told, "is no HTTP; is the port the one of REST?"));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(answers_in_unusual_forms_are_answers),
		STORY(a_connection_that_is_closed_behind_each_answer_costs_nothing),
		STORY(an_answer_that_drips_beyond_the_timeout_has_timed_out),
		STORY(a_reply_that_is_none_is_remote_at_once_and_says_what_came),
		STORY(a_failure_in_bytes_that_are_no_text_is_told_by_its_status),
		STORY(an_answer_that_breaks_off_is_asked_for_again),
		STORY(who_speaks_no_http_is_away_and_the_port_is_doubted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
