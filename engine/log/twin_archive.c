/* twin_archive.c: Archive of the simulated Kafka: reads changelogs from the twin's partitions. Snapshots are kept
 * under the process's name, as files are. See archive.h for its contract.
 */
#include <assert.h>

#include "base/memory.h"
#include "log/archive.h"
#include "log/twin_world.h"
#include "state/change.h"

#define READ_US (200 * MS) /* a changelog, at most */
#define LAY_US (20 * MS)   /* a piece of a snapshot */
#define PAUSE_US (10 * MS)

/* What goes on under a ticket. */
struct twin_archive_task {
	struct twin_archive_task *next;
	struct twin_archive *archive;
	uint64_t ticket;
	struct archive_place place;
	struct store *store; /* of a restore, until it is reported */
	struct buffer bytes; /* of a snapshot that is being laid down */
	struct snapshot_head head;
	struct positions inputs; /* all that wrote it, its input first */
	int64_t committed;	 /* by the group, when that was settled */
	bool any;		 /* of any of the inputs */
	struct state_reference reference; /* the one that reaches furthest */
	int64_t end;	   /* of the changelog, when its reading began; OFFSET_NONE: it has not */
	bool forgotten;
};

struct twin_archive_told {
	struct twin_archive_told *next;
	struct twin_archive_task *task;
	struct archive_news news;
};

struct twin_archive {
	struct archive archive; /* first: the table of operations */
	struct twin *twin;
	struct twin_client client;
	unsigned closed_sockets; /* not used */
	const struct consumer *consumer;
	struct loop *loop;
	int bell;
	struct twin_archive_task *tasks;
	struct twin_archive_told *told, **told_end;
};

static struct twin_archive *archive_of(struct archive *archive)
{
	return (struct twin_archive *)archive;
}

/* ---- news ---- */

static void tell(struct twin_archive_task *task, const struct archive_news *news)
{
	struct twin_archive *archive = task->archive;
	struct twin_archive_told *told = twin_take(archive->twin, 1, sizeof *told);
	if (!told)
		return;
	*told = (struct twin_archive_told){.task = task, .news = *news};
	told->news.ticket = task->ticket;
	*archive->told_end = told;
	archive->told_end = &told->next;
	loop_ring(archive->loop, archive->bell);
}

static bool twin_news(struct archive *self, struct archive_news *news)
{
	struct twin_archive *archive = archive_of(self);
	struct twin_archive_told *told = archive->told;
	while (told && told->task->forgotten)
		told = told->next;
	archive->told = told ? told->next : NULL;
	if (!archive->told)
		archive->told_end = &archive->told;
	if (!told)
		return false;
	*news = told->news;
	if (news->kind == ARCHIVE_RESTORED)
		told->task->store = NULL; /* the asker's now */
	return true;
}

/* ---- tasks ---- */

/* NULL: there is none any more. */
static struct twin_archive_task *task_find(struct twin_archive *archive, uint64_t ticket)
{
	struct twin_archive_task *task = archive->tasks;
	while (task && (task->ticket != ticket || task->forgotten))
		task = task->next;
	return task;
}

static struct twin_archive_task *task_make(struct twin_archive *archive, uint64_t ticket, const struct archive_place *place)
{
	struct twin_archive_task *task = twin_take(archive->twin, 1, sizeof *task);
	if (!task)
		return NULL;
	*task = (struct twin_archive_task){archive->tasks, archive, ticket, *place, .end = OFFSET_NONE};
	buffer_open(&task->bytes, place->bytes_max * 2 + ((size_t)1 << 20));
	archive->tasks = task;
	return task;
}

static void twin_forget(struct archive *self, uint64_t ticket)
{
	struct twin_archive_task *task = task_find(archive_of(self), ticket);
	if (!task)
		return;
	task->forgotten = true;
	store_close(task->store);
	task->store = NULL;
	buffer_close(&task->bytes);
}

/* Goes on when the process can; false: it was forgotten, or is to be entered again. */
static bool task_may_go_on(struct twin *twin, struct twin_archive_task *task, void (*again)(struct twin *twin, void *subject),
			   bool network)
{
	int64_t free_us = twin_client_free_us(&task->archive->client, network);
	if (free_us > twin->now_us && !task->forgotten)
		twin_note(twin, free_us, again, task);
	return free_us <= twin->now_us && !task->forgotten;
}

/* ---- bringing back ---- */

static struct twin_snapshot *snapshot_find(const struct twin_archive_task *task)
{
	struct twin_snapshot *snapshot = task->archive->twin->snapshots;
	while (snapshot && (strcmp(snapshot->host, task->archive->client.host->name) != 0 ||
			    strcmp(snapshot->changelog, task->place.changelog) != 0 ||
			    snapshot->partition != task->place.input.partition))
		snapshot = snapshot->next;
	return snapshot;
}

