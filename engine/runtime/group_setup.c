/* group_setup.c: see group_setup.h. */
#include "runtime/group_setup.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/number.h"
#include "runtime/join_sources.h"
#include "runtime/model_clients.h"

/* ---- topics by number ---- */

struct numbered_topic {
	uint32_t number;
	struct numbered_topic *next;
};

static uint32_t topic_number(struct topic_register *topics, const char *name)
{
	if (!topics->lists && !(topics->lists = ARENA_ARRAY(topics->arena, struct numbered_topic *, TOPIC_LISTS)))
		return TOPIC_NOWHERE;
	struct numbered_topic **list = &topics->lists[hash_key(text_of(name)) % TOPIC_LISTS];
	for (const struct numbered_topic *topic = *list; topic; topic = topic->next)
		if (strcmp(topics->names[topic->number], name) == 0)
			return topic->number;
	if (topics->count == topics->capacity) {
		size_t capacity = topics->capacity ? topics->capacity * 2 : 16;
		const char **names = ARENA_ARRAY(topics->arena, const char *, capacity);
		if (!names)
			return TOPIC_NOWHERE;
		if (topics->count > 0)
			memcpy(names, topics->names, topics->count * sizeof *names);
		topics->names = names;
		topics->capacity = capacity;
	}
	const char *copy = arena_copy(topics->arena, name, strlen(name));
	struct numbered_topic *topic = ARENA_NEW(topics->arena, struct numbered_topic);
	if (!copy || !topic)
		return TOPIC_NOWHERE;
	*topic = (struct numbered_topic){(uint32_t)topics->count, *list};
	*list = topic;
	topics->names[topics->count] = copy;
	return (uint32_t)topics->count++;
}

static struct topic_list topic_list_of(const struct topic_register *topics)
{
	return (struct topic_list){topics->count, topics->names};
}

/* ---- one stage ---- */

static int lineage_of(const struct graph *graph, size_t step)
{
	int lineage = graph->steps[step].spec->lineage;
	return lineage == LINEAGE_OF_PIPELINE ? graph->spec->lineage : lineage;
}

static void note_number(struct step_topics *topics, const struct topic *topic, uint32_t number)
{
	if (topic->role == TOPIC_STEP_INPUTS)
		topics->inputs = number;
	else
		topics->outputs = number;
}

/* Step topics that other pipelines depend on are produced with the answer; the others are taps. */
static bool step_topics_make(struct stage_config *stage, struct group *group, const struct pipeline_plan *plan, struct arena *arena)
{
	const struct graph *graph = plan->graph;
	struct step_topics *steps = ARENA_ARRAY(arena, struct step_topics, graph->count);
	struct step_taps *taps = ARENA_ARRAY(arena, struct step_taps, graph->count);
	if (!steps || !taps)
		return false;
	for (size_t i = 0; i < graph->count; i++) {
		steps[i] = taps[i].topics = (struct step_topics){TOPIC_NOWHERE, TOPIC_NOWHERE};
		taps[i].one_in = lineage_of(graph, i) == LINEAGE_SAMPLED ? LINEAGE_SAMPLE : 1;
	}
	for (size_t i = 0; i < plan->topic_count; i++) {
		const struct topic *topic = &plan->topics[i];
		if (topic->role != TOPIC_STEP_INPUTS && topic->role != TOPIC_STEP_OUTPUTS)
			continue;
		if (topic->best_effort) {
			note_number(&taps[topic->of].topics, topic, topic_number(&group->taps, topic->name));
			stage->taps = taps;
		} else {
			note_number(&steps[topic->of], topic, topic_number(&group->writes, topic->name));
			stage->steps = steps;
		}
	}
	return true;
}

/* The two topics of a model are adjacent in the plan. */
static bool model_taps_make(struct stage_config *stage, struct group *group, const struct pipeline_plan *plan, struct arena *arena)
{
	struct model_taps *models = ARENA_ARRAY(arena, struct model_taps, plan->topic_count);
	stage->models = models;
	for (size_t i = 0; models && i + 1 < plan->topic_count; i++) {
		const struct topic *inputs = &plan->topics[i], *outputs = &plan->topics[i + 1];
		if (inputs->role == TOPIC_MODEL_INPUTS)
			models[stage->model_count++] = (struct model_taps){
				.model = inputs->model,
				.percent = (uint64_t)inputs->percent,
				.topics = {topic_number(&group->taps, inputs->name), topic_number(&group->taps, outputs->name)}};
	}
	return models != NULL;
}

