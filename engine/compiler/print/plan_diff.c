/* plan_diff.c: see plan_diff.h. */
#include "compiler/print/plan_diff.h"

#include "compiler/print/emit.h"
#include "compiler/graph/table.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define PIPELINE_CHANGES_MAX 3 /* besides those of its topics and experiments */

const char *const plan_change_names[PLAN_CHANGES] = {
	[PLAN_PIPELINE_ADDED] = "pipeline-added",
	[PLAN_PIPELINE_REMOVED] = "pipeline-removed",
	[PLAN_DELIVERY_CHANGED] = "delivery-changed",
	[PLAN_GROUP_CHANGED] = "group-changed",
	[PLAN_TOPIC_ADDED] = "topic-added",
	[PLAN_TOPIC_NEEDED] = "topic-needed",
	[PLAN_TOPIC_LEFT] = "topic-left",
	[PLAN_TOPIC_DELETED] = "topic-deleted",
	[PLAN_TOPIC_CHANGED] = "topic-changed",
	[PLAN_STATE_ADDED] = "state-added",
	[PLAN_STATE_LEFT] = "state-left",
	[PLAN_WARM_START] = "warm-start",
};

struct plan_differ {
	const struct plan *before, *now;
	struct arena *arena;
	struct plan_change *items;
	size_t count;
};

static void change_add(struct plan_differ *differ, enum plan_change_kind kind, const struct pipeline_plan *pipeline,
		       const char *name, const char *why)
{
	differ->items[differ->count++] = (struct plan_change){.kind = kind,
							       .namespace = pipeline->namespace,
							       .pipeline = pipeline->graph->name,
							       .name = name,
							       .why = why ? why : ""};
}

static const struct pipeline_plan *pipeline_find(const struct plan *plan, const struct pipeline_plan *like)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->pipelines[i].graph->name, like->graph->name) == 0 &&
		    strcmp(plan->pipelines[i].namespace, like->namespace) == 0)
			return &plan->pipelines[i];
	return NULL;
}

static const struct topic *topic_find(const struct pipeline_plan *pipeline, const char *name)
{
	for (size_t i = 0; pipeline && i < pipeline->topic_count; i++)
		if (strcmp(pipeline->topics[i].name, name) == 0)
			return &pipeline->topics[i];
	return NULL;
}

/* Whether a pipeline of the plan has the topic as its own. */
static bool topic_is_owned(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct topic *topic = topic_find(&plan->pipelines[i], name);
		if (topic && !topic->bound)
			return true;
	}
	return false;
}

/* ---- a pipeline in both ---- */

static const char *delivery_text(enum delivery delivery)
{
	return delivery == DELIVERY_EXACTLY_ONCE ? "exactly-once" : "at-least-once";
}

static void delivery_compare(struct plan_differ *differ, const struct pipeline_plan *old, const struct pipeline_plan *new)
{
	if (old->delivery != new->delivery)
		change_add(differ, PLAN_DELIVERY_CHANGED, new, delivery_text(new->delivery),
			   arena_print(differ->arena, "was %s; %s", delivery_text(old->delivery), new->delivery_reason));
	if (strcmp(old->group, new->group) != 0)
		change_add(differ, PLAN_GROUP_CHANGED, new, new->group,
			   arena_print(differ->arena,
				       "was %s; it goes on where that one ended, when no engine reads with that one any more",
				       old->group));
}

static const char *partitions_text(int64_t partitions, struct arena *arena)
{
	return partitions ? arena_print(arena, "%lld", (long long)partitions) : "the broker's default";
}

static void topic_compare(struct plan_differ *differ, const struct pipeline_plan *pipeline, const struct topic *old,
			  const struct topic *new)
{
	struct arena *arena = differ->arena;
	if (old->bound || new->bound)
		return;
	if (old->partitions != new->partitions)
		change_add(differ, PLAN_TOPIC_CHANGED, pipeline, new->name,
			   arena_print(arena, "partitions: %s, was %s. A topic that exists keeps its own",
				       partitions_text(new->partitions, arena), partitions_text(old->partitions, arena)));
	else if (old->retention_ms != new->retention_ms)
		change_add(differ, PLAN_TOPIC_CHANGED, pipeline, new->name,
			   arena_print(arena, "kept %lld days, was %lld. A topic that exists keeps its setting",
				       (long long)(new->retention_ms / DAY_MS), (long long)(old->retention_ms / DAY_MS)));
}

