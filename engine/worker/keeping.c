/* keeping.c: see keeping.h. */
#include "worker/keeping.h"

#include <assert.h>
#include <sys/epoll.h>

#include "base/memory.h"
#include "worker/gathering.h"
#include "worker/parts.h"

#define CHANGES_MOST 20000 /* untold: then a commit is due, so that none is much longer than others */
#define SNAPSHOT_BLOCK_BYTES ((size_t)256 << 10)
#define SNAPSHOT_BUFFER_BYTES ((size_t)64 << 20)

/* ---- one of them ---- */

static void laying_give_up(struct keepings *keepings)
{
	if (keepings->laying && keepings->archive)
		archive_forget(keepings->archive, keepings->laying->ticket);
	keepings->laying = NULL;
}

/* Nothing is kept any more, and what is being brought back is not wanted. */
static void keeping_empty(struct keepings *keepings, struct keeping *keeping)
{
	if (keepings->laying == keeping)
		laying_give_up(keepings);
	else if (keepings->archive && !keeping->store)
		archive_forget(keepings->archive, keeping->ticket);
	gathering_close(keeping->gathering);
	keeping->gathering = NULL;
	line_close(keeping->line);
	store_close(keeping->store);
	keeping->line = NULL;
	keeping->store = NULL;
}

static void on_news(void *context, uint32_t events);

static struct archive *archive_of(struct worker *worker, struct error *error)
{
	struct keepings *keepings = &worker->keepings;
	const struct worker_ground *ground = worker->config->ground ? worker->config->ground : &worker_ground_usual;
	if (keepings->archive)
		return keepings->archive;
	const struct keeping_config *config = &worker->config->keeping;
	keepings->archive_config = (struct archive_config){.brokers = worker->config->consumer.brokers,
							   .properties = worker->config->consumer.properties,
							   .folder = config->folder,
							   .log = config->log};
	keepings->archive = ground->archive_open(ground->context, worker->loop, &keepings->archive_config, worker->consumer, error);
	keepings->watch = (struct watch){.ready = on_news, .context = worker};
	if (keepings->archive && loop_watch(worker->loop, &keepings->watch, archive_bell(keepings->archive), EPOLLIN, error))
		return keepings->archive;
	return NULL;
}

/* The stage's steps, and the changelog's identity. */
static struct scopes scopes_of(struct keepings *keepings, const struct worker_stage *stage)
{
	struct scopes scopes = flow_scopes(stage->flow);
	assert(scopes.count < STORE_SCOPES_MAX);
	memcpy(keepings->scope_names, scopes.names, scopes.count * sizeof *scopes.names);
	keepings->scope_names[scopes.count] = IDENTITY_SCOPE;
	return (struct scopes){scopes.count + 1, keepings->scope_names};
}

static struct archive_place place_of(struct worker *worker, const struct keeping *keeping)
{
	const struct stage_config *config = keeping->stage->config;
	return (struct archive_place){
		.changelog = worker->setup->writes.names[config->changelog],
		.input = keeping->input,
		.topic_count = config->topic_count,
		.topics = config->topics,
		.pipeline = config->graph->name,
		.new_state = name_list_has(worker->config->keeping.new_state, config->graph->name),
		.scopes = scopes_of(&worker->keepings, keeping->stage),
		.bytes_max = worker->config->keeping.bytes_max,
	};
}

static bool keeping_restore(struct worker *worker, struct keeping *keeping, struct error *error)
{
	struct archive *archive = archive_of(worker, error);
	if (!archive)
		return false;
	const struct archive_place place = place_of(worker, keeping);
	keeping->ticket = ++worker->keepings.tickets;
	return archive_restore(archive, keeping->ticket, &place, error);
}

static struct keeping *keeping_find(const struct worker *worker, const struct worker_stage *stage, int32_t partition)
{
	struct keeping *keeping = worker->keepings.first;
	while (keeping && (keeping->stage != stage || keeping->input.partition != partition))
		keeping = keeping->next;
	return keeping;
}

