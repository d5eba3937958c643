/* delivery.c: Delivery guarantee, exactly-once or at-least-once, and the longest wait of a result. */
#include "compiler/plan/compile.h"

/* ---- delivery ---- */

/* The first stage whose memory the answer depends on; or the first that a crash may harm. */
static const struct stage *stateful_stage(const struct pipeline_plan *plan, bool at_risk)
{
	for (size_t i = 0; i < plan->stage_count; i++) {
		const struct stage *stage = &plan->stages[i];
		bool answers = stage->count == 0;
		for (size_t j = 0; j < stage->count; j++) {
			const struct graph_step *step = &plan->graph->steps[stage->steps[j]];
			answers = answers || step->answers || (!plan->graph->has_output && !step->key);
		}
		if (stage->state && answers && (stage->risk || !at_risk))
			return stage;
	}
	return NULL;
}

static void choose_delivery(struct compiler *compiler, struct pipeline_plan *plan)
{
	int asked = plan->graph->spec->delivery;
	const struct stage *stateful = stateful_stage(plan, false);
	const struct stage *at_risk = stateful_stage(plan, true);
	if (asked != DELIVERY_DEFAULT) {
		plan->delivery = (enum delivery)asked;
		plan->delivery_reason = "the pipeline says so";
		if (at_risk && asked == DELIVERY_AT_LEAST_ONCE)
			note_add(compiler, &plan->notes, plan->graph->resource->name.place,
				 "delivery is at-least-once, and the answer needs %s: %s", at_risk->state, at_risk->risk);
		return;
	}
	plan->delivery = stateful ? DELIVERY_EXACTLY_ONCE : DELIVERY_AT_LEAST_ONCE;
	plan->delivery_reason = stateful ? arena_print(compiler->arena, "the answer needs %s", stateful->state)
					 : "no stage keeps state that the answer needs";
}

/* ---- the longest way of a request ---- */

struct waits {
	struct compiler *compiler;
	const struct pipeline_plan *plan;
	bool *calls;	   /* of each step */
	int64_t *ready_ms; /* when its outputs are there at the latest, after the request came */
};

static int64_t step_ms(const struct waits *waits, size_t index)
{
	const struct graph_step *step = &waits->plan->graph->steps[index];
	int64_t timeout_ms = step->timeout_ms ? step->timeout_ms : TIMEOUT_MS_DEFAULT;
	int64_t wait_ms = waits->calls[index] ? ATTEMPTS_MAX * timeout_ms : 0;
	if (step->spec->batch.size > 0)
		wait_ms += batch_window_ms(&step->spec->batch);
	return step->on_cycle ? wait_ms * waits->plan->graph->max_visits : wait_ms;
}

/* When a join is settled: with its last source, or its window after the first. */
static int64_t join_ms(const struct waits *waits, const struct join *join)
{
	int64_t first = INT64_MAX, last = 0;
	for (size_t i = 0; i < join->count; i++) {
		const struct source *source = &join->sources[i];
		int64_t ready = source->step == STEP_NONE ? 0 : waits->ready_ms[source->step];
		first = ready < first ? ready : first;
		last = ready > last ? ready : last;
	}
	if (join->count == 0)
		return 0;
	return last - first > join->window_ms ? first + join->window_ms : last;
}

/* The way along the order; edges that close a cycle come from steps not reached yet,
 * whose time is still 0: a cycle's own time is in step_ms(). */
static int64_t longest_ms(struct waits *waits)
{
	const struct graph *graph = waits->plan->graph;
	int64_t longest = 0;
	for (size_t i = 0; i < graph->count; i++) {
		size_t step = graph->order[i];
		int64_t begin = join_ms(waits, &graph->steps[step].inputs);
		int64_t triggered = join_ms(waits, &graph->steps[step].triggers);
		waits->ready_ms[step] = (triggered > begin ? triggered : begin) + step_ms(waits, step);
		if (waits->ready_ms[step] > longest)
			longest = waits->ready_ms[step];
	}
	if (graph->has_output)
		longest = join_ms(waits, &graph->output);
	if (graph->inputs.count + graph->triggers.count > 1)
		longest += graph->inputs.window_ms;
	return longest;
}

static const char *duration_text(struct compiler *compiler, int64_t ms)
{
	if (ms % 1000)
		return arena_print(compiler->arena, "%lld ms", (long long)ms);
	return arena_print(compiler->arena, "%lld s", (long long)ms / 1000);
}

static void explain_wait(struct compiler *compiler, struct pipeline_plan *plan)
{
	if (plan->wait_ms == 0)
		plan->wait_reason = "no step waits";
	else
		plan->wait_reason =
			arena_print(compiler->arena,
				    "at most %s, by %d attempts of each call and by windows; a deadline can end it sooner, an "
				    "outage can make it longer (onOutage)",
				    duration_text(compiler, plan->wait_ms), ATTEMPTS_MAX);
}

void plan_delivery(struct compiler *compiler, struct pipeline_plan *plan)
{
	struct waits waits = {.compiler = compiler,
			      .plan = plan,
			      .calls = ARENA_ARRAY(compiler->arena, bool, plan->graph->count),
			      .ready_ms = ARENA_ARRAY(compiler->arena, int64_t, plan->graph->count)};
	if (arena_failed(compiler->arena))
		return;
	for (size_t i = 0; i < plan->callee_count; i++)
		waits.calls[plan->callees[i].step] |= !plan->callees[i].copy;
	choose_delivery(compiler, plan);
	plan->wait_ms = longest_ms(&waits);
	plan_order(compiler, plan);
	plan_outcomes(compiler, plan);
	plan_direct(compiler, plan);
	explain_wait(compiler, plan);
	plan_name_groups(compiler, plan);
}
