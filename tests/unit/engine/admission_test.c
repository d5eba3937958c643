/* admission_test.c: which requests are refused because they are taken too late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number/duration.h"
#include "engine/worker/admission.h"
#include "engine/worker/parts.h"

#define NOW_MS 100000
#define OTHER_MS 1 /* an event time; it says nothing of how long a request waited */

static struct worker_stage stage;
static struct loop *loop;

static int set_up(void **state)
{
	(void)state;
	struct error error = {0};
	stage = (struct worker_stage){0};
	loop = loop_open_virtual(NOW_MS, &error);
	return loop ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	loop_close(loop);
	return 0;
}

static struct inflight inflight_of(int64_t waited_ms, int64_t left_ms)
{
	return (struct inflight){
		.stage = &stage,
		.taken_ms = NOW_MS,
		.message = {.time_ms = OTHER_MS,
			    .written_ms = loop_time_of_day_ms(loop) - waited_ms,
			    .deadline_ms = NOW_MS + left_ms},
	};
}

static bool is_refused_by(enum error_limit limit, int64_t waited_ms, int64_t left_ms)
{
	struct error error = {0};
	struct inflight inflight = inflight_of(waited_ms, left_ms);
	bool refused = admission_refuses(&inflight, loop, &error);
	assert_int_equal(error.kind, refused ? ERROR_LIMIT : ERROR_NONE);
	assert_true(!refused || error.limit == limit);
	return refused;
}

static bool is_refused(int64_t waited_ms, int64_t left_ms)
{
	return is_refused_by(LIMIT_OF_ADMISSION, waited_ms, left_ms);
}

static void stay_for(int64_t ms)
{
	struct inflight inflight = inflight_of(0, 60000);
	inflight.taken_ms = NOW_MS - ms;
	for (int i = 0; i < 100; i++)
		admission_observe(&inflight, NOW_MS * US_PER_MS);
}

static void a_stage_that_answers_at_once_takes_what_has_any_time_left(void **state)
{
	(void)state;
	assert_false(is_refused(29950, 50)); /* after an outage, say */
	stay_for(1);
	assert_false(is_refused(29950, 50));
}

static void a_stage_that_is_behind_refuses_what_would_be_answered_too_late(void **state)
{
	(void)state;
	stay_for(200);
	assert_true(is_refused(1900, 100));
	assert_false(is_refused(1000, 1000));
}

static void however_long_it_takes_three_quarters_of_the_time_may_have_passed(void **state)
{
	(void)state;
	stay_for(10000);
	assert_false(is_refused(1400, 600));
	assert_true(is_refused(1600, 400));
	assert_false(is_refused(0, 2000));
}

static void what_expired_before_its_first_step_is_refused_as_such(void **state)
{
	struct graph_part part = {.first = true};
	struct graph graph = {.part = &part};
	const struct stage_config config = {.graph = &graph};
	(void)state;
	stage.config = &config;
	assert_true(is_refused_by(LIMIT_OF_EXPIRY, 2000, 0));
	assert_true(is_refused_by(LIMIT_OF_EXPIRY, 2000, -500));
	assert_false(is_refused(1999, 1));
	graph.part = NULL;
	assert_true(is_refused_by(LIMIT_OF_EXPIRY, 2000, 0));
	graph.part = &part;
	part.first = false; /* steps of an earlier stage have processed it */
	assert_false(is_refused(2000, 0));
}

static void what_failed_or_has_no_deadline_says_nothing(void **state)
{
	(void)state;
	struct error error = {.kind = ERROR_LIMIT};
	struct inflight failed = inflight_of(0, 60000), unbound = inflight_of(0, 60000);
	failed.taken_ms = unbound.taken_ms = NOW_MS - 10000;
	failed.answer.error = &error;
	unbound.message.deadline_ms = 0;
	admission_observe(&failed, NOW_MS * US_PER_MS);
	admission_observe(&unbound, NOW_MS * US_PER_MS);
	assert_int_equal(stage.stay_us, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_stage_that_answers_at_once_takes_what_has_any_time_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_stage_that_is_behind_refuses_what_would_be_answered_too_late, set_up, tear_down),
		cmocka_unit_test_setup_teardown(however_long_it_takes_three_quarters_of_the_time_may_have_passed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_expired_before_its_first_step_is_refused_as_such, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_failed_or_has_no_deadline_says_nothing, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
