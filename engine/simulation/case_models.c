/* case_models.c: Models of a case: stubs answer, and a caller (serving/caller.h) makes the calls as in a worker. The
 * transport of the callers is replaced: a reply is an event of the world, at the time that the stub sets. */
#include "plan/address.h"
#include "serving/configure.h"
#include "serving/wire.h"
#include "simulation/case_world.h"
#include "step/setting.h"

#define CALLER_SEED 1 /* the same for all cases */

/* Client of one model. */
struct wire {
	struct model *model;
	const struct wire_config *config;
};

struct case_attempt {
	struct wire *wire;
	struct queued_call *queued_call; /* NULL: it was withdrawn */
	struct attempt attempt;
};

struct case_question {
	void (*told)(void *context, size_t nth, const struct attempt *attempt);
	void *context;
	size_t nth;
};

/* ---- stubs ---- */

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

/* ---- calls, in place of a wire ---- */

/* How often the request has been put to the model, by whichever step; this time is counted. */
static uint64_t call_count(struct case_world *world, const struct model *model, const struct queued_call *queued_call)
{
	struct passage *passage = passage_of_message(world, queued_call->attempts.call->message);
	if (!passage)
		return queued_call->attempts.made;
	struct acquaintance *known = passage->acquaintances;
	while (known && known->model != model)
		known = known->next;
	if (known)
		return known->calls++;
	known = ARENA_NEW(world->arena, struct acquaintance);
	if (!known) {
		world->failed = true;
		return 0;
	}
	*known = (struct acquaintance){passage->acquaintances, model, 1};
	passage->acquaintances = known;
	return 0;
}

static struct wire *case_wire_open(void *context, struct loop *loop, const struct wire_config *config, struct error *error)
{
	struct model *model = context;
	struct wire *wire = ARENA_NEW(model->world->arena, struct wire);
	(void)loop;
	if (!wire) {
		error_memory(error, ERROR_SYSTEM, "opening a client of models");
		return NULL;
	}
	*wire = (struct wire){model, config};
	return wire;
}

static void case_wire_close(struct wire *wire)
{
	(void)wire;
}

/* Sets the outcome of an attempt. Returns when it comes, in ms from now. */
static int64_t attempt_decide(struct attempt *attempt, const struct stub_reply *reply, int64_t timeout_ms)
{
	*attempt = (struct attempt){.end = ATTEMPT_TIMED_OUT};
	if (reply->silent || reply->delay_ms >= timeout_ms)
		return timeout_ms;
	*attempt = (struct attempt){
		.end = reply->cut ? ATTEMPT_BROKE : ATTEMPT_REPLIED,
		.status = reply->status,
		.words = reply->cut ? TEXT("the connection was closed in the middle of the reply") : reply->words,
		.payload = reply->payload,
		.body = reply->body,
	};
	return reply->delay_ms;
}

bool case_stub_attempt(const struct model *model, const struct call *call, const struct wire_call *wire_call, uint64_t earlier,
		       struct attempt *attempt, int64_t *delay_ms)
{
	struct arena *arena = call->message->arena;
	struct payload *request = ARENA_NEW(arena, struct payload);
	struct stub_reply reply;
	if (!request)
		return false;
	*request = *call->request;
	request->parameters = settings_join(request->parameters, wire_call->parameters, arena);
	if (!stub_answer(model->stub, request, earlier, arena, &reply))
		return false;
	*delay_ms = attempt_decide(attempt, &reply, wire_call->timeout_ms);
	return true;
}

static bool case_wire_send(struct wire *wire, struct queued_call *queued_call, const struct wire_call *wire_call,
			   struct error *error)
{
	struct model *model = wire->model;
	struct case_world *world = model->world;
	struct case_attempt *attempt = ARENA_NEW(world->arena, struct case_attempt);
	int64_t delay_ms;
	model->calls++;
	if (!attempt || !case_stub_attempt(model, queued_call->attempts.call, wire_call, call_count(world, model, queued_call),
					   &attempt->attempt, &delay_ms))
		return error_memory(error, ERROR_LIMIT, "answering a call by its stub");
	attempt->wire = wire;
	attempt->queued_call = queued_call;
	queued_call->sending = attempt;
	case_world_note(world, EVENT_OUTCOME, world->now_ms + delay_ms, attempt);
	return true;
}

static void case_wire_withdraw(struct wire *wire, struct queued_call *queued_call)
{
	struct case_attempt *attempt = queued_call->sending;
	(void)wire;
	attempt->queued_call = NULL;
}