/* ---- topics ---- */

static void topic_added(struct plan_differ *differ, const struct pipeline_plan *pipeline, const struct topic *topic)
{
	if (topic->role == TOPIC_STATE)
		change_add(differ, PLAN_STATE_ADDED, pipeline, topic->name,
			   arena_print(differ->arena, "%s begins empty", pipeline->stages[topic->of].state));
	else if (!topic->bound)
		change_add(differ, PLAN_TOPIC_ADDED, pipeline, topic->name, topic_roles[topic->role].name);
	else if (!topic_is_owned(differ->now, topic->name))
		change_add(differ, PLAN_TOPIC_NEEDED, pipeline, topic->name, "it must exist: engines do not create it");
}

static void topics_added(struct plan_differ *differ, const struct pipeline_plan *old, const struct pipeline_plan *new)
{
	for (size_t i = 0; i < new->topic_count; i++) {
		const struct topic *before = topic_find(old, new->topics[i].name);
		if (before)
			topic_compare(differ, new, before, &new->topics[i]);
		else if (!topic_is_owned(differ->before, new->topics[i].name))
			topic_added(differ, new, &new->topics[i]);
	}
}

static void topic_left(struct plan_differ *differ, const struct pipeline_plan *old, const struct topic *topic, bool is_deleted)
{
	if (is_deleted)
		change_add(differ, PLAN_TOPIC_DELETED, old, topic->name, "with its records, by cleanTopicsOnDelete");
	else if (topic->role == TOPIC_STATE)
		change_add(differ, PLAN_STATE_LEFT, old, topic->name,
			   arena_print(differ->arena, "%s stays in Kafka, and does not see what comes",
				       old->stages[topic->of].state));
	else
		change_add(differ, PLAN_TOPIC_LEFT, old, topic->name,
			   "stays in Kafka with its records; no pipeline has it any more");
}

static void topics_left(struct plan_differ *differ, const struct pipeline_plan *old, bool is_gone)
{
	for (size_t i = 0; i < old->topic_count; i++)
		if (!old->topics[i].bound && !topic_is_owned(differ->now, old->topics[i].name))
			topic_left(differ, old, &old->topics[i], is_gone && old->graph->spec->clean_topics_on_delete);
}

/* ---- bandits ---- */

static const struct graph_experiment *learner_find(const struct graph *graph, const char *name)
{
	for (size_t i = 0; i < graph->experiment_count; i++)
		if (graph->experiments[i]->learns && strcmp(graph->experiments[i]->name, name) == 0)
			return graph->experiments[i];
	return NULL;
}

/* What is known of a candidate before the first choice; no plays: nothing. */
static struct bandit_prior prior_of(const struct graph_experiment *experiment, const char *candidate)
{
	for (size_t i = 0; experiment && experiment->priors && i < experiment->count; i++)
		if (strcmp(experiment->shares[i].name, candidate) == 0)
			return experiment->priors[i];
	return (struct bandit_prior){0};
}

/* Whether all that the first knows of candidates, the second knows alike. */
static bool priors_are_known(const struct graph_experiment *experiment, const struct graph_experiment *other)
{
	bool known = true;
	for (size_t i = 0; experiment && i < experiment->count && known; i++) {
		const struct bandit_prior a = prior_of(experiment, experiment->shares[i].name);
		const struct bandit_prior b = prior_of(other, experiment->shares[i].name);
		known = a.plays == b.plays && a.mean == b.mean && a.deviation == b.deviation;
	}
	return known;
}

/* Only the policy topic knows whether something was learnt, so both cases are said. */
static const char warm_start_begins[] =
	"if its bandits have a policy, they go on from it, and warmStart changes nothing; if they have "
	"none, or begin again, they start with it";
static const char warm_start_ends[] =
	"if its bandits have a policy, they go on from it, and keep what they learnt from warmStart; if "
	"they have none, or begin again, they start without it";

