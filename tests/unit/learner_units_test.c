/* learner_units_test.c: Tests of the learner of bandits with feedback that names a unit alone: it is for the unit's last request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "experiments/bandits/learner.h"
#include "tests/unit/arena_fixture.h"

#define NOW_MS INT64_C(1800000000000)

static const struct text arms[] = {{"old", 3}, {"new", 3}};

static struct learner *greedy(void)
{
	struct error error = {0};
	const struct learner_config config = {.experiment = "e",
					      .options = bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 0),
					      .arms = arms,
					      .context = context_form_of(arms, 2, NULL, 0),
					      .window_ms = 60000,
					      .memory_bytes = 1 << 16};
	struct learner *learner = learner_open(&config, &error);
	if (!learner)
		fail_msg("%s", error.text);
	return learner;
}

static struct exposure exposure_of(const char *id, size_t arm, int64_t time_ms)
{
	return (struct exposure){.id = text_of(id),
				 .origin = {text_of(id), 0, 1},
				 .unit = TEXT("u"),
				 .time_ms = time_ms,
				 .experiment = TEXT("e"),
				 .variant = arms[arm],
				 .probability = 0.5,
				 .reason = ASSIGNED_POLICY};
}

/* Once, also for a learner that goes on from the record. */
static void a_unit_is_rewarded_for_its_last_request(void **state)
{
	(void)state;
	struct learner *learner = greedy(), *next = greedy();
	struct policy_record record;
	struct error error = {0};
	const struct feedback sent = {.unit = TEXT("u"), .has_reward = true, .reward = 0.5, .time_ms = NOW_MS + 3000};
	const struct exposure first = exposure_of("a", 0, NOW_MS), last = exposure_of("b", 1, NOW_MS + 2000),
			      later = exposure_of("c", 0, NOW_MS + 9000);
	learner_expose(learner, &first);
	learner_expose(learner, &last);
	learner_feedback(learner, &sent, NOW_MS + 3500);
	learner_expose(learner, &later);
	learner_feedback(learner, &sent, NOW_MS + 9500); /* again */
	assert_int_equal(learner_counts(learner).rewards, 1);
	assert_int_equal(learner_counts(learner).again, 1);
	assert_true(learner_record(learner, NOW_MS + 10000, &record, &error));
	const struct bandit *bandit = bandit_read(arena, record.learner, &error);
	assert_true(bandit_arm(bandit, 1)->moments.count == 1 && bandit_arm(bandit, 0)->moments.count == 0);
	assert_true(learner_restore(next, &record, &error));
	learner_replay(next, true);
	learner_expose(next, &first);
	learner_expose(next, &last);
	learner_feedback(next, &sent, NOW_MS + 3500);
	learner_replay(next, false);
	learner_expose(next, &later);
	learner_feedback(next, &sent, NOW_MS + 9500);
	assert_int_equal(learner_counts(next).rewards, 0);
	learner_close(learner);
	learner_close(next);
}

static void a_unit_that_is_not_known_teaches_nothing(void **state)
{
	(void)state;
	struct learner *learner = greedy();
	const char *const experiments[] = {"", "e", "f"}; /* the last one may not have bandits */
	for (size_t i = 0; i < 3; i++) {
		const struct text experiment = text_of(experiments[i]);
		const struct feedback sent = {.unit = TEXT("u"), .experiment = experiment, .has_reward = true, .reward = 1};
		learner_feedback(learner, &sent, NOW_MS);
	}
	const struct learner_counts counts = learner_counts(learner);
	assert_true(counts.by_unit == 2 && counts.others == 1 && counts.unknown == 2 && counts.rewards == 0);
	learner_close(learner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_unit_is_rewarded_for_its_last_request, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(a_unit_that_is_not_known_teaches_nothing, arena_begin, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
