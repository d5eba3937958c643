/* settled.c: Commits and restores of the log's own files, looked at one by one on a real Kafka.
 *
 *   settled BROKERS       prints `N passed, M failed` behind a line for each that failed
 *
 * Of each of many commits, exactly once and at least once: the group says that offset and that
 * reference to state, and no other. Of a changelog and of what commands read: what a transaction
 * gave up is not in it. Of engines that lead: what one writes under a former generation of their group
 * is refused with its positions, and who reads positions waits for a transaction that is open.
 */
#include <poll.h>
#include <string.h>

#include "kafka/state/archive.h"
#include "kafka/state/changelog.h"
#include "kafka/client.h"
#include "kafka/produce/fenced_writer.h"
#include "kafka/produce/output.h"
#include "kafka/consume/reader.h"
#include "tests/kafka/program.h"

#define COMMITS 300 /* more than three times 97: what befalls one offset in so many befalls one of these */
#define CHANGELOG "settled.state"
#define BYTES_MAX ((size_t)1 << 20)

static const char *const in[] = {"settled.in"};
static const char *const out[] = {"settled.out", CHANGELOG};
static const char *const names[] = {"n", IDENTITY_SCOPE};
static struct position assigned[] = {{0, 0, OFFSET_NONE}};
static int passed, failed;

__attribute__((format(printf, 2, 3))) static void expect(bool good, const char *format, ...)
{
	va_list arguments;
	passed += good;
	failed += !good;
	if (good)
		return;
	va_start(arguments, format);
	printf("settled: ");
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
}

static struct consumer *open_consumer(const char *brokers, const char *group)
{
	struct error error = {0};
	struct consumer_config *config = calloc(1, sizeof *config);
	if (!config)
		die("memory ran out");
	*config = (struct consumer_config){
		.brokers = brokers, .group = group, .topics = in, .topic_count = 1, .assigned = {1, assigned}};
	struct consumer *consumer = consumer_open(config, &error);
	if (!consumer || !consumer_accept(consumer, &error))
		die("no consumer: %s", error.text);
	return consumer;
}

/* The configuration stays: it is borrowed. */
static struct output *open_output(const char *brokers, const char *id, const struct consumer *consumer)
{
	struct error error = {0};
	struct transaction_config *config = calloc(1, sizeof *config);
	if (!config)
		die("memory ran out");
	*config = (struct transaction_config){.brokers = brokers, .id = id, .topics = out, .topic_count = 2};
	struct output *output = output_open(config, consumer, &error);
	if (!output)
		die("no output: %s", error.text);
	return output;
}

static enum transaction_news next_news(struct output *output, struct positions *committed)
{
	struct error error = {0};
	enum transaction_news news;
	for (int waited_ms = 0; (news = output_news(output, committed, &error)) == NEWS_NONE; waited_ms += 100) {
		struct pollfd bell = {.fd = output_bell(output), .events = POLLIN};
		(void)poll(&bell, 1, 100);
		if (waited_ms > KAFKA_PATIENCE_MS)
			die("an output says nothing");
	}
	if (news == NEWS_BROKEN)
		die("an output is broken: %s", error.text);
	return news;
}

static void hear(struct output *output, enum transaction_news wanted)
{
	struct positions committed;
	const char *reason = "";
	const enum transaction_news news = next_news(output, &committed);
	const uint64_t resets = output_resets(output, &reason);
	if (news != wanted)
		die("an output says %d instead of %d; %lu resets, the last for: %s", news, wanted, resets, reason);
}

/* Whether what was ended at this offset is committed, as the output says. A transaction in doubt, as by a connection that closed
 * meanwhile on a busy machine, says what Kafka has of it: all, or nothing. */
static bool hear_end(struct output *output, int64_t offset)
{
	struct positions committed = {0};
	const char *reason = "";
	const enum transaction_news news = next_news(output, &committed);
	if (news == NEWS_COMMITTED)
		return true;
	const uint64_t resets = output_resets(output, &reason);
	if (news != NEWS_RESET || committed.count != 1)
		die("an output says %d of %zu positions at offset %lld", news, committed.count, (long long)offset);
	fprintf(stderr, "settled: offset %lld is reset, %lu in all: %s\n", (long long)offset, resets, reason);
	return committed.items[0].offset == offset;
}

static void produce(struct output *output, uint32_t topic, struct text key, struct text value)
{
	struct error error = {0};
	const struct outgoing record = {.topic = topic, .origin = {0, 0, 0}, .beside_origin = true, .key = key, .value = value};
	if (output_produce(output, &record, &error) != PRODUCED || output_send(output, &error) != PRODUCED)
		die("a record is not produced: %s", error.text);
}

