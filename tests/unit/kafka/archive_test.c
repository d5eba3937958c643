/* archive_test.c: Restore of state from a changelog, with and without a snapshot. It runs on librdkafka's mock
 * of a broker. tests/kafka shows on a real Kafka that readers do not see what a transaction aborted.
 * The archivist starts its thread with pthread_create(). */
#include "kafka/state/archive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <poll.h>

#include "kafka/state/changelog.h"
#include "kafka/state/snapshot_file.h"
#include "net/loop.h"
#include "tests/unit/mock_broker.h"

#define BYTES_MAX ((size_t)1 << 24)
#define TICKET 7
#define LINES_MAX 8

static struct position assigned[] = {{0, 0, OFFSET_NONE}};
static const char *const names[] = {"n"};
static const struct store_scopes scopes = {1, names};

struct stand {
	struct log_sink sink; /* first */
	struct mock mock;
	char folder[64];
	struct consumer_config consumer_config;
	struct transaction_config output_config;
	struct archive_config archive_config;
	struct archive_place place;
	struct consumer *consumer;
	struct output *output;
	struct archive *archive;
	struct store *store; /* what a worker would have */
	int64_t end;	     /* of the changelog, when it was brought back last */
	struct changelog_words words;
	size_t line_count;
	char lines[LINES_MAX][ERROR_TEXT_MAX];
};

static void note_line(const struct log_sink *sink, const struct log_line *said)
{
	struct stand *stand = (struct stand *)(uintptr_t)sink;
	const char *line = said->message;
	if (stand->line_count < LINES_MAX)
		snprintf(stand->lines[stand->line_count++], ERROR_TEXT_MAX, "%s", line);
}

static void wait_for(int bell)
{
	struct pollfd descriptor = {.fd = bell, .events = POLLIN};
	assert_int_equal(poll(&descriptor, 1, MOCK_WAIT_MS), 1);
}

static void open_archive(struct stand *stand)
{
	struct error error = {0};
	stand->archive = archive_open(&stand->archive_config, stand->consumer, &error);
	assert_string_equal(error.text, "");
	assert_non_null(stand->archive);
}

static int set_up(void **state)
{
	static struct stand stand;
	struct error error = {0};
	stand = (struct stand){.sink = {note_line}, .folder = "/tmp/sluice-archive-XXXXXX"};
	assert_non_null(mkdtemp(stand.folder));
	mock_open(&stand.mock);
	stand.consumer_config = (struct consumer_config){.brokers = stand.mock.brokers,
							 .group = "test",
							 .topics = mock_in,
							 .topic_count = 1,
							 .assigned = {1, assigned},
							 .properties = mock_quick};
	stand.output_config = (struct transaction_config){
		.brokers = stand.mock.brokers, .topics = mock_out, .topic_count = 1, .properties = mock_quick};
	stand.archive_config =
		(struct archive_config){.brokers = stand.mock.brokers, .folder = stand.folder, .log = &stand.sink};
	stand.place = (struct archive_place){
		.changelog = mock_out[0], .input = {0, 0, OFFSET_NONE}, .scopes = scopes, .bytes_max = BYTES_MAX};
	stand.consumer = consumer_open(&stand.consumer_config, &error);
	assert_string_equal(error.text, "");
	assert_true(consumer_accept(stand.consumer, &error));
	stand.output = output_open(&stand.output_config, stand.consumer, &error);
	assert_string_equal(error.text, "");
	stand.store = store_open(scopes, BYTES_MAX);
	changelog_words_open(&stand.words);
	open_archive(&stand);
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	char command[128];
	archive_close(stand->archive);
	output_close(stand->output);
	consumer_close(stand->consumer);
	changelog_words_close(&stand->words);
	store_close(stand->store);
	mock_close(&stand->mock);
	snprintf(command, sizeof command, "rm -r %s", stand->folder);
	return system(command);
}

