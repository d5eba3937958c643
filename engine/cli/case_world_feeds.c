/* case_world_feeds.c: pipelines that read other pipelines (input.externalInputs): what comes
 * at a point of one enters those that named it, joined by request id where they named
 * several. */
#include "cli/case_world.h"

struct gathering { /* one request at the external inputs of a pipeline */
	struct gathering *next;
	struct running *running;
	struct text id; /* of the request */
	const struct passage *first;
	const struct payload **inputs;
	const struct payload **triggers;
	size_t input_count, trigger_count; /* that came */
	bool entered;
};

static bool reads(const struct external *external, const char *pipeline, enum tap_point point, const char *step)
{
	if (strcmp(external->pipeline, pipeline) != 0 || !external->step != !step || (step && strcmp(external->step, step) != 0))
		return false;
	if (!step)
		return external->point == (point == TAP_PIPELINE_INPUTS ? SOURCE_REQUEST : SOURCE_STEP_OUTPUTS);
	return external->point == (point == TAP_STEP_INPUTS ? SOURCE_STEP_INPUTS : SOURCE_STEP_OUTPUTS);
}

static struct gathering *gathering_of(struct running *running, const struct passage *passage)
{
	struct arena *arena = running->world->arena;
	for (struct gathering *gathering = running->gatherings; gathering; gathering = gathering->next)
		if (text_equal(gathering->id, passage->message.id))
			return gathering;
	struct gathering *gathering = ARENA_NEW(arena, struct gathering);
	const struct graph *graph = running->graph;
	if (!gathering) {
		running->world->failed = true;
		return NULL;
	}
	*gathering = (struct gathering){
		.next = running->gatherings,
		.running = running,
		.id = passage->message.id,
		.first = passage,
		.inputs = ARENA_ARRAY(arena, const struct payload *, graph->inputs.count),
		.triggers = ARENA_ARRAY(arena, const struct payload *, graph->triggers.count),
	};
	running->gatherings = gathering;
	case_world_note(running->world, EVENT_WINDOW, running->world->now_ms + graph->inputs.window_ms, gathering);
	return gathering;
}

/* The tensors that an external input takes, under their new names. */
static void add_selected(struct tensors_builder *tensors, const struct external *external, const struct payload *payload)
{
	for (size_t i = 0; i < payload->tensors.count; i++) {
		const struct tensor *tensor = payload->tensors.items[i];
		if (external->tensor.length && !text_equal(external->tensor, tensor->name))
			continue;
		for (size_t r = 0; r < external->rename_count; r++) {
			if (text_equal(external->renames[r].from, tensor->name)) {
				tensor = tensor_renamed(tensors->arena, tensor, external->renames[r].to);
				break;
			}
		}
		tensors_add(tensors, tensor);
	}
}

static void gathering_enter(struct gathering *gathering)
{
	struct running *running = gathering->running;
	const struct externals *inputs = &running->graph->inputs;
	struct passage *passage = passage_make(running->world, running, gathering->first->id);
	if (!passage)
		return;
	gathering->entered = true;
	struct arena *arena = passage->message.arena;
	struct tensors_builder tensors;
	tensors_begin(&tensors, arena, 0);
	passage->message = gathering->first->message;
	passage->message.arena = arena;
	passage->message.wanted.count = 0;
	bool leftmost = true;
	for (size_t i = 0; i < inputs->count; i++) {
		if (!gathering->inputs[i])
			continue;
		if (leftmost)
			passage->message.payload.parameters = gathering->inputs[i]->parameters;
		leftmost = false;
		add_selected(&tensors, &inputs->items[i], gathering->inputs[i]);
	}
	passage->message.payload.tensors = tensors_end(&tensors);
	case_world_note(running->world, EVENT_ENTER, running->world->now_ms, passage);
}

static bool enough(const struct externals *externals, size_t came, bool closed)
{
	if (externals->count == 0 || came == externals->count)
		return true;
	return came > 0 && (externals->type == JOIN_ANY || (externals->type == JOIN_OUTER && closed));
}

static void gathering_settle(struct gathering *gathering, bool closed)
{
	const struct graph *graph = gathering->running->graph;
	if (!gathering->entered && gathering->input_count > 0 && enough(&graph->inputs, gathering->input_count, closed) &&
	    enough(&graph->triggers, gathering->trigger_count, closed))
		gathering_enter(gathering);
}

void gathering_window(struct case_world *world, struct gathering *gathering)
{
	(void)world;
	gathering_settle(gathering, true);
}

static bool take(struct running *running, const struct externals *externals, const struct running *from, enum tap_point point,
		 const char *step, const struct passage *passage, const struct payload *payload, bool trigger)
{
	bool took = false;
	for (size_t i = 0; i < externals->count; i++) {
		const struct external *external = &externals->items[i];
		bool survives = external->tensor.length ? tensors_find(payload->tensors, external->tensor) != NULL
							: payload->tensors.count > 0;
		if (!reads(external, from->name, point, step) || !survives)
			continue;
		struct gathering *gathering = gathering_of(running, passage);
		if (!gathering || !gathering->inputs || !gathering->triggers)
			return false;
		const struct payload **came = trigger ? &gathering->triggers[i] : &gathering->inputs[i];
		if (!*came)
			++*(trigger ? &gathering->trigger_count : &gathering->input_count);
		*came = payload;
		took = true;
	}
	return took;
}

void case_world_feed(struct running *from, const struct passage *passage, enum tap_point point, const char *step,
		     const struct payload *payload)
{
	for (struct running *running = from->world->runnings; running; running = running->next) {
		if (!running->flow || running->implicit || from->implicit)
			continue;
		bool inputs = take(running, &running->graph->inputs, from, point, step, passage, payload, false);
		bool triggers = take(running, &running->graph->triggers, from, point, step, passage, payload, true);
		if (inputs || triggers)
			gathering_settle(gathering_of(running, passage), false);
	}
}
