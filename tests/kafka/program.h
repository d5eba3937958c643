/* program.h: Common parts of the programs that speak to a real Kafka: an end with a reason,
 * clocks, the letters of a command line, clients, topics. Each program is one file, so this
 * is a header.
 */
#pragma once

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define KAFKA_PATIENCE_MS 30000

/* Ends the program with 2, having said why behind its name. */
__attribute__((format(printf, 1, 2))) static inline _Noreturn void die(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)fprintf(stderr, "%s: ", program_invocation_short_name);
	(void)vfprintf(stderr, format, arguments);
	(void)fputc('\n', stderr);
	va_end(arguments);
	exit(2);
}

/* -1: the clock is of a process that has ended. */
static inline double now_s(clockid_t clock)
{
	struct timespec now;
	return clock_gettime(clock, &now) ? -1 : (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void pause_ms(long milliseconds)
{
	const struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
	nanosleep(&pause, NULL);
}

/* ---- the command line ---- */

/* A letter that may be given, and the one of the three that it sets. */
struct letter {
	char letter;
	const char **word;
	long *number;
	bool *flag;
};

#define LETTERS_MOST 24

/* Reads the letters by their rows, the last of which is {0}; one that is not known ends the
 * program. Where the other words begin, getopt's `optind` says. */
static inline void letters_read(int argc, char **argv, const struct letter *rows)
{
	char known[2 * LETTERS_MOST + 1];
	size_t length = 0;
	for (const struct letter *row = rows; row->letter && length + 2 < sizeof known; row++) {
		known[length++] = row->letter;
		if (!row->flag)
			known[length++] = ':';
	}
	known[length] = 0;
	for (int given; (given = getopt(argc, argv, known)) != -1;) {
		const struct letter *row = rows;
		while (row->letter && row->letter != given)
			row++;
		if (!row->letter)
			exit(2);
		if (row->flag)
			*row->flag = true;
		else if (row->number)
			*row->number = strtol(optarg, NULL, 10);
		else
			*row->word = optarg;
	}
}

/* ---- clients ---- */

/* Names and values, the last pair NULL. */
typedef const char *const kafka_settings[][2];

static inline rd_kafka_conf_t *kafka_configure(const char *brokers, kafka_settings settings)
{
	char words[256];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	if (rd_kafka_conf_set(configuration, "bootstrap.servers", brokers, words, sizeof words))
		die("%s", words);
	for (; (*settings)[0]; settings++)
		if (rd_kafka_conf_set(configuration, (*settings)[0], (*settings)[1], words, sizeof words))
			die("%s", words);
	return configuration;
}

/* Takes the configuration. A producer puts keys where Java's producers and engines put them. By its own default librdkafka hashes
 * them by CRC32; then records that stand side by side in a topic scatter over the partitions that an engine or a forwarder writes,
 * which halves its speed. */
static inline rd_kafka_t *kafka_open(rd_kafka_type_t type, rd_kafka_conf_t *configuration)
{
	char words[256];
	if (type == RD_KAFKA_PRODUCER && rd_kafka_conf_set(configuration, "partitioner", "murmur2_random", words, sizeof words))
		die("%s", words);
	rd_kafka_t *client = rd_kafka_new(type, configuration, words, sizeof words);
	if (!client)
		die("no client: %s", words);
	return client;
}

static inline rd_kafka_t *kafka_client(rd_kafka_type_t type, const char *brokers, kafka_settings settings)
{
	return kafka_open(type, kafka_configure(brokers, settings));
}

/* One that is assigned what it reads, and commits nothing. */
static inline rd_kafka_t *kafka_reader(const char *brokers, const char *isolation)
{
	rd_kafka_t *reader = kafka_client(RD_KAFKA_CONSUMER, brokers,
					  (kafka_settings){{"group.id", program_invocation_short_name},
							   {"isolation.level", isolation},
							   {"enable.auto.commit", "false"},
							   /* else an error of a query for the beginning goes on at the end */
							   {"auto.offset.reset", "earliest"},
							   {NULL, NULL}});
	rd_kafka_poll_set_consumer(reader);
	return reader;
}

static inline void kafka_reader_close(rd_kafka_t *reader)
{
	rd_kafka_consumer_close(reader);
	rd_kafka_destroy(reader);
}

/* ---- topics ---- */

static inline rd_kafka_resp_err_t kafka_create_once(rd_kafka_t *client, const char *name, int partitions, char why[256])
{
	size_t count;
	rd_kafka_NewTopic_t *order = rd_kafka_NewTopic_new(name, partitions, -1, why, 256);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_CreateTopics(client, &order, 1, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_PATIENCE_MS);
	if (!event || rd_kafka_event_error(event))
		die("%s was not created: %s", name, event ? rd_kafka_event_error_string(event) : "no answer");
	const rd_kafka_topic_result_t **results =
		rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
	if (count != 1)
		die("%s was not created: no result", name);
	rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
	(void)snprintf(why, 256, "%s", code ? rd_kafka_topic_result_error_string(results[0]) : "");
	rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewTopic_destroy(order);
	return code;
}

/* A broker that the machine has kept from its heartbeats takes none for a while ("fenced"). */
static inline void kafka_create(rd_kafka_t *client, const char *name, int partitions)
{
	char why[256];
	rd_kafka_resp_err_t code = kafka_create_once(client, name, partitions, why);
	for (int waited_ms = 0; code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR && waited_ms < KAFKA_PATIENCE_MS;
	     waited_ms += 200) {
		pause_ms(200);
		code = kafka_create_once(client, name, partitions, why);
	}
	if (code)
		die("%s was not created: %s", name, why);
}

/* How many partitions it has. */
static inline int kafka_partitions(rd_kafka_t *client, const char *name)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
	if (rd_kafka_metadata(client, 0, topic, &metadata, KAFKA_PATIENCE_MS))
		die("%s: no metadata", name);
	int count = metadata->topics[0].partition_cnt;
	rd_kafka_metadata_destroy(metadata);
	rd_kafka_topic_destroy(topic);
	return count;
}

/* All partitions at one offset; the caller's to destroy. */
static inline rd_kafka_topic_partition_list_t *kafka_list(const char *name, int partitions, int64_t offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
	for (int i = 0; i < partitions; i++)
		rd_kafka_topic_partition_list_add(list, name, i)->offset = offset;
	return list;
}

/* Reads the whole of it from its beginning. */
static inline void kafka_read_all(rd_kafka_t *reader, const char *name, int partitions)
{
	rd_kafka_topic_partition_list_t *list = kafka_list(name, partitions, RD_KAFKA_OFFSET_BEGINNING);
	rd_kafka_assign(reader, list);
	rd_kafka_topic_partition_list_destroy(list);
}
