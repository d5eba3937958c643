/* avro_bench.c: one request with one FP32[1,16] read, and its answer written: by our
 * own codec, and by avro-c on the same bytes.
 *
 *   avro_bench own|avro-c|none ROUNDS
 *
 * prints nanoseconds a round. Under callgrind the instructions of a round are those
 * of `own` less those of `none`, by the number of rounds. */
#include <stdio.h>
#include <stdlib.h>

#include <avro.h>

#include "message/avro/avro.h"
#include "message/avro/schemas.h"
#include "tests/bench/clock.h"

#define HEAD_BYTES 10

static struct arena *arena;
static struct buffer request;
static struct buffer reply;

static bool make_request(void)
{
	struct error error = {0};
	static const int64_t shape[] = {1, 16};
	float numbers[16];
	for (int i = 0; i < 16; i++)
		numbers[i] = (float)i / 4;
	struct tensor tensor = {.name = TEXT("features"), .shape = shape, .data = numbers, .count = 16, .datatype = DATATYPE_FP32,
				.rank = 2};
	const struct tensor *items[] = {&tensor};
	struct payload payload = {.tensors = {1, items}};
	struct message sent = {.arena = arena, .payload_id = TEXT("5d1f0a9e-request")};
	return avro_request_encode(&sent, &payload, &request, &error);
}

/* Where the request stood, as every answer tells. */
static struct message message;

static bool own_round(void)
{
	struct error error;
	error.kind = ERROR_NONE;
	arena_reset(arena);
	buffer_clear(&reply);
	if (!format_avro.decode(&message, buffer_view(&request), NULL, &error))
		return false;
	struct answer answer = {.payload = &message.payload};
	return format_avro.encode(&message, &answer, NULL, &reply, &error);
}

static avro_value_t value_in;
static avro_value_t value_out;
static avro_reader_t reader;
static avro_writer_t writer;
static char written[4096];

static avro_value_t value_of(const char *schema_name, struct text body)
{
	avro_schema_t schema;
	avro_value_t value;
	const char *json = schema_json(schema_name);
	avro_schema_from_json_length(json, strlen(json), &schema);
	avro_generic_value_new(avro_generic_class_from_schema(schema), &value);
	avro_reader_memory_set_source(reader, body.bytes, (int64_t)body.length);
	avro_value_read(reader, &value);
	return value;
}

static void make_avro_c(void)
{
	reader = avro_reader_memory("", 0);
	writer = avro_writer_memory(written, sizeof written);
	own_round();
	value_in = value_of("request", (struct text){request.bytes + HEAD_BYTES, request.length - HEAD_BYTES});
	value_out = value_of("response", (struct text){reply.bytes + HEAD_BYTES, reply.length - HEAD_BYTES});
}

/* The answer's value stands ready: what is timed is reading and writing alone. */
static bool avro_c_round(void)
{
	avro_reader_memory_set_source(reader, request.bytes + HEAD_BYTES, (int64_t)(request.length - HEAD_BYTES));
	avro_writer_reset(writer);
	return avro_value_read(reader, &value_in) == 0 && avro_value_write(writer, &value_out) == 0;
}

static bool no_round(void)
{
	return true;
}

int main(int argc, char **argv)
{
	long rounds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	if (rounds <= 0) {
		fprintf(stderr, "usage: avro_bench own|avro-c|none ROUNDS\n");
		return 2;
	}
	bool (*round)(void) = strcmp(argv[1], "own") == 0 ? own_round : strcmp(argv[1], "none") == 0 ? no_round : avro_c_round;
	arena = arena_open((size_t)1 << 20);
	message = (struct message){.arena = arena, .origin = {TEXT("sluice.default.pipeline.trading.inputs"), 3, 4711}};
	buffer_open(&request, 4096);
	buffer_open(&reply, 4096);
	if (!arena || !make_request() || !own_round())
		return 1;
	make_avro_c();
	double began_ns = clock_ns(CLOCK_MONOTONIC);
	for (long i = 0; i < rounds; i++)
		if (!round())
			return 1;
	double ns = clock_ns(CLOCK_MONOTONIC) - began_ns;
	printf("%s: %.1f ns a round, request %zu bytes, answer %zu\n", argv[1], ns / (double)rounds, request.length, reply.length);
	return 0;
}