static void warm_starts_compare(struct plan_differ *differ, const struct pipeline_plan *old, const struct pipeline_plan *new)
{
	for (size_t i = 0; i < new->graph->experiment_count; i++) {
		const struct graph_experiment *now = new->graph->experiments[i];
		const struct graph_experiment *before = learner_find(old->graph, now->name);
		if (!now->learns || (priors_are_known(now, before) && priors_are_known(before, now)))
			continue;
		change_add(differ, PLAN_WARM_START, new, now->name, now->priors ? warm_start_begins : warm_start_ends);
	}
}

/* ---- all ---- */

static size_t changes_most(const struct plan *plan)
{
	size_t most = 0;
	for (size_t i = 0; i < plan->count; i++)
		most += plan->pipelines[i].topic_count + plan->pipelines[i].graph->experiment_count + PIPELINE_CHANGES_MAX;
	return most;
}

bool plan_diff(const struct plan *before, const struct plan *now, struct arena *arena, struct plan_changes *changes)
{
	struct plan_differ differ = {.before = before, .now = now, .arena = arena};
	differ.items = ARENA_ARRAY(arena, struct plan_change, changes_most(before) + changes_most(now) + 1);
	for (size_t i = 0; differ.items && i < now->count; i++) {
		const struct pipeline_plan *new = &now->pipelines[i], *old = pipeline_find(before, new);
		if (old)
			delivery_compare(&differ, old, new);
		else
			change_add(&differ, PLAN_PIPELINE_ADDED, new, NULL, NULL);
		topics_added(&differ, old, new);
		if (old) {
			topics_left(&differ, old, false);
			warm_starts_compare(&differ, old, new);
		}
	}
	for (size_t i = 0; differ.items && i < before->count; i++) {
		const struct pipeline_plan *old = &before->pipelines[i];
		if (pipeline_find(now, old))
			continue;
		change_add(&differ, PLAN_PIPELINE_REMOVED, old, NULL, "what is in flight is answered before it goes");
		topics_left(&differ, old, true);
	}
	*changes = (struct plan_changes){.count = differ.count, .items = differ.items};
	return !arena_failed(arena);
}

/* ---- printing ---- */

static bool is_of_same_pipeline(const struct plan_change *a, const struct plan_change *b)
{
	return strcmp(a->pipeline, b->pipeline) == 0 && strcmp(a->namespace, b->namespace) == 0;
}

void plan_changes_print_text(const struct plan_changes *changes, struct arena *arena, struct buffer *out)
{
	for (size_t i = 0, end; i < changes->count; i = end) {
		struct plan_table table = {.arena = arena, .columns = 3};
		buffer_print(out, "pipeline %s, namespace %s\n", changes->items[i].pipeline, changes->items[i].namespace);
		for (end = i; end < changes->count && is_of_same_pipeline(&changes->items[i], &changes->items[end]); end++) {
			const struct plan_change *change = &changes->items[end];
			table_add(&table, (const char *const[]){plan_change_names[change->kind], change->name, change->why});
		}
		table_print(&table, 2, 0, out);
	}
	if (changes->count == 0)
		buffer_string(out, "no change of pipelines, groups, topics and state\n");
	if (changes->refused)
		buffer_print(out, "! engines that run files refuse it: %s\n", changes->refused);
}

void plan_changes_print_json(const struct plan_changes *changes, struct buffer *out)
{
	struct emitter emitter = {.out = out};
	emit_open(&emitter, NULL, '{');
	emit_open(&emitter, "changes", '[');
	for (size_t i = 0; i < changes->count; i++) {
		const struct plan_change *change = &changes->items[i];
		emit_open(&emitter, NULL, '{');
		emit_text(&emitter, "change", plan_change_names[change->kind]);
		emit_text(&emitter, "namespace", change->namespace);
		emit_text(&emitter, "pipeline", change->pipeline);
		emit_text(&emitter, "name", change->name);
		emit_text(&emitter, "why", change->why);
		emit_close(&emitter, '}');
	}
	emit_close(&emitter, ']');
	emit_text(&emitter, "refused", changes->refused);
	emit_close(&emitter, '}');
	buffer_byte(out, '\n');
}
