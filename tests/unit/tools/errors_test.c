/* `sluice errors`: what failed is found again, shown, and asked again, on the mock of a
 * broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tools/client/data/dead_letter_list.h"
#include "kafka/produce/sender.h"
#include "message/avro/avro.h"
#include "message/records/dead_letter.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define ERRORS "sluice.default.pipeline.p.errors"
#define REQUEST "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[7]}]}"

#define ASSIGNED "e\tnew\t0.25\t0\t0123456789abcdef\tfedcba9876543210\nf\told\t1.0\t3\tm\t00000000000000ff\t0000000000000000\n"

static char pipeline[] = "/tmp/sluice-spec-XXXXXX";
static char editor[] = "/tmp/sluice-editor-XXXXXX";

/* Requests go to `out`, where the mock is read. */
static int make_files(void **state)
{
	(void)state;
	int first = mkstemp(pipeline), second = mkstemp(editor);
	write_file(pipeline, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
			     "  input: {topic: out}\n  steps:\n  - {name: twice, expression: {set: {x: x * 2}}}\n"
			     "  output: {steps: [twice], topic: in}\n");
	return first < 0 || second < 0 || close(first) || close(second);
}

static int remove_files(void **state)
{
	(void)state;
	return unlink(pipeline) || unlink(editor);
}

static struct said errors(const struct mock *mock, const char *words)
{
	char line[600];
	snprintf(line, sizeof line, "errors %s -f %s --brokers %s", words, pipeline, mock->brokers);
	return say_with(step_kinds, line);
}

/* ---- letters ---- */

static void put(struct sender *sender, const struct dead_letter *letter, enum error_kind kind, const char *words)
{
	struct buffer bytes;
	struct error failure = {0}, error = {0};
	struct dead_letter whole = *letter;
	error_set(&failure, kind, (struct place){"p.yaml", 7, 3}, "%s", words);
	whole.error = &failure;
	whole.pipeline = "p";
	whole.origin = (struct origin){TEXT("out"), 0, 42};
	whole.time_ms = 1700000000000;
	whole.failed_ms = 1700000001000;
	buffer_open(&bytes, 1 << 20);
	assert_true(dead_letter_encode(&whole, &bytes, &error));
	const struct outgoing record = {.value = buffer_view(&bytes)};
	assert_true(sender_send(sender, &record, 1, &error));
	buffer_close(&bytes);
}

static void put_avro(struct sender *sender)
{
	static const int32_t three = 3;
	static const int64_t shape = 1;
	struct error error = {0};
	struct arena *arena = arena_open(1 << 20);
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_INT32, .rank = 1, .shape = &shape, .count = 1, .data = &three};
	const struct tensor *const tensors[] = {&tensor};
	const struct payload payload = {.tensors = {1, tensors}};
	const struct message message = {.arena = arena, .id = TEXT("binary"), .deadline_ms = 1700000000001};
	struct buffer bytes;
	buffer_open(&bytes, 1 << 20);
	assert_true(avro_request_encode(&message, &payload, &bytes, &error));
	put(sender, &(struct dead_letter){.id = TEXT("binary"), .payload = buffer_view(&bytes)}, ERROR_INPUT, "too large");
	buffer_close(&bytes);
	arena_close(arena);
}

/* At 0:0 a request in JSON that met a model that was away; at 0:1 one in Avro; at 0:2
 * what is no letter. */
static void mock_open_with_letters(struct mock *mock)
{
	const struct header headers[] = {{TEXT("tier"), TEXT("fast")},
					 {TEXT("sluice-assigned"), TEXT(ASSIGNED)},
					 {TEXT("x-deadline-ms"), TEXT("1700000000900")},
					 {TEXT("none"), {0}},
					 {TEXT("empty"), TEXT("")}};
	struct error error = {0};
	mock_open(mock);
	rd_kafka_mock_topic_create(mock->cluster, ERRORS, 1, 1);
	const struct sender_config config = {
		.brokers = mock->brokers, .topic = ERRORS, .timeout_ms = 10000, .properties = mock_quick};
	struct sender *sender = sender_open(&config, &error);
	assert_non_null(sender);
	const struct dead_letter letter = {.id = TEXT("r-1"),
					   .step = "twice",
					   .attempts = 3,
					   .key = TEXT("k"),
					   .headers = {5, headers},
					   .payload = TEXT(REQUEST)};
	put(sender, &letter, ERROR_REMOTE, "the model is away");
	put_avro(sender);
	assert_true(sender_send(sender, &(struct outgoing){.value = TEXT("no letter")}, 1, &error));
	while (!sender_settled(sender, 100))
		;
	sender_close(sender);
}

/* ---- list and show ---- */

