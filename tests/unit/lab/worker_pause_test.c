/* worker_pause_test.c: a worker that stands still while its model answers, on the simulated servers of Kafka and of models: what it
 * sees of that, and what becomes of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tools/test/simulated/simulated_kafka.h"
#include "simulation/simulated_faults.h"
#include "simulation/simulated_models.h"
#include "tests/unit/planning.h"
#include "engine/worker/worker.h"

#define MS INT64_C(1000)
#define SECOND (1000 * MS)
#define IN_FLIGHT 20 /* when it stops */
#define HURRIED 100  /* that come meanwhile; about a quarter of a second's work */
#define BYTES_MAX 200

static const char *const topics_in[] = {"in"}, *const topics_out[] = {"out"};
static const uint32_t topic_number;
static const char step[] = "  - name: m\n"
			   "  output: {steps: [m]}\n";

static struct world {
	struct simulated_kafka *kafka;
	struct simulated_host *host;
	struct loop *loop;
	struct planning planning;
	struct simulated_model model;
	struct simulated_models models;
	struct model_address address;
	struct model_config model_config;
	struct caller_config caller;
	struct stage_config stage;
	struct worker_platform platform;
	struct worker_config config;
	struct worker *worker;
	int64_t now_us;
	int64_t asked, read, failed;
} world;

/* ---- the platform ---- */

static struct loop *platform_loop(void *context, struct error *error)
{
	(void)context;
	return world.loop = loop_open_virtual(0, error);
}

static struct consumer *platform_consumer(void *context, struct loop *loop, const struct consumer_config *config,
					  struct error *error)
{
	(void)context;
	return simulated_consumer_open(world.host, loop, config, error);
}

static struct output *platform_output(void *context, struct loop *loop, const struct transaction_config *config,
				      const struct consumer *consumer, struct error *error)
{
	(void)context;
	return simulated_output_open(world.host, loop, config, consumer, error);
}

static int set_up(void **state)
{
	struct error error = {0};
	const struct simulated_config simulated_config = {.seed = 1};
	(void)state;
	world = (struct world){.kafka = simulated_open(&simulated_config)};
	world.host = simulated_host_open(world.kafka, "worker");
	assert_true(simulated_topic(world.kafka, "in", 1) && simulated_topic(world.kafka, "out", 1));
	planning_open_steps(&world.planning, step);
	assert_int_equal(planning_errors(&world.planning), 0);
	world.model = (struct simulated_model){.name = "m",
					       .stub = stub_parse(world.planning.arena, "stub://identity", PLACE_NONE, &error)};
	world.models = (struct simulated_models){.random = {1}, .count = 1, .items = &world.model};
	world.address = (struct model_address){.url = "http://m", .model = "m"};
	world.model_config =
		(struct model_config){.name = "m", .addresses = {1, &world.address}, .concurrency_least = 4, .concurrency_most = 4};
	world.caller = (struct caller_config){.model_count = 1,
					      .models = &world.model_config,
					      .request_bytes = 1 << 20,
					      .reply_bytes = 1 << 20,
					      .wire = &simulated_wire,
					      .wire_context = &world.models};
	world.stage = (struct stage_config){.name = "p",
					    .graph = world.planning.graph,
					    .caller = &world.caller,
					    .topic_count = 1,
					    .topics = &topic_number,
					    .dead_letters = TOPIC_NOWHERE};
	world.platform = (struct worker_platform){
		.loop_open = platform_loop, .consumer_open = platform_consumer, .output_open = platform_output};
	world.config = (struct worker_config){
		.consumer = {.group = "g", .instance = "worker"},
		.setup = {.reads = {1, topics_in}, .writes = {1, topics_out}, .stage_count = 1, .stages = &world.stage},
		.limits = worker_limits_usual,
		.platform = &world.platform,
	};
	world.worker = worker_open(&world.config, &error);
	assert_string_equal(error.text, "");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	worker_close(world.worker);
	planning_close(&world.planning);
	simulated_close(world.kafka);
	return 0;
}

/* ---- time ---- */

