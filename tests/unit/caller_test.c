/* Calls of a model over HTTP, with a server on the same loop that answers by a script:
 * one line of the script for each request, in the order they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serving/caller.h"

#define SUM "{\"model_name\":\"m\",\"outputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[3]}]}"
#define HANG_UP (-1) /* instead of a status: closes the connection without a word */
#define SILENCE (-2) /* never answers */
#define CALLS_MAX 8
#define CONNECTIONS_MAX 16

struct line {
	int status;
	const char *body;
};

struct server {
	struct loop *loop;
	struct watch listener;
	struct connection {
		struct watch watch;
		struct server *server;
		char bytes[4096];
		size_t length;
	} connections[CONNECTIONS_MAX];
	size_t connection_count;
	const struct line *script;
	size_t requests;
	char last_request[4096];
};

struct stand {
	struct server server;
	struct caller *caller;
	struct arena *arena;
	struct message message;
	struct call calls[CALLS_MAX];
	char order[CALLS_MAX + 1]; /* calls that were answered, by number */
	char url[64];
	struct model_address address;
	struct model_config model;
	struct caller_config config;
};

/* ---- the server ---- */

static void hang_up(struct connection *connection)
{
	loop_unwatch(connection->server->loop, &connection->watch);
	close(connection->watch.descriptor);
	connection->watch.descriptor = -1;
}

static void answer_request(struct connection *connection)
{
	struct server *server = connection->server;
	const struct line *line = &server->script[server->requests++];
	char reply[4096];
	memcpy(server->last_request, connection->bytes, connection->length);
	server->last_request[connection->length] = '\0';
	connection->length = 0;
	if (line->status == SILENCE)
		return;
	if (line->status == HANG_UP) {
		hang_up(connection);
		return;
	}
	int length = snprintf(reply, sizeof reply, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", line->status,
			      strlen(line->body), line->body);
	assert_int_equal(send(connection->watch.descriptor, reply, (size_t)length, MSG_NOSIGNAL), length);
}

static void on_request(void *context, uint32_t events)
{
	(void)events;
	struct connection *connection = context;
	ssize_t got = recv(connection->watch.descriptor, connection->bytes + connection->length,
			   sizeof connection->bytes - 1 - connection->length, 0);
	if (got <= 0) {
		hang_up(connection);
		return;
	}
	connection->length += (size_t)got;
	connection->bytes[connection->length] = '\0';
	size_t body = 0;
	const char *blank = strstr(connection->bytes, "\r\n\r\n"), *announced = strstr(connection->bytes, "Content-Length: ");
	if (!blank || !announced || sscanf(announced, "Content-Length: %zu", &body) != 1)
		return;
	if (connection->length >= (size_t)(blank + 4 - connection->bytes) + body)
		answer_request(connection);
}

static void on_connection(void *context, uint32_t events)
{
	(void)events;
	struct server *server = context;
	assert_in_range(server->connection_count, 0, CONNECTIONS_MAX - 1);
	struct connection *connection = &server->connections[server->connection_count++];
	*connection = (struct connection){.watch = {.ready = on_request, .context = connection}, .server = server};
	int socket = accept(server->listener.descriptor, NULL, NULL);
	assert_true(loop_watch(server->loop, &connection->watch, socket, EPOLLIN, &(struct error){0}));
}

static int server_open(struct server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, CONNECTIONS_MAX), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	server->listener = (struct watch){.ready = on_connection, .context = server};
	assert_true(loop_watch(server->loop, &server->listener, listener, EPOLLIN, &(struct error){0}));
	return ntohs(address.sin_port);
}

/* ---- the caller ---- */

static void on_answered(void *context, struct call *call)
{
	struct stand *stand = context;
	stand->order[strlen(stand->order)] = (char)('0' + (call - stand->calls));
}

static int set_up(void **state)
{
	static struct stand stand;
	struct error error = {0};
	stand = (struct stand){.server.loop = loop_open(&error), .arena = arena_open((size_t)1 << 20)};
	snprintf(stand.url, sizeof stand.url, "http://127.0.0.1:%d/v2/models/m/infer", server_open(&stand.server));
	stand.address = (struct model_address){.url = stand.url};
	stand.model = (struct model_config){.name = "m", .addresses = {1, &stand.address}, .lanes_most = 2};
	stand.config = (struct caller_config){.model_count = 1, .models = &stand.model, .request_bytes = 4096, .reply_bytes = 1024};
	stand.caller = caller_open(stand.server.loop, &stand.config, on_answered, &stand, &error);
	assert_string_equal(error.text, "");
	stand.message = (struct message){.arena = stand.arena, .id = TEXT("r-1")};
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	caller_close(stand->caller);
	for (size_t i = 0; i < stand->server.connection_count; i++)
		if (stand->server.connections[i].watch.descriptor >= 0)
			close(stand->server.connections[i].watch.descriptor);
	close(stand->server.listener.descriptor);
	loop_close(stand->server.loop);
	arena_close(stand->arena);
	return 0;
}

static struct call *begin(struct stand *stand, int number)
{
	static const float elements[] = {1, 2};
	static const int64_t shape[] = {2};
	static const struct tensor tensor = {
		.name = {"x", 1}, .shape = shape, .data = elements, .count = 2, .datatype = DATATYPE_FP32, .rank = 1};
	static const struct tensor *const tensors[] = {&tensor};
	static const struct payload payload = {.tensors = {1, tensors}};
	struct call *call = &stand->calls[number];
	*call = (struct call){.target = CALL_MODEL, .name = "m", .request = &payload, .message = &stand->message};
	struct error error = {0};
	assert_true(caller_call(stand->caller, call, &error));
	return call;
}

