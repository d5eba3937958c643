/* intake.c: Intake of records: poll -> decode -> enter the stage. Records for a full stage wait, and its partitions
 * are paused; other stages are not affected. */

#include "base/memory.h"
#include "base/number/number.h"
#include "message/records/reply.h"
#include "message/records/trace_context.h"
#include "engine/worker/absence_report.h"
#include "engine/worker/admission.h"
#include "engine/worker/cancellation.h"
#include "engine/joins/external_inputs.h"
#include "engine/joins/join_state.h"
#include "engine/worker/parts.h"
#include "engine/outputs/stage_links.h"
#include "engine/outputs/truth_relay.h"

#define WAITING_MOST TAKE_AT_ONCE /* records that a full stage keeps in hand; beyond them its partitions are paused */
#define WAITING_BYTES_MOST ((size_t)1 << 20)
/* Finished messages that may wait while a transaction ends or the producer is full: as many as fit into the
 * processor's caches. With thousands, each took half as long again, and its own memory. */
#define FINISHED_MOST 500

/* ---- decode ---- */

/* Reads the headers, which override the payload. */
static bool read_headers(struct message *message, struct error *error)
{
	const struct header *id = message_header(message, HEADER_REQUEST_ID);
	if (id)
		message->id = id->value;
	const struct header *deadline = message_header(message, HEADER_DEADLINE);
	if (deadline && !number_read_int64(deadline->value, &message->deadline_ms))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the header " DEADLINE_HEADER " is \"" TEXT_FORMAT "\"; it must be milliseconds since 1970",
				 TEXT_ARGUMENTS(deadline->value));
	return true;
}

static bool value_decode(struct inflight *inflight, struct error *error)
{
	const struct stage_config *config = inflight->stage->config;
	const struct schema_source *schemas = inflight->stage->schemas;
	struct message *message = &inflight->message;
	struct text value = inflight->record.value;
	if (!value.bytes)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the record has no value (a tombstone), and a request has one; send its tensors");
	if (config->graph->mapping)
		return mapped_decode(message, config->graph->mapping, value, schemas, error);
	return message_decode(message, value, schemas, error);
}

static bool inflight_decode(const struct worker *worker, struct inflight *inflight, struct error *error)
{
	struct message *message = &inflight->message;
	const struct record *record = &inflight->record;
	/* A direct request has no place in Kafka. Its number there only spreads what is drawn by the origin. */
	message->origin = (struct origin){.topic = inflight->direct ? TEXT("") : text_of(worker->setup->reads.names[record->topic]),
					  .partition = record->partition,
					  .offset = record->offset};
	if (comes_from_stage(inflight->stage->config))
		return stage_link_take(worker, inflight, error);
	message->time_ms = message->written_ms = record->time_ms;
	message->key = record->key;
	const struct stage_point *point = external_input_point_of(inflight);
	if (point)
		return external_input_take(inflight, point, error);
	bool has_headers = message->headers.count > 0 || record_headers(record, message->arena, &message->headers, error);
	if (has_headers) {
		message_classify_headers(message);
		message_adopt_b3(message);
	}
	bool decoded = has_headers && read_headers(message, error) && value_decode(inflight, error);
	if (!message->format)
		message->format = &format_oip_json; /* its headers could not be read, so the error is in the format that every
						     * caller can read */
	message_identify(message);
	message_set_clock(message, worker->loop);
	return decoded;
}

/* ---- enter ---- */

/* Whether Kafka refused an earlier result of the record. */
static bool is_blamed(struct inflight *inflight, struct error *error)
{
	inflight->unfit = inflight->blame & BLAME_ANSWER;
	if (inflight->unfit)
		error_set_limit(error, LIMIT_OF_ANSWER, "Kafka refused the answer: %s",
				partition_queue_blame_reason(inflight->queue, inflight->record.offset));
	return inflight->unfit;
}

