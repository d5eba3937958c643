/* partition_state_test.c: Tests of a worker whose step counts messages by their keys: its state outlives
 * it. On librdkafka's mock of a broker, so at least once and without crashes
 * (those are shown on a real Kafka, by tests/kafka). The worker runs in a thread of its
 * own, by pthread_create(), as in an engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kafka/consume/commit_mark.h"
#include "kafka/state/snapshot_file.h"
#include "flow/state/change.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/planning.h"
#include "tests/unit/running.h"
#include "tests/unit/tally.h"
#include "engine/worker/partition_state.h"
#include "engine/worker/worker.h"

#define PIPELINE(steps) "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n" steps "\n"

static const char counts_keys[] = PIPELINE("  - {name: n, tally: {}}\n  output: {steps: [n.outputs.count]}");
static const char counts_twice[] =
	PIPELINE("  - {name: n, tally: {}}\n  - {name: also, inputs: [n], tally: {}}\n  output: {steps: [also.outputs.count]}");

static const char sums_pairs[] =
	PIPELINE("  - {name: w, aggregate: {key: key, window: {count: 2}, set: {s: sum(x)}}}\n  output: {steps: [w]}");
static const char ranks_pairs[] = PIPELINE("  - {name: w, aggregate: {key: key, window: {count: 2}, set: {a: 'first(x + 4)', "
					   "m: 'median(x + 2)'}}}\n  output: {steps: [w]}");

/* What it answers has counted its key a second before it leaves. */
static const char counts_slowly[] =
	PIPELINE("  - {name: n, tally: {}}\n"
		 "  - {name: e, inputs: [n], batch: {size: 9, windowMs: 1000}, expression: {set: {y: x}}}\n"
		 "  output: {steps: [e.outputs.count]}");

static const uint32_t both_topics[] = {0, 1}; /* a stage reads the first alone, unless a test says both */
static const char *const topics_in[] = {"in", "also"};
static struct position assigned[] = {{0, 0, OFFSET_NONE}, {1, 0, OFFSET_NONE}};
static const char *const written[] = {"out", "state"};

struct stand {
	struct log_sink sink; /* first */
	struct mock mock;
	char folder[64];
	struct planning planning, next_planning;
	struct caller_config caller;
	struct stage_config stage, next_stage;
	struct worker_config config;
	struct worker_setup next_setup;
	struct running running;
	struct stage_counts counts;
	pthread_mutex_t lock; /* of the line */
	char line[ERROR_TEXT_MAX];
	bool damaged[3]; /* the log names this partition of wide.state as damaged, and what to do */
};

static void note_line(const struct log_sink *sink, const struct log_line *said)
{
	struct stand *stand = (struct stand *)(uintptr_t)sink;
	const char *line = said->message;
	pthread_mutex_lock(&stand->lock);
	snprintf(stand->line, sizeof stand->line, "%s", line);
	for (int i = 0; i < 3; i++) {
		char words[64];
		snprintf(words, sizeof words, "the record at wide.state-%d offset 0 is no change of a stage", i);
		stand->damaged[i] |= said->level == LOG_LEVEL_ERROR && strstr(line, words) && strstr(line, "--new-state p");
	}
	pthread_mutex_unlock(&stand->lock);
}

static bool was_said(struct stand *stand, const char *words)
{
	pthread_mutex_lock(&stand->lock);
	bool said = strstr(stand->line, words) != NULL;
	pthread_mutex_unlock(&stand->lock);
	return said;
}

static void read_pipeline(struct stand *stand, struct planning *planning, struct stage_config *stage, const char *yaml)
{
	planning_read(planning, yaml, tally_kinds);
	assert_int_equal(planning_errors(planning), 0);
	const struct resource *pipeline = spec_first(&planning->spec, RESOURCE_PIPELINE);
	*stage = (struct stage_config){.name = "p",
				       .graph = graph_build(pipeline, &planning->spec, planning->arena, planning->spec.faults),
				       .caller = &stand->caller,
				       .topic_count = 1,
				       .topics = both_topics,
				       .dead_letters = TOPIC_NOWHERE,
				       .changelog = 1,
				       .counts = &stand->counts};
}

static void configure(struct stand *stand, const char *yaml)
{
	read_pipeline(stand, &stand->planning, &stand->stage, yaml);
	stand->config.consumer = (struct consumer_config){
		.brokers = stand->mock.brokers, .group = "test", .assigned = {1, assigned}, .properties = mock_quick};
	stand->config.transaction = (struct transaction_config){.brokers = stand->mock.brokers, .properties = mock_quick};
	stand->config.setup =
		(struct worker_setup){.reads = {1, topics_in}, .writes = {2, written}, .stage_count = 1, .stages = &stand->stage};
	stand->config.limits = worker_limits_usual;
}

