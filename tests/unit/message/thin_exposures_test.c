/* thin_exposures_test.c: Tests of `sluice experiments analyze` on exposures that answers carry: the table is that of exposures in a
 * topic, and answers without them are reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "message/records/assigned.h"
#include "message/formats/format.h"
#include "message/records/reply.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

static char folder[] = "/tmp/sluice-thin-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : 1;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink("full.yaml");
	(void)unlink("thin.yaml");
	(void)unlink("avro.yaml");
	(void)unlink("spare.yaml");
	return chdir("/") == 0 ? rmdir(folder) : 1;
}

#define SHOPPERS 400
#define LINE_BYTES 512
#define OF_ANOTHER "{\"id\":\"a\",\"experiment\":\"other\",\"variant\":\"a\"}"

static void answer_append(const struct mock *mock, const char *topic, const char *exposure)
{
	rd_kafka_resp_err_t code = rd_kafka_producev(
		mock->writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_VALUE((void *)(uintptr_t) "{}", 2),
		RD_KAFKA_V_HEADER("content-type", "application/json", -1), RD_KAFKA_V_HEADER("sluice-exposure", exposure, -1),
		RD_KAFKA_V_HEADER("sluice-exposure", OF_ANOTHER, -1), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
	assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

#define ID_BYTES 16

/* Its own, that of its header, or without both its position. */
static const char *id_print(char id[ID_BYTES], int i)
{
	(void)snprintf(id, ID_BYTES, "%s%d", i % 3 == 2 ? "in-0-" : "r", i);
	return id;
}

static void exposure_print(char line[LINE_BYTES], int i)
{
	const bool is_new = i % 4 == 0;
	char id[ID_BYTES];
	(void)snprintf(line, LINE_BYTES,
		       "{\"id\":\"%s\",\"unit\":\"u%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\",\"probability\":"
		       "%g,\"table\":\"00000000000000a%d\",\"latency_ms\":%d,\"reason\":\"%s\"}",
		       id_print(id, i), i % 390, 1000 * (i + 1), is_new ? "new" : "old", is_new ? 0.25 : 0.75, i / 200, 5 + i % 7,
		       i % 50 == 3 ? "route" : "weight");
}

/* The same traffic twice: `full` has a topic of exposures, `thin` has answers that carry them. */
static void shoppers_write(const struct mock *mock)
{
	char line[LINE_BYTES], id[ID_BYTES], reward[128];
	for (int i = 0; i < SHOPPERS; i++) {
		const bool is_new = i % 4 == 0;
		exposure_print(line, i);
		(void)snprintf(reward, sizeof reward, "{\"id\":\"%s\",\"reward\":%d}", id_print(id, i), i % 5 + is_new);
		mock_send(mock, "sluice.default.pipeline.full.exposures", TEXT("k"), text_of(line));
		mock_send(mock, "sluice.default.pipeline.full.exposures", TEXT("k"), TEXT(OF_ANOTHER));
		answer_append(mock, "sluice.default.pipeline.thin.outputs", line);
		mock_send(mock, "sluice.default.pipeline.full.feedback", TEXT("k"), text_of(reward));
		mock_send(mock, "sluice.default.pipeline.thin.feedback", TEXT("k"), text_of(reward));
	}
	assert_int_equal(rd_kafka_flush(mock->writer, MOCK_WAIT_MS), 0);
}

/* What the pipeline does not write here: the mock of a later librdkafka makes no topic that is asked for. */
static void topics_make(struct mock *mock, const char *pipeline, const char *const *kinds, size_t count)
{
	char name[128];
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof name, "sluice.default.pipeline.%s.%s", pipeline, kinds[i]);
		assert_int_equal(rd_kafka_mock_topic_create(mock->cluster, name, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	}
}

static void exposures_in_answers_give_the_table_of_those_in_a_topic(void **state)
{
#define EXPERIMENT_OF(pipeline, exposures) EXPERIMENT_ANSWERED(pipeline, exposures, "steps: [s]")
#define EXPERIMENT_ANSWERED(pipeline, exposures, output)                                                                           \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec: {exposures: " exposures ",\n"          \
	"  default: old,\n  candidates: [{name: old, weight: 3}, {name: new, weight: 1}]}\n---\n"                                  \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " pipeline "}\nspec:\n  steps:\n"                  \
	"  - {name: s, experiment: {name: e}}\n  output: {" output "}\n"
	static const char *const ways[] = {"--pipeline full", "--pipeline thin", "-f full.yaml", "-f thin.yaml"};
	struct mock mock;
	char line[256];
	struct said said[4];
	(void)state;
	static const char *const of_experiment[] = {"exposures", "outputs", "feedback"}; /* whose own pipeline was asked nothing */
	mock_open(&mock);
	topics_make(&mock, "e", of_experiment, 3);
	shoppers_write(&mock);
	write_file("full.yaml", EXPERIMENT_OF("full", "full"));
	write_file("thin.yaml", EXPERIMENT_OF("thin", "thin"));
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(line, sizeof line, "experiments analyze e %s --brokers %s -o json", ways[i], mock.brokers);
		said[i] = say_with(step_kinds, line);
		if (said[i].code != 0)
			fail_msg("%s", said[i].err);
		assert_string_equal(said[i].err, "");
	}
	assert_non_null(strstr(said[0].out, "\"exposures\":400"));
	assert_string_equal(said[0].out, said[1].out);
	assert_string_equal(said[2].out, said[3].out);
	for (size_t i = 0; i < 4; i++)
		said_close(&said[i]);
	mock_close(&mock);
}

