/* setup_changes.c: Changes of a worker's setup, as a reload makes them: stages open and close, and topics lead to others. Called
 * between messages, while no end of the output is in progress. See parts.h. */
#include <assert.h>

#include "base/memory.h"
#include "engine/worker/parts.h"
#include "engine/outputs/write_denial.h"

/* ---- stages ---- */

static bool open_new(struct worker *worker, const struct worker_setup *setup, struct error *error)
{
	worker->stage_count = setup->stage_count;
	for (size_t i = 0; i < setup->stage_count; i++) {
		if (stage_phase_has(worker, &setup->stages[i]))
			continue;
		const struct stage_config *config = &setup->stages[i];
		bool announces = worker->registry && config->answers != TOPIC_NOWHERE;
		if (announces && !registry_announce(worker->registry, setup->writes.names[config->answers], error))
			return false;
		struct worker_stage *stage = stage_open(worker, config, error);
		if (!stage)
			return false;
		write_denial_pass_on(setup, stage);
		stage->next = worker->stages;
		worker->stages = stage;
	}
	return true;
}

static bool draw_routes(struct worker *worker, const struct worker_setup *setup, struct error *error)
{
	struct worker_stage **routes = memory_take(setup->reads.count + 1, sizeof(struct worker_stage *));
	if (!routes)
		return error_memory(error, ERROR_SYSTEM, "opening stages");
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		for (size_t i = 0; i < stage->config->topic_count && stage->phase == STAGE_ACTIVE; i++) {
			assert(stage->config->topics[i] < setup->reads.count);
			routes[stage->config->topics[i]] = stage;
		}
	/* A topic that no stage of the new setup reads is read to its end. */
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		for (size_t i = 0; stage->phase == STAGE_DRAINING && i < stage->config->topic_count; i++)
			if (!routes[stage->config->topics[i]])
				routes[stage->config->topics[i]] = stage;
	memory_give(worker->routes);
	worker->routes = routes;
	worker->route_count = setup->reads.count;
	return true;
}

static bool setup_follow_stages(struct worker *worker, const struct worker_setup *setup, struct error *error)
{
	stage_phase_begin(worker, setup);
	if (!open_new(worker, setup, error) || !draw_routes(worker, setup, error))
		return false;
	intake_pass_on(worker);
	assignment_order_lanes(worker);
	worker->setup = worker->outbox.setup = setup;
	direct_intake_follow(worker);
	atomic_store(&worker->followed, setup);
	return true;
}

/* ---- topics ---- */

static bool setup_follow_taps(struct worker *worker, const struct worker_setup *setup, struct error *error)
{
	struct outbox *outbox = &worker->outbox;
	if (setup->taps.count == 0)
		return true;
	const struct best_effort_config config = {.brokers = worker->config->transaction.brokers,
					   .queue_bytes = worker->config->limits.tap_bytes,
					   .batches = worker->config->transaction.batches,
					   .properties = worker->config->transaction.properties,
					   .lost = &worker->counts.taps_lost,
					   .loop = worker->loop};
	const struct worker_platform *platform = worker->config->platform ? worker->config->platform : &worker_platform_usual;
	if (!outbox->side && !(outbox->side = platform->best_effort_open(platform->context, &config, error)))
		return false;
	return best_effort_topics(outbox->side, setup->taps.names, setup->taps.count, error);
}

static bool setup_follow_reads(struct worker *worker, const struct worker_setup *setup, struct worker_stage *const *before,
			 size_t before_count, struct error *error)
{
	bool *read = memory_take(setup->reads.count + 1, sizeof(bool));
	if (!read)
		return error_memory(error, ERROR_SYSTEM, "changing the topics that are read");
	bool changed = false;
	for (size_t i = 0; i < setup->reads.count; i++) {
		read[i] = worker->routes[i] != NULL;
		changed = changed || read[i] != (i < before_count && before[i] != NULL);
	}
	const struct consumer_topics topics = {setup->reads.names, setup->reads.count, read};
	if (changed)
		atomic_store(&worker->has_partitions, false);
	bool good = !changed || consumer_follow(worker->consumer, &topics, error);
	memory_give(read);
	return good;
}

/* ---- setups ---- */

bool setup_open(struct worker *worker, struct error *error)
{
	const struct worker_setup *setup = &worker->config->setup;
	return setup_follow_taps(worker, setup, error) && setup_follow_stages(worker, setup, error);
}

/* Applies a new setup: topics may lead to other stages, and some may not be read any more. */
static bool lead_anew(struct worker *worker, struct error *error)
{
	struct worker_stage **before = worker->routes;
	size_t before_count = worker->route_count;
	worker->routes = NULL; /* draw_routes() makes new ones */
	bool good = draw_routes(worker, worker->setup, error) &&
		    setup_follow_reads(worker, worker->setup, before, before_count, error);
	memory_give(before);
	return good;
}

/* Reads a topic again that no stage has read for a while and whose partitions this worker still has: its skipped
 * records are read again. If state must be restored first, the topic is read after that. */
static bool read_what_was_left(struct worker *worker, struct error *error)
{
	for (size_t i = 0; i < worker->queues.count; i++) {
		struct partition_queue *queue = worker->queues.items[i];
		const struct worker_stage *stage = stage_reading(worker, queue->topic);
		struct position position = {queue->topic, queue->partition, queue->skipped};
		if (!stage || queue->skipped == OFFSET_NONE || !partition_state_is_ready(queue, stage) || queue->partition_state)
			continue;
		queue->skipped = OFFSET_NONE;
		worker->more = true;
		if (!consumer_seek(worker->consumer, (struct positions){1, &position}, error))
			return false;
	}
	return true;
}

static bool setup_follow_next(struct worker *worker, const struct worker_setup *setup, struct error *error)
{
	struct worker_stage **before = worker->routes;
	size_t before_count = worker->route_count;
	worker->routes = NULL; /* draw_routes() makes new ones */
	bool good = setup_follow_taps(worker, setup, error) &&
		    output_topics(worker->outbox.output, setup->writes.names, setup->writes.count, error) &&
		    setup_follow_stages(worker, setup, error) && read_what_was_left(worker, error) &&
		    setup_follow_reads(worker, setup, before, before_count, error);
	memory_give(before);
	return good;
}

bool setup_follow(struct worker *worker, struct error *error)
{
	struct positions changed;
	if (worker->replaced_count > 0)
		stage_phase_close(worker);
	bool wanted = atomic_load_explicit(&worker->wanted, memory_order_relaxed) != NULL;
	if ((!wanted && worker->replaced_count == 0) || worker->drain_until_ms > 0 ||
	    consumer_change(worker->consumer, &changed) != ASSIGNMENT_SAME || consumer_is_checking(worker->consumer) ||
	    !output_may_end(worker->outbox.output))
		return true;
	if (stage_phase_advance(worker) && !lead_anew(worker, error))
		return false;
	const struct worker_setup *setup = atomic_exchange(&worker->wanted, NULL);
	return !setup || setup_follow_next(worker, setup, error);
}