static void case_wire_discard(struct queued_call *queued_call)
{
	queued_call->sending = NULL;
}

void case_attempt_end(struct case_attempt *attempt)
{
	const struct wire_config *config = attempt->wire->config;
	if (attempt->queued_call)
		config->arrived(config->context, attempt->queued_call, &attempt->attempt);
}

/* A stub is always ready. */
static bool case_wire_ask(struct wire *wire, const struct model_address *address, enum wire_question asked, int64_t timeout_ms,
			  void (*told)(void *context, size_t nth, const struct attempt *attempt), void *context, size_t nth)
{
	struct case_world *world = wire->model->world;
	struct case_question *question = asked == ASK_MODEL_READY ? ARENA_NEW(world->arena, struct case_question) : NULL;
	(void)address, (void)timeout_ms;
	if (!question)
		return false;
	*question = (struct case_question){told, context, nth};
	case_world_note(world, EVENT_READY, world->now_ms, question);
	return true;
}

void case_question_answer(struct case_question *question)
{
	const struct attempt ready = {.end = ATTEMPT_REPLIED, .status = 200, .body = TEXT("{\"ready\": true}")};
	question->told(question->context, question->nth, &ready);
}

static const struct wire_operations case_wire = {
	.open = case_wire_open,
	.close = case_wire_close,
	.send = case_wire_send,
	.withdraw = case_wire_withdraw,
	.discard = case_wire_discard,
	.ask = case_wire_ask,
};

/* ---- models ---- */

/* The cache times that steps set for its replies. */
static void configure_steps(struct model *model, const struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++) {
		const struct step step = {
			.kind = graph->steps[i].spec->kind, .name = graph->steps[i].name, .options = graph->steps[i].spec->options};
		enum call_target target;
		const char *name;
		for (size_t nth = 0; step.options && step_calls(&step, nth, &target, &name); nth++)
			if (target == CALL_MODEL && strcmp(name, model->name) == 0)
				model_configure_step(&model->config, &graph->steps[i]);
	}
}

/* Whatever keeps replies in an engine, here it is memory: one process has all of them. */
static bool model_read(struct model *model)
{
	static const struct model_address nowhere = {
		.protocol = PROTOCOL_OIP_REST, .host = "stub", .base = "http://stub", .url = "http://stub/v2"};
	struct case_world *world = model->world;
	if (!model_configure(world->spec, model->name, world->arena, &model->config, &model->refused))
		return false;
	for (const struct running *running = world->runnings; running; running = running->next)
		configure_steps(model, running->graph);
	model->config.addresses = (struct model_addresses){1, &nowhere};
	if (model->config.cache.backend == CACHE_REDIS)
		model->config.cache.backend = CACHE_MEMORY;
	return true;
}

struct model *case_model_of(struct case_world *world, const char *name, const char *storage_uri)
{
	for (struct model *model = world->models; model; model = model->next)
		if (strcmp(model->name, name) == 0)
			return model;
	struct model *model = ARENA_NEW(world->arena, struct model);
	if (!model) {
		world->failed = true;
		return NULL;
	}
	model->world = world;
	model->name = name;
	model->stub = find_stub(world, name, storage_uri, &model->refused);
	model->next = world->models;
	world->models = model;
	return model;
}

static void on_answered(void *context, struct call *call)
{
	const struct case_world *world = context;
	const struct running *running = call->asker;
	if (call->owner) /* a shadow request has no owner */
		flow_answered(running->flow, call, world->now_ms);
}

struct caller *case_model_caller(struct model *model, const struct running *running, struct error *error)
{
	int on_outage = running->graph->spec->on_outage;
	struct caller_config *config = &model->caller_configs[on_outage];
	if (model->callers[on_outage])
		return model->callers[on_outage];
	if (!model->stub || (!model->config.name && !model_read(model))) {
		*error = model->refused;
		return NULL;
	}
	*config = (struct caller_config){.model_count = 1,
					 .models = &model->config,
					 .outage_deadletter = on_outage == OUTAGE_DEADLETTER,
					 .seed = CALLER_SEED,
					 .wire = &case_wire,
					 .wire_context = model};
	model->callers[on_outage] = caller_open(model->world->loop, config, on_answered, model->world, error);
	model->world->failed |= !model->callers[on_outage]; /* memory ran out: no answer of the case is right any more */
	return model->callers[on_outage];
}

void case_models_close(struct case_world *world)
{
	for (struct model *model = world->models; model; model = model->next)
		for (size_t i = 0; i < 2; i++)
			caller_close(model->callers[i]);
}
