/* caller_bench.c: Cost of calls of a model for the caller's thread.
 *
 *   caller_bench ADDRESS N [AT_ONCE [ROWS_MOST [COLUMNS [LANES]]]]
 *   caller_bench serve PORT
 *
 * The second form serves such a model by gRPC until it is ended. The first
 * makes N calls of a model with FP32[1,COLUMNS] (16) at an address (http://host:port,
 * grpc://host:port/model; or `rest`, a server of our own in another thread, which answers them
 * all alike), AT_ONCE (64) asked for, merged up to ROWS_MOST rows, within LANES
 * (as many; 0: as the server's pace allows); prints processor time a call, calls a second, and
 * what went wrong. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number/number.h"
#include "message/formats/oip_protobuf.h"
#include "net/grpc/grpc_server.h"
#include "net/http/http_server.h"
#include "models/calls/caller.h"
#include "tests/bench/clock.h"

#define AT_ONCE_MAX 4096
#define COLUMNS_MAX 1024

struct bench {
	struct loop *loop;
	struct caller *caller;
	uint64_t left, answered, failed;
	struct message messages[AT_ONCE_MAX];
	struct call calls[AT_ONCE_MAX];
	struct payload request;
	char words[ERROR_TEXT_MAX];
};

static struct bench bench;

static void begin(struct call *call)
{
	struct error error = {0};
	struct message *message = &bench.messages[call - bench.calls];
	arena_reset(message->arena);
	*call = (struct call){.name = "m", .request = &bench.request, .message = message};
	bench.left--;
	if (!caller_call(bench.caller, call, &error)) {
		fprintf(stderr, "caller_bench: %s\n", error.text);
		exit(1);
	}
}

static void on_answered(void *context, struct call *call)
{
	(void)context;
	bench.answered++;
	if (call->error.kind != ERROR_NONE) {
		bench.failed++;
		snprintf(bench.words, sizeof bench.words, "%s", call->error.text);
	}
	if (bench.left > 0)
		begin(call);
}

static uint64_t number_of(const char *text)
{
	uint64_t number = 0;
	if (!number_read_uint64(text_of(text), &number)) {
		fprintf(stderr, "caller_bench: %s is no number\n", text);
		exit(2);
	}
	return number;
}

/* Answers every call with a row of output for each of input. */
static void on_called(void *context, struct grpc_request *request, struct text path, struct text body)
{
	static float zeros[1 << 16];
	static struct message message;
	struct error error = {0};
	struct buffer *out = context;
	(void)path;
	if (!message.arena)
		message.arena = arena_open((size_t)64 << 20);
	arena_reset(message.arena);
	buffer_clear(out);
	if (!oip_protobuf_decode(&message, body, NULL, &error)) {
		grpc_server_answer(request, 3, text_of(error.text), TEXT(""));
		return;
	}
	const int64_t shape[] = {message.payload.tensors.items[0]->shape[0]};
	const struct tensor tensor = {
		.name = {"y", 1}, .shape = shape, .data = zeros, .count = (size_t)shape[0], .datatype = DATATYPE_FP32, .rank = 1};
	const struct tensor *const tensors[] = {&tensor};
	const struct payload payload = {.tensors = {1, tensors}};
	const struct answer answer = {.payload = &payload};
	(void)oip_protobuf_encode(&message, &answer, NULL, out, &error);
	grpc_server_answer(request, 0, TEXT(""), buffer_view(out));
}

static int serve(int port)
{
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, 1 << 22);
	const struct grpc_server_config config = {
		.port = port, .message_bytes = 1 << 22, .streams = 1024, .connections = 64, .called = on_called, .context = &out};
	struct loop *loop = loop_open(&error);
	struct grpc_server *server = loop ? grpc_server_open(loop, &config, &error) : NULL;
	while (server && loop_turn(loop, 1000, &error))
		;
	fprintf(stderr, "caller_bench: %s\n", error.text);
	return 1;
}

/* ---- a server by REST ---- */

#define REPLY "{\"model_name\":\"m\",\"outputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[136]}]}"

static atomic_int rest_port; /* 0: it does not listen yet */

