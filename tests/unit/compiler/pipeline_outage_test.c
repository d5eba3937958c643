/* pipeline_outage_test.c: Tests of the outage of a pipeline that is called: it is that of the models that it needs, also while no
 * call of it is under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/caller_stand.h"
#include "engine/worker/parts.h"

#define OUTAGE_WAIT_MS 10000

static const char *const needed[] = {"other", "m"};
static const struct called_pipeline called[] = {{.name = "spare"},
						{.name = "alone", .needed_count = 1, .needed = needed},
						{.name = "both", .needed_count = 2, .needed = needed}};

static int64_t outage_ms(struct shared_caller *shared, enum call_target target, const char *name)
{
	static struct worker worker; /* no call of a pipeline is under way */
	const struct stage_config config = {.called_count = sizeof called / sizeof *called, .called = called};
	struct worker_stage stage = {.config = &config, .worker = &worker, .shared = shared};
	struct flow_owner owner = {.stage = &stage};
	const struct call call = {.target = target, .name = name};
	return flow_owner_outage_ms(&owner, &call);
}

/* Nobody listens at its address. */
static void a_pipeline_is_unreachable_while_a_model_is_that_it_needs(void **state)
{
	static struct caller_stand stand;
	struct shared_caller shared = {0};
	(void)state;
	caller_stand_open(&stand);
	loop_unwatch(stand.loop, &stand.listener);
	close(stand.listener.descriptor);
	(void)caller_stand_begin(&stand, 0);
	shared.caller = stand.caller;
	assert_true(outage_ms(&shared, CALL_PIPELINE, "both") == 0);
	const int64_t until_ms = loop_now_ms(stand.loop) + OUTAGE_WAIT_MS;
	while (outage_ms(&shared, CALL_MODEL, "m") == 0 && loop_now_ms(stand.loop) < until_ms)
		caller_stand_turn(&stand, 10);
	const int64_t of_model_ms = outage_ms(&shared, CALL_MODEL, "m");
	assert_true(of_model_ms > 0);
	assert_true(outage_ms(&shared, CALL_PIPELINE, "both") >= of_model_ms);
	assert_int_equal(outage_ms(&shared, CALL_PIPELINE, "alone"), 0);
	assert_int_equal(outage_ms(&shared, CALL_PIPELINE, "spare"), 0);
	assert_int_equal(outage_ms(&shared, CALL_PIPELINE, "m"), 0); /* a model of that name is no pipeline */
	stand.listener.descriptor = socket(AF_INET, SOCK_STREAM, 0); /* which the stand closes */
	assert_true(loop_watch(stand.loop, &stand.listener, stand.listener.descriptor, EPOLLIN, &(struct error){0}));
	caller_stand_close(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipeline_is_unreachable_while_a_model_is_that_it_needs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
