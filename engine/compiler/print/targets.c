/* targets.c: Comparison of the target_metrics in the files with the plan, for `plan --slo`.
 *
 * A plan contains no measured times. It contains the deliberate ones: how long a request waits in a batch or a join,
 * and how long one call may take. It reports times that the plan allows and a target forbids. Only a running pipeline
 * shows the rest.
 */
#include "compiler/print/print.h"
#include "compiler/graph/table.h"
#include "compiler/yaml/options.h"

struct target {
	const char *group;  /* "latency" */
	const char *metric; /* "p95" */
	const char *wanted; /* "<100ms" */
	const char *says;
};

struct targets {
	struct arena *arena;
	const struct plan *plan;
	double rate;
	size_t count, room;
	struct target *items;
};

/* The longest batch window among the pipelines; *where names its step. */
static int64_t batch_wait_ms(const struct targets *targets, const char **where)
{
	int64_t longest = 0;
	for (size_t i = 0; i < targets->plan->count; i++) {
		const struct graph *graph = targets->plan->pipelines[i].graph;
		for (size_t j = 0; j < graph->count; j++) {
			const struct step_batch *batch = &graph->steps[j].spec->batch;
			int64_t window_ms = batch_window_ms(batch);
			if (batch->size == 0 || window_ms <= longest)
				continue;
			longest = window_ms;
			*where = arena_print(targets->arena, "%s of %s", graph->steps[j].name, graph->name);
		}
	}
	return longest;
}

static const char *latency_verdict(const struct targets *targets, double limit_ms)
{
	const char *where = "";
	int64_t batch_ms = batch_wait_ms(targets, &where);
	if ((double)batch_ms > limit_ms)
		return arena_print(targets->arena, "not when idle: a batch in step %s waits up to %lld ms", where,
				   (long long)batch_ms);
	int64_t longest_ms = 0;
	for (size_t i = 0; i < targets->plan->count; i++)
		if (targets->plan->pipelines[i].wait_ms > longest_ms)
			longest_ms = targets->plan->pipelines[i].wait_ms;
	if ((double)longest_ms > limit_ms)
		return arena_print(
			targets->arena,
			"not bounded by the plan: timeouts and windows allow %lld ms; a timeout or a deadline would bound it",
			(long long)longest_ms);
	return arena_print(targets->arena, "nothing in the plan waits longer than %lld ms", (long long)longest_ms);
}

static const char *verdict(const struct targets *targets, const struct target *target)
{
	struct threshold threshold;
	if (!threshold_read(text_of(target->wanted), &threshold))
		return "no threshold";
	if (strcmp(target->group, "latency") == 0)
		return latency_verdict(targets, threshold.value);
	if (strcmp(target->metric, "rps") != 0)
		return "known only at run time";
	if (targets->rate <= 0)
		return "give --rate to estimate the cost";
	if (targets->rate < threshold.value)
		return arena_print(targets->arena, "--rate %g is less than that", targets->rate);
	return arena_print(targets->arena, "--rate %g covers it", targets->rate);
}

static void add_group(struct targets *targets, const struct node_entry *group)
{
	const struct node *map = group->value;
	for (size_t i = 0; map->type == NODE_MAP && i < map->count; i++) {
		const struct node_entry *entry = &map->entries[i];
		if (entry->value->type != NODE_SCALAR || targets->count == targets->room)
			continue;
		struct target *target = &targets->items[targets->count++];
		*target = (struct target){.group = group->key->scalar.bytes,
					  .metric = entry->key->scalar.bytes,
					  .wanted = entry->value->scalar.bytes};
		target->says = verdict(targets, target);
	}
}

static const struct node *target_map(const struct resource *resource)
{
	const struct node *map = resource->kind->type == RESOURCE_FRAGMENT ? node_get(resource->node, "target_metrics") : NULL;
	return map && map->type == NODE_MAP ? map : NULL;
}

static struct targets targets_of(const struct plan *plan, double rate, struct arena *arena)
{
	struct targets targets = {.arena = arena, .plan = plan, .rate = rate};
	const struct spec *spec = plan->spec;
	for (size_t i = 0; i < spec->count; i++) {
		const struct node *map = target_map(spec->resources[i]);
		for (size_t j = 0; map && j < map->count; j++)
			targets.room += map->entries[j].value->count;
	}
	targets.items = ARENA_ARRAY(arena, struct target, targets.room + 1);
	for (size_t i = 0; targets.items && i < spec->count; i++) {
		const struct node *map = target_map(spec->resources[i]);
		for (size_t j = 0; map && j < map->count; j++)
			add_group(&targets, &map->entries[j]);
	}
	return targets;
}

void targets_print_text(const struct plan *plan, double rate, struct arena *arena, struct buffer *out)
{
	struct targets targets = targets_of(plan, rate, arena);
	struct plan_table table = {.arena = arena, .columns = 3};
	buffer_string(out, "\ntargets\n");
	if (targets.count == 0)
		buffer_string(out, "  none: no file has target_metrics\n");
	for (size_t i = 0; i < targets.count; i++) {
		const struct target *target = &targets.items[i];
		table_add(&table, (const char *const[]){arena_print(arena, "%s %s", target->group, target->metric), target->wanted,
							target->says});
	}
	table_print(&table, 2, 0, out);
}

void targets_emit(const struct plan *plan, double rate, struct arena *arena, struct emitter *emitter)
{
	struct targets targets = targets_of(plan, rate, arena);
	emit_open(emitter, "targets", '[');
	for (size_t i = 0; i < targets.count; i++) {
		emit_open(emitter, NULL, '{');
		emit_text(emitter, "group", targets.items[i].group);
		emit_text(emitter, "metric", targets.items[i].metric);
		emit_text(emitter, "wanted", targets.items[i].wanted);
		emit_text(emitter, "says", targets.items[i].says);
		emit_close(emitter, '}');
	}
	emit_close(emitter, ']');
}
