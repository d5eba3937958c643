/* case_world_calls.c: Calls of a case: stubs answer for models, with the same retry policy as real models; and calls
 * between pipelines. */
#include "base/number.h"
#include "simulation/case_world.h"
#include "plan/address.h"
#include "step/setting.h"

#define CALL_DEPTH_MAX 16 /* pipelines that call pipelines; more is a circle */

struct asking {
	struct asking *next;
	struct attempts attempts;
	struct running *running; /* the caller */
	struct call *call;
	struct model *model;
	struct attempt outcome;
};

/* ---- stubs of models ---- */

static const struct stub *stub_of_case(struct case_world *world, const struct case_stub *given, struct error *error)
{
	if (given->uri)
		return stub_parse(world->arena, given->uri, given->place, error);
	struct stub_option *options = ARENA_ARRAY(world->arena, struct stub_option, given->count);
	for (size_t i = 0; options && i < given->count; i++) {
		options[i] = (struct stub_option){.key = given->outputs[i].name, .value = given->outputs[i].expression};
		options[i].expression = expression_compile(world->arena, options[i].value, given->place, USE_MESSAGE, error);
		if (!options[i].expression)
			return NULL;
	}
	return options ? stub_of_expressions(world->arena, options, given->count) : NULL;
}

static bool is_stub(const char *uri)
{
	return uri && strncmp(uri, STUB_SCHEME, sizeof STUB_SCHEME - 1) == 0;
}

static const struct stub *find_stub(struct case_world *world, const char *name, const char *step_uri, struct error *error)
{
	for (size_t i = 0; i < world->files->stub_count; i++)
		if (text_is(world->files->stubs[i].model, name) || text_is(world->files->stubs[i].model, model_served_name(name)))
			return stub_of_case(world, &world->files->stubs[i], error);
	const struct resource *resource = spec_find(world->spec, RESOURCE_MODEL, name);
	const struct model_spec *spec = resource ? resource->spec : NULL;
	if (is_stub(step_uri))
		return stub_parse(world->arena, step_uri, PLACE_NONE, error);
	if (spec && is_stub(spec->storage_uri.text))
		return stub_parse(world->arena, spec->storage_uri.text, spec->storage_uri.place, error);
	if (stub_known(model_served_name(name)))
		return stub_parse(world->arena, model_served_name(name), PLACE_NONE, error);
	error_set(error, ERROR_CONFIG, resource ? resource->place : PLACE_NONE,
		  "the model `%s` has no stub; add one to stubs.json: {\"%s\": \"stub://identity\"}", name, name);
	return NULL;
}

/* What the Model says of every call. */
static void read_resource(struct case_world *world, struct model *model)
{
	const struct resource *resource = spec_find(world->spec, RESOURCE_MODEL, model->name);
	if (!resource)
		return;
	const struct annotation *annotations = resource->annotations.items;
	for (size_t i = 0; i < resource->annotations.count; i++)
		if (strcmp(annotations[i].key.text, "seldon.io/rest-timeout") == 0)
			(void)number_read_int64(text_of(annotations[i].value), &model->timeout_ms);
	const struct model_spec *spec = resource->spec;
	const struct model_parameter *settings = spec->settings.items;
	struct parameter *items = ARENA_ARRAY(world->arena, struct parameter, spec->settings.count);
	for (size_t i = 0; items && i < spec->settings.count; i++)
		(void)setting_read(settings[i].name.text, settings[i].value.text, settings[i].type, settings[i].value.place,
				   &items[i], &model->refused);
	model->settings = (struct parameters){items ? spec->settings.count : 0, items};
}

struct model *model_of(struct case_world *world, const char *name, const char *storage_uri)
{
	for (struct model *model = world->models; model; model = model->next)
		if (strcmp(model->name, name) == 0)
			return model;
	struct model *model = ARENA_NEW(world->arena, struct model);
	if (!model) {
		world->failed = true;
		return NULL;
	}
	model->name = name;
	model->stub = find_stub(world, name, storage_uri, &model->refused);
	read_resource(world, model);
	model->next = world->models;
	world->models = model;
	return model;
}

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

static void refuse(struct asking *asking, const struct error *why)
{
	asking->call->error = *why;
	case_world_note(asking->running->world, EVENT_RETURN, asking->running->world->now_ms, asking);
}

