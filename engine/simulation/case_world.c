/* case_world.c: Opening and closing of the world of a case; see case_world.h. */
#include "simulation/case_world.h"

#include <stdio.h>

#include "base/memory.h"
#include "simulation/case_alerts.h"
#include "observe/verdict_board.h"

#define EVENTS_AT_FIRST 256
#define STATE_BYTES_MAX ((size_t)1 << 30) /* of a pipeline */

/* ---- events: a heap ---- */

static bool sooner(const struct event *a, const struct event *b)
{
	return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->serial < b->serial);
}

void case_world_note(struct case_world *world, enum event_kind kind, int64_t at_ms, void *about)
{
	if (world->event_count + 2 > world->event_capacity) {
		size_t capacity = world->event_capacity ? world->event_capacity * 2 : EVENTS_AT_FIRST;
		struct event *events = memory_resize(world->events, capacity, sizeof *events);
		if (!events) {
			world->failed = true;
			return;
		}
		world->events = events;
		world->event_capacity = capacity;
	}
	struct event event = {.at_ms = at_ms, .serial = ++world->serial, .kind = kind, .about = about};
	size_t slot = ++world->event_count;
	for (; slot > 1 && sooner(&event, &world->events[slot / 2]); slot /= 2)
		world->events[slot] = world->events[slot / 2];
	world->events[slot] = event;
}

struct event case_world_next(struct case_world *world)
{
	struct event first = world->events[1];
	struct event last = world->events[world->event_count--];
	size_t slot = 1;
	for (size_t child; (child = slot * 2) <= world->event_count; slot = child) {
		if (child < world->event_count && sooner(&world->events[child + 1], &world->events[child]))
			child++;
		if (!sooner(&world->events[child], &last))
			break;
		world->events[slot] = world->events[child];
	}
	if (world->event_count)
		world->events[slot] = last;
	return first;
}

static struct passage *passage_of(const struct message *message)
{
	return (struct passage *)message_root(message); /* its first member */
}

struct text case_world_line(const struct message *message)
{
	return passage_of(message)->id;
}

static const struct format *format_of(const struct running *running)
{
	const char *name = running && running->graph ? running->graph->spec->output.format : NULL;
	return name ? format_named(text_of(name)) : NULL;
}

void case_world_record_of(struct case_world *world, const struct message *message, const char *at, const struct payload *payload,
			  const struct error *error)
{
	struct arrival *record = ARENA_NEW(world->arena, struct arrival);
	struct error *kept = error ? ARENA_NEW(world->arena, struct error) : NULL;
	if (!record || (error && !kept)) {
		world->failed = true;
		return;
	}
	if (error)
		*kept = *error;
	*record = (struct arrival){.id = case_world_line(message),
				   .at = at,
				   .message = message,
				   .format = format_of(passage_of(message)->running),
				   .payload = payload,
				   .error = kept};
	*world->records_end = record;
	world->records_end = &record->next;
}

void case_world_record(struct case_world *world, const struct passage *passage, const char *at, const struct payload *payload,
		       const struct error *error)
{
	case_world_record_of(world, &passage->message, at, payload, error);
}

/* ---- pipelines ---- */

struct running *case_world_find(const struct case_world *world, const char *name, bool implicit)
{
	for (struct running *running = world->runnings; running; running = running->next)
		if (running->implicit == implicit && strcmp(running->name, name) == 0)
			return running;
	return NULL;
}

static void on_tap(void *context, const struct message *message, enum tap_point point, size_t step, const struct payload *payload)
{
	struct running *running = context;
	bool outputs = point == TAP_PIPELINE_OUTPUTS || point == TAP_STEP_OUTPUTS;
	size_t topic = (step == STEP_NONE ? 0 : 2 + 2 * step) + (outputs ? 1 : 0);
	if (!running->implicit)
		case_world_record_of(running->world, message, running->topics[topic], payload, NULL);
	case_alerts_judge(running, message, point, step, payload);
	case_world_feed(running, message, point, step == STEP_NONE ? NULL : running->graph->steps[step].name, payload);
}

