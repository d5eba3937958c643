/* stage_setup.c: see stage_setup.h. */
#include "engine/setup/stage_setup.h"

#include <assert.h>

#include "base/number/duration.h"
#include "compiler/plan/plan.h"
#include "engine/worker/stage.h"

/* ---- join sources ---- */

#define TOPICS_BYTES_MAX ((size_t)1 << 20) /* of one link: thousands of topics */

/* ---- whether join windows pause while a source is behind ---- */

struct kinds {
	bool inner; /* a join that needs all of its sources */
	bool less;  /* one that can continue without some sources */
};

static void look_at(struct kinds *kinds, const struct join *join, bool need_less)
{
	if (join->count < 2)
		return;
	bool inner = join->type == JOIN_INNER && !need_less;
	kinds->inner |= inner;
	kinds->less |= !inner;
}

static bool needs_less(const struct graph *graph, size_t index)
{
	const struct step step = step_seen(graph, index);
	const size_t need = step_facts(&step).quorum.need;
	return need > 0 && need < graph->steps[index].inputs.count;
}

/* Whether windows pause. They do not if the stage has only joins that can continue without some sources. */
static bool stands_still(const struct graph *graph)
{
	struct kinds kinds = {0};
	const struct graph_part *part = graph->part;
	for (size_t i = 0; i < graph->count; i++) {
		const struct graph_step *step = &graph->steps[i];
		if (part->sides[i] != STEP_HERE)
			continue;
		look_at(&kinds, &step->inputs, needs_less(graph, i));
		look_at(&kinds, &step->triggers, false);
		kinds.inner |= step->inputs.count > 0 && step->triggers.count > 0;
	}
	if (part->answers)
		look_at(&kinds, &graph->output, false);
	return kinds.inner || !kinds.less;
}

/* ---- the links ---- */

struct engine_chain {
	const struct plan *all;
	struct arena *arena;
	struct upstream_link *links;
	size_t count, room;
	bool *known; /* pipelines that were added */
	bool failed;
};

/* The topics that a stage reads, of the roles that belong to the link. */
static const char *topics_of(const struct pipeline_plan *plan, size_t index, struct arena *arena)
{
	struct buffer names;
	buffer_open(&names, TOPICS_BYTES_MAX);
	for (size_t i = 0; i < plan->topic_count; i++) {
		const struct topic *topic = &plan->topics[i];
		bool first = index == 0 && (topic->role == TOPIC_INPUTS || topic->role == TOPIC_EXTERNAL);
		if (!first && !(topic->role == TOPIC_STAGE && topic->of == index))
			continue;
		if (names.length > 0)
			buffer_byte(&names, ' ');
		buffer_string(&names, topic->name);
	}
	struct text text = buffer_view(&names);
	const char *kept = names.failed ? NULL : arena_copy(arena, text.bytes, text.length);
	buffer_close(&names);
	return kept;
}

static void add_link(struct engine_chain *chain, const struct pipeline_plan *plan, size_t index)
{
	const char *topics = topics_of(plan, index, chain->arena);
	chain->failed |= !topics || chain->count == chain->room;
	if (!chain->failed && topics[0])
		chain->links[chain->count++] = (struct upstream_link){plan_stage_group(plan, index), topics};
}

static void add_sources(struct engine_chain *chain, const struct pipeline_plan *plan);

/* Adds a pipeline, after the pipelines that it reads. */
static void add_pipeline(struct engine_chain *chain, const struct pipeline_plan *plan)
{
	size_t number = (size_t)(plan - chain->all->pipelines);
	if (chain->known[number])
		return;
	chain->known[number] = true;
	add_sources(chain, plan);
	for (size_t i = 0; i < plan->stage_count; i++)
		if (!plan_stage_observes(plan, i)) /* an observer makes nothing that a join waits for */
			add_link(chain, plan, i);
}

