/* admin.c: Administration of a Kafka for tests: permissions, topics and groups.
 *
 *   admin BROKERS grant USER [PREFIX...]  may do anything with any topic, group and transaction; or those of these prefixes
 *   admin BROKERS revoke USER topic|group|transaction     may no longer, with those
 *   admin BROKERS deny USER TOPIC read|write|all          may not read or write that topic, or do nothing with it: it is not
 *                                         shown to the user then
 *   admin BROKERS undeny USER TOPIC       may again
 *   admin BROKERS delete TOPIC
 *   admin BROKERS grow TOPIC PARTITIONS   adds partitions, to be that many
 *   admin BROKERS make TOPIC PARTITIONS POLICY            makes it, with that cleanup.policy
 *   admin BROKERS set TOPIC NAME VALUE... settings of it; those that others set are gone
 *   admin BROKERS trim TOPIC PARTITION OFFSET             deletes the records before
 *   admin BROKERS settings TOPIC          prints its partitions, replicas, and settings that matter
 *   admin BROKERS logs-in                 whether our librdkafka can log in by SCRAM
 *   admin BROKERS put TOPIC KEY [FILE]    one record of a file's bytes; without: a tombstone
 *   admin BROKERS offsets GROUP TOPIC PARTITIONS          prints the committed offsets
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/kafka/program.h"

#define VALUE_BYTES_MAX ((size_t)64 << 20)

static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers, const char *name, const char *value)
{
	rd_kafka_conf_t *configuration = kafka_configure(brokers, (kafka_settings){{name, value}, {NULL, NULL}});
	rd_kafka_conf_set_events(configuration, RD_KAFKA_EVENT_DR);
	return kafka_open(type, configuration);
}

static rd_kafka_t *producer(const char *brokers)
{
	return client(RD_KAFKA_PRODUCER, brokers, "message.max.bytes", "104857600");
}

static rd_kafka_event_t *answer(rd_kafka_queue_t *queue, const char *what)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_PATIENCE_MS);
	if (!event || rd_kafka_event_error(event))
		die("%s: %s", what, event ? rd_kafka_event_error_string(event) : "no answer");
	return event;
}

/* ---- rights ----
 * librdkafka knows no rights on transactions, so these two are written by hand: requests
 * CreateAcls and DeleteAcls in their version 1, as the Kafka protocol guide has them. */

#define CREATE_ACLS 30
#define DELETE_ACLS 31
enum { LITERAL = 3, PREFIXED = 4 };
enum { OPERATION_ANY = 1, OPERATION_ALL = 2, OPERATION_READ = 3, OPERATION_WRITE = 4 };
enum { PERMISSION_ANY = 1, PERMISSION_DENY = 2, PERMISSION_ALLOW = 3 };

static const struct {
	const char *name;
	int type;
} kinds[] = {{"topic", 2}, {"group", 3}, {"transaction", 5}};

struct request {
	size_t length;
	unsigned char bytes[512];
};

static void put_number(struct request *request, size_t bytes, long number)
{
	for (size_t i = bytes; i-- > 0;)
		request->bytes[request->length++] = (unsigned char)(number >> (8 * i));
}

static void put_text(struct request *request, const char *text)
{
	size_t length = strlen(text);
	put_number(request, 2, (long)length);
	memcpy(request->bytes + request->length, text, length);
	request->length += length;
}

static void ask(const char *broker, struct request *request)
{
	unsigned char reply[1024];
	const char *colon = strchr(broker, ':');
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons((uint16_t)strtoul(colon ? colon + 1 : "0", NULL, 10))};
	int link = socket(AF_INET, SOCK_STREAM, 0);
	size_t length = request->length;
	request->length = 0;
	put_number(request, 4, (long)length - 4);
	if (connect(link, (struct sockaddr *)&address, sizeof address) || send(link, request->bytes, length, 0) != (ssize_t)length)
		die("rights: the broker does not listen");
	ssize_t got = recv(link, reply, sizeof reply, 0);
	/* Length, correlation id, throttle time, how many results: then the first one's error. */
	if (got < 18 || reply[16] || reply[17])
		die("rights: the broker refuses");
	close(link);
}

