/* stage_links.c: see stage_links.h. */
#include "engine/outputs/stage_links.h"

#include "base/memory.h"
#include "kafka/produce/key_for_partition.h"
#include "message/records/stage_link.h"
#include "engine/outputs/answer_record.h"
#include "engine/outputs/choice_links.h"

bool stage_link_take(const struct worker *worker, struct inflight *inflight, struct error *error)
{
	struct message *message = &inflight->message;
	struct stage_link stage_link = {0};
	bool decoded = stage_link_decode(message, inflight->record.value, &stage_link, error);
	if (decoded) {
		inflight->request = stage_link.original;
		inflight->kept_key = stage_link.key;
		inflight->sender = stage_link.from;
		if (inflight->stage->config->graph->part->own_key)
			inflight->record.key = stage_link.key; /* it determines the order of release */
	}
	if (!message->format)
		message->format = &format_oip_json;
	message->deadline_ms = stage_link.deadline_ms;
	message->passed_ms = inflight->record.time_ms;
	message_identify(message);
	message_set_clock(message, worker->loop);
	if (decoded && !choice_links_read(inflight, stage_link.outcomes))
		return error_memory(error, ERROR_LIMIT, "reading what experiments chose in another stage");
	return decoded;
}

static struct text key_wanted(const struct inflight *inflight, size_t next)
{
	static const struct text none;
	const struct graph *graph = inflight->stage->config->graph;
	switch (graph->part->next[next].key) {
	case STAGE_KEY_SAME:
		return inflight->record.key;
	case STAGE_KEY_REQUEST_ID:
		return inflight->message.id;
	case STAGE_KEY_EXPRESSION:
		return inflight->message.carried->keys[next];
	case STAGE_KEY_CLIENT:
		break;
	}
	return graph->spec->order == ORDER_PARTITION ? none : inflight->kept_key;
}

/* The key of a link. The parts of one request must meet, whatever path they take. Without a key they are partitioned
 * by the partition in which the request came. So is everything of the request if a partition is to keep its order. */
static struct text key_for(const struct inflight *inflight, size_t next, char bytes[PARTITION_KEY_BYTES])
{
	struct text key = key_wanted(inflight, next);
	int32_t partition = inflight->message.origin.partition; /* comes from a record of another stage, which any producer may
								 * have written */
	return key.bytes ? key : key_for_partition(partition < 0 ? 0 : partition, bytes);
}

/* Rows that can never leave stop the worker. */
static enum produce_verdict rows_leave(struct outbox *outbox, uint32_t topic, struct error *error)
{
	const enum produce_verdict verdict = slices_leave(&outbox->slices, topic, outbox->output, &outbox->encoded, error);
	if (verdict == PRODUCE_REFUSED)
		outbox->failure = *error;
	return verdict;
}

static enum produce_verdict row_wait(struct outbox *outbox, const struct slices_row *row, struct error *error)
{
	bool failed;
	const enum produce_verdict verdict = slices_add(&outbox->slices, row, outbox->output, &outbox->encoded, &failed, error);
	if (failed)
		outbox->failure = *error;
	return verdict;
}

/* ---- what the stage reads ---- */

#define READS_BEHIND_LEAST 10
#define READS_LOOK_MS 20 /* between two looks where a partition ends that is not behind */

static bool extent_is_behind(const struct partition_queue *queue)
{
	const int64_t left = queue->reached != OFFSET_NONE ? queue->reached : queue->committed;
	return queue->extent.end - (left >= 0 ? left : queue->extent.begin) > READS_BEHIND_LEAST;
}

/* A partition grows: what was behind its end is so still. */
static bool queue_is_behind(const struct worker *worker, struct partition_queue *queue)
{
	const int64_t now_ms = loop_now_ms(worker->loop);
	const bool is_known = queue->extent.end != OFFSET_NONE;
	if (is_known && (extent_is_behind(queue) || now_ms - queue->extent_ms < READS_LOOK_MS))
		return extent_is_behind(queue);
	queue->extent_ms = now_ms;
	if (consumer_extent(worker->consumer, queue->topic, queue->partition, &queue->extent))
		return extent_is_behind(queue);
	queue->extent.end = OFFSET_NONE;
	return true;
}

struct text stage_reads(void *context, const void *stage)
{
	struct worker *worker = context;
	struct buffer *reads = &worker->reads;
	size_t count = 0;
	bool behind = false;
	buffer_clear(reads);
	for (size_t i = 0; worker->consumer->operations->extent && i < worker->queues.count; i++) {
		struct partition_queue *queue = worker->queues.items[i];
		if (queue->topic >= worker->route_count || worker->routes[queue->topic] != stage)
			continue;
		if (++count > SENDER_READS_MAX)
			return (struct text){"", 0};
		const bool is_behind = queue_is_behind(worker, queue);
		behind = behind || is_behind;
		sender_reads_add(reads, queue->partition, is_behind);
	}
	return buffer_failed(reads) || (count == 1 && !behind) ? (struct text){"", 0} : buffer_view(reads);
}