static void answer_record(const struct running *running, const struct message *message, enum flow_outcome outcome,
			  const struct answer *answer)
{
	if (outcome != FLOW_ANSWER)
		return;
	if (answer->error && !running->implicit)
		case_world_record_of(running->world, message, running->topics[1], NULL, answer->error);
	if (passage_of(message)->asked)
		case_world_record_of(running->world, message, NULL, answer->payload, answer->error);
}

static void on_answer(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	const struct passage *passage = passage_of(message);
	if (passage->parent) {
		asking_answered(passage->parent, message, outcome, answer);
		return;
	}
	answer_record(context, message, outcome, answer);
	for (const struct offspring *offspring = message->offspring; offspring; offspring = offspring->next)
		answer_record(context, &offspring->message, offspring->outcome, &offspring->answer);
}

/* Records still look at the message: it is kept until the world is closed. What it wrote
 * is released with the finished prefix, as a worker does. */
static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct running *running = context;
	passage_of(message)->finished = true;
	/* Work after an answer has no caller to which lack of memory could be reported. */
	if (outcome == FLOW_ANSWER && !answer->error && arena_failed(message->arena))
		running->world->failed = true;
	struct error error = {0};
	while (running->entered && running->entered->finished) {
		const struct passage *first = running->entered;
		if (!store_release(running->store, first->message.writes, &error))
			running->world->failed = true;
		running->entered = first->behind;
	}
	if (!running->entered)
		running->entered_end = &running->entered;
}

void running_expect(struct running *running, struct passage *passage)
{
	if (!running->line)
		return;
	passage->message.line = running->line;
	*running->entered_end = passage;
	running->entered_end = &passage->behind;
}

static bool running_keep(struct running *running)
{
	running->entered_end = &running->entered;
	if (!running->flow || flow_scopes(running->flow).count == 0)
		return true;
	running->store = store_open(flow_scopes(running->flow), STATE_BYTES_MAX);
	running->line = running->store ? line_open(running->flow, running->store, &running->refused) : NULL;
	return running->line != NULL;
}

static void name_topics(struct running *running, struct arena *arena)
{
	running->topics = ARENA_ARRAY(arena, const char *, 2 + 2 * running->graph->count);
	if (!running->topics)
		return;
	running->topics[0] = arena_print(arena, "%s.inputs", running->name);
	running->topics[1] = arena_print(arena, "%s.outputs", running->name);
	for (size_t i = 0; i < running->graph->count; i++) {
		const char *step = running->graph->steps[i].name;
		running->topics[2 + 2 * i] = arena_print(arena, "%s.step.%s.inputs", running->name, step);
		running->topics[3 + 2 * i] = arena_print(arena, "%s.step.%s.outputs", running->name, step);
	}
}

/* Steps that say themselves where their model is make it known. */
static void know_models(struct case_world *world, const struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++) {
		const struct step_spec *spec = graph->steps[i].spec;
		const struct step step = {.kind = spec->kind, .name = graph->steps[i].name, .options = spec->options};
		enum call_target target;
		const char *name;
		const char *uri = step_storage(&step);
		if (uri && step_calls(&step, 0, &target, &name))
			(void)case_model_of(world, name, uri);
	}
}

/* False: memory ran out. */
static bool running_listen(struct running *running)
{
	const struct externals *inputs = &running->graph->inputs, *triggers = &running->graph->triggers;
	if (running->implicit || inputs->count + triggers->count == 0)
		return true;
	running->external_input = external_input_make(running->graph, running->world->arena);
	running->matcher = running->external_input ? join_matcher_open(&running->external_input->rule) : NULL;
	return running->matcher != NULL;
}