static int64_t worker_due_us(void)
{
	int64_t wake_ms = loop_wake_ms(world.loop);
	return wake_ms == INT64_MAX ? INT64_MAX : wake_ms * MS;
}

static void step_to(int64_t due_us, bool worker_lives)
{
	struct error error = {0};
	bool over;
	world.now_us = due_us > world.now_us ? due_us : world.now_us;
	simulated_advance(world.kafka, world.now_us);
	if (!worker_lives || worker_due_us() > world.now_us)
		return;
	loop_wake(world.loop, world.now_us / MS);
	assert_true(worker_turn(world.worker, &over, &error));
}

static void live_until(int64_t until_us)
{
	for (int64_t due_us;;) {
		due_us = worker_due_us() < simulated_due_us(world.kafka) ? worker_due_us() : simulated_due_us(world.kafka);
		if (due_us > until_us)
			break;
		step_to(due_us, true);
	}
	world.now_us = until_us;
}

static void stand_still_for(int64_t us)
{
	int64_t until_us = world.now_us + us;
	simulated_host_freeze(world.host, until_us);
	while (simulated_due_us(world.kafka) < until_us)
		step_to(simulated_due_us(world.kafka), false);
	world.now_us = until_us;
}

/* ---- requests and answers ---- */

/* With so much time; 0: as much as it takes. */
static void ask(size_t count, int64_t time_ms)
{
	char value[BYTES_MAX], deadline[32];
	const int64_t deadline_ms = LOOP_VIRTUAL_EPOCH_MS + world.now_us / MS + time_ms;
	(void)snprintf(deadline, sizeof deadline, "%lld", (long long)deadline_ms);
	const struct header header = {TEXT("x-deadline-ms"), text_of(deadline)};
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(value, sizeof value,
			       "{\"id\":\"r%lld\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}",
			       (long long)world.asked++);
		const struct outgoing record = {.value = text_of(value), .headers = {time_ms > 0, &header}};
		assert_true(simulated_append(world.kafka, simulated_find(world.kafka, "in"), &record) >= 0);
	}
}

static void read_answers(void)
{
	struct record record;
	while (simulated_read(simulated_find(world.kafka, "out"), 0, world.read, &record)) {
		world.read++;
		if (!headers_find(record.headers, TEXT("sluice-error")))
			continue;
		world.failed++;
		print_message("%.*s\n", (int)record.value.length, record.value.bytes);
	}
}

static bool until_all_are_answered(int64_t us)
{
	for (int64_t until_us = world.now_us + us; world.read < world.asked && world.now_us < until_us; read_answers())
		live_until(world.now_us + 100 * MS);
	return world.read == world.asked;
}

/* ---- the stories ---- */

static void a_worker_that_stood_still_refuses_nobody_who_can_be_answered(void **state)
{
	(void)state;
	ask(IN_FLIGHT, 0);
	assert_true(until_all_are_answered(20 * SECOND));
	ask(IN_FLIGHT, 0);
	while (worker_counts(world.worker).taken < (uint64_t)2 * IN_FLIGHT)
		live_until(world.now_us + MS);
	stand_still_for(9 * SECOND);
	ask(HURRIED, 3000);
	stand_still_for(SECOND);
	assert_true(until_all_are_answered(5 * SECOND));
	assert_int_equal(world.failed, 0);
}

static void with_calls_out_it_looks_up_so_often_that_it_sees_its_pauses(void **state)
{
	(void)state;
	live_until(10 * SECOND);
	assert_true(loop_wake_ms(world.loop) > loop_now_ms(world.loop) + 2 * LOOP_PAUSE_MS); /* it has nothing to do */
	world.models.mishaps[MODEL_SILENT] = 1000;
	ask(1, 0);
	while (world.models.attempts == 0)
		live_until(world.now_us + MS);
	for (int i = 0; i < 20; i++) {
		live_until(world.now_us + SECOND / 3);
		assert_in_range(loop_wake_ms(world.loop), loop_now_ms(world.loop), loop_now_ms(world.loop) + LOOP_PAUSE_MS);
	}
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_worker_that_stood_still_refuses_nobody_who_can_be_answered),
		STORY(with_calls_out_it_looks_up_so_often_that_it_sees_its_pauses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