struct resource {
	int type;
	const char *name;
	int pattern;
};

static void change_right(const char *broker, int api, struct resource resource, const char *user, int operation, int permission)
{
	char who[128];
	(void)snprintf(who, sizeof who, "User:%s", user);
	struct request request = {.length = 4};
	put_number(&request, 2, api);
	put_number(&request, 2, 1);
	put_number(&request, 4, 7);
	put_text(&request, "admin");
	put_number(&request, 4, 1);
	put_number(&request, 1, resource.type);
	put_text(&request, resource.name);
	put_number(&request, 1, resource.pattern);
	put_text(&request, who);
	put_text(&request, "*");
	put_number(&request, 1, operation);
	put_number(&request, 1, permission);
	ask(broker, &request);
}

static void give_rights(const char *broker, char **words_given)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (char **prefix = words_given + 1;; prefix++) {
			const struct resource some = {kinds[i].type, *prefix ? *prefix : "*", *prefix ? PREFIXED : LITERAL};
			if (*prefix || prefix == words_given + 1)
				change_right(broker, CREATE_ACLS, some, words_given[0], OPERATION_ALL, PERMISSION_ALLOW);
			if (!*prefix)
				break;
		}
}

static void take_right(const char *broker, char **words_given)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, words_given[1]) == 0)
			change_right(broker, DELETE_ACLS, (struct resource){kinds[i].type, "*", LITERAL}, words_given[0],
				     OPERATION_ANY, PERMISSION_ANY);
}

static void deny_topic(const char *broker, char **words_given)
{
	const struct resource topic = {kinds[0].type, words_given[1], LITERAL};
	const int operation = strcmp(words_given[2], "read") == 0    ? OPERATION_READ
			      : strcmp(words_given[2], "write") == 0 ? OPERATION_WRITE
								     : OPERATION_ALL;
	change_right(broker, CREATE_ACLS, topic, words_given[0], operation, PERMISSION_DENY);
}

static void undeny_topic(const char *broker, char **words_given)
{
	const struct resource topic = {kinds[0].type, words_given[1], LITERAL};
	change_right(broker, DELETE_ACLS, topic, words_given[0], OPERATION_ANY, PERMISSION_DENY);
}

/* ---- topics ---- */

/* Whether a broker still lists the topic, to which it then still takes records. */
static bool is_listed(rd_kafka_t *kafka, const char *name)
{
	const struct rd_kafka_metadata *metadata;
	if (rd_kafka_metadata(kafka, 1, NULL, &metadata, KAFKA_PATIENCE_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("delete: the brokers do not list their topics");
	bool listed = false;
	for (int i = 0; i < metadata->topic_cnt; i++)
		listed |= strcmp(metadata->topics[i].topic, name) == 0;
	rd_kafka_metadata_destroy(metadata);
	return listed;
}

#define MADE_AGAIN_MS 5000 /* a topic that is listed for longer has been made again, by an engine that needs it */

/* The controller answers before the brokers know. */
static void delete_topic(const char *brokers, char **words_given)
{
	rd_kafka_t *kafka = producer(brokers);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
	rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(words_given[0]);
	rd_kafka_DeleteTopics(kafka, &topic, 1, NULL, queue);
	rd_kafka_event_t *event = answer(queue, "delete");
	size_t count;
	const rd_kafka_topic_result_t **results =
		rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
	if (count != 1 || rd_kafka_topic_result_error(results[0]))
		die("delete: %s", count == 1 ? rd_kafka_err2str(rd_kafka_topic_result_error(results[0])) : "no answer");
	rd_kafka_event_destroy(event);
	for (int waited_ms = 0; waited_ms < MADE_AGAIN_MS && is_listed(kafka, words_given[0]); waited_ms += 100)
		pause_ms(100);
	rd_kafka_DeleteTopic_destroy(topic);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(kafka);
}

static void grow(const char *brokers, char **words_given)
{
	char words[256];
	rd_kafka_t *kafka = producer(brokers);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
	rd_kafka_NewPartitions_t *more =
		rd_kafka_NewPartitions_new(words_given[0], strtoul(words_given[1], NULL, 10), words, sizeof words);
	if (!more)
		die("grow: %s", words);
	rd_kafka_CreatePartitions(kafka, &more, 1, NULL, queue);
	rd_kafka_event_destroy(answer(queue, "grow"));
	rd_kafka_NewPartitions_destroy(more);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(kafka);
}

static void set_some(const char *brokers, char **words_given)
{
	rd_kafka_t *kafka = producer(brokers);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
	rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, words_given[0]);
	for (char **pair = words_given + 1; pair[0] && pair[1]; pair += 2)
		rd_kafka_ConfigResource_set_config(resource, pair[0], pair[1]);
	rd_kafka_AlterConfigs(kafka, &resource, 1, NULL, queue);
	rd_kafka_event_t *event = answer(queue, "set");
	size_t count;
	const rd_kafka_ConfigResource_t **results =
		rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &count);
	if (count != 1 || rd_kafka_ConfigResource_error(results[0]))
		die("set: %s", count == 1 ? rd_kafka_ConfigResource_error_string(results[0]) : "no answer");
	rd_kafka_event_destroy(event);
	rd_kafka_ConfigResource_destroy(resource);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(kafka);
}

