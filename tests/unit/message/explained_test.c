/* explained_test.c: explanations as records, read by avro-c, and as JSON. */
#include "message/formats/explained_seldon.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <avro.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "message/avro/avro.h"
#include "message/avro/schemas.h"
#include "tests/unit/arena_fixture.h"

#define FEATURES 2
#define OUTPUTS 2

static double numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
static const struct text names[FEATURES] = {{"age", 3}, {"size \"m\"", 8}};
static const double row[FEATURES] = {40, NAN};

static struct explained two_outputs(void)
{
	return (struct explained){
		.step = "score",
		.output = TEXT("predict"),
		.row = 1,
		.rows = 2,
		.calls = 70,
		.data = {.method = EXPLANATION_SAMPLED,
			 .features = FEATURES,
			 .outputs = OUTPUTS,
			 .names = names,
			 .row = row,
			 .base = numbers,
			 .prediction = numbers + 2,
			 .residual = numbers + 4,
			 .contributions = numbers + 6,
			 .errors = numbers + 10,
			 .asked = 64,
			 .answered = 62},
	};
}

static const struct message request = {.id = {"r-1", 3}, .origin = {{"in", 2}, 2, 1234567}};

static avro_value_t member(const avro_value_t *record, const char *name)
{
	avro_value_t value = {0};
	assert_int_equal(avro_value_get_by_name(record, name, &value, NULL), 0);
	return value;
}

static void expect_text(const avro_value_t *record, const char *name, const char *expected)
{
	avro_value_t value = member(record, name);
	const char *text = "";
	size_t size;
	assert_int_equal(avro_value_get_string(&value, &text, &size), 0);
	assert_string_equal(text, expected);
}

static double number_of(const avro_value_t *record, const char *name)
{
	avro_value_t value = member(record, name);
	double number = 0;
	assert_int_equal(avro_value_get_double(&value, &number), 0);
	return number;
}

static void expect_attribution(const avro_value_t *record, size_t index, const char *name, double contribution, double wrong)
{
	avro_value_t list = member(record, "attributions"), one = {0};
	assert_int_equal(avro_value_get_by_index(&list, index, &one, NULL), 0);
	expect_text(&one, "feature", name);
	assert_true(number_of(&one, "contribution") == contribution);
	assert_true(number_of(&one, "error") == wrong);
}

static void expect_record(const avro_value_t *record)
{
	avro_value_t list = member(record, "attributions"), origin = member(record, "origin"), place, calls, complete;
	size_t count = 0;
	int64_t offset = 0, sent = 0;
	int whole = 1;
	expect_text(record, "id", "r-1");
	expect_text(record, "pipeline", "p");
	expect_text(record, "step", "score");
	expect_text(record, "method", "sample");
	expect_text(record, "output", "predict[3]"); /* the second output of the second row */
	assert_true(number_of(record, "base_value") == 2 && number_of(record, "answer") == 4);
	assert_true(number_of(record, "residual") == 6);
	assert_int_equal(avro_value_get_size(&list, &count), 0);
	assert_int_equal(count, FEATURES);
	expect_attribution(record, 0, "age", 9, 13);
	expect_attribution(record, 1, "size \"m\"", 10, 14);
	assert_int_equal(avro_value_get_current_branch(&origin, &place), 0);
	expect_text(&place, "topic", "in");
	avro_value_t at = member(&place, "offset");
	assert_int_equal(avro_value_get_long(&at, &offset), 0);
	assert_int_equal(offset, 1234567);
	calls = member(record, "calls");
	assert_int_equal(avro_value_get_long(&calls, &sent), 0);
	assert_int_equal(sent, 70);
	complete = member(record, "complete");
	assert_int_equal(avro_value_get_boolean(&complete, &whole), 0);
	assert_false(whole);
}