static void start(struct stand *stand, const char *yaml)
{
	configure(stand, yaml);
	running_start(&stand->running, &stand->config);
}

static void stop(struct stand *stand)
{
	(void)running_stop(&stand->running);
	planning_close(&stand->planning);
}

static int set_up(void **state)
{
	static struct stand stand;
	stand = (struct stand){.sink = {note_line}, .folder = "/tmp/sluice-keeping-XXXXXX"};
	assert_non_null(mkdtemp(stand.folder));
	pthread_mutex_init(&stand.lock, NULL);
	mock_open(&stand.mock);
	assert_int_equal(rd_kafka_mock_topic_create(stand.mock.cluster, "state", 1, 1), 0);
	stand.caller = (struct caller_config){.request_bytes = 1 << 20, .reply_bytes = 1 << 20};
	stand.config.partition_state = (struct partition_state_config){
		.folder = stand.folder, .bytes_max = 1 << 20, .snapshot_ms = 1, .snapshot_changes = 3, .log = &stand.sink};
	*state = &stand;
	return 0;
}

/* A test that failed has left its worker running: what it was about. */
static int tear_down(void **state)
{
	struct stand *stand = *state;
	char command[128];
	if (running_end(&stand->running)) {
		print_error("taken: %d, released: %d; the worker's error: %s; the last line: %s\n",
			    (int)count_read(&stand->counts.sums.taken), (int)count_read(&stand->counts.sums.released),
			    stand->running.error.text, stand->line);
		planning_close(&stand->planning);
	}
	mock_close(&stand->mock);
	pthread_mutex_destroy(&stand->lock);
	snprintf(command, sizeof command, "rm -r %s", stand->folder);
	return system(command);
}

static const char request[] = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[1]}]}";

static void ask(struct stand *stand, const char *key)
{
	mock_write(&stand->mock, key, request, NULL, NULL);
}

static void ask_also(struct stand *stand, const char *key)
{
	rd_kafka_resp_err_t code = rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_TOPIC("also"), RD_KAFKA_V_PARTITION(0),
						     RD_KAFKA_V_KEY(key, strlen(key)),
						     RD_KAFKA_V_VALUE((void *)(uintptr_t)request, strlen(request)), RD_KAFKA_V_END);
	assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* The next answer. */
static void expect(struct stand *stand, const char *expected)
{
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	char said[ERROR_TEXT_MAX];
	snprintf(said, sizeof said, "%.*s", (int)answer->len, (const char *)answer->payload);
	if (!strstr(said, expected))
		fail_msg("%s does not say %s", said, expected);
}

/* A request under that key, and what it is answered. */
static void expect_answer(struct stand *stand, const char *key, const char *expected)
{
	ask(stand, key);
	expect(stand, expected);
}

/* A request that is taken, and has no answer of its own. */
static void expect_nothing(struct stand *stand, const char *key)
{
	uint64_t before = count_read(&stand->counts.sums.released);
	ask(stand, key);
	for (int waited_ms = 0; waited_ms < MOCK_WAIT_MS && count_read(&stand->counts.sums.released) == before; waited_ms += 10)
		usleep(10000);
	assert_true(count_read(&stand->counts.sums.released) > before);
	assert_null(rd_kafka_consumer_poll(stand->mock.reader, 0));
}

static bool snapshot_stands(const struct stand *stand)
{
	char path[128];
	snprintf(path, sizeof path, "%s/state-0.snapshot", stand->folder);
	return access(path, F_OK) == 0;
}

/* Within the time that anything takes here. */
static bool soon(struct stand *stand, bool (*holds)(const struct stand *stand))
{
	for (int waited_ms = 0; waited_ms < MOCK_WAIT_MS && !holds(stand); waited_ms += 10)
		usleep(10000);
	return holds(stand);
}

static bool snapshot_is_counted(const struct stand *stand)
{
	const struct worker_counts counts = worker_counts(stand->running.worker);
	return counts.snapshots > 0 && counts.snapshots_lost == 0;
}

static bool lost_snapshot_is_counted(const struct stand *stand)
{
	const struct worker_counts counts = worker_counts(stand->running.worker);
	return counts.snapshots_lost > 0 && counts.snapshots == 0;
}

