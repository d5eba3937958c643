/* partition_state.c: see partition_state.h. */
#include "engine/worker/partition_state.h"

#include <assert.h>
#include <sys/epoll.h>

#include "base/memory.h"
#include "engine/joins/join_state.h"
#include "engine/worker/observer_outage.h"
#include "engine/worker/parts.h"
#include "engine/outputs/time_links.h"

#define CHANGES_MOST 20000 /* not sent yet: then a commit is due, so that no commit takes much longer than others */

/* ---- state of one partition ---- */

static void snapshot_give_up(struct partition_states *partition_states)
{
	snapshot_progress_give_up(&partition_states->snapshot, partition_states->archive);
	partition_states->snapshot_of = NULL;
}

/* Discards the state, and abandons a restore in progress. */
static void partition_state_empty(struct partition_states *partition_states, struct partition_state *partition_state)
{
	if (partition_states->snapshot_of == partition_state)
		snapshot_give_up(partition_states);
	else if (partition_states->archive && !partition_state->store)
		archive_forget(partition_states->archive, partition_state->ticket);
	join_state_close(partition_state->join_state);
	partition_state->join_state = NULL;
	line_close(partition_state->line);
	store_close(partition_state->store);
	partition_state->line = NULL;
	partition_state->store = NULL;
}

static void partition_state_on_news(void *context, uint32_t events);
static void failures_look(void *context);

static struct archive *archive_of(struct worker *worker, struct error *error)
{
	struct partition_states *partition_states = &worker->partition_states;
	const struct worker_platform *platform = worker->config->platform ? worker->config->platform : &worker_platform_usual;
	if (partition_states->archive)
		return partition_states->archive;
	const struct partition_state_config *config = &worker->config->partition_state;
	partition_states->archive_config = (struct archive_config){.brokers = worker->config->consumer.brokers,
								   .properties = worker->config->consumer.properties,
								   .folder = config->folder,
								   .log = config->log};
	partition_states->archive =
		platform->archive_open(platform->context, worker->loop, &partition_states->archive_config, worker->consumer, error);
	partition_states->watch = (struct watch){.ready = partition_state_on_news, .context = worker};
	partition_states->failures_timer = (struct loop_timer){.due = failures_look, .context = worker};
	if (partition_states->archive &&
	    loop_watch(worker->loop, &partition_states->watch, archive_bell(partition_states->archive), EPOLLIN, error))
		return partition_states->archive;
	return NULL;
}

/* The scopes of the stage's steps, and of the changelog's identity. */
static struct store_scopes scopes_of(struct partition_states *partition_states, const struct worker_stage *stage)
{
	struct store_scopes scopes = flow_scopes(stage->flow);
	assert(scopes.count < STORE_SCOPES_MAX);
	memcpy(partition_states->scope_names, scopes.names, scopes.count * sizeof *scopes.names);
	partition_states->scope_names[scopes.count] = IDENTITY_SCOPE;
	return (struct store_scopes){scopes.count + 1, partition_states->scope_names};
}

static struct archive_place place_of(struct worker *worker, const struct partition_state *partition_state)
{
	const struct stage_config *config = partition_state->stage->config;
	return (struct archive_place){
		.changelog = worker->setup->writes.names[config->changelog],
		.input = partition_state->input,
		.topic_count = config->topic_count,
		.topics = config->topics,
		.pipeline = config->graph->name,
		.new_state = name_list_has(worker->config->partition_state.new_state, config->graph->name),
		.versioned = worker->config->partition_state.versioned,
		.observes = config->graph->part && config->graph->part->observes,
		.may_be_out = stage_may_be_out(worker, partition_state->stage),
		.is_tried_again = partition_state->outage.is_out,
		.scopes = scopes_of(&worker->partition_states, partition_state->stage),
		.bytes_max = worker->config->partition_state.bytes_max,
	};
}

static bool partition_state_restore(struct worker *worker, struct partition_state *partition_state, struct error *error)
{
	struct archive *archive = archive_of(worker, error);
	if (!archive)
		return false;
	const struct archive_place place = place_of(worker, partition_state);
	partition_state->ticket = ++worker->partition_states.tickets;
	partition_state->has_failed = false;
	return archive_restore(archive, partition_state->ticket, &place, error);
}

