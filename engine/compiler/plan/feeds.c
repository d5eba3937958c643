/* feeds.c: Connections between pipelines. It finds the topics that other pipelines read, so that they are written. It
 * finds pipelines that read back their own output, so that records would never stop, and pipelines called by those
 * that they call. It finds pipelines that would take records from each other. Part of plan_make(). */
#include "compiler/plan/compile.h"

#include "compiler/yaml/fault_codes.h"

static void mark_read(struct compiler *compiler, const struct externals *externals)
{
	for (size_t i = 0; i < externals->count; i++) {
		const struct external *external = &externals->items[i];
		size_t index = names_find(&compiler->pipelines, text_of(external->pipeline));
		if (!external->step || index == NAME_NONE)
			continue;
		const struct graph *graph = compiler->plan->pipelines[index].graph;
		size_t step = graph_find(graph, external->step);
		if (step == STEP_NONE)
			continue;
		bool **flags = &compiler->read_topics[index];
		if (!*flags)
			*flags = ARENA_ARRAY(compiler->arena, bool, 2 * graph->count);
		if (*flags)
			(*flags)[2 * step + (external->point == SOURCE_STEP_OUTPUTS)] = true;
	}
}

/* ---- pipelines in a circle ---- */

/* That one pipeline leads to another. */
struct feed_link {
	size_t to;
	struct place place; /* where it says so */
};

struct links {
	size_t count, room;
	struct feed_link *items;
};

static void link_to(const struct compiler *compiler, struct links *links, size_t to, struct place place)
{
	struct feed_link *items =
		arena_grow(compiler->arena, links->items, links->count, &links->room, PLAN_LIST_FIRST, sizeof *items);
	if (!items)
		return;
	links->items = items;
	items[links->count++] = (struct feed_link){to, place};
}

static void link_add(const struct compiler *compiler, struct links *links, const char *pipeline, struct place place)
{
	size_t to = names_find(&compiler->pipelines, text_of(pipeline));
	if (to != NAME_NONE)
		link_to(compiler, links, to, place);
}

/* Against the flow, to those that feed. What another pipeline was sent is not what it gave,
 * so its inputs lead nowhere. */
static void link_feeds(const struct compiler *compiler, const struct externals *externals, struct links *links)
{
	for (size_t i = 0; i < externals->count; i++)
		if (externals->items[i].point != SOURCE_REQUEST)
			link_add(compiler, links, externals->items[i].pipeline, externals->items[i].place);
}

/* Where two files say that what one answers is what the other is asked; line 0: it is not so. */
static struct place answers_read(const struct pipeline_plan *writer, const struct pipeline_plan *reader)
{
	const struct place read = reader->graph->spec->input.topic_place;
	for (size_t i = 1; i < writer->topic_count; i++)
		if (writer->topics[i].role == TOPIC_OUTPUTS && strcmp(writer->topics[i].name, reader->topics[0].name) == 0)
			return read.line > 0 ? read : writer->graph->spec->output.topic_place;
	return PLACE_NONE;
}

/* Pipelines by the topics that they read, or that their answers leave to: of ten thousand not each is held against each. */
static struct name_index pipelines_by_topic(const struct compiler *compiler, bool outputs)
{
	const struct plan *plan = compiler->plan;
	struct name_index names = {0};
	size_t room = 0;
	for (size_t i = 0; i < plan->count; i++)
		room += plan->pipelines[i].topic_count;
	names.items = ARENA_ARRAY(compiler->arena, struct name_entry, room + 1);
	for (size_t i = 0; names.items && i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		for (size_t j = 0; j < pipeline->topic_count; j++)
			if (outputs ? j > 0 && pipeline->topics[j].role == TOPIC_OUTPUTS : j == 0)
				names.items[names.count++] = (struct name_entry){text_of(pipeline->topics[j].name), i};
	}
	names_sort(&names);
	return names;
}

/* The next pipeline of that topic, from `at` on, which begins as names_first() says; NAME_NONE: no more. */
static size_t pipeline_of_topic(const struct name_index *names, size_t *at, struct text topic)
{
	if (*at >= names->count || !text_equal(names->items[*at].name, topic))
		return NAME_NONE;
	return names->items[(*at)++].index;
}

