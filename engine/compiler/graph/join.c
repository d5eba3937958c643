/* join.c: Construction of joins from lists of references: it resolves them, removes duplicates, groups them by topic,
 * and turns tensorMap into renames. Part of graph_build(). */
#include "compiler/graph/build.h"

#include "compiler/yaml/fault_codes.h"

#define NONE ((size_t)-1)

struct topic_chain {
	uint32_t generation; /* of another list than this one: unused */
	bool whole;	     /* all tensors of the topic are already in it */
	size_t first, last;
};

enum list_purpose { LIST_INPUTS, LIST_TRIGGERS, LIST_OUTPUT };

static const char *const item_words[] = {
	[LIST_INPUTS] = "input", [LIST_TRIGGERS] = "trigger", [LIST_OUTPUT] = "step"};

/* A list being built. */
struct join_listing {
	struct graph_build *build;
	enum list_purpose purpose;
	const char *owner; /* the step; NULL for the output */
	struct source *sources;
	size_t *next;	/* the following source of the same topic */
	size_t *topics; /* in the order of their first mention */
	size_t count, topic_count;
	size_t gathered_count;
	struct source *gathered; /* the join's own, while renames are still put in */
	bool faulty;		 /* a reference was refused: what depends on it is not judged */
};

static size_t topic_of(const struct source *source)
{
	if (source->point == SOURCE_REQUEST)
		return 0;
	return 1 + 2 * source->step + (source->point == SOURCE_STEP_OUTPUTS);
}

static struct topic_chain *chain_of(const struct join_listing *listing, const struct source *source)
{
	struct topic_chain *chain = &listing->build->chains[topic_of(source)];
	return chain->generation == listing->build->generation ? chain : NULL;
}

/* ---- one reference ---- */

static const char *where(const struct join_listing *listing)
{
	return listing->owner ? arena_print(listing->build->arena, "step `%s`", listing->owner) : "the output";
}

static void fault_unknown(const struct join_listing *listing, struct text text, struct text owner, struct place place)
{
	struct graph_build *build = listing->build;
	const char *name = arena_copy(build->arena, owner.bytes, owner.length);
	if (build->suggestions_left && name && spec_find(build->spec, RESOURCE_PIPELINE, name)) {
		build->suggestions_left--;
		fault_add(build->faults, CODE_UNKNOWN_REFERENCE, place, NULL,
			  "%s names `" TEXT_FORMAT "`, which belongs to another pipeline: only input.externalInputs and "
						   "input.externalTriggers can read that",
			  where(listing), TEXT_ARGUMENTS(text));
		return;
	}
	fault_add(build->faults, CODE_UNKNOWN_REFERENCE, place, build_suggest(build, owner),
		  "%s names `" TEXT_FORMAT "`, and no step of pipeline `" TEXT_FORMAT "` is called `" TEXT_FORMAT "`",
		  where(listing), TEXT_ARGUMENTS(text), TEXT_ARGUMENTS(build->pipeline), TEXT_ARGUMENTS(owner));
}

/* The request, as a step may read it; an output may not, it is no answer. */
static bool resolve_request(const struct join_listing *listing, struct text text, const struct reference *reference,
			    struct place place, struct source *source)
{
	struct graph_build *build = listing->build;
	if (listing->purpose == LIST_OUTPUT) {
		fault_add(build->faults, CODE_BAD_REFERENCE, place, NULL,
			  "the output names `" TEXT_FORMAT "`, which is the request and not a step", TEXT_ARGUMENTS(text));
		return false;
	}
	if (reference->point == POINT_OUTPUTS) {
		fault_add(build->faults, CODE_BAD_REFERENCE, place,
			  arena_print(build->arena, TEXT_FORMAT ".inputs", TEXT_ARGUMENTS(build->pipeline)),
			  "%s names `" TEXT_FORMAT "`, but a pipeline's own outputs cannot go into one of its steps",
			  where(listing), TEXT_ARGUMENTS(text));
		return false;
	}
	source->point = SOURCE_REQUEST;
	source->step = STEP_NONE;
	source->tensor = reference->tensor;
	return true;
}

