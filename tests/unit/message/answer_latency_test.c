/* answer_latency_test.c: Tests of how much later a consumer of committed records sees an answer exactly once than at least
 * once, on the simulated Kafka, whose clock is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tools/test/simulated/simulated_kafka.h"
#include "tests/unit/planning.h"
#include "engine/worker/worker.h"

#define MS INT64_C(1000)
#define REQUESTS 200
#define EVERY_US (237 * MS) /* more than a commit and its interval take, so each request begins a commit of its own */
#define LATE_US (2000 * MS) /* for what is still on its way at the end */
#define LEAST_MS 10	    /* what DELIVERY.md promises */
#define MOST_MS 100
#define COMMIT_MS 50 /* the requests of a commit itself, at most: each takes a few milliseconds here */

static const char *const topics_in[] = {"in"}, *const topics_out[] = {"out"};
static const uint32_t topic_number;
static const char step[] = "  - {name: m, expression: {set: {y: x + 1}}}\n"
			   "  output: {steps: [m]}\n";

struct latency_world {
	struct simulated_kafka *kafka;
	struct simulated_host *host;
	struct loop *loop;
	struct planning planning;
	struct caller_config caller;
	struct stage_config stage;
	struct worker_platform platform;
	struct worker_config config;
	struct worker *worker;
	int64_t now_us, asked_us[REQUESTS], waited_us[REQUESTS];
	size_t asked, answered;
};

static struct loop *world_loop(void *context, struct error *error)
{
	struct latency_world *world = context;
	return world->loop = loop_open_virtual(0, error);
}

static struct consumer *world_consumer(void *context, struct loop *loop, const struct consumer_config *config, struct error *error)
{
	return simulated_consumer_open(((struct latency_world *)context)->host, loop, config, error);
}

static struct output *world_output(void *context, struct loop *loop, const struct transaction_config *config,
				   const struct consumer *consumer, struct error *error)
{
	return simulated_output_open(((struct latency_world *)context)->host, loop, config, consumer, error);
}

static void world_open(struct latency_world *world, bool exactly_once)
{
	struct error error = {0};
	const struct simulated_config kafka = {.seed = 1};
	*world = (struct latency_world){.kafka = simulated_open(&kafka)};
	world->host = simulated_host_open(world->kafka, "worker");
	assert_true(simulated_topic(world->kafka, "in", 1) && simulated_topic(world->kafka, "out", 1));
	planning_open_steps(&world->planning, step);
	assert_int_equal(planning_errors(&world->planning), 0);
	world->caller = (struct caller_config){.request_bytes = 1 << 20, .reply_bytes = 1 << 20};
	world->stage = (struct stage_config){.name = "p",
					     .graph = world->planning.graph,
					     .caller = &world->caller,
					     .topic_count = 1,
					     .topics = &topic_number,
					     .dead_letters = TOPIC_NOWHERE};
	world->platform = (struct worker_platform){
		.loop_open = world_loop, .consumer_open = world_consumer, .output_open = world_output, .context = world};
	world->config = (struct worker_config){
		.consumer = {.group = "g", .instance = "worker"},
		.transaction = {.id = exactly_once ? "worker.0" : NULL},
		.setup = {.reads = {1, topics_in}, .writes = {1, topics_out}, .stage_count = 1, .stages = &world->stage},
		.limits = worker_limits_usual,
		.platform = &world->platform,
	};
	world->worker = worker_open(&world->config, &error);
	assert_string_equal(error.text, "");
}

static void world_close(struct latency_world *world)
{
	worker_close(world->worker);
	planning_close(&world->planning);
	simulated_close(world->kafka);
}

static void world_ask(struct latency_world *world)
{
	static const char value[] = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}";
	const struct outgoing record = {.value = TEXT(value)};
	world->asked_us[world->asked++] = world->now_us;
	assert_true(simulated_append(world->kafka, simulated_find(world->kafka, "in"), &record) >= 0);
}

/* Answers are in the order of their requests. */
static void world_read(struct latency_world *world, int64_t *offset)
{
	struct record record;
	while (simulated_read(simulated_find(world->kafka, "out"), 0, *offset, &record)) {
		assert_true(world->answered < world->asked);
		world->waited_us[world->answered] = world->now_us - world->asked_us[world->answered];
		world->answered++;
		*offset = record.offset + 1;
	}
}

static int64_t world_due_us(const struct latency_world *world)
{
	const int64_t wake_ms = loop_wake_ms(world->loop), kafka_us = simulated_due_us(world->kafka);
	const int64_t worker_us = wake_ms == INT64_MAX ? INT64_MAX : wake_ms * MS;
	const int64_t ask_us = world->asked < REQUESTS ? (int64_t)(world->asked + 1) * EVERY_US : INT64_MAX;
	const int64_t due_us = worker_us < kafka_us ? worker_us : kafka_us;
	return due_us < ask_us ? due_us : ask_us;
}

/* The mean time until an answer can be read, in milliseconds; and the longest. */
static double mean_ms(bool exactly_once, double *longest_ms)
{
	struct latency_world world;
	struct error error = {0};
	int64_t offset = 0, sum_us = 0, longest_us = 0;
	bool over;
	world_open(&world, exactly_once);
	while (world.answered < REQUESTS) {
		const int64_t due_us = world_due_us(&world);
		world.now_us = due_us > world.now_us ? due_us : world.now_us;
		assert_true(world.now_us < REQUESTS * EVERY_US + LATE_US);
		simulated_advance(world.kafka, world.now_us);
		if (world.asked < REQUESTS && (int64_t)(world.asked + 1) * EVERY_US <= world.now_us)
			world_ask(&world);
		loop_wake(world.loop, world.now_us / MS);
		assert_true(worker_turn(world.worker, &over, &error));
		world_read(&world, &offset);
	}
	for (size_t i = 0; i < REQUESTS; i++) {
		sum_us += world.waited_us[i];
		longest_us = world.waited_us[i] > longest_us ? world.waited_us[i] : longest_us;
	}
	world_close(&world);
	*longest_ms = (double)longest_us / MS;
	return (double)sum_us / REQUESTS / MS;
}

static void exactly_once_an_answer_is_seen_at_the_next_commit(void **state)
{
	(void)state;
	double longest_ms, longest_once_ms;
	const double least_ms = mean_ms(false, &longest_ms), once_ms = mean_ms(true, &longest_once_ms);
	print_message("at least once %.1f ms (at most %.1f), exactly once %.1f ms (at most %.1f)\n", least_ms, longest_ms, once_ms,
		      longest_once_ms);
	assert_true(once_ms - least_ms >= LEAST_MS);
	assert_true(longest_once_ms <= longest_ms + MOST_MS + COMMIT_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_once_an_answer_is_seen_at_the_next_commit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
