/* simulated_archive.c: Archive of the simulated Kafka: reads changelogs from the simulated Kafka's partitions. Snapshots are kept
 * under the process's name, as files are. See archive.h for its contract.
 */
#include <assert.h>

#include "kafka/state/archive.h"
#include "tools/test/simulated/simulated_world.h"
#include "flow/state/change.h"

#define READ_US (200 * MS) /* a changelog, at most */
#define LAY_US (20 * MS)   /* a piece of a snapshot */
#define PAUSE_US (10 * MS)

/* What goes on under a ticket. */
struct simulated_archive_task {
	struct simulated_archive_task *next;
	struct simulated_archive *archive;
	uint64_t ticket;
	struct archive_place place;
	struct store *store; /* of a restore, until it is reported */
	struct buffer bytes; /* of a snapshot that is being laid down */
	struct snapshot_head head;
	struct positions inputs;	  /* all that wrote it, its input first */
	int64_t committed;		  /* by the group, when that was settled */
	bool any;			  /* of any of the inputs */
	struct state_reference reference; /* the one that reaches furthest */
	int64_t end;			  /* of the changelog, to which it is read at least; OFFSET_NONE: it is not yet read */
	bool forgotten;
};

struct simulated_archive_report {
	struct simulated_archive_report *next;
	struct simulated_archive_task *task;
	struct archive_news news;
};

struct simulated_archive {
	struct archive archive; /* first: the table of operations */
	struct simulated_kafka *kafka;
	struct simulated_client client;
	unsigned closed_sockets; /* not used */
	const struct consumer *consumer;
	struct loop *loop;
	int bell;
	struct simulated_archive_task *tasks;
	struct simulated_archive_report *reports, **reports_end;
};

static struct simulated_archive *archive_of(struct archive *archive)
{
	return (struct simulated_archive *)archive;
}

/* ---- news ---- */

static void simulated_archive_task_end(struct simulated_archive_task *task, const struct archive_news *news)
{
	struct simulated_archive *archive = task->archive;
	struct simulated_archive_report *report = simulated_take(archive->kafka, 1, sizeof *report);
	if (!report)
		return;
	*report = (struct simulated_archive_report){.task = task, .news = *news};
	report->news.ticket = task->ticket;
	*archive->reports_end = report;
	archive->reports_end = &report->next;
	loop_ring(archive->loop, archive->bell);
}

static bool simulated_news(struct archive *self, struct archive_news *news)
{
	struct simulated_archive *archive = archive_of(self);
	struct simulated_archive_report *report = archive->reports;
	while (report && report->task->forgotten)
		report = report->next;
	archive->reports = report ? report->next : NULL;
	if (!archive->reports)
		archive->reports_end = &archive->reports;
	if (!report)
		return false;
	*news = report->news;
	if (news->kind == ARCHIVE_RESTORED)
		report->task->store = NULL; /* the asker's now */
	return true;
}

/* ---- tasks ---- */

/* NULL: there is none any more. */
static struct simulated_archive_task *task_find(struct simulated_archive *archive, uint64_t ticket)
{
	struct simulated_archive_task *task = archive->tasks;
	while (task && (task->ticket != ticket || task->forgotten))
		task = task->next;
	return task;
}

static struct simulated_archive_task *task_make(struct simulated_archive *archive, uint64_t ticket,
						const struct archive_place *place)
{
	struct simulated_archive_task *task = simulated_take(archive->kafka, 1, sizeof *task);
	if (!task)
		return NULL;
	*task = (struct simulated_archive_task){archive->tasks, archive, ticket, *place, .end = OFFSET_NONE};
	buffer_open(&task->bytes, place->bytes_max * 2 + ((size_t)1 << 20));
	archive->tasks = task;
	return task;
}

static void simulated_forget(struct archive *self, uint64_t ticket)
{
	struct simulated_archive_task *task = task_find(archive_of(self), ticket);
	if (!task)
		return;
	task->forgotten = true;
	store_close(task->store);
	task->store = NULL;
	buffer_close(&task->bytes);
}