/* Adds the pipelines that are read. The requests of another pipeline are sent from outside, so no source is behind. */
static void add_externals(struct engine_chain *chain, const struct externals *externals)
{
	for (size_t i = 0; i < externals->count; i++) {
		const struct external *external = &externals->items[i];
		const struct pipeline_plan *plan = plan_find(chain->all, external->pipeline);
		if (plan && (external->point != SOURCE_REQUEST || external->step))
			add_pipeline(chain, plan);
	}
}

static void add_sources(struct engine_chain *chain, const struct pipeline_plan *plan)
{
	add_externals(chain, &plan->graph->inputs);
	add_externals(chain, &plan->graph->triggers);
}

/* Sets the sources of that stage of the pipeline. They remain empty if the stage joins nothing, or if none of its
 * joins needs all its sources (`outer`, `any`, `within`): then windows do not wait. Pipelines that are not in the
 * plan are left out. In the arena; false: memory ran out. */
static bool join_sources_make(struct stage_config *stage, const struct plan *all, const struct pipeline_plan *plan, size_t index,
			      struct arena *arena)
{
	assert(index < plan->stage_count);
	const struct graph_part *part = stage->graph->part;
	bool joins = part && (part->gathers || part->parent_count > 1);
	if (!joins || (!part->gathers && !stands_still(stage->graph)))
		return true;
	struct engine_chain chain = {.all = all, .arena = arena, .room = plan->stage_count};
	for (size_t i = 0; i < all->count; i++)
		chain.room += all->pipelines[i].stage_count;
	chain.links = ARENA_ARRAY(arena, struct upstream_link, chain.room);
	chain.known = ARENA_ARRAY(arena, bool, all->count);
	if (!chain.links || !chain.known)
		return false;
	if (part->gathers)
		add_sources(&chain, plan);
	for (size_t i = 0; i < plan->stage_count && !chain.failed; i++)
		if (i != index && plan->stages[index].ancestors >> i & 1)
			add_link(&chain, plan, i);
	stage->upstream = (struct upstream_chain){chain.count, chain.links};
	return !chain.failed;
}

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
			note_number(&taps[topic->of].topics, topic, topic_register_number(&group->taps, topic->name));
			stage->taps = taps;
		} else {
			note_number(&steps[topic->of], topic, topic_register_number(&group->writes, topic->name));
			stage->steps = steps;
		}
	}
	return true;
}

static bool model_is_tapped(const struct stage_config *stage, const char *model)
{
	for (size_t i = 0; i < stage->model_count; i++)
		if (strcmp(stage->models[i].model, model) == 0)
			return true;
	return false;
}

/* The two topics of a model are adjacent in the plan. Several steps may call it. */
static bool model_taps_make(struct stage_config *stage, struct group *group, const struct pipeline_plan *plan, struct arena *arena)
{
	struct model_taps *models = ARENA_ARRAY(arena, struct model_taps, plan->callee_count + 1);
	stage->models = models;
	for (size_t i = 0; models && i < plan->callee_count; i++) {
		const struct callee *callee = &plan->callees[i];
		const struct topic *inputs = &plan->topics[callee->tap], *outputs = inputs + 1;
		if (callee->tap && !model_is_tapped(stage, callee->name))
			models[stage->model_count++] =
				(struct model_taps){.model = callee->name,
						    .percent = (uint64_t)inputs->percent,
						    .topics = {topic_register_number(&group->taps, inputs->name),
							       topic_register_number(&group->taps, outputs->name)}};
	}
	return models != NULL;
}

/* Whether a step of the stage has state, which is released in the order of the partition. */
static bool stage_setup_has_state(const struct graph *graph)
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
		next[i] = topic_register_number(&group->writes, plan->topics[plan->stages[part->next[i].stage].topic].name);
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
		reads[stage->topic_count++] = topic_register_number(&group->reads, topic->name);
	}
	stage->external_input = external_input;
	stage->points = external_input ? points : NULL;
	return true;
}

