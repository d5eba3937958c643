/* compute_test.c: `sluice compute` as its user sees it. What its numbers are worth is
 * judged by tests/judge/oracles.py. */
#include "session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CASES "build/compute_test.json"
#define QUANTILE(name, q) "{\"name\": \"" name "\", \"input\": {\"x\": [4, 1, \"NaN\", 2]}, \"params\": {\"q\": [" q "]}}"

static struct said compute(const char *cases)
{
	write_file(CASES, cases);
	return say("compute sketches " CASES);
}

static void each_case_is_a_line_of_json(void **state)
{
	(void)state;
	struct said said = compute(QUANTILE("a", "0.5") "\n\n" QUANTILE("b", "1") "\n");
	assert_int_equal(said.code, EXIT_GOOD);
	expect_words(said.out, "{\"name\":\"a\",\"result\":{\"linear\":[2.0],");
	expect_words(said.out, "}}\n{\"name\":\"b\",\"result\":{\"linear\":[4.0],");
	said_close(&said);
}

static void a_file_of_reference_numbers_is_read_whole(void **state)
{
	(void)state;
	struct said said = compute("{\n\"family\": \"f\",\n\"cases\": [\n" QUANTILE("a", "0") ",\n" QUANTILE("b", "0.25") "]}");
	assert_int_equal(said.code, EXIT_GOOD);
	expect_words(said.out, "{\"name\":\"a\",\"result\":{\"linear\":[1.0],");
	expect_words(said.out, "{\"name\":\"b\",\"result\":{\"linear\":[1.5],");
	said_close(&said);
}

static void a_case_that_fails_is_named_and_the_others_run(void **state)
{
	(void)state;
	struct said said = compute(QUANTILE("bad", "2") "\n{\"name\": \n" QUANTILE("good", "0.5") "\n[1]\n");
	assert_int_equal(said.code, EXIT_FAULTS);
	expect_words(said.err, "sluice: bad: `q` is no list of numbers from 0 to 1\n");
	expect_words(said.err, "sluice: " CASES ":2:");
	expect_words(said.err, "sluice: case 4: a case is an object");
	expect_words(said.out, "{\"name\":\"good\",\"result\":{\"linear\":[2.0],");
	said_close(&said);
}

static void a_first_line_that_is_no_json_stops_none_of_the_others(void **state)
{
	(void)state;
	struct said said = compute("\n{\"name\": \"bad\",\n" QUANTILE("good", "0.5") "\n" QUANTILE("too", "1") "\n");
	assert_int_equal(said.code, EXIT_FAULTS);
	expect_words(said.err, "sluice: " CASES ":2:");
	assert_null(strstr(said.err, CASES ":3:"));
	expect_words(said.out, "{\"name\":\"good\",\"result\":{\"linear\":[2.0],");
	expect_words(said.out, "{\"name\":\"too\",\"result\":{\"linear\":[4.0],");
	said_close(&said);
}

static void a_number_out_of_range_is_said_to_be_one(void **state)
{
	(void)state;
	static const char *const numbers[] = {"9223372036854775808", "-10000000000000000000", "1e400"};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		char text[128];
		(void)snprintf(text, sizeof text, "{\"name\": \"a\", \"input\": {\"x\": [%s]}}\n", numbers[i]);
		struct said said = compute(text);
		assert_int_equal(said.code, EXIT_FAULTS);
		expect_words(said.err, "sluice: " CASES ":1:");
		expect_words(said.err, "a number is out of range; write an integer of more than 64 bits as a float, as in 1e19");
		said_close(&said);
	}
}

static void a_broken_document_is_one_fault_at_its_line(void **state)
{
	(void)state;
	struct said said = compute("{\n\"family\": \"f\",\n\"cases\": [\n" QUANTILE("a", "0") "\n" QUANTILE("b", "0.25") "]}");
	assert_int_equal(said.code, EXIT_FAULTS);
	expect_words(said.err, "sluice: " CASES ":5:");
	assert_string_equal(said.out, "");
	said_close(&said);
}

