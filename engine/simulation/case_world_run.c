/* case_world_run.c: Run of a case: sends the requests and advances the clock until nothing is left to do. */
#include "base/number.h"
#include "base/suggest.h"
#include "simulation/case_world.h"
#include "message/format.h"
#include "worker/worker.h"

#define EVENTS_MAX ((uint64_t)10000000) /* a case that makes more goes round in a circle */

struct case_sending { /* one time that a line of in.jsonl is sent */
	const struct case_request *request;
	int64_t turn;
};

struct passage *passage_make(struct case_world *world, struct running *running, struct text id)
{
	struct passage *passage = ARENA_NEW(world->arena, struct passage);
	struct arena *arena = passage ? arena_open(worker_limits_usual.message_bytes) : NULL;
	if (!arena) {
		world->failed = true;
		return NULL;
	}
	passage->message.arena = arena;
	passage->message.time_ms = world->now_ms;
	passage->running = running;
	passage->id = id;
	passage->next = world->passages;
	world->passages = passage;
	return passage;
}

static void passage_enter(struct passage *passage)
{
	struct running *running = passage->running;
	struct error error = {0};
	running_expect(running, passage);
	if (!flow_enter(running->flow, &passage->message, running->world->now_ms, &error))
		case_world_record(running->world, passage, NULL, NULL, &error);
}

/* ---- a request ---- */

/* The nearest target to one that is not there; empty: none is near. */
static struct text target_meant(struct case_world *world, struct text target)
{
	struct suggestion suggestion = suggest_begin(target);
	for (size_t i = 0; i < world->spec->count; i++) {
		const struct resource *resource = world->spec->resources[i];
		enum resource_type type = resource->kind->type;
		const char *folder = type == RESOURCE_MODEL	   ? "models"
				     : type == RESOURCE_EXPERIMENT ? "experiments"
				     : type == RESOURCE_PIPELINE   ? "pipelines"
								   : NULL;
		bool twice = resource->made_of && resource->made_of->kind->type == RESOURCE_EXPERIMENT;
		const char *name = twice ? NULL : resource->name.text;
		const char *whole = name && folder ? arena_print(world->arena, "%s/%s", folder, name) : NULL;
		if (whole)
			suggest_offer(&suggestion, text_of(whole));
	}
	return suggestion.nearest;
}

static bool find_target(struct case_world *world, const struct case_request *request, struct running **running, struct error *error)
{
	struct text target = request->target;
	*running = world->runnings;
	if (target.length) {
		const char *slash = memchr(target.bytes, '/', target.length);
		size_t skip = slash ? (size_t)(slash - target.bytes) + 1 : 0;
		const char *name = arena_copy(world->arena, target.bytes + skip, target.length - skip);
		bool model = text_starts_with(target, TEXT("models/")), pipeline = text_starts_with(target, TEXT("pipelines/"));
		const struct resource *front = name && pipeline ? spec_experiment_of(world->spec, name) : NULL;
		*running = name ? case_world_find(world, front ? front->name.text : name, model) : NULL;
	}
	if (!*running) {
		struct text meant = target_meant(world, target);
		return error_set(error, ERROR_INPUT, request->place,
				 "there is no `" TEXT_FORMAT "` to send it to; %s" TEXT_FORMAT "%s", TEXT_ARGUMENTS(target),
				 meant.length ? "did you mean `"
					      : "targets are `pipelines/NAME`, `models/NAME` and `experiments/NAME`",
				 TEXT_ARGUMENTS(meant), meant.length ? "`?" : "");
	}
	if ((*running)->flow)
		return true;
	*error = (*running)->refused;
	return false;
}

/* `mapping` is the pipeline's; NULL: none. */
static bool decode(struct message *message, const struct mapping *mapping, const struct case_request *request, struct error *error)
{
	if (mapping)
		return mapped_decode(message, mapping, request->body, NULL, error);
	if (text_is(request->protocol, "v1"))
		message->format = &format_v1;
	else if (text_is(request->protocol, "seldon"))
		message->format = &format_seldon;
	else if (headers_find(message->headers, TEXT("content-type")))
		message->format = NULL; /* it is chosen by that */
	return message_decode(message, request->body, NULL, error);
}

/* Milliseconds in a header; 0: it is not there, or no number. */
static int64_t header_ms(const struct message *message, struct text name)
{
	const struct header *header = headers_find(message->headers, name);
	int64_t ms = 0;
	return header && number_read_int64(header->value, &ms) && ms > 0 ? ms : 0;
}

/* What the gateway would do. */
static void fill_envelope(struct message *message, const struct case_sending *sending, int64_t now_ms)
{
	const struct case_request *request = sending->request;
	message->headers = request->headers;
	message->key = request->key;
	message->time_ms = now_ms;
	message->origin = (struct origin){.topic = TEXT("case"), .offset = sending->turn};
	message->deadline_ms = header_ms(message, TEXT(DEADLINE_HEADER));
	int64_t timeout_ms = header_ms(message, TEXT("x-timeout-ms"));
	if (!message->deadline_ms && timeout_ms)
		message->deadline_ms = now_ms + timeout_ms;
}