static struct partition_state *partition_state_find(const struct worker *worker, const struct worker_stage *stage,
						    int32_t partition)
{
	struct partition_state *partition_state = worker->partition_states.first;
	while (partition_state && (partition_state->stage != stage || partition_state->input.partition != partition))
		partition_state = partition_state->next;
	return partition_state;
}

static struct partition_state *partition_state_make(struct worker *worker, struct worker_stage *stage,
						    const struct partition_queue *queue, struct error *error)
{
	struct partition_state *partition_state = memory_take(1, sizeof *partition_state);
	if (!partition_state)
		return error_null(error_memory(error, ERROR_SYSTEM, "remembering for a stage"));
	*partition_state = (struct partition_state){.next = worker->partition_states.first,
						    .stage = stage,
						    .input = {queue->topic, queue->partition, OFFSET_NONE},
						    .snapshot_begun_ms = loop_now_ms(worker->loop)};
	worker->partition_states.first = partition_state;
	return partition_state_restore(worker, partition_state, error) ? partition_state : NULL;
}

/* ---- partitions ---- */

static bool partition_state_has_state(const struct worker_stage *stage)
{
	return stage && stage->config->changelog != TOPIC_NOWHERE && flow_scopes(stage->flow).count > 0;
}

bool partition_state_is_ready(const struct partition_queue *queue, const struct worker_stage *stage)
{
	if (!partition_state_has_state(stage))
		return true;
	return queue->partition_state && queue->partition_state->stage == stage && queue->partition_state->store;
}

void partition_state_skip(struct partition_queue *queue, int64_t offset)
{
	assert(offset >= 0);
	if (queue->skipped == OFFSET_NONE)
		queue->skipped = offset;
	if (queue->began == OFFSET_NONE)
		queue->began = offset; /* the offset to return to while nothing is committed */
}

static bool partition_queue_pause(struct worker *worker, const struct partition_queue *queue, bool paused, struct error *error)
{
	struct position position = {queue->topic, queue->partition, OFFSET_NONE};
	return consumer_pause(worker->consumer, (struct positions){1, &position}, paused, error);
}

/* Sets the reference that commits of that input contain from now on; NULL: its stage has no state. */
static bool refer(struct worker *worker, const struct partition_queue *queue, const struct partition_state *partition_state,
		  struct error *error)
{
	static const struct state_reference none = {0};
	const struct position input = {queue->topic, queue->partition, OFFSET_NONE};
	return consumer_refer(worker->consumer, &input, partition_state ? &partition_state->reference : &none, error);
}

static bool partition_queue_give(struct worker *worker, struct partition_queue *queue, struct error *error)
{
	struct worker_stage *stage = stage_reading(worker, queue->topic);
	queue->partition_state = NULL;
	if (!partition_state_has_state(stage))
		return refer(worker, queue, NULL, error);
	queue->partition_state = partition_state_find(worker, stage, queue->partition);
	if (!queue->partition_state)
		queue->partition_state = partition_state_make(worker, stage, queue, error);
	return queue->partition_state != NULL;
}

bool partition_states_give(struct worker *worker, struct error *error)
{
	for (size_t i = 0; i < worker->queues.count; i++)
		if (!worker->queues.items[i]->partition_state && !partition_queue_give(worker, worker->queues.items[i], error))
			return false;
	return true;
}

bool partition_states_pause(struct worker *worker, struct error *error)
{
	for (size_t i = 0; i < worker->queues.count; i++) {
		const struct partition_queue *queue = worker->queues.items[i];
		if (!partition_state_is_ready(queue, stage_reading(worker, queue->topic)) &&
		    !partition_queue_pause(worker, queue, true, error))
			return false;
	}
	return true;
}

static bool is_needed(const struct worker *worker, const struct partition_state *partition_state)
{
	for (size_t i = 0; i < worker->queues.count; i++)
		if (worker->queues.items[i]->partition_state == partition_state)
			return true;
	return false;
}

/* A partition that was revoked takes its last verdicts along; one that a reload gives to another stage does not. */
static void verdicts_leave(const struct worker *worker, const struct partition_state *partition_state)
{
	const struct position *input = &partition_state->input;
	if (partition_state->store && !partition_queues_find(&worker->queues, input->topic, input->partition))
		flow_verdicts_lend(partition_state->stage->flow, partition_state->store);
}

