/* experiments_others_test.c: Tests of `experiments analyze` where metrics that decide nothing share a rate of false discoveries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "steps/kinds.h"
#include "tests/unit/session.h"

#define REQUESTS 4000
#define OTHERS 10
#define WEAK 0.35      /* found in the whole by its own alpha, and not among ten */
#define WEAK_CALM 0.45 /* likewise in the segment */
#define LINE_BYTES 400
#define FILES " --exposures exposures --feedback feedback"

static char folder[] = "/tmp/sluice-others-XXXXXX";
static char lines[REQUESTS * LINE_BYTES];

/* `m0` of `new` is higher by a little, `m1` by much, and `m2` by a little on calm markets; the rest are alike. */
static int set_up(void **state)
{
	size_t length = 0;
	(void)state;
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	for (int i = 0; i < REQUESTS; i++)
		length += (size_t)snprintf(
			lines + length, sizeof lines - length,
			"{\"id\": \"r%d\", \"unit\": \"u%d\", \"time_ms\": %d, \"experiment\": \"e\", "
			"\"variant\": \"%s\", \"probability\": 0.5, \"texts\": [{\"name\": \"market\", \"value\": \"%s\"}]}\n",
			i, i, 1000 * (i + 1), i % 2 ? "new" : "old", i % 8 < 6 ? "calm" : "wild");
	write_file("exposures", lines);
	length = 0;
	for (int i = 0; i < REQUESTS; i++) {
		const int noise = i / 2 % 11;
		length += (size_t)snprintf(lines + length, sizeof lines - length,
					   "{\"id\": \"r%d\", \"reward\": %d, \"metrics\": {\"m0\": %g, \"m1\": %d, \"m2\": %g", i,
					   noise, noise + (i % 2 ? WEAK : 0), noise + i % 2 * 4,
					   noise + (i % 2 && i % 8 < 6 ? WEAK_CALM : 0));
		for (int other = 3; other < OTHERS; other++)
			length += (size_t)snprintf(lines + length, sizeof lines - length, ", \"m%d\": %d", other,
						   (i / 2 + other) % 11);
		length += (size_t)snprintf(lines + length, sizeof lines - length, "}}\n");
	}
	write_file("feedback", lines);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink("exposures");
	(void)unlink("feedback");
	return chdir("/") == 0 ? rmdir(folder) : 1;
}

/* The only pair of a metric in a list of metrics. */
static const json_t *pair_of(const json_t *metrics, const char *name)
{
	const json_t *metric;
	size_t i;
	json_array_foreach(metrics, i, metric) if (strcmp(json_string_value(json_object_get(metric, "name")), name) ==
						   0) return json_array_get(json_object_get(metric, "pairs"), 0);
	fail_msg("no metric %s", name);
	return NULL;
}

static double p_of(const json_t *metrics, const char *name)
{
	return json_number_value(json_object_get(json_object_get(pair_of(metrics, name), "always_valid"), "p"));
}

static void expect_pair(const json_t *metrics, const char *name, const char *state, bool discovered)
{
	const json_t *pair = pair_of(metrics, name), *valid = json_object_get(pair, "always_valid");
	assert_string_equal(json_string_value(json_object_get(pair, "state")), state);
	assert_int_equal(json_is_true(json_object_get(pair, "discovered")), discovered);
	assert_int_equal(json_is_true(json_object_get(valid, "decided")), discovered);
}

static void one_that_is_no_discovery_is_open_with_its_p(void **state)
{
	(void)state;
	struct said said = say_with(step_kinds, "experiments analyze e" FILES " -o json");
	assert_int_equal(said.code, 0);
	json_t *document = json_loads(said.out, 0, NULL);
	const json_t *metrics = json_object_get(document, "metrics");
	expect_pair(metrics, "m0", "open", false);
	expect_pair(metrics, "m1", "better", true);
	assert_true(p_of(metrics, "m0") < 0.05); /* its own alpha would call it better */
	json_decref(document);
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES);
	expect_words(said.out, "\n  new: open, no discovery\n");
	expect_words(said.out, "\n  new: better, a discovery\n");
	assert_null(strstr(said.out, "\n  new: better\n"));
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " -o html");
	expect_words(said.out, "open, no discovery</td>");
	expect_words(said.out, "better, a discovery</td>");
	said_close(&said);
}

/* Each segment has a share of alpha, within which its others share one rate. */
static void segments_have_the_same_rule(void **state)
{
	(void)state;
	struct said said = say_with(step_kinds, "experiments analyze e" FILES " --segment market -o json");
	assert_int_equal(said.code, 0);
	json_t *document = json_loads(said.out, 0, NULL);
	const json_t *segments = json_object_get(json_object_get(document, "segments"), "values"), *segment;
	size_t i;
	assert_int_equal(json_array_size(segments), 2);
	assert_true(p_of(json_object_get(json_array_get(segments, 0), "metrics"), "m2") < 0.025);
	json_array_foreach(segments, i, segment)
	{
		expect_pair(json_object_get(segment, "metrics"), "m2", "open", false);
		expect_pair(json_object_get(segment, "metrics"), "m1", "better", true);
	}
	json_decref(document);
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " --segment market");
	expect_words(said.out, "    m1, new: better, a discovery, ");
	expect_words(said.out, "    m2, new: open, no discovery, ");
	assert_null(strstr(said.out, "    m2, new: better"));
	said_close(&said);
}

/* A name of 3,000 bytes is the caller's right, and no page is readable with it; programs get the whole name. */
static void a_long_name_is_shortened_in_sentences(void **state)
{
	enum { UNITS = 300, NAME = 3000 };
	static char name[NAME + 1], text[UNITS * (NAME + LINE_BYTES)];
	size_t length = 0;
	(void)state;
	memset(name, 'm', NAME);
	for (int i = 0; i < UNITS; i++)
		length += (size_t)snprintf(text + length, sizeof text - length, "{\"id\": \"r%d\", \"metrics\": {\"%s\": %d}}\n", i,
					   name, i % 7);
	write_file("named", text);
	for (size_t form = 0; form < 3; form++) {
		static const char *const forms[] = {"text", "html", "json"};
		(void)snprintf(text, sizeof text, "experiments analyze e --exposures exposures --feedback named -o %s",
			       forms[form]);
		struct said said = say_with(step_kinds, text);
		assert_int_equal(said.code, 0);
		assert_int_equal(strstr(said.out, name) != NULL, form == 2);
		expect_words(said.out, "mmmmmm...");
		said_close(&said);
	}
	name[NAME - 1] = '\0';
	(void)snprintf(text, sizeof text, "experiments analyze e --exposures exposures --feedback feedback --metric %s", name);
	struct said said = say_with(step_kinds, text);
	expect_words(said.err, "mmmmmm...`; those that join an exposure are ");
	said_close(&said);
	(void)unlink("named");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_name_is_shortened_in_sentences),
		cmocka_unit_test(one_that_is_no_discovery_is_open_with_its_p),
		cmocka_unit_test(segments_have_the_same_rule),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
