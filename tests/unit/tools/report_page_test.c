/* report_page_test.c: Tests that the page of an experiment's report has what its text has. */
#include "tests/unit/arena_fixture.h"
#include "tools/view/report/report_view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UNITS 600
#define WINDOW_MS 20000

static struct joined joined;
static struct report report;
static struct report_options options;

static void expose(struct unit_join *join, int number, int unit, const char *variant, enum assigned_reason reason)
{
	struct error error = {0};
	char id[16], name[16];
	(void)snprintf(id, sizeof id, "r%d", number);
	(void)snprintf(name, sizeof name, "u%d", unit);
	const struct exposure_feature age = {TEXT("age"), unit % 9};
	const struct exposure exposure = {.id = text_of(id),
					  .unit = text_of(name),
					  .time_ms = 1000 * (number + 1),
					  .experiment = TEXT("e"),
					  .variant = text_of(variant),
					  .reason = reason,
					  .probability = 0.5,
					  .latency_ms = (double)NAN,
					  .feature_count = unit % 5 != 0,
					  .features = &age,
					  .table = number < UNITS ? TEXT("1") : TEXT("2")};
	if (!unit_join_exposure(join, &exposure, &error))
		fail_msg("%s", error.text);
}

static void inform(struct unit_join *join, int number, double after_s, double reward)
{
	struct error error = {0};
	char id[16];
	(void)snprintf(id, sizeof id, "r%d", number);
	const struct feedback_metric cost = {TEXT("cost"), 5 + number / 2 % 3};
	const struct feedback feedback = {.id = text_of(id),
					  .time_ms = 1000 * (number + 1) + (int64_t)(1000 * after_s),
					  .has_reward = true,
					  .reward = reward,
					  .metric_count = 1,
					  .metrics = &cost};
	if (!unit_join_feedback(join, &feedback, 0, &error))
		fail_msg("%s", error.text);
}

/* Two epochs, in which some units return; three requests were sent to a variant by a header, two got it by an override. */
static void made(bool by_policy)
{
	static const struct report_rule rules[] = {{.metric = "cost", .role = ROLE_GUARDRAIL, .lower_is_better = true},
						   {.metric = "refunds", .role = ROLE_GUARDRAIL}};
	struct error error = {0};
	struct unit_join *join =
		unit_join_open(arena, &(struct join_options){.experiment = "e", .covariate = "age", .window_ms = WINDOW_MS});
	assert_non_null(join);
	for (int i = 0; i < 2 * UNITS; i++) {
		expose(join, i, i % (UNITS + 100), i % 2 ? "new" : "old", by_policy ? ASSIGNED_POLICY : ASSIGNED_WEIGHT);
		inform(join, i, i % 50 == 0 ? 21.5 : 1, 10 + i / 2 % 5 + i % 2);
	}
	for (int i = 0; i < 5; i++)
		expose(join, 2 * UNITS + i, 9000 + i, "new", i < 3 ? ASSIGNED_MATCH : ASSIGNED_OVERRIDE);
	expose(join, 2 * UNITS + 60, 9100, "new", by_policy ? ASSIGNED_POLICY : ASSIGNED_WEIGHT);
	options = (struct report_options){.experiment = "e",
					  .control = TEXT("old"),
					  .alpha = ANALYSIS_ALPHA,
					  .practical = ANALYSIS_PRACTICAL,
					  .covariate = "age",
					  .horizon = true,
					  .unjudged = 0,
					  .rule_count = 2,
					  .rules = rules};
	if (!unit_join_end(join, &joined, &error) || !report_make(&joined, &options, arena, &report, &error))
		fail_msg("%s", error.text);
	unit_join_close(join);
}

static void page_print(struct buffer *out)
{
	buffer_open(out, (size_t)16 << 20);
	report_view_print_html(&report, arena, out);
	buffer_byte(out, '\0');
	assert_false(buffer_failed(out));
}

static void expect_all(const char *page, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strstr(page, words[i]))
			fail_msg("the page lacks: %s", words[i]);
}

#define EXPECT_ALL(page, words) expect_all((page), (words), sizeof(words) / sizeof *(words))

static void the_page_has_what_was_left_out_and_why(void **state)
{
	static const char *const words[] = {
		"<li class=\"bad\"><b>Left out, chosen by header</b>3</li>",
		"<li class=\"bad\"><b>Left out, chosen by override</b>2</li>",
		"<li class=\"bad\"><b>Late feedback</b>24</li>",
		"<li><b>Feedback</b>1200</li>",
		"<li><b>Repeated</b>0</li>",
		", 2 epochs. Units returned ",
		"<p>Split: p 1 at every look; chi-square 0",
		"<li>refunds: guardrail without values</li>",
		"table{display:block;overflow-x:auto}",
	};
	struct buffer out;
	(void)state;
	made(false);
	page_print(&out);
	EXPECT_ALL(out.bytes, words);
	buffer_close(&out);
}

static void text_print(struct buffer *out)
{
	buffer_open(out, (size_t)16 << 20);
	report_view_print_text(&report, arena, out);
	buffer_byte(out, '\0');
	assert_false(buffer_failed(out));
}