static void a_record_is_read_by_its_schema(void **state)
{
	const struct explained explained = two_outputs();
	const char *json = schema_json("explanation");
	struct error error = {0};
	struct buffer out;
	avro_schema_t schema;
	avro_value_t record;
	(void)state;
	buffer_open(&out, 4096);
	assert_true(explained_encode(&explained, 1, &request, "p", &out, &error));
	const struct text bytes = buffer_view(&out);
	uint64_t fingerprint;
	assert_true(schema_fingerprint(json, &fingerprint, &error));
	assert_memory_equal(bytes.bytes, "\xC3\x01", 2);
	assert_memory_equal(bytes.bytes + 2, &fingerprint, sizeof fingerprint);
	assert_int_equal(avro_schema_from_json_length(json, strlen(json), &schema), 0);
	avro_value_iface_t *class = avro_generic_class_from_schema(schema);
	assert_int_equal(avro_generic_value_new(class, &record), 0);
	avro_reader_t reader = avro_reader_memory(bytes.bytes + 10, (int64_t)bytes.length - 10);
	assert_int_equal(avro_value_read(reader, &record), 0);
	char rest;
	assert_int_not_equal(avro_read(reader, &rest, 1), 0); /* nothing follows it */
	expect_record(&record);
	avro_reader_free(reader);
	avro_value_decref(&record);
	avro_value_iface_decref(class);
	avro_schema_decref(schema);
	buffer_close(&out);
}

static const struct text conditions[2] = {{"age > 37", 8}, {"size \"m\" is missing", 19}};
static const struct explanation_rule rule = {.count = 2, .conditions = conditions, .precision = 0.97, .coverage = 0.25};

static struct explained an_anchor(void)
{
	struct explained made = two_outputs();
	made.data.method = EXPLANATION_ANCHORS;
	made.data.features = 0;
	made.data.outputs = 1;
	made.data.rule = &rule;
	return made;
}

static void an_anchor_is_a_record_with_rules(void **state)
{
	const struct explained explained = an_anchor();
	const char *json = schema_json("explanation");
	struct error error = {0};
	struct buffer out;
	avro_schema_t schema;
	avro_value_t record, branch;
	double number = 0;
	size_t count = 0;
	(void)state;
	buffer_open(&out, 4096);
	assert_true(explained_encode(&explained, 0, &request, "p", &out, &error));
	const struct text bytes = buffer_view(&out);
	assert_int_equal(avro_schema_from_json_length(json, strlen(json), &schema), 0);
	avro_value_iface_t *class = avro_generic_class_from_schema(schema);
	assert_int_equal(avro_generic_value_new(class, &record), 0);
	avro_reader_t reader = avro_reader_memory(bytes.bytes + 10, (int64_t)bytes.length - 10);
	assert_int_equal(avro_value_read(reader, &record), 0);
	char rest;
	assert_int_not_equal(avro_read(reader, &rest, 1), 0);
	expect_text(&record, "method", "anchors");
	avro_value_t rules = member(&record, "rules"), second, precision = member(&record, "precision"),
		     coverage = member(&record, "coverage");
	assert_int_equal(avro_value_get_size(&rules, &count), 0);
	assert_int_equal(count, 2);
	const char *text = "";
	assert_int_equal(avro_value_get_by_index(&rules, 1, &second, NULL), 0);
	assert_int_equal(avro_value_get_string(&second, &text, &count), 0);
	assert_string_equal(text, conditions[1].bytes);
	assert_int_equal(avro_value_get_current_branch(&precision, &branch), 0);
	assert_int_equal(avro_value_get_double(&branch, &number), 0);
	assert_true(number == 0.97);
	assert_int_equal(avro_value_get_current_branch(&coverage, &branch), 0);
	assert_int_equal(avro_value_get_double(&branch, &number), 0);
	assert_true(number == 0.25);
	avro_reader_free(reader);
	avro_value_decref(&record);
	avro_value_iface_decref(class);
	avro_schema_decref(schema);
	buffer_close(&out);
}

static void json_of_an_anchor_has_its_rules(void **state)
{
	const struct explanation_rule always = {.precision = 1, .coverage = 1};
	struct explained explained = an_anchor();
	struct error error = {0};
	struct buffer out;
	(void)state;
	buffer_open(&out, 4096);
	assert_true(explained_write_json(&explained, &request, "p", &out, &error));
	const struct text text = buffer_view(&out);
	json_t *read = json_loadb(text.bytes, text.length, 0, NULL);
	const json_t *one = json_array_get(json_object_get(read, "explanations"), 0);
	assert_string_equal(json_string_value(json_array_get(json_object_get(one, "rules"), 1)), conditions[1].bytes);
	assert_true(json_number_value(json_object_get(one, "precision")) == 0.97);
	assert_true(json_number_value(json_object_get(one, "coverage")) == 0.25);
	assert_int_equal(json_array_size(json_object_get(one, "attributions")), 0);
	json_decref(read);
	buffer_clear(&out);
	explained.data.rule = &always;
	assert_true(explained_write_json(&explained, &request, "p", &out, &error));
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "\"rules\":[],\"precision\":1"));
	buffer_close(&out);
}

