/* bandit_rehearsal_test.c: Tests of `sluice experiments evaluate --dry-run`: what bandits would have done with recorded choices and
 * rewards. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "steps/kinds.h"
#include "tests/unit/session.h"
#include "tools/view/report/evaluation_view.h"

#define REQUESTS_MAX 400
#define LINE_BYTES 200
#define EXPERIMENT(weights, more)                                                                                                  \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  candidates: [" weights "]\n" more
#define HALVES "{name: old, weight: 50}, {name: new, weight: 50}"
#define EPSILON_WITH(more)                                                                                                         \
	"  bandits: {algorithm: epsilon-greedy, epsilon: 0.2, explore: 0, updateInterval: 10s, outcomeWindow: 1m" more "}\n"
#define EPSILON EPSILON_WITH("")
#define EPSILON_EACH_SECOND "  bandits: {algorithm: epsilon-greedy, updateInterval: 1s, outcomeWindow: 1m}\n"
#define DRY_RUN "experiments evaluate e -f e.yaml --dry-run --exposures exposures --feedback feedback"

static char folder[] = "/tmp/bandit_rehearsal_XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : 1;
}

static int tear_down(void **state)
{
	static const char *const files[] = {"exposures", "feedback", "e.yaml", "policy"};
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		(void)unlink(files[i]);
	return chdir("/") == 0 ? rmdir(folder) : 1;
}

/* The n-th request, of 1 s each from 1 on, got `old` if n is odd. What it earned came so much later. */
struct past {
	size_t requests;
	int64_t delay_ms;
	double (*earned)(size_t n, bool is_new);
	bool has_context; /* x: 1 for two requests, -1 for the next two */
};

static int side_of(size_t n)
{
	return (n - 1) / 2 % 2 == 0 ? 1 : -1;
}

static double new_earns(size_t n, bool is_new)
{
	(void)n;
	return is_new;
}

static double each_earns_on_its_side(size_t n, bool is_new)
{
	return is_new == (side_of(n) == 1);
}

static void past_write(struct past past)
{
	static char lines[REQUESTS_MAX * LINE_BYTES];
	size_t length = 0;
	assert_true(past.requests <= REQUESTS_MAX);
	for (size_t n = 1; n <= past.requests; n++) {
		char context[48] = "";
		if (past.has_context)
			(void)snprintf(context, sizeof context, ", \"context\": {\"x\": %d}", side_of(n));
		length += (size_t)snprintf(lines + length, sizeof lines - length,
					   "{\"id\": \"r%zu\", \"time_ms\": %zu, \"experiment\": \"e\", \"variant\": \"%s\", "
					   "\"probability\": 0.5%s}\n",
					   n, 1000 * n, n % 2 == 0 ? "new" : "old", context);
	}
	write_file("exposures", lines);
	length = 0;
	for (size_t n = 1; n <= past.requests; n++)
		length += (size_t)snprintf(lines + length, sizeof lines - length,
					   "{\"id\": \"r%zu\", \"reward\": %g, \"time_ms\": %lld}\n", n, past.earned(n, n % 2 == 0),
					   (long long)(1000 * (int64_t)n + past.delay_ms));
	write_file("feedback", lines);
}

static json_t *said_json(const char *line)
{
	struct said said = say_with(step_kinds, line);
	if (said.code != 0)
		fail_msg("%s: %s", line, said.err);
	json_t *document = json_loads(said.out, 0, NULL);
	assert_non_null(document);
	said_close(&said);
	return document;
}

struct policy_expected {
	int from_ms, rewards, requests;
	double chance; /* of `new` */
};

static void expect_policies(const json_t *document, const struct policy_expected *expected, size_t count)
{
	const json_t *policies = json_object_get(json_object_get(document, "rehearsal"), "policies");
	assert_int_equal(json_array_size(policies), count);
	for (size_t i = 0; i < count; i++) {
		const json_t *policy = json_array_get(policies, i);
		assert_int_equal(json_integer_value(json_object_get(policy, "from_ms")), expected[i].from_ms);
		assert_int_equal(json_integer_value(json_object_get(policy, "rewards")), expected[i].rewards);
		assert_int_equal(json_integer_value(json_object_get(policy, "requests")), expected[i].requests);
		const double chance = json_number_value(json_object_get(json_object_get(policy, "chances"), "new"));
		assert_true(fabs(chance - expected[i].chance) < 1e-9);
		assert_true(json_number_value(json_object_get(json_object_get(policy, "recorded"), "new")) == 0.5);
	}
}