void partition_states_sweep(struct worker *worker)
{
	struct partition_state **at = &worker->partition_states.first;
	while (*at) {
		struct partition_state *partition_state = *at;
		if (is_needed(worker, partition_state)) {
			at = &partition_state->next;
			continue;
		}
		*at = partition_state->next;
		verdicts_leave(worker, partition_state);
		observer_outage_end(worker, partition_state);
		partition_state_empty(&worker->partition_states, partition_state);
		memory_give(partition_state);
	}
}

bool partition_states_hold(const struct worker *worker, const struct worker_stage *stage)
{
	const struct partition_state *partition_state = worker->partition_states.first;
	while (partition_state && partition_state->stage != stage)
		partition_state = partition_state->next;
	return partition_state != NULL;
}

void partition_states_part(struct worker *worker, const struct worker_stage *stage)
{
	for (struct partition_state *partition_state = worker->partition_states.first; partition_state;
	     partition_state = partition_state->next)
		if (partition_state->stage == stage) {
			partition_state_empty(&worker->partition_states, partition_state);
			observer_outage_end(worker, partition_state);
			partition_state->stage = NULL;
		}
}

/* ---- messages and transactions ---- */

bool partition_state_release(struct worker *worker, struct inflight *inflight, struct error *error)
{
	if (!inflight->message.writes)
		return true;
	assert(inflight->queue->partition_state && inflight->queue->partition_state->store);
	struct store *store = inflight->queue->partition_state->store;
	if (!store_release(store, inflight->message.writes, error))
		return false;
	time_wait_look_soon(worker, inflight->queue->partition_state);
	if (store_changes(store) >= CHANGES_MOST)
		worker->commit_due = true;
	return true;
}

/* A stage that waits for a right tells nothing: its changelog may be what is denied. */
static size_t changes_to_tell(const struct partition_state *partition_state)
{
	const bool tells = partition_state->store && partition_state->stage->denied == TOPIC_NOWHERE;
	return tells ? store_changes(partition_state->store) : 0;
}

bool partition_states_have_changes(const struct worker *worker, const struct worker_stage *stage)
{
	const struct partition_state *partition_state = worker->partition_states.first;
	while (partition_state && (partition_state->stage != stage || changes_to_tell(partition_state) == 0))
		partition_state = partition_state->next;
	return partition_state != NULL;
}

enum produce_verdict partition_states_tell(struct worker *worker, struct error *error)
{
	struct partition_states *partition_states = &worker->partition_states;
	partition_states->telling = true;
	for (struct partition_state *partition_state = partition_states->first; partition_state;
	     partition_state = partition_state->next) {
		size_t before = changes_to_tell(partition_state);
		if (before == 0)
			continue;
		enum produce_verdict verdict =
			changelog_tell(partition_state->store, &partition_states->words, partition_state->stage->config->changelog,
				       partition_state->input, worker->outbox.output, error);
		size_t written = before - store_changes(partition_state->store);
		partition_state->written += written;
		partition_state->written_open += written;
		if (verdict != PRODUCED)
			return verdict;
	}
	return PRODUCED;
}

bool partition_states_ended(struct worker *worker, struct error *error)
{
	worker->partition_states.telling = false;
	worker->partition_states.ends++;
	for (struct partition_state *partition_state = worker->partition_states.first; partition_state;
	     partition_state = partition_state->next) {
		partition_state->reference.end += (int64_t)partition_state->written_open;
		partition_state->written_ended = partition_state->written_open > 0;
		partition_state->written_open = 0;
	}
	for (size_t i = 0; i < worker->queues.count; i++) {
		const struct partition_queue *queue = worker->queues.items[i];
		if (queue->partition_state && !refer(worker, queue, queue->partition_state, error))
			return false;
	}
	return true;
}

/* Counts the control record that Kafka adds at the end of a transaction, in each partition that it wrote to. */
static void count_ends(struct worker *worker)
{
	for (struct partition_state *partition_state = worker->partition_states.first; partition_state;
	     partition_state = partition_state->next) {
		partition_state->reference.end += worker->config->transaction.id && partition_state->written_ended;
		partition_state->written_ended = false;
	}
}