static void what_is_missing_or_of_another_kind_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *given, *said;
	} wrong[] = {
		{"{\"name\": \"w\", \"params\": {\"q\": [0.5]}}", "w: `x` is missing, and a list of numbers is wanted"},
		{"{\"name\": \"w\", \"input\": 3, \"params\": {\"q\": [0.5]}}", "w: `input` is not an object"},
		{"{\"input\": {\"x\": [\"one\"]}, \"params\": {\"q\": [0.5]}}", "case 1: `x` is something else, and a list"},
		{"{\"name\": \"w\", \"input\": {\"values\": []}, \"params\": {\"quantiles\": [0.5], \"ddsketch_alpha\": [0.1]}}",
		 "w: the stream is empty"},
		{"{\"name\": \"w\", \"input\": {\"generator\": {\"kind\": \"odd\", \"seed\": 1, \"n\": 3}}, "
		 "\"params\": {\"percentiles\": []}}",
		 "w: no stream is of the kind `odd`"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct said said = compute(wrong[i].given);
		assert_int_equal(said.code, EXIT_FAULTS);
		expect_words(said.err, wrong[i].said);
		assert_string_equal(said.out, "");
		said_close(&said);
	}
}

static void parameters_that_cannot_be_meant_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *input, *params, *said;
	} wrong[] = {
		{"\"x\": [1]", "\"op\": \"clip\", \"low\": [1]", "`low` is something else, and a number is wanted"},
		{"\"x\": [[1]]", "\"op\": \"normalize\", \"norm\": 0", "`norm` is something else, and a text is wanted"},
		{"\"x\": [[1]]", "\"op\": \"polynomial\", \"bias\": \"no\"", "`bias` is something else, and true or false"},
		{"\"x\": [[1]]", "\"op\": \"polynomial\", \"degree\": 65", "`degree` is a whole number from 1 to 64"},
		{"\"x\": [1]", "\"op\": \"bucketize\", \"edges\": [2, 1]", "`edges` are numbers that do not fall"},
		{"\"train\": [[1]], \"query\": [[1]]", "\"op\": \"robust\", \"quantiles\": [-1, 101]", 
		 "`quantiles` are two numbers from 0"},
		{"\"train\": [[\"a\"]], \"query\": [[\"a\"]]", "\"op\": \"onehot\", \"drop\": \"if_binary\"", 
		 "`drop` is `if_binary`"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char given[256];
		(void)snprintf(given, sizeof given, "{\"name\": \"w\", \"input\": {%s}, \"params\": {%s}}", wrong[i].input,
			       wrong[i].params);
		write_file(CASES, given);
		struct said said = say("compute preprocess " CASES);
		assert_int_equal(said.code, EXIT_FAULTS);
		expect_words(said.err, wrong[i].said);
		assert_string_equal(said.out, "");
		said_close(&said);
	}
}

/* Numbers that no sample can have: a result would be a number without a meaning. */
static void input_that_cannot_be_meant_is_refused(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"{\"reference_counts\": [-1, 3], \"current_counts\": [1, 2]}, \"params\": {\"test\": \"chi2\"}",
		 "`reference_counts` has -1; give numbers from 0"},
		{"{\"p\": [0.5, 2]}, \"params\": {\"test\": \"multiple_testing\"}", "`p` has 2; give numbers from 0 to 1"},
		{"{\"reference\": [1, 2], \"current\": [1], \"current_weights\": [1, 1]}, \"params\": {\"test\": \"distance\"}",
		 "`current_weights` has 2 weights for 1 numbers"},
		{"{\"reference\": [1, 2], \"current\": [1]}, \"params\": {\"test\": \"psi\", \"epsilon\": -1}",
		 "`epsilon` is -1; give a share from 0 to 1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[512];
		(void)snprintf(text, sizeof text, "{\"name\": \"c\", \"input\": %s}\n", cases[i][0]);
		write_file(CASES, text);
		struct said said = say("compute drift_twosample " CASES);
		assert_int_equal(said.code, EXIT_FAULTS);
		expect_words(said.err, cases[i][1]);
		said_close(&said);
	}
	write_file(CASES, "{\"name\": \"c\", \"input\": {\"stream\": [1]}, \"params\": {\"detector\": \"page_hinkley\", \"mode\": "
			  "\"sideways\"}}\n");
	struct said said = say("compute drift_online " CASES);
	expect_words(said.err, "`mode` is `sideways`; give up, down or both");
	said_close(&said);
}