static void the_list_says_where_what_and_why(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with_letters(&mock);
	struct said said = errors(&mock, "list p");
	expect_words(said.out,
		     "0:0          2023-11-14T22:13:21Z r-1                      REMOTE  twice            the model is away\n");
	expect_words(said.out, "0:1          2023-11-14T22:13:21Z binary                   INPUT   -                too large\n");
	assert_string_equal(said.err, "1 record is not a dead letter and was left out\n");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	said = errors(&mock, "list p --kind remote -o json");
	expect_words(
		said.out,
		"{\"at\": \"0:0\", \"id\": \"r-1\", \"kind\": \"REMOTE\", \"error\": \"the model is away\", \"pipeline\": \"p\", "
		"\"step\": \"twice\", \"attempts\": 3, ");
	assert_null(strstr(said.out, "binary"));
	said_close(&said);
	said = errors(&mock, "list p --kind remot");
	expect_words(said.err, "there is no kind of error `remot`; write INPUT, REMOTE, SYSTEM or CONFIG");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
	said = errors(&mock, "list p --step nowhere");
	assert_string_equal(said.out, "no dead letters\n");
	said_close(&said);
	mock_close(&mock);
}

static void letters_are_sorted_by_time_and_counted_by_reason(void **state)
{
	(void)state;
	struct error error = {0};
	struct error failures[] = {{.kind = ERROR_REMOTE, .text = "shape [3], not [2]"},
				   {.kind = ERROR_REMOTE, .text = "shape [17], not [2]"},
				   {.kind = ERROR_INPUT, .text = "shape [3], not [2]"},
				   {.kind = ERROR_REMOTE, .text = "shape [3], not [2]!"}};
	static const int order[] = {1, 2, 0, 3};
	struct dead_letter_list list = {.arena = arena_open(1 << 20)};
	for (int i = 0; i < 4; i++) {
		const struct found_letter found = {
			.partition = i % 2,
			.offset = i,
			.letter = {.error = &failures[i], .step = "s", .failed_ms = 1000 * order[i], .id = TEXT("r")}};
		assert_true(dead_letter_list_add(&list, &found, TEXT(""), &error));
	}
	assert_true(dead_letter_list_mark(&list, 1, 1, 7, &error) && dead_letter_list_mark(&list, 1, 1, 9, &error));
	assert_true(dead_letter_list_mark(&list, 0, 1, 8, &error)); /* no letter is there */
	dead_letter_list_sort(&list);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(list.items[i].failed_ms, 1000 * i);
		assert_int_equal(list.items[i].replayed_ms, list.items[i].offset == 1 ? 9 : 0);
	}
	size_t count;
	const struct letter_count *counts = dead_letter_list_count(&list, &count);
	assert_int_equal(count, 3);
	assert_int_equal(counts[0].count, 2);
	assert_int_equal(counts[0].replayed, 1);
	assert_string_equal(counts[0].last->text, "shape [17], not [2]");
	assert_string_equal(counts[1].last->kind, "INPUT");
	assert_string_equal(counts[2].last->text, "shape [3], not [2]!");
	arena_close(list.arena);
}

static void what_was_replayed_is_marked_and_reasons_are_counted(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with_letters(&mock);
	struct said said = errors(&mock, "replay p r-1");
	assert_int_equal(said.code, EXIT_GOOD);
	assert_string_equal(said.err, "1 record is not a dead letter and was left out\n");
	said_close(&said);
	said = errors(&mock, "list p");
	expect_words(said.out, "the model is away  [replayed 20");
	expect_words(said.out, "too large\n");
	expect_words(said.out, "\n      1        1 2023-11-14T22:13:21Z REMOTE  twice            the model is away\n");
	expect_words(said.out, "\n      1        0 2023-11-14T22:13:21Z INPUT   -                too large\n");
	assert_string_equal(said.err, "1 record is not a dead letter and was left out\n");
	said_close(&said);
	said = errors(&mock, "list p --kind REMOTE -o json");
	expect_words(said.out, "\"replayed_ms\": 1");
	said_close(&said);
	said = errors(&mock, "list p --kind INPUT -o json");
	assert_null(strstr(said.out, "replayed"));
	said_close(&said);
	said = errors(&mock, "list p --counts -o json");
	expect_words(said.out, "{\"count\": 1, \"replayed\": 1, \"kind\": \"REMOTE\", \"step\": \"twice\", "
			       "\"error\": \"the model is away\", \"last_ms\": 1700000001000}\n");
	said_close(&said);
	said = errors(&mock, "list p --since 1h");
	assert_string_equal(said.out, "no dead letters\n");
	said_close(&said);
	said = errors(&mock, "list p --since 1000000h");
	expect_words(said.out, "too large\n");
	said_close(&said);
	mock_close(&mock);
}

static void one_is_shown_whole_by_its_id_or_place(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with_letters(&mock);
	struct said said = errors(&mock, "show p r-1");
	expect_words(said.out, "0:0  r-1\n");
	expect_words(said.out, "REMOTE: the model is away\n");
	expect_words(said.out, "p.yaml:7:3\n");
	expect_words(said.out, "out 0:42\n");
	expect_words(said.out, "tier: fast\n");
	expect_words(said.out, "none: (no value)\n");
	expect_words(said.out, "  assigned  new of experiment e, probability 0.25, table 0123456789abcdef\n"
			       "  assigned  old of experiment f, probability 1, table 00000000000000ff\n");
	expect_words(said.out, REQUEST);
	said_close(&said);
	said = errors(&mock, "show p 0:0 -o json");
	expect_words(said.out, "\"none\": null, \"empty\": \"\"}");
	said_close(&said);
	said = errors(&mock, "show p 0:1 -o json");
	expect_words(said.out, "\"request\": \"{");
	expect_words(said.out, "\\\"data\\\":[3]");
	expect_words(said.out, "\"payload_base64\": \"w");
	assert_null(strstr(said.out, "r-1"));
	said_close(&said);
	said = errors(&mock, "show p 0:9");
	expect_words(said.err, ERRORS " has no dead letter `0:9`");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
	mock_close(&mock);
}

