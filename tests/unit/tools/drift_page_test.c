/* drift_page_test.c: Tests of the page of `sluice drift report -o html`: its numbers and their places, names of others, and
 * bounds. */
#include "tools/view/report/drift_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/base64.h"
#include "base/number/random.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define YAML                                                                                                             \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"        \
	"  - {name: watch, inputs: [m], drift: {tensors: [x, side], reference: ref.json, window: 100, "                      \
	"falseAlarms: 0.1 per 1000%s}}\n  output: {steps: [m]}\n"
#define ARENA_BYTES ((size_t)1 << 30)
#define PAGE_BYTES ((size_t)128 << 20)
#define DEPTH_MAX 64

static char data[1000000];

/* Rows from `from` to `until` are moved; the one in their middle is far away. */
static void rows_write(const char *file, int rows, int from, int until)
{
	size_t length = (size_t)snprintf(data, sizeof data, "<i>a,b,side\n");
	struct random chance = {9};
	for (int i = 0; i < rows; i++) {
		double a = i >= from && i < until ? 2 : 0;
		for (int j = 0; j < 6; j++)
			a += (double)random_below(&chance, 1000) / 1000 - 0.5;
		if (i == (from + until) / 2 && i < until)
			a = 77;
		length += (size_t)snprintf(data + length, sizeof data - length, "%.4f,%.4f,%s\n", a,
					   10 + (double)random_below(&chance, 1000) / 100,
					   random_below(&chance, 2) ? "buy" : "\"<b onload='x'>&\"\"\"");
	}
	write_file(file, data);
}

static struct said report(const char *options, const char *form)
{
	char yaml[1024], line[256];
	snprintf(yaml, sizeof yaml, YAML, options);
	write_file("p.yaml", yaml);
	snprintf(line, sizeof line, "drift report data -f p.yaml --tensor x=<i>a,b -o %s", form);
	struct said said = say_with(step_kinds, line);
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, 0);
	return said;
}

static int reference_learn(void **state)
{
	char yaml[1024];
	folder_enter(state);
	snprintf(yaml, sizeof yaml, YAML, "");
	write_file("p.yaml", yaml);
	rows_write("data", 400, 400, 400);
	struct said said = say_with(step_kinds, "fit drift data -f p.yaml --tensor x=<i>a,b --out ref.json");
	const int code = said.code;
	said_close(&said);
	return code;
}

/* Not by strstr(): under AddressSanitizer each call takes the length of all text after it. */
static size_t times(const char *text, const char *part)
{
	const size_t length = strlen(part);
	size_t count = 0;
	for (const char *at = text; *at; at++)
		count += *at == *part && strncmp(at, part, length) == 0;
	return count;
}

