/* recorded_test.c: bytes that released versions wrote are read by this one: changelogs,
 * snapshots, stage records, parts that wait to be joined, dead letters, status records. The
 * recordings stand in tests/recorded, a folder for each release. The engine at the end runs
 * on librdkafka's mock of a broker, in a thread of its own, by pthread_create(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "kafka/state/snapshot_file.h"
#include "message/records/dead_letter.h"
#include "message/records/stage_link.h"
#include "observe/status.h"
#include "flow/state/change.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/planning.h"
#include "tests/unit/running.h"
#include "engine/joins/parked_parts.h"

#define FOLDER "tests/recorded/0.1.0"
#define BYTES_MAX ((size_t)1 << 24)
#define PARTS "+parts" /* the scope of parts that wait */

/* ---- recordings ---- */

struct recorded {
	int64_t offset;
	struct text key, value; /* bytes NULL: none */
};

struct recording {
	struct arena *arena;
	size_t count;
	struct recorded records[64];
};

static struct text bytes_of(struct arena *arena, const json_t *value)
{
	if (!json_is_string(value))
		return (struct text){0};
	struct text text = {json_string_value(value), json_string_length(value)};
	char *bytes = arena_take(arena, 1, base64_read_room(text.length));
	size_t length;
	assert_true(base64_read(text, bytes, &length));
	return (struct text){bytes, length};
}