/* To those whose answers leave to the topic that it reads. */
static void link_topics(const struct compiler *compiler, const struct name_index *writers, const struct pipeline_plan *reader,
			struct links *links)
{
	const struct text topic = text_of(reader->topics[0].name);
	size_t at = names_first(writers, topic);
	for (size_t i; (i = pipeline_of_topic(writers, &at, topic)) != NAME_NONE;) {
		const struct place place = answers_read(&compiler->plan->pipelines[i], reader);
		if (place.line > 0)
			link_to(compiler, links, i, place);
	}
}

/* To those that are called. */
static void link_calls(struct compiler *compiler, const struct graph *graph, struct links *links)
{
	for (size_t i = 0; i < graph->count; i++) {
		const struct step_spec *spec = graph->steps[i].spec;
		bool calls = graph->steps[i].model_switch.count == 0;
		enum call_target target;
		const char *name;
		for (size_t j = 0; calls && graph_calls(graph, i, j, &target, &name); j++)
			if (target == CALL_PIPELINE)
				link_add(compiler, links, name, spec->options_here);
	}
}

enum feed_colour { WHITE, GREY, BLACK };

struct feed_frame {
	size_t pipeline;
	size_t next; /* of its links */
};

struct walk {
	const struct plan *plan;
	const struct links *links; /* of each pipeline */
	unsigned char *colours;
	struct feed_frame *stack;
	size_t depth;
	/* The link leads back to a pipeline that the walk came through. */
	void (*meet)(struct faults *faults, const struct graph *graph, const struct graph *to, struct place place);
};

static void meet_feed(struct faults *faults, const struct graph *graph, const struct graph *to, struct place place)
{
	if (graph == to)
		fault_add(faults, CODE_CYCLE, place, NULL,
			  "pipeline `%s` reads the topic that its answers leave to: a cycle that never ends", graph->name);
	else
		fault_add(faults, CODE_CYCLE, place, NULL,
			  "pipeline `%s` reads results of its own outputs through pipeline `%s`: a cycle that never ends",
			  graph->name, to->name);
}

static void meet_call(struct faults *faults, const struct graph *graph, const struct graph *to, struct place place)
{
	fault_add(faults, CODE_CALL_CIRCLE, place, NULL,
		  "pipeline `%s` calls `%s`, which leads back to it: a message that always takes this path ends in a LIMIT "
		  "error; call another pipeline, or add a condition that ends the cycle",
		  graph->name, to->name);
}

static void feeds_push(struct walk *walk, size_t pipeline)
{
	walk->colours[pipeline] = GREY;
	walk->stack[walk->depth++] = (struct feed_frame){pipeline, 0};
}

static void walk_from(struct walk *walk, size_t root)
{
	feeds_push(walk, root);
	while (walk->depth) {
		struct feed_frame *frame = &walk->stack[walk->depth - 1];
		const struct links *links = &walk->links[frame->pipeline];
		if (frame->next == links->count) {
			walk->colours[frame->pipeline] = BLACK;
			walk->depth--;
			continue;
		}
		const struct feed_link *link = &links->items[frame->next++];
		const struct graph *graph = walk->plan->pipelines[frame->pipeline].graph;
		if (walk->colours[link->to] == WHITE)
			feeds_push(walk, link->to);
		else if (walk->colours[link->to] == GREY && !graph->spec->allow_cycles)
			walk->meet(walk->plan->spec->faults, graph, walk->plan->pipelines[link->to].graph, link->place);
	}
}

static void walk_all(const struct compiler *compiler, const struct links *links,
		     void (*meet)(struct faults *, const struct graph *, const struct graph *, struct place))
{
	const size_t count = compiler->plan->count;
	struct walk walk = {
		.plan = compiler->plan,
		.links = links,
		.colours = ARENA_ARRAY(compiler->arena, unsigned char, count + 1),
		.stack = ARENA_ARRAY(compiler->arena, struct feed_frame, count + 1),
		.meet = meet,
	};
	for (size_t i = 0; links && walk.colours && walk.stack && i < count; i++)
		if (walk.colours[i] == WHITE)
			walk_from(&walk, i);
}