static double number_of(const json_t *document, const char *name)
{
	return json_number_value(json_object_get(document, name));
}

/* `new` earns 1 and `old` nothing. The weights choose for 10 s; then `new` has 1 - 0.2 + 0.2 / 2. So the half of the requests that
 * got it count by 1 in the first of four intervals, and by 0.9 / 0.5 in the others: (5 + 3 x 9) / 40. */
static void each_interval_has_the_policy_of_what_was_known_before(void **state)
{
	static const struct policy_expected expected[] = {
		{1000, 0, 10, 0.5}, {11000, 10, 10, 0.9}, {21000, 20, 10, 0.9}, {31000, 30, 10, 0.9}};
	(void)state;
	write_file("e.yaml", EXPERIMENT(HALVES, EPSILON));
	past_write((struct past){40, 0, new_earns, false});
	json_t *document = said_json(DRY_RUN " -o json");
	expect_policies(document, expected, 4);
	assert_true(number_of(json_object_get(document, "rehearsal"), "policies_omitted") == 0);
	assert_true(fabs(number_of(document, "ips") - 0.8) < 1e-9);
	assert_true(fabs(number_of(document, "recorded") - 0.5) < 1e-9);
	json_decref(document);
	struct said said = say_with(step_kinds, DRY_RUN);
	assert_int_equal(said.code, 0);
	assert_non_null(strstr(said.out, "The bandits learnt from 40 rewards of recorded choices"));
	assert_non_null(strstr(said.out, "old 10.0% (50.0%), new 90.0% (50.0%)\n"));
	said_close(&said);
}

/* Before the first request, `old` has 20 of 20 and `new` 0 of 1. After 10 requests `old` has 20 of 25, and `new` 5 of 6. */
static void a_warm_start_chooses_from_the_first_request_on(void **state)
{
	static const struct policy_expected expected[] = {
		{1000, 21, 10, 0.1}, {11000, 31, 10, 0.9}, {21000, 41, 10, 0.9}, {31000, 51, 10, 0.9}};
	(void)state;
	write_file("e.yaml",
		   EXPERIMENT(HALVES, EPSILON_WITH(", warmStart: {old: {plays: 20, mean: 1}, new: {plays: 1, mean: 0}}")));
	past_write((struct past){40, 0, new_earns, false});
	json_t *document = said_json(DRY_RUN " -o json");
	expect_policies(document, expected, 4);
	assert_true(number_of(json_object_get(document, "rehearsal"), "rewards") == 40);
	assert_true(fabs(number_of(document, "ips") - (5 * 0.1 + 15 * 0.9) / 0.5 / 40) < 1e-9);
	json_decref(document);
}

/* Each request has a policy of its own. The first and the last are shown. */
static void of_many_policies_some_are_shown(void **state)
{
	(void)state;
	write_file("e.yaml", EXPERIMENT(HALVES, EPSILON_EACH_SECOND));
	past_write((struct past){REQUESTS_MAX, 0, new_earns, false});
	json_t *document = said_json(DRY_RUN " -o json");
	const json_t *rehearsal = json_object_get(document, "rehearsal"), *policies = json_object_get(rehearsal, "policies");
	assert_int_equal(json_array_size(policies), REHEARSED_POLICIES_SHOWN);
	assert_true(number_of(rehearsal, "policies_omitted") == REQUESTS_MAX - REHEARSED_POLICIES_SHOWN);
	assert_true(number_of(json_array_get(policies, 0), "from_ms") == 1000);
	assert_true(number_of(json_array_get(policies, REHEARSED_POLICIES_SHOWN - 1), "from_ms") == 1000 * REQUESTS_MAX);
	json_decref(document);
}

