/* stages.c: Open stage: its flow, and the records that its steps produce with the answer. */
#include <assert.h>

#include "base/hash.h"
#include "base/memory.h"
#include "models/calls/memo.h"
#include "engine/outputs/begun_alerts.h"
#include "engine/worker/parts.h"
#include "engine/joins/upstreams.h"
#include "engine/outputs/write_denial.h"

/* ---- results of calls, and of the flow ---- */

static void stages_on_answered(void *context, struct call *call)
{
	struct worker *worker = context;
	const struct flow_owner *flow_owner = call->asker;
	if (call->error.kind == ERROR_NONE && call->reply)
		model_taps_write(flow_owner->stage, call, call->reply, true);
	if (!call->owner)
		shadow_request_answered(worker, call);
	else
		flow_answered(flow_owner->flow, call, loop_now_ms(worker->loop));
}

static void flow_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct worker_stage *stage = ((struct flow_owner *)context)->stage;
	struct inflight *inflight = (struct inflight *)message;
	bool is_dropped = inflight_is_dropped(inflight);
	inflight_finish(&stage->worker->queues, message, outcome, answer);
	if (!is_dropped)
		inflight_reply_first(inflight);
}

static bool message_is_dropped(const struct message *message)
{
	return inflight_is_dropped((const struct inflight *)message);
}

static void flow_abandoned(void *context, struct message *message)
{
	inflight_return(&((struct flow_owner *)context)->stage->worker->queues, (struct inflight *)message);
}

void stages_abandon_dropped(struct worker *worker)
{
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		flow_abandon_void(stage->flow, message_is_dropped, flow_abandoned);
}

/* Keeps a record until the message leaves. If its arena is full, the message leaves as an error instead. */
static void stages_emit(struct inflight *inflight, const struct message *message, uint32_t topic, const struct payload *payload)
{
	struct emission *emission = ARENA_NEW(inflight->message.arena, struct emission);
	if (!emission)
		return;
	*emission = (struct emission){.message = message, .payload = payload, .topic = topic};
	*inflight->emissions_end = emission;
	inflight->emissions_end = &emission->next;
}

/* A message is written to all its sampled taps or to none, so that readers can combine them. */
static bool is_sampled(const struct message *message, unsigned one_in)
{
	const struct origin *origin = &message->origin;
	uint64_t seed = (uint64_t)(uint32_t)origin->partition;
	return one_in <= 1 || hash_bytes(&origin->offset, sizeof origin->offset, seed) % one_in == 0;
}

/* For outlier_rate. */
static void count_flags(struct worker_stage *stage, size_t index, size_t step, const struct payload *payload)
{
	const struct alert_flags flags = alert_flags_of(stage->config->graph->steps[step].spec->kind, payload);
	struct judged_counts *counts = &stage_alert_counts(stage, index)->judged;
	count_add(&counts->held, flags.raised);
	count_add(&counts->broken, flags.others);
}

static void tell_judged(const struct worker_stage *stage, const struct message *message, const struct stage_alert *alert, bool held)
{
	const struct worker_config *config = stage->worker->config;
	if (config->alert_judged)
		config->alert_judged(config->alert_context, message, alert->name, held);
}

/* The time of day at which a firing begins that the message begins: the same when it is processed again. */
static int64_t begins_at_ms(const struct worker_stage *stage, const struct inflight *inflight)
{
	const int64_t now_ms = loop_time_of_day_ms(stage->worker->loop), at_ms = message_request_ms(&inflight->message);
	return at_ms > 0 && at_ms < now_ms ? at_ms : now_ms;
}

static void judgement_count(struct worker_stage *stage, const struct message *message, size_t step, const struct payload *payload,
			    size_t index, bool held)
{
	const struct stage_alert *alert = &stage->config->alerts[index];
	struct inflight *inflight = (struct inflight *)message_root(message);
	struct alert_counts *counts = stage_alert_counts(stage, index);
	struct judged_groups *groups = counts->groups;
	const struct graph *graph = stage->config->graph;
	const int64_t at_ms = held ? begins_at_ms(stage, inflight) : 0;
	struct text group = TEXT("");
	if (!alert->group_by) {
		if (held)
			judged_first_note(&counts->first_ms, at_ms);
		count_add(held ? &counts->judged.held : &counts->judged.broken, 1);
	} else if (!groups || (!held && !judged_groups_any(groups))) {
		return;
	} else if (alert_group_of_message(alert->group_by, message, payload, graph->name, graph->steps[step].name, stage->judging,
					  &group)) {
		judged_groups_note(groups, group, held, loop_now_ms(stage->worker->loop), alert->keep_ms, at_ms);
	} else {
		if (held)
			judged_groups_miss(groups, GROUP_MISS_NAMELESS);
		return;
	}
	if (held)
		begun_alert_note(stage, inflight, index, group, at_ms);
}