static void running_add(struct case_world *world, const char *name, struct graph *graph, bool implicit)
{
	struct running *running = ARENA_NEW(world->arena, struct running);
	if (!running || !graph) {
		world->failed = true;
		return;
	}
	*running = (struct running){.world = world, .name = name, .implicit = implicit, .graph = graph};
	name_topics(running, world->arena);
	know_models(world, graph);
	const struct flow_outside outside = {
		.context = running,
		.call = case_world_call,
		.copy = case_world_copy,
		.forget = case_world_forget,
		.outage_ms = case_world_outage_ms,
		.answer = on_answer,
		.finished = on_finished,
		.tap = on_tap,
		.files = files_source(world->named),
		.board = world->board,
	};
	if (faults_count(world->spec->faults, SEVERITY_ERROR) == 0) /* else a step may be without what it needs */
		running->flow = flow_open(graph, &outside, &running->refused);
	if (!running_keep(running) || !running_listen(running) || !case_alerts_make(running))
		world->failed = true;
	struct running **end = &world->runnings;
	while (*end)
		end = &(*end)->next;
	*end = running;
}

static bool is_targeted(const struct case_files *files, const char *prefix, const char *name)
{
	char target[CASE_PATH_MAX];
	int length = snprintf(target, sizeof target, "%s/%s", prefix, name);
	for (size_t i = 0; i < files->request_count; i++)
		if (text_equal(files->requests[i].target, (struct text){target, (size_t)length}))
			return true;
	return false;
}

bool case_world_open(struct case_world *world, const struct case_files *files, const struct spec *spec,
		     const struct step_kind *const *kinds, struct arena *arena, struct error *error)
{
	*world = (struct case_world){.arena = arena, .spec = spec, .files = files, .kinds = kinds};
	world->records_end = &world->records;
	world->now_ms = CASE_START_MS;
	world->named = files_open(error);
	if (!world->named || !(world->loop = loop_open_virtual(world->now_ms, error)))
		return false;
	world->board = verdict_board_open();
	if (!world->board)
		return error_memory(error, ERROR_SYSTEM, "opening the pipelines of a case");
	const struct name_list stubs = case_stubs_offered(files, "stub://case", arena);
	bool any = spec_first(spec, RESOURCE_PIPELINE) != NULL;
	for (int made = 0; made < 2; made++) /* generated pipelines come after those written as Pipeline */
		for (size_t i = 0; i < spec->count; i++) {
			const struct resource *resource = spec->resources[i];
			if (resource->kind->type == RESOURCE_PIPELINE && (resource->made_of != NULL) == made)
				running_add(world, resource->name.text,
					    graph_build_served(resource, spec, &stubs, arena, spec->faults), false);
		}
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		if (resource->kind->type == RESOURCE_MODEL && (!any || is_targeted(files, "models", resource->name.text)))
			running_add(world, resource->name.text, graph_of_model(resource, spec, kinds, arena), true);
	}
	return !world->failed || error_memory(error, ERROR_SYSTEM, "opening the pipelines of a case");
}

void case_world_refuse(struct case_world *world, const struct error *why)
{
	for (size_t i = 0; i < world->files->request_count; i++) {
		struct passage *passage = ARENA_NEW(world->arena, struct passage);
		if (!passage) {
			world->failed = true;
			return;
		}
		passage->id = world->files->requests[i].id;
		case_world_record(world, passage, NULL, NULL, why);
	}
}

void case_world_close(struct case_world *world)
{
	for (struct running *running = world->runnings; running; running = running->next) {
		flow_close(running->flow);
		line_close(running->line);
		store_close(running->store);
		join_matcher_close(running->matcher);
	}
	case_models_close(world);
	for (struct passage *passage = world->passages; passage; passage = passage->next)
		arena_close(passage->message.arena);
	verdict_board_close(world->board);
	files_close(world->named);
	loop_close(world->loop);
	memory_give(world->events);
}