static void end(struct output *output, int64_t offset)
{
	struct error error = {0};
	struct position position = {0, 0, offset};
	if (!output_end(output, (struct positions){1, &position}, &error))
		die("%s", error.text);
}

/* ---- commits ---- */

static bool says(struct position position, const struct state_reference *reference, const char *changelog, int64_t offset)
{
	if (offset == 0)
		return position.offset == OFFSET_NONE;
	return position.offset == offset && reference->id == 7 && reference->end == 2 * offset && strcmp(changelog, CHANGELOG) == 0;
}

static void commits_say_what_was_given(const char *brokers, const char *group, const char *id)
{
	struct error error = {0};
	struct consumer *consumer = open_consumer(brokers, group);
	struct output *output = open_output(brokers, id, consumer);
	int wrong = 0;
	hear(output, NEWS_STARTED);
	for (int64_t offset = 1; offset <= COMMITS;) {
		char changelog[CHANGELOG_NAME_BYTES_MAX];
		struct position position = {0, 0, OFFSET_NONE};
		struct state_reference reference = {7, 2 * offset, CHANGELOG};
		produce(output, 0, TEXT("k"), TEXT("v"));
		if (!consumer_refer(consumer, &position, &reference, &error))
			die("%s", error.text);
		end(output, offset);
		const bool is_committed = hear_end(output, offset);
		rd_kafka_resp_err_t code = consumer_settled(consumer, &position, &reference, changelog, KAFKA_PATIENCE_MS);
		while (code && failure_is_passing(code))
			code = consumer_settled(consumer, &position, &reference, changelog, KAFKA_PATIENCE_MS);
		wrong += code || !says(position, &reference, changelog, is_committed ? offset : offset - 1);
		offset += is_committed;
	}
	expect(wrong == 0, "%s: %d of %d commits say something else than they were given", group, wrong, COMMITS);
	output_close(output);
	consumer_close(consumer);
}

/* ---- what was given up ---- */

static void write_change(struct output *output, const char *key, const char *value)
{
	struct buffer bytes[2];
	for (int i = 0; i < 2; i++)
		buffer_open(&bytes[i], 1000);
	change_write_key(&bytes[0], names[0], text_of(key));
	change_write_value(&bytes[1], text_of(value));
	produce(output, 1, buffer_view(&bytes[0]), buffer_view(&bytes[1]));
	for (int i = 0; i < 2; i++)
		buffer_close(&bytes[i]);
}

static struct store *restore(const char *brokers, const struct consumer *consumer, const char *folder)
{
	static const uint32_t topics[] = {0};
	struct error error = {0};
	const struct archive_config config = {.brokers = brokers, .folder = folder};
	const struct archive_place place = {.changelog = CHANGELOG,
					    .input = assigned[0],
					    .topic_count = 1,
					    .topics = topics,
					    .pipeline = "settled",
					    .scopes = {2, names},
					    .bytes_max = BYTES_MAX};
	struct archive *archive = archive_open(&config, consumer, &error);
	struct archive_news news = {0};
	if (!archive || !archive_restore(archive, 1, &place, &error))
		die("%s", error.text);
	while (!archive_news(archive, &news)) {
		struct pollfd bell = {.fd = archive_bell(archive), .events = POLLIN};
		if (poll(&bell, 1, KAFKA_PATIENCE_MS) != 1)
			die("an archive says nothing");
	}
	if (news.kind != ARCHIVE_RESTORED)
		die("not restored: %s", news.error.text);
	archive_close(archive);
	return news.store;
}

static bool reads(const struct store *store, const char *key, const char *value)
{
	struct text found;
	return store_read(store, 0, text_of(key), &found) ? value && text_is(found, value) : !value;
}

static bool count_one(void *context, const struct record *record, struct error *error)
{
	(void)record, (void)error;
	++*(int *)context;
	return true;
}

/* Two changes are committed; then one of each kind is begun and given up. */
static void what_was_given_up_is_not_restored(const char *brokers)
{
	struct error error = {0};
	struct consumer *consumer = open_consumer(brokers, "settled-restore");
	struct output *output = open_output(brokers, "settled-restore", consumer);
	hear(output, NEWS_STARTED);
	write_change(output, "kept", "1");
	write_change(output, "changed", "1");
	end(output, 1);
	hear(output, NEWS_COMMITTED);
	write_change(output, "changed", "2");
	write_change(output, "new", "2");
	pause_ms(1000); /* until it has arrived */
	output_close(output);
	output = open_output(brokers, "settled-restore", consumer); /* which ends what the other left open */
	hear(output, NEWS_STARTED);
	struct store *store = restore(brokers, consumer, NULL);
	expect(reads(store, "kept", "1"), "what was committed is not restored");
	expect(reads(store, "changed", "1"), "a change that was given up is restored");
	expect(reads(store, "new", NULL), "a key that was given up is restored");
	store_close(store);
	const struct reader_config config = {.brokers = brokers, .topic = CHANGELOG, .from_beginning = true};
	struct reader *reader = reader_open(&config, &error);
	int count = 0;
	if (!reader || !reader_give_all(reader, count_one, &count, &error))
		die("%s", error.text);
	expect(count == 2, "a command reads %d records, of which 2 were committed", count);
	reader_close(reader);
	output_close(output);
	consumer_close(consumer);
}