/* Whether a step of the stage has state, which is released in the order of the partition. */
static bool remembers(const struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++) {
		bool here = !graph->part || graph->part->sides[i] == STEP_HERE;
		const struct step step = {.kind = graph->steps[i].spec->kind, .options = graph->steps[i].spec->options};
		if (here && step_is_stateful(&step))
			return true;
	}
	return false;
}

/* Sets the topics of the stages to which this one sends. */
static bool next_make(struct stage_config *stage, struct group *group, const struct pipeline_plan *plan, struct arena *arena)
{
	const struct graph_part *part = stage->graph->part;
	if (!part || part->next_count == 0)
		return true;
	uint32_t *next = ARENA_ARRAY(arena, uint32_t, part->next_count);
	for (size_t i = 0; next && i < part->next_count; i++)
		next[i] = topic_number(&group->writes, plan->topics[plan->stages[part->next[i].stage].topic].name);
	stage->next = next;
	return next != NULL;
}

static const struct mapping *mapping_of(const struct plan *plan, const struct external_input_point *point)
{
	const struct pipeline_plan *pipeline = point->point == SOURCE_REQUEST ? plan_find(plan, point->pipeline) : NULL;
	return pipeline ? pipeline->graph->mapping : NULL;
}

/* Sets the topics of other pipelines that the first stage of this one reads. */
static bool points_make(struct stage_config *stage, struct group *group, const struct plan *all, const struct pipeline_plan *plan,
			uint32_t *reads, struct arena *arena)
{
	const struct external_input *external_input = external_input_make(plan->graph, arena);
	struct stage_point *points = ARENA_ARRAY(arena, struct stage_point, plan->topic_count);
	if (!points || (!external_input && external_points(plan->graph) > 0))
		return false;
	for (size_t i = 0; i < stage->topic_count; i++)
		points[i].point = POINT_OWN;
	for (size_t i = 0; external_input && i < plan->topic_count; i++) {
		const struct topic *topic = &plan->topics[i];
		if (topic->role != TOPIC_EXTERNAL)
			continue;
		size_t point = external_input->sources[topic->of].step;
		points[stage->topic_count] = (struct stage_point){point, mapping_of(all, &external_input->points[point])};
		reads[stage->topic_count++] = topic_number(&group->reads, topic->name);
	}
	stage->external_input = external_input;
	stage->points = external_input ? points : NULL;
	return true;
}

static bool explains(const struct pipeline_plan *plan, size_t stage)
{
	for (size_t i = 0; i < plan->graph->count; i++)
		if (plan->graph->steps[i].explained && plan->stage_of[i] == stage)
			return true;
	return false;
}

#define ALERT_GROUP_SLACK_MS 2000 /* until the engine's thread has seen that a group's alert resolved */

/* Conditions of alerts that are judged for each message. */
static bool alerts_make(struct stage_config *stage, const struct pipeline_plan *plan, struct arena *arena)
{
	const struct item_list *specs = &plan->graph->spec->alerts;
	struct stage_alert *alerts = ARENA_ARRAY(arena, struct stage_alert, specs->count + 1);
	for (size_t i = 0; alerts && i < specs->count && i < ALERTS_MAX; i++) {
		const struct alert_spec *spec = &((const struct alert_spec *)specs->items)[i];
		struct stage_alert *alert = &alerts[stage->alert_count];
		if (!spec->condition)
			continue;
		if (!alert_condition_make(&alert->condition, spec->condition, graph_figures(plan->graph), arena))
			return false;
		alert->place = i;
		alert->group_by = alert->condition.of_figures ? NULL : spec->group_by;
		alert->keep_ms = (spec->for_ns + spec->resolve_after_ns) / NS_PER_MS + ALERT_GROUP_SLACK_MS;
		stage->alert_count += !alert->condition.of_figures || alert->condition.uses_rate;
	}
	stage->alerts = alerts;
	return alerts != NULL;
}