/* ---- Avro answers ---- */

static void avro_append(const struct mock *mock, const char *topic, const char *key, int64_t time_ms, const struct message *message)
{
	const struct payload nothing = {0};
	const struct answer answer = {.payload = &nothing};
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, 1 << 12);
	assert_true(answer_encode(message, &answer, &format_avro, NULL, &out, &error));
	rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
	for (size_t i = 0; i < message->headers.count; i++) {
		const struct header *header = &message->headers.items[i];
		(void)rd_kafka_header_add(headers, header->name.bytes, (ssize_t)header->name.length, header->value.bytes,
					  (ssize_t)header->value.length);
	}
	assert_int_equal(rd_kafka_producev(mock->writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE(out.bytes, out.length),
					   RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_TIMESTAMP(time_ms),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
	buffer_close(&out);
}

/* The traffic of before: `spare` has exposures in its topic, `avro` has Avro answers, which also list a choice that is no exposure.
 */
static void shoppers_write_in_avro(const struct mock *mock)
{
	struct arena *arena = arena_open(1 << 20);
	struct assigned other = {.experiment = TEXT("other"), .variant = TEXT("a"), .probability = 1};
	char line[LINE_BYTES], id[ID_BYTES], own[ID_BYTES], origin[ID_BYTES], unit[16], reward[64];
	for (int i = 0; i < SHOPPERS; i++) {
		const bool is_new = i % 4 == 0;
		struct assigned one = {.next = &other,
				       .experiment = TEXT("e"),
				       .variant = text_of(is_new ? "new" : "old"),
				       .probability = is_new ? 0.25 : 0.75,
				       .reason = i % 50 == 3 ? ASSIGNED_ROUTE : ASSIGNED_WEIGHT,
				       .table = 0xa0 + (uint64_t)i / 200,
				       .in_answer = true,
				       .took_ms = 5 + i % 7};
		(void)snprintf(own, sizeof own, "p%d", i);
		(void)snprintf(origin, sizeof origin, "in/0/%d", i);
		(void)snprintf(unit, sizeof unit, "u%d", i % 390);
		const struct header headers[] = {{TEXT(REPLY_ID_HEADER), text_of(id_print(id, i))},
						 {TEXT(REPLY_ORIGIN_HEADER), text_of(origin)}};
		const struct text ids[] = {text_of(id), text_of(own), TEXT("")}; /* of payloads */
		struct message message = {.arena = arena, .payload_id = ids[i % 3], .assigned = &one, .format = &format_avro};
		if (i % 3 > 0)
			message.headers = (struct headers){1, &headers[i % 3 - 1]};
		struct message bare = message;
		bare.assigned = NULL;
		exposure_print(line, i);
		(void)snprintf(reward, sizeof reward, "{\"id\":\"%s\",\"reward\":%d}", id_print(id, i), i % 5 + is_new);
		mock_send(mock, "sluice.default.pipeline.spare.exposures", TEXT("k"), text_of(line));
		avro_append(mock, "sluice.default.pipeline.spare.outputs", unit, 1000 * (i + 1) + one.took_ms, &bare);
		avro_append(mock, "sluice.default.pipeline.avro.outputs", unit, 1000 * (i + 1) + one.took_ms, &message);
		mock_send(mock, "sluice.default.pipeline.spare.feedback", TEXT("k"), text_of(reward));
		mock_send(mock, "sluice.default.pipeline.avro.feedback", TEXT("k"), text_of(reward));
	}
	assert_int_equal(rd_kafka_flush(mock->writer, MOCK_WAIT_MS), 0);
	arena_close(arena);
}

static void avro_open(struct mock *mock)
{
	static const char *const unwritten[] = {"exposures", "errors"};
	static const char *const of_experiment[] = {"exposures", "outputs", "feedback"};
	mock_open(mock);
	topics_make(mock, "avro", unwritten, 2);
	topics_make(mock, "spare", unwritten + 1, 1);
	topics_make(mock, "e", of_experiment, 3);
	shoppers_write_in_avro(mock);
}

static void avro_answers_give_the_table_of_exposures_in_a_topic(void **state)
{
	static const char *const ways[][2] = {{"analyze e --pipeline spare", "analyze e --pipeline avro"},
					      {"analyze e -f spare.yaml", "analyze e -f avro.yaml"},
					      {"status e --pipeline spare", "status e --pipeline avro"}};
	struct mock mock;
	char line[256];
	(void)state;
	avro_open(&mock);
	write_file("spare.yaml", EXPERIMENT_OF("spare", "full"));
	write_file("avro.yaml", EXPERIMENT_OF("avro", "thin"));
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct said said[2];
		for (size_t j = 0; j < 2; j++) {
			(void)snprintf(line, sizeof line, "experiments %s --brokers %s -o json", ways[i][j], mock.brokers);
			said[j] = say_with(step_kinds, line);
			if (said[j].code != 0)
				fail_msg("%s", said[j].err);
			assert_string_equal(said[j].err, "");
		}
		assert_non_null(strstr(said[1].out, i < 2 ? "\"exposures\":400" : "\"exposures\": 400"));
		assert_string_equal(said[0].out, said[1].out);
		said_close(&said[0]);
		said_close(&said[1]);
	}
	mock_close(&mock);
}

