/* release.c: Release of finished messages in their order, and commit of those that have left. */
#include "worker/admission.h"
#include "worker/parts.h"

#define FULL_PAUSE_MS 1	   /* until a full producer queue is tried again */
#define COMMIT_LEAST_MS 10 /* a shorter interval costs more than it gains (librdkafka before 2.12: 20 ms a retry) */
#define COMMIT_MOST_MS 100
#define COMMIT_SHARE 5 /* at most one part in five of the time is used for commits */

/* ---- leaving ---- */

/* Sets the time of the next attempt. Nothing is tried before, because an attempt costs as much as a record that
 * leaves. */
void release_retry_soon(struct worker *worker)
{
	worker->full = true;
	int64_t due_ms = loop_now_ms(worker->loop) + FULL_PAUSE_MS;
	loop_timer_set(worker->loop, &worker->retry_timer, due_ms, &worker->failure);
}

void release_on_retry(void *context)
{
	struct worker *worker = context;
	worker->full = false;
}

static int64_t usual_interval_ms(const struct worker *worker)
{
	if (worker->config->limits.commit_ms > 0)
		return worker->config->limits.commit_ms;
	int64_t interval_ms = output_commit_us(worker->outbox.output) * COMMIT_SHARE / 1000;
	interval_ms = interval_ms < COMMIT_LEAST_MS ? COMMIT_LEAST_MS : interval_ms;
	return interval_ms > COMMIT_MOST_MS ? COMMIT_MOST_MS : interval_ms;
}

void release_begin_interval(struct worker *worker)
{
	const struct worker_limits *limits = &worker->config->limits;
	const int64_t now_ms = loop_now_ms(worker->loop), usual_ms = usual_interval_ms(worker);
	worker->commits_quietly = limits->quiet_commit_ms > usual_ms && !output_has_records(worker->outbox.output);
	int64_t due_ms = now_ms + (worker->commits_quietly ? limits->quiet_commit_ms : usual_ms);
	const int64_t next_ms = worker->outputs_ended_ms + limits->output_commit_ms;
	if (!worker->commits_quietly && worker->outputs_ended_ms > 0 && due_ms < next_ms)
		due_ms = next_ms;
	worker->dirty = true;
	loop_timer_set(worker->loop, &worker->commit_timer, due_ms, &worker->failure);
}

void release(struct worker *worker)
{
	struct inflight *inflight;
	while ((inflight = partition_queues_first_leaving(&worker->queues))) {
		if (worker->spoilt || worker->full || worker->partition_states.telling || !output_is_open(worker->outbox.output))
			return;
		enum produce_verdict verdict = outbox_put(&worker->outbox, inflight);
		if (verdict == PRODUCE_FULL)
			release_retry_soon(worker);
		worker->spoilt = verdict == PRODUCE_SPOILT;
		if (verdict != PRODUCED || !partition_state_release(worker, inflight, &worker->failure))
			return;
		const struct partition_queue *queue = inflight->queue;
		if (inflight->direct) {
			direct_message_leaves(inflight->direct);
			worker->direct.in_flight--;
		}
		if (inflight->skipped) {
			count_set(&inflight->stage->counts->sums.in_flight, inflight->stage->load.in_flight - 1);
		} else {
			inflight_count_out(inflight, worker->loop);
			admission_observe(inflight, worker->loop);
		}
		partition_queues_leave(&worker->queues);
		count_add(&worker->counts.released, 1);
		if (!worker->dirty && (partition_queue_has_released(queue) || direct_port_has_left(worker->direct.port)))
			release_begin_interval(worker);
		if (worker->dirty && worker->commits_quietly && output_has_records(worker->outbox.output))
			release_begin_interval(worker);
	}
}

/* ---- commit ---- */