/* Verdicts on windows go to the pipeline's topic, and the last one to the feed. */
static void verdicts_go(struct stage_config *stage, struct group *group, const struct topic *topic)
{
	stage->drift = topic_number(&group->writes, topic->name);
	if (group->feed)
		stage->feed = topic_number(&group->writes, group->feed);
}

bool stage_config_make(struct stage_config *stage, struct group *group, const struct plan *all, const struct pipeline_plan *plan,
		       size_t index, struct arena *arena)
{
	const struct pipeline_output *output = &plan->graph->spec->output;
	uint32_t *reads = ARENA_ARRAY(arena, uint32_t, plan->topic_count);
	if (!reads)
		return false;
	*stage = (struct stage_config){
		.name = index == 0 ? plan->graph->name
				   : arena_print(arena, "%s stage %s", plan->graph->name, plan->stages[index].name),
		.mark = arena_print(arena, "%s.%s.%s", plan->prefix, plan->namespace, plan->graph->name),
		.graph = plan->stages[index].graph,
		.topics = reads,
		.answers = TOPIC_NOWHERE,
		.requests = TOPIC_NOWHERE,
		.own = TOPIC_NOWHERE,
		.dead_letters = TOPIC_NOWHERE,
		.explanations = TOPIC_NOWHERE,
		.importances = TOPIC_NOWHERE,
		.drift = TOPIC_NOWHERE,
		.feed = TOPIC_NOWHERE,
		.explains = explains(plan, index),
		.changelog = TOPIC_NOWHERE,
		.format = output->format ? format_named(text_of(output->format)) : NULL,
		.errors_off = !output->errors,
		.errors_kept = output->errors == OUTPUT_ERRORS_KEEP,
		.gap_stops = plan->graph->spec->on_gap == GAP_STOP,
		.by_key = plan->graph->spec->order == ORDER_KEY && !remembers(plan->stages[index].graph) &&
			  plan->stages[index].boundary != BOUNDARY_JOIN,
	};
	for (size_t i = 0; i < plan->topic_count; i++) {
		const struct topic *topic = &plan->topics[i];
		bool own = topic->role == TOPIC_STAGE && topic->of == index;
		if (own && plan->stages[index].boundary == BOUNDARY_JOIN)
			stage->own = topic_number(&group->writes, topic->name);
		if (own || (topic->role == TOPIC_INPUTS && index == 0))
			reads[stage->topic_count++] = topic_number(&group->reads, topic->name);
		if (topic->role == TOPIC_INPUTS && index == 0 && plan->direct)
			stage->requests = topic_number(&group->writes, topic->name);
		if (topic->role == TOPIC_OUTPUTS)
			stage->answers = topic_number(&group->writes, topic->name);
		else if (topic->role == TOPIC_ERRORS)
			stage->dead_letters = topic_number(&group->writes, topic->name);
		else if (topic->role == TOPIC_EXPLANATIONS)
			stage->explanations = topic_number(&group->writes, topic->name);
		else if (topic->role == TOPIC_IMPORTANCE)
			stage->importances = topic_number(&group->writes, topic->name);
		else if (topic->role == TOPIC_DRIFT)
			verdicts_go(stage, group, topic);
		else if (topic->role == TOPIC_EXPOSURES) {
			stage->exposures = topic_number(&group->writes, topic->name);
			stage->exposes = true;
		} else if (topic->role == TOPIC_SHADOW) {
			stage->shadow = topic_number(&group->taps, topic->name);
			stage->mirrors = true;
		} else if (topic->role == TOPIC_STATE && topic->of == index)
			stage->changelog = topic_number(&group->writes, topic->name);
	}
	if (index == 0 && !points_make(stage, group, all, plan, reads, arena))
		return false;
	if (stage->graph->part && stage->graph->part->gathers && !(stage->external_input = external_input_make(plan->graph, arena)))
		return false;
	return join_sources_make(stage, all, plan, index, arena) && next_make(stage, group, plan, arena) &&
	       step_topics_make(stage, group, plan, arena) && model_taps_make(stage, group, plan, arena) &&
	       alerts_make(stage, plan, arena);
}

/* ---- a setup ---- */

static struct served **served_list(struct group *group, const char *pipeline)
{
	return &group->served_lists[hash_key(text_of(pipeline)) % SERVED_LISTS];
}