/* ---- to observers, in the order of the partition ---- */

/* A record leaves behind the rows that came before it. */
static enum produce_verdict held_link_leave(struct outbox *outbox, const struct held_link *link, struct error *error)
{
	if (link->is_row)
		return row_wait(outbox, &link->row, error);
	const enum produce_verdict verdict = rows_leave(outbox, link->record.topic, error);
	return verdict == PRODUCED ? output_produce(outbox->output, &link->record, error) : verdict;
}

/* Lets the first that is held leave. Its message has left, so what can never leave stops the worker. */
static enum produce_verdict first_held_leave(struct worker *worker, struct partition_queue *queue, const struct held_link *first,
					     struct error *error)
{
	const enum produce_verdict verdict = held_link_leave(&worker->outbox, first, error);
	if (verdict == PRODUCE_REFUSED) {
		error->kind = ERROR_SYSTEM;
		worker->outbox.failure = *error;
	}
	if (verdict == PRODUCED)
		partition_queue_held_drop(&worker->queues, queue);
	return verdict;
}

enum produce_verdict stage_links_leave_held(struct worker *worker, struct partition_queue *queue, struct error *error)
{
	enum produce_verdict verdict = PRODUCED;
	const struct held_link *first;
	while (verdict == PRODUCED && (first = partition_queue_held(queue, false)))
		verdict = first_held_leave(worker, queue, first, error);
	return verdict;
}

enum produce_verdict stage_links_leave_all_held(struct worker *worker, struct error *error)
{
	enum produce_verdict verdict = PRODUCED;
	for (size_t i = 0; verdict == PRODUCED && worker->queues.held_links_bytes > 0 && i < worker->queues.count; i++)
		verdict = stage_links_leave_held(worker, worker->queues.items[i], error);
	return verdict;
}

#define OVERDUE_TOGETHER 60 /* the part of the limit within which they leave together: a second of a minute */

/* Lets what a queue holds since that time leave before its turn, with all before it. */
static enum produce_verdict overdue_leave(struct worker *worker, struct partition_queue *queue, int64_t since_ms,
					  struct error *error)
{
	enum produce_verdict verdict = PRODUCED;
	const struct held_link *const last = held_links_last_since(&queue->held_links, since_ms), *first = NULL;
	while (verdict == PRODUCED && last && first != last) {
		first = held_links_first(&queue->held_links);
		verdict = first_held_leave(worker, queue, first, error);
		worker->rows_overdue = true;
	}
	return verdict;
}

void stage_links_advance(struct worker *worker)
{
	struct error error = {0};
	struct outbox *outbox = &worker->outbox;
	enum produce_verdict verdict = PRODUCED;
	const int64_t now_ms = loop_now_ms(worker->loop), limit_ms = worker->config->limits.observed_ms;
	if (stage_links_due_ms(worker) > now_ms)
		return;
	/* With those that will be overdue soon: all that are held are looked at, which may be many. */
	const int64_t since_ms = now_ms - limit_ms + limit_ms / OVERDUE_TOGETHER;
	for (size_t i = 0; verdict == PRODUCED && i < worker->queues.count; i++)
		verdict = overdue_leave(worker, worker->queues.items[i], since_ms, &error);
	if (verdict == PRODUCED && worker->rows_overdue) /* no commit may come while the earlier message waits */
		verdict = slices_leave_all(&outbox->slices, outbox->output, &outbox->encoded, &error);
	worker->rows_overdue = worker->rows_overdue && verdict != PRODUCED;
	if (verdict == PRODUCE_FULL)
		produce_retry_soon(worker);
	worker->spoilt = worker->spoilt || verdict == PRODUCE_SPOILT;
	if (verdict == PRODUCE_REFUSED)
		outbox->failure = error;
}

int64_t stage_links_due_ms(const struct worker *worker)
{
	int64_t oldest_ms = INT64_MAX;
	if (!worker_may_produce(worker)) /* what ends this wakes the worker */
		return INT64_MAX;
	if (worker->rows_overdue)
		return loop_now_ms(worker->loop);
	for (size_t i = 0; worker->queues.held_links_bytes > 0 && i < worker->queues.count; i++) {
		const struct held_links *links = &worker->queues.items[i]->held_links;
		if (links->list.first && links->since_ms < oldest_ms)
			oldest_ms = links->since_ms;
	}
	return oldest_ms == INT64_MAX ? INT64_MAX : oldest_ms + worker->config->limits.observed_ms;
}