static void a_parameter_that_is_null_is_not_given(void **state)
{
	(void)state;
	write_file(CASES, "{\"name\": \"n\", \"input\": {\"x\": [1, 2]}, "
			  "\"params\": {\"op\": \"clip\", \"low\": null, \"high\": 1.5}}");
	struct said said = say("compute preprocess " CASES);
	assert_int_equal(said.code, EXIT_GOOD);
	assert_string_equal(said.out, "{\"name\":\"n\",\"result\":{\"output\":[1.0,1.5]}}\n");
	said_close(&said);
}

static void categories_of_other_columns_are_refused(void **state)
{
	(void)state;
	write_file(CASES, "{\"name\": \"w\", \"input\": {\"train\": [[\"a\", \"b\"]], \"query\": [[\"a\"]]}, "
			  "\"params\": {\"op\": \"onehot\"}}");
	struct said said = say("compute preprocess " CASES);
	assert_int_equal(said.code, EXIT_FAULTS);
	expect_words(said.err, "w: `train` has 2 columns and `query` 1");
	said_close(&said);
}

/* The numbers are scikit-learn's: FeatureHasher(8, input_type="string"). */
static void texts_without_a_number_count_one_when_hashed(void **state)
{
	(void)state;
	write_file(CASES, "{\"name\": \"w\", \"input\": {\"rows\": [[\"tok2\", \"tok7\", [\"tok2\", 1]], []]}, "
			  "\"params\": {\"op\": \"hash\", \"n_features\": 8}}");
	struct said said = say("compute preprocess " CASES);
	assert_int_equal(said.code, EXIT_GOOD);
	expect_words(said.out, "\"output\":[[0.0,0.0,2.0,0.0,1.0,0.0,0.0,0.0],[0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0]]");
	said_close(&said);
	static const char *const wrong[] = {"[[3]]", "[3]", "[[[\"a\", \"b\"]]]", "[[[]]]", "\"a\""};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char line[200];
		snprintf(line, sizeof line, "{\"name\": \"w\", \"input\": {\"rows\": %s}, \"params\": {\"op\": \"hash\"}}",
			 wrong[i]);
		write_file(CASES, line);
		said = say("compute preprocess " CASES);
		assert_int_equal(said.code, EXIT_FAULTS);
		expect_words(said.err, "w: `rows` are lists of texts");
		said_close(&said);
	}
}

