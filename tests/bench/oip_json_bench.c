/* oip_json_bench.c: one OIP request of JSON with one tensor read, and its answer
 * written, beside jansson parsing the same bytes (which is not yet a tensor).
 *
 *   oip_json_bench both|decode|encode|jansson|none ROUNDS [ELEMENTS [DATATYPE]]
 *
 * of FP32[1,16] by default; DATATYPE may also be FP64, INT64, BYTES (texts of 12 letters, some with an escape) or
 * `binary`, which is FP32 behind the JSON, as the binary-data extension sends it. Prints nanoseconds a round. Under
 * callgrind the instructions of a round are those of two runs' difference. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/number/number.h"
#include "message/formats/format.h"
#include "message/formats/oip_json.h"
#include "tests/bench/clock.h"

#define TEXT_BYTES 12

static struct message message;
static struct header header_length = {.name = {OIP_LENGTH_HEADER, sizeof OIP_LENGTH_HEADER - 1}};
static size_t answer_header_length;
static bool binary;
static struct buffer request;
static struct buffer reply;

/* Numbers with as many digits as measurements have. */
static double some_number(long i)
{
	return (double)((i * 7919 + 13) % 20011) / 1000.0 - 10.0;
}

/* Where they are texts: one of eight has a quote in it. */
static void add_text(long i)
{
	buffer_print(&request, "\"%0*ld%s\"", TEXT_BYTES - 2, i * 7919 % 20011, i % 8 ? "ab" : "\\\"");
}

/* FP32, behind the JSON. */
static void make_binary(long elements)
{
	static char length[NUMBER_TEXT_MAX];
	binary = true;
	buffer_print(&request,
		     "{\"id\":\"5d1f0a9e-request\",\"parameters\":{\"binary_data_output\":true},\"inputs\":[{\"name\":"
		     "\"features\",\"shape\":[1,%ld],\"datatype\":\"FP32\",\"parameters\":{\"binary_data_size\":%ld}}]}",
		     elements, elements * (long)sizeof(float));
	header_length.value = (struct text){length, number_write_uint64(length, request.length)};
	for (long i = 0; i < elements; i++) {
		float number = (float)some_number(i);
		buffer_append(&request, &number, sizeof number);
	}
}

static void make_request(long elements, const char *datatype)
{
	if (strcmp(datatype, "binary") == 0) {
		make_binary(elements);
		return;
	}
	buffer_print(
		&request,
		"{\"id\":\"5d1f0a9e-request\",\"inputs\":[{\"name\":\"features\",\"shape\":[1,%ld],\"datatype\":\"%s\",\"data\":[",
		elements, datatype);
	for (long i = 0; i < elements; i++) {
		buffer_string(&request, i ? "," : "");
		if (strcmp(datatype, "BYTES") == 0)
			add_text(i);
		else if (strcmp(datatype, "FP32") == 0)
			buffer_print(&request, "%.8g", (double)(float)some_number(i));
		else if (strcmp(datatype, "FP64") == 0)
			buffer_print(&request, "%.17g", some_number(i) / 3.0);
		else
			buffer_print(&request, "%ld", i * 7919 % 20011 - 10000);
	}
	buffer_string(&request, "]}]}");
}

static bool decode_round(void)
{
	struct error error;
	struct arena *arena = message.arena;
	error.kind = ERROR_NONE;
	arena_reset(arena);
	message = (struct message){.arena = arena, .headers = {binary ? 1 : 0, &header_length}};
	if (binary)
		message_classify_headers(&message); /* as a worker does */
	return message_decode(&message, buffer_view(&request), NULL, &error);
}

static bool encode_round(void)
{
	struct error error;
	struct answer answer = {.payload = &message.payload, .header_length = binary ? &answer_header_length : NULL};
	error.kind = ERROR_NONE;
	buffer_clear(&reply);
	return answer_encode(&message, &answer, NULL, NULL, &reply, &error);
}

static bool both_round(void)
{
	return decode_round() && encode_round();
}

static bool jansson_round(void)
{
	json_t *tree = json_loadb(request.bytes, request.length, 0, NULL);
	json_decref(tree);
	return tree != NULL;
}

static bool no_round(void)
{
	return true;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		bool (*round)(void);
	} rows[] = {{"both", both_round},
		    {"decode", decode_round},
		    {"encode", encode_round},
		    {"jansson", jansson_round},
		    {"none", no_round}};
	bool (*round)(void) = NULL;
	for (size_t i = 0; argc >= 3 && i < sizeof rows / sizeof *rows; i++)
		if (strcmp(argv[1], rows[i].name) == 0)
			round = rows[i].round;
	long rounds = argc >= 3 ? strtol(argv[2], NULL, 10) : 0;
	if (!round || rounds <= 0) {
		fprintf(stderr, "usage: oip_json_bench both|decode|encode|jansson|none ROUNDS [ELEMENTS [DATATYPE]]\n");
		return 2;
	}
	message.arena = arena_open((size_t)1 << 28);
	buffer_open(&request, (size_t)1 << 28);
	buffer_open(&reply, (size_t)1 << 28);
	make_request(argc > 3 ? strtol(argv[3], NULL, 10) : 16, argc > 4 ? argv[4] : "FP32");
	if (!message.arena || !both_round())
		return 1;
	double began_ns = clock_ns(CLOCK_MONOTONIC);
	for (long i = 0; i < rounds; i++)
		if (!round())
			return 1;
	double ns = clock_ns(CLOCK_MONOTONIC) - began_ns;
	printf("%s: %.1f ns a round, request %zu bytes, answer %zu\n", argv[1], ns / (double)rounds, request.length, reply.length);
	return 0;
}
