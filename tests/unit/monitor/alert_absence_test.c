/* alert_absence_test.c: Tests of the absence of a pipeline over two engines, of which one has all its requests. */
#include "monitor/alerts/alert_absence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monitor/alerts/alert_states.h"
#include "monitor/alerts/alert_watch.h"

#define STEP_MS 10
#define LAST_MS 50000 /* of the requests */
#define NEVER (-1)

/* Requests at that distance in the first engine. The second one looks `phase_ms` later than the first, and has each report after
 * `delay_ms`. Sets the times at which they judge that the pipeline is absent. */
struct two_engines {
	int64_t duration_ms, every_ms, phase_ms, delay_ms;
	int64_t absent_ms[2];
};

static void engines_run(struct two_engines *two)
{
	struct alert_absence one = {.duration_ms = two->duration_ms}, other = one;
	int64_t report_ms = NEVER;
	uint64_t ended = 0;
	two->absent_ms[0] = two->absent_ms[1] = NEVER;
	for (int64_t now_ms = STEP_MS; now_ms < 2 * LAST_MS; now_ms += STEP_MS) {
		ended += now_ms <= LAST_MS && now_ms % two->every_ms == 0;
		if (now_ms == report_ms) {
			alert_absence_take_report(&one, now_ms);
			alert_absence_take_report(&other, now_ms);
		}
		if (now_ms % ALERT_EVERY_MS == 0) {
			if (alert_absence_look(&one, ended, true, now_ms) && two->absent_ms[0] == NEVER)
				two->absent_ms[0] = now_ms;
			if (alert_absence_report_is_due(&one, now_ms)) {
				alert_absence_reported(&one, now_ms);
				report_ms = now_ms + two->delay_ms;
			}
		}
		if (now_ms % ALERT_EVERY_MS == two->phase_ms && alert_absence_look(&other, 0, true, now_ms) &&
		    two->absent_ms[1] == NEVER)
			two->absent_ms[1] = now_ms;
	}
}

/* How much later than the duration it is judged: a report waits for the next one to be due, and for a look, both engines wait for
 * two looks more, and judge at a look. */
static int64_t latest_ms(int64_t duration_ms)
{
	return (duration_ms / 2 < ALERT_REPORT_MS ? duration_ms / 2 : ALERT_REPORT_MS) + 4 * ALERT_EVERY_MS;
}

/* Requests come as rarely as they may, and reports nearly a second late. */
static void a_pipeline_with_requests_in_one_engine_is_absent_in_none(void **state)
{
	static const int64_t durations_ms[] = {100, 500, 1000, 1500, 2000, 3000, 5000, 10000, 30000};
	(void)state;
	for (size_t i = 0; i < sizeof durations_ms / sizeof *durations_ms; i++)
		for (int64_t phase_ms = 0; phase_ms < ALERT_EVERY_MS; phase_ms += 90)
			for (int64_t delay_ms = STEP_MS; delay_ms < ALERT_EVERY_MS; delay_ms += 240)
				for (int64_t rare = 0; rare <= 1; rare++) {
					const int64_t most_ms = durations_ms[i] - STEP_MS;
					struct two_engines two = {.duration_ms = durations_ms[i],
								  .every_ms = rare ? most_ms : STEP_MS,
								  .phase_ms = phase_ms,
								  .delay_ms = delay_ms};
					engines_run(&two);
					for (size_t j = 0; j < 2; j++) {
						const int64_t last_ms = LAST_MS - LAST_MS % two.every_ms;
						const int64_t after_ms = two.absent_ms[j] - last_ms;
						assert_true(after_ms >= two.duration_ms);
						assert_true(after_ms <= two.duration_ms + latest_ms(two.duration_ms) + delay_ms);
					}
				}
}

static void an_engine_that_shares_no_alert_knows_of_its_own_requests_at_once(void **state)
{
	struct alert_absence absence = {.duration_ms = ALERT_EVERY_MS};
	(void)state;
	for (int64_t look = 1; look < 10; look++)
		assert_false(alert_absence_look(&absence, (uint64_t)look, false, look * ALERT_EVERY_MS));
	assert_true(alert_absence_look(&absence, 9, false, 10 * ALERT_EVERY_MS));
	assert_false(alert_absence_look(&absence, 10, false, 11 * ALERT_EVERY_MS));
}

/* Reports of others came meanwhile, and are not taken yet when it looks. */
static void the_time_in_which_an_engine_was_stopped_does_not_count(void **state)
{
	struct alert_absence shared = {.duration_ms = 12000}, alone = shared;
	(void)state;
	for (int64_t now_ms = 1000; now_ms <= 5000; now_ms += ALERT_EVERY_MS) {
		assert_false(alert_absence_look(&shared, 0, true, now_ms));
		assert_false(alert_absence_look(&alone, 0, false, now_ms));
	}
	alert_absence_take_report(&shared, 5000);
	assert_true(alert_absence_look(&alone, 0, false, 41000));
	assert_false(alert_absence_look(&shared, 0, true, 41000));
	for (int64_t now_ms = 42000; now_ms <= 54000; now_ms += ALERT_EVERY_MS)
		assert_false(alert_absence_look(&shared, 0, true, now_ms));
	assert_true(alert_absence_look(&shared, 0, true, 55000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipeline_with_requests_in_one_engine_is_absent_in_none),
		cmocka_unit_test(an_engine_that_shares_no_alert_knows_of_its_own_requests_at_once),
		cmocka_unit_test(the_time_in_which_an_engine_was_stopped_does_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