void intake_enter(struct worker *worker, struct inflight *inflight)
{
	struct error error;
	const struct answer answer = {.error = &error};
	error.kind = ERROR_NONE;
	if (inflight->stage->config->relays) {
		truth_relay_take(worker, inflight);
		return;
	}
	if (awaiting_schema_is_ahead(inflight)) {
		awaiting_schema_hold(worker, inflight);
		return;
	}
	bool decoded = inflight_decode(worker, inflight, &error);
	if (!decoded && awaiting_schema_keep(worker, inflight))
		return;
	if (decoded && inflight->from && external_input_passes(worker, inflight))
		return;
	inflight->message.line = inflight->queue->partition_state ? inflight->queue->partition_state->line : NULL;
	if (decoded && inflight->queue->partition_state && inflight->queue->partition_state->join_state) {
		bool enters = false;
		decoded = join_state_take(worker, inflight, &enters, &error);
		if (decoded && !enters)
			return;
	}
	if (decoded && graph_decides(inflight->stage->config->graph))
		decoded = !cancellation_refuses(inflight, &error);
	if (decoded && inflight->message.deadline_ms > 0 && graph_decides(inflight->stage->config->graph))
		decoded = !admission_refuses(inflight, worker->loop, &error);
	if (decoded && !is_blamed(inflight, &error) &&
	    flow_enter(inflight->stage->flow, &inflight->message, loop_now_ms(worker->loop), &error))
		return;
	inflight_finish(&worker->queues, &inflight->message, FLOW_ANSWER, &answer);
	inflight_reply_first(inflight);
}

void intake_on_schema(void *context)
{
	struct worker *worker = context;
	struct inflight *inflight = awaiting_schema_take(worker);
	const struct answer nobody = {0};
	while (inflight) {
		struct inflight *next = inflight->awaiting_schema;
		inflight->awaiting_schema = NULL;
		if (inflight->queue)
			intake_enter(worker, inflight);
		else /* it was dropped meanwhile */
			inflight_finish(&worker->queues, &inflight->message, FLOW_DROPPED, &nobody);
		inflight = next;
	}
	awaiting_schema_say(worker);
	worker->more = true; /* records that waited until our schema had its number */
}

enum logged { LOGGED_FIRST, LOGGED_ANSWERED, LOGGED_UNSURE };

/* Whether this pipeline answered the request before it was logged. Other pipelines, of other groups, may read the same topic: they
 * take it. An arena of NULL: LOGGED_UNSURE where that cannot be told without one. */
static enum logged record_logged(const struct stage_config *config, struct record *record, struct arena *arena)
{
	struct error error;
	struct text value;
	if (!config->mark || comes_from_stage(config) || external_input_point_at(config, record->topic))
		return LOGGED_FIRST;
	if (!record_header_value(record, TEXT(REPLY_ANSWERED_HEADER), arena, &value, &error))
		return arena ? LOGGED_FIRST : LOGGED_UNSURE;
	return value.length > 0 && text_is(value, config->mark) ? LOGGED_ANSWERED : LOGGED_FIRST;
}

/* Ends an in-flight message whose request was answered directly: only its offset counts. */
static void inflight_skip(struct worker *worker, struct inflight *inflight)
{
	const struct answer nothing = {0};
	inflight_finish(&worker->queues, &inflight->message, FLOW_PASSED, &nothing);
}

void intake_begin(struct worker *worker, struct worker_stage *stage, struct inflight *inflight)
{
	inflight->stage = stage;
	inflight->taken_ms = loop_now_ms(worker->loop);
	if (inflight->skipped) {
		inflight_skip(worker, inflight);
	} else {
		count_add(&worker->counts.taken, 1);
		count_add(&stage->counts->sums.taken, 1);
		stage_count_in_flight(stage, 0);
		intake_enter(worker, inflight);
	}
	if (inflight_settle(&worker->queues, inflight, &worker->failure))
		release_finished(worker);
}

static void record_pass_over(struct worker *worker, struct record *record)
{
	record_release(record);
	if (!worker->dirty)
		commit_interval_begin(worker);
}

/* Passes over a request that was answered directly before, where nothing of its partition is in flight: that is each one that an
 * engine itself has logged, so it costs no in-flight message. False: it is to enter. */