static struct keeping *keeping_make(struct worker *worker, struct worker_stage *stage, const struct lane *lane, struct error *error)
{
	struct keeping *keeping = memory_take(1, sizeof *keeping);
	if (!keeping) {
		error_memory(error, ERROR_SYSTEM, "remembering for a stage");
		return NULL;
	}
	*keeping = (struct keeping){.next = worker->keepings.first,
				    .stage = stage,
				    .input = {lane->topic, lane->partition, OFFSET_NONE},
				    .laid_ms = loop_now_ms(worker->loop)};
	worker->keepings.first = keeping;
	return keeping_restore(worker, keeping, error) ? keeping : NULL;
}

/* ---- partitions ---- */

static bool remembers(const struct worker_stage *stage)
{
	return stage && stage->config->changelog != TOPIC_NOWHERE && flow_scopes(stage->flow).count > 0;
}

bool keeping_is_ready(const struct lane *lane, const struct worker_stage *stage)
{
	if (!remembers(stage))
		return true;
	return lane->keeping && lane->keeping->stage == stage && lane->keeping->store;
}

void keeping_skip(struct lane *lane, int64_t offset)
{
	if (lane->skipped == OFFSET_NONE)
		lane->skipped = offset;
	if (lane->began == OFFSET_NONE)
		lane->began = offset; /* where to go back to while nothing is committed */
}

static bool lane_pause(struct worker *worker, const struct lane *lane, bool paused, struct error *error)
{
	struct position position = {lane->topic, lane->partition, OFFSET_NONE};
	return consumer_pause(worker->consumer, (struct positions){1, &position}, paused, error);
}

/* What commits of that input refer to from now on; NULL: its stage keeps no state. */
static bool refer(struct worker *worker, const struct lane *lane, const struct keeping *keeping, struct error *error)
{
	static const struct state_reference none = {0};
	const struct position input = {lane->topic, lane->partition, OFFSET_NONE};
	return consumer_refer(worker->consumer, &input, keeping ? &keeping->reference : &none, error);
}

static bool lane_give(struct worker *worker, struct lane *lane, struct error *error)
{
	struct worker_stage *stage = stage_reading(worker, lane->topic);
	lane->keeping = NULL;
	if (!remembers(stage))
		return refer(worker, lane, NULL, error);
	lane->keeping = keeping_find(worker, stage, lane->partition);
	if (!lane->keeping)
		lane->keeping = keeping_make(worker, stage, lane, error);
	return lane->keeping != NULL;
}

bool keepings_give(struct worker *worker, struct error *error)
{
	for (size_t i = 0; i < worker->lanes.count; i++)
		if (!worker->lanes.items[i]->keeping && !lane_give(worker, worker->lanes.items[i], error))
			return false;
	return true;
}

bool keepings_pause(struct worker *worker, struct error *error)
{
	for (size_t i = 0; i < worker->lanes.count; i++) {
		const struct lane *lane = worker->lanes.items[i];
		if (!keeping_is_ready(lane, stage_reading(worker, lane->topic)) && !lane_pause(worker, lane, true, error))
			return false;
	}
	return true;
}

static bool is_needed(const struct worker *worker, const struct keeping *keeping)
{
	for (size_t i = 0; i < worker->lanes.count; i++)
		if (worker->lanes.items[i]->keeping == keeping)
			return true;
	return false;
}

void keepings_sweep(struct worker *worker)
{
	struct keeping **at = &worker->keepings.first;
	while (*at) {
		struct keeping *keeping = *at;
		if (is_needed(worker, keeping)) {
			at = &keeping->next;
			continue;
		}
		*at = keeping->next;
		keeping_empty(&worker->keepings, keeping);
		memory_give(keeping);
	}
}

bool keepings_hold(const struct worker *worker, const struct worker_stage *stage)
{
	const struct keeping *keeping = worker->keepings.first;
	while (keeping && keeping->stage != stage)
		keeping = keeping->next;
	return keeping != NULL;
}

void keepings_part(struct worker *worker, const struct worker_stage *stage)
{
	for (struct keeping *keeping = worker->keepings.first; keeping; keeping = keeping->next)
		if (keeping->stage == stage) {
			keeping_empty(&worker->keepings, keeping);
			keeping->stage = NULL;
		}
}

/* ---- the way of a message, and of an end ---- */

bool keeping_release(struct worker *worker, struct flight *flight, struct error *error)
{
	if (!flight->message.writes)
		return true;
	struct store *store = flight->lane->keeping->store;
	if (!store_release(store, flight->message.writes, error))
		return false;
	if (store_changes(store) >= CHANGES_MOST)
		worker->commit_due = true;
	return true;
}