static bool keep_snapshot(struct worker *worker, struct error *error)
{
	struct partition_states *partition_states = &worker->partition_states;
	if (!snapshot_progress_is_committed(&partition_states->snapshot, partition_states->owned))
		return true;
	const struct archive_place place = place_of(worker, partition_states->snapshot_of);
	return snapshot_progress_keep(&partition_states->snapshot, partition_states->archive, &place, error);
}

static void input_committed(struct worker *worker, struct partition_state *partition_state, const struct position *input)
{
	partition_state->referred = partition_state->reference.end;
	if (partition_state->join_state)
		(void)join_state_committed(partition_state->join_state, input, &worker->failure);
}

/* A commit without offsets succeeds for any owner of the partitions. Only a commit with offsets proves that they are
 * still the worker's. */
void partition_states_committed(struct worker *worker, struct positions committed)
{
	struct partition_states *partition_states = &worker->partition_states;
	partition_states->commits = partition_states->ends;
	for (size_t i = 0; i < committed.count; i++) {
		const struct position *position = &committed.items[i];
		const struct partition_queue *queue = partition_queues_find(&worker->queues, position->topic, position->partition);
		if (position->offset == OFFSET_NONE)
			continue;
		partition_states->owned = partition_states->ends;
		if (queue && queue->partition_state)
			input_committed(worker, queue->partition_state, position);
	}
	count_ends(worker);
	(void)keep_snapshot(worker, &worker->failure);
}

/* Discards a snapshot in progress: other workers continue with its partition, so it would be older than it claims. */
void partition_states_void(struct partition_states *partition_states)
{
	partition_states->commits = partition_states->ends;
	snapshot_give_up(partition_states);
}

static void partition_queue_go_back(struct partition_queue *queue, struct positions committed)
{
	queue->skipped = OFFSET_NONE;
	for (size_t i = 0; i < committed.count; i++)
		if (queue->partition_state && committed.items[i].topic == queue->topic &&
		    committed.items[i].partition == queue->partition)
			queue->skipped = committed.items[i].offset;
}

bool partition_states_reset(struct worker *worker, struct positions committed, struct error *error)
{
	struct partition_states *partition_states = &worker->partition_states;
	partition_states->telling = false;
	partition_states->commits = partition_states->ends;
	for (size_t i = 0; i < worker->queues.count; i++) {
		struct partition_queue *queue = worker->queues.items[i];
		if (!partition_state_is_ready(queue, stage_reading(worker, queue->topic)) &&
		    !partition_queue_pause(worker, queue, false, error))
			return false; /* seeks are for partitions that continue */
		partition_queue_go_back(queue, committed);
	}
	for (struct partition_state *partition_state = partition_states->first; partition_state;
	     partition_state = partition_state->next) {
		partition_state_empty(partition_states, partition_state);
		if (partition_state->stage && !observer_outage_holds(worker, partition_state) &&
		    !partition_state_restore(worker, partition_state, error))
			return false;
	}
	return true;
}

/* ---- restore ---- */

static bool partition_queue_go_on(struct worker *worker, struct partition_queue *queue, struct error *error)
{
	struct position position = {queue->topic, queue->partition, queue->skipped};
	struct worker_stage *stage = stage_reading(worker, queue->topic);
	queue->skipped = OFFSET_NONE;
	worker->more = true;
	if (!(stage && stage->paused) && !partition_queue_pause(worker, queue, false, error))
		return false;
	return position.offset == OFFSET_NONE || consumer_seek(worker->consumer, (struct positions){1, &position}, error);
}

/* The offset from which the partition is read. */
static int64_t begin_of(const struct worker *worker, const struct partition_state *partition_state, int64_t committed)
{
	const struct partition_queue *queue =
		partition_queues_find(&worker->queues, partition_state->input.topic, partition_state->input.partition);
	if (queue && queue->skipped != OFFSET_NONE)
		return queue->skipped;
	if (queue && queue->entered != OFFSET_NONE)
		return queue->entered;
	return committed == OFFSET_NONE ? 0 : committed;
}