/* NULL: it is a batch's, and no passage. */
static struct passage *passage_of(const struct case_world *world, const struct message *message)
{
	for (struct passage *passage = world->passages; passage; passage = passage->next)
		if (&passage->message == message_root(message))
			return passage;
	return NULL;
}

/* How often the request has been put to the model, by whichever step; this time is counted. */
static uint64_t count_call(struct case_world *world, const struct asking *asking)
{
	struct passage *passage = passage_of(world, asking->call->message);
	if (!passage)
		return asking->attempts.made;
	struct acquaintance *known = passage->acquaintances;
	while (known && known->model != asking->model)
		known = known->next;
	if (known)
		return known->calls++;
	known = ARENA_NEW(world->arena, struct acquaintance);
	if (!known) {
		world->failed = true;
		return 0;
	}
	*known = (struct acquaintance){passage->acquaintances, asking->model, 1};
	passage->acquaintances = known;
	return 0;
}

static void call_pipeline(struct case_world *world, struct asking *asking, struct running *called)
{
	struct error error = {0};
	if (!called->flow) {
		refuse(asking, &called->refused);
		return;
	}
	const struct passage *caller = passage_of(world, asking->call->message);
	int depth = caller ? caller->depth + 1 : 1;
	if (depth > CALL_DEPTH_MAX) {
		error_set(&error, ERROR_LIMIT, PLACE_NONE, "pipelines call each other more than %d deep, at `%s`", CALL_DEPTH_MAX,
			  called->name);
		refuse(asking, &error);
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

void case_world_call(void *context, struct call *call)
{
	struct running *running = context;
	struct case_world *world = running->world;
	struct asking *asking = ARENA_NEW(world->arena, struct asking);
	if (!asking) {
		world->failed = true;
		return;
	}
	*asking = (struct asking){.next = world->askings, .running = running, .call = call};
	world->askings = asking;
	struct running *called = call->target == CALL_PIPELINE ? case_world_find(world, call->name, false) : NULL;
	if (called) {
		call_pipeline(world, asking, called);
		return;
	}
	asking->model = model_of(world, call->name, NULL);
	if (!asking->model)
		return;
	if (!asking->model->stub) {
		refuse(asking, &asking->model->refused);
		return;
	}
	attempts_begin(&asking->attempts, call, asking->model->timeout_ms);
	case_world_note(world, EVENT_ATTEMPT, world->now_ms, asking);
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

void case_world_forget(void *context, struct call *call)
{
	struct running *running = context;
	for (struct asking *asking = running->world->askings; asking; asking = asking->next) {
		if (asking->call != call)
			continue;
		asking_remove(running->world, asking);
		return;
	}
}

/* The stub answers at once; what it says arrives later. */
void asking_attempt(struct case_world *world, struct asking *asking)
{
	if (!asking_open(world, asking))
		return;
	struct model *model = asking->model;
	struct call *call = asking->call;
	struct arena *arena = call->message->arena;
	struct payload *request = ARENA_NEW(arena, struct payload);
	struct stub_reply reply;
	model->calls++;
	if (request)
		*request = *call->request;
	if (request)
		request->parameters = settings_join(request->parameters, model->settings, arena);
	asking->outcome = (struct attempt){.end = ATTEMPT_TIMED_OUT};
	int64_t delay_ms = asking->attempts.timeout_ms;
	if (!request || !stub_answer(model->stub, request, count_call(world, asking), arena, &reply)) {
		struct error error = {0};
		error_memory(&error, ERROR_LIMIT, "answering a call by its stub");
		refuse(asking, &error);
		return;
	}
	if (!reply.silent && reply.delay_ms < delay_ms) {
		delay_ms = reply.delay_ms;
		asking->outcome = (struct attempt){
			.end = reply.cut ? ATTEMPT_BROKE : ATTEMPT_REPLIED,
			.status = reply.status,
			.words = reply.cut ? TEXT("the connection was closed in the middle of the reply") : reply.words,
			.payload = reply.payload,
			.body = reply.body,
		};
	}
	case_world_note(world, EVENT_OUTCOME, world->now_ms + delay_ms, asking);
}

void asking_outcome(struct case_world *world, struct asking *asking)
{
	int64_t again_ms;
	if (!asking_open(world, asking))
		return;
	if (attempts_take(&asking->attempts, &asking->outcome, world->now_ms, &again_ms))
		asking_return(world, asking);
	else
		case_world_note(world, EVENT_ATTEMPT, again_ms, asking);
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
