/* called_deadline_test.c: Tests of the deadline of a called pipeline where the worker looks at it late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/worker_hold.h"

#define TIME_MS 3000	/* of the request; half of it is the candidate's */
#define HELD_US 1700000 /* until both the candidate's time and what it is given beyond that are over */

/* A pipeline whose step asks the candidate, and the default if that has no answer; CANDIDATE is `stuck` itself, or `outer`, which
 * asks `stuck` in the same way. */
#define ASKS(candidate)                                                                                                            \
	"  - {name: s, experiment: {name: e}}\n"                                                                                   \
	"  output: {steps: [s]}\n"                                                                                                 \
	"---\n"                                                                                                                    \
	"apiVersion: mlops.seldon.io/v1alpha1\n"                                                                                   \
	"kind: Experiment\n"                                                                                                       \
	"metadata: {name: e}\n"                                                                                                    \
	"spec: {resourceType: pipeline, default: calm, fallback: default,\n"                                                       \
	"  candidates: [{name: calm, weight: 0}, {name: " candidate ", weight: 1}]}\n"                                             \
	"---\n"                                                                                                                    \
	"apiVersion: mlops.seldon.io/v1alpha1\n"                                                                                   \
	"kind: Experiment\n"                                                                                                       \
	"metadata: {name: f}\n"                                                                                                    \
	"spec: {resourceType: pipeline, default: mild, fallback: default,\n"                                                       \
	"  candidates: [{name: mild, weight: 0}, {name: stuck, weight: 1}]}\n"                                                     \
	"---\n"                                                                                                                    \
	"apiVersion: mlops.seldon.io/v1alpha1\n"                                                                                   \
	"kind: Pipeline\n"                                                                                                         \
	"metadata: {name: outer}\n"                                                                                                \
	"spec: {steps: [{name: o, experiment: {name: f}}], output: {steps: [o]}}\n"                                                \
	"---\n"                                                                                                                    \
	"apiVersion: mlops.seldon.io/v1alpha1\n"                                                                                   \
	"kind: Pipeline\n"                                                                                                         \
	"metadata: {name: calm}\n"                                                                                                 \
	"spec: {steps: [{name: t, expression: {set: {x: x * 2}}}], output: {steps: [t]}}\n"                                        \
	"---\n"                                                                                                                    \
	"apiVersion: mlops.seldon.io/v1alpha1\n"                                                                                   \
	"kind: Pipeline\n"                                                                                                         \
	"metadata: {name: mild}\n"                                                                                                 \
	"spec: {steps: [{name: t, expression: {set: {x: x * 2}}}], output: {steps: [t]}}\n"                                        \
	"---\n"                                                                                                                    \
	"apiVersion: mlops.seldon.io/v1alpha1\n"                                                                                   \
	"kind: Pipeline\n"                                                                                                         \
	"metadata: {name: stuck}\n"                                                                                                \
	"spec: {steps: [{name: b, expression: {set: {x: x * 3}}, batch: {size: 2, windowMs: 9000}}], output: {steps: [b]}}\n"

/* Asks, holds the worker from the time when `stuck` has the request, and expects the answer of the default. */
static void stuck_ask(struct stand *stand, const char *steps, struct stage_counts *stuck)
{
	char deadline[32];
	stand_configure(stand, steps);
	struct planning *planning = &stand->planning[0];
	struct called_pipeline called[] = {{.name = "outer", .graph = planning_linked(planning, "outer")},
					   {.name = "calm", .graph = planning_linked(planning, "calm")},
					   {.name = "mild", .graph = planning_linked(planning, "mild")},
					   {.name = "stuck", .graph = planning_linked(planning, "stuck"), .counts = stuck}};
	stand->stages[0].graph = planning_linked(planning, "p");
	stand->stages[0].called_count = sizeof called / sizeof *called;
	stand->stages[0].called = called;
	worker_hold_start(stand);
	snprintf(deadline, sizeof deadline, "%lld", (long long)time_of_day_ms() + TIME_MS);
	stand_ask(stand, "r", 21, "x-deadline-ms", deadline);
	while (count_read(&stuck->sums.taken) == 0)
		usleep(1000);
	worker_hold_begin();
	usleep(HELD_US);
	worker_hold_end();
	assert_true(record_says(mock_read(&stand->mock), "[42"));
	const struct worker_counts counts = stand_stop(stand);
	worker_hold_close();
	assert_int_equal(counts.failed, 0);
	assert_int_equal(stuck->sums.taken, 1);
	assert_int_equal(stuck->sums.released, 1);
	assert_int_equal(stuck->sums.in_flight, 0);
}

static void it_ends_with_its_error_before_its_caller_gives_it_up(void **state)
{
	static struct stage_counts stuck;
	stuck_ask(*state, ASKS("stuck"), &stuck);
	assert_int_equal(stuck.sums.failed, 1);
}

static void one_that_a_called_pipeline_calls_ends_before_both(void **state)
{
	static struct stage_counts stuck;
	stuck_ask(*state, ASKS("outer"), &stuck);
	assert_int_equal(stuck.sums.failed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(it_ends_with_its_error_before_its_caller_gives_it_up),
		STORY(one_that_a_called_pipeline_calls_ends_before_both),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