/* A bare name in the reference dialect: a tensor that some step declares, else a step,
 * else a tensor of the request. */
static bool resolve_tensor_name(const struct join_listing *listing, struct text text, struct source *source)
{
	struct graph_build *build = listing->build;
	size_t step = names_find(&build->declared, text);
	if (step != NAME_NONE)
		*source = (struct source){.point = SOURCE_STEP_OUTPUTS, .step = step, .tensor = text};
	else if (names_find(build->graph->names, text) != NAME_NONE || text_equal(text, build->pipeline) ||
		 listing->purpose == LIST_OUTPUT)
		return false;
	else
		*source = (struct source){.point = SOURCE_REQUEST, .step = STEP_NONE, .tensor = text};
	return true;
}

/* False after a fault. */
static bool join_resolve(const struct join_listing *listing, struct text text, struct place place, struct source *source)
{
	struct graph_build *build = listing->build;
	struct reference reference;
	const char *why, *suggest;
	*source = (struct source){0};
	bool bare = memchr(text.bytes, '.', text.length) == NULL;
	if (bare && build->names_tensors && resolve_tensor_name(listing, text, source))
		return true;
	if (!reference_read(text, &reference, build->arena, &why, &suggest)) {
		size_t known = names_find(build->graph->names, reference.owner);
		if (known == NAME_NONE && !text_equal(reference.owner, build->pipeline) && reference.owner.length)
			fault_unknown(listing, text, reference.owner, place);
		else
			fault_add(build->faults, CODE_BAD_REFERENCE, place, suggest, "%s names `" TEXT_FORMAT "`, which %s",
				  where(listing), TEXT_ARGUMENTS(text), why ? why : "is no reference");
		return false;
	}
	size_t step = names_find(build->graph->names, reference.owner);
	if (step == NAME_NONE && text_equal(reference.owner, build->pipeline))
		return resolve_request(listing, text, &reference, place, source);
	if (step == NAME_NONE) {
		fault_unknown(listing, text, reference.owner, place);
		return false;
	}
	source->point = reference.point == POINT_INPUTS ? SOURCE_STEP_INPUTS : SOURCE_STEP_OUTPUTS;
	source->step = step;
	source->tensor = reference.tensor;
	return true;
}

/* ---- the list ---- */

static void join_put(struct join_listing *listing, const struct source *source)
{
	struct topic_chain *chain = chain_of(listing, source);
	size_t index = listing->count;
	if (!chain) {
		size_t topic = topic_of(source);
		listing->build->chains[topic] = (struct topic_chain){.generation = listing->build->generation,
								     .whole = source->tensor.length == 0,
								     .first = index,
								     .last = index};
		listing->topics[listing->topic_count++] = topic;
	} else {
		for (size_t i = chain->first; i != NONE; i = listing->next[i])
			if (text_equal(listing->sources[i].tensor, source->tensor))
				return;
		/* All of a topic swallows its parts, but not among triggers: there each
		 * reference is a condition of its own, and no data passes. */
		bool swallows = listing->purpose != LIST_TRIGGERS;
		if (swallows && chain->whole)
			return;
		if (swallows && source->tensor.length == 0) {
			chain->first = index;
			chain->whole = true;
		} else {
			listing->next[chain->last] = index;
		}
		chain->last = index;
	}
	listing->sources[index] = *source;
	listing->next[index] = NONE;
	listing->count++;
}

/* The sources, topic by topic. */
static void join_gather(struct join_listing *listing, struct join *join)
{
	struct source *sources = ARENA_ARRAY(listing->build->arena, struct source, listing->count);
	if (!sources)
		return;
	for (size_t i = 0; i < listing->topic_count; i++) {
		struct topic_chain *chain = &listing->build->chains[listing->topics[i]];
		size_t at = chain->first;
		chain->first = join->count;
		for (; at != NONE; at = listing->next[at])
			sources[join->count++] = listing->sources[at];
		chain->last = join->count; /* from here on: behind the last */
	}
	join->sources = listing->gathered = sources;
	listing->gathered_count = join->count;
}