static void make(const char *brokers, char **words_given)
{
	char words[256];
	rd_kafka_t *kafka = producer(brokers);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
	rd_kafka_NewTopic_t *order =
		rd_kafka_NewTopic_new(words_given[0], (int)strtol(words_given[1], NULL, 10), -1, words, sizeof words);
	rd_kafka_NewTopic_set_config(order, "cleanup.policy", words_given[2]);
	/* A topic that was just deleted is gone a moment later. */
	for (int code = -1, waited_ms = 0; code; waited_ms += 100) {
		size_t count;
		rd_kafka_CreateTopics(kafka, &order, 1, NULL, queue);
		rd_kafka_event_t *event = answer(queue, "make");
		const rd_kafka_topic_result_t **results =
			rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
		code = count == 1 ? rd_kafka_topic_result_error(results[0]) : -1;
		rd_kafka_event_destroy(event);
		if (code && waited_ms > KAFKA_PATIENCE_MS)
			die("make: %s", rd_kafka_err2str(code));
		if (code)
			pause_ms(100);
	}
	rd_kafka_NewTopic_destroy(order);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(kafka);
}

static void trim(const char *brokers, char **words_given)
{
	rd_kafka_t *kafka = producer(brokers);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, words_given[0], (int)strtol(words_given[1], NULL, 10))->offset =
		strtoll(words_given[2], NULL, 10);
	rd_kafka_DeleteRecords_t *order = rd_kafka_DeleteRecords_new(list);
	rd_kafka_DeleteRecords(kafka, &order, 1, NULL, queue);
	rd_kafka_event_t *event = answer(queue, "trim");
	const rd_kafka_topic_partition_list_t *done =
		rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
	if (done->elems[0].err)
		die("trim: %s", rd_kafka_err2str(done->elems[0].err));
	rd_kafka_event_destroy(event);
	rd_kafka_DeleteRecords_destroy(order);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(kafka);
}

