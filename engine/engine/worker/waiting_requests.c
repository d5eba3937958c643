/* waiting_requests.c: see waiting_requests.h. */
#include "engine/worker/waiting_requests.h"

#include "base/number/moment.h"
#include "compiler/graph/names.h"
#include "engine/worker/parts.h"
#include "engine/outputs/stage_links.h"

#define LOOK_MS 100 /* an outage lasts longer, and thousands of requests are looked at in less than a millisecond */

/* ---- without state ---- */

/* Whether a record to the later stage of that graph has the results that this one needs. */
static bool record_suffices(const struct graph *graph, const struct graph *successor)
{
	for (size_t i = 0; i < successor->count; i++) {
		if (successor->part->sides[i] != STEP_BEFORE)
			continue;
		const size_t step = names_find(graph->names, text_of(successor->steps[i].name));
		if (step == NAME_NONE || graph->part->sides[step] != STEP_BEFORE)
			return false;
	}
	return true;
}

/* The stage in which a request of a replaced one may begin again; NULL: none. */
static struct worker_stage *successor_of(const struct worker *worker, const struct inflight *inflight)
{
	const struct stage_config *config = inflight->stage->config;
	struct worker_stage *successor = inflight->direct ? direct_stage_of(worker, text_of(config->graph->name))
							  : stage_reading(worker, inflight->record.topic);
	if (!successor || successor->phase != STAGE_ACTIVE || !partition_state_is_ready(inflight->queue, successor))
		return NULL;
	const bool suffices = !comes_from_stage(config) || record_suffices(config->graph, successor->config->graph);
	return suffices ? successor : NULL;
}

static bool is_replaced(const struct inflight *inflight)
{
	return inflight && !inflight->finished && inflight->stage->phase != STAGE_ACTIVE;
}

static enum standing standing_of(const struct inflight *inflight)
{
	return flow_standing(inflight->stage->flow, &inflight->message);
}

static bool only_waits(enum standing standing)
{
	return standing == STANDING_UNSENT || standing == STANDING_HELD_UP;
}

static void request_begin_again(struct worker *worker, struct inflight *inflight, struct worker_stage *successor)
{
	struct worker_stage *stage = inflight->stage;
	flow_abandon(stage->flow, &inflight->message);
	worker->dropped_ms = loop_now_ms(worker->loop);
	inflight_begin_again(&worker->queues, inflight, &successor->load);
	stage_count_in_flight(stage, 0);
	inflight->stage = successor;
	if (inflight->direct)
		inflight->record.topic = successor->config->topics[0];
	stage_count_in_flight(successor, 0);
	intake_enter(worker, inflight);
}

/* In their order, so that they call the model in that order. */
static void queue_begin_again(struct worker *worker, const struct partition_queue *queue)
{
	for (uint64_t place = queue->front; place < queue->back; place++) {
		struct inflight *inflight = partition_queue_at(queue, place);
		if (!is_replaced(inflight) || !only_waits(standing_of(inflight)))
			continue;
		struct worker_stage *successor = queue->partition_state ? NULL : successor_of(worker, inflight);
		if (successor)
			request_begin_again(worker, inflight, successor);
		else
			inflight->stage->waits++;
	}
}

/* ---- with state ---- */

/* Whether all messages of the partition wait, and all that left it is committed. */
static bool partition_only_waits(const struct worker *worker, const struct partition_state *partition_state)
{
	enum standing latest = STANDING_NONE;
	if (!partition_state_is_committed(worker, partition_state))
		return false;
	for (size_t i = 0; i < worker->queues.count; i++) {
		const struct partition_queue *queue = worker->queues.items[i];
		for (uint64_t place = queue->front; place < queue->back && queue->partition_state == partition_state; place++) {
			const struct inflight *inflight = partition_queue_at(queue, place);
			const enum standing standing = is_replaced(inflight) ? standing_of(inflight) : STANDING_NONE;
			latest = standing > latest ? standing : latest;
		}
	}
	return only_waits(latest);
}

/* Drops what is in flight of the partition, which is then read again from its last commit. */
static void partition_give_up(struct worker *worker, const struct partition_state *partition_state)
{
	for (size_t i = 0; i < worker->queues.count; i++) {
		struct partition_queue *queue = worker->queues.items[i];
		struct position position = {queue->topic, queue->partition, queue->committed};
		const struct positions only = {1, &position};
		if (queue->partition_state != partition_state || partition_queue_is_empty(queue))
			continue;
		waiting_records_drop(worker, only);
		partition_queues_reset(&worker->queues, only);
		worker->dropped_ms = loop_now_ms(worker->loop);
		queue->skipped = position.offset;
	}
}

static void partitions_give_up(struct worker *worker)
{
	if (worker->outbox.half_left > 0)
		return;
	for (const struct partition_state *partition_state = worker->partition_states.first; partition_state;
	     partition_state = partition_state->next)
		if (partition_state->stage && partition_state->stage->phase != STAGE_ACTIVE &&
		    partition_only_waits(worker, partition_state))
			partition_give_up(worker, partition_state);
}

/* ---- reports ---- */

/* The first model of the stage that is unreachable; NULL: none. */
static const struct model_config *model_away(const struct worker_stage *stage, const char **words)
{
	for (size_t i = 0; i < stage->config->own_model_count; i++)
		if ((*words = caller_away(stage->shared->caller, stage->config->own_models[i].name)))
			return &stage->config->own_models[i];
	return NULL;
}

static void stage_report(struct worker_stage *stage)
{
	const char *words = NULL;
	const struct model_config *model = stage->waits > 0 ? model_away(stage, &words) : NULL;
	const struct model_address *address = model ? &model->addresses.items[0] : NULL;
	char replaced[MOMENT_BYTES];
	struct error why = {0};
	stage_gauge_set(&stage->counts->former, &stage->counted_waits, stage->waits);
	if (stage->waits == 0)
		return;
	moment_print(stage->replaced_ms, replaced);
	if (model)
		error_set(&why, ERROR_REMOTE, PLACE_NONE, "model `%s` at %s of %s, replaced at %s: %s", model->name,
			  address->url ? address->base : address->host, model->version ? model->version : "the former files",
			  replaced, words);
	else
		error_set(&why, ERROR_REMOTE, PLACE_NONE, "their turn in a version that was replaced at %s", replaced);
	last_failure_note(&stage->counts->former_why, &why, NULL);
}

/* ---- once a turn ---- */

void waiting_requests_advance(struct worker *worker)
{
	struct positions changed;
	if (worker->replaced_count == 0 || consumer_change(worker->consumer, &changed) != ASSIGNMENT_SAME)
		return;
	partitions_give_up(worker);
	if (loop_now_ms(worker->loop) < worker->waiting_look_ms)
		return;
	worker->waiting_look_ms = loop_now_ms(worker->loop) + LOOK_MS;
	stages_abandon_dropped(worker); /* of partitions that were given up, and have their successor's state by now */
	for (size_t i = 0; i < worker->queues.count; i++)
		queue_begin_again(worker, worker->queues.items[i]);
	if (worker->direct.queue)
		queue_begin_again(worker, worker->direct.queue);
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next) {
		if (stage->phase != STAGE_ACTIVE)
			stage_report(stage);
		stage_count_in_flight(stage, 0);
		stage->waits = 0;
	}
}

int64_t waiting_requests_due_ms(const struct worker *worker)
{
	return worker->replaced_count > 0 ? worker->waiting_look_ms : INT64_MAX;
}
