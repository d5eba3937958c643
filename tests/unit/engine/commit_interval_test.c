/* When a worker commits: outputs soon, progress without any output late. Against the mock of a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/worker_stand.h"

#define NEVER_MS (60 * 60 * 1000)
#define DROPPED 20 /* a request of this number has no output */
#define ANSWERED 1

static const char keeps_small[] = "  - name: small\n    filter: {keep: \"x < 10\", otherwise: drop}\n"
				  "  output: {steps: [small]}\n";

static void stand_start_with(struct stand *stand, int64_t quiet_ms, int64_t output_ms)
{
	stand_configure(stand, keeps_small);
	stand->config.transaction.id = NULL; /* the mock keeps no offsets of transactions */
	stand->config.limits.commit_ms = 10;
	stand->config.limits.quiet_commit_ms = quiet_ms;
	stand->config.limits.output_commit_ms = output_ms;
	stand_start(stand);
}

static struct worker_counts counts_of(const struct stand *stand)
{
	return worker_counts(stand->running.worker);
}

/* `count`: offset of one of the worker's counts. */
static void wait_for(const struct stand *stand, size_t count, uint64_t wanted)
{
	uint64_t counted = 0;
	for (int waited_ms = 0; counted < wanted && waited_ms < MOCK_WAIT_MS; waited_ms++) {
		usleep(1000);
		const struct worker_counts counts = counts_of(stand);
		memcpy(&counted, (const char *)&counts + count, sizeof counted);
	}
	assert_int_equal(counted, wanted);
}

static void wait_for_release(const struct stand *stand, uint64_t released)
{
	wait_for(stand, offsetof(struct worker_counts, released), released);
}

static void wait_for_commits(const struct stand *stand, uint64_t commits)
{
	wait_for(stand, offsetof(struct worker_counts, commits), commits);
}

static void progress_without_an_output_waits_for_the_next_output(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, NEVER_MS, 0);
	stand_ask(stand, "dropped", DROPPED, NULL, NULL);
	wait_for_release(stand, 1);
	usleep(100000); /* ten usual intervals */
	assert_int_equal(counts_of(stand).commits, 0);
	stand_ask(stand, "answered", ANSWERED, NULL, NULL);
	wait_for_commits(stand, 1);
	assert_int_equal(stand_committed(stand), 2);
	(void)stand_stop(stand);
}

static void progress_without_an_output_delays_no_output(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, 200, NEVER_MS);
	stand_ask(stand, "dropped", DROPPED, NULL, NULL);
	wait_for_commits(stand, 1);
	stand_ask(stand, "dropped", DROPPED, NULL, NULL);
	wait_for_commits(stand, 2);
	stand_ask(stand, "answered", ANSWERED, NULL, NULL);
	wait_for_commits(stand, 3);
	assert_int_equal(stand_committed(stand), 3);
	(void)stand_stop(stand);
}

static void what_waits_for_a_late_commit_is_committed_at_a_stop(void **state)
{
	struct stand *stand = *state;
	stand_start_with(stand, NEVER_MS, 0);
	stand_ask(stand, "dropped", DROPPED, NULL, NULL);
	wait_for_release(stand, 1);
	(void)stand_stop(stand);
	assert_int_equal(stand_committed(stand), 1);
}

static void outputs_are_committed_no_sooner_after_each_other_than_asked(void **state)
{
	struct stand *stand = *state;
	const int64_t least_ms = 600;
	stand_start_with(stand, 0, least_ms);
	const int64_t began_ms = clock_ms();
	stand_ask(stand, "first", ANSWERED, NULL, NULL);
	wait_for_commits(stand, 1);
	stand_ask(stand, "second", ANSWERED, NULL, NULL);
	wait_for_commits(stand, 2);
	assert_true(clock_ms() - began_ms >= least_ms);
	(void)stand_stop(stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(progress_without_an_output_waits_for_the_next_output),
		STORY(progress_without_an_output_delays_no_output),
		STORY(what_waits_for_a_late_commit_is_committed_at_a_stop),
		STORY(outputs_are_committed_no_sooner_after_each_other_than_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