/* A message writes (NULL: removes) and is released. */
static void write_key(struct stand *stand, const char *key, const char *value)
{
	struct error error = {0};
	struct write write = {.key = text_of(key), .value = text_of(value)};
	assert_true(store_journal(stand->store, &write, &error));
	assert_true(store_release(stand->store, &write, &error));
}

/* What was released is told, and Kafka has acknowledged it. */
static void commit(struct stand *stand)
{
	struct error error = {0};
	struct positions committed;
	assert_int_equal(changelog_tell(stand->store, &stand->words, 0, assigned[0], stand->output, &error), PRODUCED);
	assert_int_equal(store_changes(stand->store), 0);
	assert_true(output_end(stand->output, (struct positions){0}, &error));
	while (output_news(stand->output, &committed, &error) != NEWS_COMMITTED)
		wait_for(output_bell(stand->output));
}

static struct archive_news next_news(struct stand *stand)
{
	struct archive_news news;
	while (!archive_news(stand->archive, &news))
		wait_for(archive_bell(stand->archive));
	assert_int_equal(news.ticket, TICKET);
	return news;
}

static struct store *restored(struct stand *stand)
{
	struct error error = {0};
	assert_true(archive_restore(stand->archive, TICKET, &stand->place, &error));
	struct archive_news news = next_news(stand);
	assert_string_equal(news.error.text, "");
	assert_int_equal(news.kind, ARCHIVE_RESTORED);
	stand->end = news.reference.end;
	return news.store;
}

static void expect(const struct store *store, const char *key, const char *expected)
{
	struct text value;
	bool there = store_read(store, 0, text_of(key), &value);
	assert_int_equal(there, expected != NULL);
	if (expected)
		assert_true(text_is(value, expected));
}

/* As a worker does it; false: it was lost on the way. */
static bool lay_down(struct stand *stand, const struct store *store, int64_t age_ms, int64_t ahead)
{
	struct error error = {0};
	struct snapshot_writer writer = {0};
	struct buffer block;
	buffer_open(&block, BYTES_MAX);
	assert_true(archive_begin(stand->archive, TICKET, &stand->place, stand->end + ahead, &error));
	struct archive_news news = next_news(stand);
	if (news.kind != ARCHIVE_READY)
		return false;
	assert_string_equal(news.head.topic, mock_out[0]);
	assert_int_equal(news.head.offset, stand->end + ahead);
	news.head.time_ms -= age_ms;
	snapshot_write_head(&writer, &news.head, scopes, &block);
	for (bool more = true; more && news.kind == ARCHIVE_READY; news = next_news(stand)) {
		more = snapshot_write_block(&writer, store, 2000, &block);
		assert_true(archive_write(stand->archive, TICKET, &stand->place, &block, &error));
		assert_int_equal(block.length, 0);
	}
	if (news.kind != ARCHIVE_READY)
		return false;
	assert_true(archive_keep(stand->archive, TICKET, &stand->place, &error));
	return next_news(stand).kind == ARCHIVE_KEPT;
}

static bool snapshot_stands(const struct stand *stand)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s-0.snapshot", stand->folder, mock_out[0]);
	return access(path, F_OK) == 0;
}

static void expect_line(const struct stand *stand, const char *contains)
{
	for (size_t i = 0; i < stand->line_count; i++)
		if (strstr(stand->lines[i], contains))
			return;
	fail_msg("nobody said `%s`, but %zu lines, the first: %s", contains, stand->line_count, stand->lines[0]);
}

/* ---- from the changelog ---- */

static void nothing_is_brought_back_of_an_empty_changelog(void **state)
{
	struct store *store = restored(*state);
	assert_int_equal(store_count(store), 0);
	store_close(store);
}