/* What follows these words in the text, up to one of `ends`, without a plus; `at` begins behind an earlier one. */
static const char *said(const char **at, const char *before, const char *ends)
{
	const char *found = strstr(*at, before);
	if (!found)
		fail_msg("the text lacks: %s", before);
	found += strlen(before);
	found += *found == '+';
	*at = found + strcspn(found, ends);
	return arena_print(arena, "%.*s", (int)(*at - found), found);
}

static void the_page_has_the_numbers_of_the_text(void **state)
{
	struct buffer page, text;
	(void)state;
	made(false);
	page_print(&page);
	text_print(&text);
	const char *at = strstr(text.bytes, "\nreward (primary");
	assert_non_null(at);
	const char *units = said(&at, "\n  new ", "u");
	units = arena_print(arena, "%llu", strtoull(units, NULL, 10));
	const char *mean = said(&at, "units, mean ", ","), *sd = said(&at, ", sd ", ",");
	const char *pair_state = said(&at, "  new: ", ",\n"), *estimate = said(&at, "every look    ", " ");
	const char *low = said(&at, "(", " "), *high = said(&at, "to ", ")");
	const char *threshold = said(&at, "practical     ", ";"), *lacking = said(&at, "taken off\n                  ", " ");
	const char *welch = said(&at, "Welch p ", ",");
	expect_all(page.bytes,
		   (const char *const[]){
			   arena_print(arena, "<th scope=\"row\">reward: new</th><td>%s</td><td>%.4g</td><td>%s</td>", units,
				       strtod(mean, NULL), sd),
			   arena_print(arena, "<th scope=\"row\">reward: new</th><td class=\"t\">%s</td><td>%s</td>", pair_state,
				       estimate),
			   arena_print(arena, "<td>+%s to +%s</td>", low, high),
			   arena_print(arena, "<td>%s</td>", threshold),
			   arena_print(arena, "<td>%s</td></tr>", lacking),
		   },
		   5);
	assert_non_null(strstr(page.bytes, arena_print(arena, "<td>Welch</td><td>%s", welch)));
	const char *cost = strstr(text.bytes, "\ncost (guardrail");
	assert_non_null(cost);
	const char *cost_state = said(&cost, "  new: ", "\n");
	const char *row = arena_print(arena, "<th scope=\"row\">cost: new</th><td class=\"t\">%s</td>", cost_state);
	expect_all(page.bytes, &row, 1);
	assert_null(strstr(page.bytes, "nan"));
	assert_non_null(strstr(page.bytes, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "));
	assert_null(strstr(page.bytes, "<script"));
	buffer_close(&page);
	buffer_close(&text);
}

/* Each is in the text, too. */
static void the_page_has_the_reasons_of_the_text(void **state)
{
	static const struct {
		const char *text, *page;
	} words[] = {
		{"differs between variants (p 0.0012)", "<b>Feedback by variant</b>differs, p 0.0012</li>"},
		{"values beyond 1e+50: 2; the first is cost 1e+60 of request r7",
		 "2 beyond 1e+50 left out; the first is cost 1e+60 of request r7</li>"},
		{"3 truths were not judged: they, or what was answered, are no integer, text or probability",
		 "<b>Truths not judged</b>3: they, or what was answered, are no integer, text or probability</li>"},
	};
	struct buffer page, text;
	(void)state;
	made(false);
	report.split.feedback_differs = true;
	report.split.feedback_p = 0.0012;
	joined.counts.excess = 2;
	joined.excess = (struct joined_excess){.metric = TEXT("cost"), .request = TEXT("r7"), .value = 1e60};
	joined.counts.unjudged = 3;
	page_print(&page);
	text_print(&text);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		assert_non_null(strstr(text.bytes, words[i].text));
		expect_all(page.bytes, &words[i].page, 1);
	}
	const char *at = strstr(text.bytes, "\nreward (primary");
	const char *mean = said(&at, "\n    means         ", ","), *control = said(&at, ", and ", " ");
	const char *cells = arena_print(arena, "<td>%.4g</td><td>%.4g</td>", strtod(mean, NULL), strtod(control, NULL));
	expect_all(page.bytes, &cells, 1);
	buffer_close(&page);
	buffer_close(&text);
}

/* Of a policy requests are counted too, and there is no fixed horizon. */
static void the_page_of_a_policy_has_its_requests(void **state)
{
	struct buffer out;
	(void)state;
	made(true);
	page_print(&out);
	expect_all(out.bytes, (const char *const[]){"<th>expected</th><th>requests</th>", "<th>units</th><th>requests</th>"}, 2);
	expect_all(
		out.bytes,
		(const char *const[]){"<b>Split (SRM)</b>not tested: a policy chose; a unit counts once for each of its versions<"},
		1);
	assert_null(strstr(out.bytes, "One look"));
	assert_null(strstr(out.bytes, "Units returned"));
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_page_has_what_was_left_out_and_why, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(the_page_has_the_numbers_of_the_text, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(the_page_has_the_reasons_of_the_text, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(the_page_of_a_policy_has_its_requests, arena_begin, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
