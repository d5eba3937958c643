/* Calls of a model over HTTP, with a server on the same loop that answers by a script:
 * one line of the script for each request, in the order they come. */
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

#include "base/clock.h"
#include "serving/caller.h"
#include "serving/chaos.h"

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
	size_t questions;
	const char *metadata; /* the answer to GET /v2; every other GET is answered `ready` */
};

struct stand {
	struct server server;
	struct caller *caller;
	struct arena *arena;
	struct message message;
	struct call calls[CALLS_MAX];
	char order[CALLS_MAX + 1]; /* calls that were answered, by number */
	char base[64], url[96];
	struct model_address address;
	struct model_config model;
	struct caller_config config;
	_Atomic size_t away;
	char told[64]; /* "away " and "back ", as they came */
};

/* ---- the server ---- */

static void hang_up(struct connection *connection)
{
	loop_unwatch(connection->server->loop, &connection->watch);
	close(connection->watch.descriptor);
	connection->watch.descriptor = -1;
}

static void say(struct connection *connection, int status, const char *body)
{
	char reply[4096];
	int length = snprintf(reply, sizeof reply, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body), body);
	assert_int_equal(send(connection->watch.descriptor, reply, (size_t)length, MSG_NOSIGNAL), length);
}

static void answer_question(struct connection *connection)
{
	struct server *server = connection->server;
	connection->length = 0;
	server->questions++;
	bool metadata = strstr(connection->bytes, "GET /v2 HTTP") != NULL;
	say(connection, 200, metadata && server->metadata ? server->metadata : "{\"ready\":true}");
}

static void answer_request(struct connection *connection)
{
	struct server *server = connection->server;
	const struct line *line = &server->script[server->requests++];
	memcpy(server->last_request, connection->bytes, connection->length);
	server->last_request[connection->length] = '\0';
	connection->length = 0;
	if (line->status == SILENCE)
		return;
	if (line->status == HANG_UP) {
		hang_up(connection);
		return;
	}
	say(connection, line->status, line->body);
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
	if (strncmp(connection->bytes, "GET ", 4) == 0 && strstr(connection->bytes, "\r\n\r\n")) {
		answer_question(connection);
		return;
	}
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

static void on_told(void *context, const char *model, const char *words)
{
	struct stand *stand = context;
	assert_string_equal(model, "m");
	size_t length = strlen(stand->told);
	snprintf(stand->told + length, sizeof stand->told - length, words ? "away " : "back ");
}

static int set_up(void **state)
{
	static struct stand stand;
	struct error error = {0};
	stand = (struct stand){.server.loop = loop_open(&error), .arena = arena_open((size_t)1 << 20)};
	int port = server_open(&stand.server);
	snprintf(stand.base, sizeof stand.base, "http://127.0.0.1:%d", port);
	snprintf(stand.url, sizeof stand.url, "%s/v2/models/m/infer", stand.base);
	stand.address = (struct model_address){.base = stand.base, .url = stand.url, .model = "m"};
	stand.model = (struct model_config){.name = "m", .addresses = {1, &stand.address}, .lanes_most = 2};
	stand.config = (struct caller_config){.model_count = 1,
					      .models = &stand.model,
					      .request_bytes = 4096,
					      .reply_bytes = 1024,
					      .told = on_told,
					      .told_context = &stand,
					      .away = &stand.away};
	stand.message = (struct message){.arena = stand.arena, .id = TEXT("r-1")};
	*state = &stand;
	return 0;
}

/* The caller is opened with the first call, so that a story may configure it. */
static void ensure_caller(struct stand *stand)
{
	struct error error = {0};
	if (!stand->caller)
		stand->caller = caller_open(stand->server.loop, &stand->config, on_answered, stand, &error);
	assert_string_equal(error.text, "");
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
	ensure_caller(stand);
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

static void a_server_that_sends_its_callers_elsewhere_says_nothing_else(void **state)
{
	struct stand *stand = *state;
	static const char page[] = "<html>moved</html>";
	stand->server.script = (const struct line[]){{301, page}, {301, page}, {301, page}};
	struct call *call = begin(stand, 0);
	turn_until_answered(stand, 1);
	assert_int_equal(call->error.kind, ERROR_REMOTE);
	assert_non_null(strstr(call->error.text, "another address, which is not followed"));
	assert_non_null(strstr(call->error.text, "status 301"));
}

static void calls_beyond_the_limit_wait_in_line_in_order(void **state)
{
	struct stand *stand = *state;
	stand->server.script = (const struct line[]){{SILENCE, NULL}, {200, SUM}, {200, SUM}, {200, SUM}, {200, SUM}, {200, SUM}};
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
	ensure_caller(stand);
	assert_false(caller_call(stand->caller, &call, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "unknown"));
}

static void a_model_that_is_away_is_waited_for(void **state)
{
	struct stand *stand = *state;
	stand->server.script = (const struct line[]){{200, SUM}, {200, SUM}, {200, SUM}, {200, SUM}, {200, SUM}, {200, SUM}};
	int listener = stand->server.listener.descriptor;
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	loop_unwatch(stand->server.loop, &stand->server.listener);
	close(listener);
	for (int i = 0; i < 6; i++)
		begin(stand, i);
	int64_t until_ms = loop_now_ms(stand->server.loop) + 700;
	while (loop_now_ms(stand->server.loop) < until_ms)
		assert_true(loop_turn(stand->server.loop, 10, &(struct error){0}));
	assert_string_equal(stand->order, "");
	assert_int_equal(atomic_load(&stand->away), 1);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	int yes = 1;
	assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, CONNECTIONS_MAX), 0);
	assert_true(loop_watch(stand->server.loop, &stand->server.listener, listener, EPOLLIN, &(struct error){0}));
	turn_until_answered(stand, 6);
	assert_string_equal(stand->told, "away back ");
	assert_int_equal(atomic_load(&stand->away), 0);
	for (int i = 0; i < 6; i++) {
		assert_string_equal(stand->calls[i].error.text, "");
		assert_int_equal(stand->calls[i].attempts, 1);
	}
}