static void a_worker_goes_on_counting_where_the_one_before_it_stopped(void **state)
{
	struct stand *stand = *state;
	stand->config.partition_state.folder = NULL;
	start(stand, counts_keys);
	expect_answer(stand, "a", "[1]");
	expect_answer(stand, "a", "[2]");
	expect_answer(stand, "b", "[1]");
	stop(stand);
	start(stand, counts_keys);
	expect_answer(stand, "a", "[3]");
	expect_answer(stand, "b", "[2]");
	stop(stand);
}

/* Answers of `z` from that count on, until the snapshot stands or there were so many. The last one's count. */
static int count_until_snapshot(struct stand *stand, int count, int most)
{
	for (; count < most && !snapshot_stands(stand); count++) {
		char answer[16];
		snprintf(answer, sizeof answer, "[%d]", count);
		expect_answer(stand, "z", answer);
		usleep(10000); /* it is written with a commit after it */
	}
	return count;
}

static void a_snapshot_is_laid_down_when_enough_has_changed_and_is_read_again(void **state)
{
	struct stand *stand = *state;
	start(stand, counts_keys);
	for (int i = 0; i < 5; i++)
		expect_answer(stand, (const char[]){(char)('a' + i), '\0'}, "[1]");
	(void)count_until_snapshot(stand, 1, 500);
	assert_true(snapshot_stands(stand));
	assert_true(soon(stand, snapshot_is_counted));
	expect_answer(stand, "a", "[2]");
	stop(stand);
	start(stand, counts_keys);
	expect_answer(stand, "a", "[3]");
	expect_answer(stand, "e", "[2]");
	stop(stand);
	assert_string_equal(stand->line, "");
}

#define OFFSET_COMMIT 8 /* the number of the request in Kafka's protocol */
#define COMMITS_REFUSED 1000

static void refuse_commits(struct stand *stand)
{
	rd_kafka_resp_err_t refusals[COMMITS_REFUSED];
	for (size_t i = 0; i < COMMITS_REFUSED; i++)
		refusals[i] = RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE;
	rd_kafka_mock_push_request_errors_array(stand->mock.cluster, OFFSET_COMMIT, COMMITS_REFUSED, refusals);
}

/* Only the group's word says that the partition was this worker's all the while that it was written. */
static void a_snapshot_waits_for_a_commit_that_the_group_has_taken(void **state)
{
	struct stand *stand = *state;
	refuse_commits(stand);
	start(stand, counts_keys);
	for (int i = 0; i < 5; i++)
		expect_answer(stand, (const char[]){(char)('a' + i), '\0'}, "[1]");
	int count = count_until_snapshot(stand, 1, 100);
	assert_false(snapshot_stands(stand));
	rd_kafka_mock_clear_request_errors(stand->mock.cluster, OFFSET_COMMIT);
	(void)count_until_snapshot(stand, count, 500);
	assert_true(snapshot_stands(stand));
	stop(stand);
}

#define FOREIGN 1000 /* records, far more than the worker writes here */