static void judge_alerts(struct worker_stage *stage, const struct message *message, size_t step, const struct payload *payload)
{
	const struct stage_config *config = stage->config;
	for (size_t i = 0; i < config->alert_count; i++) {
		const struct stage_alert *alert = &config->alerts[i];
		if (alert->condition.of_figures) {
			count_flags(stage, i, step, payload);
			continue;
		}
		arena_reset(stage->judging);
		struct alert_judgement judged = alert_condition_of_message(
			&alert->condition, message, payload, config->graph->name, config->graph->steps[step].name,
			loop_time_of_day_ms(stage->worker->loop), stage->judging);
		tell_judged(stage, message, alert, judged.held);
		if (!judged.held && !judged.broken)
			continue;
		((struct inflight *)message_root(message))->judged |= UINT64_C(1) << i;
		judgement_count(stage, message, step, payload, i, judged.held);
	}
}

static void flow_taps(void *context, const struct message *message, enum tap_point point, size_t step,
		      const struct payload *payload)
{
	struct worker_stage *stage = ((struct flow_owner *)context)->stage;
	const struct stage_config *config = stage->config;
	if (step == STEP_NONE)
		return;
	struct inflight *inflight = (struct inflight *)message_root(message);
	bool outputs = point == TAP_STEP_OUTPUTS;
	if (outputs)
		judge_alerts(stage, message, step, payload);
	if (config->steps) {
		uint32_t topic = outputs ? config->steps[step].outputs : config->steps[step].inputs;
		if (topic != TOPIC_NOWHERE)
			stages_emit(inflight, message, topic, payload);
	}
	if (config->taps) {
		const struct step_taps *taps = &config->taps[step];
		uint32_t topic = outputs ? taps->topics.outputs : taps->topics.inputs;
		if (topic != TOPIC_NOWHERE && is_sampled(message, taps->one_in))
			outbox_tap(&stage->worker->outbox, stage, inflight, message, topic, payload);
	}
}

/* ---- callers ---- */

static struct shared_caller *shared_take(struct worker *worker, const struct caller_config *config, struct error *error)
{
	struct shared_caller *shared = worker->callers;
	while (shared && shared->config != config)
		shared = shared->next;
	if (!shared) {
		shared = memory_take(1, sizeof *shared);
		if (!shared)
			return error_null(error_memory(error, ERROR_SYSTEM, "opening a client of models"));
		shared->config = config;
		if (caller_keeps(config) && !worker->replies && !(worker->replies = memo_open(worker->config->limits.reply_bytes)))
			error_memory(error, ERROR_SYSTEM, "opening a cache of replies");
		else
			shared->caller = caller_open(worker->loop, config, stages_on_answered, worker, error);
		if (!shared->caller) {
			memory_give(shared);
			return NULL;
		}
		caller_keep_in(shared->caller, worker->replies);
		caller_count_as(shared->caller, worker->config->number);
		shared->next = worker->callers;
		worker->callers = shared;
	}
	shared->stages++;
	return shared;
}

static void shared_give(struct worker *worker, struct shared_caller *shared)
{
	if (!shared || --shared->stages > 0)
		return;
	struct shared_caller **at = &worker->callers;
	while (*at != shared)
		at = &(*at)->next;
	*at = shared->next;
	caller_close(shared->caller);
	memory_give(shared);
}

/* ---- opening and closing ---- */

static bool judging_open(struct worker_stage *stage, struct error *error)
{
	const bool judges = stage->config->alert_count > 0 || stage->config->metric_count > 0;
	if (judges)
		stage->judging = arena_open(stage->worker->config->limits.message_bytes);
	return stage->judging || !judges || error_memory(error, ERROR_SYSTEM, "opening a stage");
}