/* Each element ends before the one around it does; nothing is fetched; no number is none. */
static void expect_whole(const char *page)
{
	char names[DEPTH_MAX][16];
	size_t depth = 0;
	assert_int_equal(strncmp(page, "<!DOCTYPE html>", 15), 0);
	for (const char *at = page; (at = strchr(at + 1, '<'));) {
		const bool ends = at[1] == '/';
		const char *name = at + 1 + ends, *close = strchr(at, '>');
		const size_t length = strcspn(name, " />");
		assert_non_null(close);
		assert_in_range(length, 1, sizeof names[0] - 1);
		if (close[-1] == '/' || strncmp(name, "meta", length) == 0)
			continue;
		if (!ends) {
			assert_true(depth < DEPTH_MAX);
			snprintf(names[depth++], sizeof names[0], "%.*s", (int)length, name);
		} else if (depth == 0 || strncmp(names[--depth], name, length) != 0 || names[depth][length]) {
			fail_msg("ends at another place: %.60s", at);
		}
	}
	assert_int_equal(depth, 0);
	assert_null(strstr(page, "://"));
	assert_null(strstr(page, "<script"));
	const char *policy = strstr(page, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ");
	assert_non_null(policy);
	assert_true(policy < strstr(page, "<title>")); /* it is in force from its place on */
	assert_null(strstr(page, "nan"));
	assert_null(strstr(page, "inf<"));
	assert_non_null(strstr(page, "prefers-color-scheme:dark"));
}

/* The joint test has a line of its own in the map, without a picture of its values. */
static void the_map_has_the_joint_test(void **state)
{
	(void)state;
	rows_write("data", 1000, 500, 600);
	struct said page = report(", methods: [cusum, mmd]", "html");
	expect_whole(page.out);
	expect_words(page.out, ">*</text>");
	expect_words(page.out, ": mmd effect 0.");
	said_close(&page);
}

static void the_map_has_each_feature_in_each_window(void **state)
{
	(void)state;
	rows_write("data", 1000, 500, 600);
	struct said page = report("", "html");
	expect_whole(page.out);
	expect_words(page.out, "<p class=\"say\">1 of 10 windows have drift.</p>");
	expect_words(page.out, "<li><b>Alarms raised</b>1</li>\n<li><b>False alarms declared</b>0.1</li>");
	assert_int_equal(times(page.out, "<rect class=\"none\""), 29); /* three features in ten windows */
	assert_int_equal(times(page.out, "<rect class=\"moved\""), 1);
	/* The first line is the feature that moved; the sixth column of 40 is after names of 200. */
	expect_words(page.out, "<rect class=\"moved\" fill-opacity=\"1.00\" x=\"400.0\" y=\"0.0\" width=\"39.0\" height=\"18.0\">"
			       "<title>window 5: wasserstein effect ");
	expect_words(page.out, "<circle class=\"alarm\" cx=\"420.0\" cy=\"9.0\"");
	assert_int_equal(times(page.out, "<circle"), 1);
	expect_words(page.out, "<text x=\"0\" y=\"14\">x.&#60;i&#62;a</text>");
	expect_words(page.out, "window 0 to window 9</text>");
	expect_words(page.out, "the rows of a file have none, so windows are numbered");
	assert_null(strstr(page.out, "<i>"));
	assert_null(strstr(page.out, "<b onload"));
	said_close(&page);
}

/* The counts of a window are all its rows, and those of the reference all of it. */
static void distributions_and_examples_are_of_the_window_that_moved(void **state)
{
	(void)state;
	rows_write("data", 1000, 500, 600);
	struct said page = report("", "html"), json = report("", "json");
	expect_words(page.out, "<figcaption>x.&#60;i&#62;a, window 5</figcaption>");
	assert_int_equal(times(page.out, "<svg class=\"picture\""), 1);
	assert_int_equal(times(page.out, "<rect class=\"was\""), 18);
	assert_int_equal(times(page.out, "<rect class=\"is\""), 18);
	expect_words(page.out, "<tr><td class=\"t\">message 551 of the source</td><td>0</td><td>77</td></tr>");
	expect_words(page.out, "<tr><th>request</th><th>row</th><th>value</th></tr>"); /* a CSV has no ids */
	assert_int_equal(times(page.out, " of the source</td>"), 10);
	const char *encoded = strstr(page.out, "base64,") + strlen("base64,");
	const size_t length = strcspn(encoded, "\"");
	char *decoded = malloc(length + 1);
	size_t got = 0;
	assert_true(base64_read((struct text){encoded, length}, decoded, &got));
	assert_int_equal(got, strlen(json.out));
	assert_memory_equal(decoded, json.out, got);
	free(decoded);
	const char *last = strstr(json.out, "{\"windows\": 10");
	json_t *sums = json_loads(last, 0, NULL), *first = json_loadb(json.out, strcspn(json.out, "\n"), 0, NULL);
	assert_non_null(sums);
	for (size_t i = 0; i < 3; i++) {
		const json_t *was = json_object_get(json_array_get(json_object_get(sums, "reference"), i), "picture");
		const json_t *is = json_object_get(json_array_get(json_object_get(first, "features"), i), "picture");
		json_int_t sum[2] = {0};
		assert_int_equal(json_array_size(was), i < 2 ? 18 : 4); /* two categories */
		assert_int_equal(json_array_size(is), json_array_size(was));
		for (size_t j = 0; j < json_array_size(was); j++) {
			sum[0] += json_integer_value(json_array_get(was, j));
			sum[1] += json_integer_value(json_array_get(is, j));
		}
		assert_int_equal(sum[0], 400);
		assert_int_equal(sum[1], 100);
	}
	/* Below and above the middle 98 of 100 parts of 400 rows. */
	const json_t *was = json_object_get(json_array_get(json_object_get(sums, "reference"), 0), "picture");
	assert_int_equal(json_integer_value(json_array_get(was, 0)), 3);
	assert_int_equal(json_integer_value(json_array_get(was, 17)), 3);
	const json_t *requests = json_object_get(json_object_get(sums, "examples"), "requests");
	for (size_t i = 0; i < 10; i++)
		assert_in_range(json_integer_value(json_object_get(json_array_get(requests, i), "message")), 501, 600);
	json_decref(sums);
	json_decref(first);
	said_close(&page);
	said_close(&json);
}

static void segments_have_maps_of_their_own(void **state)
{
	(void)state;
	rows_write("data", 1000, 500, 1000);
	struct said page = report(", groupBy: side", "html");
	expect_whole(page.out);
	expect_words(page.out, "<h3>Segment buy: ");
	expect_words(page.out, "<h3>Segment &#60;b onload=&#39;x&#39;&#62;&#38;&#34;: ");
	assert_int_equal(times(page.out, "<svg class=\"map\""), 2);
	assert_int_equal(times(page.out, " of the source</td>"), 10);
	assert_null(strstr(page.out, "<b onload"));
	said_close(&page);
}

static void without_drift_nothing_is_red(void **state)
{
	(void)state;
	rows_write("data", 300, 300, 300);
	struct said page = report("", "html");
	expect_whole(page.out);
	assert_null(strstr(page.out, "class=\"moved\""));
	expect_words(page.out, "No change of any feature is established, so there are no distributions to show.");
	expect_words(page.out, "No window has drift, so there are no examples of it.");
	expect_words(page.out, "<h2>Shift of importance</h2>\n<p>Not known: ");
	said_close(&page);
	rows_write("data", 3, 3, 3); /* too few to judge */
	page = report("", "html");
	expect_whole(page.out);
	expect_words(page.out, "0 of 1 windows have drift.");
	assert_null(strstr(page.out, "<rect"));
	said_close(&page);
}

/* ---- lines of other reports ---- */

static void page_write(struct text lines, struct buffer *page)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct error error = {0};
	buffer_open(page, PAGE_BYTES);
	assert_true(drift_page_write(lines, "p", "watch", arena, page, &error));
	buffer_byte(page, '\0');
	assert_false(buffer_failed(page));
	expect_whole(page->bytes);
	arena_close(arena);
}