static bool restored(struct worker *worker, struct partition_state *partition_state, const struct archive_news *news,
		     struct error *error)
{
	struct store *store = news->store;
	int64_t committed = news->committed;
	partition_state->store = store;
	observer_outage_over(worker, partition_state);
	partition_state->reference = news->reference;
	partition_state->referred = news->referred;
	partition_state->written_open = 0;
	partition_state->written_ended = false;
	partition_state->written = store_count(store);
	if (changes_to_tell(partition_state) > 0 && !worker->dirty)
		commit_interval_begin(worker); /* its identity is written although there is no request */
	partition_state->time_wait = (struct time_wait){0};
	time_wait_look_soon(worker, partition_state);
	partition_state->line = line_open(partition_state->stage->flow, store, error);
	if (partition_state->line)
		flow_verdicts_show(partition_state->stage->flow, partition_state->line);
	if (!join_state_open(partition_state, begin_of(worker, partition_state, committed), committed, error))
		return false;
	struct positions changed;
	enum assignment_change change = consumer_change(worker->consumer, &changed);
	if (!partition_state->line || change == ASSIGNMENT_TAKEN || change == ASSIGNMENT_LOST)
		return partition_state->line != NULL; /* this worker does not continue to read it */
	for (size_t i = 0; i < worker->queues.count; i++) {
		struct partition_queue *queue = worker->queues.items[i];
		bool goes_on = queue->partition_state == partition_state &&
			       partition_state_is_ready(queue, stage_reading(worker, queue->topic));
		if (goes_on && !partition_queue_go_on(worker, queue, error))
			return false;
	}
	return true;
}

/* ---- snapshots ---- */

static bool snapshot_begin(struct worker *worker, struct partition_state *partition_state, struct error *error)
{
	struct partition_states *partition_states = &worker->partition_states;
	const struct archive_place place = place_of(worker, partition_state);
	partition_state->ticket = ++partition_states->tickets;
	partition_state->snapshot_begun_ms = loop_now_ms(worker->loop);
	partition_state->written = 0;
	partition_states->snapshot_of = partition_state;
	return snapshot_progress_begin(&partition_states->snapshot, partition_states->archive, partition_state->ticket,
				       partition_state->store, &place, partition_state->referred, error);
}

static bool snapshot_go_on(struct worker *worker, const struct snapshot_head *head, struct error *error)
{
	struct partition_states *partition_states = &worker->partition_states;
	const struct archive_place place = place_of(worker, partition_states->snapshot_of);
	return snapshot_progress_go_on(&partition_states->snapshot, partition_states->archive, &place, head, partition_states->ends,
				       error);
}

/* ---- results of the archive ---- */

static struct partition_state *partition_state_of(const struct partition_states *partition_states, uint64_t ticket)
{
	struct partition_state *partition_state = partition_states->first;
	while (partition_state && partition_state->ticket != ticket)
		partition_state = partition_state->next;
	return partition_state;
}

static bool partition_state_handle_news(struct worker *worker, struct archive_news *news, struct error *error)
{
	struct partition_state *partition_state = partition_state_of(&worker->partition_states, news->ticket);
	if (!partition_state) {
		store_close(news->store);
		return true;
	}
	switch (news->kind) {
	case ARCHIVE_RESTORED:
		return restored(worker, partition_state, news, error);
	case ARCHIVE_FAILED:
		if (observer_outage_begin(worker, partition_state, &news->error))
			return true;
		partition_state->has_failed = true;
		restore_failures_take(&worker->partition_states.failures, &news->error, worker->config->partition_state.log,
				      loop_now_ms(worker->loop));
		return true;
	case ARCHIVE_READY:
		return snapshot_go_on(worker, &news->head, error);
	case ARCHIVE_KEPT:
	case ARCHIVE_LOST:
		count_add(news->kind == ARCHIVE_KEPT ? &worker->counts.snapshots : &worker->counts.snapshots_lost, 1);
		snapshot_progress_end(&worker->partition_states.snapshot);
		worker->partition_states.snapshot_of = NULL;
		return true;
	case ARCHIVE_NONE:
		break;
	}
	return true;
}

static bool is_restoring(const struct partition_states *partition_states)
{
	const struct partition_state *partition_state = partition_states->first;
	while (partition_state &&
	       (!partition_state->stage || partition_state->store || partition_state->has_failed || partition_state->outage.is_out))
		partition_state = partition_state->next;
	return partition_state != NULL;
}

