/* contract.c: Promises of consumers and outputs, held on a real Kafka: the stories of
 * tests/unit/contract.h, which hold on the simulated Kafka too.
 *
 *   contract BROKERS PROXIED CONTROL [STORY]
 *
 * BROKERS are reached straight; outputs go to PROXIED, through the proxy that is told on
 * port CONTROL (proxy.c).
 */
#include <string.h>

#include "kafka/topics/topic_setup.h"
#include "tests/kafka/proxy.h"
#include "tests/unit/contract.h"

#define END_TRANSACTION 26
#define SEND_OFFSETS 28

struct platform {
	const char *brokers, *proxied;
	int control;
};

/* ---- what the stories stand on ---- */

/* A copy with more in it. It is borrowed until what is opened with it is closed, which
 * this program does not hear of: it stays. */
static void *kept(const void *config, size_t size)
{
	void *copy = malloc(size);
	if (!copy)
		die("out of memory");
	return memcpy(copy, config, size);
}

static struct consumer *opens_consumer(void *context, const struct consumer_config *config)
{
	const struct platform *platform = context;
	struct error error = {0};
	struct consumer_config *with = kept(config, sizeof *config);
	with->brokers = platform->brokers;
	struct consumer *consumer = consumer_open(with, &error);
	if (!consumer)
		die("no consumer: %s", error.text);
	return consumer;
}

static struct output *opens_output(void *context, const struct transaction_config *config, const struct consumer *consumer)
{
	static const struct property quick[] = {{"socket.timeout.ms", "3000"}, {"log_level", "0"}};
	const struct platform *platform = context;
	struct error error = {0};
	struct transaction_config *with = kept(config, sizeof *config);
	with->brokers = platform->proxied;
	with->properties = (struct properties){2, quick};
	struct output *output = output_open(with, consumer, &error);
	if (!output)
		die("no output: %s", error.text);
	return output;
}

static void makes_topic(void *context, const char *name, int32_t partitions)
{
	const struct platform *platform = context;
	struct error error = {0};
	const struct wanted_topic wanted = {.name = name, .partitions = partitions, .replication = 1};
	if (!topics_ensure(platform->brokers, (struct properties){0}, (struct wanted_topics){1, &wanted}, true, NULL, &error))
		die("%s: %s", name, error.text);
}

static void passes(void *context, int ms)
{
	(void)context;
	pause_ms(ms);
}

static void holds(void *context, enum contract_request request, bool breaks)
{
	const struct platform *platform = context;
	(void)breaks;
	proxy_tell(platform->control, "hold %d\n", request == CONTRACT_SENDS_OFFSETS ? SEND_OFFSETS : END_TRANSACTION);
}

static void is_held(void *context, bool breaks)
{
	const struct platform *platform = context;
	proxy_tell(platform->control, "await\n");
	if (breaks)
		proxy_tell(platform->control, "cut\n");
}

static void releases(void *context)
{
	const struct platform *platform = context;
	proxy_tell(platform->control, "release\n");
	passes(context, 300);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		die("%s", "contract BROKERS PROXIED CONTROL [STORY]");
	struct platform platform = {.brokers = argv[1], .proxied = argv[2]};
	const struct contract_platform on_kafka = {.context = &platform,
						   .consumer_open = opens_consumer,
						   .output_open = opens_output,
						   .topic = makes_topic,
						   .pass = passes,
						   .hold = holds,
						   .held = is_held,
						   .release = releases};
	struct contract contract = {.platform = &on_kafka, .run = (long)getpid()};
	platform.control = proxy_open(argv[3]);
	int passed = 0, failed = 0;
	for (size_t i = 0; i < contract_count; i++) {
		if (argc > 4 && strcmp(argv[4], contract_stories[i].name) != 0)
			continue;
		bool good = contract_holds(&contract, &contract_stories[i]);
		if (!good)
			printf("contract: %s: %s\n", contract_stories[i].name, contract.why);
		passed += good;
		failed += !good;
		fflush(stdout);
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