/* Latencies are from the request to the answer, in both. */
static void a_rollout_is_rehearsed_by_avro_answers_as_by_exposures(void **state)
{
	static const char *const pipelines[] = {"spare", "avro"};
	struct mock mock;
	struct said said[2];
	char line[256];
	(void)state;
	avro_open(&mock);
	write_file("spare.yaml", EXPERIMENT_OF("spare", "full, progressiveDeployment: {schedule: [25], every: 1m}"));
	write_file("avro.yaml", EXPERIMENT_OF("avro", "thin, progressiveDeployment: {schedule: [25], every: 1m}"));
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(line, sizeof line, "experiments rollout e --dry-run -f %s.yaml --brokers %s -o json", pipelines[i],
			       mock.brokers);
		said[i] = say_with(step_kinds, line);
		if (said[i].code != 0)
			fail_msg("%s", said[i].err);
		assert_string_equal(said[i].err, "");
	}
	expect_words(said[1].out, "\"unanswered\": 0");
	assert_string_equal(said[0].out, said[1].out);
	said_close(&said[0]);
	said_close(&said[1]);
	mock_close(&mock);
}

/* One of a unit that a holdout kept out is not among them: it counts for none by design. */
static void an_avro_answer_whose_unit_is_not_its_key_is_reported(void **state)
{
	struct arena *arena = arena_open(1 << 20);
	struct assigned one = {.experiment = TEXT("e"), .variant = TEXT("old"), .probability = 0.75}, held = one;
	const struct message message = {.arena = arena, .id = TEXT("r1"), .assigned = &one, .format = &format_avro};
	const struct message kept_out = {.arena = arena, .id = TEXT("r2"), .assigned = &held, .format = &format_avro};
	struct mock mock;
	char line[256];
	(void)state;
	mock_open(&mock);
	avro_append(&mock, "sluice.default.pipeline.avro.outputs", "k", 1000, &message);
	avro_append(&mock, "sluice.default.pipeline.avro.outputs", "k", 2000, &message);
	held.reason = ASSIGNED_HOLDOUT;
	avro_append(&mock, "sluice.default.pipeline.avro.outputs", "k", 3000, &kept_out);
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	write_file("avro.yaml", EXPERIMENT_OF("avro", "thin, unit: x"));
	(void)snprintf(line, sizeof line, "experiments analyze e -f avro.yaml --brokers %s", mock.brokers);
	struct said said = say_with(step_kinds, line);
	expect_words(said.err,
		     "2 Avro answers list a choice of experiment `e` that counts for no variant: its unit is not the key");
	expect_words(said.err, "Set `exposures: full` in the Experiment, or `output.format: avro` in the pipeline");
	said_close(&said);
	/* Where it is set, a topic has the exposures. */
	write_file("avro.yaml", EXPERIMENT_ANSWERED("avro", "thin, unit: x", "steps: [s], format: avro"));
	said = say_with(step_kinds, line);
	assert_null(strstr(said.err, "that counts for no variant"));
	said_close(&said);
	mock_close(&mock);
	arena_close(arena);
}

