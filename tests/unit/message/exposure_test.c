/* exposure_test.c: Tests of exposures, and of assignments in answers: their bytes, and those that a worker writes. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "message/avro/avro.h"
#include "message/records/exposure.h"
#include "message/formats/format.h"
#include "tests/unit/held_model.h"
#include "tests/unit/letters.h"
#include "tests/unit/worker_stand.h"
#include "engine/outputs/exposures.h"
#include "engine/worker/parts.h"

#define ARENA_BYTES ((size_t)1 << 20)

static const struct assigned one = {.experiment = {"e", sizeof "e" - 1},
				    .variant = {"new", sizeof "new" - 1},
				    .unit = {"customer 7", sizeof "customer 7" - 1},
				    .probability = 0.25,
				    .reason = ASSIGNED_ROUTE,
				    .table = 0x0123456789abcdef,
				    .layer = {"prices", sizeof "prices" - 1},
				    .stage = 2,
				    .exposed = true};

static const struct exposure_outcome nothing_said = {.latency_ms = (double)NAN};
static const struct exposure_outcome buys = {.prediction = {"buy", sizeof "buy" - 1}, .latency_ms = 12.5};
static const struct exposure_outcome sells = {.prediction = {"sell", sizeof "sell" - 1}, .latency_ms = 3};
static const struct exposure_outcome fails = {.latency_ms = (double)NAN, .error = {"REMOTE", sizeof "REMOTE" - 1}};

static double letter_double(struct letter *letter, const char *list, const char *name)
{
	avro_value_t value = letter->value, inner;
	double number = 0;
	if (list) {
		assert_int_equal(avro_value_get_by_name(&value, list, &inner, NULL), 0);
		assert_int_equal(avro_value_get_by_index(&inner, 0, &value, NULL), 0);
	}
	assert_int_equal(avro_value_get_by_name(&value, name, &inner, NULL), 0);
	assert_int_equal(avro_value_get_double(&inner, &number), 0);
	return number;
}

static void an_exposure_has_all_that_its_schema_names(void **state)
{
	struct message message = {.id = TEXT("r-1"), .time_ms = 77, .origin = {TEXT("in"), 2, 9}};
	struct buffer out;
	struct letter letter;
	struct error error = {0};
	(void)state;
	buffer_open(&out, 1 << 10);
	assert_true(exposure_encode(&message, &one, &buys, &out, &error));
	letter_open_as(&letter, "exposure", buffer_view(&out));
	assert_true(text_is(letter_text(&letter, "id"), "r-1"));
	assert_true(text_is(letter_text(&letter, "origin.topic"), "in"));
	assert_int_equal(letter_number(&letter, "origin.partition"), 2);
	assert_int_equal(letter_number(&letter, "origin.offset"), 9);
	assert_int_equal(letter_number(&letter, "time_ms"), 77);
	assert_true(text_is(letter_text(&letter, "experiment"), "e"));
	assert_true(text_is(letter_text(&letter, "variant"), "new"));
	assert_true(text_is(letter_text(&letter, "unit"), "customer 7"));
	assert_true(text_is(letter_text(&letter, "reason"), "route"));
	assert_true(text_is(letter_text(&letter, "table"), "0123456789abcdef"));
	assert_true(letter_double(&letter, NULL, "probability") == 0.25);
	assert_true(text_is(letter_text(&letter, "prediction"), "buy"));
	assert_true(letter_double(&letter, NULL, "latency_ms") == 12.5);
	assert_int_equal(letter_number(&letter, "stage"), 2);
	assert_true(text_is(letter_text(&letter, "layer"), "prices"));
	assert_true(text_is(letter_text(&letter, "error"), ""));
	letter_close(&letter);
	buffer_clear(&out);
	message.written_ms = 7700; /* windows for outcomes begin then, whatever the event time is */
	assert_true(exposure_encode(&message, &one, &buys, &out, &error));
	letter_open_as(&letter, "exposure", buffer_view(&out));
	assert_int_equal(letter_number(&letter, "time_ms"), 7700);
	letter_close(&letter);
	buffer_clear(&out);
	assert_true(exposure_encode(&message, &one, &fails, &out, &error));
	letter_open_as(&letter, "exposure", buffer_view(&out));
	assert_true(text_is(letter_text(&letter, "error"), "REMOTE"));
	letter_close(&letter);
	buffer_close(&out);
	buffer_open(&out, 32);
	assert_false(exposure_encode(&message, &one, &nothing_said, &out, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	buffer_close(&out);
}

static void a_table_has_all_hexadecimal_digits(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct message message = {.id = TEXT("r-1")};
	(void)state;
	for (unsigned digit = 0; digit < 16; digit++)
		for (unsigned place = 0; place < 16; place++) {
			struct assigned other = one;
			struct exposure read;
			struct buffer out;
			struct error error = {0};
			char expected[17];
			other.table = (uint64_t)digit << 4 * place;
			snprintf(expected, sizeof expected, "%016" PRIx64, other.table);
			buffer_open(&out, 1 << 10);
			assert_true(exposure_encode(&message, &other, &sells, &out, &error));
			assert_true(exposure_decode(buffer_view(&out), arena, &read, &error));
			assert_true(text_is(read.table, expected));
			buffer_close(&out);
		}
	arena_close(arena);
}

/* Of the record of `one`: no error; before it the latency, the stage, the layer, and no texts. */
#define ERROR_BYTES 1
#define MEASURES_BYTES (8 + 1 + 1 + sizeof "prices" - 1 + 1 + ERROR_BYTES)

static void an_exposure_without_an_error_is_read_as_before(void **state)
{
	static const unsigned char former[] = {0xc3, 0x01, 0x8c, 0x26, 0x3b, 0x02, 0x8d, 0xfb, 0xd9, 0x3a};
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct message message = {.id = TEXT("r-1"), .time_ms = 77};
	struct exposure read;
	struct buffer out;
	struct error error = {0};
	(void)state;
	buffer_open(&out, 1 << 10);
	assert_true(exposure_encode(&message, &one, &fails, &out, &error));
	assert_true(exposure_decode(buffer_view(&out), arena, &read, &error));
	assert_true(text_is(read.error, "REMOTE") && isnan(read.latency_ms));
	for (size_t length = 0; length < out.length; length++)
		assert_false(exposure_decode((struct text){out.bytes, length}, arena, &read, &error));
	buffer_clear(&out);
	assert_true(exposure_encode(&message, &one, &sells, &out, &error));
	memcpy(out.bytes, former, sizeof former);
	assert_true(exposure_decode((struct text){out.bytes, out.length - ERROR_BYTES}, arena, &read, &error));
	assert_true(text_is(read.prediction, "sell") && read.latency_ms == 3 && text_is(read.layer, "prices"));
	assert_int_equal(read.error.length, 0);
	assert_false(exposure_decode(buffer_view(&out), arena, &read, &error)); /* a byte too many */
	const char *json = "{\"experiment\":\"e\",\"variant\":\"new\",\"error\":\"LIMIT\"}";
	assert_true(exposure_decode(text_of(json), arena, &read, &error));
	assert_true(text_is(read.error, "LIMIT"));
	buffer_close(&out);
	arena_close(arena);
}

/* The schema of 0.1.0's successors up to the one with latencies. */
static void an_exposure_without_a_latency_is_read_as_before(void **state)
{
	static const unsigned char former[] = {0xc3, 0x01, 0x2b, 0x43, 0x66, 0x68, 0x96, 0x5f, 0x2b, 0x37};
	static const struct exposure_text texts[] = {{{"city", 4}, {"Oslo", 4}}, {{"tier", 4}, {"", 0}}};
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct message message = {.id = TEXT("r-1"), .time_ms = 77};
	struct assigned two = one;
	struct exposure read;
	struct buffer out;
	struct error error = {0};
	(void)state;
	buffer_open(&out, 1 << 10);
	assert_true(exposure_encode(&message, &one, &sells, &out, &error));
	memcpy(out.bytes, former, sizeof former);
	assert_true(exposure_decode((struct text){out.bytes, out.length - MEASURES_BYTES}, arena, &read, &error));
	assert_true(text_is(read.prediction, "sell") && isnan(read.latency_ms));
	assert_true(read.stage == 0 && read.layer.length == 0 && read.text_count == 0);
	two.text_count = 2;
	two.texts = texts;
	buffer_clear(&out);
	assert_true(exposure_encode(&message, &two, &sells, &out, &error));
	assert_true(exposure_decode(buffer_view(&out), arena, &read, &error));
	assert_true(read.latency_ms == 3 && read.stage == 2 && text_is(read.layer, "prices"));
	assert_true(read.text_count == 2 && text_is(read.texts[0].name, "city") && text_is(read.texts[0].value, "Oslo"));
	for (size_t length = 0; length < out.length; length++)
		assert_false(exposure_decode((struct text){out.bytes, length}, arena, &read, &error));
	const char *json = "{\"experiment\":\"e\",\"variant\":\"new\",\"latency_ms\":7,\"stage\":3,\"layer\":\"l\","
			   "\"context\":{\"x\":1,\"city\":\"Oslo\"}}";
	assert_true(exposure_decode(text_of(json), arena, &read, &error));
	assert_true(read.latency_ms == 7 && read.stage == 3 && text_is(read.layer, "l") && read.feature_count == 1);
	assert_true(read.text_count == 1 && text_is(read.texts[0].value, "Oslo"));
	error = (struct error){0};
	const char *below = "{\"experiment\":\"e\",\"variant\":\"new\",\"stage\":-1}";
	assert_false(exposure_decode(text_of(below), arena, &read, &error));
	assert_non_null(strstr(error.text, "`stage` of the exposure is not a stage"));
	buffer_close(&out);
	arena_close(arena);
}

/* So feedback of the unit joins them, whoever wrote the file. */
static void a_unit_of_json_is_the_text_that_engines_give_it(void **state)
{
	static const struct {
		const char *written, *unit;
	} rows[] = {{"7.0", "7"},	 {"\"7.0\"", "7"},     {"7", "7"},	{"1e3", "1000"},
		    {"\"1e3\"", "1e3"}, {"\"u-1\"", "u-1"}, {"null", ""}};
	struct arena *arena = arena_open(ARENA_BYTES);
	struct exposure read;
	struct error error = {0};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *json = arena_print(arena, "{\"experiment\":\"e\",\"variant\":\"new\",\"unit\":%s}", rows[i].written);
		assert_true(exposure_decode(text_of(json), arena, &read, &error));
		assert_true(text_is(read.unit, rows[i].unit));
	}
	arena_close(arena);
}