/* Tombstones of a key that nobody has, as of an engine that was replaced. */
static void write_foreign_changes(struct stand *stand)
{
	struct buffer key;
	buffer_open(&key, 100);
	change_write_key(&key, "n", TEXT("foreign"));
	for (int i = 0; i < FOREIGN; i++)
		assert_int_equal(rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_TOPIC("state"), RD_KAFKA_V_PARTITION(0),
						   RD_KAFKA_V_KEY(key.bytes, key.length), RD_KAFKA_V_END),
				 RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_flush(stand->mock.writer, MOCK_WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
	buffer_close(&key);
}

/* In the group's commit of the input. */
static int64_t referred_end(const struct stand *stand)
{
	char changelog[CHANGELOG_NAME_BYTES_MAX];
	struct state_reference reference;
	rd_kafka_conf_t *settings = rd_kafka_conf_new();
	rd_kafka_conf_set(settings, "bootstrap.servers", stand->mock.brokers, NULL, 0);
	rd_kafka_conf_set(settings, "group.id", "test", NULL, 0);
	rd_kafka_t *member = rd_kafka_new(RD_KAFKA_CONSUMER, settings, NULL, 0);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	assert_non_null(member);
	rd_kafka_topic_partition_list_add(list, topics_in[0], 0);
	assert_int_equal(rd_kafka_committed(member, list, MOCK_WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
	const struct text metadata = {list->elems[0].metadata, list->elems[0].metadata_size};
	state_reference_read(commit_mark_strip(metadata), &reference, changelog);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(member);
	assert_int_not_equal(reference.id, 0);
	return reference.end;
}

static struct snapshot_head head_of_snapshot(const struct stand *stand)
{
	const char *const scope_names[] = {"n", IDENTITY_SCOPE};
	struct store *store = store_open((struct store_scopes){2, scope_names}, 1 << 20);
	struct snapshot_head head;
	struct error error = {0};
	assert_non_null(store);
	assert_true(snapshot_file_read(stand->folder, "state", 0, store, &head, &error));
	store_close(store);
	return head;
}

static bool snapshot_of_also_stands(const struct stand *stand)
{
	char path[128];
	snprintf(path, sizeof path, "%s/also.state-0.snapshot", stand->folder);
	return access(path, F_OK) == 0;
}

/* A commit of another stage proves that the worker is alive; it does not refer to this changelog, whose loss is not noticed. */
static void a_snapshot_waits_for_a_commit_that_refers_to_its_changelog(void **state)
{
	static const char *const all_written[] = {"out", "state", "also.state"};
	struct stand *stand = *state;
	struct stage_config stages[2];
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(rd_kafka_mock_topic_create(stand->mock.cluster, i ? "also" : "also.state", 1, 1), 0);
	stand->config.partition_state.snapshot_changes = 1; /* the identity */
	configure(stand, counts_keys);
	read_pipeline(stand, &stand->next_planning, &stages[1], counts_keys);
	stages[0] = stand->stage;
	stages[1].name = "also";
	stages[1].topics = &both_topics[1];
	stages[1].changelog = 2;
	stand->config.consumer.assigned.count = 2;
	stand->config.setup =
		(struct worker_setup){.reads = {2, topics_in}, .writes = {3, all_written}, .stage_count = 2, .stages = stages};
	running_start(&stand->running, &stand->config);
	(void)count_until_snapshot(stand, 1, 500);
	assert_true(snapshot_stands(stand));
	for (int i = 0; i < 20; i++)
		expect_answer(stand, (const char[]){(char)('a' + i), '\0'}, "[1]");
	assert_false(snapshot_of_also_stands(stand));
	for (int i = 0; i < 500 && !snapshot_of_also_stands(stand); i++) {
		ask_also(stand, "a");
		expect(stand, "[");
		usleep(10000);
	}
	assert_true(snapshot_of_also_stands(stand));
	stop(stand);
	planning_close(&stand->next_planning);
}

/* What lies behind it could be lost unnoticed, and what is then written in its place must be read. */
static void a_snapshot_reaches_as_far_as_commits_refer(void **state)
{
	struct stand *stand = *state;
	stand->config.partition_state.snapshot_changes = 10; /* those of the foreign writer come first */
	start(stand, counts_keys);
	expect_answer(stand, "a", "[1]");
	write_foreign_changes(stand);
	for (int i = 1; i < 5; i++)
		expect_answer(stand, (const char[]){(char)('a' + i), '\0'}, "[1]");
	(void)count_until_snapshot(stand, 1, 500);
	assert_true(snapshot_stands(stand));
	stop(stand);
	const int64_t offset = head_of_snapshot(stand).offset, end = referred_end(stand);
	assert_true(end < FOREIGN);
	assert_in_range(offset, 1, end);
}

/* Partitions 0 and 2 are; 1 is good. */
static void all_damaged_changelogs_are_named_at_one_start(void **state)
{
	static const char *const wide_in[] = {"wide"}, *const wide_out[] = {"out", "wide.state"};
	static struct position wide[] = {{0, 0, OFFSET_NONE}, {0, 1, OFFSET_NONE}, {0, 2, OFFSET_NONE}};
	struct stand *stand = *state;
	assert_int_equal(rd_kafka_mock_topic_create(stand->mock.cluster, "wide", 3, 1), 0);
	assert_int_equal(rd_kafka_mock_topic_create(stand->mock.cluster, "wide.state", 3, 1), 0);
	for (int i = 0; i < 3; i += 2)
		assert_int_equal(rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_TOPIC("wide.state"), RD_KAFKA_V_PARTITION(i),
						   RD_KAFKA_V_KEY("rubbish", 7), RD_KAFKA_V_VALUE("rubbish", 7), RD_KAFKA_V_END),
				 RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_flush(stand->mock.writer, MOCK_WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
	configure(stand, counts_keys);
	stand->config.consumer.assigned = (struct positions){3, wide};
	stand->config.setup.reads = (struct topic_list){1, wide_in};
	stand->config.setup.writes = (struct topic_list){2, wide_out};
	running_start(&stand->running, &stand->config);
	running_fail(&stand->running, "the state of 2 partitions cannot be restored; the log names each of them");
	assert_true(stand->damaged[0] && !stand->damaged[1] && stand->damaged[2]);
	planning_close(&stand->planning);
}

static void on_a_full_disk_it_goes_on_without_snapshots_and_says_so(void **state)
{
	struct stand *stand = *state;
	struct rlimit before, small;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	start(stand, counts_keys);
	for (int i = 0; i < 100 && !was_said(stand, "the snapshot of state-0 could not be written"); i++) {
		char count[16];
		snprintf(count, sizeof count, "[%d]", i + 1);
		expect_answer(stand, "a", count);
		expect_answer(stand, "b", count);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(was_said(stand, "the snapshot of state-0 could not be written"));
	assert_false(snapshot_stands(stand));
	assert_true(soon(stand, lost_snapshot_is_counted));
	expect_answer(stand, "c", "[1]");
	stop(stand);
	start(stand, counts_keys);
	expect_answer(stand, "c", "[2]");
	stop(stand);
}

static bool has_followed(const struct stand *stand)
{
	return worker_follows(stand->running.worker) == &stand->next_setup;
}

static void a_changed_pipeline_takes_over_what_its_steps_remember(void **state)
{
	struct stand *stand = *state;
	start(stand, counts_keys);
	expect_answer(stand, "a", "[1]");
	expect_answer(stand, "a", "[2]");
	read_pipeline(stand, &stand->next_planning, &stand->next_stage, counts_twice);
	stand->next_stage.version = 2;
	stand->next_setup = stand->config.setup;
	stand->next_setup.stages = &stand->next_stage;
	worker_reload(stand->running.worker, &stand->next_setup);
	assert_true(soon(stand, has_followed));
	expect_answer(stand, "a", "[1]"); /* of the new step, which counts what it has seen */
	expect_answer(stand, "b", "[1]");
	stop(stand);
	planning_close(&stand->next_planning);
	start(stand, counts_keys);
	expect_answer(stand, "a", "[4]");
	stop(stand);
}

static bool has_taken(const struct stand *stand)
{
	return count_read(&stand->counts.sums.taken) > 0;
}

/* What a stage remembers of a partition is of all its topics: the next stage begins with it when
 * nothing of any of them is under way any more. */
static void a_changed_pipeline_waits_for_what_is_in_flight_of_its_other_topics(void **state)
{
	struct stand *stand = *state;
	assert_int_equal(rd_kafka_mock_topic_create(stand->mock.cluster, "also", 1, 1), 0);
	configure(stand, counts_slowly);
	stand->config.consumer.assigned.count = stand->config.setup.reads.count = stand->stage.topic_count = 2;
	running_start(&stand->running, &stand->config);
	ask_also(stand, "a");
	assert_true(soon(stand, has_taken));
	read_pipeline(stand, &stand->next_planning, &stand->next_stage, counts_keys);
	stand->next_stage.topic_count = 2;
	stand->next_stage.version = 2;
	stand->next_setup = stand->config.setup;
	stand->next_setup.stages = &stand->next_stage;
	worker_reload(stand->running.worker, &stand->next_setup);
	assert_true(soon(stand, has_followed));
	ask(stand, "a");
	expect(stand, "[1]");
	expect(stand, "[2]");
	stop(stand);
	planning_close(&stand->next_planning);
}

/* What it held by the settings of before cannot be told by those of now. */
static void a_window_begins_anew_when_its_settings_have_changed(void **state)
{
	struct stand *stand = *state;
	start(stand, sums_pairs);
	expect_nothing(stand, "a");
	stop(stand);
	start(stand, sums_pairs);
	expect_answer(stand, "a", "[2]");
	expect_nothing(stand, "b");
	stop(stand);
	start(stand, ranks_pairs);
	expect_nothing(stand, "b");
	expect_answer(stand, "b", "[3.0]");
	stop(stand);
}

static void a_message_that_finds_no_room_to_be_remembered_is_answered_with_the_limit(void **state)
{
	struct stand *stand = *state;
	stand->config.partition_state.bytes_max = 100;
	start(stand, counts_keys);
	expect_answer(stand, "a", "cannot keep more state");
	stop(stand);
}

/* Requests whose outcome is counted; it is, a moment after they are released. */
static uint64_t outcomes(const struct stand *stand)
{
	return count_read(&stand->counts.sums.succeeded) + count_read(&stand->counts.sums.failed);
}

/* Keys whose windows are open fill the state. The message that closes one needs no room, and leaves some at once, also while
 * a commit takes seconds. */
static void a_full_state_goes_on_for_the_windows_that_are_open(void **state)
{
	struct stand *stand = *state;
	enum { KEYS_MOST = 1000, COMMIT_MS = 3000 };
	char key[16];
	uint64_t failed = 0;
	stand->config.partition_state.bytes_max = 20000;
	rd_kafka_mock_broker_push_request_error_rtts(stand->mock.cluster, 1, OFFSET_COMMIT, (size_t)1, RD_KAFKA_RESP_ERR_NO_ERROR,
						     COMMIT_MS);
	start(stand, sums_pairs);
	for (int i = 0; i < KEYS_MOST && failed == 0; i++) {
		const uint64_t before = outcomes(stand);
		snprintf(key, sizeof key, "k%d", i);
		ask(stand, key);
		for (int waited_ms = 0; waited_ms < MOCK_WAIT_MS && outcomes(stand) == before; waited_ms++)
			usleep(1000);
		failed = count_read(&stand->counts.sums.failed);
	}
	assert_int_equal(failed, 1);
	expect(stand, "cannot keep more state");
	for (int i = 0; i < 6; i++) {
		snprintf(key, sizeof key, "k%d", i);
		expect_answer(stand, key, "[2]");
		if (i % 2 == 0)
			continue; /* how many windows a key had is kept: two of them leave room for a third */
		snprintf(key, sizeof key, "new%d", i);
		expect_nothing(stand, key);
	}
	expect_answer(stand, "new1", "[2]");
	stop(stand);
}

#define PRODUCE 0 /* Kafka's number of that request */

static const char *denied(const struct stand *stand)
{
	return atomic_load(&stand->counts.denied);
}

static int64_t end_of_changelog(const struct stand *stand)
{
	int64_t low, high;
	assert_int_equal(rd_kafka_query_watermark_offsets(stand->mock.reader, "state", 0, &low, &high, MOCK_WAIT_MS), 0);
	return high;
}

/* Kafka refuses the identity that a restore wrote, and then what asks whether the topic may be written. */
static void a_changelog_that_is_denied_is_not_told(struct stand *stand, const char *id, size_t questions)
{
	int waited_ms = 0;
	configure(stand, counts_keys);
	stand->config.transaction.id = id;
	for (size_t i = 0; i < 1 + questions; i++)
		rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS);
	running_start(&stand->running, &stand->config);
	for (; waited_ms < MOCK_WAIT_MS && !denied(stand); waited_ms++)
		usleep(1000);
	assert_non_null(denied(stand));
	assert_int_equal(end_of_changelog(stand), 0);
	for (; waited_ms < MOCK_WAIT_MS && end_of_changelog(stand) == 0; waited_ms++)
		usleep(1000);
	assert_null(denied(stand));
	expect_answer(stand, "a", "[1]");
	assert_int_equal(running_stop(&stand->running).resets, 1);
	planning_close(&stand->planning);
}

static void a_changelog_that_may_not_be_written_is_written_when_it_may(void **state)
{
	a_changelog_that_is_denied_is_not_told(*state, NULL, 1);
}

/* A transaction that is lost asks for the right of each topic that it may have written. */
static void the_same_exactly_once(void **state)
{
	a_changelog_that_is_denied_is_not_told(*state, "test", 2);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_worker_goes_on_counting_where_the_one_before_it_stopped),
		WITH(a_snapshot_is_laid_down_when_enough_has_changed_and_is_read_again),
		WITH(a_snapshot_waits_for_a_commit_that_the_group_has_taken),
		WITH(a_snapshot_waits_for_a_commit_that_refers_to_its_changelog),
		WITH(a_snapshot_reaches_as_far_as_commits_refer),
		WITH(all_damaged_changelogs_are_named_at_one_start),
		WITH(on_a_full_disk_it_goes_on_without_snapshots_and_says_so),
		WITH(a_changed_pipeline_takes_over_what_its_steps_remember),
		WITH(a_changed_pipeline_waits_for_what_is_in_flight_of_its_other_topics),
		WITH(a_window_begins_anew_when_its_settings_have_changed),
		WITH(a_message_that_finds_no_room_to_be_remembered_is_answered_with_the_limit),
		WITH(a_full_state_goes_on_for_the_windows_that_are_open),
		WITH(a_changelog_that_may_not_be_written_is_written_when_it_may),
		WITH(the_same_exactly_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