/* The source that the tensor of a mapping comes from; NONE: it is none of the list. */
static size_t matching(const struct join_listing *listing, const struct source *key)
{
	const struct topic_chain *chain = chain_of(listing, key);
	for (size_t i = chain ? chain->first : 0; chain && i < chain->last; i++) {
		struct text tensor = listing->gathered[i].tensor;
		if (tensor.length == 0 || text_equal(tensor, key->tensor))
			return i;
	}
	return NONE;
}

static void switch_set(const struct join_listing *listing, const struct tensor_mapping *mapping, const struct source *key,
		       struct model_switch *model_switch)
{
	struct faults *faults = listing->build->faults;
	if (!model_switch)
		fault_add(faults, CODE_BAD_SWITCH, mapping->from.place, NULL,
			  "the output's tensorMap gives `%s` a list, and only a step can choose among models", mapping->from.text);
	else if (model_switch->count)
		fault_add(faults, CODE_BAD_SWITCH, mapping->from.place, NULL,
			  "%s has a second list in its tensorMap, and one step can choose only once", where(listing));
	else if (mapping->choices.count == 0)
		fault_add(faults, CODE_BAD_SWITCH, mapping->from.place, NULL, "the list under `%s` has no models to choose among",
			  mapping->from.text);
	else
		*model_switch = (struct model_switch){key->tensor, mapping->choices.count, mapping->choices.items};
}

/* Which source a key of the tensorMap means; NONE after a fault. */
static size_t mapped_source(const struct join_listing *listing, const struct tensor_mapping *mapping, struct source *key)
{
	struct graph_build *build = listing->build;
	struct text text = text_of_name(&mapping->from);
	if (text.length == 0 || !join_resolve(listing, text, mapping->from.place, key))
		return NONE;
	if (key->tensor.length == 0) {
		fault_add(build->faults, CODE_BAD_REFERENCE, mapping->from.place,
			  arena_print(build->arena, "%s.TENSOR", mapping->from.text),
			  "the tensorMap of %s has the key `%s`, which names no tensor", where(listing), mapping->from.text);
		return NONE;
	}
	size_t at = matching(listing, key);
	if (at == NONE && !listing->faulty)
		fault_add(build->faults, mapping->to.text ? CODE_IDLE_MAPPING : CODE_BAD_SWITCH, mapping->from.place, NULL,
			  "the tensorMap of %s has the key `%s`, which is not one of its %s", where(listing), mapping->from.text,
			  listing->purpose == LIST_OUTPUT ? "steps" : "inputs");
	return at;
}

/* A tensorMap over the gathered sources: first which source each entry renames, then
 * each source's renames side by side. */
static void rename_sources(const struct join_listing *listing, const struct item_list *map, struct model_switch *model_switch)
{
	const struct tensor_mapping *mappings = map->items;
	struct arena *arena = listing->build->arena;
	struct source *sources = listing->gathered;
	if (map->count == 0 || !sources)
		return;
	size_t *of = ARENA_ARRAY(arena, size_t, map->count);
	struct tensor_rename *renames = ARENA_ARRAY(arena, struct tensor_rename, map->count);
	size_t *begin = ARENA_ARRAY(arena, size_t, listing->gathered_count + 1);
	struct text *from = ARENA_ARRAY(arena, struct text, map->count);
	if (arena_failed(arena))
		return;
	for (size_t i = 0; i < map->count; i++) {
		struct source key;
		of[i] = mapped_source(listing, &mappings[i], &key);
		if (of[i] == NONE)
			continue;
		from[i] = key.tensor;
		if (!mappings[i].to.text) {
			switch_set(listing, &mappings[i], &key, model_switch);
			of[i] = NONE;
		} else {
			begin[of[i] + 1]++;
		}
	}
	for (size_t i = 0; i < listing->gathered_count; i++) {
		begin[i + 1] += begin[i];
		sources[i].renames = renames + begin[i];
	}
	for (size_t i = 0; i < map->count; i++)
		if (of[i] != NONE)
			renames[begin[of[i]] + sources[of[i]].rename_count++] =
				(struct tensor_rename){from[i], text_of(mappings[i].to.text)};
}