/* Takes the copy, and holds it. Beyond the limit the first of its queue leave before their turn, and at last the copy. */
static enum produce_verdict link_hold(const struct inflight *inflight, struct held_link *copy, struct error *error)
{
	struct worker *worker = inflight->stage->worker;
	struct partition_queue *queue = inflight->queue;
	enum produce_verdict verdict = PRODUCED;
	const struct held_link *first;
	while (verdict == PRODUCED && worker->queues.held_links_bytes + copy->bytes > HELD_LINKS_BYTES_MAX &&
	       (first = partition_queue_held(queue, true)))
		verdict = first_held_leave(worker, queue, first, error);
	if (verdict == PRODUCED && worker->queues.held_links_bytes + copy->bytes <= HELD_LINKS_BYTES_MAX) {
		partition_queue_hold(&worker->queues, queue, copy, inflight->place, loop_now_ms(worker->loop));
		return PRODUCED;
	}
	if (verdict == PRODUCED)
		verdict = held_link_leave(&worker->outbox, copy, error);
	memory_give(copy);
	return verdict;
}

/* Without memory for a copy, neither waits. */
static enum produce_verdict row_leave(struct outbox *outbox, const struct inflight *inflight, const struct slices_row *row,
				      struct error *error)
{
	struct held_link *copy = inflight_is_ahead(inflight) ? held_link_of_row(row) : NULL;
	return copy ? link_hold(inflight, copy, error) : row_wait(outbox, row, error);
}

static enum produce_verdict observed_record_leave(struct outbox *outbox, const struct inflight *inflight,
						  const struct outgoing *record, struct error *error)
{
	const bool waits = inflight_is_ahead(inflight) && record->value.length <= HELD_RECORD_BYTES_MAX;
	struct held_link *copy = waits ? held_link_of_record(record) : NULL;
	return copy ? link_hold(inflight, copy, error) : output_produce(outbox->output, record, error);
}

static enum produce_verdict stage_link_produce(struct outbox *outbox, struct inflight *inflight, size_t next, struct error *error)
{
	const struct stage_config *config = inflight->stage->config;
	const struct graph_part *part = config->graph->part;
	const struct message *message = &inflight->message;
	const struct graph_next *to = &part->next[next];
	const bool observes = to->observer_count > 0; /* it answers nothing, so it needs no request, and no deadline */
	struct stage_link stage_link = {
		.from = text_of(inflight->from ? inflight->from : part->name),
		.deployment = config->version,
		.original = observes ? (struct text){"", 0} : inflight->request,
		.key = inflight->kept_key,
		.deadline_ms =
			message->deadline_ms && !observes ? message->deadline_ms + loop_began_ms(inflight->stage->worker->loop) : 0,
		.request = to->request || inflight->from,
	};
	char bytes[PARTITION_KEY_BYTES];
	const struct text key = key_for(inflight, next, bytes);
	if (to->slices) {
		struct slice_row row;
		if (!stage_link.request && slice_row_of(message, (uint64_t)1 << next, to->observer_count, &row)) {
			row.requests = to->truths;
			return row_leave(outbox, inflight,
					 &(struct slices_row){.topic = config->next[next],
							      .key = key,
							      .observers = to->observer_names,
							      .message = message,
							      .row = &row,
							      .link = stage_link,
							      .stage = inflight->stage},
					 error);
		}
		const enum produce_verdict verdict =
			inflight_is_ahead(inflight) ? PRODUCED : rows_leave(outbox, config->next[next], error);
		if (verdict != PRODUCED)
			return verdict;
	}
	if (observes && !config->relays && !inflight_is_ahead(inflight)) /* it may be another when a held record leaves */
		stage_link.reads = stage_reads(inflight->stage->worker, inflight->stage);
	if (next == part->onward && !choice_links_write(inflight, &outbox->encoded, &stage_link.outcomes, error))
		return PRODUCE_REFUSED;
	buffer_clear(&outbox->encoded);
	if (!stage_link_encode(message, (uint64_t)1 << next, &stage_link, &outbox->encoded, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {
		.topic = config->next[next],
		.origin = inflight_origin(inflight),
		.key = key,
		.value = buffer_view(&outbox->encoded),
	};
	return observes && !config->relays ? observed_record_leave(outbox, inflight, &outgoing, error)
					   : output_produce(outbox->output, &outgoing, error);
}

enum produce_verdict stage_links_leave(struct outbox *outbox, struct inflight *inflight, struct error *error)
{
	const struct carried *carried = inflight->message.carried;
	const struct graph_part *part = inflight->stage->config->graph->part;
	if (inflight->queue->held_links.list.first) {
		const enum produce_verdict verdict = stage_links_leave_held(inflight->stage->worker, inflight->queue, error);
		if (verdict != PRODUCED)
			return verdict;
	}
	for (size_t i = 0; carried && !inflight->unfit && i < part->next_count; i++) {
		uint64_t bit = (uint64_t)1 << i;
		if (!(carried->next & bit) || inflight->crossed & bit)
			continue;
		enum produce_verdict verdict = stage_link_produce(outbox, inflight, i, error);
		if (verdict != PRODUCED)
			return verdict;
		inflight->crossed |= bit;
	}
	return PRODUCED;
}
