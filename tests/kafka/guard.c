/* guard.c: late copies of the requests that end a transaction, on a real Kafka, made by
 * proxy.c; and what transaction.h promises of them.
 *
 *   guard BROKERS PROXIED CONTROL [unguarded]
 *
 * BROKERS are reached straight, PROXIED through the proxy that is told on port CONTROL.
 * Each story runs transaction A (records and an offset), and B behind it, while a request
 * of A is held back. `unguarded`, librdkafka does not tell the committer of sockets that
 * close: then each story must go wrong, or it shows nothing.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "kafka/produce/transaction.h"
#include "tests/kafka/proxy.h"

#define END_TRANSACTION 26
#define COMMIT_OFFSETS 28
#define PATIENCE_MS 30000
#define TIMEOUT_MS 4000 /* of a transaction */
#define RECORDS 3	/* of a transaction */

/* This stands before librdkafka's own, which the committer would call: the switch of
 * this test, so that the product needs none. */
static bool unguarded;
void rd_kafka_conf_set_closesocket_cb(rd_kafka_conf_t *conf, int (*closesocket_cb)(int socket, void *opaque))
{
	void (*own)(rd_kafka_conf_t *, int (*)(int, void *));
	*(void **)&own = dlsym(RTLD_NEXT, "rd_kafka_conf_set_closesocket_cb");
	if (!unguarded)
		own(conf, closesocket_cb);
}

struct stand {
	const char *brokers, *proxied;
	int control;
	char topic[64], in[64], group[64];
	const char *in_topics[1], *out_topics[1];
	struct position position; /* read from, and to be committed */
	struct consumer_config consumer_config;
	struct transaction_config transaction_config;
	struct consumer *consumer;
	struct output *output;
	int written;
};

/* ---- A and B ---- */

static enum transaction_news wait_for_news(struct stand *stand)
{
	struct positions committed;
	struct error error = {0};
	enum transaction_news news;
	struct pollfd bell = {.fd = output_bell(stand->output), .events = POLLIN};
	while ((news = output_news(stand->output, &committed, &error)) == NEWS_NONE)
		if (poll(&bell, 1, PATIENCE_MS) != 1)
			die("no news of the transaction within 30 s");
	if (news == NEWS_BROKEN)
		die("no producer: %s", error.text);
	if (news == NEWS_RESET && committed.count == 1)
		stand->position.offset = committed.items[0].offset;
	return news;
}

/* Returns when the broker has them: a late end can only end what has begun. */
static void produce(struct stand *stand, char name)
{
	const struct timespec until_sent = {.tv_nsec = 300000000};
	for (int i = 0; i < RECORDS; i++) {
		struct error error = {0};
		char value[16];
		(void)snprintf(value, sizeof value, "%c%d", name, ++stand->written);
		const struct outgoing record = {.value = text_of(value)};
		(void)output_produce(stand->output, &record, &error);
		(void)output_send(stand->output, &error);
	}
	nanosleep(&until_sent, NULL);
}

static void end_at(struct stand *stand, int64_t offset)
{
	struct error error = {0};
	stand->position.offset = offset;
	if (!output_end(stand->output, (struct positions){1, &stand->position}, &error))
		die("no end: %s", error.text);
}

/* As an engine that starts again does: what is open then is aborted. */
static void abandon(struct stand *stand)
{
	struct error error = {0};
	output_close(stand->output);
	stand->output = output_open(&stand->transaction_config, stand->consumer, &error);
	if (!stand->output || wait_for_news(stand) != NEWS_STARTED)
		die("no second producer: %s", error.text);
}

/* ---- what is there in the end ---- */

static rd_kafka_t *plain_client(const struct stand *stand, rd_kafka_type_t type)
{
	/* NULL ends the settings: a producer has none. */
	const char *const of_group = type == RD_KAFKA_CONSUMER ? "group.id" : NULL;
	return kafka_client(type, stand->brokers,
			    (kafka_settings){{of_group, stand->group}, {"enable.partition.eof", "true"}, {NULL, NULL}});
}

