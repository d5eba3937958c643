/* join_sources.c: see join_sources.h. */
#include "engine/setup/join_sources.h"

#include <assert.h>

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

bool join_sources_make(struct stage_config *stage, const struct plan *all, const struct pipeline_plan *plan, size_t index,
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