static struct served *served_same(struct served *served, const char *pipeline)
{
	while (served && strcmp(served->pipeline, pipeline) != 0)
		served = served->next_in_list;
	return served;
}

struct served *served_first(const struct group *group, const char *pipeline)
{
	return served_same(*served_list((struct group *)group, pipeline), pipeline);
}

struct served *served_next(const struct served *served)
{
	return served_same(served->next_in_list, served->pipeline);
}

void group_setup_follow(struct group *group, struct worker_setup *setup)
{
	for (struct served *served = group->served; served; served = served->next)
		served->present = NULL;
	for (size_t i = 0; i < setup->stage_count; i++) {
		struct served *served = served_first(group, setup->stages[i].name);
		while (served && served->counts != setup->stages[i].counts)
			served = served_next(served);
		if (served)
			served->present = &setup->stages[i];
	}
	group->setup = setup;
}

/* Finds or makes the counts of a pipeline. NULL: no memory. */
static struct served *served_of(struct group *group, enum served_kind kind, const char *name, const char *pipeline,
				struct arena *lasting)
{
	for (struct served *served = served_first(group, pipeline); served; served = served_next(served))
		if (served->kind == kind && strcmp(served->name, name) == 0)
			return served;
	struct served *served = ARENA_NEW(lasting, struct served);
	if (!served)
		return NULL;
	served->name = arena_copy(lasting, name, strlen(name));
	served->pipeline = arena_copy(lasting, pipeline, strlen(pipeline));
	served->kind = kind;
	served->counts = ARENA_ARRAY(lasting, struct stage_counts, group->worker_count);
	served->next = group->served;
	if (!served->name || !served->pipeline || !served->counts)
		return NULL;
	struct served **list = served_list(group, pipeline);
	served->next_in_list = *list;
	*list = served;
	return group->served = served;
}

/* Finds the entry of that name, or makes one in the order of the list. NULL: no memory. */
static struct counted *counted_of(struct counted **list, const char *name, size_t workers, size_t size, struct arena *lasting)
{
	for (; *list; list = &(*list)->next)
		if (strcmp((*list)->name, name) == 0)
			return *list;
	struct counted *counted = ARENA_NEW(lasting, struct counted);
	if (!counted)
		return NULL;
	counted->name = arena_copy(lasting, name, strlen(name));
	counted->counts = arena_take(lasting, workers, size);
	if (!counted->name || !counted->counts)
		return NULL;
	return *list = counted;
}

static struct counted_pipeline *counted_pipeline_of(struct group *group, const char *name, struct arena *lasting)
{
	for (struct counted_pipeline *pipeline = group->pipelines; pipeline; pipeline = pipeline->next)
		if (strcmp(pipeline->name, name) == 0)
			return pipeline;
	struct counted_pipeline *pipeline = ARENA_NEW(lasting, struct counted_pipeline);
	if (!pipeline)
		return NULL;
	pipeline->name = arena_copy(lasting, name, strlen(name));
	pipeline->next = group->pipelines;
	return pipeline->name ? (group->pipelines = pipeline) : NULL;
}

/* Counts of each step of the graph. NULL: no memory. */
static struct step_counts *const *count_steps(struct group *group, const struct graph *graph, const char *name, struct arena *arena,
					      struct arena *lasting)
{
	struct counted_pipeline *pipeline = counted_pipeline_of(group, name, lasting);
	struct step_counts **steps = ARENA_ARRAY(arena, struct step_counts *, graph->count + 1);
	for (size_t i = 0; pipeline && steps && i < graph->count; i++) {
		struct counted *step = counted_of(&pipeline->steps, graph->steps[i].name, group->worker_count,
						  sizeof(struct step_counts), lasting);
		if (!step)
			return NULL;
		steps[i] = step->counts;
	}
	return pipeline ? steps : NULL;
}

/* Counts of each model of the client. */
static bool count_models(struct group *group, struct caller_config *caller, struct arena *arena, struct arena *lasting)
{
	struct model_counts **models = ARENA_ARRAY(arena, struct model_counts *, caller->model_count + 1);
	for (size_t i = 0; models && i < caller->model_count; i++) {
		struct counted *model = counted_of(&group->models, caller->models[i].name, group->worker_count,
						   sizeof(struct model_counts), lasting);
		if (!model)
			return false;
		models[i] = model->counts;
	}
	caller->counts = models;
	return models != NULL;
}