/* How many records a reader of committed ones sees, by the transaction's letter. */
static int count_visible(const struct stand *stand, char name)
{
	rd_kafka_t *reader = plain_client(stand, RD_KAFKA_CONSUMER);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, stand->topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(reader, list);
	rd_kafka_topic_partition_list_destroy(list);
	int count = 0;
	for (bool end = false; !end;) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, PATIENCE_MS);
		if (!message)
			die("the answers cannot be read: %s", stand->topic);
		end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		count += !message->err && ((const char *)message->payload)[0] == name;
		rd_kafka_message_destroy(message);
	}
	rd_kafka_consumer_close(reader);
	rd_kafka_destroy(reader);
	return count;
}

static int64_t committed_offset(const struct stand *stand)
{
	rd_kafka_t *client = plain_client(stand, RD_KAFKA_CONSUMER);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, stand->in, 0);
	rd_kafka_resp_err_t code = rd_kafka_committed(client, list, PATIENCE_MS);
	int64_t offset = list->elems[0].offset;
	if (code)
		die("no committed offset: %s", rd_kafka_err2str(code));
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(client);
	return offset;
}

static void make_topics(const struct stand *stand)
{
	rd_kafka_t *client = plain_client(stand, RD_KAFKA_PRODUCER);
	kafka_create(client, stand->in, 1);
	kafka_create(client, stand->topic, 1);
	rd_kafka_destroy(client);
}

static void stand_open(struct stand *stand, const char *story)
{
	static const struct property quick[] = {{"socket.timeout.ms", "2000"}, {"log_level", "0"}};
	struct error error = {0};
	const char *mode = unguarded ? "unguarded" : "guarded";
	long run = (long)getpid();
	(void)snprintf(stand->topic, sizeof stand->topic, "%s-%s-%ld-out", story, mode, run);
	(void)snprintf(stand->in, sizeof stand->in, "%s-%s-%ld-in", story, mode, run);
	(void)snprintf(stand->group, sizeof stand->group, "%s-%s-%ld", story, mode, run);
	make_topics(stand);
	stand->written = 0;
	stand->in_topics[0] = stand->in;
	stand->out_topics[0] = stand->topic;
	stand->position = (struct position){.offset = OFFSET_NONE};
	stand->consumer_config = (struct consumer_config){.brokers = stand->brokers,
							  .group = stand->group,
							  .topics = stand->in_topics,
							  .topic_count = 1,
							  .assigned = {1, &stand->position}};
	stand->transaction_config = (struct transaction_config){.brokers = stand->proxied,
								.id = stand->group,
								.topics = stand->out_topics,
								.topic_count = 1,
								.timeout_ms = TIMEOUT_MS,
								.properties = {2, quick}};
	stand->consumer = consumer_open(&stand->consumer_config, &error);
	stand->output = stand->consumer ? output_open(&stand->transaction_config, stand->consumer, &error) : NULL;
	if (!stand->output || wait_for_news(stand) != NEWS_STARTED || !consumer_accept(stand->consumer, &error))
		die("nothing to stand on: %s", error.text);
}

static void stand_close(struct stand *stand)
{
	output_close(stand->output);
	consumer_close(stand->consumer);
}

/* ---- the stories ---- */

/* The end of A is held; its producer hears of a broken connection, or of nothing until
 * its patience ends, and sends it again. When B is under way the late copy arrives, and
 * then B's engine dies. */
static bool late_end(struct stand *stand, bool cut)
{
	produce(stand, 'A');
	proxy_tell(stand->control, "hold %d\n", END_TRANSACTION);
	end_at(stand, 10);
	proxy_tell(stand->control, "await\n");
	if (cut)
		proxy_tell(stand->control, "cut\n");
	enum transaction_news news = wait_for_news(stand);
	if (news == NEWS_RESET && stand->position.offset != 10) /* then A is not committed, and done again */
		produce(stand, 'A');
	produce(stand, 'B');
	proxy_tell(stand->control, "release\n");
	proxy_tell(stand->control, "await\n");
	produce(stand, 'B');
	abandon(stand);
	int visible = count_visible(stand, 'A'), aborted = count_visible(stand, 'B');
	printf("news %d, %d records of A, %d of B, which was aborted\n", news, visible, aborted);
	return aborted == 0;
}

static bool an_end_that_arrives_late_after_its_connection_broke(struct stand *stand)
{
	return late_end(stand, true);
}

static bool an_end_that_arrives_late_after_its_time_ran_out(struct stand *stand)
{
	return late_end(stand, false);
}

