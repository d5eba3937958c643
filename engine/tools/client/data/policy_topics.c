/* policy_topics.c: see policy_topics.h. */
#include "tools/client/data/policy_topics.h"

#include <math.h>

#include "base/arena_list.h"
#include "kafka/consume/reader.h"
#include "message/rows.h"
#include "methods/bandits/policy.h"
#include "tools/client/control/resource_groups.h"

#define LEARNER_BYTES_MAX ((size_t)256 << 20) /* the largest (methods/bandits/bandit.h) */

struct policies_reading {
	struct arena *arena;
	struct text pipeline;
	struct published_policies *policies;
};

/* The newest one so far takes the place of those before. NULL: the arena is full. */
static struct published_policy *policy_place(struct policies_reading *self, struct text experiment)
{
	struct published_policies *policies = self->policies;
	for (size_t i = 0; i < policies->count; i++)
		if (text_equal(policies->items[i].pipeline, self->pipeline) &&
		    text_equal(policies->items[i].experiment, experiment))
			return &policies->items[i];
	struct published_policy *items = arena_list_grow(self->arena, policies->items, policies->count, sizeof *items);
	if (!items)
		return NULL;
	items[policies->count] =
		(struct published_policy){.pipeline = self->pipeline, .experiment = text_copied(self->arena, experiment)};
	*policies = (struct published_policies){policies->count + 1, items};
	return &items[policies->count - 1];
}

/* Of the newest record alone: a topic may have many. */
static const struct policy_candidates *candidates_copied(const struct policy_record *record, struct arena *arena)
{
	struct policy_candidates *lists = ARENA_ARRAY(arena, struct policy_candidates, record->candidates_count + 1);
	for (size_t i = 0; lists && i < record->candidates_count; i++) {
		const struct policy_candidates *list = &record->candidates[i];
		struct text *names = ARENA_ARRAY(arena, struct text, list->count);
		for (size_t j = 0; names && j < list->count; j++)
			names[j] = text_copied(arena, list->names[j]);
		lists[i] = (struct policy_candidates){list->since, list->count, names};
	}
	return lists;
}

static bool candidates_are_kept(const struct published_policy *made, const struct policy_record *record)
{
	return made->candidates && made->candidates_count == record->candidates_count &&
	       (record->candidates_count == 0 ||
		made->candidates[made->candidates_count - 1].since == record->candidates[record->candidates_count - 1].since);
}

/* What the learner was told by its file. Names of features change rarely, too. */
static void options_publish(struct published_policy *made, const struct policy_record *record, struct arena *arena)
{
	struct bandit_options options;
	struct error ignored = {0};
	const bool known = bandit_read_options(record->learner, &options, &ignored);
	bool is_same = made->features && made->feature_count == record->feature_count;
	for (size_t i = 0; is_same && i < record->feature_count; i++)
		is_same = text_equal(made->features[i], record->features[i].name);
	struct text *names = is_same ? NULL : ARENA_ARRAY(arena, struct text, record->feature_count + 1);
	for (size_t i = 0; names && i < record->feature_count; i++)
		names[i] = text_copied(arena, record->features[i].name);
	made->algorithm = known ? bandit_kind_names[options.kind] : NULL;
	made->explore = known ? options.explore : 0;
	made->features = is_same ? made->features : names;
	made->feature_count = record->feature_count;
}

/* The newest record takes the memory of those before it, where that suffices. */
static void record_keep(struct published_policy *made, struct text value, struct arena *arena)
{
	if (value.length > made->record_room) {
		made->record_room = 2 * value.length;
		made->record_bytes = arena_take_raw(arena, made->record_room);
	}
	made->record_length = made->record_bytes ? value.length : 0;
	if (made->record_bytes)
		memcpy(made->record_bytes, value.bytes, value.length);
}

/* ---- what was learnt ---- */