/* ---- replay ---- */

static struct text header_of(const rd_kafka_message_t *message, const char *name)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t length;
	if (rd_kafka_message_headers(message, &headers) || rd_kafka_header_get_last(headers, name, &value, &length))
		return TEXT("(no header)");
	return (struct text){value, length};
}

static void a_request_is_asked_again_as_it_was_with_time_left(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with_letters(&mock);
	struct said said = errors(&mock, "replay p r-1");
	assert_string_equal(said.out, "1 sent again to out, 0 refused, 0 left out\n");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	const rd_kafka_message_t *message = mock_read(&mock);
	assert_true(text_is((struct text){message->payload, message->len}, REQUEST));
	assert_true(text_is((struct text){message->key, message->key_len}, "k"));
	assert_true(text_is(header_of(message, "tier"), "fast"));
	assert_true(text_is(header_of(message, "x-request-id"), "r-1"));
	assert_true(text_is(header_of(message, "sluice-assigned"), ASSIGNED));
	assert_null(header_of(message, "none").bytes);
	assert_true(header_of(message, "empty").bytes && header_of(message, "empty").length == 0);
	char deadline[32] = "";
	struct text said_deadline = header_of(message, "x-deadline-ms");
	assert_true(said_deadline.length < sizeof deadline);
	memcpy(deadline, said_deadline.bytes, said_deadline.length);
	int64_t left_ms = strtoll(deadline, NULL, 10) - time_of_day_ms();
	assert_true(left_ms > 3500 * 1000 && left_ms <= 3600 * 1000);
	mock_close(&mock);
}

static void experiments_choose_again_when_that_is_said(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with_letters(&mock);
	struct said said = errors(&mock, "replay p r-1 --reassign");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	const rd_kafka_message_t *message = mock_read(&mock);
	assert_true(text_is(header_of(message, "sluice-assigned"), "(no header)"));
	assert_true(text_is(header_of(message, "tier"), "fast"));
	mock_close(&mock);
}

static void all_of_them_are_asked_again_only_when_that_is_said(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with_letters(&mock);
	struct said said = errors(&mock, "replay p");
	expect_words(said.err, "the requests are missing");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
	said = errors(&mock, "replay p --all --kind INPUT -o json");
	expect_words(said.out, "\"acknowledged\": 1, \"refused\": 0, \"left_out\": 0}");
	said_close(&said);
	const rd_kafka_message_t *message = mock_read(&mock);
	assert_int_equal(((const unsigned char *)message->payload)[0], 0xC3); /* Avro, untouched */
	assert_true(header_of(message, "x-deadline-ms").length == 13);	      /* its own has passed */
	mock_close(&mock);
}

static void what_is_edited_goes_out_as_it_was_saved(void **state)
{
	(void)state;
	struct mock mock;
	mock_open_with_letters(&mock);
	write_file(editor, "sed -i s/:.3]/:[4]/ \"$1\"\n");
	char command[100];
	snprintf(command, sizeof command, "sh %s", editor);
	setenv("VISUAL", command, 1);
	struct said said = errors(&mock, "replay p binary --edit");
	assert_string_equal(said.err, "1 record is not a dead letter and was left out\n");
	assert_string_equal(said.out, "1 sent again to out, 0 refused, 0 left out\n");
	said_close(&said);
	const rd_kafka_message_t *message = mock_read(&mock);
	char body[200] = "";
	assert_true(message->len < sizeof body);
	memcpy(body, message->payload, message->len);
	expect_words(body, "\"data\":[4]");
	assert_true(text_is(header_of(message, "content-type"), "application/json"));
	setenv("VISUAL", "truncate -s 0", 1);
	said = errors(&mock, "replay p r-1 --edit");
	expect_words(said.out, "0 sent again to out, 0 refused, 1 left out\n");
	said_close(&said);
	setenv("VISUAL", "false", 1);
	said = errors(&mock, "replay p r-1 --edit");
	expect_words(said.err, "the editor `false` ended with an error");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
	unsetenv("VISUAL");
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_says_where_what_and_why),
		cmocka_unit_test(letters_are_sorted_by_time_and_counted_by_reason),
		cmocka_unit_test(what_was_replayed_is_marked_and_reasons_are_counted),
		cmocka_unit_test(one_is_shown_whole_by_its_id_or_place),
		cmocka_unit_test(a_request_is_asked_again_as_it_was_with_time_left),
		cmocka_unit_test(experiments_choose_again_when_that_is_said),
		cmocka_unit_test(all_of_them_are_asked_again_only_when_that_is_said),
		cmocka_unit_test(what_is_edited_goes_out_as_it_was_saved),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
