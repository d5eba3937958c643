/* alert_counters.c: see alert_counters.h. */
#include "engine/setup/alert_counters.h"

#include <assert.h>

#include "base/hash.h"
#include "base/memory.h"

/* Counts of a stage. */
struct counter_stage {
	struct counter_stage *next;
	const struct stage_counts *stage;
	size_t workers;
	struct alert_counts counts[];
};

struct alert_counter {
	struct alert_counter *next; /* in its list: an older one */
	uint64_t meaning;
	uint64_t since, latest; /* all revisions from the one to the other have its alert */
	size_t open;		/* of these */
	struct counter_stage *stages;
};

/* ---- meanings ---- */

uint64_t alert_meaning(const struct alert_spec *alert, uint64_t group_by)
{
	const struct text source = alert->condition ? expression_source(alert->condition) : text_of(alert->absent.text);
	const int64_t numbers[] = {alert->over_ns, alert->for_ns, (int64_t)group_by};
	return hash_text(source, hash_bytes(numbers, sizeof numbers, 0));
}

/* The same words are judged otherwise where a step makes figures of them. */
uint64_t alert_counter_meaning(const char *pipeline, const struct alert_spec *alert, const struct alert_condition *condition)
{
	const uint64_t by_name = hash_text(text_of(alert->name.text), hash_text(text_of(pipeline), condition->of_figures));
	const uint64_t group_by = alert->group_by ? hash_text(expression_source(alert->group_by), by_name) : by_name;
	return alert_meaning(alert, group_by);
}

/* ---- revisions ---- */

static struct alert_counter *newest_of(const struct alert_counters *counters, uint64_t meaning)
{
	struct alert_counter *counter = counters->lists[meaning % ALERT_COUNTER_LISTS];
	while (counter && counter->meaning != meaning)
		counter = counter->next;
	return counter;
}

/* NULL: memory ran out. */
static struct alert_counter *counter_make(struct alert_counters *counters, uint64_t meaning, uint64_t revision)
{
	struct alert_counter **list = &counters->lists[meaning % ALERT_COUNTER_LISTS];
	struct alert_counter *counter = memory_take(1, sizeof *counter);
	if (counter) {
		*counter = (struct alert_counter){.next = *list, .meaning = meaning, .since = revision};
		*list = counter;
	}
	return counter;
}

static bool pipeline_follow(struct alert_counters *counters, const struct graph *graph, uint64_t revision, uint64_t running,
			    struct arena *arena)
{
	const struct item_list *specs = &graph->spec->alerts;
	const struct alert_sources sources = graph_figures(graph);
	for (size_t i = 0; i < specs->count && i < ALERTS_MAX; i++) {
		const struct alert_spec *spec = &((const struct alert_spec *)specs->items)[i];
		struct alert_condition condition;
		if (!spec->condition)
			continue;
		if (!alert_condition_make(&condition, spec->condition, &sources, arena))
			return false;
		if (!alert_is_counted(&condition))
			continue;
		const uint64_t meaning = alert_counter_meaning(graph->name, spec, &condition);
		struct alert_counter *counter = newest_of(counters, meaning);
		if ((!counter || counter->latest < running) && !(counter = counter_make(counters, meaning, revision)))
			return false;
		counter->open += counter->latest != revision;
		counter->latest = revision;
	}
	return true;
}

bool alert_counters_follow(struct alert_counters *counters, const struct plan *plan, uint64_t revision, uint64_t running,
			   struct arena *arena)
{
	assert(revision > running);
	for (size_t i = 0; i < plan->count; i++)
		if (!pipeline_follow(counters, plan->pipelines[i].graph, revision, running, arena))
			return false;
	return true;
}

static void counter_free(struct alert_counter *counter)
{
	for (struct counter_stage *stage = counter->stages, *next; stage; stage = next) {
		next = stage->next;
		for (size_t i = 0; i < stage->workers; i++)
			judged_groups_close(stage->counts[i].groups);
		memory_give(stage);
	}
	memory_give(counter);
}