static void what_was_told_last_is_brought_back(void **state)
{
	struct stand *stand = *state;
	write_key(stand, "a", "1");
	write_key(stand, "b", "1");
	write_key(stand, "gone", "1");
	commit(stand);
	write_key(stand, "a", "2");
	write_key(stand, "gone", NULL);
	write_key(stand, "empty", "");
	commit(stand);
	struct store *store = restored(stand);
	expect(store, "a", "2");
	expect(store, "b", "1");
	expect(store, "gone", NULL);
	expect(store, "empty", "");
	assert_int_equal(store_count(store), 3);
	assert_int_equal(store_changes(store), 0);
	store_close(store);
}

static void a_key_that_changed_often_is_told_once(void **state)
{
	struct stand *stand = *state;
	for (int i = 0; i < 50; i++)
		write_key(stand, "a", i % 2 ? "odd" : "even");
	commit(stand);
	const rd_kafka_message_t *only = mock_read(&stand->mock);
	assert_int_equal(only->offset, 0);
	write_key(stand, "a", "last");
	commit(stand);
	only = mock_read(&stand->mock);
	assert_int_equal(only->offset, 1);
}

static void a_record_that_is_none_of_ours_stops_it_and_is_named(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	struct positions committed;
	const struct outgoing strange = {.key = TEXT("\7strange"), .value = TEXT("x")};
	assert_int_equal(output_produce(stand->output, &strange, &error), PRODUCED);
	assert_int_equal(output_send(stand->output, &error), PRODUCED);
	assert_true(output_end(stand->output, (struct positions){0}, &error));
	while (output_news(stand->output, &committed, &error) != NEWS_COMMITTED)
		wait_for(output_bell(stand->output));
	assert_true(archive_restore(stand->archive, TICKET, &stand->place, &error));
	struct archive_news news = next_news(stand);
	assert_int_equal(news.kind, ARCHIVE_FAILED);
	assert_null(news.store);
	assert_non_null(strstr(news.error.text, "out-0 offset 0"));
}

static void what_is_forgotten_brings_no_news(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	struct archive_news news;
	write_key(stand, "a", "1");
	commit(stand);
	assert_true(archive_restore(stand->archive, TICKET + 1, &stand->place, &error));
	archive_forget(stand->archive, TICKET + 1);
	struct store *store = restored(stand);
	expect(store, "a", "1");
	store_close(store);
	assert_false(archive_news(stand->archive, &news));
}

static void an_archive_that_closes_waits_for_nobody(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	for (uint64_t ticket = 0; ticket < 20; ticket++)
		assert_true(archive_restore(stand->archive, ticket, &stand->place, &error));
	archive_close(stand->archive);
	open_archive(stand);
}

/* ---- how far commits refer ---- */

static void commit_reference(struct stand *stand, uint64_t id, int64_t end)
{
	char metadata[STATE_REFERENCE_BYTES_MAX];
	const struct state_reference reference = {id, end, mock_out[0]};
	state_reference_write(&reference, metadata);
	mock_commit_with(&stand->mock, "test", 1, metadata);
}

/* The store that is brought back takes the place of the one that a worker has. */
static struct archive_news restore_again(struct stand *stand)
{
	struct error error = {0};
	assert_true(archive_restore(stand->archive, TICKET, &stand->place, &error));
	struct archive_news news = next_news(stand);
	assert_int_equal(news.kind, ARCHIVE_RESTORED);
	store_close(stand->store);
	stand->store = news.store;
	return news;
}

static void a_restore_tells_how_far_the_commits_refer(void **state)
{
	static const char *const with_identity[] = {"n", IDENTITY_SCOPE};
	struct stand *stand = *state;
	stand->place.pipeline = "p";
	stand->place.scopes = (struct store_scopes){2, with_identity};
	struct archive_news news = restore_again(stand);
	assert_int_equal(news.referred, 0);
	const uint64_t id = news.reference.id;
	write_key(stand, "a", "1");
	write_key(stand, "b", "1");
	commit(stand);
	assert_int_equal(restore_again(stand).referred, 0);
	commit_reference(stand, id, 2);
	news = restore_again(stand);
	assert_int_equal(news.referred, 2);
	assert_int_equal(news.reference.end, 3);
	commit_reference(stand, id + 1, 2); /* to another changelog, which is accepted as lost */
	stand->place.new_state = true;
	assert_int_equal(restore_again(stand).referred, 0);
}