static bool count_calls(struct group *group, struct called_pipeline *called, size_t count, struct arena *arena,
			struct arena *lasting)
{
	for (size_t i = 0; i < count; i++) {
		struct served *served = served_of(group, SERVED_CALLS, called[i].name, called[i].name, lasting);
		if (!served)
			return false;
		called[i].counts = served->counts;
		called[i].step_counts = count_steps(group, called[i].graph, called[i].name, arena, lasting);
		if (!called[i].step_counts)
			return false;
	}
	return true;
}

/* Queues of the answers for metrics of truth and reward; those that are new in `lasting`. False: no memory. */
static bool keep_answers(struct stage_config *stage, struct group *group, struct counted_pipeline *counted,
			 const struct pipeline_plan *plan, struct arena *lasting)
{
	bool of_feedback = false;
	for (size_t i = 0; i < plan->metric_count; i++) {
		of_feedback |= plan->metrics[i].of_feedback;
		stage->kept_requests |= plan->metrics[i].of_feedback && plan->metrics[i].of_request;
	}
	if (of_feedback && !counted->queues) {
		struct answer_queue **queues = ARENA_ARRAY(lasting, struct answer_queue *, group->worker_count);
		for (size_t i = 0; queues && i < group->worker_count; i++)
			queues[i] = answer_queue_open(lasting);
		counted->queues = queues;
	}
	stage->kept = of_feedback ? counted->queues : NULL;
	return !arena_failed(lasting);
}

static bool count_metrics(struct stage_config *stage, struct group *group, const struct pipeline_plan *plan, struct arena *arena,
			  struct arena *lasting)
{
	struct counted_pipeline *counted = plan->metric_count > 0 ? counted_pipeline_of(group, plan->graph->name, lasting) : NULL;
	if (plan->metric_count == 0)
		return true;
	stage->metrics = plan->metrics;
	stage->metric_tables = counted ? metric_tables_make(group, counted, plan, arena, lasting) : NULL;
	stage->metric_count = stage->metric_tables ? plan->metric_count : 0;
	return stage->metric_tables && keep_answers(stage, group, counted, plan, lasting);
}

/* Tables of the alerts with `groupBy`, which stay for as long as the engine runs. */
static bool count_alert_groups(const struct stage_config *stage, const struct group *group, struct arena *lasting)
{
	for (size_t i = 0; i < stage->alert_count; i++)
		for (size_t worker = 0; stage->alerts[i].group_by && worker < group->worker_count; worker++) {
			struct judged_groups **table = &stage->counts[worker].alert_groups[stage->alerts[i].place];
			if (!*table && !(*table = judged_groups_open(lasting)))
				return false;
		}
	return true;
}

static bool stages_make(struct worker_setup *setup, struct stage_config *stages, struct group *group, const struct plan *plan,
			const struct pipeline_plan *pipeline, struct arena *arena)
{
	for (size_t i = 0; i < pipeline->stage_count; i++)
		if (strcmp(plan_stage_group(pipeline, i), group->name) == 0 &&
		    !stage_config_make(&stages[setup->stage_count++], group, plan, pipeline, i, arena))
			return false;
	return true;
}