enum produce_verdict keepings_tell(struct worker *worker, struct error *error)
{
	struct keepings *keepings = &worker->keepings;
	keepings->telling = true;
	for (struct keeping *keeping = keepings->first; keeping; keeping = keeping->next) {
		size_t before = keeping->store ? store_changes(keeping->store) : 0;
		if (before == 0)
			continue;
		enum produce_verdict verdict = changelog_tell(keeping->store, &keepings->words, keeping->stage->config->changelog,
							      keeping->input, worker->outbox.output, error);
		size_t told = before - store_changes(keeping->store);
		keeping->told += told;
		keeping->told_open += told;
		if (verdict != PRODUCED)
			return verdict;
	}
	return PRODUCED;
}

bool keepings_ended(struct worker *worker, struct error *error)
{
	worker->keepings.telling = false;
	worker->keepings.ends++;
	for (struct keeping *keeping = worker->keepings.first; keeping; keeping = keeping->next) {
		keeping->reference.end += (int64_t)keeping->told_open;
		keeping->told_ended = keeping->told_open > 0;
		keeping->told_open = 0;
	}
	for (size_t i = 0; i < worker->lanes.count; i++) {
		const struct lane *lane = worker->lanes.items[i];
		if (lane->keeping && !refer(worker, lane, lane->keeping, error))
			return false;
	}
	return true;
}

/* A transaction has a record of Kafka's own at its end, in each partition that it wrote to. */
static void count_ends(struct worker *worker)
{
	for (struct keeping *keeping = worker->keepings.first; keeping; keeping = keeping->next) {
		keeping->reference.end += worker->config->transaction.id && keeping->told_ended;
		keeping->told_ended = false;
	}
}

static bool keep_laying(struct worker *worker, struct error *error)
{
	struct keepings *keepings = &worker->keepings;
	if (!keepings->laying || keepings->laying_stage != LAYING_WRITTEN || keepings->owned < keepings->laid_with)
		return true;
	keepings->laying_stage = LAYING_KEPT;
	const struct archive_place place = place_of(worker, keepings->laying);
	return archive_keep(keepings->archive, keepings->laying->ticket, &place, error);
}

/* An end without offsets holds whoever has the partitions: only one with them says that they are still the worker's. */
void keepings_committed(struct worker *worker, struct positions committed)
{
	struct keepings *keepings = &worker->keepings;
	keepings->commits = keepings->ends;
	count_ends(worker);
	for (size_t i = 0; i < committed.count; i++) {
		const struct position *position = &committed.items[i];
		const struct lane *lane = lanes_find(&worker->lanes, position->topic, position->partition);
		if (position->offset == OFFSET_NONE)
			continue;
		keepings->owned = keepings->ends;
		if (lane && lane->keeping && lane->keeping->gathering)
			(void)gathering_committed(lane->keeping->gathering, position, &worker->failure);
	}
	(void)keep_laying(worker, &worker->failure);
}

/* A snapshot would be older than it says: others go on with its partition. */
void keepings_void(struct keepings *keepings)
{
	keepings->commits = keepings->ends;
	laying_give_up(keepings);
}

static void lane_go_back(struct lane *lane, struct positions committed)
{
	lane->skipped = OFFSET_NONE;
	for (size_t i = 0; i < committed.count; i++)
		if (lane->keeping && committed.items[i].topic == lane->topic && committed.items[i].partition == lane->partition)
			lane->skipped = committed.items[i].offset;
}

bool keepings_reset(struct worker *worker, struct positions committed, struct error *error)
{
	struct keepings *keepings = &worker->keepings;
	keepings->telling = false;
	keepings->commits = keepings->ends;
	for (size_t i = 0; i < worker->lanes.count; i++) {
		struct lane *lane = worker->lanes.items[i];
		if (!keeping_is_ready(lane, stage_reading(worker, lane->topic)) && !lane_pause(worker, lane, false, error))
			return false; /* a place to read from is set for partitions that go on */
		lane_go_back(lane, committed);
	}
	for (struct keeping *keeping = keepings->first; keeping; keeping = keeping->next) {
		keeping_empty(keepings, keeping);
		if (keeping->stage && !keeping_restore(worker, keeping, error))
			return false;
	}
	return true;
}