static void a_parameter_that_is_misspelt_is_refused_with_the_nearest(void **state)
{
	(void)state;
	static const struct {
		const char *family, *params, *said;
	} wrong[] = {
		{"sketches", "{\"q\": [0.5], \"quantile\": [0.5]}",
		 "w: no parameter of sketches is called `quantile`; did you mean `quantiles`?"},
		{"drift_twosample", "{\"test\": \"psi\", \"epsilom\": 0.1}", "did you mean `epsilon`?"},
		{"outliers", "{\"iqr-k\": 3}", "no parameter of outliers is called `iqr-k`; did you mean `iqr_k`?"},
		{"windows", "{\"kind\": \"tumbling\", \"size\": 10, \"graze\": 5}", "did you mean `grace`?"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char given[256], line[128];
		(void)snprintf(given, sizeof given, "{\"name\": \"w\", \"input\": {\"x\": [1]}, \"params\": %s}", wrong[i].params);
		(void)snprintf(line, sizeof line, "compute %s " CASES, wrong[i].family);
		write_file(CASES, given);
		struct said said = say(line);
		assert_int_equal(said.code, EXIT_FAULTS);
		expect_words(said.err, wrong[i].said);
		assert_string_equal(said.out, "");
		said_close(&said);
	}
	/* A note of whoever made the case is like none of them. */
	struct said said = compute("{\"name\": \"w\", \"input\": {\"x\": [1]}, \"params\": {\"q\": [0.5], \"made_by\": \"hand\"}}");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
}

static void families_are_listed_with_their_definitions(void **state)
{
	(void)state;
	struct said said = say("compute --list");
	assert_int_equal(said.code, EXIT_GOOD);
	expect_words(said.out, "sketches: Quantiles of a stream");
	expect_words(said.out, "  ddsketch: bucket ceil(log_gamma v)");
	expect_words(said.out, "  parameters: alpha ddsketch_alpha highest");
	said_close(&said);
	said = say("compute sketches --list -o json");
	assert_int_equal(said.code, EXIT_GOOD);
	expect_words(said.out, "[{\"family\": \"sketches\", \"summary\": ");
	expect_words(said.out, "\"methods\": [{\"name\": \"exact_lower_rank\", \"definition\": ");
	expect_words(said.out, "], \"parameters\": [\"alpha\", \"ddsketch_alpha\", ");
	said_close(&said);
}

static void what_cannot_be_meant_is_misuse(void **state)
{
	(void)state;
	static const struct {
		const char *line, *said;
	} misuse[] = {
		{"compute sketch", "no family is called `sketch`; did you mean `sketches`?"},
		{"compute zebra", "`sluice compute --list` lists them"},
		{"compute", "the family is missing"},
		{"compute sketches build/nothing.json", "cannot be read"},
	};
	for (size_t i = 0; i < sizeof misuse / sizeof *misuse; i++) {
		struct said said = say(misuse[i].line);
		assert_int_equal(said.code, EXIT_MISUSE);
		expect_words(said.err, misuse[i].said);
		said_close(&said);
	}
}

/* Four sketches merged answer as one does, and a digest within its bands. */
static void streams_dealt_to_shards_are_merged(void **state)
{
	(void)state;
	static const char *const params[] = {
		"\"quantiles\": [0.1, 0.5, 0.99], \"ddsketch_alpha\": [0.01]",
		"\"percentiles\": [50, 99.9], \"lowest\": 1, \"highest\": 3600000000, \"significant_digits\": 2",
	};
	for (size_t i = 0; i < 2; i++) {
		char line[512];
		const char *what = i == 0 ? "\"ddsketch\":{" : "\"value_at_percentile\":{";
		struct said answers[2];
		for (int shards = 1; shards <= 4; shards += 3) {
			(void)snprintf(line, sizeof line,
				       "{\"name\": \"s\", \"input\": {\"generator\": {\"kind\": \"latency_us\", \"seed\": 7, "
				       "\"n\": 5000}}, "
				       "\"params\": {%s, \"shards\": %d}}",
				       params[i], shards);
			answers[shards / 4] = compute(line);
			assert_int_equal(answers[shards / 4].code, EXIT_GOOD);
		}
		const char *one = strstr(answers[0].out, what), *four = strstr(answers[1].out, what);
		assert_non_null(one);
		assert_non_null(four);
		assert_memory_equal(one, four, (size_t)(strchr(one, '}') - one));
		said_close(&answers[0]);
		said_close(&answers[1]);
	}
}

/* Each expected number is that of the same sample without its NaN, by hand. */
static void nan_is_left_out_of_samples_and_counted(void **state)
{
	(void)state;
	static const struct {
		const char *family, *body, *words;
	} rows[] = {
		{"abtest", "\"input\": {\"control\": [1, 2, \"NaN\", 3], \"treatment\": [\"NaN\", 2, 4, 6, \"NaN\"]}",
		 "{\"mean_difference\":2.0,\"welch_t\":1.549193338482966"},
		{"abtest", "\"input\": {\"control\": [1, 2, \"NaN\", 3], \"treatment\": [\"NaN\", 2, 4, 6, \"NaN\"]}",
		 "\"nan_control\":1,\"nan_treatment\":2}"},
		{"abtest",
		 "\"input\": {\"control\": [\"NaN\", 1, 1], \"treatment\": [3, \"NaN\"]}, \"params\": {\"resamples\": 50}",
		 "{\"lower\":2.0,\"upper\":2.0,\"standard_error\":0.0,\"nan_control\":1,\"nan_treatment\":1}"},
		{"abtest",
		 "\"input\": {\"control\": {\"pre\": [1, 2, 3, \"NaN\"], \"post\": [1, 2, 3, 5]}, "
		 "\"treatment\": {\"pre\": [1, 2, 3, 4], \"post\": [2, 3, 4, \"NaN\"]}}",
		 "{\"theta\":1.0,\"adjusted_mean_control\":2.0,\"adjusted_mean_treatment\":3.0,"},
		{"abtest",
		 "\"input\": {\"control\": [1, \"NaN\", 1], \"treatment\": [2, 9, 2], \"sigma2\": 1, \"tau2\": 1}, "
		 "\"params\": {\"checkpoints\": [2]}",
		 "\"likelihood_ratio_at\":[[2,0.90794307"}, /* sqrt(1/2) exp(1/4) */
		{"outliers", "\"input\": {\"x\": [[1, 2], [\"NaN\", 9], [3, 6]]}",
		 "{\"mean\":[2.0,4.0],\"covariance\":[[2.0,4.0],[4.0,8.0]],\"nan_rows\":1}"},
		{"outliers",
		 "\"input\": {\"train\": [[-1], [9], [\"NaN\"], [1], [-9]], \"query\": [[5]]}, \"params\": {\"ddof\": 0}",
		 "\"nan_rows\":1,\"squared_distance\":[0.6097560975609"}, /* 25 / 41 */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512], line[64];
		(void)snprintf(text, sizeof text, "{\"name\": \"c\", %s}\n", rows[i].body);
		(void)snprintf(line, sizeof line, "compute %s " CASES, rows[i].family);
		write_file(CASES, text);
		struct said said = say(line);
		assert_int_equal(said.code, EXIT_GOOD);
		expect_words(said.out, rows[i].words);
		said_close(&said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_is_a_line_of_json),
		cmocka_unit_test(a_file_of_reference_numbers_is_read_whole),
		cmocka_unit_test(a_case_that_fails_is_named_and_the_others_run),
		cmocka_unit_test(a_first_line_that_is_no_json_stops_none_of_the_others),
		cmocka_unit_test(a_number_out_of_range_is_said_to_be_one),
		cmocka_unit_test(a_broken_document_is_one_fault_at_its_line),
		cmocka_unit_test(what_is_missing_or_of_another_kind_is_named),
		cmocka_unit_test(parameters_that_cannot_be_meant_are_refused),
		cmocka_unit_test(input_that_cannot_be_meant_is_refused),
		cmocka_unit_test(a_parameter_that_is_null_is_not_given),
		cmocka_unit_test(categories_of_other_columns_are_refused),
		cmocka_unit_test(texts_without_a_number_count_one_when_hashed),
		cmocka_unit_test(a_parameter_that_is_misspelt_is_refused_with_the_nearest),
		cmocka_unit_test(families_are_listed_with_their_definitions),
		cmocka_unit_test(what_cannot_be_meant_is_misuse),
		cmocka_unit_test(streams_dealt_to_shards_are_merged),
		cmocka_unit_test(nan_is_left_out_of_samples_and_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