static void read_references(struct join_listing *listing, const struct name_list *references)
{
	struct graph_build *build = listing->build;
	for (size_t i = 0; i < references->count; i++) {
		const struct name *name = &references->items[i];
		struct text text = text_of_name(name);
		struct source source;
		if (i == REFERENCES_MAX) {
			fault_add(build->faults, CODE_MANY_REFERENCES, name->place, NULL, "%s names more than %d sources",
				  where(listing), REFERENCES_MAX);
			return;
		}
		if (text.length == 0) {
			fault_add(build->faults, CODE_EMPTY_REFERENCE, name->place, NULL,
				  "%s of pipeline `" TEXT_FORMAT "` has an empty %s", where(listing),
				  TEXT_ARGUMENTS(build->pipeline), item_words[listing->purpose]);
			listing->faulty = true;
			continue;
		}
		if (!join_resolve(listing, text, name->place, &source)) {
			listing->faulty = true;
			continue;
		}
		source.reference = text;
		source.place = name->place;
		join_put(listing, &source);
	}
}

/* False when memory ran out. */
static bool listing_open(struct join_listing *listing, size_t count)
{
	struct graph_build *build = listing->build;
	size_t room = (count < REFERENCES_MAX ? count : REFERENCES_MAX) + 2; /* the request, and what is explained */
	listing->sources = ARENA_ARRAY(build->arena, struct source, room);
	listing->next = ARENA_ARRAY(build->arena, size_t, room);
	listing->topics = ARENA_ARRAY(build->arena, size_t, room);
	build->generation++;
	return listing->sources && listing->next && listing->topics;
}

static int64_t window_of(int64_t join_window_ms)
{
	return join_window_ms > 0 ? join_window_ms : JOIN_WINDOW_MS_DEFAULT;
}

/* The step that an explaining step is about: by name, else the step of its first input. False: none is known. */
static bool explained_find(const struct join_listing *listing, const struct step *self, size_t *explained)
{
	const struct name name = step_facts(self).watched;
	if (name.text) {
		*explained = names_find(listing->build->graph->names, text_of(name.text));
		return *explained != NAME_NONE; /* reach.c reports it */
	}
	*explained = listing->count ? listing->sources[0].step : STEP_NONE;
	if (*explained == STEP_NONE && !listing->faulty)
		fault_add(listing->build->faults, CODE_STEP_OPTIONS, self->place, NULL,
			  "step `%s` explains the answer of a step, and its first input is the request: name one with `step`, or "
			  "list it in `inputs`",
			  self->name);
	return *explained != STEP_NONE;
}

/* Adds the inputs of the explained step to the sources. */
static void put_explained(struct join_listing *listing, size_t step)
{
	const struct step_spec *spec = &listing->build->steps[step];
	struct graph_step *made = &listing->build->graph->steps[step];
	const struct step self = {
		.kind = spec->kind, .name = made->name, .options = spec->options, .place = spec->options_here};
	size_t explained;
	if (!spec->kind || !step_explains(&self) || !explained_find(listing, &self, &explained) || explained == step)
		return;
	const struct source inputs = {.point = SOURCE_STEP_INPUTS,
				      .step = explained,
				      .reference = text_of(listing->build->graph->steps[explained].name),
				      .place = spec->options_here};
	struct step *seen = ARENA_NEW(listing->build->arena, struct step);
	if (!seen)
		return;
	*seen = step_seen(listing->build->graph, explained);
	seen->explained = NULL;
	made->explained = seen;
	made->explained_index = explained;
	join_put(listing, &inputs);
}