#define OFFSET_FETCH 9 /* the number of the request in Kafka's protocol */

static void a_restore_that_waits_for_the_committed_offset_says_so(void **state)
{
	struct stand *stand = *state;
	rd_kafka_resp_err_t refusals[15]; /* with a pause of 100 ms after each */
	const size_t count = sizeof refusals / sizeof *refusals;
	write_key(stand, "a", "1");
	commit(stand);
	for (size_t i = 0; i < count; i++)
		refusals[i] = RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
	rd_kafka_mock_push_request_errors_array(stand->mock.cluster, OFFSET_FETCH, count, refusals);
	struct store *store = restored(stand);
	expect(store, "a", "1");
	store_close(store);
	expect_line(stand, "restoring out-0: Kafka does not give the group's committed offset yet (Broker: Group authorization");
}

/* ---- with a snapshot ---- */

/* What stands in the snapshot and not in the changelog shows that it was read. */
static void lay_down_with_a_mark(struct stand *stand, int64_t age_ms, int64_t ahead)
{
	struct error error = {0};
	struct store *marked = restored(stand);
	assert_true(store_restore(marked, 0, TEXT("mark"), TEXT("here"), &error));
	assert_true(lay_down(stand, marked, age_ms, ahead));
	assert_true(snapshot_stands(stand));
	store_close(marked);
}

static void a_snapshot_is_read_and_then_what_was_told_behind_it(void **state)
{
	struct stand *stand = *state;
	write_key(stand, "a", "1");
	write_key(stand, "b", "1");
	commit(stand);
	lay_down_with_a_mark(stand, 0, 0);
	write_key(stand, "a", "2");
	commit(stand);
	struct store *store = restored(stand);
	expect(store, "mark", "here");
	expect(store, "a", "2");
	expect(store, "b", "1");
	store_close(store);
	assert_int_equal(stand->line_count, 0);
}

static void a_large_snapshot_is_brought_back_whole(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	struct store *large = store_open(scopes, BYTES_MAX);
	for (int i = 0; i < 5000; i++) {
		char key[16];
		snprintf(key, sizeof key, "%d", i);
		assert_true(store_restore(large, 0, text_of(key), text_of(key), &error));
	}
	assert_true(lay_down(stand, large, 0, 0));
	struct store *store = restored(stand);
	assert_int_equal(store_count(store), 5000);
	expect(store, "4321", "4321");
	store_close(store);
	store_close(large);
}

static void a_damaged_snapshot_is_thrown_away_and_the_changelog_read_whole(void **state)
{
	struct stand *stand = *state;
	write_key(stand, "a", "1");
	commit(stand);
	lay_down_with_a_mark(stand, 0, 0);
	char path[128];
	snprintf(path, sizeof path, "%s/%s-0.snapshot", stand->folder, mock_out[0]);
	FILE *file = fopen(path, "r+b");
	assert_int_equal(fseek(file, -30, SEEK_END), 0);
	fputc('!', file);
	fclose(file);
	struct store *store = restored(stand);
	expect(store, "mark", NULL);
	expect(store, "a", "1");
	store_close(store);
	assert_false(snapshot_stands(stand));
	expect_line(stand, "damaged");
}

static void a_snapshot_of_a_changelog_that_was_made_anew_is_thrown_away(void **state)
{
	struct stand *stand = *state;
	write_key(stand, "a", "1");
	commit(stand);
	lay_down_with_a_mark(stand, 0, 1000);
	struct store *store = restored(stand);
	expect(store, "mark", NULL);
	expect(store, "a", "1");
	store_close(store);
	assert_false(snapshot_stands(stand));
	expect_line(stand, "was replaced meanwhile");
}