static void settings(const char *brokers, char **words_given)
{
	rd_kafka_t *kafka = producer(brokers);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
	static const char *const shown[] = {"retention.ms", "compression.type", "cleanup.policy", "max.message.bytes"};
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(kafka, words_given[0], NULL);
	if (rd_kafka_metadata(kafka, 0, topic, &metadata, KAFKA_PATIENCE_MS) || metadata->topics[0].partition_cnt == 0)
		die("settings: there is no such topic");
	printf("partitions=%d\nreplicas=%d\n", metadata->topics[0].partition_cnt, metadata->topics[0].partitions[0].replica_cnt);
	rd_kafka_metadata_destroy(metadata);
	rd_kafka_topic_destroy(topic);
	rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, words_given[0]);
	rd_kafka_DescribeConfigs(kafka, &resource, 1, NULL, queue);
	rd_kafka_event_t *event = answer(queue, "settings");
	size_t count, entries;
	const rd_kafka_ConfigResource_t **results =
		rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
	const rd_kafka_ConfigEntry_t **configs = rd_kafka_ConfigResource_configs(results[0], &entries);
	for (size_t i = 0; i < entries; i++)
		for (size_t j = 0; j < sizeof shown / sizeof *shown; j++)
			if (strcmp(rd_kafka_ConfigEntry_name(configs[i]), shown[j]) == 0)
				printf("%s=%s\n", shown[j], rd_kafka_ConfigEntry_value(configs[i]));
	rd_kafka_event_destroy(event);
	rd_kafka_ConfigResource_destroy(resource);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(kafka);
}

static void put(const char *brokers, char **words_given)
{
	rd_kafka_t *kafka = producer(brokers);
	rd_kafka_queue_t *queue = rd_kafka_queue_get_main(kafka);
	char *bytes = NULL;
	size_t length = 0;
	FILE *file = words_given[2] ? fopen(words_given[2], "rb") : NULL;
	if (words_given[2] && (!file || !(bytes = malloc(VALUE_BYTES_MAX))))
		die("put: %s", words_given[2]);
	if (file)
		length = fread(bytes, 1, VALUE_BYTES_MAX, file);
	rd_kafka_resp_err_t code = rd_kafka_producev(
		kafka, RD_KAFKA_V_TOPIC(words_given[0]), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_KEY(words_given[1], strlen(words_given[1])), RD_KAFKA_V_VALUE(bytes, length), RD_KAFKA_V_END);
	rd_kafka_event_t *event = code ? NULL : answer(queue, "put");
	const rd_kafka_message_t *message = event ? rd_kafka_event_message_next(event) : NULL;
	if (code || !message || message->err)
		die("put: %s", rd_kafka_err2str(message ? message->err : code));
	rd_kafka_event_destroy(event);
	free(bytes);
	if (file)
		fclose(file);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(kafka);
}

static void offsets(const char *brokers, char **words_given)
{
	rd_kafka_t *kafka = client(RD_KAFKA_CONSUMER, brokers, "group.id", words_given[0]);
	int partitions = (int)strtol(words_given[2], NULL, 10);
	rd_kafka_topic_partition_list_t *list = kafka_list(words_given[1], partitions, RD_KAFKA_OFFSET_INVALID);
	rd_kafka_resp_err_t code = rd_kafka_committed(kafka, list, KAFKA_PATIENCE_MS);
	if (code)
		die("offsets: %s", rd_kafka_err2str(code));
	for (int i = 0; i < list->cnt; i++)
		printf("%lld\n", (long long)(list->elems[i].offset < 0 ? -1 : list->elems[i].offset));
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(kafka);
}

/* As kafka/client.c says of it. */
static void logs_in(const char *brokers, char **words_given)
{
	(void)brokers, (void)words_given;
	if (rd_kafka_version() < 0x020601ff)
		exit(1);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words_least;
		void (*run)(const char *brokers, char **words_given);
	} commands[] = {{"grant", 1, give_rights},  {"revoke", 2, take_right}, {"delete", 1, delete_topic}, {"grow", 2, grow},
			{"settings", 1, settings},  {"put", 2, put},	       {"offsets", 3, offsets},	    {"logs-in", 0, logs_in},
			{"set", 3, set_some},	    {"trim", 3, trim},	       {"make", 3, make},	    {"deny", 3, deny_topic},
			{"undeny", 2, undeny_topic}};
	for (size_t i = 0; argc > 2 && i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(argv[2], commands[i].name) == 0 && argc - 3 >= commands[i].words_least) {
			commands[i].run(argv[1], argv + 3);
			return 0;
		}
	}
	die("see the top of admin.c");
}
