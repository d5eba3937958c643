/* What consumers and outputs promise, held on the simulated Kafka: the stories of contract.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <assert.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/contract.h"
#include "simulation/simulated_faults.h"
#include "tools/test/simulated/simulated_kafka.h"

#define MS INT64_C(1000)

struct platform {
	struct simulated_kafka *kafka;
	struct loop *loops[16];
	size_t loop_count;
	int64_t now_us;
};

/* Each is a process of its own. Nobody turns its loop: the stories ask again and again. */
static struct loop *loop_make(struct platform *platform)
{
	struct error error = {0};
	assert_true(platform->loop_count < 16);
	struct loop *loop = loop_open_virtual(0, &error);
	assert_non_null(loop);
	return platform->loops[platform->loop_count++] = loop;
}

static struct consumer *opens_consumer(void *context, const struct consumer_config *config)
{
	struct platform *platform = context;
	struct error error = {0};
	struct simulated_host *host = simulated_host_open(platform->kafka, config->instance ? config->instance : "somebody");
	struct consumer *consumer = simulated_consumer_open(host, loop_make(platform), config, &error);
	assert_non_null(consumer);
	return consumer;
}

static struct output *opens_output(void *context, const struct transaction_config *config, const struct consumer *consumer)
{
	struct platform *platform = context;
	struct error error = {0};
	struct simulated_host *host = simulated_host_open(platform->kafka, "somebody");
	struct output *output = simulated_output_open(host, loop_make(platform), config, consumer, &error);
	assert_non_null(output);
	return output;
}

static void makes_topic(void *context, const char *name, int32_t partitions)
{
	assert_true(simulated_topic(((struct platform *)context)->kafka, name, partitions));
}

static void passes(void *context, int ms)
{
	struct platform *platform = context;
	platform->now_us += ms * MS;
	simulated_advance(platform->kafka, platform->now_us);
}

static void holds(void *context, enum contract_request request, bool breaks)
{
	simulated_inject(((struct platform *)context)->kafka,
			 request == CONTRACT_SENDS_OFFSETS ? SIMULATED_SEND_OFFSETS : SIMULATED_END_TRANSACTION,
			 breaks ? SIMULATED_REQUEST_LATE : SIMULATED_SLOW, CONTRACT_LATE_MS * MS);
}

static void is_held(void *context, bool breaks)
{
	(void)breaks; /* the simulated Kafka needs no more to be told */
	passes(context, 100);
}

static void releases(void *context)
{
	passes(context, CONTRACT_LATE_MS);
}

static void hold_story(const char *name)
{
	struct platform platform = {0};
	const struct simulated_config config = {.seed = 1, .linger_us = MS};
	const struct contract_platform on_simulated = {.context = &platform,
						       .consumer_open = opens_consumer,
						       .output_open = opens_output,
						       .topic = makes_topic,
						       .pass = passes,
						       .hold = holds,
						       .held = is_held,
						       .release = releases};
	struct contract contract = {.platform = &on_simulated, .run = 1};
	platform.kafka = simulated_open(&config);
	assert_non_null(platform.kafka);
	size_t i = 0;
	while (strcmp(contract_stories[i].name, name) != 0)
		assert_true(++i < contract_count);
	bool good = contract_holds(&contract, &contract_stories[i]);
	assert_string_equal(contract.why, "");
	assert_true(good);
	assert_false(simulated_failed(platform.kafka));
	simulated_close(platform.kafka);
	for (i = 0; i < platform.loop_count; i++)
		loop_close(platform.loops[i]);
}

static void story(void **state)
{
	hold_story(*state);
}

int main(void)
{
	struct CMUnitTest tests[32];
	assert(contract_count <= sizeof tests / sizeof *tests);
	for (size_t i = 0; i < contract_count; i++)
		tests[i] = (struct CMUnitTest){.name = contract_stories[i].name,
					       .test_func = story,
					       .initial_state = (void *)(uintptr_t)contract_stories[i].name};
	return _cmocka_run_group_tests("contract", tests, contract_count, NULL, NULL);
}