static bool stage_set_up(struct worker_stage *stage, struct error *error)
{
	const struct stage_config *config = stage->config;
	const struct flow_environment environment = {.context = &stage->flow_owner,
						     .call = flow_owner_call,
						     .copy = flow_owner_copy,
						     .mirrored = flow_owner_mirrored,
						     .unmirrored = flow_owner_unmirrored,
						     .forget = flow_owner_forget,
						     .outage_ms = flow_owner_outage_ms,
						     .waited_ms = flow_owner_waited_ms,
						     .standing = flow_owner_standing,
						     .finished = flow_finished,
						     .files = config->files,
						     .board = config->board,
						     .policies = config->policies,
						     .rollouts = config->rollouts,
						     .step_counts = config->step_counts,
						     .counted_as = stage->worker->config->number,
						     .tap = config->steps || config->taps || config->alert_count ? flow_taps
														 : NULL};
	stage->shared = shared_take(stage->worker, config->caller, error);
	stage->flow_owner.stage = stage;
	stage->flow = stage->shared ? flow_open(config->graph, &environment, error) : NULL;
	stage->flow_owner.flow = stage->flow;
	return stage->flow && subpipeline_open(stage, &environment, error) && judging_open(stage, error);
}

/* Whether it has observers alone, so that its records are no requests. One that reads the requests has them too. */
static bool stage_is_beside_path(const struct graph_part *part)
{
	return part && part->observes && !part->first;
}

struct worker_stage *stage_open(struct worker *worker, const struct stage_config *config, struct error *error)
{
	assert(config->graph && config->name);
	struct worker_stage *stage = memory_take(1, sizeof *stage);
	if (!stage)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a stage"));
	stage->config = config;
	stage->worker = worker;
	stage->denied = TOPIC_NOWHERE;
	stage->schemas = config->schemas || !worker->registry ? config->schemas : registry_source(worker->registry);
	stage->beside_path = stage_is_beside_path(config->graph->part);
	stage->counts = config->counts ? &config->counts[worker->config->number] : &stage->own_counts;
	if (config->users)
		atomic_fetch_add(config->users, 1);
	if (stage_set_up(stage, error))
		return stage;
	stage_close(stage);
	return NULL;
}

void stage_close(struct worker_stage *stage)
{
	if (!stage)
		return;
	write_denial_end(stage);
	stage_gauge_set(&stage->counts->former, &stage->counted_waits, 0);
	stage_gauge_set(&stage->counts->sums.in_flight, &stage->counted_in_flight, 0);
	upstreams_part(stage->worker, stage);
	partition_states_part(stage->worker, stage);
	flow_close(stage->flow);
	arena_close(stage->judging);
	shadow_requests_close(stage);
	subpipeline_close(stage);
	shared_give(stage->worker, stage->shared);
	waiting_records_close(&stage->waiting);
	direct_port_return_all(stage->worker->direct.port, &stage->direct);
	if (stage->config->users)
		atomic_fetch_sub(stage->config->users, 1);
	memory_give(stage);
}

static void ignore_call(void *context, struct call *call)
{
	(void)context, (void)call;
}

static void ignore_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	(void)context, (void)message, (void)outcome, (void)answer;
}

bool stage_check(const struct stage_config *config, struct error *error)
{
	const struct flow_environment nobody = {.call = ignore_call, .finished = ignore_finished, .files = config->files};
	struct flow *flow = flow_open(config->graph, &nobody, error);
	bool good = flow != NULL;
	flow_close(flow);
	for (size_t i = 0; good && i < config->called_count; i++) {
		flow = flow_open(config->called[i].graph, &nobody, error);
		good = flow != NULL;
		flow_close(flow);
	}
	return good;
}

/* ---- time ---- */

static void returned_calls_end(struct worker *worker)
{
	while (worker->returned_count + worker->subpipeline_waiting > 0) {
		subpipeline_advance(worker);
		for (struct call *call; (call = returned_calls_take(worker));)
			stages_on_answered(worker, call);
	}
}

/* A called pipeline whose time is over ends by itself before its caller gives it up, which is due later, however late the turn is:
 * so its error is counted, and what its experiments chose is known. */
void stages_advance(struct worker *worker)
{
	returned_calls_end(worker);
	const int64_t now_ms = loop_now_ms(worker->loop);
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		while (subpipeline_advance_first(stage, now_ms))
			returned_calls_end(worker);
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (flow_due_ms(stage->flow) <= now_ms)
			flow_advance(stage->flow, now_ms);
}

int64_t stages_due_ms(const struct worker *worker)
{
	int64_t due_ms = INT64_MAX;
	for (const struct worker_stage *stage = worker->stages; stage; stage = stage->next) {
		int64_t subpipeline_ms = subpipeline_due_ms(stage);
		if (flow_due_ms(stage->flow) < due_ms)
			due_ms = flow_due_ms(stage->flow);
		due_ms = subpipeline_ms < due_ms ? subpipeline_ms : due_ms;
	}
	return due_ms;
}
