/* contract.c: what consumers and outputs promise, held on a real Kafka: the stories of
 * tests/unit/contract.h, which hold on the twin too.
 *
 *   contract BROKERS PROXIED CONTROL [STORY]
 *
 * BROKERS are reached straight; outputs go to PROXIED, through the proxy that is told on
 * port CONTROL (proxy.c).
 */
#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log/topics.h"
#include "tests/unit/contract.h"

#define END_TRANSACTION 26
#define SEND_OFFSETS 28

struct ground {
	const char *brokers, *proxied;
	int control;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "contract: %s: %s\n", what, why);
	exit(2);
}

static void tell(const struct ground *ground, const char *format, int number)
{
	char line[64], reply[8];
	/* cppcheck-suppress wrongPrintfScanfArgNum; a format may leave the number out */
	int length = snprintf(line, sizeof line, format, number);
	if (send(ground->control, line, (size_t)length, 0) != length || recv(ground->control, reply, sizeof reply, 0) <= 0)
		die("the proxy does not answer", line);
}

static void control_open(struct ground *ground, const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
	ground->control = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(ground->control, (struct sockaddr *)&address, sizeof address))
		die("no proxy is there", port);
}

/* ---- what the stories stand on ---- */

/* A copy with more in it. It is borrowed until what is opened with it is closed, which
 * this program does not hear of: it stays. */
static void *kept(const void *config, size_t size)
{
	void *copy = malloc(size);
	if (!copy)
		die("no memory", "for a configuration");
	return memcpy(copy, config, size);
}

static struct consumer *opens_consumer(void *context, const struct consumer_config *config)
{
	const struct ground *ground = context;
	struct error error = {0};
	struct consumer_config *with = kept(config, sizeof *config);
	with->brokers = ground->brokers;
	struct consumer *consumer = consumer_open(with, &error);
	if (!consumer)
		die("no consumer", error.text);
	return consumer;
}

static struct output *opens_output(void *context, const struct transaction_config *config, const struct consumer *consumer)
{
	static const struct property quick[] = {{"socket.timeout.ms", "3000"}, {"log_level", "0"}};
	const struct ground *ground = context;
	struct error error = {0};
	struct transaction_config *with = kept(config, sizeof *config);
	with->brokers = ground->proxied;
	with->properties = (struct properties){2, quick};
	struct output *output = output_open(with, consumer, &error);
	if (!output)
		die("no output", error.text);
	return output;
}

static void makes_topic(void *context, const char *name, int32_t partitions)
{
	const struct ground *ground = context;
	struct error error = {0};
	const struct wanted_topic wanted = {.name = name, .partitions = partitions, .replication = 1};
	if (!topics_ensure(ground->brokers, (struct properties){0}, (struct wanted_topics){1, &wanted}, true, NULL, &error))
		die(name, error.text);
}

static void passes(void *context, int ms)
{
	(void)context;
	const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	nanosleep(&span, NULL);
}

static void holds(void *context, enum contract_request request, bool breaks)
{
	(void)breaks;
	tell(context, "hold %d\n", request == CONTRACT_SENDS_OFFSETS ? SEND_OFFSETS : END_TRANSACTION);
}

static void is_held(void *context, bool breaks)
{
	tell(context, "await\n", 0);
	if (breaks)
		tell(context, "cut\n", 0);
}

static void releases(void *context)
{
	tell(context, "release\n", 0);
	passes(context, 300);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		die("where is Kafka", "contract BROKERS PROXIED CONTROL [STORY]");
	struct ground ground = {.brokers = argv[1], .proxied = argv[2]};
	const struct contract_ground on_kafka = {.context = &ground,
						 .consumer_open = opens_consumer,
						 .output_open = opens_output,
						 .topic = makes_topic,
						 .pass = passes,
						 .hold = holds,
						 .held = is_held,
						 .release = releases};
	struct contract contract = {.ground = &on_kafka, .run = (long)getpid()};
	control_open(&ground, argv[3]);
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