/* What is wrong is the number, and not what is behind it. */
static void a_number_out_of_range_is_named(void **state)
{
	static const struct {
		const char *member, *says;
	} rows[] = {{"\"time_ms\":1e300", "`time_ms` of the exposure is not a whole number of 64 bits"},
		    {"\"time_ms\":-1", "the exposure has a wrong `time_ms`; write milliseconds since 1970"},
		    {"\"time_ms\":9223372036854775807", "the exposure has a wrong `time_ms`"},
		    {"\"stage\":123456789012345678901", "`stage` of the exposure is not a whole number of 64 bits"},
		    {"\"latency_ms\":1e400", "`latency_ms` of the exposure is not a finite number"},
		    {"\"origin\":{\"topic\":\"t\",\"partition\":-1}", "`partition` of the exposure is not a partition"}};
	struct arena *arena = arena_open(ARENA_BYTES);
	struct exposure read;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error error = {0};
		const char *json = arena_print(arena, "{\"experiment\":\"e\",\"variant\":\"new\",%s}", rows[i].member);
		assert_false(exposure_decode(text_of(json), arena, &read, &error));
		assert_non_null(strstr(error.text, rows[i].says));
	}
	arena_close(arena);
}

/* Whoever reads it computes with its time. */
static void a_record_of_a_time_that_is_none_is_refused(void **state)
{
	static const int64_t times_ms[] = {-1, INT64_MIN, INT64_MAX};
	struct arena *arena = arena_open(ARENA_BYTES);
	struct exposure read;
	struct buffer out;
	(void)state;
	buffer_open(&out, 1 << 10);
	for (size_t i = 0; i < sizeof times_ms / sizeof *times_ms; i++) {
		const struct message message = {.id = TEXT("r-1"), .time_ms = times_ms[i]};
		struct error error = {0};
		buffer_clear(&out);
		assert_true(exposure_encode(&message, &one, &buys, &out, &error));
		assert_false(exposure_decode(buffer_view(&out), arena, &read, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
		assert_string_equal(error.text, "the exposure has a wrong `time_ms`; write milliseconds since 1970");
	}
	buffer_close(&out);
	arena_close(arena);
}

/* Exposures are data for years: those of before predictions are read on. */
static void an_exposure_without_a_prediction_is_read_as_before(void **state)
{
	static const unsigned char former[] = {0xc3, 0x01, 0x34, 0xa0, 0xb5, 0x88, 0xb2, 0x9d, 0x0c, 0x41};
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct message message = {.id = TEXT("r-1"), .time_ms = 77};
	struct exposure read;
	struct buffer out;
	struct error error = {0};
	(void)state;
	buffer_open(&out, 1 << 10);
	assert_true(exposure_encode(&message, &one, &sells, &out, &error));
	assert_true(exposure_decode(buffer_view(&out), arena, &read, &error));
	assert_true(text_is(read.prediction, "sell"));
	buffer_clear(&out);
	assert_true(exposure_encode(&message, &one, &nothing_said, &out, &error));
	memcpy(out.bytes, former, sizeof former);
	const size_t added = 1 + MEASURES_BYTES; /* the prediction, which is empty, and what came later */
	const struct text shorter = {out.bytes, out.length - added};
	assert_true(exposure_decode(shorter, arena, &read, &error));
	assert_true(text_is(read.variant, "new"));
	assert_true(text_is(read.table, "0123456789abcdef"));
	assert_int_equal(read.prediction.length, 0);
	assert_false(exposure_decode((struct text){out.bytes, out.length - added + 1}, arena, &read, &error)); /* a byte too many */
	const char *json = "{\"experiment\":\"e\",\"variant\":\"new\",\"prediction\":\"buy\"}";
	assert_true(exposure_decode(text_of(json), arena, &read, &error));
	assert_true(text_is(read.prediction, "buy"));
	buffer_close(&out);
	arena_close(arena);
}

static void an_avro_answer_lists_its_assignments(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct message message = {.arena = arena, .id = TEXT("r-1")};
	struct buffer out;
	struct letter letter;
	struct error error = {0};
	(void)state;
	error_set(&error, ERROR_INPUT, PLACE_NONE, "no");
	const struct error failed = error;
	const struct answer answer = {.error = &failed};
	assert_non_null(assigned_add(&message, &one));
	buffer_open(&out, 1 << 10);
	assert_true(avro_answer_encode(&message, &answer, NULL, &out, &error));
	letter_open_as(&letter, "response", buffer_view(&out));
	assert_true(text_is(letter_text(&letter, "assignments.experiment"), "e"));
	assert_true(text_is(letter_text(&letter, "assignments.variant"), "new"));
	assert_true(letter_double(&letter, "assignments", "probability") == 0.25);
	letter_close(&letter);
	buffer_close(&out);
	arena_close(arena);
}

#define EXPERIMENT                                                                                                                 \
	"  - {name: s, experiment: {name: e, exposures: full, candidates: [{name: away, weight: 1}],\n"                            \
	"     mirror: {name: gone, percent: 100}}}\n"                                                                              \
	"  output: {steps: [s]}\n"

/* The exposure leaves before the answer, to the topic that the stage has for it: here the same. A failure is one too. */
static void a_worker_writes_exposures_with_the_answer(void **state)
{
	struct stand *stand = *state;
	struct letter letter;
	static const struct model_address nowhere = {.url = "http://127.0.0.1:1"};
	static const struct model_config away = {.name = "away", .addresses = {1, &nowhere}};
	stand_configure(stand, EXPERIMENT);
	stand->stages[0].exposes = true;
	stand->caller.model_count = 1;
	stand->caller.models = &away;
	stand->caller.outage_deadletter = true;
	stand_start(stand);
	stand_ask(stand, "r-1", 1, "x-seldon-route", ":nobody_1:");
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	bool keyed = record->key_len == 3 && memcmp(record->key, "r-1", 3) == 0;
	letter_open_as(&letter, "exposure", (struct text){record->payload, record->len});
	assert_true(keyed);
	assert_true(text_is(letter_text(&letter, "unit"), "key"));
	assert_true(text_is(letter_text(&letter, "variant"), "away"));
	assert_true(text_is(letter_text(&letter, "reason"), "weight"));
	assert_true(text_is(letter_text(&letter, "prediction"), "")); /* an error says nothing */
	assert_true(text_is(letter_text(&letter, "error"), "REMOTE"));
	letter_close(&letter);
	record = mock_read(&stand->mock);
	const char *words = record_header(record, "sluice-experiment"), *route = record_header(record, "x-seldon-route");
	bool listed = words && strcmp(words, "e=away; probability=1.0") == 0, routed = route && strcmp(route, ":away_1:") == 0;
	const char *mirrored = record_header(record, "sluice-mirrored");
	bool mirrors = mirrored && strcmp(mirrored, "e") == 0;
	assert_true(listed && mirrors);
	assert_true(routed);
	assert_int_equal(stand_stop(stand).failed, 1);
}

#define SPLIT(exposures)                                                                                                           \
	"  - {name: s, experiment: {name: e, unit: x, exposures: " exposures ", candidates: [{name: m, weight: 1}]}}\n"            \
	"  output: {steps: [s]}\n"

#define TWO_SPLITS                                                                                                                 \
	"  - {name: t, experiment: {name: f, exposures: off, candidates: [{name: m, weight: 1}]}}\n"                               \
	"  - {name: s, inputs: [t], experiment: {name: e, unit: y, exposures: thin, candidates: [{name: m, weight: 1}]}}\n"        \
	"  - {name: u, inputs: [s], experiment: {name: g, exposures: off, candidates: [{name: m, weight: 1}]}}\n"                  \
	"  output: {steps: [u]}\n"

/* Runs one request through a pipeline, and returns its exposure as the first record has it; id empty: it has none. */
static struct exposure exposure_of(struct stand *stand, const char *steps, bool exposes, const struct format *format,
				   struct arena *arena)
{
	struct exposure exposure = {.latency_ms = -1};
	struct held_model model;
	struct error error = {0};
	rd_kafka_headers_t *headers;
	const void *value;
	size_t size;
	stand_configure(stand, steps);
	held_model_open(&model, "m", 1);
	atomic_store(&model.open, true);
	stand->stages[0].exposes = exposes;
	stand->stages[0].format = format;
	stand->caller.model_count = 1;
	stand->caller.models = &model.config;
	stand_start(stand);
	stand_ask(stand, "r-1", 5, NULL, NULL);
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	struct text bytes = exposes ? (struct text){record->payload, record->len} : (struct text){0};
	if (!exposes && !rd_kafka_message_headers(record, &headers) &&
	    !rd_kafka_header_get_last(headers, "sluice-exposure", &value, &size))
		bytes = (struct text){value, size};
	if (bytes.length > 0)
		assert_true(exposure_decode((struct text){arena_copy(arena, bytes.bytes, bytes.length), bytes.length}, arena,
					    &exposure, &error));
	(void)stand_stop(stand);
	held_model_close(&model);
	return exposure;
}

/* A thin exposure is the record that a full one is: a header of the answer, which is then the only record. */
static void an_answer_carries_what_a_topic_would_have(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct exposure full = exposure_of(*state, SPLIT("full"), true, NULL, arena);
	assert_int_equal(stand_close(state), 0);
	assert_int_equal(stand_open(state), 0);
	const struct exposure thin = exposure_of(*state, SPLIT("thin"), false, NULL, arena);
	assert_true(text_is(thin.id, "r-1") && text_equal(full.id, thin.id));
	assert_true(text_is(thin.unit, "5") && text_equal(full.unit, thin.unit));
	assert_true(text_is(thin.prediction, "1") && text_equal(full.prediction, thin.prediction));
	assert_true(text_is(thin.experiment, "e") && text_is(thin.variant, "m") && thin.reason == ASSIGNED_WEIGHT);
	assert_true(thin.table.length == 16 && text_equal(full.table, thin.table));
	assert_true(text_is(thin.origin.topic, "in") && thin.origin.offset == 0 && thin.time_ms > 0 && thin.latency_ms >= 0);
	assert_true(thin.probability == 1);
	assert_int_equal(stand_close(state), 0);
	assert_int_equal(stand_open(state), 0);
	assert_int_equal(exposure_of(*state, SPLIT("off"), false, NULL, arena).id.length, 0);
	assert_int_equal(stand_close(state), 0);
	assert_int_equal(stand_open(state), 0);
	const struct exposure first =
		exposure_of(*state, TWO_SPLITS, false, NULL, arena); /* of the last header, which is the only one */
	assert_true(text_is(first.experiment, "e"));
	assert_int_equal(stand_close(state), 0);
	assert_int_equal(stand_open(state), 0);
	assert_int_equal(exposure_of(*state, SPLIT("thin"), false, &format_avro, arena).id.length, 0);
	arena_close(arena);
}

static size_t exposures_in(const rd_kafka_message_t *record)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t count = 0, size;
	if (!rd_kafka_message_headers(record, &headers))
		while (!rd_kafka_header_get(headers, count, "sluice-exposure", &value, &size))
			count++;
	return count;
}

/* Runs a request that fails in an experiment with thin exposures. */
static size_t exposures_of_error(struct stand *stand, const struct format *format)
{
	static const struct model_address nowhere = {.url = "http://127.0.0.1:1/v2/models/m/infer"};
	static const struct model_config away = {.name = "m", .addresses = {1, &nowhere}};
	stand_configure(stand, SPLIT("thin"));
	stand->stages[0].format = format;
	stand->caller.model_count = 1;
	stand->caller.models = &away;
	stand->caller.outage_deadletter = true;
	stand_start(stand);
	stand_ask(stand, "r-1", 5, NULL, NULL);
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	const char *kind = record_header(record, "sluice-error");
	const bool has_failed = kind && strcmp(kind, "REMOTE") == 0;
	const size_t count = exposures_in(record);
	assert_true(has_failed);
	(void)stand_stop(stand);
	return count;
}

/* Otherwise the exposures of a pipeline would be those of its errors. */
static void whether_answers_carry_exposures_is_decided_by_their_format(void **state)
{
	assert_int_equal(exposures_of_error(*state, NULL), 1);
	assert_int_equal(stand_close(state), 0);
	assert_int_equal(stand_open(state), 0);
	assert_int_equal(exposures_of_error(*state, &format_avro), 0);
}

/* The first child is dropped, so the second is the first one with an answer. */
static void the_first_answer_of_a_split_carries_the_exposures(void **state)
{
	struct stand *stand = *state;
	struct held_model model;
	size_t exposures[2];
	stand_configure(stand, "  - {name: s, experiment: {name: e, exposures: thin, candidates: [{name: m, weight: 1}]}}\n"
			       "  - {name: rows, inputs: [s, p], split: {tensors: [x]}}\n"
			       "  - {name: f, inputs: [rows], filter: {keep: 'x[0, 0] > 1', otherwise: drop}}\n"
			       "  output: {steps: [f]}\n");
	held_model_open(&model, "m", 1);
	atomic_store(&model.open, true);
	stand->caller.model_count = 1;
	stand->caller.models = &model.config;
	stand_start(stand);
	mock_write(&stand->mock, "key",
		   "{\"id\":\"r-1\",\"inputs\":[{\"name\":\"x\",\"shape\":[3,1],\"datatype\":\"INT32\",\"data\":[1,2,3]}]}", NULL,
		   NULL);
	for (size_t i = 0; i < 2; i++) {
		const rd_kafka_message_t *record = mock_read(&stand->mock);
		exposures[i] = exposures_in(record);
	}
	(void)stand_stop(stand);
	held_model_close(&model);
	assert_int_equal(exposures[0], 1);
	assert_int_equal(exposures[1], 0);
}

#define LONG_ID_BYTES 600

/* A record has at most 1000 bytes: the answer fits, and with the exposure it does not. */
static void an_answer_that_is_too_large_with_its_exposure_goes_without(void **state)
{
	static const struct property small[] = {{"message.max.bytes", "1000"}, {"linger.ms", "0"}};
	struct stand *stand = *state;
	struct held_model model;
	char id[LONG_ID_BYTES + 1], request[LONG_ID_BYTES + 100];
	stand_configure(stand, SPLIT("thin"));
	held_model_open(&model, "m", 1);
	atomic_store(&model.open, true);
	stand->caller.model_count = 1;
	stand->caller.models = &model.config;
	stand->config.transaction.properties = (struct properties){sizeof small / sizeof *small, small};
	stand_start(stand);
	memset(id, 'i', LONG_ID_BYTES);
	id[LONG_ID_BYTES] = '\0';
	snprintf(request, sizeof request,
		 "{\"id\":\"%s\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[5]}]}", id);
	mock_write(&stand->mock, "key", request, NULL, NULL);
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	const bool is_answer = record_says(record, id) && !record_header(record, "sluice-error");
	const size_t count = exposures_in(record);
	const struct worker_counts counts = stand_stop(stand);
	held_model_close(&model);
	assert_true(is_answer);
	assert_int_equal(count, 0);
	assert_int_equal(counts.failed, 0);
}

static void what_an_answer_carries_is_bounded(void **state)
{
	static char letters[EXPOSURES_CARRIED_BYTES_MAX];
	struct worker worker = {0};
	struct worker_stage stage = {.worker = &worker};
	struct assigned last = one, first = one;
	struct error failed = {.kind = ERROR_REMOTE};
	const struct answer answer = {.error = &failed};
	struct inflight inflight = {.stage = &stage, .outcome = FLOW_ANSWER, .message = {.id = TEXT("r-1"), .assigned = &last}};
	struct header headers[ASSIGNED_MAX];
	struct buffer records;
	(void)state;
	memset(letters, 'u', sizeof letters);
	buffer_open(&records, 2 * EXPOSURES_CARRIED_BYTES_MAX);
	last.carried = first.carried = true;
	last.unit = (struct text){letters, 1000};
	assert_int_equal(exposures_carry(&records, &inflight, &answer, &format_oip_json, headers), 1);
	const size_t beside = headers[0].value.length - last.unit.length; /* the length of each unit has two bytes */
	last.unit.length = EXPOSURES_CARRIED_BYTES_MAX - beside;
	assert_int_equal(exposures_carry(&records, &inflight, &answer, &format_oip_json, headers), 1);
	assert_int_equal(headers[0].value.length, EXPOSURES_CARRIED_BYTES_MAX);
	last.unit.length++;
	last.next = &first; /* which is small, and fits */
	first.variant = TEXT("old");
	assert_int_equal(exposures_carry(&records, &inflight, &answer, &format_oip_json, headers), 1);
	assert_true(headers[0].value.length < EXPOSURES_CARRIED_BYTES_MAX / 2);
	assert_non_null(memmem(headers[0].value.bytes, headers[0].value.length, "old", 3));
	buffer_close(&records);
}

static void which_mirrors_were_to_get_a_copy_passes_between_stages(void **state)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct message message = {.arena = arena}, next = {.arena = arena};
	struct assigned mirrored = one, other = one, third = one;
	(void)state;
	mirrored.mirrored = third.mirrored = true;
	other.experiment = TEXT("e/inner");
	third.experiment = TEXT("p/step");
	assert_int_equal(assigned_mirrored(&message, arena).length, 0);
	assert_non_null(assigned_add(&message, &mirrored));
	assert_non_null(assigned_add(&message, &other));
	assert_non_null(assigned_add(&message, &third));
	assert_true(assigned_write(&message, &next.headers));
	assert_true(assigned_read(&next));
	assert_true(next.assigned->reason == ASSIGNED_ROUTE && next.assigned->next->reason == ASSIGNED_ROUTE);
	const struct text header = assigned_mirrored(&next, arena);
	assert_true(text_is(header, "e, p/step"));
	assert_true(assigned_mirrored_has(header, TEXT("e")) && assigned_mirrored_has(header, TEXT("p/step")));
	assert_false(assigned_mirrored_has(header, TEXT("e/inner")) || assigned_mirrored_has(header, TEXT("step")));
	arena_close(arena);
}