static void a_snapshot_that_is_too_old_to_hear_of_removals_is_thrown_away(void **state)
{
	struct stand *stand = *state;
	write_key(stand, "a", "1");
	commit(stand);
	lay_down_with_a_mark(stand, 13 * 3600 * 1000, 0);
	struct store *store = restored(stand);
	expect(store, "mark", NULL);
	expect(store, "a", "1");
	store_close(store);
	expect_line(stand, "older than 12 hours");
}

static void without_a_folder_there_are_no_snapshots(void **state)
{
	struct stand *stand = *state;
	archive_close(stand->archive);
	stand->archive_config.folder = NULL;
	open_archive(stand);
	assert_false(archive_has_snapshots(stand->archive));
	write_key(stand, "a", "1");
	commit(stand);
	struct store *store = restored(stand);
	expect(store, "a", "1");
	store_close(store);
}

static void a_folder_that_cannot_be_used_is_a_config_error(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	struct archive_config config = stand->archive_config;
	config.folder = "/proc/no/such";
	assert_null(archive_open(&config, stand->consumer, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "/proc/no/such"));
}

static void a_full_disk_loses_the_snapshot_and_keeps_the_one_before(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	write_key(stand, "a", "1");
	commit(stand);
	lay_down_with_a_mark(stand, 0, 0);
	struct store *large = store_open(scopes, BYTES_MAX);
	static const char filler[20000];
	for (int i = 0; i < 20; i++) {
		char key[16];
		snprintf(key, sizeof key, "%d", i);
		assert_true(store_restore(large, 0, text_of(key), (struct text){filler, sizeof filler}, &error));
	}
	struct rlimit before, small = {100000, 100000};
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_false(lay_down(stand, large, 0, 0));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	expect_line(stand, "the snapshot of out-0 could not be written");
	store_close(large);
	struct store *store = restored(stand);
	expect(store, "mark", "here");
	store_close(store);
	assert_true(lay_down(stand, stand->store, 0, 0));
}

static void a_snapshot_that_is_forgotten_leaves_no_trace(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	char path[128];
	assert_true(archive_begin(stand->archive, TICKET, &stand->place, 0, &error));
	assert_int_equal(next_news(stand).kind, ARCHIVE_READY);
	snprintf(path, sizeof path, "%s/%s-0.new", stand->folder, mock_out[0]);
	assert_int_equal(access(path, F_OK), 0);
	archive_forget(stand->archive, TICKET);
	store_close(restored(stand));
	assert_int_not_equal(access(path, F_OK), 0);
	assert_false(snapshot_stands(stand));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(nothing_is_brought_back_of_an_empty_changelog),
		WITH(what_was_told_last_is_brought_back),
		WITH(a_key_that_changed_often_is_told_once),
		WITH(a_record_that_is_none_of_ours_stops_it_and_is_named),
		WITH(what_is_forgotten_brings_no_news),
		WITH(an_archive_that_closes_waits_for_nobody),
		WITH(a_restore_tells_how_far_the_commits_refer),
		WITH(a_restore_that_waits_for_the_committed_offset_says_so),
		WITH(a_snapshot_is_read_and_then_what_was_told_behind_it),
		WITH(a_large_snapshot_is_brought_back_whole),
		WITH(a_damaged_snapshot_is_thrown_away_and_the_changelog_read_whole),
		WITH(a_snapshot_of_a_changelog_that_was_made_anew_is_thrown_away),
		WITH(a_snapshot_that_is_too_old_to_hear_of_removals_is_thrown_away),
		WITH(without_a_folder_there_are_no_snapshots),
		WITH(a_folder_that_cannot_be_used_is_a_config_error),
		WITH(a_full_disk_loses_the_snapshot_and_keeps_the_one_before),
		WITH(a_snapshot_that_is_forgotten_leaves_no_trace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
