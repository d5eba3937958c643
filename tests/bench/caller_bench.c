/* caller_bench.c: what calls of a model cost the caller's thread.
 *
 *   caller_bench ADDRESS N [AT_ONCE [ROWS_MOST]]
 *
 * Makes N calls of the model `m` with FP32[1,16] at an address (http://host:port,
 * grpc://host:port), AT_ONCE (64) under way, merged up to ROWS_MOST rows; prints processor
 * time a call, calls a second, and what went wrong. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/number.h"
#include "serving/caller.h"

#define AT_ONCE_MAX 4096
#define COLUMNS 16

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

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double processor_s(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

static double wall_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

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

int main(int count, char **arguments)
{
	static float elements[COLUMNS];
	static const int64_t shape[] = {1, COLUMNS};
	static const struct tensor tensor = {
		.name = {"x", 1}, .shape = shape, .data = elements, .count = COLUMNS, .datatype = DATATYPE_FP32, .rank = 2};
	static const struct tensor *const tensors[] = {&tensor};
	if (count < 3) {
		fprintf(stderr, "usage: caller_bench ADDRESS N [AT_ONCE [ROWS_MOST]]\n");
		return 2;
	}
	struct error error = {0};
	struct arena *arena = arena_open((size_t)1 << 20);
	uint64_t calls = number_of(arguments[2]), at_once = count > 3 ? number_of(arguments[3]) : 64;
	const struct model_config model = {
		.name = "m",
		.addresses = addresses_read(arguments[1], "m", false, arena),
		.lanes_least = (size_t)at_once,
		.lanes_most = (size_t)at_once,
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
	double processor = processor_s(), wall = wall_s();
	for (size_t i = 0; i < at_once && i < AT_ONCE_MAX && bench.left > 0; i++) {
		bench.messages[i] = (struct message){.arena = arena_open((size_t)1 << 24), .id = TEXT("bench-1")};
		begin(&bench.calls[i]);
	}
	while (bench.answered < calls && loop_turn(bench.loop, 1000, &error))
		;
	processor = processor_s() - processor;
	wall = wall_s() - wall;
	printf("%.2f microseconds of processor time a call, %.0f calls/s, %" PRIu64 " failed %s\n", processor / (double)calls * 1e6,
	       (double)calls / wall, bench.failed, bench.words);
	caller_close(bench.caller);
	loop_close(bench.loop);
	return 0;
}