/* ---- brought back ---- */

static bool lane_go_on(struct worker *worker, struct lane *lane, struct error *error)
{
	struct position position = {lane->topic, lane->partition, lane->skipped};
	struct worker_stage *stage = stage_reading(worker, lane->topic);
	lane->skipped = OFFSET_NONE;
	worker->more = true;
	if (!(stage && stage->paused) && !lane_pause(worker, lane, false, error))
		return false;
	return position.offset == OFFSET_NONE || consumer_seek(worker->consumer, (struct positions){1, &position}, error);
}

/* From where the partition is read on. */
static int64_t begin_of(const struct worker *worker, const struct keeping *keeping, int64_t committed)
{
	const struct lane *lane = lanes_find(&worker->lanes, keeping->input.topic, keeping->input.partition);
	if (lane && lane->skipped != OFFSET_NONE)
		return lane->skipped;
	if (lane && lane->entered != OFFSET_NONE)
		return lane->entered;
	return committed == OFFSET_NONE ? 0 : committed;
}

static bool restored(struct worker *worker, struct keeping *keeping, const struct archive_news *news, struct error *error)
{
	struct store *store = news->store;
	int64_t committed = news->committed;
	keeping->store = store;
	keeping->reference = news->reference;
	keeping->told_open = 0;
	keeping->told_ended = false;
	keeping->told = store_count(store);
	if (store_changes(store) > 0 && !worker->dirty)
		release_begin_interval(worker); /* its identity is told though no request comes */
	keeping->line = line_open(keeping->stage->flow, store, error);
	if (!gathering_open(keeping, begin_of(worker, keeping, committed), committed, error))
		return false;
	struct positions changed;
	enum assignment_change change = consumer_change(worker->consumer, &changed);
	if (!keeping->line || change == ASSIGNMENT_TAKEN || change == ASSIGNMENT_LOST)
		return keeping->line != NULL; /* nobody here reads on */
	for (size_t i = 0; i < worker->lanes.count; i++) {
		struct lane *lane = worker->lanes.items[i];
		bool goes_on = lane->keeping == keeping && keeping_is_ready(lane, stage_reading(worker, lane->topic));
		if (goes_on && !lane_go_on(worker, lane, error))
			return false;
	}
	return true;
}

/* ---- snapshots ---- */

/* Worth it when reading the changelog would take longer than reading the snapshot. */
static bool snapshot_is_due(const struct worker *worker, const struct keeping *keeping)
{
	int64_t since_ms = loop_now_ms(worker->loop) - keeping->laid_ms;
	return keeping->store && keeping->stage && since_ms >= worker->config->keeping.snapshot_ms &&
	       keeping->told >= worker->config->keeping.snapshot_changes && keeping->told >= store_count(keeping->store) / 2;
}

static bool snapshot_begin(struct worker *worker, struct keeping *keeping, struct error *error)
{
	struct keepings *keepings = &worker->keepings;
	const struct archive_place place = place_of(worker, keeping);
	keeping->ticket = ++keepings->tickets;
	keeping->laid_ms = loop_now_ms(worker->loop);
	keeping->told = 0;
	keepings->laying = keeping;
	keepings->writer = (struct snapshot_writer){0};
	keepings->laying_stage = LAYING_BEGUN;
	return archive_begin(keepings->archive, keeping->ticket, &place, error);
}

static bool block_write(struct worker *worker, const struct snapshot_head *head, struct error *error)
{
	struct keepings *keepings = &worker->keepings;
	const struct store *store = keepings->laying->store;
	if (keepings->laying_stage == LAYING_BEGUN)
		snapshot_write_head(&keepings->writer, head, store_scopes(store), &keepings->block);
	bool more = snapshot_write_block(&keepings->writer, store, SNAPSHOT_BLOCK_BYTES, &keepings->block);
	if (buffer_failed(&keepings->block))
		return error_memory(error, ERROR_SYSTEM, "writing a snapshot");
	keepings->laying_stage = more ? LAYING_BLOCKS : LAYING_LAST_BLOCK;
	const struct archive_place place = place_of(worker, keepings->laying);
	return archive_write(keepings->archive, keepings->laying->ticket, &place, &keepings->block, error);
}