static void build_inputs(struct graph_build *build, size_t step)
{
	const struct step_spec *spec = &build->steps[step];
	struct graph_step *made = &build->graph->steps[step];
	struct join_listing listing = {.build = build, .purpose = LIST_INPUTS, .owner = made->name};
	made->inputs.type = (enum join_type)spec->inputs_join_type;
	made->inputs.window_ms = window_of(spec->join_window_ms);
	if (!listing_open(&listing, spec->inputs.count))
		return;
	read_references(&listing, &spec->inputs);
	if (spec->inputs.count == 0) {
		struct source request = {.step = STEP_NONE, .reference = build->pipeline, .place = spec->name.place};
		join_put(&listing, &request);
	}
	put_explained(&listing, step);
	join_gather(&listing, &made->inputs);
	rename_sources(&listing, &spec->tensor_map, &made->model_switch);
}

static bool same_source(const struct source *a, const struct source *b)
{
	return a->point == b->point && a->step == b->step && text_equal(a->tensor, b->tensor);
}

/* After build_inputs(), whose list the chains no longer hold. */
static void build_triggers(struct graph_build *build, size_t step)
{
	const struct step_spec *spec = &build->steps[step];
	struct graph_step *made = &build->graph->steps[step];
	struct join_listing listing = {.build = build, .purpose = LIST_TRIGGERS, .owner = made->name};
	made->triggers.type = (enum join_type)spec->triggers_join_type;
	made->triggers.window_ms = made->inputs.window_ms;
	if (spec->triggers.count == 0 || !listing_open(&listing, spec->triggers.count))
		return;
	read_references(&listing, &spec->triggers);
	join_gather(&listing, &made->triggers);
	if (spec->inputs.count == 0)
		return;
	for (size_t i = 0; i < made->inputs.count; i++) {
		const struct source *input = &made->inputs.sources[i];
		const struct topic_chain *chain = chain_of(&listing, input);
		for (size_t j = chain ? chain->first : 0; chain && j < chain->last; j++) {
			const struct source *trigger = &made->triggers.sources[j];
			if (same_source(input, trigger))
				fault_add(build->faults, CODE_INPUT_IS_TRIGGER, trigger->place, NULL,
					  "step `%s` has `" TEXT_FORMAT
					  "` among its inputs and its triggers: the step waits for its inputs anyway",
					  made->name, TEXT_ARGUMENTS(trigger->reference));
		}
	}
}

void build_step_joins(struct graph_build *build, size_t step)
{
	if (!build->chains) {
		build->chains = ARENA_ARRAY(build->arena, struct topic_chain, 1 + 2 * build->graph->count);
		if (!build->chains)
			return;
	}
	build_inputs(build, step);
	build_triggers(build, step);
}

/* The reference dialect has no output section: the last step's outputs are the answer. */
static void output_of_last_step(struct graph_build *build)
{
	struct graph *graph = build->graph;
	struct source *source = ARENA_NEW(build->arena, struct source);
	if (!source)
		return;
	size_t last = graph->count - 1;
	*source = (struct source){.point = SOURCE_STEP_OUTPUTS,
				  .step = last,
				  .reference = text_of(graph->steps[last].name),
				  .place = build->steps[last].name.place};
	graph->output = (struct join){.type = JOIN_INNER, .window_ms = JOIN_WINDOW_MS_DEFAULT, .count = 1, .sources = source};
	graph->has_output = true;
}

void build_output(struct graph_build *build)
{
	const struct pipeline_output *spec = &build->graph->spec->output;
	struct graph *graph = build->graph;
	struct join_listing listing = {.build = build, .purpose = LIST_OUTPUT};
	if (spec->here.line == 0) {
		if (build->names_tensors)
			output_of_last_step(build);
		return;
	}
	graph->output.type = (enum join_type)spec->steps_join;
	graph->output.window_ms = window_of(spec->join_window_ms);
	if (!listing_open(&listing, spec->steps.count))
		return;
	read_references(&listing, &spec->steps);
	join_gather(&listing, &graph->output);
	rename_sources(&listing, &spec->tensor_map, NULL);
	graph->has_output = graph->output.count > 0;
}