static void on_asked(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	(void)context, (void)method, (void)path, (void)body;
	http_server_answer(asked, 200, "application/json", TEXT(REPLY), NULL, 0);
}

static void *serve_rest(void *context)
{
	(void)context;
	struct error error = {0};
	const struct http_server_config config = {.body_bytes = 1 << 20, .connections = AT_ONCE_MAX, .called = on_asked};
	struct loop *loop = loop_open(&error);
	struct http_server *server = loop ? http_server_open(loop, &config, &error) : NULL;
	if (!server) {
		fprintf(stderr, "caller_bench: %s\n", error.text);
		exit(1);
	}
	atomic_store(&rest_port, http_server_port(server));
	while (loop_turn(loop, 1000, &error))
		;
	return NULL;
}

static const char *address_of(const char *word)
{
	static char address[32];
	pthread_t thread;
	if (!text_is(text_of(word), "rest"))
		return word;
	if (pthread_create(&thread, NULL, serve_rest, NULL) != 0) {
		fprintf(stderr, "caller_bench: no thread for the server\n");
		exit(1);
	}
	while (atomic_load(&rest_port) == 0)
		;
	snprintf(address, sizeof address, "http://127.0.0.1:%d", atomic_load(&rest_port));
	return address;
}

int main(int count, char **arguments)
{
	static float elements[COLUMNS_MAX];
	static int64_t shape[] = {1, 16};
	static struct tensor tensor = {
		.name = {"x", 1}, .shape = shape, .data = elements, .count = 16, .datatype = DATATYPE_FP32, .rank = 2};
	static const struct tensor *const tensors[] = {&tensor};
	if (count < 3) {
		fprintf(stderr, "usage: caller_bench ADDRESS N [AT_ONCE [ROWS_MOST [COLUMNS [LANES]]]]\n");
		return 2;
	}
	if (text_is(text_of(arguments[1]), "serve"))
		return serve((int)number_of(arguments[2]));
	struct error error = {0};
	struct arena *arena = arena_open((size_t)1 << 20);
	uint64_t calls = number_of(arguments[2]), at_once = count > 3 ? number_of(arguments[3]) : 64;
	uint64_t lanes = count > 6 ? number_of(arguments[6]) : at_once;
	if (count > 5)
		tensor.count = (size_t)number_of(arguments[5]);
	shape[1] = (int64_t)tensor.count;
	const struct model_config model = {
		.name = "m",
		.addresses = addresses_read(address_of(arguments[1]), "m", false, arena),
		.concurrency_least = (size_t)lanes,
		.concurrency_most = (size_t)lanes,
		.batching = {.rows_most = count > 4 ? (size_t)number_of(arguments[4]) : 0, .latency_ms = 5}};
	const struct caller_config config = {
		.model_count = 1, .models = &model, .request_bytes = 1 << 20, .reply_bytes = 1 << 20, .outage_deadletter = true};
	bench.request = (struct payload){.tensors = {1, tensors}};
	bench.left = calls;
	bench.loop = loop_open(&error);
	bench.caller = bench.loop ? caller_open(bench.loop, &config, on_answered, NULL, &error) : NULL;
	if (!bench.caller) {
		fprintf(stderr, "caller_bench: %s\n", error.text);
		return 1;
	}
	double processor_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID), wall_ns = clock_ns(CLOCK_MONOTONIC);
	for (size_t i = 0; i < at_once && i < AT_ONCE_MAX && bench.left > 0; i++) {
		bench.messages[i] = (struct message){.arena = arena_open((size_t)1 << 24), .id = TEXT("bench-1")};
		begin(&bench.calls[i]);
	}
	while (bench.answered < calls && loop_turn(bench.loop, 1000, &error))
		;
	processor_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - processor_ns;
	wall_ns = clock_ns(CLOCK_MONOTONIC) - wall_ns;
	printf("%.2f microseconds of processor time a call, %.0f calls/s, %" PRIu64 " failed %s\n",
	       processor_ns / (double)calls / 1e3, (double)calls / wall_ns * 1e9, bench.failed, bench.words);
	caller_close(bench.caller);
	loop_close(bench.loop);
	return 0;
}