static bool stage_setup_explains(const struct pipeline_plan *plan, size_t stage)
{
	for (size_t i = 0; i < plan->graph->count; i++)
		if (plan->graph->steps[i].explained && plan->stage_of[i] == stage)
			return true;
	return false;
}

#define ALERT_GROUP_SLACK_MS 2000 /* until the engine's thread has seen that a group's alert resolved */

#define BEGINS_EVERY_MS 1000 /* at least: an alert is looked at each second */

/* What a message leaves in the feed when it begins the alert. One with `for` is begun by no message. NULL: memory ran out. */
static const struct alert_message *beginning_make(const struct group *group, const struct pipeline_plan *plan,
						  const struct alert_spec *spec, struct arena *arena)
{
	struct alert_message *made = ARENA_NEW(arena, struct alert_message);
	if (made)
		*made = (struct alert_message){.status = "firing",
					       .namespace = text_of(plan->namespace),
					       .pipeline = text_of(plan->graph->name),
					       .alert = text_of(spec->name.text),
					       .condition = alert_condition_words(spec, arena),
					       .engine = text_of(group->instance),
					       .is_shared = true};
	return made;
}

static bool alert_begins(const struct group *group, const struct alert_spec *spec, const struct alert_condition *condition)
{
	return group->feed && !condition->of_figures && spec->for_ns <= 0 && spec->actions.count > 0;
}

/* Conditions of alerts that are judged for each message. */
static bool alerts_make(struct stage_config *stage, struct group *group, const struct pipeline_plan *plan, struct arena *arena)
{
	const struct item_list *specs = &plan->graph->spec->alerts;
	const struct alert_sources sources = graph_figures(plan->graph);
	struct stage_alert *alerts = ARENA_ARRAY(arena, struct stage_alert, specs->count + 1);
	for (size_t i = 0; alerts && i < specs->count && i < ALERTS_MAX; i++) {
		const struct alert_spec *spec = &((const struct alert_spec *)specs->items)[i];
		struct stage_alert *alert = &alerts[stage->alert_count];
		if (!spec->condition)
			continue;
		if (!alert_condition_make(&alert->condition, spec->condition, &sources, arena))
			return false;
		alert->name = spec->name.text;
		alert->meaning = alert_counter_meaning(plan->graph->name, spec, &alert->condition);
		alert->group_by = alert->condition.of_figures ? NULL : spec->group_by;
		alert->keep_ms = (spec->for_ns + spec->resolve_after_ns) / NS_PER_MS + ALERT_GROUP_SLACK_MS;
		if (alert_begins(group, spec, &alert->condition)) {
			stage->feed = topic_register_number(&group->writes, group->feed);
			alert->begins = beginning_make(group, plan, spec, arena);
			alert->begins_every_ms = spec->resolve_after_ns / NS_PER_MS;
			if (alert->begins_every_ms < BEGINS_EVERY_MS)
				alert->begins_every_ms = BEGINS_EVERY_MS;
			if (!alert->begins)
				return false;
		}
		stage->alert_count += alert_is_counted(&alert->condition);
	}
	stage->alerts = alerts;
	return alerts != NULL;
}

/* Whether the stage sends itself records: that the window of a join has closed, or time for observers
 * (engine/outputs/time_links.h). */
static bool stage_sends_itself(const struct pipeline_plan *plan, size_t index)
{
	const struct stage *stage = &plan->stages[index];
	for (size_t i = 0; plan_stage_observes(plan, index) && i < stage->count; i++) {
		const struct step step = step_seen(plan->graph, stage->steps[i]);
		if (step_awaits_time(&step))
			return true;
	}
	return stage->boundary == BOUNDARY_JOIN;
}