/* Goes on when the process can; false: it was forgotten, or is to be entered again. */
static bool task_may_go_on(struct simulated_kafka *kafka, struct simulated_archive_task *task,
			   void (*again)(struct simulated_kafka *kafka, void *subject), bool network)
{
	int64_t free_us = simulated_client_free_us(&task->archive->client, network);
	if (free_us > kafka->now_us && !task->forgotten)
		simulated_note(kafka, free_us, again, task);
	return free_us <= kafka->now_us && !task->forgotten;
}

/* ---- bringing back ---- */

static struct simulated_snapshot *snapshot_find(const struct simulated_archive_task *task)
{
	struct simulated_snapshot *snapshot = task->archive->kafka->snapshots;
	while (snapshot &&
	       (strcmp(snapshot->host, task->archive->client.host->name) != 0 ||
		strcmp(snapshot->changelog, task->place.changelog) != 0 || snapshot->partition != task->place.input.partition))
		snapshot = snapshot->next;
	return snapshot;
}

/* As on Kafka, a changelog that ends before the snapshot is another one, and the snapshot is removed. */
static bool snapshot_give_up(struct simulated_archive_task *task, struct simulated_snapshot *snapshot, int64_t *from,
			     struct error *error)
{
	snapshot->bytes = (struct text){0};
	*from = 0;
	store_close(task->store);
	task->store = store_open(task->place.scopes, task->place.bytes_max);
	return task->store || error_memory(error, ERROR_SYSTEM, "bringing back what a stage remembers");
}

/* Its store, and from where the changelog is to be read on. */
static bool snapshot_bring_back(struct simulated_archive_task *task, int64_t *from, struct error *error)
{
	struct simulated_snapshot *snapshot = snapshot_find(task);
	struct snapshot_reader reader = {0};
	*from = 0;
	if (!snapshot || !snapshot->bytes.bytes)
		return true;
	struct text left = snapshot->bytes;
	for (size_t wants; (wants = snapshot_wants(&reader)) > 0;) {
		if (wants > left.length || !snapshot_take(&reader, (struct text){left.bytes, wants}, task->store, error))
			return error_set(error, ERROR_SYSTEM, PLACE_NONE, "a snapshot of the simulated Kafka cannot be read");
		left.bytes += wants;
		left.length -= wants;
	}
	*from = reader.head.offset;
	return *from <= task->end || snapshot_give_up(task, snapshot, from, error);
}

static bool change_bring_back(struct simulated_archive_task *task, const struct simulated_entry *entry, struct error *error)
{
	struct text scope, key, value;
	uint32_t number;
	if (!change_read(entry->key, entry->value, &scope, &key, &value, task->place.pipeline, error))
		return false;
	return !store_scope_find(task->store, scope, &number) || store_restore(task->store, number, key, value, error);
}

/* Compared with what the group's commits say, as on Kafka; here a partition is never late. */
static bool check_identity(struct simulated_archive_task *task, bool from_snapshot, struct state_reference *reference,
			   struct error *error)
{
	char note[ERROR_TEXT_MAX];
	const struct identity_check check = {.pipeline = task->place.pipeline,
					     .changelog = task->place.changelog,
					     .partition = task->place.input.partition,
					     .reference = task->reference,
					     .committed = task->any,
					     .end = task->end,
					     .from_snapshot = from_snapshot,
					     .new_state = task->archive->kafka->config.accepts_loss,
					     .observes = task->place.observes};
	*reference = (struct state_reference){.end = task->end, .changelog = task->place.changelog};
	return identity_settle(task->store, &check, &reference->id, note, error) == IDENTITY_GOOD;
}