static void a_callers_deadline_goes_along(void **state)
{
	struct stand *stand = *state;
	stand->server.script = (const struct line[]){{200, SUM}};
	stand->message.deadline_ms = loop_now_ms(stand->server.loop) + 5000;
	begin(stand, 0);
	turn_until_answered(stand, 1);
	const char *header = strstr(stand->server.last_request, "x-deadline-ms: ");
	assert_non_null(header);
	long long deadline_ms = strtoll(header + strlen("x-deadline-ms: "), NULL, 10);
	assert_in_range(deadline_ms, time_of_day_ms(), time_of_day_ms() + 5000);
}

static void the_models_parameters_go_along_behind_the_requests(void **state)
{
	static const struct parameter parameter = {.name = {"batch_size", 10}, .type = PARAMETER_INTEGER, .value.integer = 32};
	struct stand *stand = *state;
	stand->server.script = (const struct line[]){{200, SUM}};
	stand->model.parameters = (struct parameters){1, &parameter};
	begin(stand, 0);
	turn_until_answered(stand, 1);
	assert_non_null(strstr(stand->server.last_request, "\"parameters\":{\"batch_size\":32}"));
}

static void a_model_that_is_not_loaded_yet_is_asked_again(void **state)
{
	struct stand *stand = *state;
	stand->server.script = (const struct line[]){{404, "{\"error\":\"no model m\"}"}, {200, SUM}};
	struct call *call = begin(stand, 0);
	turn_until_answered(stand, 1);
	assert_string_equal(call->error.text, "");
	assert_int_equal(call->attempts, 2);
}

static void tensors_go_as_binary_data_where_the_server_offers_it(void **state)
{
	struct stand *stand = *state;
	stand->server.metadata = "{\"name\":\"s\",\"extensions\":[\"binary_tensor_data\"]}";
	stand->server.script = (const struct line[]){{200, SUM}};
	ensure_caller(stand);
	while (stand->server.questions < 1)
		assert_true(loop_turn(stand->server.loop, 1000, &(struct error){0}));
	for (int i = 0; i < 20; i++) /* the answer is on its way */
		assert_true(loop_turn(stand->server.loop, 5, &(struct error){0}));
	struct call *call = begin(stand, 0);
	turn_until_answered(stand, 1);
	assert_string_equal(call->error.text, "");
	assert_non_null(strstr(stand->server.last_request, "Inference-Header-Content-Length: "));
	assert_non_null(strstr(stand->server.last_request, "\"binary_data_size\":8"));
}