static json_t *seldon_form(const struct explained *first)
{
	struct error error = {0};
	struct buffer out;
	struct message message = request;
	message.arena = arena_open((size_t)1 << 16);
	buffer_open(&out, 8192);
	assert_true(explained_write_seldon(first, &message, "p", &out, &error));
	arena_close(message.arena);
	json_t *read = json_loadb(buffer_view(&out).bytes, buffer_view(&out).length, 0, NULL);
	assert_non_null(read);
	assert_non_null(json_object_get(read, "explanations"));
	buffer_close(&out);
	return read;
}

static void expect_json(const json_t *object, const char *name, const char *expected)
{
	char *text = json_dumps(json_object_get(object, name), JSON_COMPACT | JSON_ENCODE_ANY);
	assert_string_equal(text, expected);
	free(text);
}

static void seldon_reads_an_anchor_as_alibi_writes_it(void **state)
{
	struct explained explained = an_anchor();
	struct explanation_rule wide = rule;
	(void)state;
	wide.width = 2;
	wide.features[0] = 0;
	wide.features[1] = 1;
	wide.perturbations = 1200;
	wide.holds = true;
	explained.row = 0;
	explained.rows = 1;
	explained.data.rule = &wide;
	json_t *read = seldon_form(&explained);
	const json_t *meta = json_object_get(read, "meta"), *data = json_object_get(read, "data");
	const json_t *raw = json_object_get(data, "raw");
	expect_json(meta, "name", "\"AnchorTabular\"");
	expect_json(json_object_get(meta, "params"), "threshold", "0.94999999999999996");
	expect_json(data, "anchor", "[\"age > 37\",\"size \\\"m\\\" is missing\"]");
	expect_json(data, "precision", "0.96999999999999997");
	expect_json(data, "coverage", "0.25");
	expect_json(raw, "feature", "[0,1]");
	expect_json(raw, "prediction", "[3.0]");
	expect_json(raw, "instance", "[40.0,null]");
	expect_json(raw, "num_preds", "1200");
	expect_json(raw, "success", "true");
	json_decref(read);
}

/* Rows are listed with a message in any order; in this form they have their places. */
static void seldon_reads_contributions_of_all_rows(void **state)
{
	static double first_numbers[] = {1, 2, 30, 40, 0, 0, 70, 80, 90, 100, 0, 0, 0, 0};
	const struct error away = {.kind = ERROR_REMOTE};
	struct explained second = two_outputs(), first = two_outputs();
	const struct explained failed = {.step = "score", .failure = &away, .next = &second};
	(void)state;
	first.row = 0;
	first.data.prediction = first_numbers + 2;
	first.data.contributions = first_numbers + 6;
	second.next = &first;
	json_t *read = seldon_form(&failed);
	const json_t *data = json_object_get(read, "data");
	expect_json(json_object_get(read, "meta"), "name", "\"KernelShap\"");
	expect_json(data, "shap_values", "[[[70.0,80.0],[7.0,8.0]],[[90.0,100.0],[9.0,10.0]]]");
	expect_json(data, "expected_value", "[1.0,2.0]");
	expect_json(data, "feature_names", "[\"age\",\"size \\\"m\\\"\"]");
	const json_t *raw = json_object_get(data, "raw"), *importances = json_object_get(raw, "importances");
	expect_json(raw, "raw_prediction", "[[30.0,40.0],[3.0,4.0]]");
	expect_json(raw, "prediction", "[1,1]");
	/* (80 + 8) / 2 and (70 + 7) / 2 of the first output, (100 + 10) / 2 and (90 + 9) / 2 of the second */
	expect_json(importances, "0", "{\"ranked_effect\":[44.0,38.5],\"names\":[\"size \\\"m\\\"\",\"age\"]}");
	expect_json(importances, "1", "{\"ranked_effect\":[55.0,49.5],\"names\":[\"size \\\"m\\\"\",\"age\"]}");
	expect_json(importances, "aggregated", "{\"ranked_effect\":[99.0,88.0],\"names\":[\"size \\\"m\\\"\",\"age\"]}");
	assert_null(json_object_get(raw, "labels")); /* of trees only */
	expect_json(json_object_get(json_object_get(read, "meta"), "params"), "link", "\"identity\"");
	json_decref(read);
	second.data.method = first.data.method = EXPLANATION_GRADIENTS;
	read = seldon_form(&second);
	data = json_object_get(read, "data");
	expect_json(json_object_get(read, "meta"), "name", "\"IntegratedGradients\"");
	/* of the class of each row, which is the second: 40 > 30, and 4 > 3 */
	expect_json(data, "target", "[1,1]");
	expect_json(data, "attributions", "[[[90.0,100.0],[9.0,10.0]]]");
	expect_json(data, "deltas", "[-6.0,-6.0]");
	json_decref(read);
}