static void bring_back(struct simulated_archive_task *task, const struct simulated_partition *partition)
{
	struct archive_news news = {.kind = ARCHIVE_RESTORED, .committed = task->committed};
	const struct simulated_entry *entry;
	int64_t offset;
	bool good = snapshot_bring_back(task, &offset, &news.error), from_snapshot = offset > 0;
	while (good && (entry = simulated_partition_next(partition, &offset)) && offset < task->end) {
		good = change_bring_back(task, entry, &news.error);
		offset++;
	}
	good = good && check_identity(task, from_snapshot, &news.reference, &news.error);
	news.referred = task->reference.id == news.reference.id ? task->reference.end : 0;
	simulated_tell(task->archive->kafka, task->archive->client.host->name, "has brought back %s-%d up to offset %lld, %zu keys",
		       task->place.changelog, task->place.input.partition, (long long)task->end, store_count(task->store));
	news.kind = good ? ARCHIVE_RESTORED : ARCHIVE_FAILED;
	news.store = good ? task->store : NULL;
	simulated_archive_task_end(task, &news);
}

/* What an engine that is gone had begun to commit is waited for. */
static void read_changelog(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_archive_task *task = subject;
	if (!task_may_go_on(kafka, task, read_changelog, true))
		return;
	const struct simulated_topic *topic = simulated_find(kafka, task->place.changelog);
	const struct simulated_partition *partition = &topic->partitions[task->place.input.partition];
	if (task->end == OFFSET_NONE)
		task->end = (int64_t)partition->count;
	if (simulated_partition_end(partition) < task->end) {
		simulated_note(kafka, kafka->now_us + PAUSE_US, read_changelog, task);
		return;
	}
	task->end = simulated_partition_end(partition);
	bring_back(task, partition);
}

static void offsets_settled(struct simulated_request *request, enum simulated_answer answer)
{
	(void)answer;
	struct simulated_archive_task *task = request->owner;
	struct simulated_kafka *kafka = task->archive->kafka;
	task->committed = request->positions.items[0].offset;
	for (size_t i = 0; i < request->positions.count; i++) {
		const struct state_reference *reference = &request->references[i];
		task->any |= request->positions.items[i].offset != OFFSET_NONE;
		if (reference->id != 0 && (task->reference.id == 0 || reference->end > task->reference.end))
			task->reference = *reference;
	}
	simulated_note(kafka, kafka->now_us + random_between(&kafka->random, MS, READ_US), read_changelog, task);
}

static bool inputs_note(struct simulated_archive_task *task)
{
	const struct archive_place *place = &task->place;
	struct position *items = simulated_take(task->archive->kafka, place->topic_count + 1, sizeof *items);
	if (!items)
		return false;
	task->inputs = (struct positions){1, items};
	items[0] = place->input;
	for (size_t i = 0; i < place->topic_count; i++)
		if (place->topics[i] != place->input.topic)
			items[task->inputs.count++] = (struct position){place->topics[i], place->input.partition, OFFSET_NONE};
	return true;
}

static bool simulated_restore(struct archive *self, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	struct simulated_archive *archive = archive_of(self);
	struct simulated_archive_task *task = task_make(archive, ticket, place);
	struct simulated_request *request =
		task ? simulated_request_make(archive->kafka, SIMULATED_READ_OFFSETS, &archive->client) : NULL;
	if (!request || !(task->store = store_open(place->scopes, place->bytes_max)) || !inputs_note(task) ||
	    !simulated_request_positions(archive->kafka, request, task->inputs, archive->consumer))
		return error_memory(error, ERROR_SYSTEM, "bringing back what a stage remembers");
	request->replied = offsets_settled;
	request->owner = task;
	simulated_request_send(archive->kafka, request);
	return true;
}

/* ---- snapshots ---- */

static void is_ready(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_archive_task *task = subject;
	const struct archive_news news = {.kind = ARCHIVE_READY, .head = task->head};
	if (task_may_go_on(kafka, task, is_ready, false))
		simulated_archive_task_end(task, &news);
}

