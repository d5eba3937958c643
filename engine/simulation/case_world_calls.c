/* case_world_calls.c: Calls of a case: of models, by their callers, and of pipelines. */
#include "simulation/case_world.h"

#define CALL_DEPTH_MAX 16 /* pipelines that call pipelines; more is a circle */

struct asking {
	struct asking *next;
	struct running *running; /* the caller */
	struct call *call;
};

/* ---- asking ---- */

static void asking_remove(struct case_world *world, struct asking *asking)
{
	struct asking **link = &world->askings;
	while (*link && *link != asking)
		link = &(*link)->next;
	if (*link)
		*link = asking->next;
}

static bool asking_open(const struct case_world *world, const struct asking *asking)
{
	for (const struct asking *open = world->askings; open; open = open->next)
		if (open == asking)
			return true;
	return false;
}

static void asking_refuse(struct asking *asking, const struct error *why)
{
	asking->call->error = *why;
	case_world_note(asking->running->world, EVENT_RETURN, asking->running->world->now_ms, asking);
}

struct passage *passage_of_message(const struct case_world *world, const struct message *message)
{
	for (struct passage *passage = world->passages; passage; passage = passage->next)
		if (&passage->message == message_root(message))
			return passage;
	return NULL;
}

static void call_pipeline(struct case_world *world, struct asking *asking, struct running *called)
{
	struct error error = {0};
	if (!called->flow) {
		asking_refuse(asking, &called->refused);
		return;
	}
	const struct passage *caller = passage_of_message(world, asking->call->message);
	int depth = caller ? caller->depth + 1 : 1;
	if (depth > CALL_DEPTH_MAX) {
		error_set(&error, ERROR_LIMIT, PLACE_NONE, "pipelines call each other more than %d deep, at `%s`", CALL_DEPTH_MAX,
			  called->name);
		asking_refuse(asking, &error);
		return;
	}
	struct passage *passage = passage_make(world, called, case_world_line(asking->call->message));
	if (!passage)
		return;
	struct arena *arena = passage->message.arena;
	passage->message = *asking->call->message;
	passage->message.arena = arena;
	passage->message.parent = NULL;
	passage->message.wanted.count = 0;
	passage->message.payload = *asking->call->request;
	passage->parent = asking;
	passage->depth = depth;
	case_world_note(world, EVENT_ENTER, world->now_ms, passage);
}

static struct asking *asking_make(struct running *running, struct call *call)
{
	struct case_world *world = running->world;
	struct asking *asking = ARENA_NEW(world->arena, struct asking);
	if (!asking) {
		world->failed = true;
		return NULL;
	}
	*asking = (struct asking){.next = world->askings, .running = running, .call = call};
	return world->askings = asking;
}

static void call_model(struct running *running, struct call *call)
{
	struct error error = {0};
	struct model *model = case_model_of(running->world, call->name, NULL);
	struct caller *caller = model ? case_model_caller(model, running, &error) : NULL;
	call->asker = running;
	if (!model || (caller && caller_call(caller, call, &error)))
		return;
	struct asking *asking = asking_make(running, call);
	if (asking)
		asking_refuse(asking, &error);
}

void case_world_call(void *context, struct call *call)
{
	struct running *running = context;
	struct running *called =
		call->target == CALL_PIPELINE ? case_world_find(running->world, call->name, false) : NULL;
	struct asking *asking = called ? asking_make(running, call) : NULL;
	if (asking)
		call_pipeline(running->world, asking, called);
	else if (!called)
		call_model(running, call);
}

void case_world_copy(void *context, const struct call *call)
{
	struct running *running = context;
	struct case_world *world = running->world;
	struct passage *passage = passage_make(world, NULL, case_world_line(call->message));
	const struct message *copy = passage ? message_copy(passage->message.arena, call->message, call->request) : NULL;
	struct call *made = copy ? ARENA_NEW(passage->message.arena, struct call) : NULL;
	if (!made) {
		world->failed = true;
		return;
	}
	passage->message = *copy;
	*made = *call;
	made->message = &passage->message;
	made->request = &passage->message.payload;
	case_world_call(running, made);
}

static struct caller *caller_of(const struct running *running, const struct call *call)
{
	for (struct model *model = running->world->models; model; model = model->next)
		if (strcmp(model->name, call->name) == 0)
			return model->callers[running->graph->spec->on_outage];
	return NULL;
}

void case_world_forget(void *context, struct call *call)
{
	struct running *running = context;
	struct caller *caller = caller_of(running, call);
	for (struct asking *asking = running->world->askings; asking; asking = asking->next) {
		if (asking->call != call)
			continue;
		asking_remove(running->world, asking);
		return;
	}
	if (caller)
		caller_forget(caller, call);
}

int64_t case_world_outage_ms(void *context, const struct call *call)
{
	const struct running *running = context;
	struct caller *caller = call->target == CALL_MODEL ? caller_of(running, call) : NULL;
	return caller ? caller_outage_ms(caller, call) : 0;
}

void asking_return(struct case_world *world, struct asking *asking)
{
	if (!asking_open(world, asking))
		return;
	asking_remove(world, asking);
	if (asking->call->owner) /* a shadow request has no owner */
		flow_answered(asking->running->flow, asking->call, world->now_ms);
}

void asking_answered(struct asking *asking, const struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct case_world *world = asking->running->world;
	if (!asking_open(world, asking))
		return;
	call_take_answer(asking->call, outcome, answer);
	call_take_assigned(asking->call, message);
	case_world_note(world, EVENT_RETURN, world->now_ms, asking);
}