/* What is established counts before what is farther above its level, and the largest window of a feature before others. */
static void the_test_and_the_window_that_count_are_shown(void **state)
{
	static const double effects[] = {0.5, 0.875, 0.25};
	struct buffer lines, page;
	(void)state;
	buffer_open(&lines, ARENA_BYTES);
	for (int i = 0; i < 3; i++)
		buffer_print(&lines,
			     "{\"window\": %d, \"judged\": true, \"features\": [{\"name\": \"f\", \"picture\": [1], \"tests\": "
			     "[{\"method\": \"ks\", \"effect\": 5, \"level\": 1, \"p\": 0.5, \"established\": false}, "
			     "{\"method\": \"psi\", \"effect\": %g, \"level\": 0.125, \"p\": 0.25, \"established\": true}], "
			     "\"importance_shift\": 0.125}, {\"name\": \"g\", \"picture\": [1], \"tests\": [], "
			     "\"importance_shift\": -0.5}]}\n",
			     i, effects[i]);
	buffer_string(&lines, "{\"windows\": 3, \"windows_with_drift\": 0, \"alarms\": 0, \"false_alarms_declared\": 0}\n");
	page_write(buffer_view(&lines), &page);
	assert_int_equal(times(page.bytes, "<rect class=\"moved\""), 3);
	assert_int_equal(times(page.bytes, "<rect class=\"none\""), 0); /* g was not judged */
	assert_int_equal(times(page.bytes, "<circle"), 0);
	expect_words(page.bytes, "fill-opacity=\"0.62\" x=\"200.0\"");
	expect_words(page.bytes, "fill-opacity=\"0.91\" x=\"240.0\"");
	expect_words(page.bytes, "<td>3</td><td class=\"t\">window 1</td>"
				 "<td class=\"t\">psi effect 0.875, level 0.125, p 0.25</td>");
	expect_words(page.bytes, "<tr><th scope=\"row\">g</th><td>-50.0</td></tr>\n"
				 "<tr><th scope=\"row\">f</th><td>+12.5</td></tr>");
	buffer_close(&page);
	buffer_close(&lines);
}

#define NO_DRIFT "\"windows_with_drift\": 0, \"alarms\": 0, \"false_alarms_declared\": 0"