static void is_laid(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_archive_task *task = subject;
	struct simulated_snapshot *snapshot = snapshot_find(task);
	if (!task_may_go_on(kafka, task, is_laid, false))
		return;
	char *bytes = arena_copy(kafka->arena, task->bytes.bytes, task->bytes.length);
	if (!snapshot && (snapshot = simulated_take(kafka, 1, sizeof *snapshot))) {
		*snapshot = (struct simulated_snapshot){.next = kafka->snapshots,
							.host = task->archive->client.host->name,
							.changelog = task->place.changelog,
							.partition = task->place.input.partition};
		kafka->snapshots = snapshot;
	}
	kafka->failed |= !bytes || !snapshot;
	if (!bytes || !snapshot)
		return;
	snapshot->bytes = (struct text){bytes, task->bytes.length};
	simulated_tell(kafka, snapshot->host, "has laid down a snapshot of %s-%d at offset %lld", snapshot->changelog,
		       snapshot->partition, (long long)task->head.offset);
	buffer_close(&task->bytes);
	buffer_open(&task->bytes, 0);
	simulated_archive_task_end(task, &(struct archive_news){.kind = ARCHIVE_KEPT});
}

static void go_on_soon(struct simulated_archive_task *task, void (*then)(struct simulated_kafka *kafka, void *subject))
{
	assert(task); /* what is asked of a snapshot comes behind its begin */
	struct simulated_kafka *kafka = task->archive->kafka;
	simulated_note(kafka, kafka->now_us + random_between(&kafka->random, MS, LAY_US), then, task);
}

static bool simulated_begin(struct archive *self, uint64_t ticket, const struct archive_place *place, int64_t offset,
			    struct error *error)
{
	struct simulated_archive *archive = archive_of(self);
	struct simulated_archive_task *task = task_make(archive, ticket, place);
	if (!task)
		return error_memory(error, ERROR_SYSTEM, "writing a snapshot");
	task->head = (struct snapshot_head){
		.partition = place->input.partition, .offset = offset, .time_ms = loop_time_of_day_ms(archive->loop)};
	memcpy(task->head.topic, place->changelog, strlen(place->changelog) + 1);
	go_on_soon(task, is_ready);
	return true;
}

static bool simulated_write(struct archive *self, uint64_t ticket, const struct archive_place *place, struct buffer *block,
			    struct error *error)
{
	(void)place;
	struct simulated_archive_task *task = task_find(archive_of(self), ticket);
	assert(task);
	buffer_text(&task->bytes, buffer_view(block));
	size_t ceiling_bytes = block->ceiling_bytes;
	buffer_close(block);
	buffer_open(block, ceiling_bytes);
	if (buffer_failed(&task->bytes))
		return error_memory(error, ERROR_SYSTEM, "writing a snapshot");
	go_on_soon(task, is_ready);
	return true;
}

static bool simulated_keep(struct archive *self, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	(void)place;
	(void)error;
	go_on_soon(task_find(archive_of(self), ticket), is_laid);
	return true;
}

/* ---- opening and closing ---- */

static int simulated_bell(const struct archive *self)
{
	return ((const struct simulated_archive *)self)->bell;
}

static void simulated_archive_close(struct archive *self)
{
	struct simulated_archive *archive = archive_of(self);
	archive->client.closed = true;
	for (struct simulated_archive_task *task = archive->tasks; task; task = task->next)
		if (!task->forgotten)
			simulated_forget(self, task->ticket);
}

static const struct archive_operations operations = {
	.close = simulated_archive_close,
	.bell = simulated_bell,
	.news = simulated_news,
	.restore = simulated_restore,
	.forget = simulated_forget,
	.begin = simulated_begin,
	.write = simulated_write,
	.keep = simulated_keep,
};

struct archive *simulated_archive_open(struct simulated_host *host, struct loop *loop, const struct consumer *consumer,
				       struct error *error)
{
	struct simulated_archive *archive = simulated_take(host->kafka, 1, sizeof *archive);
	if (!archive)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening an archive"));
	*archive = (struct simulated_archive){
		.archive = {&operations}, .kafka = host->kafka, .consumer = consumer, .loop = loop, .bell = loop_bell(loop)};
	archive->client = (struct simulated_client){host, false, &archive->closed_sockets};
	archive->reports_end = &archive->reports;
	return &archive->archive;
}
