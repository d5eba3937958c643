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
	bool late; /* the window has closed before enough came */
	bool refused;
};

struct arriving { /* at a point of a pipeline */
	const char *pipeline;
	enum tap_point point;
	const char *step;
	const struct payload *payload;
};

static bool reads(const struct external *external, const struct arriving *arriving)
{
	const char *step = arriving->step;
	if (strcmp(external->pipeline, arriving->pipeline) != 0 || !external->step != !step ||
	    (step && strcmp(external->step, step) != 0))
		return false;
	if (!step)
		return external->point == (arriving->point == TAP_PIPELINE_INPUTS ? SOURCE_REQUEST : SOURCE_STEP_OUTPUTS);
	return external->point == (arriving->point == TAP_STEP_INPUTS ? SOURCE_STEP_INPUTS : SOURCE_STEP_OUTPUTS);
}

static bool takes(const struct external *external, const struct tensor *tensor)
{
	return external->tensor.length == 0 || text_equal(external->tensor, tensor->name);
}

/* Whether it reads that point, and what it selects is there. */
static bool receives(const struct external *external, const struct arriving *arriving)
{
	const struct tensors *tensors = &arriving->payload->tensors;
	if (!reads(external, arriving))
		return false;
	for (size_t i = 0; i < tensors->count; i++)
		if (takes(external, tensors->items[i]))
			return true;
	return false;
}

/* `came` NULL: whether any of them receives it; else whether any that does has something already. */
static bool any_receives(const struct externals *externals, const struct arriving *arriving, const struct payload *const *came)
{
	for (size_t i = 0; i < externals->count; i++)
		if ((!came || came[i]) && receives(&externals->items[i], arriving))
			return true;
	return false;
}

static struct gathering *gathering_make(struct running *running, const struct passage *passage)
{
	struct arena *arena = running->world->arena;
	const struct graph *graph = running->graph;
	struct gathering *gathering = ARENA_NEW(arena, struct gathering);
	const struct payload **inputs = ARENA_ARRAY(arena, const struct payload *, graph->inputs.count);
	const struct payload **triggers = ARENA_ARRAY(arena, const struct payload *, graph->triggers.count);
	if (!gathering || !inputs || !triggers) {
		running->world->failed = true;
		return NULL;
	}
	*gathering = (struct gathering){
		.next = running->gatherings,
		.running = running,
		.id = passage->message.id,
		.first = passage,
		.inputs = inputs,
		.triggers = triggers,
	};
	running->gatherings = gathering;
	case_world_note(running->world, EVENT_WINDOW, running->world->now_ms + graph->inputs.window_ms, gathering);
	return gathering;
}

/* The oldest of that request id which still lacks what arrives: ids need not be unique,
 * and what comes twice is another request. */
static struct gathering *gathering_of(struct running *running, const struct passage *passage, const struct arriving *arriving)
{
	const struct graph *graph = running->graph;
	struct gathering *oldest = NULL;
	for (struct gathering *gathering = running->gatherings; gathering; gathering = gathering->next)
		if (text_equal(gathering->id, passage->message.id) &&
		    !any_receives(&graph->inputs, arriving, gathering->inputs) &&
		    !any_receives(&graph->triggers, arriving, gathering->triggers))
			oldest = gathering;
	return oldest ? oldest : gathering_make(running, passage);
}

static const struct tensor *renamed(struct arena *arena, const struct external *external, const struct tensor *tensor)
{
	for (size_t i = 0; i < external->rename_count; i++)
		if (text_equal(external->renames[i].from, tensor->name))
			return tensor_renamed(arena, tensor, external->renames[i].to);
	return tensor;
}

/* References to one topic are one source: its tensors keep its order, and each goes
 * once, by the first reference that takes it. */
static void add_topic(struct tensors_builder *tensors, const struct gathering *gathering, size_t leader)
{
	const struct externals *inputs = &gathering->running->graph->inputs;
	const struct payload *payload = gathering->inputs[leader];
	for (size_t t = 0; t < payload->tensors.count; t++) {
		const struct tensor *tensor = payload->tensors.items[t];
		for (size_t i = leader; i < inputs->count; i++) {
			if (gathering->inputs[i] && external_same_topic(&inputs->items[i], &inputs->items[leader]) &&
			    takes(&inputs->items[i], tensor)) {
				tensors_add(tensors, renamed(tensors->arena, &inputs->items[i], tensor));
				break;
			}
		}
	}
}

/* Whether something came for it, and it is the first reference to its topic of which that is so. */
static bool leads(const struct gathering *gathering, size_t index)
{
	const struct external *items = gathering->running->graph->inputs.items;
	for (size_t i = 0; i < index; i++)
		if (gathering->inputs[i] && external_same_topic(&items[i], &items[index]))
			return false;
	return gathering->inputs[index] != NULL;
}

static void gathering_enter(struct gathering *gathering)
{
	struct running *running = gathering->running;
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
	for (size_t i = 0; i < running->graph->inputs.count; i++) {
		if (!leads(gathering, i))
			continue;
		if (leftmost)
			passage->message.payload.parameters = gathering->inputs[i]->parameters;
		leftmost = false;
		add_topic(&tensors, gathering, i);
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
	gathering->late = !gathering->entered;
}

/* What was waited for came when the window had closed. */
static void gathering_refuse(struct gathering *gathering)
{
	struct running *running = gathering->running;
	const struct externals *inputs = &running->graph->inputs;
	struct error error = {0};
	if (gathering->refused)
		return;
	gathering->refused = true;
	error_set(&error, ERROR_LIMIT, inputs->items[0].place,
		  "the join window of %lld ms of the external inputs of `%s` had passed when the last of them came; "
		  "raise joinWindowMs of the input, or join with `outer` or `any`",
		  (long long)inputs->window_ms, running->name);
	case_world_record(running->world, gathering->first, running->topics[1], NULL, &error);
}

static void take(const struct externals *externals, const struct arriving *arriving, const struct payload **came, size_t *count)
{
	for (size_t i = 0; i < externals->count; i++) {
		if (receives(&externals->items[i], arriving)) {
			came[i] = arriving->payload;
			++*count;
		}
	}
}

void case_world_feed(struct running *from, const struct passage *passage, enum tap_point point, const char *step,
		     const struct payload *payload)
{
	const struct arriving arriving = {from->name, point, step, payload};
	for (struct running *running = from->implicit ? NULL : from->world->runnings; running; running = running->next) {
		const struct graph *graph = running->graph;
		if (!running->flow || running->implicit ||
		    (!any_receives(&graph->inputs, &arriving, NULL) && !any_receives(&graph->triggers, &arriving, NULL)))
			continue;
		struct gathering *gathering = gathering_of(running, passage, &arriving);
		if (!gathering)
			return;
		take(&graph->inputs, &arriving, gathering->inputs, &gathering->input_count);
		take(&graph->triggers, &arriving, gathering->triggers, &gathering->trigger_count);
		if (gathering->late)
			gathering_refuse(gathering);
		else
			gathering_settle(gathering, false);
	}
}