static bool fill(struct worker_setup *setup, struct stage_config *stages, struct group *group, const struct revision *revision,
		 const struct engine_config *config, struct arena *arena, struct arena *lasting, struct error *error)
{
	const struct plan *plan = &revision->plan;
	struct model_clients callers = {.items = ARENA_ARRAY(arena, struct caller_config, plan->count)};
	struct called_pipeline *found = ARENA_ARRAY(arena, struct called_pipeline, plan->count + 1);
	if (!group->news && !(group->news = model_news_open(config->log, lasting)))
		return false;
	for (size_t i = 0; callers.items && found && i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		size_t first = setup->stage_count;
		if (!revision_holds(revision, i) && !stages_make(setup, stages, group, plan, pipeline, arena))
			return false;
		if (setup->stage_count == first)
			continue;
		size_t called_count = called_pipelines_find(plan, pipeline, found);
		struct called_pipeline *called = ARENA_ARRAY(arena, struct called_pipeline, called_count + 1);
		if (called)
			memcpy(called, found, called_count * sizeof *called);
		if (!called || !count_calls(group, called, called_count, arena, lasting))
			return false;
		stages[first].called = called;
		stages[first].called_count = called_count;
		if (!model_clients_find(&callers, group->news, config, plan, pipeline, &stages[first], arena, error))
			return false;
		for (size_t j = first; j < setup->stage_count; j++) {
			struct stage_config *stage = &stages[j];
			stage->caller = stages[first].caller;
			stage->own_models = stages[first].own_models;
			stage->own_model_count = stages[first].own_model_count;
			stage->called = called;
			stage->called_count = called_count;
			struct served *served =
				served_of(group, j == first && !group->observes ? SERVED_FIRST : SERVED_LATER, stage->name,
					  pipeline->graph->name, lasting);
			stage->files = &revision_view(revision, pipeline)->source;
			stage->board = group->board;
			stage->policies = group->policies;
			stage->rollouts = group->rollouts;
			if (!served || !stage_check(stage, error))
				return false;
			stage->counts = served->counts;
			stage->step_counts = count_steps(group, stage->graph, pipeline->graph->name, arena, lasting);
			if (!stage->step_counts || !count_metrics(stage, group, pipeline, arena, lasting) ||
			    !count_alert_groups(stage, group, lasting))
				return false;
		}
		uint64_t version = revision_version(revision, pipeline, config->kinds);
		if (version == 0)
			return false;
		for (size_t j = first; j < setup->stage_count; j++)
			stages[j].version = version;
	}
	for (size_t i = 0; i < callers.count; i++)
		if (!count_models(group, &callers.items[i], arena, lasting))
			return false;
	return callers.items && model_news_expect(group->news, &callers, lasting) && !arena_failed(arena) &&
	       !arena_failed(lasting);
}

/* The name of the replies topic. The pipelines of a group have one namespace. NULL: memory ran out, or the group has
 * no pipelines any more. */
static const char *replies_topic(const struct group *group, const struct plan *plan, struct arena *lasting)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->pipelines[i].group, group->name) == 0)
			return topic_replies_name(lasting, plan->pipelines[i].prefix, plan->pipelines[i].namespace);
	return NULL;
}

struct worker_setup *group_setup_make(struct group *group, const struct revision *revision, const struct engine_config *config,
				      atomic_size_t *users, struct arena *arena, struct arena *lasting, struct error *error)
{
	struct worker_setup *setup = ARENA_NEW(arena, struct worker_setup);
	size_t room = 0;
	for (size_t i = 0; i < revision->plan.count; i++)
		room += revision->plan.pipelines[i].stage_count;
	struct stage_config *stages = ARENA_ARRAY(arena, struct stage_config, room);
	group->feed = config->feed;
	if (!setup || !stages || !fill(setup, stages, group, revision, config, arena, lasting, error)) {
		if (error->kind == ERROR_NONE)
			error_memory(error, ERROR_SYSTEM, "preparing workers");
		return NULL;
	}
	for (size_t i = 0; i < setup->stage_count; i++) {
		stages[i].users = users;
		stages[i].revision = revision->number;
	}
	setup->stages = stages;
	setup->reads = topic_list_of(&group->reads);
	setup->writes = topic_list_of(&group->writes);
	setup->taps = topic_list_of(&group->taps);
	setup->replies = replies_topic(group, &revision->plan, lasting);
	return setup;
}

/* ---- memory ---- */

#define MEMORY_OF_ENGINE ((size_t)24 << 20) /* the program, its files, the main thread */
#define MEMORY_OF_WORKER ((size_t)6 << 20)  /* the threads of a worker's clients, before there is a record */
#define MEMORY_LEAST ((size_t)4 << 20)	    /* of a worker's records: with less it would work, but slowly */
/* One of the parts waits to be taken, one is being fetched, three are in flight, two are being produced. */
#define MEMORY_PARTS 8
#define IN_FLIGHT_BYTES 8192 /* of a small message; limits how many are in flight */
#define WAITING_BYTES 256    /* that librdkafka keeps for each record, without counting it */
#define FETCH_LEAST 1000000  /* librdkafka's default of message.max.bytes */
#define RECEIVE_BESIDE 512   /* bytes by which receive.message.max.bytes must exceed a fetch */
/* Maxima that librdkafka accepts. */
#define FETCH_MOST ((size_t)2147483135)
#define QUEUED_KBYTES_MOST ((size_t)2097151)
#define QUEUED_MESSAGES_MOST ((size_t)10000000)
#define FETCHES_AHEAD 4 /* in a part, if they can be small: a fetch stays in memory until its last record is taken */