static void name_message(struct message *message, const struct case_sending *sending)
{
	const struct header *given = headers_find(message->headers, TEXT("x-request-id"));
	message->id = given ? given->value : message->payload_id;
	if (message->id.length)
		return;
	message->id = sending->request->id;
	if (sending->request->repeat > 1)
		message->id = text_of(
			arena_print(message->arena, TEXT_FORMAT "/%lld", TEXT_ARGUMENTS(message->id), (long long)sending->turn));
}

static void send_request(struct case_world *world, const struct case_sending *sending)
{
	struct error error = {0};
	struct passage *passage = passage_make(world, NULL, sending->request->id);
	if (!passage)
		return;
	passage->asked = true;
	fill_envelope(&passage->message, sending, world->now_ms);
	passage->message.format = &format_oip_json;
	if (!find_target(world, sending->request, &passage->running, &error)) {
		case_world_record(world, passage, NULL, NULL, &error);
		return;
	}
	const struct running *running = passage->running;
	if (!decode(&passage->message, running->graph->mapping, sending->request, &error)) {
		if (running->graph->has_output && !running->implicit)
			case_world_record(world, passage, running->topics[1], NULL, &error);
		case_world_record(world, passage, NULL, NULL, &error);
		return;
	}
	name_message(&passage->message, sending);
	passage_enter(passage);
}

static void schedule(struct case_world *world)
{
	for (size_t i = 0; i < world->files->request_count; i++) {
		const struct case_request *request = &world->files->requests[i];
		for (int64_t turn = 0; turn < request->repeat && !world->failed; turn++) {
			struct case_sending *sending = ARENA_NEW(world->arena, struct case_sending);
			if (!sending) {
				world->failed = true;
				return;
			}
			*sending = (struct case_sending){request, turn};
			case_world_note(world, EVENT_SEND, CASE_START_MS, sending);
		}
	}
}

/* ---- the clock ---- */

static void happen(struct case_world *world, const struct event *event)
{
	switch (event->kind) {
	case EVENT_SEND:
		send_request(world, event->about);
		break;
	case EVENT_ENTER:
		passage_enter(event->about);
		break;
	case EVENT_OUTCOME:
		case_attempt_end(event->about);
		break;
	case EVENT_READY:
		case_question_answer(event->about);
		break;
	case EVENT_RETURN:
		asking_return(world, event->about);
		break;
	case EVENT_WINDOW:
		case_world_window(world, event->about);
		break;
	}
}

static struct running *first_due(const struct case_world *world, int64_t *due_ms)
{
	struct running *first = NULL;
	*due_ms = INT64_MAX;
	for (struct running *running = world->runnings; running; running = running->next) {
		int64_t its_ms = running->flow ? flow_due_ms(running->flow) : INT64_MAX;
		if (its_ms < *due_ms) {
			*due_ms = its_ms;
			first = running;
		}
	}
	return first;
}

/* Lets what is due now happen: all events, then the callers' timers, then those of the flows. False: nothing is due. */
static bool step_now(struct case_world *world)
{
	int64_t due_ms;
	struct running *running = first_due(world, &due_ms);
	if (world->event_count && world->events[1].at_ms <= world->now_ms) {
		struct event event = case_world_next(world);
		happen(world, &event);
	} else if (loop_wake_ms(world->loop) <= world->now_ms) {
		loop_wake(world->loop, world->now_ms);
	} else if (running && due_ms <= world->now_ms) {
		flow_advance(running->flow, world->now_ms);
	} else {
		return false;
	}
	return true;
}

/* Moves the clock to what is due next. False: there is nothing. */
static bool step_on(struct case_world *world)
{
	int64_t due_ms, loop_ms = loop_wake_ms(world->loop);
	(void)first_due(world, &due_ms);
	due_ms = loop_ms < due_ms ? loop_ms : due_ms;
	if (world->event_count && world->events[1].at_ms < due_ms)
		due_ms = world->events[1].at_ms;
	if (due_ms == INT64_MAX)
		return false;
	world->now_ms = due_ms;
	loop_wake(world->loop, due_ms);
	return true;
}

bool case_world_run(struct case_world *world, struct error *error)
{
	schedule(world);
	for (uint64_t count = 0; !world->failed; count++) {
		if (!loop_turn(world->loop, -1, error)) /* a virtual loop's: it sets when its timers are due */
			return false;
		if (!step_now(world) && !step_on(world))
			return true;
		if (count == EVENTS_MAX)
			return error_set(error, ERROR_LIMIT, PLACE_NONE, "%s does not end", world->files->folder);
	}
	return error_memory(error, ERROR_SYSTEM, "running a case");
}