static bool record_was_passed(struct worker *worker, struct partition_queue *queue, struct record *record)
{
	if (!worker_may_produce(worker) || !partition_queue_pass(queue, record->offset))
		return false;
	count_add(&worker->counts.released, 1);
	record_pass_over(worker, record);
	return true;
}

/* Enters a record. The message goes as far as it can at once, while it is in the processor's caches. */
static void record_enter(struct worker *worker, struct worker_stage *stage, struct partition_queue *queue, struct record *record)
{
	enum logged logged = record_logged(stage->config, record, NULL);
	if (logged == LOGGED_ANSWERED && record_was_passed(worker, queue, record))
		return;
	struct inflight *inflight = partition_queue_enter(&worker->queues, queue, &stage->load, record, &worker->failure);
	if (!inflight) {
		record_release(record); /* the worker stops */
		return;
	}
	if (logged == LOGGED_UNSURE)
		logged = record_logged(stage->config, &inflight->record, inflight->message.arena);
	inflight->skipped = logged == LOGGED_ANSWERED;
	intake_begin(worker, stage, inflight);
}

/* ---- limits ---- */

/* Whether too many finished messages wait for a commit; they count like in-flight ones. The limit does not apply
 * while a record that Kafka refused must be taken again, because nothing is committed before that. */
static bool waits_for_commit(const struct worker *worker, const struct worker_stage *stage, size_t share)
{
	size_t own = stage->config->limits.held_bytes, all = worker->config->limits.held_bytes / share;
	return stage->load.pending_commit_bytes >= (own > 0 && own < all ? own : all) &&
	       !partition_queues_are_blamed(&worker->queues);
}

bool intake_has_room(const struct worker *worker, const struct worker_stage *stage)
{
	const struct worker_limits *all = &worker->config->limits;
	const struct stage_limits *own = &stage->config->limits;
	const struct load *load = &stage->load;
	size_t share = worker->stage_count > 0 ? worker->stage_count : 1;
	if (stage->denied != TOPIC_NOWHERE || load->work >= STAGE_TURN_WORK)
		return false;
	if ((own->in_flight > 0 && load->in_flight >= own->in_flight) ||
	    (own->held_bytes > 0 && load->held_bytes >= own->held_bytes) || waits_for_commit(worker, stage, share))
		return false;
	return (worker->queues.load.in_flight < all->in_flight || load->in_flight < all->in_flight / share) &&
	       (worker->queues.load.held_bytes < all->held_bytes || load->held_bytes < all->held_bytes / share);
}

static bool takes_records(const struct worker_stage *stage)
{
	return stage->phase != STAGE_CLOSING;
}

/* Whether messages are held back: at the end of a turn all that may leave have left, unless the producer is full. */
static bool is_held_back(const struct worker *worker)
{
	return partition_queues_first_leaving(&worker->queues) || !output_is_open(worker->outbox.output);
}

void intake_begin_turn(struct worker *worker)
{
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next) {
		struct load *load = &stage->load;
		load->work -= load->work < STAGE_TURN_WORK ? load->work : STAGE_TURN_WORK;
	}
}

bool intake_owes(const struct worker *worker)
{
	for (const struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage->load.work >= STAGE_TURN_WORK)
			return true;
	return false;
}

bool intake_may_take(const struct worker *worker)
{
	struct positions changed;
	if (worker->drain_until_ms > 0 || consumer_change(worker->consumer, &changed) != ASSIGNMENT_SAME)
		return false;
	if (worker->registry && !registry_is_ready(worker->registry))
		return false;
	if (worker->queues.finished >= FINISHED_MOST && is_held_back(worker))
		return false;
	bool reads = false;
	for (const struct worker_stage *stage = worker->stages; stage; stage = stage->next) {
		if (takes_records(stage) && stage->waiting.count == 0 && intake_has_room(worker, stage))
			return true;
		reads = reads || takes_records(stage);
	}
	/* Without a stage that reads, the consumer still takes part in a rebalance that began before it unsubscribed. */
	return !reads;
}

/* ---- pausing ---- */