/* The numbers of a context in their order (methods/bandits/context.h). Returns how many. */
static size_t coefficients_name(const struct policy_record *record, struct arena *arena, struct text names[CONTEXT_LENGTH_MAX])
{
	size_t count = 0;
	bool has_time = false;
	names[count++] = TEXT("1");
	for (size_t i = 0; i < record->feature_count; i++) {
		const struct policy_feature *feature = &record->features[i];
		const bool is_time = text_is(feature->name, CONTEXT_TIME_OF_DAY);
		has_time |= is_time;
		if (!is_time && feature->class_count == 0 && count < CONTEXT_LENGTH_MAX)
			names[count++] = text_copied(arena, feature->name);
		for (size_t j = 0; !is_time && j < feature->class_count && count < CONTEXT_LENGTH_MAX; j++)
			names[count++] = text_of(arena_print(arena, TEXT_FORMAT "=" TEXT_FORMAT, TEXT_ARGUMENTS(feature->name),
							     TEXT_ARGUMENTS(feature->classes[j])));
	}
	if (has_time && count + 2 <= CONTEXT_LENGTH_MAX) {
		names[count++] = TEXT("sin(" CONTEXT_TIME_OF_DAY ")");
		names[count++] = TEXT("cos(" CONTEXT_TIME_OF_DAY ")");
	}
	return count;
}

static bool learnt_copy(struct published_policy *made, const struct policy_record *record, const struct bandit *bandit,
			struct arena *arena)
{
	const size_t arms = bandit_options(bandit)->arms, length = bandit_options(bandit)->features;
	struct learnt_candidate *learnt = ARENA_ARRAY(arena, struct learnt_candidate, arms);
	struct text *names = ARENA_ARRAY(arena, struct text, CONTEXT_LENGTH_MAX);
	const size_t named = names && length > 0 ? coefficients_name(record, arena, names) : 0;
	if (!learnt || !names)
		return false;
	for (size_t i = 0; i < arms; i++) {
		const struct bandit_arm *arm = bandit_arm(bandit, i);
		double *coefficients = named == length && length > 0 ? ARENA_ARRAY(arena, double, length) : NULL;
		if (coefficients)
			memcpy(coefficients, arm->model.theta, length * sizeof *coefficients);
		learnt[i] = (struct learnt_candidate){.plays = arm->moments.count,
						      .waiting = arm->pending,
						      .mean = arm->moments.count > 0 ? bandit_mean(bandit, i) : (double)NAN,
						      .coefficients = coefficients};
	}
	made->learnt = learnt;
	made->coefficient_count = named;
	made->coefficients = names;
	return true;
}

/* Of a learner that this version does not read nothing is known. SYSTEM: memory ran out. */
static bool learnt_publish(struct published_policy *made, struct arena *arena, struct error *error)
{
	struct policy_record read;
	struct error wrong = {0};
	const struct text value = {made->record_bytes, made->record_length};
	struct arena *work = arena_open(LEARNER_BYTES_MAX);
	const bool is_read = work && policy_record_decode(value, work, &read, &wrong);
	const struct bandit *bandit = is_read ? bandit_read(work, read.learner, &wrong) : NULL;
	const bool good = work && (!bandit || bandit_options(bandit)->arms != made->count ||
				   learnt_copy(made, &read, bandit, arena));
	arena_close(work);
	return good || error_memory(error, ERROR_SYSTEM, "reading policies");
}

static bool pipeline_learnt_publish(struct policies_reading *self, struct error *error)
{
	struct published_policies *policies = self->policies;
	for (size_t i = 0; i < policies->count; i++)
		if (text_equal(policies->items[i].pipeline, self->pipeline) &&
		    !learnt_publish(&policies->items[i], self->arena, error))
			return false;
	return true;
}

/* ---- reading ---- */

static void policy_publish(struct policies_reading *self, const struct policy_record *record, const struct policy *policy,
			   struct text value)
{
	struct published_policy *made = policy_place(self, record->experiment);
	if (!made)
		return;
	record_keep(made, value, self->arena);
	made->version = record->version;
	made->time_ms = record->time_ms;
	made->rewards = record->rewards;
	made->contextual = policy->features > 0;
	for (size_t i = 0; i < record->arm_count; i++)
		if (i >= made->count || !text_equal(made->arms[i], record->arms[i]))
			made->arms[i] = text_copied(self->arena, record->arms[i]);
	made->count = record->arm_count;
	options_publish(made, record, self->arena);
	if (!candidates_are_kept(made, record))
		made->candidates = candidates_copied(record, self->arena);
	made->candidates_count = record->candidates_count;
	if (!made->contextual)
		policy_probabilities(policy, NULL, made->shares);
}