static bool snapshot_go_on(struct worker *worker, const struct snapshot_head *head, struct error *error)
{
	struct keepings *keepings = &worker->keepings;
	if (keepings->laying_stage != LAYING_LAST_BLOCK)
		return block_write(worker, head, error);
	/* An end that begins from here on and holds says also that the partition was this
	 * worker's all the while: to another's, the snapshot would be older than it says. */
	keepings->laying_stage = LAYING_WRITTEN;
	keepings->laid_with = keepings->ends + 1;
	return true;
}

/* ---- news ---- */

static struct keeping *keeping_of(const struct keepings *keepings, uint64_t ticket)
{
	struct keeping *keeping = keepings->first;
	while (keeping && keeping->ticket != ticket)
		keeping = keeping->next;
	return keeping;
}

static bool hear(struct worker *worker, struct archive_news *news, struct error *error)
{
	struct keeping *keeping = keeping_of(&worker->keepings, news->ticket);
	if (!keeping) {
		store_close(news->store);
		return true;
	}
	switch (news->kind) {
	case ARCHIVE_RESTORED:
		return restored(worker, keeping, news, error);
	case ARCHIVE_FAILED:
		*error = news->error;
		return false;
	case ARCHIVE_READY:
		return snapshot_go_on(worker, &news->head, error);
	case ARCHIVE_LAID:
	case ARCHIVE_LOST:
		worker->keepings.laying = NULL;
		return true;
	case ARCHIVE_NONE:
		break;
	}
	return true;
}

static void on_news(void *context, uint32_t events)
{
	(void)events;
	struct worker *worker = context;
	struct archive_news news;
	while (archive_news(worker->keepings.archive, &news)) {
		struct error error = {0};
		if (!hear(worker, &news, &error) && worker->failure.kind == ERROR_NONE)
			worker->failure = error;
	}
}

/* ---- once a turn ---- */

static bool all_is_committed(const struct worker *worker)
{
	return !worker->dirty && worker->keepings.commits == worker->keepings.ends;
}

/* Nothing is under way of any topic whose lanes share it, and nothing is to be committed. */
static bool is_at_rest(const struct worker *worker, const struct keeping *keeping)
{
	for (size_t i = 0; i < worker->lanes.count; i++)
		if (worker->lanes.items[i]->keeping == keeping && !lane_is_empty(worker->lanes.items[i]))
			return false;
	return all_is_committed(worker);
}

/* The lane has another stage than the one that its keeping was made for. */
static bool lane_succeed(struct worker *worker, struct lane *lane, struct error *error)
{
	const struct worker_stage *stage = stage_reading(worker, lane->topic);
	bool same = lane->keeping ? lane->keeping->stage == stage : !remembers(stage);
	if (same || (lane->keeping && !is_at_rest(worker, lane->keeping)))
		return true;
	if (!lane_give(worker, lane, error))
		return false;
	keepings_sweep(worker);
	return keeping_is_ready(lane, stage) ? lane_go_on(worker, lane, error) : lane_pause(worker, lane, true, error);
}

bool keepings_advance(struct worker *worker, struct error *error)
{
	struct keepings *keepings = &worker->keepings;
	struct positions changed;
	if (consumer_change(worker->consumer, &changed) != ASSIGNMENT_SAME)
		return true;
	for (size_t i = 0; i < worker->lanes.count; i++)
		if (!lane_succeed(worker, worker->lanes.items[i], error))
			return false;
	if (!keepings->first || keepings->laying || !keepings->archive || !archive_has_snapshots(keepings->archive))
		return true;
	for (struct keeping *keeping = keepings->first; keeping; keeping = keeping->next)
		if (snapshot_is_due(worker, keeping))
			return snapshot_begin(worker, keeping, error);
	return true;
}

/* ---- opening and closing ---- */

void keepings_open(struct keepings *keepings)
{
	changelog_words_open(&keepings->words);
	buffer_open(&keepings->block, SNAPSHOT_BUFFER_BYTES);
}

void keepings_close(struct keepings *keepings)
{
	laying_give_up(keepings);
	while (keepings->first) {
		struct keeping *keeping = keepings->first;
		keepings->first = keeping->next;
		keeping_empty(keepings, keeping);
		memory_give(keeping);
	}
	archive_close(keepings->archive);
	changelog_words_close(&keepings->words);
	buffer_close(&keepings->block);
}
