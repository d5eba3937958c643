/* settled.c: Commits and restores of the log's own files, looked at one by one on a real Kafka.
 *
 *   settled BROKERS       prints `N passed, M failed` behind a line for each that failed
 *
 * Of each of many commits, exactly once and at least once: the group says that offset and that
 * reference to state, and no other. Of a changelog and of what commands read: what a transaction
 * gave up is not in it.
 */
#include <poll.h>
#include <string.h>

#include "log/archive.h"
#include "log/changelog.h"
#include "log/client.h"
#include "log/output.h"
#include "log/reader.h"
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

int main(int count, char **arguments)
{
	if (count != 2)
		die("BROKERS, please");
	const char *brokers = arguments[1];
	rd_kafka_t *maker = kafka_client(RD_KAFKA_PRODUCER, brokers, (kafka_settings){{NULL, NULL}});
	kafka_create(maker, in[0], 1);
	kafka_create(maker, out[0], 1);
	kafka_create(maker, CHANGELOG, 1);
	rd_kafka_destroy(maker);
	commits_say_what_was_given(brokers, "settled-exactly", "settled-exactly");
	commits_say_what_was_given(brokers, "settled-least", NULL);
	what_was_given_up_is_not_restored(brokers);
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