/* False: not all released results could be produced yet. */
static bool send_left(struct worker *worker)
{
	if (worker->full)
		return false;
	struct error error;
	error.kind = ERROR_NONE;
	enum produce_verdict verdict = worker->spoilt ? PRODUCE_SPOILT : output_send(worker->outbox.output, &error);
	if (verdict == PRODUCE_FULL)
		release_retry_soon(worker);
	worker->spoilt = verdict == PRODUCE_SPOILT;
	return verdict != PRODUCE_FULL;
}

/* Ends the output. Rows that wait for others, and changes of state, are sent first. What the output does not accept now is
 * sent soon. */
bool release_end(struct worker *worker, struct error *error)
{
	struct error refused = {0};
	struct outbox *outbox = &worker->outbox;
	enum produce_verdict verdict =
		worker->spoilt ? PRODUCE_SPOILT : slices_leave_all(&outbox->slices, outbox->output, &outbox->encoded, &refused);
	if (verdict == PRODUCED)
		verdict = partition_states_tell(worker, &refused);
	if (verdict == PRODUCE_FULL) {
		release_retry_soon(worker);
		return true;
	}
	if (verdict == PRODUCE_REFUSED) {
		*error = refused;
		return false;
	}
	worker->spoilt = verdict == PRODUCE_SPOILT;
	if (!send_left(worker))
		return true;
	if (!partition_states_ended(worker, error))
		return false;
	struct positions positions = partition_queues_released(&worker->queues, worker->positions);
	loop_timer_stop(worker->loop, &worker->commit_timer);
	worker->commit_due = false;
	if (!worker->commits_quietly)
		worker->outputs_ended_ms = loop_now_ms(worker->loop);
	direct_port_ended(worker->direct.port);
	return output_end(worker->outbox.output, positions, error);
}

bool release_commit_when_due(struct worker *worker, struct error *error)
{
	bool sent = send_left(worker);
	if (!sent || !output_may_end(worker->outbox.output))
		return true;
	bool drained = worker->drain_until_ms > 0 && worker->queues.load.in_flight == 0;
	bool due = worker->dirty && worker->outbox.half_left == 0 && (worker->commit_due || drained);
	return (!due && !worker->spoilt) || release_end(worker, error);
}

void release_on_commit_due(void *context)
{
	struct worker *worker = context;
	worker->commit_due = true;
}

static bool start_anew(struct worker *worker, struct positions committed, struct error *error)
{
	count_add(&worker->counts.dropped_in_flight, worker->queues.load.in_flight - worker->direct.in_flight);
	direct_port_void(worker->direct.port);
	replies_void(&worker->outbox.replies);
	const char *reason;
	count_set(&worker->counts.resets, output_resets(worker->outbox.output, &reason));
	atomic_store_explicit(&worker->reset_reason, reason, memory_order_relaxed);
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		count_set(&stage->counts->sums.resets, worker->counts.resets);
	worker->outbox.half_left = 0;
	slices_drop(&worker->outbox.slices);
	if (!worker->config->transaction.id)
		partition_queues_recall(&worker->queues, committed);
	intake_drop(worker, committed);
	partition_queues_reset(&worker->queues, committed);
	stages_count_in_flight(worker);
	if (!partition_states_reset(worker, committed, error))
		return false;
	struct positions changed;
	enum assignment_change change = consumer_change(worker->consumer, &changed);
	bool leaving = change == ASSIGNMENT_TAKEN || change == ASSIGNMENT_LOST; /* then this worker does not continue to read */
	return leaving || (intake_go_on(worker, error) && consumer_seek(worker->consumer, committed, error) &&
			   partition_states_pause(worker, error));
}

/* ---- records that Kafka refused after the producer had queued them ---- */

static enum blame blame_of(const struct worker *worker, const struct partition_queue *queue, const struct refusal *refusal)
{
	const struct worker_stage *stage = stage_reading(worker, queue->topic);
	return stage && refusal->topic == stage->config->dead_letters ? BLAME_LETTER : BLAME_ANSWER;
}