static void json_has_each_output_and_no_failure(void **state)
{
	const struct error away = {.kind = ERROR_REMOTE};
	const struct explained failed = {.step = "score", .failure = &away};
	struct explained explained = two_outputs();
	struct error error = {0};
	struct buffer out;
	(void)state;
	explained.next = &failed;
	buffer_open(&out, 4096);
	assert_true(explained_write_json(&explained, &request, "p", &out, &error));
	const struct text text = buffer_view(&out);
	json_t *read = json_loadb(text.bytes, text.length, 0, NULL);
	const json_t *list = json_object_get(read, "explanations"), *second = json_array_get(list, 1);
	assert_string_equal(json_string_value(json_object_get(read, "id")), "r-1");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(second, "output")), "predict[3]");
	const json_t *size = json_array_get(json_object_get(second, "attributions"), 1);
	assert_true(json_is_null(json_object_get(size, "value"))); /* it is missing */
	assert_true(json_number_value(json_object_get(size, "contribution")) == 10);
	assert_true(json_is_false(json_object_get(second, "complete")));
	json_decref(read);
	buffer_close(&out);
}

static void what_does_not_fit_is_a_limit(void **state)
{
	const struct explained explained = two_outputs();
	struct error error = {0};
	struct buffer out;
	(void)state;
	buffer_open(&out, 64);
	assert_false(explained_encode(&explained, 0, &request, "p", &out, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	buffer_close(&out);
}

static void a_header_asks_for_an_explanation(void **state)
{
	static const struct {
		const char *name, *value;
		bool wanted, awaited;
	} rows[] = {
		{"x-explain", "yes", true, false},  {"X-Explain", "1", true, false},	       {"x-explain", "No", false, false},
		{"x-explain", "0", false, false},   {"x-explain", "FALSE", false, false},      {"x-other", "yes", false, false},
		{"x-explain", "", true, false},	    {"sluice-reply-explanation", "yes", true, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct header header = {text_of(rows[i].name), text_of(rows[i].value)};
		const struct message message = {.headers = {1, &header}};
		assert_int_equal(explained_is_wanted(&message), rows[i].wanted);
		assert_int_equal(explained_is_awaited(&message), rows[i].awaited);
	}
}

/* ---- records as JSON ---- */

static void expect_cut_records_refused(struct text record)
{
	struct explained_record read;
	for (size_t length = 0; length < record.length; length++) {
		char *cut = malloc(length + 1); /* of its own, so that a sanitizer sees what is read behind it */
		assert_non_null(cut);
		memcpy(cut, record.bytes, length);
		assert_false(explained_read((struct text){cut, length}, arena, &read));
		free(cut);
	}
	assert_false(explained_read(TEXT("{}"), arena, &read));
}

static void expect_the_same_json(const struct explained *explained)
{
	struct error error = {0};
	struct buffer record, made, wanted;
	buffer_open(&record, 65536);
	buffer_open(&made, 65536);
	buffer_open(&wanted, 65536);
	assert_true(explained_write_json(explained, &request, "p", &wanted, &error));
	buffer_string(&made, "{\"id\":\"r-1\",\"pipeline\":\"p\",\"explanations\":[");
	for (size_t output = 0; output < explained->data.outputs; output++) {
		struct explained_record read;
		buffer_clear(&record);
		assert_true(explained_encode(explained, output, &request, "p", &record, &error));
		assert_true(explained_read(buffer_view(&record), arena, &read));
		assert_true(text_is(read.id, "r-1") && text_is(read.pipeline, "p") && text_is(read.origin.topic, "in"));
		assert_true(read.origin.partition == 2 && read.origin.offset == 1234567);
		buffer_string(&made, output ? "," : "");
		explained_record_write_json(&read, &made);
		expect_cut_records_refused(buffer_view(&record));
	}
	buffer_string(&made, "]}");
	assert_true(text_equal(buffer_view(&made), buffer_view(&wanted)));
	buffer_close(&record);
	buffer_close(&made);
	buffer_close(&wanted);
}

static void records_have_the_json_that_a_gateway_answers(void **state)
{
	(void)state;
	struct explained explained = two_outputs();
	expect_the_same_json(&explained);
	explained.data.answered = 64;
	explained.data.residual = (double[]){(double)NAN, (double)NAN};
	expect_the_same_json(&explained);
	const struct explanation_rule rules[] = {{.count = 2, .conditions = names, .precision = 0.96875, .coverage = 0.25},
						 {.precision = 1, .coverage = 1}};
	for (size_t i = 0; i < 2; i++) {
		explained.data.rule = &rules[i];
		explained.data.features = 0;
		explained.data.outputs = 1;
		expect_the_same_json(&explained);
	}
}

/* ---- scales ---- */

/* A model that answers a probability, explained by its weights: its log-odds. */
static void a_scale_that_is_not_the_answers_is_named(void **state)
{
	(void)state;
	struct explained explained = two_outputs();
	struct error error = {0};
	struct buffer out;
	explained.data.method = EXPLANATION_LINEAR;
	explained.data.scale = SCALE_LOG_ODDS;
	expect_the_same_json(&explained);
	buffer_open(&out, 4096);
	assert_true(explained_write_json(&explained, &request, "p", &out, &error));
	json_t *read = json_loadb(buffer_view(&out).bytes, buffer_view(&out).length, 0, NULL);
	expect_json(json_array_get(json_object_get(read, "explanations"), 1), "scale", "\"log-odds\"");
	json_decref(read);
	buffer_close(&out);
	read = seldon_form(&explained);
	expect_json(json_object_get(json_object_get(read, "meta"), "params"), "link", "\"logit\"");
	json_decref(read);
	explained.data.scale = SCALE_SCORE; /* no logit: classes share a number that softmax takes out */
	read = seldon_form(&explained);
	expect_json(json_object_get(json_object_get(read, "meta"), "params"), "link", "\"identity\"");
	expect_json(json_array_get(json_object_get(read, "explanations"), 0), "scale", "\"score\"");
	json_decref(read);
}

static struct text bytes_of(const char *path)
{
	struct text content = {0};
	struct error error = {0};
	assert_true(file_read(path, 65536, arena, &content, &error));
	return content;
}

static void a_record_of_the_former_schema_is_read(void **state)
{
	(void)state;
	const struct text former = bytes_of("tests/data/avro/explanation-1.avsc");
	const struct text record = bytes_of("tests/data/avro/explanation-1.bin");
	struct error error = {0};
	struct explained_record read_record;
	struct buffer out;
	uint64_t fingerprint;
	assert_true(schema_fingerprint(former.bytes, &fingerprint, &error));
	assert_memory_equal(record.bytes + 2, &fingerprint, sizeof fingerprint);
	assert_true(explained_read(record, arena, &read_record) && text_is(read_record.id, "old-1"));
	buffer_open(&out, 4096);
	explained_record_write_json(&read_record, &out);
	json_t *read = json_loadb(buffer_view(&out).bytes, buffer_view(&out).length, 0, NULL);
	expect_json(read, "answer", "1.25");
	expect_json(read, "calls", "3");
	assert_null(json_object_get(read, "scale"));
	json_decref(read);
	buffer_close(&out);
	expect_cut_records_refused(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read_by_its_schema),
		cmocka_unit_test(an_anchor_is_a_record_with_rules),
		cmocka_unit_test(json_of_an_anchor_has_its_rules),
		cmocka_unit_test(seldon_reads_an_anchor_as_alibi_writes_it),
		cmocka_unit_test(seldon_reads_contributions_of_all_rows),
		cmocka_unit_test(json_has_each_output_and_no_failure),
		cmocka_unit_test(records_have_the_json_that_a_gateway_answers),
		cmocka_unit_test(a_scale_that_is_not_the_answers_is_named),
		cmocka_unit_test(a_record_of_the_former_schema_is_read),
		cmocka_unit_test(what_does_not_fit_is_a_limit),
		cmocka_unit_test(a_header_asks_for_an_explanation),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