void alert_counters_leave(struct alert_counters *counters, uint64_t revision)
{
	for (size_t i = 0; i < ALERT_COUNTER_LISTS; i++)
		for (struct alert_counter **at = &counters->lists[i], *counter; (counter = *at);) {
			const bool had_it = counter->since <= revision && revision <= counter->latest;
			if (had_it && --counter->open == 0) {
				*at = counter->next;
				counter_free(counter);
			} else {
				at = &counter->next;
			}
		}
}

/* ---- what workers count ---- */

/* Finds or makes the counts of a stage. NULL: memory ran out. */
static struct counter_stage *stage_of(struct alert_counter *counter, const struct stage_counts *stage, size_t workers)
{
	for (struct counter_stage *other = counter->stages; other; other = other->next)
		if (other->stage == stage)
			return other;
	struct counter_stage *made = memory_take(1, sizeof *made + workers * sizeof made->counts[0]);
	if (!made)
		return NULL;
	made->next = counter->stages;
	made->stage = stage;
	made->workers = workers;
	return counter->stages = made;
}

struct alert_counts *alert_counts_take(struct alert_counters *counters, uint64_t meaning, const struct stage_counts *stage,
				       size_t workers, bool has_groups)
{
	struct alert_counter *counter = newest_of(counters, meaning);
	assert(counter);
	struct counter_stage *made = stage_of(counter, stage, workers);
	for (size_t i = 0; made && has_groups && i < workers; i++)
		if (!made->counts[i].groups && !(made->counts[i].groups = judged_groups_open()))
			return NULL;
	return made ? made->counts : NULL;
}

const struct alert_counter *alert_counter_find(const struct alert_counters *counters, uint64_t meaning)
{
	return newest_of(counters, meaning);
}

uint64_t alert_counter_since(const struct alert_counter *counter)
{
	return counter->since;
}

static struct judged_counts stage_sum(const struct counter_stage *stage)
{
	struct judged_counts sum = {0};
	for (size_t i = 0; i < stage->workers; i++) {
		const struct judged_counts *counts = &stage->counts[i].judged;
		sum.held += count_read(&counts->held);
		sum.broken += count_read(&counts->broken);
		sum.judged += count_read(&counts->judged);
		sum.missing += count_read(&counts->missing);
	}
	return sum;
}

/* A message that no stage could judge lacks a result in each. Stages that have judged none do not have such results at all, unless
 * no stage has. */
struct judged_counts alert_counter_sum(const struct alert_counter *counter)
{
	struct judged_counts sum = {0};
	uint64_t least = UINT64_MAX, most = 0;
	for (const struct counter_stage *at = counter ? counter->stages : NULL; at; at = at->next) {
		const struct judged_counts stage = stage_sum(at);
		sum.held += stage.held;
		sum.broken += stage.broken;
		most = stage.missing > most ? stage.missing : most;
		if (stage.judged > 0 && stage.missing < least)
			least = stage.missing;
	}
	sum.missing = least < UINT64_MAX ? least : most;
	return sum;
}

int64_t alert_counter_first_take(const struct alert_counter *counter)
{
	int64_t first_ms = 0;
	for (struct counter_stage *stage = counter ? counter->stages : NULL; stage; stage = stage->next)
		for (size_t i = 0; i < stage->workers; i++) {
			const int64_t at_ms = atomic_exchange_explicit(&stage->counts[i].first_ms, 0, memory_order_acquire);
			first_ms = at_ms > 0 && (first_ms == 0 || at_ms < first_ms) ? at_ms : first_ms;
		}
	return first_ms;
}

struct missed_groups alert_counter_groups_take(const struct alert_counter *counter, judged_groups_taker *take, void *context)
{
	struct missed_groups missed = {{0}};
	for (struct counter_stage *stage = counter ? counter->stages : NULL; stage; stage = stage->next)
		for (size_t i = 0; i < stage->workers; i++)
			if (stage->counts[i].groups) {
				judged_groups_take(stage->counts[i].groups, take, context);
				judged_groups_add_missed(stage->counts[i].groups, &missed);
			}
	return missed;
}
