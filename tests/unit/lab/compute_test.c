/* compute_test.c: `sluice compute` as its user sees it. What its numbers are worth is
 * judged by tests/judge/oracles.py. */
#include "tests/unit/session.h"

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
	static const struct {
		const char *family, *input, *said;
	} cases[] = {
		{"drift_twosample", "{\"reference_counts\": [-1, 3], \"current_counts\": [1, 2]}, \"params\": {\"test\": \"chi2\"}",
		 "`reference_counts` has -1; give numbers from 0"},
		{"drift_twosample", "{\"reference_counts\": [1, 3], \"current_counts\": [0, 0]}, \"params\": {\"test\": \"js\"}",
		 "the sum of `current_counts` is 0;"},
		{"drift_twosample", "{\"p\": [0.5, 2]}, \"params\": {\"test\": \"multiple_testing\"}",
		 "`p` has 2; give numbers from 0 to 1"},
		{"drift_twosample", "{\"p\": [0.5]}, \"params\": {\"test\": \"multiple_testing\", \"alpha\": 7}",
		 "`alpha` is 7; give a probability between 0 and 1"},
		{"drift_twosample",
		 "{\"reference\": [1, 2], \"current\": [1], \"current_weights\": [1, 1]}, \"params\": {\"test\": \"distance\"}",
		 "`current_weights` has 2 weights for 1 numbers"},
		{"drift_twosample",
		 "{\"reference\": [1, 2], \"current\": [1], \"current_weights\": [0]}, \"params\": {\"test\": \"distance\"}",
		 "the sum of `current_weights` is 0;"},
		{"drift_twosample", "{\"reference\": [1, 2], \"current\": [1]}, \"params\": {\"test\": \"psi\", \"epsilon\": -1}",
		 "`epsilon` is -1; give a share from 0 to 1"},
		{"drift_twosample", "{\"reference\": [1, 2], \"current\": [1]}, \"params\": {\"test\": \"psi\", \"bins\": 2.5}",
		 "`bins` is 2.5; give an integer"},
		{"drift_twosample",
		 "{\"reference\": [1, 2], \"current\": [1]}, \"params\": {\"test\": \"psi\", \"edges\": [\"NaN\", 1]}",
		 "`edges` has a NaN"},
		{"drift_twosample",
		 "{\"reference\": [[1], [2]], \"current\": [[1], [2]]}, \"params\": {\"test\": \"mmd_rbf\", \"permutations\": -1}",
		 "`permutations` is -1; give a number from 0"},
		{"drift_twosample",
		 "{\"reference\": [[1], [2]], \"current\": [[1], [2]]}, \"params\": {\"test\": \"mmd_rbf\", \"sigma\": \"meidan\"}",
		 "`sigma` is not a width; give a number from 0 on, `median` or `alibi`"},
		{"drift_twosample",
		 "{\"reference\": [[1], [2]], \"current\": [[1], [2]]}, \"params\": {\"test\": \"mmd_rbf\", \"sigma\": -1}",
		 "`sigma` is not a width"},
		{"drift_twosample",
		 "{\"reference\": [[1], [2]], \"current\": [[1], [2]]}, \"params\": {\"test\": \"mmd_rbf\", \"sigma\": true}",
		 "`sigma` is not a width"},
		{"bandits", "{\"contexts\": [[1]], \"arms\": [0], \"rewards\": [1], \"query\": [\"NaN\"]}, \"params\": {\"k\": 2}",
		 "`query` has nan at index 0"},
		{"drift_online", "{\"stream\": [1]}, \"params\": {\"detector\": \"page_hinkley\", \"mode\": \"sideways\"}",
		 "`mode` is `sideways`; give up, down or both"},
		{"drift_online", "{\"stream\": [1]}, \"params\": {\"detector\": \"page_hinkley\", \"alpha\": 2}",
		 "`alpha` is 2; give a number from 0 to 1"},
		{"drift_online", "{\"stream\": [1]}, \"params\": {\"detector\": \"cusum\", \"sigma\": 0}",
		 "`sigma` is 0; give a number above 0"},
		{"drift_online", "{\"stream\": [1]}, \"params\": {\"detector\": \"adwin\", \"delta\": 0}",
		 "`delta` is 0; give a chance between 0 and 1"},
		{"drift_online", "{\"stream\": [1]}, \"params\": {\"detector\": \"adwin\", \"clock\": 1.5}",
		 "`clock` is 1.5; give an integer from 1"},
		{"drift_online", "{\"stream\": [1]}, \"params\": {\"detector\": \"ewma_chart\", \"lam\": 2}",
		 "`lam` is 2; give a number above 0, and at most 1"},
		{"outliers", "{\"x\": [1, 2]}, \"params\": {\"ddof\": -1}",
		 "`ddof` is -1; give 1 for a sample, or 0 for a population"},
		{"outliers", "{\"train\": [[1], [2]], \"query\": [[1]]}, \"params\": {\"ridge\": -1}",
		 "`ridge` is -1; give a number from 0 on"},
		{"abtest", "{\"control\": [1, 2], \"treatment\": [2, 3]}, \"params\": {\"alpha\": 2}",
		 "`alpha` is 2; give a probability between 0 and 1"},
		{"abtest", "{\"control\": {\"successes\": 1.5, \"n\": 3}, \"treatment\": {\"successes\": 1, \"n\": 3}}",
		 "`control` has 1.5 successes of 3; give integers"},
		{"abtest",
		 "{\"control\": {\"successes\": 1, \"n\": 3}, \"treatment\": {\"successes\": 1, \"n\": 3}, \"prior\": {\"alpha\": "
		 "1e20, \"beta\": 1}}",
		 "a posterior has `alpha` 1e+20 and `beta` 3; give a `prior` with which they are from 0.05 to 1e+12"},
		{"abtest",
		 "{\"control\": {\"successes\": 1, \"n\": 3}, \"treatment\": {\"successes\": 3, \"n\": 3}, \"prior\": {\"alpha\": "
		 "1, \"beta\": 0.001}}",
		 "a posterior has `alpha` 4 and `beta` 0.001; give"},
		{"abtest", "{\"table\": [[1, -2], [3, 4]]}", "`table` has -2; give numbers from 0 on"},
		{"abtest", "{\"counts\": [5, 5], \"expected_ratio\": [0, 0]}", "the sum of `expected_ratio` is 0;"},
		{"abtest", "{\"effect_size\": 0}", "`effect_size` is 0 and `ratio` 1; give an effect that is not 0"},
		{"abtest", "{\"effect_size\": 0.2, \"power\": 0.01}", "`power` is 0.01; give a probability above `alpha`"},
		{"abtest", "{\"p1\": 0.2, \"p2\": 0.2}", "`p1` is 0.2 and `p2` 0.2; give two different rates"},
		{"abtest",
		 "{\"control\": [1], \"treatment\": [2], \"sigma2\": -1, \"tau2\": 1}, \"params\": {\"checkpoints\": [1]}",
		 "`sigma2` is -1 and `tau2` 1; give variances above 0"},
		{"abtest", "{\"information\": [0.5, 1.5]}", "`information` has 1.5; give shares from 0 to 1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[512], line[64];
		(void)snprintf(text, sizeof text, "{\"name\": \"c\", \"input\": %s}\n", cases[i].input);
		(void)snprintf(line, sizeof line, "compute %s " CASES, cases[i].family);
		write_file(CASES, text);
		struct said said = say(line);
		assert_int_equal(said.code, EXIT_FAULTS);
		expect_words(said.err, cases[i].said);
		assert_string_equal(said.out, "");
		said_close(&said);
	}
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
		{"drift_twosample",
		 "\"input\": {\"reference\": [[0], [\"NaN\"], [2]], \"current\": [[1], [3]]}, "
		 "\"params\": {\"test\": \"mmd_rbf\", \"sigma\": 1}",
		 "\"mmd2_unbiased\":-0.64467992136484"}, /* 2 e^-2 - (3 e^-1/2 + e^-9/2) / 2 */
		{"drift_twosample",
		 "\"input\": {\"reference\": [[0], [\"NaN\"], [2]], \"current\": [[1], [3]]}, "
		 "\"params\": {\"test\": \"mmd_rbf\", \"sigma\": 1}",
		 "\"nan_reference\":1,\"nan_current\":0}"},
		{"drift_online",
		 "\"input\": {\"stream\": [0, \"NaN\", 0, 10]}, \"params\": {\"detector\": \"ewma_chart\", \"lam\": 0.5}",
		 "{\"alarms\":[3],\"final\":5.0,\"nan\":1}"},
		{"drift_online", "\"input\": {\"stream\": [\"NaN\", 0, 10, \"NaN\"]}, \"params\": {\"detector\": \"cusum\"}",
		 "{\"detections\":[2],\"sides\":[\"up\"],\"final_up\":0.0,\"final_down\":0.0,\"nan\":2}"},
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

/* An offset, and a scale far out, change no score: each expected number is that of 1, 2, 3, 6. */
static void numbers_keep_their_digits_at_any_offset_and_scale(void **state)
{
	(void)state;
	static const struct {
		const char *family, *body, *words;
	} rows[] = {
		{"abtest",
		 "{\"control\": [1000000001, 1000000002, 1000000003], \"treatment\": [1000000004, 1000000005, 1000000006]}",
		 "{\"mean_difference\":3.0,\"welch_t\":3.6742346141747673,\"welch_df\":4.0,"},
		{"abtest",
		 "{\"control\": [1e9, 1000000000.25, 1000000000.5], \"treatment\": [1000000001, 1000000001.5, 1000000002]}",
		 "{\"mean_difference\":1.25,\"welch_t\":3.872983346207417,\"welch_df\":2.94117647058823"},
		{"outliers", "{\"x\": [1e200, 2e200, 3e200, 6e200]}", "{\"z\":[-0.925820099772551"},
		{"outliers", "{\"x\": [0, 0, 0, 0, 0, 0, 1e308, 1e308, 1e308]}", /* a third of 1e308 times 1.2533 is the distance */
		 "\"modified_z\":[0.0,0.0,0.0,0.0,0.0,0.0,2.39365368240859"},
		{"outliers", "{\"x\": [1e-310, 2e-310, 3e-310, 6e-310]}", "{\"z\":[-0.925820099772551"},
		{"outliers", "{\"x\": [1e-310, 2e-310, 3e-310, 6e-310]}",
		 "\"modified_z_rule\":\"all_zero\",\"outlier_mad\":[false,false,false,false]"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512], line[64];
		(void)snprintf(text, sizeof text, "{\"name\": \"c\", \"input\": %s}\n", rows[i].body);
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
		cmocka_unit_test(numbers_keep_their_digits_at_any_offset_and_scale),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