/* Rewards that come 15 s later: after 20 s those of the first 5 requests are known. */
static void a_reward_is_learnt_when_it_came(void **state)
{
	static const struct policy_expected expected[] = {{1000, 0, 20, 0.5}, {21000, 5, 10, 0.9}, {31000, 15, 10, 0.9}};
	(void)state;
	write_file("e.yaml", EXPERIMENT(HALVES, EPSILON));
	past_write((struct past){40, 15000, new_earns, false});
	json_t *document = said_json(DRY_RUN " -o json");
	expect_policies(document, expected, 3);
	json_decref(document);
}

static void a_reward_after_the_window_is_not_learnt(void **state)
{
	static const struct policy_expected expected[] = {{1000, 0, 40, 0.5}};
	(void)state;
	write_file("e.yaml", EXPERIMENT(HALVES, EPSILON));
	past_write((struct past){40, 61000, new_earns, false});
	json_t *document = said_json(DRY_RUN " -o json");
	expect_policies(document, expected, 1);
	const json_t *rehearsal = json_object_get(document, "rehearsal");
	assert_true(number_of(rehearsal, "late") == 40 && number_of(rehearsal, "rewards") == 0);
	json_decref(document);
}

/* Which variant earns depends on x. The recorded choices earn a half; the bandits nearly all, once they have seen 100 requests. */
static void a_context_of_the_exposures_is_learnt(void **state)
{
	(void)state;
	write_file("e.yaml",
		   EXPERIMENT(HALVES, "  bandits: {algorithm: linucb, contextFeatures: [x], explore: 0, updateInterval: 10s, "
				      "outcomeWindow: 1m}\n"));
	past_write((struct past){400, 0, each_earns_on_its_side, true});
	json_t *document = said_json(DRY_RUN " -o json");
	const json_t *policies = json_object_get(json_object_get(document, "rehearsal"), "policies");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(policies, 1), "from_ms")), 101000);
	assert_true(fabs(number_of(document, "recorded") - 0.5) < 1e-9);
	assert_true(fabs(number_of(document, "ips") - (0.5 * 100 + 300) / 400) < 0.01);
	json_decref(document);
}

/* A candidate of the files that no record has gets its chance, and no estimate says what it earns. */
static void a_candidate_without_a_record_is_outside(void **state)
{
	(void)state;
	write_file("e.yaml", EXPERIMENT(HALVES ", {name: newest, weight: 100}", EPSILON));
	past_write((struct past){40, 0, new_earns, false});
	json_t *document = said_json(DRY_RUN " -o json");
	assert_true(number_of(document, "outside_support") > 0);
	json_decref(document);
}

static void expect_refused(const char *line, int code, const char *words)
{
	struct said said = say_with(step_kinds, line);
	if (said.code != code || !strstr(said.err, words))
		fail_msg("%s: %d: %s", line, said.code, said.err);
	said_close(&said);
}

static void what_is_not_to_be_rehearsed_is_refused(void **state)
{
	(void)state;
	past_write((struct past){40, 0, new_earns, false});
	write_file("policy", "{\"always\": \"new\"}");
	write_file("e.yaml", EXPERIMENT(HALVES, EPSILON));
	expect_refused("experiments evaluate e --exposures exposures", 2, "it needs the policy of a file");
	expect_refused(DRY_RUN " --policy policy", 2, "it needs the policy of a file");
	expect_refused("experiments evaluate e --dry-run --exposures exposures", 2, "--dry-run needs the experiment's files");
	write_file("e.yaml", EXPERIMENT(HALVES, ""));
	expect_refused(DRY_RUN, 2, "the files have no bandits of `e`");
	write_file("e.yaml", EXPERIMENT(HALVES, EPSILON));
	write_file("feedback", "{\"id\": \"r1\", \"metrics\": {\"other\": 1}, \"time_ms\": 2000}\n");
	expect_refused(DRY_RUN " --metric other", 2, "the metric `reward`, by which its bandits learn");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_interval_has_the_policy_of_what_was_known_before),
		cmocka_unit_test(a_warm_start_chooses_from_the_first_request_on),
		cmocka_unit_test(of_many_policies_some_are_shown),
		cmocka_unit_test(a_reward_is_learnt_when_it_came),
		cmocka_unit_test(a_reward_after_the_window_is_not_learnt),
		cmocka_unit_test(a_context_of_the_exposures_is_learnt),
		cmocka_unit_test(a_candidate_without_a_record_is_outside),
		cmocka_unit_test(what_is_not_to_be_rehearsed_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