static void recording_open(struct recording *recording, const char *name)
{
	char path[256], *line = NULL;
	size_t room = 0;
	snprintf(path, sizeof path, "%s/%s.jsonl", FOLDER, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	*recording = (struct recording){.arena = arena_open(BYTES_MAX)};
	while (getline(&line, &room, file) > 0) {
		json_t *record = json_loads(line, 0, NULL);
		assert_non_null(record);
		assert_true(recording->count < sizeof recording->records / sizeof *recording->records);
		recording->records[recording->count++] =
			(struct recorded){json_integer_value(json_object_get(record, "offset")),
					  bytes_of(recording->arena, json_object_get(record, "key")),
					  bytes_of(recording->arena, json_object_get(record, "value"))};
		json_decref(record);
	}
	free(line);
	(void)fclose(file);
	assert_true(recording->count > 0);
}

static void recording_close(struct recording *recording)
{
	arena_close(recording->arena);
}

/* ---- changelogs ---- */

/* What a changelog says, as a stage with these steps takes it. */
static struct store *store_of(const char *name, struct store_scopes scopes)
{
	struct recording recording;
	struct error error = {0};
	struct store *store = store_open(scopes, BYTES_MAX);
	recording_open(&recording, name);
	for (size_t i = 0; i < recording.count; i++) {
		struct text scope, key, value;
		uint32_t number;
		assert_true(
			change_read(recording.records[i].key, recording.records[i].value, &scope, &key, &value, "fraud", &error));
		assert_true(store_scope_find(store, scope, &number));
		assert_true(store_restore(store, number, key, value, &error));
	}
	recording_close(&recording);
	return store;
}

static void the_changelog_of_steps_is_read(void **state)
{
	(void)state;
	static const char *const names[] = {"signals", "pairs"};
	struct store *store = store_of("remembers.stage.signals.state", (struct store_scopes){2, names});
	struct text value;
	for (int i = 0; i < 3; i++) {
		const char group[] = {'g', (char)('0' + i), '\0'};
		const char window[] = {'k', 'g', (char)('0' + i), '\0'};
		assert_true(store_read(store, 0, text_of(group), &value));
		assert_true(store_read(store, 1, text_of(window), &value));
	}
	assert_int_equal(store_count(store), 3 + 3 + 1); /* and the windows' time */
	store_close(store);
}

/* Of requests whose model was gone, the part of the other way waits. */
static void expect_parts(const char *name, const char *first, const char *second)
{
	static const char *const names[] = {PARTS};
	struct store *store = store_of(name, (struct store_scopes){1, names});
	struct parked_parts parked_parts = {.store = store};
	struct parked_part_list list = {0};
	struct error error = {0};
	const char *const ids[] = {first, second};
	assert_true(parked_parts_list(&parked_parts, &list, &error));
	assert_int_equal(list.count, 2);
	for (size_t i = 0; i < list.count; i++) {
		struct text bytes;
		struct stage_link_head head;
		assert_int_equal(parked_kind(list.items[i]), PARKED_PART);
		assert_true(parked_part_read(&parked_parts, list.items[i], &bytes));
		assert_true(stage_link_peek(bytes, &head, &error));
		assert_true(text_is(head.id, ids[i]));
		assert_true(text_is(head.from, "other"));
	}
	parked_part_list_close(&list);
	parked_parts_close(&parked_parts);
	store_close(store);
}

static void parts_that_wait_are_read(void **state)
{
	(void)state;
	expect_parts("once.stage.last.state", "o5", "o6");
	expect_parts("least.stage.last.state", "l5", "l6");
}

/* ---- snapshots ---- */

static void a_snapshot_is_read(void **state)
{
	(void)state;
	static const char changelog[] = "sluice.recorded.pipeline.often.stage.request.state";
	static const char *const names[] = {"counts"};
	struct store *store = store_open((struct store_scopes){1, names}, BYTES_MAX);
	struct snapshot_head head;
	struct error error = {0};
	struct text value;
	assert_true(snapshot_file_read(FOLDER, changelog, 0, store, &head, &error));
	assert_string_equal(head.topic, changelog);
	assert_true(head.offset > 0);
	assert_int_equal(store_count(store), 60);
	assert_true(store_read(store, 0, TEXT("key-59"), &value));
	store_close(store);
}

/* ---- stage records ---- */

static void expect_stage_links(const char *name, size_t count, char id)
{
	struct recording recording;
	struct error error = {0};
	recording_open(&recording, name);
	assert_int_equal(recording.count, count);
	for (size_t i = 0; i < count; i++) {
		struct message message = {.arena = arena_open(BYTES_MAX)};
		struct stage_link stage_link;
		assert_true(stage_link_decode(&message, recording.records[i].value, &stage_link, &error));
		assert_int_equal(message.id.bytes[0], id);
		assert_non_null(stage_link.key.bytes);
		assert_non_null(strstr(arena_copy(message.arena, stage_link.original.bytes, stage_link.original.length), "group"));
		assert_true(message.headers.count >= 1);
		arena_close(message.arena);
	}
	recording_close(&recording);
}

static void stage_records_are_read(void **state)
{
	(void)state;
	expect_stage_links("remembers.stage.signals", 24, 'r');
	expect_stage_links("once.stage.sum", 6, 'o');
	expect_stage_links("once.stage.other", 6, 'o');
	expect_stage_links("once.stage.last", 10, 'o');
	expect_stage_links("least.stage.sum", 6, 'l');
	expect_stage_links("least.stage.other", 6, 'l');
	expect_stage_links("least.stage.last", 10, 'l');
}

/* ---- dead letters and status ---- */

static void expect_letter(const char *name, const char *id, const char *step, const char *payload_has)
{
	struct recording recording;
	struct dead_letter letter;
	struct error error = {0};
	recording_open(&recording, name);
	assert_int_equal(recording.count, 1);
	assert_true(dead_letter_decode(recording.records[0].value, recording.arena, &letter, &error));
	assert_true(text_is(letter.id, id));
	assert_int_equal(letter.error->kind, ERROR_INPUT);
	assert_true(letter.error->text[0] != '\0');
	assert_string_equal(letter.step, step);
	assert_non_null(strstr(arena_copy(recording.arena, letter.payload.bytes, letter.payload.length), payload_has));
	recording_close(&recording);
}

static void dead_letters_are_read(void **state)
{
	(void)state;
	expect_letter("remembers.errors", "bad1", "", "no request at all");
	expect_letter("least.errors", "bad2", "scale", "no number");
}

static void status_records_are_read(void **state)
{
	(void)state;
	struct recording recording;
	struct error error = {0};
	recording_open(&recording, "status");
	for (size_t i = 0; i < recording.count; i++) {
		struct status status;
		assert_true(status_read(recording.records[i].value, recording.arena, &status, &error));
		assert_true(text_is(status.instance, "recorder"));
		assert_true(text_is(status.namespace, "recorded"));
		assert_true(status.started_ms > 0);
		assert_true(text_starts_with(status.group, TEXT("sluice.recorded.")));
	}
	recording_close(&recording);
}

/* ---- an engine goes on ---- */

#define REQUEST                                                                                                                    \
	"{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[25]},{\"name\":\"group\",\"shape\":[1],"       \
	"\"datatype\":\"BYTES\",\"data\":[\"g1\"]}]}"

static void changelog_load(struct mock *mock, const char *topic, const char *name)
{
	struct recording recording;
	recording_open(&recording, name);
	for (size_t i = 0; i < recording.count; i++) {
		const struct recorded *record = &recording.records[i];
		rd_kafka_resp_err_t code = rd_kafka_producev(
			mock->writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
			RD_KAFKA_V_KEY((void *)(uintptr_t)record->key.bytes, record->key.length),
			RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.bytes, record->value.length), RD_KAFKA_V_END);
		assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
	}
	assert_int_equal(rd_kafka_flush(mock->writer, MOCK_WAIT_MS), 0);
	recording_close(&recording);
}