/* ---- engines that lead ---- */

#define LEADERS "settled-leaders"
#define LED "settled.led"
#define LEAD_WAIT_MS 60000

static const char *const led[] = {"settled.lead1", "settled.lead2", "settled.lead3", "settled.lead4"};

static int led_count(const struct lead_group *group)
{
	int count = 0;
	for (size_t i = 0; i < sizeof led / sizeof *led; i++)
		count += lead_group_leads(group, led[i]);
	return count;
}

/* Looks for both, or for the first alone, until each leads so many topics. */
static void look_until(struct lead_group *first, struct lead_group *second, int count)
{
	struct error error = {0};
	for (int waited_ms = 0; led_count(first) != count || (second && led_count(second) != count); waited_ms += 50) {
		if (!lead_group_look(first, &error) || (second && !lead_group_look(second, &error)))
			die("%s", error.text);
		if (waited_ms > LEAD_WAIT_MS)
			die("a member does not come to lead %d topics", count);
		pause_ms(50);
	}
}

static struct lead_group *open_group(const char *brokers, const char *instance)
{
	/* Kafka waits so long for a member that does not look. */
	static const struct property quick[] = {{"max.poll.interval.ms", "6000"}, {"heartbeat.interval.ms", "500"}};
	struct error error = {0};
	struct lead_group_config *config = calloc(1, sizeof *config);
	if (!config)
		die("memory ran out");
	*config = (struct lead_group_config){brokers, LEADERS, instance, sizeof led / sizeof *led, led, {2, quick}, false};
	struct lead_group *group = lead_group_open(config, &error);
	if (!group)
		die("no group: %s", error.text);
	return group;
}

/* Writes to two topics, and commits the position of a partition that no member was assigned. */
static bool lead_commit(struct fenced_writer *writer, int64_t offset, const struct lead_group *group, struct error *error)
{
	const struct fenced_position position = {in[0], 0, offset, TEXT("low 3")};
	return fenced_writer_add(writer, 0, TEXT("k"), TEXT("v"), error) &&
	       fenced_writer_add(writer, 1, TEXT("k"), TEXT("v"), error) &&
	       fenced_writer_commit(writer, &position, 1, group, error);
}

/* OFFSET_NONE: Kafka did not say it within a second. */
static int64_t lead_committed(rd_kafka_t *reader)
{
	rd_kafka_topic_partition_list_t *list = kafka_list(in[0], 1, RD_KAFKA_OFFSET_INVALID);
	const rd_kafka_resp_err_t code = rd_kafka_committed(reader, list, 1000);
	const rd_kafka_topic_partition_t *item = list->elems;
	const int64_t offset = code || item->err ? OFFSET_NONE : item->offset;
	if (offset >= 0)
		expect(item->metadata_size == 5 && !memcmp(item->metadata, "low 3", 5), "metadata is not what was given");
	rd_kafka_topic_partition_list_destroy(list);
	return offset;
}

static rd_kafka_resp_err_t code_of(rd_kafka_error_t *failure)
{
	const rd_kafka_resp_err_t code = failure ? rd_kafka_error_code(failure) : RD_KAFKA_RESP_ERR_NO_ERROR;
	if (failure)
		rd_kafka_error_destroy(failure);
	return code;
}

static rd_kafka_resp_err_t positions_give(rd_kafka_t *producer, const rd_kafka_consumer_group_metadata_t *membership,
					  int64_t offset)
{
	rd_kafka_topic_partition_list_t *list = kafka_list(in[0], 1, offset);
	list->elems[0].metadata = strdup("low 3");
	list->elems[0].metadata_size = 5;
	const rd_kafka_resp_err_t code = code_of(rd_kafka_begin_transaction(producer));
	const rd_kafka_resp_err_t sent = code_of(rd_kafka_send_offsets_to_transaction(producer, list, membership, 10000));
	rd_kafka_topic_partition_list_destroy(list);
	return code ? code : sent;
}

