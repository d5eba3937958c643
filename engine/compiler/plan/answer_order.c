/* answer_order.c: Order of the results, and a check where the stages of a pipeline cannot keep it. Part of
 * plan_delivery().
 *
 * A stage passes records on in the order of their key, or of their partition. So results keep the order of the
 * requests as long as requests of one key take one path. A stage that is partitioned by another key separates
 * requests with different values of it. The inputs from several pipelines come in any order.
 */
#include "compiler/plan/compile.h"

#include "compiler/yaml/fault_codes.h"

/* What has happened to the order of requests until they come to a stage. */
struct stage_order {
	bool lost;
	uint64_t parted; /* stages on the way that are partitioned by another key, as bits */
};

static bool gathers(const struct pipeline_plan *plan, size_t stage)
{
	return stage == 1 && external_points(plan->graph) > 1;
}

/* Stages stand behind those whose records they read. */
static void orders_find(const struct pipeline_plan *plan, struct stage_order orders[STAGES_MAX])
{
	for (size_t i = 0; i < plan->stage_count; i++) {
		const struct stage *stage = &plan->stages[i];
		orders[i] = (struct stage_order){.lost = gathers(plan, i)};
		for (size_t j = 0; j < i; j++) {
			if (!(stage->parents & stage_bit(j)))
				continue;
			orders[i].lost |= orders[j].lost;
			orders[i].parted |= orders[j].parted;
			if (stage->key && !strings_equal(stage->key, plan->stages[j].key))
				orders[i].parted |= stage_bit(i);
		}
	}
}

/* Of what leaves as results: answers, or without an output what any stage gives besides those of observers. */
static struct stage_order order_of_results(const struct pipeline_plan *plan)
{
	struct stage_order orders[STAGES_MAX], all = {0};
	orders_find(plan, orders);
	if (plan->graph->has_output)
		return orders[plan->answer_stage];
	for (size_t i = 0; i < plan->stage_count; i++) {
		if (plan_stage_observes(plan, i))
			continue;
		all.lost |= orders[i].lost;
		all.parted |= orders[i].parted;
	}
	return all;
}

/* "`a` and `b`": the keys of those stages, each once. */
static const char *keys_text(struct compiler *compiler, const struct pipeline_plan *plan, uint64_t stages)
{
	const char *text = "";
	for (size_t i = 0; text && i < plan->stage_count; i++) {
		bool again = !(stages & stage_bit(i));
		for (size_t j = 0; j < i && !again; j++)
			again = (stages & stage_bit(j)) && strings_equal(plan->stages[j].key, plan->stages[i].key);
		if (!again)
			text = arena_print(compiler->arena, "%s%s`%s`", text, *text ? " and " : "", plan->stages[i].key);
	}
	return text;
}

static void report(struct compiler *compiler, const struct pipeline_plan *plan, const char *what)
{
	bool asked = plan->graph->spec->order == ORDER_PARTITION;
	fault_add(compiler->spec->faults, asked ? CODE_ORDER_LOST : CODE_ORDER_PARTED, plan->graph->resource->name.place, NULL,
		  "results of pipeline `%s` %s", plan->graph->name, what);
}

void plan_order(struct compiler *compiler, struct pipeline_plan *plan)
{
	struct arena *arena = compiler->arena;
	bool partition = plan->graph->spec->order == ORDER_PARTITION, exact = plan->delivery == DELIVERY_EXACTLY_ONCE;
	bool by_partition = partition || (exact && plan->stage_count == 1);
	struct stage_order order = order_of_results(plan);
	if (order.lost) {
		plan->order_reason = "results keep no order: results of other pipelines for a request are joined by its id";
		report(compiler, plan, "keep no order: results of other pipelines for a request are joined by its id");
		return;
	}
	plan->order = order.parted   ? ANSWER_ORDER_NONE
		      : by_partition ? ANSWER_ORDER_PARTITION
		      : exact	     ? ANSWER_ORDER_BOTH
				     : ANSWER_ORDER_KEY;
	const char *whom = by_partition ? "all earlier ones of its partition"
			   : exact	? "earlier ones of its key, and without a key after those of its partition"
					: "earlier ones of its key";
	const char *why = partition ? "order: partition" : exact ? "exactly-once commits a prefix" : "order: key";
	const char *keys = keys_text(compiler, plan, order.parted);
	const char *same = order.parted ? arena_print(arena, ", as long as they have the same %s", keys) : "";
	plan->order_reason = arena_print(arena, "a result leaves after %s%s (%s)", whom, same, why);
	if (!order.parted)
		return;
	report(compiler, plan,
	       arena_print(arena, "keep the order only of requests that have the same %s, by which a stage is partitioned", keys));
}