static bool stage_pause(struct worker *worker, struct worker_stage *stage, bool paused, struct error *error)
{
	struct positions positions = {.items = worker->positions};
	for (size_t i = 0; i < worker->queues.count; i++) {
		const struct partition_queue *queue = worker->queues.items[i];
		if (stage_reading(worker, queue->topic) == stage && (paused || partition_state_is_ready(queue, stage)))
			positions.items[positions.count++] = (struct position){queue->topic, queue->partition, OFFSET_NONE};
	}
	stage->paused = paused;
	if (paused)
		count_add(&stage->counts->sums.pauses, 1);
	return positions.count == 0 || consumer_pause(worker->consumer, positions, paused, error);
}

bool intake_pause_again(struct worker *worker, struct error *error)
{
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage->paused && !stage_pause(worker, stage, true, error))
			return false;
	return true;
}

/* Resumes partitions after a seek. They pause again if they must. */
bool intake_go_on(struct worker *worker, struct error *error)
{
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage->paused && !stage_pause(worker, stage, false, error))
			return false;
	return true;
}

/* Pauses the partitions of full stages. A single stage needs no pause: it simply gets no more records. */
static bool pause_full(struct worker *worker, struct error *error)
{
	if (worker->stage_count + worker->replaced_count < 2)
		return true;
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next) {
		const struct waiting_records *waiting = &stage->waiting;
		if (stage->paused || (waiting->count < WAITING_MOST && waiting->bytes < WAITING_BYTES_MOST))
			continue;
		if (!stage_pause(worker, stage, true, error))
			return false;
	}
	return true;
}

/* Skips a record. `queue` NULL: its partition is gone. */
static void record_skip(struct partition_queue *queue, struct record *record)
{
	if (queue)
		partition_state_skip(queue, record->offset);
	record_release(record);
}

/* Enters records in hand. When the stage is full again, the rest stays in hand. */
static bool stage_resume(struct worker *worker, struct worker_stage *stage, struct error *error)
{
	struct record *record;
	struct worker_stage *taker = stage;
	while ((record = waiting_records_first(&stage->waiting)) &&
	       intake_has_room(worker, taker = stage_phase_taker(worker, stage, record))) {
		struct partition_queue *queue = partition_queues_find(&worker->queues, record->topic, record->partition);
		struct record taken = *record;
		waiting_records_drop_first(&stage->waiting);
		if (queue && partition_state_is_ready(queue, taker))
			record_enter(worker, taker, queue, &taken);
		else
			record_skip(queue, &taken);
	}
	if (!stage->paused || stage->waiting.count > 0 || !intake_has_room(worker, stage))
		return true;
	worker->more = true;
	return stage_pause(worker, stage, false, error);
}

bool intake_resume(struct worker *worker, struct error *error)
{
	struct positions changed;
	if (worker->drain_until_ms > 0 || consumer_change(worker->consumer, &changed) != ASSIGNMENT_SAME)
		return true;
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (takes_records(stage) && (stage->paused || stage->waiting.count > 0) && !stage_resume(worker, stage, error))
			return false;
	return true;
}

/* Passes each record in hand to the stage that reads its topic now, or leaves it to a later reader. */
static void pass_on(struct worker *worker, struct worker_stage *replaced)
{
	struct waiting_records waiting = replaced->waiting;
	bool paused = replaced->paused;
	replaced->waiting = (struct waiting_records){0};
	replaced->paused = false;
	for (size_t i = 0; i < replaced->config->topic_count; i++) {
		struct worker_stage *successor = stage_reading(worker, replaced->config->topics[i]);
		if (successor && paused)
			successor->paused = true;
	}
	for (size_t i = 0; i < waiting.count; i++) {
		struct record *record = &waiting.items[waiting.first + i];
		struct worker_stage *successor = stage_reading(worker, record->topic);
		if (!successor || !waiting_records_add(successor, record))
			record_skip(partition_queues_find(&worker->queues, record->topic, record->partition), record);
	}
	memory_give(waiting.items);
}

void intake_pass_on(struct worker *worker)
{
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage->phase != STAGE_ACTIVE)
			pass_on(worker, stage);
}

/* ---- poll ---- */

