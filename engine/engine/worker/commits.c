/* commits.c: Commit of released messages: what is sent first, its result, and records that Kafka refused meanwhile. */
#include "engine/worker/observer_outage.h"
#include "engine/worker/parts.h"
#include "engine/outputs/stage_links.h"
#include "engine/outputs/write_denial.h"

/* False: not all released results could be produced yet. */
static bool send_left(struct worker *worker)
{
	if (worker->full)
		return false;
	struct error error;
	error.kind = ERROR_NONE;
	enum produce_verdict verdict = worker->spoilt ? PRODUCE_SPOILT : output_send(worker->outbox.output, &error);
	if (verdict == PRODUCE_FULL)
		produce_retry_soon(worker);
	worker->spoilt = verdict == PRODUCE_SPOILT;
	return verdict != PRODUCE_FULL;
}

/* Ends the output. Rows that wait for others, and changes of state, are sent first. What the output does not accept now is
 * sent soon. */
bool commits_begin(struct worker *worker, struct error *error)
{
	struct error refused = {0};
	struct outbox *outbox = &worker->outbox;
	enum produce_verdict verdict = worker->spoilt ? PRODUCE_SPOILT : stage_links_leave_all_held(worker, &refused);
	if (verdict == PRODUCED)
		verdict = slices_leave_all(&outbox->slices, outbox->output, &outbox->encoded, &refused);
	if (verdict == PRODUCED)
		verdict = partition_states_tell(worker, &refused);
	if (verdict == PRODUCE_FULL) {
		produce_retry_soon(worker);
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

bool commits_begin_when_due(struct worker *worker, struct error *error)
{
	bool sent = send_left(worker);
	if (!sent || !output_may_end(worker->outbox.output))
		return true;
	bool drained = worker->drain_until_ms > 0 && worker->queues.load.in_flight == 0;
	bool due = worker->dirty && worker->outbox.half_left == 0 && (worker->commit_due || drained);
	return (!due && !worker->spoilt) || commits_begin(worker, error);
}

static bool start_anew(struct worker *worker, struct positions committed, struct error *error)
{
	count_add(&worker->counts.dropped_in_flight, worker->queues.load.in_flight - worker->direct.in_flight);
	direct_port_void(worker->direct.port);
	replies_void(&worker->outbox.replies);
	count_set(&worker->counts.resets, output_resets(worker->outbox.output, &worker->reset_reason));
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		count_set(&stage->counts->sums.resets, worker->counts.resets);
	worker->outbox.half_left = 0;
	worker->dropped_ms = loop_now_ms(worker->loop);
	slices_drop(&worker->outbox.slices);
	partition_queues_recall(&worker->queues, committed, !worker->config->transaction.id);
	waiting_records_drop(worker, committed);
	partition_queues_reset(&worker->queues, committed);
	if (!partition_states_reset(worker, committed, error))
		return false;
	stages_abandon_dropped(worker);
	stages_count_in_flight(worker);
	struct positions changed;
	enum assignment_change change = consumer_change(worker->consumer, &changed);
	bool leaving = change == ASSIGNMENT_TAKEN || change == ASSIGNMENT_LOST; /* then this worker does not continue to read */
	return leaving || (intake_go_on(worker, error) && consumer_seek(worker->consumer, committed, error) &&
			   partition_states_pause(worker, error));
}

/* ---- records that Kafka refused after the producer had queued them ---- */

/* Whether answers of the stage may carry exposures. */
static bool stage_carries(const struct worker_stage *stage)
{
	const struct graph *graph = stage->config->graph;
	size_t i = 0;
	while (i < graph->reachable_count && !graph->reachable[i]->carried)
		i++;
	return i < graph->reachable_count;
}

/* Exposures are left out before the answer is. At least once, a record that is taken again would count twice in the state of
 * steps, so there its answer becomes an error at once. */
static enum blame blame_of(const struct worker *worker, const struct partition_queue *queue, const struct refusal *refusal)
{
	const struct worker_stage *stage = stage_reading(worker, queue->topic);
	if (stage && refusal->topic == stage->config->dead_letters)
		return BLAME_LETTER;
	const bool may_repeat = stage && (worker->config->transaction.id || flow_scopes(stage->flow).count == 0);
	return may_repeat && refusal->topic == stage->config->answers && stage_carries(stage) &&
			       !partition_queue_is_blamed(queue, refusal, BLAME_EXPOSURES)
		       ? BLAME_EXPOSURES
		       : BLAME_ANSWER;
}

/* Handles a refusal. Exactly once, the transaction fails as a whole and all of it is taken again. At least once, only
 * that record is taken again. Its result is then an error, or the answer without its exposures. */
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
	waiting_records_drop(worker, positions);
	return intake_go_on(worker, error) && consumer_seek(worker->consumer, positions, error);
}

/* The stage whose changelog the refused record is of. NULL: it is of no changelog. */
static const struct worker_stage *stage_of_changelog(const struct worker *worker, const struct refusal *refusal)
{
	const struct worker_stage *stage = worker->stages;
	while (stage && (stage->config->changelog != refusal->topic || flow_scopes(stage->flow).count == 0))
		stage = stage->next;
	return stage;
}

/* Without its changelog, a stage would have different state after a restart. Observers have an outage until the state is written:
 * no answer depends on it. */
static bool changelog_refused(struct worker *worker, const struct worker_stage *stage, const struct refusal *refusal,
			      struct error *error)
{
	error_set(error, ERROR_SYSTEM, PLACE_NONE,
		  "Kafka refuses the state of pipeline %s in the topic %s: %s", stage->config->name,
		  worker->setup->writes.names[refusal->topic], refusal->reason);
	return observer_outage_begin_all(worker, stage, error);
}

/* Whether it is of rows of several messages, none of which it can be blamed on. */
static bool is_slice(const struct worker *worker, const struct refusal *refusal, struct error *error)
{
	if (!slices_wrote(&worker->outbox.slices, refusal))
		return false;
	error_set(error, ERROR_SYSTEM, PLACE_NONE,
		  "Kafka refuses rows for an observer in the topic %s: %s",
		  worker->setup->writes.names[refusal->topic], refusal->reason);
	return true;
}

static bool worker_take_refusals(struct worker *worker, struct error *error)
{
	struct refusal refusal;
	while (output_refused(worker->outbox.output, &refusal)) {
		if (refusal.is_denied) {
			write_denial_note(worker, refusal.topic, refusal.is_gone);
			continue;
		}
		count_add(&worker->counts.refused, 1);
		const struct worker_stage *stage = stage_of_changelog(worker, &refusal);
		if (stage && !changelog_refused(worker, stage, &refusal, error))
			return false;
		if (stage)
			continue;
		if (is_slice(worker, &refusal, error))
			return false;
		if (!take_again(worker, &refusal, error))
			return false;
	}
	return true;
}

/* ---- results of commits ---- */

void commits_on_news(void *context, uint32_t events)
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
		commit_interval_begin(worker); /* at least once: results produced while the commit was in progress */
	if (!fine)
		worker->failure = error;
}