static bool offsets_that_arrive_late_do_not_go_back(struct stand *stand)
{
	produce(stand, 'A');
	proxy_tell(stand->control, "hold %d\n", COMMIT_OFFSETS);
	end_at(stand, 10);
	proxy_tell(stand->control, "await\n");
	proxy_tell(stand->control, "cut\n");
	if (wait_for_news(stand) == NEWS_RESET && stand->position.offset != 10) {
		produce(stand, 'A');
		end_at(stand, 10);
		(void)wait_for_news(stand);
	}
	produce(stand, 'B');
	proxy_tell(stand->control, "hold %d\n", END_TRANSACTION);
	end_at(stand, 20);
	proxy_tell(stand->control, "await\n");
	proxy_tell(stand->control, "release\n"); /* the offsets of A */
	const struct timespec a_moment = {.tv_nsec = 300000000};
	nanosleep(&a_moment, NULL);
	proxy_tell(stand->control, "release\n"); /* the end of B */
	enum transaction_news news = wait_for_news(stand);
	int64_t offset = committed_offset(stand);
	printf("news %d, committed %" PRId64 " of 20\n", news, offset);
	return offset == 20;
}

/* A was committed, but its producer never hears of it. */
static bool an_end_whose_answer_is_lost_is_not_done_again(struct stand *stand)
{
	produce(stand, 'A');
	proxy_tell(stand->control, "lose %d\n", END_TRANSACTION);
	end_at(stand, 10);
	enum transaction_news news = wait_for_news(stand);
	printf("news %d, then at offset %" PRId64 " of 10, %d records of A\n", news, stand->position.offset,
	       count_visible(stand, 'A'));
	return news == NEWS_RESET && stand->position.offset == 10 && count_visible(stand, 'A') == RECORDS;
}

/* Nobody can be asked to end A until Kafka has given it up: it is done again, once, and
 * its late end is nobody's. */
static bool a_transaction_that_could_not_end_is_done_again(struct stand *stand)
{
	const struct timespec longer_than_the_timeout = {.tv_sec = TIMEOUT_MS / 1000 + 1};
	produce(stand, 'A');
	proxy_tell(stand->control, "hold %d\n", END_TRANSACTION);
	end_at(stand, 10);
	proxy_tell(stand->control, "await\n");
	proxy_tell(stand->control, "refuse\n");
	proxy_tell(stand->control, "cut\n");
	nanosleep(&longer_than_the_timeout, NULL);
	proxy_tell(stand->control, "accept\n");
	enum transaction_news news = wait_for_news(stand);
	int64_t committed = stand->position.offset;
	produce(stand, 'A');
	proxy_tell(stand->control, "release\n");
	produce(stand, 'B');
	end_at(stand, 10);
	enum transaction_news then = wait_for_news(stand);
	int visible = count_visible(stand, 'A');
	printf("news %d and %d, %d records of A\n", news, then, visible);
	return news == NEWS_RESET && committed == OFFSET_NONE && then == NEWS_COMMITTED && visible == RECORDS;
}

static const struct {
	const char *name;
	bool (*holds)(struct stand *stand);
	bool guard_matters; /* without it the story goes wrong */
} stories[] = {
	{"late-end-cut", an_end_that_arrives_late_after_its_connection_broke, true},
	{"late-end-timeout", an_end_that_arrives_late_after_its_time_ran_out, true},
	{"late-offsets", offsets_that_arrive_late_do_not_go_back, true},
	{"lost-answer", an_end_whose_answer_is_lost_is_not_done_again, false},
	{"no-end", a_transaction_that_could_not_end_is_done_again, false},
};

int main(int argc, char **argv)
{
	if (argc < 4)
		die("%s", "guard BROKERS PROXIED CONTROL [unguarded]");
	struct stand stand = {.brokers = argv[1], .proxied = argv[2]};
	unguarded = argc > 4 && strcmp(argv[4], "unguarded") == 0;
	stand.control = proxy_open(argv[3]);
	int passed = 0, failed = 0;
	for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
		if (unguarded && !stories[i].guard_matters)
			continue;
		stand_open(&stand, stories[i].name);
		printf("%s%s: ", stories[i].name, unguarded ? " without the guard" : "");
		bool good = stories[i].holds(&stand) != unguarded;
		if (!good)
			printf("guard: %s: %s\n", stories[i].name, unguarded ? "nothing went wrong without it" : "it did not hold");
		passed += good;
		failed += !good;
		stand_close(&stand);
		fflush(stdout);
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