static void other_protocols_are_spoken_where_the_address_says_so(void **state)
{
	static const struct {
		const char *path, *sent, *answer, *name;
	} rows[] = {
		{"/v1", "{\"instances\":[1.0,2.0]}", "{\"predictions\":[3]}", "output-0"},
		{"/api/v1.0/predictions", "{\"meta\":{\"puid\":\"r-1\"},\"data\":{\"names\":[],\"ndarray\":[1.0,2.0]}}",
		 "{\"meta\":{},\"data\":{\"names\":[],\"ndarray\":[3.0]}}", "data"},
		{"/invocations", "{\"inputs\":[1.0,2.0]}", "{\"predictions\":[3.0]}", "output-0"},
	};
	struct stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct line script[] = {{200, rows[i].answer}};
		stand->server.script = script;
		stand->server.requests = 0;
		stand->order[0] = '\0';
		stand->model.addresses =
			addresses_read(arena_print(stand->arena, "%s%s", stand->base, rows[i].path), "m", true, stand->arena);
		struct call *call = begin(stand, 0);
		turn_until_answered(stand, 1);
		assert_string_equal(call->error.text, "");
		assert_non_null(strstr(stand->server.last_request, rows[i].sent));
		assert_float_equal(tensor_number(tensors_find(call->reply->tensors, text_of(rows[i].name)), 0), 3, 0);
		caller_close(stand->caller);
		stand->caller = NULL;
	}
}

/* ---- rehearsals ---- */

static void rehearse(struct stand *stand, const char *rules)
{
	struct error error = {0};
	stand->config.wire = &wire_chaos;
	stand->config.wire_context = chaos_read(rules, stand->arena, &error);
	assert_string_equal(error.text, "");
}

static void a_rehearsed_error_is_an_answer_without_asking_the_model(void **state)
{
	struct stand *stand = *state;
	rehearse(stand, "model m: 503");
	struct call *call = begin(stand, 0);
	turn_until_answered(stand, 1);
	assert_int_equal(call->error.kind, ERROR_REMOTE);
	assert_non_null(strstr(call->error.text, "503"));
	assert_non_null(strstr(call->error.text, "chaos"));
	assert_int_equal(call->attempts, 3);
	assert_int_equal(stand->server.requests, 0);
}

static void a_rehearsed_delay_comes_before_the_models_answer(void **state)
{
	struct stand *stand = *state;
	rehearse(stand, "models: +80ms, +40ms; model other: 503");
	stand->server.script = (const struct line[]){{200, SUM}};
	struct call *call = begin(stand, 0);
	int64_t begun_ms = loop_now_ms(stand->server.loop);
	turn_until_answered(stand, 1);
	assert_string_equal(call->error.text, "");
	assert_in_range(loop_now_ms(stand->server.loop) - begun_ms, 119, 5000);
	assert_int_equal(stand->server.requests, 1);
}

static void a_delay_beyond_the_timeout_is_a_timeout(void **state)
{
	struct stand *stand = *state;
	rehearse(stand, "model m: silent");
	stand->model.timeout_ms = 20;
	struct call *call = begin(stand, 0);
	turn_until_answered(stand, 1);
	assert_int_equal(call->error.kind, ERROR_REMOTE);
	assert_non_null(strstr(call->error.text, "20 ms"));
	assert_int_equal(stand->server.requests, 0);
}

static void what_is_held_back_can_be_forgotten(void **state)
{
	struct stand *stand = *state;
	rehearse(stand, "model m: +10s");
	stand->server.script = (const struct line[]){{200, SUM}};
	begin(stand, 0);
	assert_true(loop_turn(stand->server.loop, 0, &(struct error){0}));
	caller_forget(stand->caller, &stand->calls[0]);
	assert_true(loop_turn(stand->server.loop, 10, &(struct error){0}));
	assert_string_equal(stand->order, "");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_call_goes_out_as_json_and_comes_back_as_tensors),
		STORY(what_the_caller_got_wrong_is_said_in_the_servers_words_and_not_repeated),
		STORY(an_overloaded_server_is_asked_again),
		STORY(a_server_that_stays_broken_is_remote_with_its_last_words),
		STORY(a_server_that_sends_its_callers_elsewhere_says_nothing_else),
		STORY(calls_beyond_the_limit_wait_in_line_in_order),
		STORY(a_forgotten_call_is_never_answered_and_makes_room),
		STORY(an_answer_beyond_the_limit_is_refused),
		STORY(a_model_that_is_away_is_waited_for),
		STORY(a_callers_deadline_goes_along),
		STORY(the_models_parameters_go_along_behind_the_requests),
		STORY(a_model_that_is_not_loaded_yet_is_asked_again),
		STORY(tensors_go_as_binary_data_where_the_server_offers_it),
		STORY(other_protocols_are_spoken_where_the_address_says_so),
		STORY(a_model_without_an_endpoint_is_a_fault_of_the_configuration),
		STORY(a_rehearsed_error_is_an_answer_without_asking_the_model),
		STORY(a_rehearsed_delay_comes_before_the_models_answer),
		STORY(a_delay_beyond_the_timeout_is_a_timeout),
		STORY(what_is_held_back_can_be_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
