/* variant_requests_test.c: Tests of the requests of variants in a report: counts, errors, and quantiles of latencies. */
#include "tests/unit/arena_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "tools/view/report/report_view.h"

#define ANSWERED 1000 /* by `new`, in 1, 2, 3 ... ms */
#define FEW 10	      /* by `old`, in 5 ms each */
#define FAILED 30
#define FALLEN_BACK 20

static struct joined joined;
static struct report report;
static struct report_options options;

static void exposed(struct unit_join *join, int number, const char *variant, enum assigned_reason reason, double latency_ms,
		    const char *failure)
{
	char id[16];
	struct error error = {0};
	(void)snprintf(id, sizeof id, "r%d", number);
	const struct exposure exposure = {.id = text_of(id),
					  .unit = text_of(id),
					  .time_ms = 1000 + number,
					  .experiment = TEXT("e"),
					  .variant = text_of(variant),
					  .probability = 0.5,
					  .reason = reason,
					  .latency_ms = latency_ms,
					  .error = text_of(failure)};
	assert_true(unit_join_exposure(join, &exposure, &error));
}

static int requests_setup(void **state)
{
	const struct join_options join_options = {.experiment = "e"};
	struct error error = {0};
	int number = 0;
	(void)state;
	arena = arena_open((size_t)64 << 20);
	struct unit_join *join = unit_join_open(arena, &join_options);
	for (int i = ANSWERED; i > 0; i--)
		exposed(join, number++, "new", ASSIGNED_WEIGHT, i, "");
	for (int i = 0; i < FAILED; i++)
		exposed(join, number++, "new", ASSIGNED_WEIGHT, (double)NAN, "REMOTE");
	for (int i = 0; i < FALLEN_BACK; i++)
		exposed(join, number++, "new", ASSIGNED_FALLBACK, 5000, ""); /* the default's answer */
	for (int i = 0; i < FEW; i++)
		exposed(join, number++, "old", ASSIGNED_OVERRIDE, 5, "");
	exposed(join, number++, "silent", ASSIGNED_WEIGHT, (double)NAN, "");
	exposed(join, number - 1, "silent", ASSIGNED_WEIGHT, (double)NAN, ""); /* the same one again */
	options = (struct report_options){
		.experiment = "e", .control = TEXT("old"), .alpha = ANALYSIS_ALPHA, .practical = ANALYSIS_PRACTICAL};
	assert_true(unit_join_end(join, &joined, &error) && report_make(&joined, &options, arena, &report, &error));
	unit_join_close(join);
	return 0;
}

static const struct variant_requests *requests_of(const char *variant)
{
	for (size_t arm = 0; arm < joined.arms; arm++)
		if (text_is(joined.arm_names[arm], variant))
			return &report.requests[arm];
	fail_msg("there is no variant %s", variant);
	return NULL;
}

static void requests_and_errors_are_counted_by_variant(void **state)
{
	const struct variant_requests *new = requests_of("new"), *old = requests_of("old"), *silent = requests_of("silent");
	(void)state;
	assert_int_equal(new->requests, ANSWERED + FAILED + FALLEN_BACK);
	assert_int_equal(new->errors, FAILED);
	assert_int_equal(new->fallbacks, FALLEN_BACK);
	assert_int_equal(new->measured, ANSWERED);
	assert_true(old->requests == FEW && old->errors == 0 && old->measured == FEW);
	assert_true(silent->requests == 1 && silent->errors == 0 && silent->measured == 0);
}

/* Of 1, 2 ... 1000 ms, by the linear quantile and by the ranks of the binomial distribution of 1,000: of a median 469 and 532. */
static void latencies_have_quantiles_with_their_intervals(void **state)
{
	const struct latency_quantile *new = requests_of("new")->latencies, *old = requests_of("old")->latencies;
	(void)state;
	assert_true(new[0].ms == 500.5 && fabs(new[1].ms - 950.05) < 1e-9 && fabs(new[2].ms - 990.01) < 1e-9);
	assert_true(new[0].interval.low == 469 && new[0].interval.high == 532);
	assert_true(new[1].interval.low == 936 && new[1].interval.high == 964);
	assert_true(new[2].interval.low == 983 && new[2].interval.high == 997);
	assert_true(old[0].ms == 5 && old[0].interval.low == 5 && old[0].interval.high == 5);
	assert_true(old[2].ms == 5 && old[2].interval.high == INFINITY); /* ten do not bound their 99th percentile */
	assert_true(isnan(requests_of("silent")->latencies[0].ms));
}

static const char *printed(void (*print)(const struct report *report, struct arena *arena, struct buffer *out))
{
	struct buffer out;
	buffer_open(&out, (size_t)16 << 20);
	print(&report, arena, &out);
	assert_false(buffer_failed(&out));
	const char *text = arena_copy(arena, out.bytes, out.length);
	buffer_close(&out);
	return text;
}

static void json_print(const struct report *shown, struct arena *unused, struct buffer *out)
{
	(void)unused;
	report_view_print_json(shown, out);
}

static void a_report_shows_them_as_text_and_as_a_page(void **state)
{
	const char *text = printed(report_view_print_text), *page = printed(report_view_print_html);
	(void)state;
	assert_non_null(strstr(text, "Requests: latencies in ms, with 95% intervals for a single look\n"));
	assert_non_null(strstr(text, "1050 requests, 30 errors (2.86%), 20 fallbacks\n"
				     "    p50 500.5 (469 to 532), p95 950 (936 to 964), p99 990 (983 to 997)\n"));
	assert_non_null(strstr(text, "10 requests, 0 errors (0%)\n    p50 5 (5 to 5), p95 5 (5 or more), p99 5 (5 or more)\n"));
	assert_non_null(strstr(text, "1 request, 0 errors (0%), no latency is known\n"));
	assert_non_null(strstr(page, "<td>1050</td><td>30 (2.86%)</td><td>20</td><td>500.5 (469 to 532)</td>"));
	assert_non_null(strstr(page, "silent</th><td>1</td><td>0 (0%)</td><td>0</td><td></td><td></td><td></td></tr>"));
}

static void json_has_them_by_variant(void **state)
{
	json_t *document = json_loads(printed(json_print), 0, NULL);
	(void)state;
	assert_non_null(document);
	const json_t *variants = json_object_get(document, "variants"), *new = json_array_get(variants, 0);
	const json_t *p95 = json_object_get(json_object_get(new, "latency_ms"), "p95");
	assert_string_equal(json_string_value(json_object_get(new, "name")), "new");
	assert_int_equal(json_integer_value(json_object_get(new, "requests")), 1050);
	assert_int_equal(json_integer_value(json_object_get(new, "errors")), 30);
	assert_int_equal(json_integer_value(json_object_get(new, "fallbacks")), 20);
	assert_true(fabs(json_number_value(json_object_get(p95, "estimate")) - 950.05) < 1e-9);
	assert_true(json_number_value(json_array_get(json_object_get(p95, "interval"), 1)) == 964);
	const json_t *old = json_object_get(json_object_get(json_array_get(variants, 1), "latency_ms"), "p99");
	assert_true(json_is_null(json_array_get(json_object_get(old, "interval"), 1)));
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_and_errors_are_counted_by_variant),
		cmocka_unit_test(latencies_have_quantiles_with_their_intervals),
		cmocka_unit_test(a_report_shows_them_as_text_and_as_a_page),
		cmocka_unit_test(json_has_them_by_variant),
	};
	return cmocka_run_group_tests(tests, requests_setup, arena_end);
}