/* Handles a refusal. Exactly once, the transaction fails as a whole and all of it is taken again. At least once, only
 * that record is taken again, and its result is then an error. */
static bool take_again(struct worker *worker, const struct refusal *refusal, struct error *error)
{
	struct partition_queue *queue = partition_queues_find(&worker->queues, refusal->origin.topic, refusal->origin.partition);
	bool again = worker->config->transaction.id == NULL;
	if (!queue || !partition_queue_knows(queue, refusal))
		return true; /* the partition is another worker's by now, or was revoked and assigned again: then the record is
			      * taken anyway */
	if (!partition_queue_blame(queue, refusal, blame_of(worker, queue, refusal), again, error))
		return false;
	if (!again)
		return true;
	struct position position = {queue->topic, queue->partition, partition_queue_first_blamed(queue)};
	struct positions positions = {1, &position};
	intake_drop(worker, positions);
	return intake_go_on(worker, error) && consumer_seek(worker->consumer, positions, error);
}

/* Whether the refused record is of a changelog. Without its changelog, a stage would have different state after a
 * restart. */
static bool is_of_changelog(const struct worker *worker, const struct refusal *refusal, struct error *error)
{
	for (const struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage->config->changelog == refusal->topic && flow_scopes(stage->flow).count > 0) {
			error_set(error, ERROR_SYSTEM, PLACE_NONE,
				  "Kafka refuses the state of pipeline %s in the topic %s: %s; raise its max.message.bytes",
				  stage->config->name, worker->setup->writes.names[refusal->topic], refusal->reason);
			return true;
		}
	return false;
}

/* Whether it is of rows of several messages, none of which it can be blamed on. */
static bool is_slice(const struct worker *worker, const struct refusal *refusal, struct error *error)
{
	if (!slices_wrote(&worker->outbox.slices, refusal))
		return false;
	error_set(error, ERROR_SYSTEM, PLACE_NONE,
		  "Kafka refuses rows for an observer in the topic %s: %s; raise its max.message.bytes",
		  worker->setup->writes.names[refusal->topic], refusal->reason);
	return true;
}

static bool worker_take_refusals(struct worker *worker, struct error *error)
{
	struct refusal refusal;
	while (output_refused(worker->outbox.output, &refusal)) {
		count_add(&worker->counts.refused, 1);
		if (is_of_changelog(worker, &refusal, error) || is_slice(worker, &refusal, error))
			return false;
		if (!take_again(worker, &refusal, error))
			return false;
	}
	return true;
}

/* ---- results of commits ---- */

void release_on_news(void *context, uint32_t events)
{
	(void)events;
	struct worker *worker = context;
	struct positions committed;
	struct error error = {0};
	enum transaction_news news = output_news(worker->outbox.output, &committed, &error);
	bool fine = worker_take_refusals(worker, &error);
	switch (fine ? news : NEWS_BROKEN) {
	case NEWS_NONE:
		return;
	case NEWS_STARTED:
		break;
	case NEWS_COMMITTED:
		count_add(&worker->counts.commits, 1);
		replies_committed(worker);
		partition_queues_committed(&worker->queues, committed);
		partition_states_committed(worker, committed);
		direct_port_logged(worker->direct.port);
		break;
	case NEWS_VOID:
		partition_queues_committed(&worker->queues, committed); /* this worker need not commit it any more */
		partition_states_void(&worker->partition_states);
		direct_port_logged(worker->direct.port); /* a batch is over when all of it is acknowledged */
		break;
	case NEWS_RESET:
		fine = start_anew(worker, committed, &error);
		break;
	case NEWS_BROKEN:
		fine = false;
		break;
	}
	worker->spoilt = false;
	worker->dirty = partition_queues_have_released(&worker->queues) || direct_port_has_left(worker->direct.port);
	if (worker->dirty)
		release_begin_interval(worker); /* at least once: results produced while the commit was in progress */
	if (!fine)
		worker->failure = error;
}