static int records_in(const char *brokers, const char *topic)
{
	struct error error = {0};
	int count = 0;
	const struct reader_config config = {.brokers = brokers, .topic = topic, .from_beginning = true};
	if (!topic_give_all(&config, count_one, &count, &error))
		die("%s", error.text);
	return count;
}

static void the_former_generation_is_refused(const char *brokers)
{
	static const char *const written[] = {LED, "settled.led2"};
	struct error error = {0};
	const struct fenced_writer_config config = {.brokers = brokers, .id = "settled-lead", .topic_count = 2, .topics = written};
	struct lead_group *first = open_group(brokers, "first");
	struct fenced_writer *writer = fenced_writer_open(&config, &error);
	rd_kafka_t *reader = kafka_client(RD_KAFKA_CONSUMER, brokers, (kafka_settings){{"group.id", LEADERS}, {NULL, NULL}});
	rd_kafka_t *producer = kafka_client(RD_KAFKA_PRODUCER, brokers,
					    (kafka_settings){{"transactional.id", "settled-raw"}, {NULL, NULL}});
	void *bytes;
	size_t size;
	rd_kafka_consumer_group_metadata_t *former = NULL;
	if (!writer || code_of(rd_kafka_init_transactions(producer, KAFKA_PATIENCE_MS)))
		die("no writer: %s", error.text);
	expect(!lead_commit(writer, 1, first, &error) && strstr(error.text, "assigned nothing"), "one that leads nothing commits");
	fenced_writer_close(writer);
	error = (struct error){0};
	writer = fenced_writer_open(&config, &error);
	look_until(first, NULL, 4);
	expect(writer && lead_commit(writer, 7, first, &error), "a leader's commit fails: %s", error.text);
	expect(lead_committed(reader) == 7, "its position is not committed");
	if (code_of(rd_kafka_consumer_group_metadata_write(lead_group_membership(first), &bytes, &size)) ||
	    code_of(rd_kafka_consumer_group_metadata_read(&former, bytes, size)))
		die("no copy of a membership");
	rd_kafka_mem_free(NULL, bytes);

	struct lead_group *second = open_group(brokers, "second");
	look_until(first, second, 2);
	expect(positions_give(producer, former, 8) == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, "a former generation is not refused");
	(void)code_of(rd_kafka_abort_transaction(producer, KAFKA_PATIENCE_MS));
	expect(!positions_give(producer, lead_group_membership(second), 9), "the other leader's positions are refused");
	expect(lead_committed(reader) == OFFSET_NONE, "a position is read while the transaction of a later one is open");
	expect(!code_of(rd_kafka_commit_transaction(producer, KAFKA_PATIENCE_MS)), "the other leader's commit fails");
	expect(lead_committed(reader) == 9, "the other leader's position is not committed");

	look_until(second, NULL, 4); /* the first one is frozen, and takes itself for the leader */
	expect(led_count(first) == 2, "a member that does not look is not what it was");
	expect(!lead_commit(writer, 10, first, &error), "the commit of a leader that was frozen is not refused");
	(void)fprintf(stderr, "refused: %s\n", error.text);
	expect(lead_committed(reader) == 9, "the position of a leader that was frozen is committed");
	fenced_writer_close(writer);
	error = (struct error){0};
	writer = fenced_writer_open(&config, &error); /* which ends what the other left open */
	expect(writer && lead_commit(writer, 11, second, &error), "the commit of the next leader fails: %s", error.text);
	for (int i = 0; i < 2; i++)
		expect(records_in(brokers, written[i]) == 2, "of %s not the two records that were committed are read", written[i]);
	fenced_writer_close(writer);
	lead_group_close(first);
	lead_group_close(second);
	rd_kafka_consumer_group_metadata_destroy(former);
	rd_kafka_destroy(producer);
	rd_kafka_destroy(reader);
}

int main(int count, char **arguments)
{
	if (count != 2)
		die("BROKERS, please");
	const char *brokers = arguments[1];
	rd_kafka_t *maker = kafka_client(RD_KAFKA_PRODUCER, brokers, (kafka_settings){{NULL, NULL}});
	kafka_create(maker, in[0], 1);
	kafka_create(maker, out[0], 1);
	kafka_create(maker, CHANGELOG, 1);
	kafka_create(maker, LED, 1);
	kafka_create(maker, "settled.led2", 1);
	for (size_t i = 0; i < sizeof led / sizeof *led; i++)
		kafka_create(maker, led[i], 1);
	rd_kafka_destroy(maker);
	commits_say_what_was_given(brokers, "settled-exactly", "settled-exactly");
	commits_say_what_was_given(brokers, "settled-least", NULL);
	what_was_given_up_is_not_restored(brokers);
	the_former_generation_is_refused(brokers);
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