/* The choice of another experiment lacks the time that the answer took. */
static void a_broken_choice_leaves_those_behind_it(void **state)
{
	struct arena *arena = arena_open(1 << 20);
	struct assigned one = {.experiment = TEXT("e"), .variant = TEXT("old"), .probability = 0.75, .in_answer = true};
	struct assigned last = {.experiment = TEXT("last"), .variant = TEXT("a"), .in_answer = true, .took_ms = -1};
	struct assigned other = {.next = &one, .experiment = TEXT("other"), .variant = TEXT("a"), .in_answer = true, .took_ms = -1};
	const struct message message = {.arena = arena, .id = TEXT("r1"), .assigned = &other, .format = &format_avro};
	const struct message next = {.arena = arena, .id = TEXT("r2"), .assigned = &one, .format = &format_avro};
	struct mock mock;
	char line[256];
	(void)state;
	one.next = &last;
	mock_open(&mock);
	avro_append(&mock, "sluice.default.pipeline.avro.outputs", "k", 1000, &message);
	one.next = NULL;
	avro_append(&mock, "sluice.default.pipeline.avro.outputs", "l", 2000, &next);
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	write_file("avro.yaml", EXPERIMENT_OF("avro", "thin"));
	(void)snprintf(line, sizeof line, "experiments analyze e -f avro.yaml --brokers %s -o json", mock.brokers);
	struct said said = say_with(step_kinds, line);
	expect_words(said.out, "\"exposures\":2");
	expect_words(said.err, "1 record that cannot be read was left out; the first: the answer has the version");
	said_close(&said);
	mock_close(&mock);
	arena_close(arena);
}

/* Its exposures were in a topic once. Without its file only the topics can tell. */
static void exposures_in_a_topic_do_not_hide_those_in_answers(void **state)
{
	static const char once[] = "{\"id\":\"once\",\"unit\":\"once\",\"time_ms\":1,\"experiment\":\"e\",\"variant\":\"old\","
				   "\"probability\":0.75,\"table\":\"00000000000000a0\",\"reason\":\"weight\"}";
	struct mock mock;
	char line[256];
	(void)state;
	mock_open(&mock);
	shoppers_write(&mock);
	mock_append(&mock, "sluice.default.pipeline.thin.exposures", TEXT("k"), text_of(once));
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	(void)snprintf(line, sizeof line, "experiments analyze e --brokers %s --pipeline thin -o json", mock.brokers);
	struct said said = say_with(step_kinds, line);
	expect_words(said.out, "\"exposures\":401");
	said_close(&said);
	mock_close(&mock);
}

/* Answers of before, and of a stage that did not choose. */
static void answers_without_exposures_are_reported_with_what_to_do(void **state)
{
	struct mock mock;
	char line[256];
	(void)state;
	mock_open(&mock);
	mock_append(&mock, "sluice.default.pipeline.thin.outputs", TEXT("k"), TEXT("{}"));
	write_file("thin.yaml", EXPERIMENT_OF("thin", "thin"));
	(void)snprintf(line, sizeof line, "experiments analyze e -f thin.yaml --brokers %s", mock.brokers);
	struct said said = say_with(step_kinds, line);
	expect_words(said.err, "no record has an exposure of experiment `e`");
	expect_words(said.err, "Set `exposures: full` in the Experiment, and analyse the requests that come from then on");
	said_close(&said);
	(void)snprintf(line, sizeof line, "experiments analyze E -f thin.yaml --brokers %s", mock.brokers);
	said = say_with(step_kinds, line);
	expect_words(said.err, "no pipeline of the files has the experiment `E`; did you mean `e`?");
	said_close(&said);
	mock_close(&mock);
}

static void exposures_that_are_off_are_the_cause_where_there_are_none(void **state)
{
	struct mock mock;
	char line[256];
	(void)state;
	mock_open(&mock);
	mock_append(&mock, "sluice.default.pipeline.off.outputs", TEXT("k"), TEXT("{}"));
	write_file("thin.yaml", EXPERIMENT_OF("off", "off"));
	(void)snprintf(line, sizeof line, "experiments analyze e -f thin.yaml --brokers %s", mock.brokers);
	struct said said = say_with(step_kinds, line);
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "experiment `e` has `exposures: off`, so who got which variant is not recorded");
	said_close(&said);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exposures_in_answers_give_the_table_of_those_in_a_topic),
		cmocka_unit_test(exposures_in_a_topic_do_not_hide_those_in_answers),
		cmocka_unit_test(avro_answers_give_the_table_of_exposures_in_a_topic),
		cmocka_unit_test(a_rollout_is_rehearsed_by_avro_answers_as_by_exposures),
		cmocka_unit_test(an_avro_answer_whose_unit_is_not_its_key_is_reported),
		cmocka_unit_test(a_broken_choice_leaves_those_behind_it),
		cmocka_unit_test(answers_without_exposures_are_reported_with_what_to_do),
		cmocka_unit_test(exposures_that_are_off_are_the_cause_where_there_are_none),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
