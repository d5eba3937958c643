/* keeper_truths.c: Truths of the pipelines of a rollout. What an engine tells are totals of a pipeline under the table, so the
 * most advanced ones that any engine has sent count. A new engine that joins the feedback begins with less, and passes those of the
 * former one, which may still be sent: of equal numbers of requests the first ones stay, unless more truths have come, those in
 * time and late ones together. Either may be fewer: whoever joins anew may have a longer window.
 *
 * All truths that have come are counted if an engine has said so of each pipeline within KEEPER_SILENT_MS. Pipelines stay from
 * stage to stage, and from keeper to keeper; one of which nobody has said so for KEEPER_FORGOTTEN_MS is taken to be gone. Then it
 * is dropped with the stage, and a record leaves it out unless it has truths of the stage, which go on counting. */
#include "base/memory.h"
#include "control/keeper/keeper_rollouts.h"
#include "control/records/truth_record.h"
#include "message/rows.h"

static void truths_close(struct kept_truths *truths)
{
	list_remove(&truths->node);
	memory_give(truths->pipeline);
	memory_give(truths);
}

static bool counts_have_truth(const struct truth_counts counts[ROLLOUT_CHOICES_MAX])
{
	bool has = false;
	for (size_t i = 0; i < ROLLOUT_CHOICES_MAX; i++)
		has |= counts[i].units + counts[i].joined + counts[i].late > 0;
	return has;
}

static bool truths_are_forgotten(const struct kept_truths *truths, int64_t now_ms)
{
	return now_ms - truths->heard_ms >= KEEPER_FORGOTTEN_MS;
}

void rollout_truths_renew(struct kept_rollout *rollout, int64_t now_ms)
{
	for (struct list_node *node = rollout->truths.first, *next; node; node = next) {
		struct kept_truths *truths = LIST_OWNER(node, struct kept_truths, node);
		next = node->next;
		rollout->state.truth |= counts_have_truth(truths->counts);
		if (truths_are_forgotten(truths, now_ms))
			truths_close(truths);
		else
			memset(truths->counts, 0, sizeof truths->counts);
	}
}

void rollout_truths_close(struct kept_rollout *rollout)
{
	while (rollout->truths.first)
		truths_close(LIST_OWNER(rollout->truths.first, struct kept_truths, node));
}

static struct kept_truths *truths_find(const struct kept_rollout *rollout, struct text pipeline)
{
	for (struct list_node *node = rollout->truths.first; node; node = node->next) {
		struct kept_truths *truths = LIST_OWNER(node, struct kept_truths, node);
		if (text_equal((struct text){truths->pipeline, truths->pipeline_length}, pipeline))
			return truths;
	}
	return NULL;
}

/* Of which nobody has said yet that they are current. NULL: memory ran out. */
static struct kept_truths *truths_add(struct kept_rollout *rollout, struct text pipeline, int64_t now_ms)
{
	struct kept_truths *truths = memory_take(1, sizeof *truths);
	char *name = memory_take_raw(pipeline.length);
	if (!truths || !name) {
		memory_give(truths);
		memory_give(name);
		return NULL;
	}
	memcpy(name, pipeline.bytes, pipeline.length);
	truths->pipeline = name;
	truths->pipeline_length = pipeline.length;
	truths->heard_ms = now_ms - KEEPER_SILENT_MS;
	list_add(&rollout->truths, &truths->node);
	return truths;
}

/* Those of the plan's metrics; of others there are none. */
static void metrics_take(const struct rollout_plan *plan, const struct record_list *metrics, struct truth_counts *counts)
{
	const struct metric_truth *items = metrics->items;
	for (size_t i = 0; i < metrics->count; i++) {
		const size_t metric = rollout_plan_metric(plan, items[i].name);
		if (metric < plan->metric_count)
			counts->metrics[metric] = metric_counts_of(&items[i]);
	}
}

static bool has_more_requests(const struct truth_counts *before, const struct truth_counts *counts)
{
	bool more = counts->requests > before->requests;
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++)
		more |= counts->metrics[i].requests > before->metrics[i].requests;
	return more;
}

/* Each is at most TRUTH_ARRIVALS_MAX. */
static int64_t arrivals_sum(const struct truth_counts *counts)
{
	int64_t sum = counts->joined + counts->late;
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++)
		sum += counts->metrics[i].joined + counts->metrics[i].late;
	return sum;
}

/* False: they are of other choices, or contradict each other, or have nothing more than `before`. Of two engines only one can have
 * more than the other, so those in force do not go back and forth. */
static bool variants_take(const struct rollout_document *document, const struct record_list *variants,
			  const struct truth_counts *before, struct truth_counts *counts)
{
	const struct variant_truth *items = variants->items;
	bool more = false;
	int64_t arrivals = 0;
	if (variants->count != document->count)
		return false;
	for (size_t i = 0; i < document->count; i++) {
		counts[i] = (struct truth_counts){
			items[i].units, items[i].sum, items[i].squares, items[i].requests, items[i].joined, items[i].late, {{0}}};
		metrics_take(&document->plan, &items[i].metrics, &counts[i]);
		if (!text_is(items[i].name, document->names[i]) || !truth_counts_rose(&before[i], &counts[i]))
			return false;
		more |= has_more_requests(&before[i], &counts[i]);
		arrivals += arrivals_sum(&counts[i]) - arrivals_sum(&before[i]);
	}
	return more || arrivals > 0;
}