static void turn_until_answered(struct stand *stand, size_t count)
{
	for (int turns = 0; strlen(stand->order) < count; turns++) {
		assert_in_range(turns, 0, 1000);
		assert_true(loop_turn(stand->server.loop, 5000, &(struct error){0}));
	}
}

/* ---- the stories ---- */

static void a_call_goes_out_as_json_and_comes_back_as_tensors(void **state)
{
	struct stand *stand = *state;
	stand->server.script = (const struct line[]){{200, SUM}};
	struct call *call = begin(stand, 0);
	assert_string_equal(stand->order, ""); /* never before the caller has returned */
	turn_until_answered(stand, 1);
	assert_string_equal(call->error.text, "");
	assert_float_equal(tensor_number(tensors_find(call->reply->tensors, TEXT("y")), 0), 3, 0);
	assert_non_null(strstr(stand->server.last_request, "POST /v2/models/m/infer HTTP/1.1\r\n"));
	assert_non_null(strstr(stand->server.last_request, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(stand->server.last_request, "\"r-1\""));
}

static void what_the_caller_got_wrong_is_said_in_the_servers_words_and_not_repeated(void **state)
{
	struct stand *stand = *state;
	stand->server.script = (const struct line[]){{400, "{\"error\":\"x must be \\\"big\\\"\",\"code\":7}"}};
	struct call *call = begin(stand, 0);
	turn_until_answered(stand, 1);
	assert_int_equal(call->error.kind, ERROR_INPUT);
	assert_non_null(strstr(call->error.text, "x must be \"big\""));
	assert_int_equal(stand->server.requests, 1);
}

static void an_overloaded_server_is_asked_again(void **state)
{
	struct stand *stand = *state;
	stand->server.script = (const struct line[]){{503, "busy"}, {HANG_UP, NULL}, {200, SUM}};
	struct call *call = begin(stand, 0);
	turn_until_answered(stand, 1);
	assert_string_equal(call->error.text, "");
	assert_non_null(call->reply);
	assert_int_equal(stand->server.requests, 3);
}

static void a_server_that_stays_broken_is_remote_with_its_last_words(void **state)
{
	struct stand *stand = *state;
	stand->server.script = (const struct line[]){{500, "one"}, {500, "two"}, {500, "plain words"}};
	struct call *call = begin(stand, 0);
	turn_until_answered(stand, 1);
	assert_int_equal(call->error.kind, ERROR_REMOTE);
	assert_non_null(strstr(call->error.text, "plain words"));
}

static void calls_beyond_the_limit_wait_in_line_in_order(void **state)
{
	struct stand *stand = *state;
	stand->server.script =
		(const struct line[]){{SILENCE, NULL}, {200, SUM}, {200, SUM}, {200, SUM}, {200, SUM}, {200, SUM}};
	for (int i = 0; i < 5; i++)
		begin(stand, i);
	turn_until_answered(stand, 4);
	assert_int_equal(stand->server.requests, 5);
	assert_string_equal(stand->order + 1, "234"); /* one of the first two was left without an answer */
}

static void a_forgotten_call_is_never_answered_and_makes_room(void **state)
{
	struct stand *stand = *state;
	stand->server.script = (const struct line[]){{SILENCE, NULL}, {SILENCE, NULL}, {200, SUM}};
	for (int i = 0; i < 4; i++)
		begin(stand, i);
	while (stand->server.requests < 2)
		assert_true(loop_turn(stand->server.loop, 5000, &(struct error){0}));
	caller_forget(stand->caller, &stand->calls[2]); /* from the line */
	caller_forget(stand->caller, &stand->calls[0]); /* from the wire */
	turn_until_answered(stand, 1);
	assert_string_equal(stand->order, "3");
	assert_int_equal(stand->server.requests, 3);
}

static void an_answer_beyond_the_limit_is_refused(void **state)
{
	static char much[2000];
	struct stand *stand = *state;
	memset(much, 'x', sizeof much - 1);
	stand->server.script = (const struct line[]){{200, much}};
	struct call *call = begin(stand, 0);
	turn_until_answered(stand, 1);
	assert_int_equal(call->error.kind, ERROR_LIMIT);
	assert_non_null(strstr(call->error.text, "1024"));
}

static void a_model_without_an_endpoint_is_a_fault_of_the_configuration(void **state)
{
	struct stand *stand = *state;
	struct call call = {.name = "unknown", .message = &stand->message};
	struct error error = {0};
	assert_false(caller_call(stand->caller, &call, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "unknown"));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_call_goes_out_as_json_and_comes_back_as_tensors),
		STORY(what_the_caller_got_wrong_is_said_in_the_servers_words_and_not_repeated),
		STORY(an_overloaded_server_is_asked_again),
		STORY(a_server_that_stays_broken_is_remote_with_its_last_words),
		STORY(calls_beyond_the_limit_wait_in_line_in_order),
		STORY(a_forgotten_call_is_never_answered_and_makes_room),
		STORY(an_answer_beyond_the_limit_is_refused),
		STORY(a_model_without_an_endpoint_is_a_fault_of_the_configuration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
