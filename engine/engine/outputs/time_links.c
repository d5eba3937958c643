/* time_links.c: see time_links.h. */
#include "engine/outputs/time_links.h"

#include "message/records/stage_link.h"
#include "message/records/truth_link.h"

#define LOOK_MS 1000	/* after a change of the state: a look costs little, but changes come with every message */
#define SLACK_MS 1000	/* in which another record may bring the time; also the least between two that are sent */
#define UNREAD_MS 60000 /* an open transaction of somebody else may hide what was sent for so long: Kafka's usual limit */
#define LINK_BYTES ((size_t)1 << 16)
#define NEVER INT64_MAX

void time_wait_look_soon(const struct worker *worker, struct partition_state *partition_state)
{
	struct time_wait *wait = &partition_state->time_wait;
	const int64_t soon_ms = loop_now_ms(worker->loop) + LOOK_MS;
	const struct stage_config *config = partition_state->stage->config;
	const bool observes = config->graph->part && config->graph->part->observes && config->own != TOPIC_NOWHERE;
	if (observes && (wait->look_ms == 0 || wait->look_ms > soon_ms))
		wait->look_ms = soon_ms;
}

/* ---- the record ---- */

/* For each observer of the stage whose state may wait for it. NULL: memory ran out. */
static const struct carried *time_carry(const struct graph *graph, struct arena *arena)
{
	const struct truth_link time = truth_link_of_time();
	struct carried *carried = ARENA_NEW(arena, struct carried);
	struct given *items = ARENA_ARRAY(arena, struct given, 2 * graph->count);
	size_t count = 0;
	for (size_t i = 0; items && i < graph->count; i++) {
		const struct step observer = step_seen(graph, i);
		if (graph->part->sides[i] != STEP_HERE || !step_awaits_time(&observer))
			continue;
		const struct text watched = text_of(graph->steps[graph_step_watched(graph, i)].name);
		truth_link_give(&time, watched, text_of(observer.name), 1, arena, &items[count]);
		count += 2;
	}
	if (carried)
		*carried = (struct carried){.count = count, .items = items, .answered = true};
	return arena_failed(arena) ? NULL : carried;
}

static enum produce_verdict time_send(struct worker *worker, const struct partition_state *partition_state, struct arena *arena,
				      struct error *error)
{
	struct outbox *outbox = &worker->outbox;
	const struct stage_config *config = partition_state->stage->config;
	const int64_t now_ms = loop_time_of_day_ms(worker->loop);
	const struct message message = {.arena = arena,
					.origin = {.topic = text_of(worker->setup->writes.names[config->own]),
						   .partition = partition_state->input.partition},
					.time_ms = now_ms,
					.written_ms = now_ms,
					.carried = time_carry(config->graph, arena)};
	const struct stage_link stage_link = {.from = TEXT(SENDER_TIME), .deployment = config->version};
	buffer_clear(&outbox->encoded);
	if (!message.carried) {
		error_memory(error, ERROR_SYSTEM, "sending time to observers");
		return PRODUCE_REFUSED;
	}
	if (!stage_link_encode(&message, 1, &stage_link, &outbox->encoded, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {.topic = config->own,
					  .origin = partition_state->input,
					  .beside_origin = true,
					  .key = TEXT(SENDER_TIME),
					  .value = buffer_view(&outbox->encoded)};
	return output_produce(outbox->output, &outgoing, error);
}

/* ---- once a turn ---- */

static bool may_send(const struct worker *worker)
{
	struct positions changed;
	return worker_may_produce(worker) && worker->drain_until_ms == 0 &&
	       consumer_change(worker->consumer, &changed) == ASSIGNMENT_SAME;
}

/* When the state is looked at; NEVER: not before it has changed, is restored, or may be written. */
static int64_t look_ms_of(const struct partition_state *partition_state)
{
	const bool looks = partition_state->stage && partition_state->line && partition_state->time_wait.look_ms > 0 &&
			   partition_state->stage->denied == TOPIC_NOWHERE;
	return looks ? partition_state->time_wait.look_ms : NEVER;
}

/* How long the next record waits for one that was sent, while nothing else comes: until the time of day settles it, too. */
static int64_t wait_for_sent_ms(const struct worker *worker, const struct awaited_time *awaited)
{
	const int64_t behind_ms = awaited->due_ms - loop_time_of_day_ms(worker->loop);
	return behind_ms > 0 ? behind_ms + SLACK_MS : UNREAD_MS;
}

/* Looks at the state, and sets when that is done again. True: a record is due now. */
static bool state_is_due(const struct worker *worker, struct partition_state *partition_state)
{
	struct time_wait *wait = &partition_state->time_wait;
	struct awaited_time awaited;
	const int64_t now_ms = loop_now_ms(worker->loop);
	if (!flow_awaits_time(partition_state->stage->flow, partition_state->line, &awaited)) {
		*wait = (struct time_wait){0};
		return false;
	}
	const int64_t left_ms = awaited.due_ms > awaited.clock_ms ? awaited.due_ms - awaited.clock_ms : 0;
	const int64_t send_ms = now_ms + left_ms + SLACK_MS;
	const bool is_same = wait->send_ms > 0 && wait->due_ms == awaited.due_ms;
	const bool is_due = is_same && wait->send_ms <= now_ms;
	wait->due_ms = awaited.due_ms;
	if (is_due)
		wait->send_ms = now_ms + wait_for_sent_ms(worker, &awaited);
	else if (!is_same || send_ms < wait->send_ms)
		wait->send_ms = send_ms;
	wait->look_ms = wait->send_ms;
	return is_due;
}

/* False: the worker fails. */
static bool state_advance(struct worker *worker, struct partition_state *partition_state, struct error *error)
{
	if (!state_is_due(worker, partition_state))
		return true;
	struct arena *arena = arena_open(LINK_BYTES);
	if (!arena)
		return error_memory(error, ERROR_SYSTEM, "sending time to observers");
	const enum produce_verdict verdict = time_send(worker, partition_state, arena, error);
	arena_close(arena);
	worker->spoilt = verdict == PRODUCE_SPOILT;
	if (verdict == PRODUCE_FULL) {
		produce_retry_soon(worker);
		partition_state->time_wait.send_ms = partition_state->time_wait.look_ms = loop_now_ms(worker->loop);
	}
	if (verdict == PRODUCED && (!worker->dirty || worker->commits_quietly))
		commit_interval_begin(worker);
	return verdict != PRODUCE_REFUSED;
}

bool time_links_advance(struct worker *worker, struct error *error)
{
	for (struct partition_state *partition_state = worker->partition_states.first; partition_state;
	     partition_state = partition_state->next)
		if (look_ms_of(partition_state) <= loop_now_ms(worker->loop) && may_send(worker) &&
		    !state_advance(worker, partition_state, error))
			return false;
	return true;
}

/* While nothing can be sent, the event that ends this state wakes the worker. */
int64_t time_links_due_ms(const struct worker *worker)
{
	int64_t due_ms = NEVER;
	for (const struct partition_state *partition_state = worker->partition_states.first; partition_state;
	     partition_state = partition_state->next) {
		const int64_t its_ms = look_ms_of(partition_state);
		due_ms = its_ms < due_ms ? its_ms : due_ms;
	}
	return due_ms == NEVER || may_send(worker) ? due_ms : NEVER;
}