bool plan_feeds(struct compiler *compiler)
{
	const struct plan *plan = compiler->plan;
	struct links *calls = ARENA_ARRAY(compiler->arena, struct links, plan->count + 1);
	compiler->read_topics = ARENA_ARRAY(compiler->arena, bool *, plan->count + 1);
	for (size_t i = 0; calls && i < plan->count && !arena_failed(compiler->arena); i++) {
		const struct graph *graph = plan->pipelines[i].graph;
		mark_read(compiler, &graph->inputs);
		mark_read(compiler, &graph->triggers);
		link_calls(compiler, graph, &calls[i]);
	}
	walk_all(compiler, calls, meet_call);
	return !arena_failed(compiler->arena);
}

/* ---- topics that several read or write ---- */

static void check_circles(const struct compiler *compiler)
{
	const struct plan *plan = compiler->plan;
	struct links *feeds = ARENA_ARRAY(compiler->arena, struct links, plan->count + 1);
	const struct name_index writers = pipelines_by_topic(compiler, true);
	for (size_t i = 0; feeds && i < plan->count; i++) {
		const struct graph *graph = plan->pipelines[i].graph;
		link_feeds(compiler, &graph->inputs, &feeds[i]);
		link_feeds(compiler, &graph->triggers, &feeds[i]);
		link_topics(compiler, &writers, &plan->pipelines[i], &feeds[i]);
	}
	walk_all(compiler, feeds, meet_feed);
}

/* In one group a topic's records are shared out: each of two readers would miss some. */
static void check_reader(const struct compiler *compiler, const struct name_index *readers, size_t i)
{
	const struct plan *plan = compiler->plan;
	const struct pipeline_plan *one = &plan->pipelines[i];
	const struct text topic = text_of(one->topics[0].name);
	size_t at = names_first(readers, topic);
	for (size_t j; (j = pipeline_of_topic(readers, &at, topic)) != NAME_NONE && j < i;) {
		const struct pipeline_plan *other = &plan->pipelines[j];
		if (strcmp(one->group, other->group) != 0 || strcmp(one->graph->name, other->graph->name) == 0)
			continue; /* of two of one name it is said that there are two */
		struct place place = one->graph->spec->input.topic_place;
		fault_add(compiler->spec->faults, CODE_TWO_READERS, place.line > 0 ? place : other->graph->spec->input.topic_place,
			  NULL,
			  "pipelines `%s` and `%s` read the same topic `%s` in one group, so each would receive only a part of "
			  "its records; let `%s` read the inputs of `%s`, by `externalInputs: [%s.inputs]` in place of `topic`",
			  other->graph->name, one->graph->name, one->topics[0].name, one->graph->name, other->graph->name,
			  other->graph->name);
		return;
	}
}

/* An answer has outputs and no inputs: only fields picked from it make a request of it. */
static void check_answers_read(const struct compiler *compiler, const struct name_index *writers, size_t i)
{
	const struct plan *plan = compiler->plan;
	const struct graph *reader = plan->pipelines[i].graph;
	const struct text topic = text_of(plan->pipelines[i].topics[0].name);
	size_t at = names_first(writers, topic);
	for (size_t j; (j = pipeline_of_topic(writers, &at, topic)) != NAME_NONE;) {
		const struct graph *writer = plan->pipelines[j].graph;
		const struct place place = answers_read(&plan->pipelines[j], &plan->pipelines[i]);
		if (i != j && reader->spec->input.tensors.count == 0 && place.line > 0)
			fault_add(compiler->spec->faults, CODE_ANSWERS_READ, place, NULL,
				  "pipeline `%s` reads the answers of `%s` as requests, which they are not; let it read them "
				  "by `externalInputs: [%s.outputs]`",
				  reader->name, writer->name, writer->name);
	}
}

void plan_between(const struct compiler *compiler)
{
	const struct name_index readers = pipelines_by_topic(compiler, false), writers = pipelines_by_topic(compiler, true);
	check_circles(compiler);
	for (size_t i = 0; readers.items && writers.items && i < compiler->plan->count; i++)
		check_answers_read(compiler, &writers, i);
	for (size_t i = 0; readers.items && writers.items && i < compiler->plan->count; i++)
		check_reader(compiler, &readers, i);
}