/* Its store, and from where the changelog is to be read on. */
static bool snapshot_bring_back(struct twin_archive_task *task, int64_t *from, struct error *error)
{
	const struct twin_snapshot *snapshot = snapshot_find(task);
	struct snapshot_reader reader = {0};
	*from = 0;
	if (!snapshot)
		return true;
	struct text left = snapshot->bytes;
	for (size_t wants; (wants = snapshot_wants(&reader)) > 0;) {
		if (wants > left.length || !snapshot_take(&reader, (struct text){left.bytes, wants}, task->store, error))
			return error_set(error, ERROR_SYSTEM, PLACE_NONE, "a snapshot of the twin cannot be read");
		left.bytes += wants;
		left.length -= wants;
	}
	*from = reader.head.offset;
	return true;
}

static bool change_bring_back(struct twin_archive_task *task, const struct twin_entry *entry, struct error *error)
{
	struct text scope, key, value;
	uint32_t number;
	if (!change_read(entry->key, entry->value, &scope, &key, &value, error))
		return false;
	return !store_scope_find(task->store, scope, &number) || store_restore(task->store, number, key, value, error);
}

/* Compared with what the group's commits say, as on Kafka; here a partition is never late. */
static bool check_identity(struct twin_archive_task *task, bool from_snapshot, struct state_reference *reference,
			   struct error *error)
{
	char note[ERROR_TEXT_MAX];
	const struct identity_check check = {.pipeline = task->place.pipeline,
					     .changelog = task->place.changelog,
					     .partition = task->place.input.partition,
					     .reference = task->reference,
					     .committed = task->any,
					     .end = task->end,
					     .from_snapshot = from_snapshot};
	*reference = (struct state_reference){.end = task->end, .changelog = task->place.changelog};
	return identity_settle(task->store, &check, &reference->id, note, error) == IDENTITY_GOOD;
}

static void bring_back(struct twin_archive_task *task, const struct twin_partition *partition)
{
	struct archive_news news = {.kind = ARCHIVE_RESTORED, .committed = task->committed};
	const struct twin_entry *entry;
	int64_t offset;
	bool good = snapshot_bring_back(task, &offset, &news.error), from_snapshot = offset > 0;
	while (good && (entry = twin_partition_next(partition, &offset)) && offset < task->end) {
		good = change_bring_back(task, entry, &news.error);
		offset++;
	}
	good = good && check_identity(task, from_snapshot, &news.reference, &news.error);
	twin_tell(task->archive->twin, task->archive->client.host->name, "has brought back %s-%d up to offset %lld, %zu keys",
		  task->place.changelog, task->place.input.partition, (long long)task->end, store_count(task->store));
	news.kind = good ? ARCHIVE_RESTORED : ARCHIVE_FAILED;
	news.store = good ? task->store : NULL;
	tell(task, &news);
}

/* What an engine that is gone had begun to commit is waited for. */
static void read_changelog(struct twin *twin, void *subject)
{
	struct twin_archive_task *task = subject;
	if (!task_may_go_on(twin, task, read_changelog, true))
		return;
	const struct twin_topic *topic = twin_find(twin, task->place.changelog);
	const struct twin_partition *partition = &topic->partitions[task->place.input.partition];
	if (task->end == OFFSET_NONE)
		task->end = (int64_t)partition->count;
	if (twin_partition_end(partition) < task->end)
		twin_note(twin, twin->now_us + PAUSE_US, read_changelog, task);
	else
		bring_back(task, partition);
}

static void offsets_settled(struct twin_request *request, enum twin_answer answer)
{
	(void)answer;
	struct twin_archive_task *task = request->owner;
	struct twin *twin = task->archive->twin;
	task->committed = request->positions.items[0].offset;
	for (size_t i = 0; i < request->positions.count; i++) {
		const struct state_reference *reference = &request->references[i];
		task->any |= request->positions.items[i].offset != OFFSET_NONE;
		if (reference->id != 0 && (task->reference.id == 0 || reference->end > task->reference.end))
			task->reference = *reference;
	}
	twin_note(twin, twin->now_us + random_between(&twin->random, MS, READ_US), read_changelog, task);
}

static bool inputs_note(struct twin_archive_task *task)
{
	const struct archive_place *place = &task->place;
	struct position *items = twin_take(task->archive->twin, place->topic_count + 1, sizeof *items);
	if (!items)
		return false;
	task->inputs = (struct positions){1, items};
	items[0] = place->input;
	for (size_t i = 0; i < place->topic_count; i++)
		if (place->topics[i] != place->input.topic)
			items[task->inputs.count++] = (struct position){place->topics[i], place->input.partition, OFFSET_NONE};
	return true;
}

