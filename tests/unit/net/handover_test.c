/* handover_test.c: Tests of how long a worker finishes messages of partitions that its group takes: a moment, unless they are lost
 * by then. The model of these messages does not answer; the group is the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"
#include "tests/unit/held_model.h"
#include "tests/unit/worker_stand.h"

#define MOMENT_MS 1000 /* engine/engine/worker/assignment_changes.c */
#define BUSY_MS 700    /* by which a machine may be late: less than the moment */

static struct group {
	struct worker_platform platform;
	struct consumer_operations operations;
	const struct consumer_operations *usual;
	struct consumer *consumer;
	_Atomic enum assignment_change change; /* SAME: as Kafka has it */
	atomic_bool is_accepted;
	struct position partition;
} group;

static struct held_model model;

static enum assignment_change group_change(const struct consumer *consumer, struct positions *positions)
{
	const enum assignment_change change = atomic_load(&group.change);
	if (change == ASSIGNMENT_SAME)
		return group.usual->change(consumer, positions);
	*positions = (struct positions){1, &group.partition};
	return change;
}

static bool group_accept(struct consumer *consumer, struct error *error)
{
	if (atomic_load(&group.change) == ASSIGNMENT_SAME)
		return group.usual->accept(consumer, error);
	atomic_store(&group.change, ASSIGNMENT_SAME);
	atomic_store(&group.is_accepted, true);
	return true;
}

static struct consumer *group_consumer(void *context, struct loop *loop, const struct consumer_config *config, struct error *error)
{
	struct consumer *consumer = worker_platform_usual.consumer_open(context, loop, config, error);
	assert_non_null(consumer);
	group.usual = consumer->operations;
	group.operations = *consumer->operations;
	group.operations.change = group_change;
	group.operations.accept = group_accept;
	consumer->operations = &group.operations;
	return group.consumer = consumer;
}

static void group_says(enum assignment_change change)
{
	atomic_store(&group.change, change);
	bell_ring(consumer_bell(group.consumer));
}

static int64_t wait_until_accepted(void)
{
	const int64_t begun_ms = clock_ms();
	while (!atomic_load(&group.is_accepted)) {
		assert_true(clock_ms() - begun_ms < MOCK_WAIT_MS);
		usleep(1000);
	}
	return clock_ms() - begun_ms;
}

/* A worker with a message in flight, at least once. */
static void start(struct stand *stand)
{
	group = (struct group){.platform = worker_platform_usual};
	group.platform.consumer_open = group_consumer;
	held_model_open(&model, "m", 1);
	stand_configure(stand, "  - name: m\n  output: {steps: [m]}\n");
	stand->caller.model_count = 1;
	stand->caller.models = &model.config;
	stand->config.transaction.id = NULL;
	stand->config.platform = &group.platform;
	stand->config.limits.drain_ms = 50;
	stand_start(stand);
	stand_ask(stand, "r-1", 1, NULL, NULL);
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; atomic_load(&model.called) == 0;) {
		assert_true(clock_ms() < until_ms);
		usleep(1000);
	}
}

static int handover_close(void **state)
{
	const int code = stand_close(state);
	held_model_close(&model);
	return code;
}

static void messages_of_revoked_partitions_have_a_moment(void **state)
{
	start(*state);
	group_says(ASSIGNMENT_TAKEN);
	assert_in_range(wait_until_accepted(), BUSY_MS, MOCK_WAIT_MS);
	assert_int_equal(stand_stop(*state).answered, 0);
}

static void messages_of_lost_partitions_have_none(void **state)
{
	start(*state);
	group_says(ASSIGNMENT_LOST);
	assert_in_range(wait_until_accepted(), 0, BUSY_MS);
	assert_int_equal(stand_stop(*state).answered, 0);
}

/* Others may have the partitions while their messages are finished: the group has assigned them when some did not come. */
static void messages_of_partitions_that_get_lost_meanwhile_have_none_any_more(void **state)
{
	start(*state);
	group_says(ASSIGNMENT_TAKEN);
	usleep(100000);
	assert_false(atomic_load(&group.is_accepted));
	group_says(ASSIGNMENT_LOST);
	assert_in_range(wait_until_accepted(), 0, BUSY_MS);
	assert_int_equal(stand_stop(*state).answered, 0);
}

#define HANDOVER(name) cmocka_unit_test_setup_teardown(name, stand_open, handover_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HANDOVER(messages_of_revoked_partitions_have_a_moment),
		HANDOVER(messages_of_lost_partitions_have_none),
		HANDOVER(messages_of_partitions_that_get_lost_meanwhile_have_none_any_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
