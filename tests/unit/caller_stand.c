/* caller_stand.c: see caller_stand.h. */
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

#include "caller_stand.h"

#define TURNS_MAX 5000

/* ---- the server ---- */

static void hang_up(struct caller_stand_connection *connection)
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
	struct caller_stand_connection *connection = context;
	struct loop *loop = connection->stand->loop;
	const struct said *answer = &connection->answer;
	size_t left = answer->length - connection->said;
	size_t piece = answer->piece && answer->piece < left ? answer->piece : left;
	ssize_t sent = piece ? send(connection->watch.descriptor, answer->bytes + connection->said, piece, MSG_NOSIGNAL) : 0;
	if (sent < 0) { /* nobody listens any more */
		hang_up(connection);
		return;
	}
	connection->said += (size_t)sent;
	if (connection->said < answer->length)
		assert_true(loop_timer_set(loop, &connection->timer, loop_now_ms(loop) + 1, &(struct error){0}));
	else if (answer->closes)
		hang_up(connection);
}

static void say(struct caller_stand_connection *connection, struct said answer)
{
	if (answer.status) {
		int length = snprintf(connection->made, sizeof connection->made,
				      "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", answer.status, strlen(answer.bytes),
				      answer.bytes);
		assert_in_range(length, 1, sizeof connection->made - 1);
		answer.bytes = connection->made;
	}
	if (answer.bytes && !answer.length)
		answer.length = strlen(answer.bytes);
	connection->answer = answer;
	connection->said = 0;
	say_more(connection);
}

static void answer_question(struct caller_stand_connection *connection)
{
	struct caller_stand *stand = connection->stand;
	stand->questions++;
	bool metadata = strstr(connection->request, "GET /v2 HTTP") != NULL;
	say(connection, (struct said)SAYS(200, metadata && stand->metadata ? stand->metadata : "{\"ready\":true}"));
}

static void answer_request(struct caller_stand_connection *connection)
{
	struct caller_stand *stand = connection->stand;
	assert_int_not_equal(stand->script_length, 0);
	size_t line = stand->requests < stand->script_length ? stand->requests : stand->script_length - 1;
	stand->requests++;
	memcpy(stand->last_request, connection->request, connection->heard + 1);
	say(connection, stand->script[line]);
}

static void on_request(void *context, uint32_t events)
{
	(void)events;
	struct caller_stand_connection *connection = context;
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
	if (!blank || connection->heard < (size_t)(blank + 4 - connection->request) + body)
		return;
	if (strncmp(connection->request, "GET ", 4) == 0)
		answer_question(connection);
	else
		answer_request(connection);
	connection->heard = 0;
}

static void on_connection(void *context, uint32_t events)
{
	(void)events;
	struct caller_stand *stand = context;
	assert_in_range(stand->connection_count, 0, CALLER_STAND_CONNECTIONS - 1);
	struct caller_stand_connection *connection = &stand->connections[stand->connection_count++];
	*connection = (struct caller_stand_connection){.watch = {.ready = on_request, .context = connection},
						       .stand = stand,
						       .timer = {.due = say_more, .context = connection}};
	int socket = accept(stand->listener.descriptor, NULL, NULL);
	assert_true(loop_watch(stand->loop, &connection->watch, socket, EPOLLIN, &(struct error){0}));
}

static int server_open(struct caller_stand *stand)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, CALLER_STAND_CONNECTIONS), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	stand->listener = (struct watch){.ready = on_connection, .context = stand};
	assert_true(loop_watch(stand->loop, &stand->listener, listener, EPOLLIN, &(struct error){0}));
	return ntohs(address.sin_port);
}

/* ---- the caller ---- */

static void on_answered(void *context, struct call *call)
{
	struct caller_stand *stand = context;
	stand->order[strlen(stand->order)] = (char)('0' + (call - stand->calls));
}

static void on_told(void *context, const char *model, const char *words)
{
	struct caller_stand *stand = context;
	assert_string_equal(model, "m");
	size_t length = strlen(stand->told);
	snprintf(stand->told + length, sizeof stand->told - length, words ? "away " : "back ");
	if (words)
		snprintf(stand->why, sizeof stand->why, "%s", words);
}

static void on_left(void *context, const char *model)
{
	struct caller_stand *stand = context;
	assert_string_equal(model, "m");
	size_t length = strlen(stand->told);
	snprintf(stand->told + length, sizeof stand->told - length, "left ");
}

void caller_stand_open(struct caller_stand *stand)
{
	struct error error = {0};
	*stand = (struct caller_stand){.loop = loop_open(&error), .arena = arena_open((size_t)1 << 20)};
	snprintf(stand->base, sizeof stand->base, "http://127.0.0.1:%d", server_open(stand));
	snprintf(stand->url, sizeof stand->url, "%s/v2/models/m/infer", stand->base);
	stand->address = (struct model_address){.base = stand->base, .url = stand->url, .model = "m"};
	stand->model = (struct model_config){.name = "m", .addresses = {1, &stand->address}, .concurrency_most = 2};
	stand->config = (struct caller_config){.model_count = 1,
					       .models = &stand->model,
					       .request_bytes = 4096,
					       .reply_bytes = 1024,
					       .reported = on_told,
					       .left = on_left,
					       .report_context = stand};
	stand->message = (struct message){.arena = stand->arena, .id = TEXT("r-1")};
}

void caller_stand_close(struct caller_stand *stand)
{
	caller_close(stand->caller);
	for (size_t i = 0; i < stand->connection_count; i++)
		hang_up(&stand->connections[i]);
	loop_unwatch(stand->loop, &stand->listener);
	close(stand->listener.descriptor);
	loop_close(stand->loop);
	arena_close(stand->arena);
}

void caller_stand_play(struct caller_stand *stand, const struct said *script, size_t length)
{
	stand->script = script;
	stand->script_length = length;
	stand->requests = 0;
	memset(stand->order, 0, sizeof stand->order);
}

void caller_stand_ensure(struct caller_stand *stand)
{
	struct error error = {0};
	if (!stand->caller)
		stand->caller = caller_open(stand->loop, &stand->config, on_answered, stand, &error);
	assert_string_equal(error.text, "");
}

struct call *caller_stand_begin(struct caller_stand *stand, size_t number)
{
	static const float elements[] = {1, 2};
	static const int64_t shape[] = {2};
	static const struct tensor tensor = {
		.name = {"x", 1}, .shape = shape, .data = elements, .count = 2, .datatype = DATATYPE_FP32, .rank = 1};
	static const struct tensor *const tensors[] = {&tensor};
	static const struct payload payload = {.tensors = {1, tensors}};
	struct call *call = &stand->calls[number];
	*call = (struct call){.target = CALL_MODEL, .name = "m", .request = &payload, .message = &stand->message};
	caller_stand_ensure(stand);
	assert_true(caller_call(stand->caller, call, &(struct error){0}));
	return call;
}

void caller_stand_turn(struct caller_stand *stand, int wait_ms)
{
	assert_true(loop_turn(stand->loop, wait_ms, &(struct error){0}));
}

void caller_stand_wait(struct caller_stand *stand, size_t answered)
{
	for (int turns = 0; strlen(stand->order) < answered; turns++) {
		assert_in_range(turns, 0, TURNS_MAX);
		caller_stand_turn(stand, 5000);
	}
}