/* False: it was not taken, or another record of that offset was, of a topic that was created again. */
static bool record_was_taken(struct worker *worker, struct partition_queue *queue, const struct record *record)
{
	struct position position = {record->topic, record->partition, OFFSET_NONE};
	if (!partition_queue_has_taken(queue, record->offset))
		return false;
	if (!partition_queue_begin_again(queue, record->offset))
		return true;
	waiting_records_drop(worker, (struct positions){1, &position});
	return false;
}

/* Passes a record to the stage that reads its topic. */
static void record_route(struct worker *worker, struct partition_queue *queue, struct record *record)
{
	struct worker_stage *stage = queue ? stage_reading(worker, record->topic) : NULL;
	struct worker_stage *taker = stage ? stage_phase_taker(worker, stage, record) : NULL;
	if (!queue || record_was_taken(worker, queue, record))
		record_release(record); /* of a revoked partition; or one read again because of another record */
	else if (!stage)
		record_skip(queue, record); /* its pipeline was removed, and may return before the partition is given up */
	else if (!partition_state_is_ready(queue, taker))
		record_skip(queue, record);
	else if (partition_queue_was_answered(queue, record->offset))
		record_pass_over(worker, record);
	else if (stage->waiting.count == 0 && intake_has_room(worker, taker))
		record_enter(worker, taker, queue, record);
	else if (!waiting_records_add(stage, record))
		record_release(record);
}

/* Reads on from where the partition stood: librdkafka has gone to its beginning, where one begins of which nothing was committed.
 * Records that came meanwhile from before are dropped, as taken. */
static bool partition_go_back(struct worker *worker, struct partition_queue *queue, const struct gap *gap, struct error *error)
{
	if (queue->entered == OFFSET_NONE)
		queue->entered = gap->committed == OFFSET_UNKNOWN ? gap->from : gap->committed;
	struct position position = {gap->topic, gap->partition, queue->entered};
	return queue->entered == OFFSET_NONE || consumer_seek(worker->consumer, (struct positions){1, &position}, error);
}

/* Counts skipped records for the stage that would have taken them; `onGap: stop` ends the engine. */
static bool gaps_count(struct worker *worker, struct error *error)
{
	struct gap gap;
	while (consumer_gap(worker->consumer, &gap)) {
		const struct worker_stage *stage = stage_reading(worker, gap.topic);
		struct partition_queue *queue = partition_queues_find(&worker->queues, gap.topic, gap.partition);
		if (queue && gap.to == OFFSET_NONE && !partition_go_back(worker, queue, &gap, error))
			return false;
		if (gap.to == OFFSET_NONE)
			continue;
		if (queue && !gap.remade && gap.to < gap.from)
			partition_queue_expect_beginning(queue);
		if (!stage)
			continue;
		count_add(&stage->counts->sums.skipped, gap_count(&gap));
		if (stage->config->gap_stops)
			return error_set(error, ERROR_SYSTEM, PLACE_NONE,
					 "records of %s-%d from offset %lld on were %s, and pipeline %s has onGap: stop. "
					 "Restore them, set the group's offset to where it should continue, or write onGap: "
					 "continue, and start again",
					 worker->setup->reads.names[gap.topic], (int)gap.partition, (long long)gap.from,
					 gap.remade ? "not read, because the topic was created again while it was read"
						    : "deleted before they were read",
					 stage->config->name);
	}
	return true;
}

bool intake_take(struct worker *worker, struct error *error)
{
	if (!intake_may_take(worker)) {
		consumer_stay(worker->consumer);
		return true;
	}
	size_t count;
	if (!consumer_take(worker->consumer, worker->records, TAKE_AT_ONCE, &count, error))
		return false;
	worker->more = count > 0;
	absence_report(worker);
	if (!gaps_count(worker, error)) {
		while (count > 0)
			record_release(&worker->records[--count]);
		return false;
	}
	struct partition_queue *queue = NULL;
	for (size_t i = 0; i < count; i++) {
		struct record *record = &worker->records[i];
		if (!queue || queue->partition != record->partition || queue->topic != record->topic)
			queue = partition_queues_find(&worker->queues, record->topic, record->partition);
		record_route(worker, queue, record);
	}
	return pause_full(worker, error);
}
