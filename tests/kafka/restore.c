/* restore.c: a changelog of a million keys with values of 200 bytes is written, and brought
 * back: whole, and then from a snapshot. Another one is read while a transaction is open in it. For state.sh.
 *
 *   restore BROKERS FOLDER      prints how long it took and what the store then holds, and where the other one ended
 */
#include <poll.h>

#include "kafka/state/archive.h"
#include "flow/state/change.h"
#include "tests/kafka/program.h"

#define KEYS 1000000
#define VALUE_BYTES 200
#define CHANGELOG "restore.state"
#define OPEN_CHANGELOG "restore.open.state"
#define OPEN_MS 1000
#define END_MS 30000
#define BYTES_MAX ((size_t)1 << 30)

static const char *const names[] = {"features"};
static const char *const input[] = {"restore.input"};
static struct position assigned[] = {{0, 0, OFFSET_NONE}};

static void write_changes(rd_kafka_topic_t *topic, rd_kafka_t *producer, long count)
{
	struct buffer key, value;
	char bytes[VALUE_BYTES] = "a value";
	buffer_open(&key, 1 << 16);
	buffer_open(&value, 1 << 16);
	for (long i = 0; i < count; i++) {
		char name[32];
		int length = snprintf(name, sizeof name, "account-%ld", i);
		buffer_clear(&key);
		buffer_clear(&value);
		change_write_key(&key, names[0], (struct text){name, (size_t)length});
		change_write_value(&value, (struct text){bytes, sizeof bytes});
		while (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value.bytes, value.length, key.bytes, key.length, NULL))
			rd_kafka_poll(producer, 5);
		rd_kafka_poll(producer, 0);
	}
	buffer_close(&key);
	buffer_close(&value);
}

static void make_changelog(const char *brokers)
{
	rd_kafka_t *producer = kafka_client(RD_KAFKA_PRODUCER, brokers, (kafka_settings){{"linger.ms", "5"}, {NULL, NULL}});
	kafka_create(producer, CHANGELOG, 1);
	kafka_create(producer, input[0], 1);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, CHANGELOG, NULL);
	write_changes(topic, producer, KEYS);
	if (rd_kafka_flush(producer, 60000))
		die("not all changes were written");
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(producer);
}

static struct archive_news next_news(struct archive *archive)
{
	struct archive_news news;
	while (!archive_news(archive, &news)) {
		struct pollfd bell = {.fd = archive_bell(archive), .events = POLLIN};
		if (poll(&bell, 1, 60000) != 1)
			die("no news for a minute");
	}
	if (news.kind == ARCHIVE_FAILED || news.kind == ARCHIVE_LOST)
		die("%s", news.error.text);
	return news;
}

/* What was brought back, and how long that took. */
static struct store *bring_back(struct archive *archive, const struct archive_place *place, int64_t *took_ms)
{
	struct error error = {0};
	double began_s = now_s(CLOCK_MONOTONIC);
	if (!archive_restore(archive, 1, place, &error))
		die("%s", error.text);
	struct archive_news news = next_news(archive);
	*took_ms = (int64_t)((now_s(CLOCK_MONOTONIC) - began_s) * 1e3);
	return news.store;
}

static void must(rd_kafka_error_t *error)
{
	if (error)
		die("%s", rd_kafka_error_string(error));
}

/* The end of a changelog to which commits refer, when its last transaction ends while it is read: it has one record, and the mark
 * of that transaction's end. */
static int64_t end_of_open(struct archive *archive, const char *brokers)
{
	struct error error = {0};
	const struct archive_place place = {
		.changelog = OPEN_CHANGELOG, .input = assigned[0], .scopes = {1, names}, .bytes_max = BYTES_MAX};
	rd_kafka_t *producer =
		kafka_client(RD_KAFKA_PRODUCER, brokers, (kafka_settings){{"transactional.id", "restore"}, {NULL, NULL}});
	kafka_create(producer, OPEN_CHANGELOG, 1);
	must(rd_kafka_init_transactions(producer, END_MS));
	must(rd_kafka_begin_transaction(producer));
	rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, OPEN_CHANGELOG, NULL);
	write_changes(topic, producer, 1);
	if (rd_kafka_flush(producer, END_MS) || !archive_restore(archive, 1, &place, &error))
		die("the changelog with an open transaction: %s", error.text);
	struct pollfd bell = {.fd = archive_bell(archive), .events = POLLIN};
	if (poll(&bell, 1, OPEN_MS) != 0)
		die("a changelog was brought back while a transaction was open in it");
	must(rd_kafka_commit_transaction(producer, END_MS));
	struct archive_news news = next_news(archive);
	store_close(news.store);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(producer);
	return news.reference.end;
}

static int64_t lay_down(struct archive *archive, const struct archive_place *place, const struct store *store)
{
	struct error error = {0};
	struct snapshot_writer writer = {0};
	struct buffer block;
	double began_s = now_s(CLOCK_MONOTONIC);
	buffer_open(&block, BYTES_MAX);
	if (!archive_begin(archive, 1, place, KEYS, &error))
		die("%s", error.text);
	struct archive_news news = next_news(archive);
	snapshot_write_head(&writer, &news.head, store_scopes(store), &block);
	for (bool more = true; more;) {
		more = snapshot_write_block(&writer, store, (size_t)256 << 10, &block);
		if (!archive_write(archive, 1, place, &block, &error))
			die("%s", error.text);
		(void)next_news(archive);
	}
	if (!archive_keep(archive, 1, place, &error))
		die("%s", error.text);
	(void)next_news(archive);
	return (int64_t)((now_s(CLOCK_MONOTONIC) - began_s) * 1e3);
}

static void say(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	fprintf(stderr, "%s\n", line->message);
}

static const struct log_sink log_said = {say};

int main(int count, char **arguments)
{
	if (count != 3)
		die("BROKERS FOLDER, please");
	struct error error = {0};
	const struct consumer_config consumer_config = {
		.brokers = arguments[1], .group = "restore", .topics = input, .topic_count = 1, .assigned = {1, assigned}};
	const struct archive_config config = {.brokers = arguments[1], .folder = arguments[2], .log = &log_said};
	const struct archive_place place = {
		.changelog = CHANGELOG, .input = assigned[0], .scopes = {1, names}, .bytes_max = BYTES_MAX};
	make_changelog(arguments[1]);
	struct consumer *consumer = consumer_open(&consumer_config, &error);
	struct archive *archive = consumer ? archive_open(&config, consumer, &error) : NULL;
	if (!archive || !consumer_accept(consumer, &error))
		die("%s", error.text);
	int64_t changelog_ms, snapshot_ms;
	struct store *store = bring_back(archive, &place, &changelog_ms);
	int64_t laid_ms = lay_down(archive, &place, store);
	store_close(store);
	store = bring_back(archive, &place, &snapshot_ms);
	printf("keys=%zu mib=%zu changelog_ms=%lld laid_ms=%lld snapshot_ms=%lld open_end=%lld\n", store_count(store),
	       store_bytes(store) >> 20, (long long)changelog_ms, (long long)laid_ms, (long long)snapshot_ms,
	       (long long)end_of_open(archive, arguments[1]));
	store_close(store);
	archive_close(archive);
	consumer_close(consumer);
	return 0;
}