static bool pipeline_take(struct kept_rollout *rollout, const struct pipeline_truth *one, int64_t now_ms, struct error *error)
{
	struct truth_counts counts[ROLLOUT_CHOICES_MAX] = {0};
	struct kept_truths *truths = truths_find(rollout, one->pipeline);
	if (one->pipeline.length == 0 || one->pipeline.length > CONTROL_NAME_BYTES_MAX ||
	    (!truths && list_length(&rollout->truths) >= ROLLOUT_PIPELINES_MAX))
		return true;
	if (!truths)
		truths = truths_add(rollout, one->pipeline, now_ms);
	if (!truths)
		return error_memory(error, ERROR_SYSTEM, "reading the truths of a rollout");
	if (one->variants.count == 0)
		truths->heard_ms = now_ms;
	else if (variants_take(&rollout->document, &one->variants, truths->counts, counts))
		memcpy(truths->counts, counts, sizeof truths->counts);
	return true;
}

bool rollout_truths_take(struct kept_rollout *rollout, const struct record_list *truths, int64_t now_ms, struct error *error)
{
	const struct pipeline_truth *items = truths->items;
	for (size_t i = 0; i < truths->count; i++)
		if (!pipeline_take(rollout, &items[i], now_ms, error))
			return false;
	return true;
}

static bool counts_are_none(const struct truth_counts *counts)
{
	int64_t came = counts->requests + counts->joined + counts->late;
	for (size_t i = 0; i < EXPERIMENT_METRICS_MAX; i++)
		came += counts->metrics[i].requests + counts->metrics[i].joined + counts->metrics[i].late;
	return came == 0;
}

/* Whether nothing is known of it any more. */
static bool truths_are_gone(const struct kept_truths *truths, int64_t now_ms)
{
	bool has_none = true;
	for (size_t i = 0; i < ROLLOUT_CHOICES_MAX; i++)
		has_none &= counts_are_none(&truths->counts[i]);
	return has_none && truths_are_forgotten(truths, now_ms);
}

bool rollout_truths_list(const struct kept_rollout *rollout, int64_t now_ms, struct arena *arena, struct record_list *list)
{
	const struct rollout_document *document = &rollout->document;
	const char *names[EXPERIMENT_METRICS_MAX];
	const char *const *metrics = rollout_plan_metrics(&document->plan, names);
	struct pipeline_truth *items = ARENA_ARRAY(arena, struct pipeline_truth, list_length(&rollout->truths) + 1);
	size_t count = 0;
	for (const struct list_node *node = rollout->truths.first; items && node; node = node->next) {
		const struct kept_truths *truths = LIST_OWNER(node, const struct kept_truths, node);
		if (truths_are_gone(truths, now_ms))
			continue;
		struct variant_truth *variants = ARENA_ARRAY(arena, struct variant_truth, document->count);
		for (size_t i = 0; variants && i < document->count; i++)
			variants[i] = truth_record_of(document->names[i], &truths->counts[i], metrics, document->plan.metric_count,
						      arena);
		items[count++] = (struct pipeline_truth){{truths->pipeline, truths->pipeline_length}, {document->count, variants}};
	}
	*list = (struct record_list){count, items};
	return !arena_failed(arena);
}

/* ---- sums ---- */

static void counts_sum(const struct kept_rollout *rollout, size_t choice, struct rollout_counts *sums)
{
	struct truth_counts sum = {0};
	for (const struct list_node *node = rollout->truths.first; node; node = node->next)
		truth_counts_add(&sum, &LIST_OWNER(node, const struct kept_truths, node)->counts[choice]);
	rollout_counts_truths(sums, &sum);
}

static bool truths_are_current(const struct kept_rollout *rollout, int64_t now_ms)
{
	bool any = false;
	for (const struct list_node *node = rollout->truths.first; node; node = node->next) {
		const int64_t silent_ms = now_ms - LIST_OWNER(node, const struct kept_truths, node)->heard_ms;
		if (silent_ms >= KEEPER_SILENT_MS && silent_ms < KEEPER_FORGOTTEN_MS)
			return false;
		any |= silent_ms < KEEPER_SILENT_MS;
	}
	return any;
}

void rollout_truths_sum(const struct kept_rollout *rollout, struct rollout_look *look)
{
	look->truths_uncounted = rollout->document.counts_truths && !truths_are_current(rollout, look->time_ms);
	counts_sum(rollout, rollout->document.control, &look->control);
	for (size_t i = 0; i < rollout->document.plan.candidates; i++)
		counts_sum(rollout, rollout->document.candidates[i], &look->candidates[i]);
}
