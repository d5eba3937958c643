/* case_world_feeds.c: Pipelines of a case that read other pipelines (input.externalInputs). A result at a point of
 * one enters the pipelines that read it, joined by request id where they read several points. */
#include "simulation/case_world.h"

struct feed { /* what came at a point of a pipeline */
	const struct message *message;
	const struct payload *payload;
};

/* The number of that point among those that the external input reads; false: it does not. */
static bool point_find(const struct external_input *external_input, const struct external_input_point *point, size_t *found)
{
	for (size_t i = 0; i < external_input->point_count; i++) {
		const struct external_input_point *one = &external_input->points[i];
		bool same_step = !one->step ? !point->step : point->step && strcmp(one->step, point->step) == 0;
		*found = i;
		if (one->point == point->point && same_step && strcmp(one->pipeline, point->pipeline) == 0)
			return true;
	}
	return false;
}

/* What came of each input goes in as one message, in the envelope of what came first. */
static void pending_join_enter(struct running *running, const struct pending_join *pending_join)
{
	const struct external_input *external_input = running->external_input;
	struct case_world *world = running->world;
	size_t next = 0;
	const struct feed *first = pending_join_next_part(pending_join, &next);
	struct passage *passage = passage_make(world, running, case_world_line(first->message));
	const struct payload **came = ARENA_ARRAY(world->arena, const struct payload *, external_input->rule.inputs.count);
	if (!passage || !came) {
		world->failed = true;
		return;
	}
	for (size_t i = 0; i < external_input->rule.inputs.count; i++) {
		const struct feed *feed = join_part_of(pending_join, i);
		came[i] = feed ? feed->payload : NULL;
	}
	struct arena *arena = passage->message.arena;
	const struct payload *request = external_input_join(external_input, came, arena);
	if (!request) {
		world->failed = true;
		return;
	}
	passage->message = *first->message;
	passage->message.arena = arena;
	passage->message.parent = NULL;
	passage->message.wanted.count = 0;
	passage->message.payload = *request;
	case_world_note(world, EVENT_ENTER, world->now_ms, passage);
}

void case_world_window(struct case_world *world, struct running *running)
{
	struct pending_join *pending_join;
	bool opens;
	while ((pending_join = join_matcher_expire(running->matcher, world->now_ms, &opens)) != NULL)
		if (opens)
			pending_join_enter(running, pending_join);
}

static void refuse(struct running *running, const struct message *message)
{
	struct error error = {0};
	external_input_late(running->external_input, &error);
	case_world_record_of(running->world, message, running->topics[1], NULL, &error);
}

static void take(struct running *running, size_t point, const struct message *message, const struct payload *payload)
{
	struct case_world *world = running->world;
	struct feed *feed = ARENA_NEW(world->arena, struct feed);
	unsigned char *told = ARENA_ARRAY(world->arena, unsigned char, running->external_input->count);
	enum join_verdict verdict;
	struct pending_join *pending_join;
	struct error error = {0};
	if (!feed || !told) {
		world->failed = true;
		return;
	}
	*feed = (struct feed){message, payload};
	external_input_tell(running->external_input, point, payload, told);
	const struct join_part part = {.name = message->id, .party = point, .told = told, .time_ms = world->now_ms, .part = feed};
	if (!join_matcher_take(running->matcher, &part, world->now_ms, &verdict, &pending_join, &error)) {
		world->failed = true;
		return;
	}
	if (verdict == JOIN_OPENS)
		pending_join_enter(running, pending_join);
	else if (verdict == JOIN_LATE)
		refuse(running, message);
	else if (verdict == JOIN_WAITS)
		case_world_note(world, EVENT_WINDOW, join_matcher_due_ms(running->matcher), running);
}

void case_world_feed(struct running *from, const struct message *message, enum tap_point point, const char *step,
		     const struct payload *payload)
{
	const struct external_input_point here = {
		.pipeline = from->name,
		.step = step,
		.point = point == TAP_PIPELINE_INPUTS ? SOURCE_REQUEST
			 : point == TAP_STEP_INPUTS   ? SOURCE_STEP_INPUTS
						      : SOURCE_STEP_OUTPUTS,
	};
	for (struct running *running = from->implicit ? NULL : from->world->runnings; running; running = running->next) {
		size_t number;
		if (running->flow && running->matcher && point_find(running->external_input, &here, &number))
			take(running, number, message, payload);
	}
}