/* Sets a topic of the pipeline that this stage reads or writes. */
static void topic_make(struct stage_config *stage, struct group *group, const struct pipeline_plan *plan, size_t index,
		       const struct topic *topic, uint32_t *reads)
{
	switch (topic->role) {
	case TOPIC_STAGE:
		if (topic->of == index && stage_sends_itself(plan, index))
			stage->own = topic_register_number(&group->writes, topic->name);
		if (topic->of == index)
			reads[stage->topic_count++] = topic_register_number(&group->reads, topic->name);
		break;
	case TOPIC_INPUTS:
		if (index == 0)
			reads[stage->topic_count++] = topic_register_number(&group->reads, topic->name);
		if (index == 0 && plan->direct)
			stage->requests = topic_register_number(&group->writes, topic->name);
		break;
	case TOPIC_STATE:
		if (topic->of == index)
			stage->changelog = topic_register_number(&group->writes, topic->name);
		break;
	case TOPIC_OUTPUTS:
		stage->answers = topic_register_number(&group->writes, topic->name);
		break;
	case TOPIC_ERRORS:
		stage->dead_letters = topic_register_number(&group->writes, topic->name);
		break;
	case TOPIC_EXPLANATIONS:
		stage->explanations = topic_register_number(&group->writes, topic->name);
		break;
	case TOPIC_IMPORTANCE:
		stage->importances = topic_register_number(&group->writes, topic->name);
		break;
	case TOPIC_VERDICTS:
		stage->verdicts = topic_register_number(&group->writes, topic->name);
		break;
	case TOPIC_EXPOSURES:
		stage->exposures = topic_register_number(&group->writes, topic->name);
		stage->exposes = true;
		break;
	case TOPIC_SHADOW:
		stage->shadow = topic_register_number(&group->taps, topic->name);
		stage->mirrors = true;
		break;
	default: /* set from elsewhere, or of no stage */
		break;
	}
}

bool stage_config_make(struct stage_config *stage, struct group *group, const struct plan *all, const struct pipeline_plan *plan,
		       size_t index, struct arena *arena)
{
	assert(index < plan->stage_count);
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
		STAGE_WRITES_NOTHING,
		.explains = stage_setup_explains(plan, index),
		.format = output->format ? format_named(text_of(output->format)) : NULL,
		.errors_off = !output->errors,
		.errors_kept = output->errors == OUTPUT_ERRORS_KEEP,
		.replies_early = plan->graph->spec->reply == REPLY_EARLY,
		.gap_stops = plan->graph->spec->on_gap == GAP_STOP,
		.by_key = plan->graph->spec->order == ORDER_KEY && !stage_setup_has_state(plan->stages[index].graph) &&
			  plan->stages[index].boundary != BOUNDARY_JOIN,
	};
	if (group->feed && plan_stage_observes(plan, index))
		stage->feed = topic_register_number(&group->writes, group->feed);
	for (size_t i = 0; i < plan->topic_count; i++)
		topic_make(stage, group, plan, index, &plan->topics[i], reads);
	if (index == 0 && !points_make(stage, group, all, plan, reads, arena))
		return false;
	if (stage->graph->part && stage->graph->part->gathers && !(stage->external_input = external_input_make(plan->graph, arena)))
		return false;
	return join_sources_make(stage, all, plan, index, arena) && next_make(stage, group, plan, arena) &&
	       step_topics_make(stage, group, plan, arena) && model_taps_make(stage, group, plan, arena) &&
	       alerts_make(stage, group, plan, arena);
}

bool stage_config_make_relay(struct stage_config *stage, struct group *group, const struct pipeline_plan *plan, struct arena *arena)
{
	const char *feedback = plan_topic_of(plan, TOPIC_FEEDBACK);
	uint32_t *reads = ARENA_ARRAY(arena, uint32_t, 1);
	assert(feedback && plan->relay);
	if (!reads)
		return false;
	reads[0] = topic_register_number(&group->reads, feedback);
	*stage = (struct stage_config){
		.name = arena_print(arena, "%s feedback", plan->graph->name),
		.graph = plan->relay,
		.topic_count = 1,
		.topics = reads,
		.relays = true,
		STAGE_WRITES_NOTHING,
		.gap_stops = plan->graph->spec->on_gap == GAP_STOP,
	};
	return next_make(stage, group, plan, arena);
}