/* Ids of requests, segments and categories may have any character. */
static void names_with_nul_are_on_the_page(void **state)
{
	struct buffer lines, page;
	(void)state;
	buffer_open(&lines, ARENA_BYTES);
	buffer_string(&lines, "{\"window\": 0, \"judged\": true, \"drift\": true, \"segment\": \"s\\u0000t\", \"features\": "
			      "[{\"name\": \"f\"}]}\n"
			      "{\"windows\": 1, " NO_DRIFT "}\n");
	page_write(buffer_view(&lines), &page);
	expect_words(page.bytes, "<h3>Segment s\xef\xbf\xbdt: ");
	buffer_close(&page);
	buffer_close(&lines);
}

static void a_segment_without_a_name_says_so(void **state)
{
	struct buffer lines, page;
	(void)state;
	buffer_open(&lines, ARENA_BYTES);
	buffer_string(&lines, "{\"window\": 0, \"judged\": true, \"drift\": true, \"segment\": \"\", \"features\": "
			      "[{\"name\": \"f\"}]}\n{\"windows\": 1, " NO_DRIFT "}\n");
	page_write(buffer_view(&lines), &page);
	expect_words(page.bytes, "<h3>Segment without a name: ");
	buffer_close(&page);
	buffer_close(&lines);
}

/* Only some lines of a file may have one. */
static void ids_have_a_column_if_a_request_has_one(void **state)
{
	struct buffer lines, page;
	(void)state;
	buffer_open(&lines, ARENA_BYTES);
	buffer_string(&lines, "{\"window\": 0, \"judged\": true, \"drift\": true, \"features\": [{\"name\": \"f\"}]}\n"
			      "{\"windows\": 1, \"examples\": {\"window\": 0, \"feature\": \"f\", \"requests\": ["
			      "{\"message\": 3, \"row\": 0, \"id\": \"\", \"origin\": \"\", \"value\": 7}, "
			      "{\"message\": 4, \"row\": 1, \"id\": \"r-4\", \"origin\": \"\", \"value\": 8}]}, " NO_DRIFT "}\n");
	page_write(buffer_view(&lines), &page);
	expect_words(page.bytes, "<th>row</th><th class=\"t\">id</th><th>value</th></tr>");
	expect_words(page.bytes, "<tr><td class=\"t\">message 3 of the source</td><td>0</td>"
				 "<td class=\"t\">none</td><td>7</td></tr>");
	expect_words(page.bytes, "<tr><td class=\"t\">message 4 of the source</td><td>1</td>"
				 "<td class=\"t\">r-4</td><td>8</td></tr>");
	buffer_close(&page);
	buffer_close(&lines);
}

