/* status_turns.c: see status_turns.h. */
#include "monitor/metrics/status_turns.h"

#include <assert.h>
#include <string.h>

#define TURNS (STATUS_QUIET_MS / STATUS_EVERY_MS) /* seconds in which each pipeline has its turn */

struct status_turn status_turn_begin(struct status_turns *turns, size_t pipelines, bool watched, int64_t at_ms)
{
	const struct status_turn turn = {.first = turns->next < pipelines ? turns->next : 0,
					 .count = (pipelines + TURNS - 1) / TURNS,
					 .pipelines = pipelines,
					 .watched = watched,
					 .at_ms = at_ms};
	turns->next = pipelines > 0 ? (turn.first + turn.count) % pipelines : 0;
	return turn;
}

static bool has_its_turn(const struct status_turn *turn, size_t index)
{
	return (index + turn->pipelines - turn->first) % turn->pipelines < turn->count;
}

static bool has_changed(const struct status_facts *now, const struct status_facts *reported)
{
	return now->ready != reported->ready || now->version != reported->version || strcmp(now->state, reported->state) != 0;
}

bool status_is_due(const struct status_turn *turn, size_t index, const struct status_facts *now,
		   const struct status_facts *reported, int64_t reported_ms)
{
	assert(index < turn->pipelines);
	if (turn->watched || !reported->state || has_its_turn(turn, index))
		return true;
	return !status_is_well(now->ready, text_of(now->state)) || has_changed(now, reported) ||
	       turn->at_ms - reported_ms >= STATUS_QUIET_MS;
}