/* What is no policy of this version says nothing: engines do not choose by it either. */
static bool policy_take(void *context, const struct record *record, struct error *error)
{
	struct policies_reading *self = context;
	struct error wrong = {0};
	struct policy_record read;
	struct arena *work = arena_open(4 * POLICY_RECORD_BYTES_MAX);
	const struct policy *policy = NULL;
	if (work && policy_record_decode(record->value, work, &read, &wrong))
		policy = policy_read(work, read.policy, &wrong);
	if (policy && policy->arms == read.arm_count && policy->arms <= ASSIGNMENT_WAYS_MAX)
		policy_publish(self, &read, policy, record->value);
	arena_close(work);
	return (work && !arena_failed(self->arena)) || error_memory(error, ERROR_SYSTEM, "reading policies");
}

bool policy_topic_read(const struct workspace *workspace, const struct pipeline_target *target, const char *pipeline,
		       struct arena *arena, struct published_policies *policies, struct error *error)
{
	struct policies_reading reading = {.arena = arena, .pipeline = text_copied(arena, text_of(pipeline)), .policies = policies};
	const struct reader_config config = {.brokers = target->kafka.brokers,
					     .topic = topic_own_name(arena, target->prefix, target->namespace, pipeline, "policy"),
					     .from_beginning = true,
					     .may_be_absent = true,
					     .properties = target->kafka.consumer};
	if (!config.topic || !reading.pipeline.bytes)
		return error_memory(error, ERROR_SYSTEM, "reading policies");
	struct reader *reader = reader_open(&config, error);
	const bool good =
		reader && reader_give_all(reader, policy_take, &reading, error) && pipeline_learnt_publish(&reading, error);
	reader_close(reader);
	if (reader || error->kind != ERROR_CONFIG)
		return good;
	if (workspace)
		workspace_note(workspace, "%s; no policy of pipeline `%s` is known then", error->text, pipeline);
	*error = (struct error){0};
	return true;
}

/* ---- pipelines that learn ---- */

static bool name_is_asked(const char *experiment, const char *asked)
{
	const size_t length = asked ? strlen(asked) : 0;
	return !asked || (strncmp(experiment, asked, length) == 0 && (experiment[length] == '\0' || experiment[length] == '/'));
}

static bool graph_is_asked(const struct graph *graph, const char *asked)
{
	for (size_t i = 0; i < graph->reachable_count; i++)
		if (graph->reachable[i]->learns && name_is_asked(graph->reachable[i]->name, asked))
			return true;
	return false;
}

static bool graphs_in_force(const struct workspace *workspace, const struct control_session *control, struct spec *spec,
			    struct linked_graphs *graphs, struct error *error)
{
	const struct spec_options options = {
		.kinds = workspace->kinds, .namespace = control->config.namespace, .model_pipelines = true};
	size_t count;
	if (!spec_open(spec, error))
		return false;
	const struct spec_document *documents = documents_in_force(applier_ledger(control->applier), spec->arena, &count);
	if (!documents)
		return error_memory(error, ERROR_SYSTEM, "reading policies");
	return spec_read_documents(spec, documents, count, &options, error) &&
	       (linked_graphs_build(graphs, spec, spec->arena) || error_memory(error, ERROR_SYSTEM, "reading policies"));
}

/* Nobody may ever have called an Experiment by its own name: the pipeline that is made of it has no topics then. */
bool policy_topics_read(const struct workspace *workspace, const struct control_session *control, const char *experiment,
			struct arena *arena, struct published_policies *policies, struct error *error)
{
	struct pipeline_target target = control->target;
	struct linked_graphs graphs = {0};
	struct spec spec;
	*policies = (struct published_policies){0};
	target.namespace = control->config.namespace;
	target.kafka = control->kafka;
	bool good = graphs_in_force(workspace, control, &spec, &graphs, error);
	for (size_t i = 0; good && i < graphs.count; i++)
		if (graph_is_asked(graphs.items[i], experiment))
			good = policy_topic_read(graphs.items[i]->resource->made_of ? NULL : workspace, &target,
						 graphs.items[i]->name, arena, policies, error);
	spec_close(&spec);
	return good;
}