static struct properties properties_before(const struct property *own, size_t count, struct properties users, struct arena *arena)
{
	struct property *items = ARENA_ARRAY(arena, struct property, count + users.count);
	if (!items)
		return (struct properties){0};
	memcpy(items, own, count * sizeof *own);
	if (users.count > 0)
		memcpy(&items[count], users.items, users.count * sizeof *items);
	return (struct properties){count + users.count, items};
}

/* The value in the user's settings; `otherwise` if there is none. */
static size_t size_set(struct properties consumer, const char *name, size_t otherwise)
{
	uint64_t found = otherwise, set;
	for (size_t i = 0; i < consumer.count; i++)
		if (consumer.items[i].value && strcmp(consumer.items[i].name, name) == 0 &&
		    number_read_uint64(text_of(consumer.items[i].value), &set))
			found = set;
	return (size_t)found;
}

static size_t at_most(size_t size, size_t most)
{
	return size < most ? size : most;
}

/* Size of a fetch. librdkafka rejects a fetch that is smaller than the largest record (message.max.bytes), or larger
 * than receive.message.max.bytes allows. */
static size_t fetch_size(struct properties consumer, size_t wanted)
{
	const size_t least = size_set(consumer, "message.max.bytes", FETCH_LEAST);
	const size_t receive = size_set(consumer, "receive.message.max.bytes", FETCH_MOST + RECEIVE_BESIDE);
	const size_t fits = at_most(wanted, receive > RECEIVE_BESIDE ? receive - RECEIVE_BESIDE : 0);
	return at_most(fits < least ? least : fits, FETCH_MOST);
}

bool group_shares_make(const struct engine_config *config, size_t workers, struct arena *arena, struct group_shares *shares,
		       struct error *error)
{
	size_t fixed = MEMORY_OF_ENGINE + workers * MEMORY_OF_WORKER;
	size_t each = config->memory_bytes > fixed ? (config->memory_bytes - fixed) / workers : 0;
	if (each < MEMORY_LEAST) {
		each = MEMORY_LEAST;
		log_say(config->log, LOG_LEVEL_WARN, NULL,
			"--memory is %.1f MiB, and %zu worker%s use about %zu MiB at least; this minimum is used",
			(double)config->memory_bytes / (1 << 20), workers, workers == 1 ? "" : "s",
			(fixed + workers * MEMORY_LEAST) >> 20);
	}
	size_t part = each / MEMORY_PARTS;
	const char *fetched = arena_print(arena, "%zu", at_most(part / 1024, QUEUED_KBYTES_MOST));
	const char *waiting = arena_print(arena, "%zu", at_most(part / WAITING_BYTES, QUEUED_MESSAGES_MOST));
	size_t fetch = fetch_size(config->consumer, consumer_refills_soon() ? part / FETCHES_AHEAD : part);
	const char *a_fetch = arena_print(arena, "%zu", fetch);
	const char *produced = arena_print(arena, "%zu", at_most(2 * part / 1024, QUEUED_KBYTES_MOST));
	const struct property consumer[] = {
		{"queued.min.messages", waiting},
		{"queued.max.messages.kbytes", fetched},
		{"fetch.max.bytes", a_fetch},
	};
	const struct property producer[] = {{"queue.buffering.max.kbytes", produced}};
	shares->limits = worker_limits_usual;
	shares->limits.held_bytes = 3 * part;
	shares->limits.in_flight = 3 * part / IN_FLIGHT_BYTES;
	shares->limits.tap_bytes = part / 4;
	shares->limits.commit_ms = config->commit_ms;
	shares->limits.drain_ms = config->drain_ms;
	shares->consumer = properties_before(consumer, sizeof consumer / sizeof *consumer, config->consumer, arena);
	shares->producer = properties_before(producer, sizeof producer / sizeof *producer, config->producer, arena);
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "preparing workers");
}