/* Ends the worker by the restores that failed, when the others are done with theirs. */
static void failures_look(void *context)
{
	struct worker *worker = context;
	struct partition_states *partition_states = &worker->partition_states;
	const int64_t due_ms = restore_failures_due_ms(&partition_states->failures, is_restoring(partition_states));
	if (worker->failure.kind != ERROR_NONE || due_ms == INT64_MAX)
		return;
	if (due_ms <= loop_now_ms(worker->loop))
		restore_failures_end(&partition_states->failures, worker->config->partition_state.log, &worker->failure);
	else
		(void)loop_timer_set(worker->loop, &partition_states->failures_timer, due_ms, &worker->failure);
}

static void partition_state_on_news(void *context, uint32_t events)
{
	(void)events;
	struct worker *worker = context;
	struct archive_news news;
	while (archive_news(worker->partition_states.archive, &news)) {
		struct error error = {0};
		if (!partition_state_handle_news(worker, &news, &error) && worker->failure.kind == ERROR_NONE)
			worker->failure = error;
	}
	failures_look(worker);
}

/* ---- once a turn ---- */

bool partition_state_is_committed(const struct worker *worker, const struct partition_state *partition_state)
{
	const struct partition_states *partition_states = &worker->partition_states;
	for (size_t i = 0; i < worker->queues.count; i++)
		if (worker->queues.items[i]->partition_state == partition_state &&
		    partition_queue_has_released(worker->queues.items[i]))
			return false;
	return !partition_states->telling && partition_states->commits == partition_states->ends;
}

/* Whether nothing is in flight in the queues that share the state, and nothing is to be committed. */
static bool is_at_rest(const struct worker *worker, const struct partition_state *partition_state)
{
	for (size_t i = 0; i < worker->queues.count; i++)
		if (worker->queues.items[i]->partition_state == partition_state &&
		    !partition_queue_is_empty(worker->queues.items[i]))
			return false;
	return partition_state_is_committed(worker, partition_state);
}

/* Handles a queue whose stage is another one than that for which its state was made. */
static bool partition_queue_succeed(struct worker *worker, struct partition_queue *queue, struct error *error)
{
	const struct worker_stage *stage = stage_reading(worker, queue->topic);
	bool same = queue->partition_state ? queue->partition_state->stage == stage : !partition_state_has_state(stage);
	if (same || (queue->partition_state && !is_at_rest(worker, queue->partition_state)))
		return true;
	if (!partition_queue_give(worker, queue, error))
		return false;
	partition_states_sweep(worker);
	return partition_state_is_ready(queue, stage) ? partition_queue_go_on(worker, queue, error)
						      : partition_queue_pause(worker, queue, true, error);
}

bool partition_states_advance(struct worker *worker, struct error *error)
{
	struct partition_states *partition_states = &worker->partition_states;
	struct positions changed;
	if (consumer_change(worker->consumer, &changed) != ASSIGNMENT_SAME)
		return true;
	for (size_t i = 0; i < worker->queues.count; i++)
		if (!partition_queue_succeed(worker, worker->queues.items[i], error))
			return false;
	for (struct partition_state *partition_state = partition_states->first; partition_state;
	     partition_state = partition_state->next)
		if (observer_outage_is_due(worker, partition_state) && !partition_state_restore(worker, partition_state, error))
			return false;
	if (!partition_states->first || partition_states->snapshot_of || !partition_states->archive ||
	    !archive_has_snapshots(partition_states->archive))
		return true;
	struct partition_state *due =
		snapshot_schedule_due(partition_states, &worker->config->partition_state, loop_now_ms(worker->loop));
	return !due || snapshot_begin(worker, due, error);
}

/* ---- opening and closing ---- */

void partition_states_open(struct partition_states *partition_states)
{
	changelog_words_open(&partition_states->words);
	snapshot_progress_open(&partition_states->snapshot);
}

void partition_states_close(struct partition_states *partition_states)
{
	snapshot_give_up(partition_states);
	while (partition_states->first) {
		struct partition_state *partition_state = partition_states->first;
		partition_states->first = partition_state->next;
		partition_state_empty(partition_states, partition_state);
		memory_give(partition_state);
	}
	restore_failures_close(&partition_states->failures, partition_states->archive_config.log);
	archive_close(partition_states->archive);
	changelog_words_close(&partition_states->words);
	snapshot_progress_close(&partition_states->snapshot);
}