static void an_exposure_is_read_as_it_was_written(void **state)
{
	const struct assigned staged = {.experiment = TEXT("e"),
					.variant = TEXT("new"),
					.unit = TEXT("u"),
					.probability = 0.25,
					.reason = ASSIGNED_STAGE,
					.table = 0x12};
	const struct message message = {.id = TEXT("r-1"), .time_ms = 77, .origin = {TEXT("in"), 2, 9}};
	struct arena *arena = arena_open(ARENA_BYTES);
	struct exposure exposure;
	struct error error = {0};
	struct buffer out;
	(void)state;
	buffer_open(&out, 1 << 10);
	assert_true(exposure_encode(&message, &staged, &nothing_said, &out, &error));
	assert_true(exposure_decode(buffer_view(&out), arena, &exposure, &error));
	assert_true(text_is(exposure.id, "r-1") && text_is(exposure.unit, "u") && text_is(exposure.variant, "new"));
	assert_true(text_is(exposure.origin.topic, "in") && exposure.origin.partition == 2 && exposure.origin.offset == 9);
	assert_true(exposure.time_ms == 77 && exposure.probability == 0.25 && exposure.reason == ASSIGNED_STAGE);
	assert_true(text_is(exposure.table, "0000000000000012"));
	for (size_t length = 0; length < out.length; length++)
		assert_false(exposure_decode((struct text){out.bytes, length}, arena, &exposure, &error));
	buffer_close(&out);
	static const char *const wrong[] = {"",
					    "[]",
					    "{}",
					    "{\"experiment\":\"e\"}",
					    "{\"experiment\":\"e\",\"variant\":\"a\",\"probability\":2}",
					    "{\"experiment\":\"e\",\"variant\":\"a\",\"reason\":\"mood\"}",
					    "{\"experiment\":\"e\",\"variant\":\"a\",\"time_ms\":\"x\"}"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		error = (struct error){0};
		assert_false(exposure_decode(text_of(wrong[i]), arena, &exposure, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	error = (struct error){0};
	assert_true(exposure_decode(TEXT("{\"experiment\":\"e\",\"variant\":\"a\",\"context\":{\"x\":1.5},\"more\":[{}],"
					 "\"versions\":[{\"resource\":\"model/a\",\"version\":\"7\"}],\"unit\":12}"),
				    arena, &exposure, &error));
	assert_true(exposure.feature_count == 1 && exposure.features[0].value == 1.5 && text_is(exposure.unit, "12"));
	assert_true(text_is(exposure.versions, "model/a=7;"));
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exposure_has_all_that_its_schema_names),
		cmocka_unit_test(an_exposure_is_read_as_it_was_written),
		cmocka_unit_test(a_table_has_all_hexadecimal_digits),
		cmocka_unit_test(a_record_of_a_time_that_is_none_is_refused),
		cmocka_unit_test(a_unit_of_json_is_the_text_that_engines_give_it),
		cmocka_unit_test(a_number_out_of_range_is_named),
		cmocka_unit_test(an_exposure_without_a_prediction_is_read_as_before),
		cmocka_unit_test(an_exposure_without_a_latency_is_read_as_before),
		cmocka_unit_test(an_exposure_without_an_error_is_read_as_before),
		cmocka_unit_test(an_avro_answer_lists_its_assignments),
		cmocka_unit_test(which_mirrors_were_to_get_a_copy_passes_between_stages),
		STORY(a_worker_writes_exposures_with_the_answer),
		cmocka_unit_test(what_an_answer_carries_is_bounded),
		STORY(an_answer_carries_what_a_topic_would_have),
		STORY(whether_answers_carry_exposures_is_decided_by_their_format),
		STORY(the_first_answer_of_a_split_carries_the_exposures),
		STORY(an_answer_that_is_too_large_with_its_exposure_goes_without),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