static void a_line_that_is_no_json_is_not_lack_of_memory(void **state)
{
	const struct text lines = TEXT("{\"window\": 0}\n{\"window\": 1\n{\"windows\": 2, " NO_DRIFT "}\n");
	struct arena *arena = arena_open(ARENA_BYTES);
	struct error error = {0};
	struct buffer page;
	(void)state;
	buffer_open(&page, PAGE_BYTES);
	assert_false(drift_page_write(lines, "p", "watch", arena, &page, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_non_null(strstr(error.text, "line 2 of the report is no JSON: "));
	buffer_close(&page);
	arena_close(arena);
}

#define JUDGED "\"rows\": 100, \"judged\": true, \"features\": []"
#define ESTIMATE(accuracy, low, high)                                                                                              \
	"\"estimated_accuracy\": " accuracy ", \"estimated_accuracy_low\": " low ", \"estimated_accuracy_high\": " high
#define REALISED(accuracy, rows, held) "\"realised_accuracy\": " accuracy ", \"realised_rows\": " rows ", \"band_held\": " held

/* From 0.48 to 0.82, in a height of 160; five windows share a width of 790 from 60 on. The third has no estimate. */
static void the_accuracy_has_its_band_and_what_was_realised(void **state)
{
	struct buffer lines, page;
	(void)state;
	buffer_open(&lines, ARENA_BYTES);
	buffer_string(
		&lines,
		"{\"window\": 0, " ESTIMATE("0.75", "0.7", "0.8") ", " REALISED(
			"0.8", "60",
			"true") ", " JUDGED "}\n"
				"{\"window\": 1, " ESTIMATE("0.75", "0.7", "0.8") ", " REALISED(
					"0.5", "70",
					"false") ", " JUDGED "}\n"
						 "{\"window\": 2, " ESTIMATE("null", "null", "null") ", " REALISED(
							 "null", "0",
							 "null") ", " JUDGED "}\n"
								 "{\"window\": 3, " ESTIMATE("0.7", "0.65", "0.75") ", " REALISED(
									 "0.65", "9",
									 "null") ", " JUDGED "}\n"
										 "{\"window\": 4, " ESTIMATE(
											 "0.7", "0.65",
											 "0.75") ", " REALISED("null", "0",
													       "null") ", " JUDGED
														       "}\n"
														       "{\"windows"
														       "\": 5, "
														       "\"windows_"
														       "with_"
														       "drift\": "
														       "0, "
														       "\"alarms\":"
														       " 0, "
														       "\"false_"
														       "alarms_"
														       "declared\":"
														       " 0.5}\n");
	page_write(buffer_view(&lines), &page);
	expect_words(page.bytes, "<h2>Accuracy by window</h2>");
	expect_words(page.bytes, "The realised accuracy was within its band in 1 of 2 windows.");
	assert_int_equal(times(page.bytes, "<polygon class=\"band\""), 2);
	expect_words(page.bytes, "<polyline class=\"guess\" points=\"139.0,32.9 297.0,32.9 \"/>");
	assert_int_equal(times(page.bytes, "<circle"), 3);
	expect_words(page.bytes,
		     "<circle class=\"held\" cx=\"139.0\" cy=\"9.4\" r=\"3\"><title>window 0: realised 0.8 of 60 rows, within "
		     "its band; estimated 0.75</title>");
	expect_words(page.bytes, "<circle class=\"left\" cx=\"297.0\" cy=\"150.6\"");
	expect_words(page.bytes,
		     "<circle class=\"few\" cx=\"613.0\" cy=\"80.0\" r=\"3\"><title>window 3: realised 0.65 of 9 rows, too few");
	expect_words(page.bytes, ">window 0 to window 4</text>");
	assert_null(strstr(page.bytes, "<h2>AUC by window</h2>"));
	assert_null(strstr(page.bytes, "<h2>Absolute error by window</h2>"));
	buffer_close(&page);
	buffer_close(&lines);
}

#define SUMS "{\"windows\": 2, \"windows_with_drift\": 0, \"alarms\": 0, \"false_alarms_declared\": 0.5}\n"

/* An AUC is at most 1, and an error has no bound: from 0 to 10.2, in a height of 160; its band ends at 0. Two windows share a
 * width of 790 from 60 on. */
static void the_area_and_the_error_have_charts(void **state)
{
	struct buffer lines, page;
	(void)state;
	buffer_open(&lines, ARENA_BYTES);
	buffer_string(&lines,
		      "{\"window\": 0, \"estimated_auc\": 0.95, \"estimated_auc_low\": 0.9, \"estimated_auc_high\": 1, "
		      "\"realised_auc\": 0.98, \"realised_auc_rows\": 60, \"auc_band_held\": true, " JUDGED "}\n"
		      "{\"window\": 1, \"estimated_error\": 5, \"estimated_error_low\": 0, \"estimated_error_high\": 10, "
		      "\"realised_error\": 9.18, \"realised_error_rows\": 70, \"error_band_held\": false, " JUDGED "}\n" SUMS);
	page_write(buffer_view(&lines), &page);
	assert_null(strstr(page.bytes, "<h2>Accuracy by window</h2>"));
	expect_words(page.bytes, "<h2>AUC by window</h2>");
	expect_words(page.bytes, "The realised AUC was within its band in 1 of 1 windows.");
	expect_words(page.bytes, "aria-label=\"AUC by window\">\n<text x=\"0\" y=\"12\">1</text>");
	expect_words(page.bytes, "<circle class=\"held\" cx=\"257.5\" cy=\"26.7\""); /* of 0.88 to 1 */
	expect_words(page.bytes, "<h2>Absolute error by window</h2>");
	expect_words(page.bytes, "The realised absolute error was within its band in 0 of 1 windows.");
	expect_words(page.bytes, "<text x=\"0\" y=\"12\">10.2</text><text x=\"0\" y=\"160\">0</text>");
	expect_words(page.bytes, "<polygon class=\"band\" points=\"652.5,3.1 652.5,160.0 \"/>");
	expect_words(page.bytes,
		     "<circle class=\"left\" cx=\"652.5\" cy=\"16.0\" r=\"3\"><title>window 1: realised 9.18 of 70 rows, "
		     "outside of its band; estimated 5</title>");
	buffer_close(&page);
	buffer_close(&lines);
}

/* ---- bounds ---- */

/* The n-th window of a segment, in which all of the features have moved. */
static void window_print(struct buffer *lines, int segment, int window, int features)
{
	buffer_print(lines, "{\"window\": %d, \"segment\": \"s%d\", \"rows\": 100, \"judged\": true, \"drift_score\": %d, "
			    "\"is_drift\": true, \"quality_alarm\": false, \"features\": [", window, segment, segment);
	for (int i = 0; i < features; i++)
		buffer_print(lines, "%s{\"name\": \"f%d\", \"quality_alarm\": true, \"picture\": [1, 2], \"tests\": [{\"method\": "
				    "\"ks\", \"p\": null, \"effect\": %d, \"level\": 0.1, \"established\": true}]}",
			     i ? ", " : "", i, i + 1);
	buffer_string(lines, "]}\n");
}

static void page_of(int segments, int windows, int features, struct buffer *page, size_t *length)
{
	struct buffer lines;
	buffer_open(&lines, ARENA_BYTES);
	for (int i = 0; i < windows; i++)
		for (int j = 0; j < segments; j++)
			window_print(&lines, j, i, features);
	buffer_string(&lines, "{\"windows\": 1, \"windows_with_drift\": 1, \"alarms\": 1, \"false_alarms_declared\": 0.5}\n");
	*length = lines.length;
	page_write(buffer_view(&lines), page);
	buffer_close(&lines);
}

static void a_page_of_many_segments_windows_and_features_is_bounded(void **state)
{
	struct buffer page;
	size_t length;
	(void)state;
	page_of(1000, 2, 3, &page, &length);
	assert_int_equal(times(page.bytes, "<svg class=\"map\""), DRIFT_PAGE_SEGMENTS);
	expect_words(page.bytes, "<h3>Segment s999: 2 of 2 windows"); /* the largest score */
	assert_null(strstr(page.bytes, "<h3>Segment s987:"));
	expect_words(page.bytes, "Shown are the 12 segments with the largest scores; 988 others are in the data.");
	buffer_close(&page);
	page_of(12, 180, 31, &page, &length);
	assert_int_equal(times(page.bytes, "<rect class=\"moved\""),
			 DRIFT_PAGE_SEGMENTS * DRIFT_PAGE_FEATURES * DRIFT_PAGE_COLUMNS);
	expect_words(page.bytes, "Each column has up to 3 windows");
	expect_words(page.bytes, "Shown are the 30 features that moved most; 1 other is in the data.");
	expect_words(page.bytes, ">f30</text>");
	assert_null(strstr(page.bytes, ">f0</text>"));
	assert_true(page.length - length / 3 * 4 < (size_t)16 << 20);
	buffer_close(&page);
	page_of(1, 1300, 256, &page, &length);
	assert_true(length > DRIFT_PAGE_DATA_BYTES);
	assert_null(strstr(page.bytes, "base64,"));
	expect_words(page.bytes, "MiB, and not in this page; get them with -o json.");
	assert_true(page.length < (size_t)2 << 20);
	buffer_close(&page);
}

/* What has no last line, or no windows, is a page, too. */
static void a_report_without_windows_says_so(void **state)
{
	struct buffer page;
	size_t length;
	(void)state;
	page_of(0, 0, 0, &page, &length);
	expect_words(page.bytes, "No window has been compared with a reference.");
	buffer_close(&page);
	page_of(1, 2, 0, &page, &length); /* as with a past that is not long enough */
	expect_words(page.bytes, "No window has been compared with a reference.");
	buffer_close(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_with_nul_are_on_the_page),
		cmocka_unit_test(a_segment_without_a_name_says_so),
		cmocka_unit_test(ids_have_a_column_if_a_request_has_one),
		cmocka_unit_test(a_line_that_is_no_json_is_not_lack_of_memory),
		cmocka_unit_test(the_map_has_the_joint_test),
		cmocka_unit_test(the_map_has_each_feature_in_each_window),
		cmocka_unit_test(distributions_and_examples_are_of_the_window_that_moved),
		cmocka_unit_test(segments_have_maps_of_their_own),
		cmocka_unit_test(without_drift_nothing_is_red),
		cmocka_unit_test(the_test_and_the_window_that_count_are_shown),
		cmocka_unit_test(the_accuracy_has_its_band_and_what_was_realised),
		cmocka_unit_test(the_area_and_the_error_have_charts),
		cmocka_unit_test(a_page_of_many_segments_windows_and_features_is_bounded),
		cmocka_unit_test(a_report_without_windows_says_so),
	};
	return cmocka_run_group_tests(tests, reference_learn, folder_leave);
}