static void expect_answer_has(struct mock *mock, const char *expected)
{
	const rd_kafka_message_t *answer = mock_read(mock);
	char said[2048];
	snprintf(said, sizeof said, "%.*s", (int)answer->len, (const char *)answer->payload);
	if (!strstr(said, expected))
		fail_msg("%s does not say %s", said, expected);
}

/* The group of that release committed its offsets without metadata. The last of g1 was 22, its
 * smooth 17.5, and the one before it 19. */
static void an_engine_goes_on_with_the_state_of_a_release(void **state)
{
	(void)state;
	static const uint32_t topics[] = {0};
	static const char *const in[] = {"in"}, *const written[] = {"out", "state"};
	static struct position assigned[] = {{0, 0, OFFSET_NONE}};
	static struct stage_counts counts;
	struct mock mock;
	struct planning planning;
	struct running running = {0};
	const struct caller_config caller = {.request_bytes = 1 << 20, .reply_bytes = 1 << 20};
	mock_open(&mock);
	assert_int_equal(rd_kafka_mock_topic_create(mock.cluster, "state", 1, 1), 0);
	changelog_load(&mock, "state", "remembers.stage.signals.state");
	mock_write(&mock, "key-0", REQUEST, NULL, NULL); /* which was answered */
	mock_commit(&mock, "test", 1);
	planning_open_steps(&planning,
			    "  - name: signals\n    features:\n      key: group\n      set:\n        before: lag(x, 1)\n"
			    "        mean: mean(x over 3)\n        middle: median(x over 3)\n        smooth: ema(x over 4)\n"
			    "  - {name: only, inputs: [signals], expression: {keep: [before, mean, middle, smooth]}}\n"
			    "  output: {steps: [only]}\n");
	assert_non_null(planning.graph);
	const struct stage_config stage = {.name = "p",
					   .graph = planning.graph,
					   .caller = &caller,
					   .topic_count = 1,
					   .topics = topics,
					   .dead_letters = TOPIC_NOWHERE,
					   .changelog = 1,
					   .counts = &counts};
	const struct worker_setup setup = {.reads = {1, in}, .writes = {2, written}, .stage_count = 1, .stages = &stage};
	const struct worker_config config = {
		.consumer = {.brokers = mock.brokers, .group = "test", .assigned = {1, assigned}, .properties = mock_quick},
		.transaction = {.brokers = mock.brokers, .properties = mock_quick},
		.setup = setup,
		.partition_state = {.bytes_max = BYTES_MAX},
		.limits = worker_limits_usual};
	running_start(&running, &config);
	mock_write(&mock, "key-1", REQUEST, NULL, NULL);
	expect_answer_has(&mock, "{\"name\":\"before\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[22.0]},"
				 "{\"name\":\"mean\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[22.0]},"
				 "{\"name\":\"middle\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[22.0]},"
				 "{\"name\":\"smooth\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[20.5]}");
	(void)running_stop(&running);
	planning_close(&planning);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_changelog_of_steps_is_read),
		cmocka_unit_test(parts_that_wait_are_read),
		cmocka_unit_test(a_snapshot_is_read),
		cmocka_unit_test(stage_records_are_read),
		cmocka_unit_test(dead_letters_are_read),
		cmocka_unit_test(status_records_are_read),
		cmocka_unit_test(an_engine_goes_on_with_the_state_of_a_release),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