static bool twin_restore(struct archive *self, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	struct twin_archive *archive = archive_of(self);
	struct twin_archive_task *task = task_make(archive, ticket, place);
	struct twin_request *request = task ? twin_request_make(archive->twin, TWIN_READ_OFFSETS, &archive->client) : NULL;
	if (!request || !(task->store = store_open(place->scopes, place->bytes_max)) || !inputs_note(task) ||
	    !twin_request_positions(archive->twin, request, task->inputs, archive->consumer))
		return error_memory(error, ERROR_SYSTEM, "bringing back what a stage remembers");
	request->replied = offsets_settled;
	request->owner = task;
	twin_request_send(archive->twin, request);
	return true;
}

/* ---- snapshots ---- */

static void is_ready(struct twin *twin, void *subject)
{
	struct twin_archive_task *task = subject;
	const struct archive_news news = {.kind = ARCHIVE_READY, .head = task->head};
	if (task_may_go_on(twin, task, is_ready, false))
		tell(task, &news);
}

static void is_laid(struct twin *twin, void *subject)
{
	struct twin_archive_task *task = subject;
	struct twin_snapshot *snapshot = snapshot_find(task);
	if (!task_may_go_on(twin, task, is_laid, false))
		return;
	char *bytes = arena_copy(twin->arena, task->bytes.bytes, task->bytes.length);
	if (!snapshot && (snapshot = twin_take(twin, 1, sizeof *snapshot))) {
		*snapshot = (struct twin_snapshot){.next = twin->snapshots,
						   .host = task->archive->client.host->name,
						   .changelog = task->place.changelog,
						   .partition = task->place.input.partition};
		twin->snapshots = snapshot;
	}
	twin->failed |= !bytes || !snapshot;
	if (!bytes || !snapshot)
		return;
	snapshot->bytes = (struct text){bytes, task->bytes.length};
	twin_tell(twin, snapshot->host, "has laid down a snapshot of %s-%d at offset %lld", snapshot->changelog,
		  snapshot->partition, (long long)task->head.offset);
	buffer_close(&task->bytes);
	buffer_open(&task->bytes, 0);
	tell(task, &(struct archive_news){.kind = ARCHIVE_LAID});
}

static void go_on_soon(struct twin_archive_task *task, void (*then)(struct twin *twin, void *subject))
{
	assert(task); /* what is asked of a snapshot comes behind its begin */
	struct twin *twin = task->archive->twin;
	twin_note(twin, twin->now_us + random_between(&twin->random, MS, LAY_US), then, task);
}

static bool twin_begin(struct archive *self, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	struct twin_archive *archive = archive_of(self);
	struct twin_archive_task *task = task_make(archive, ticket, place);
	if (!task)
		return error_memory(error, ERROR_SYSTEM, "writing a snapshot");
	const struct twin_topic *topic = twin_find(archive->twin, place->changelog);
	task->head = (struct snapshot_head){.partition = place->input.partition,
					    .offset = (int64_t)topic->partitions[place->input.partition].count,
					    .time_ms = loop_time_of_day_ms(archive->loop)};
	memcpy(task->head.topic, place->changelog, strlen(place->changelog) + 1);
	go_on_soon(task, is_ready);
	return true;
}

static bool twin_write(struct archive *self, uint64_t ticket, const struct archive_place *place, struct buffer *block,
		       struct error *error)
{
	(void)place;
	struct twin_archive_task *task = task_find(archive_of(self), ticket);
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

static bool twin_keep(struct archive *self, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	(void)place;
	(void)error;
	go_on_soon(task_find(archive_of(self), ticket), is_laid);
	return true;
}

/* ---- opening and closing ---- */

static int twin_bell(const struct archive *self)
{
	return ((const struct twin_archive *)self)->bell;
}

static void twin_archive_close(struct archive *self)
{
	struct twin_archive *archive = archive_of(self);
	archive->client.closed = true;
	for (struct twin_archive_task *task = archive->tasks; task; task = task->next)
		if (!task->forgotten)
			twin_forget(self, task->ticket);
}

static const struct archive_operations operations = {
	.close = twin_archive_close,
	.bell = twin_bell,
	.news = twin_news,
	.restore = twin_restore,
	.forget = twin_forget,
	.begin = twin_begin,
	.write = twin_write,
	.keep = twin_keep,
};

struct archive *twin_archive_open(struct twin_host *host, struct loop *loop, const struct consumer *consumer, struct error *error)
{
	struct twin_archive *archive = twin_take(host->twin, 1, sizeof *archive);
	if (!archive) {
		error_memory(error, ERROR_SYSTEM, "opening an archive");
		return NULL;
	}
	*archive = (struct twin_archive){.archive = {&operations},
					 .twin = host->twin,
					 .consumer = consumer,
					 .loop = loop,
					 .bell = loop_bell(loop)};
	archive->client = (struct twin_client){host, false, &archive->closed_sockets};
	archive->told_end = &archive->told;
	return &archive->archive;
}
