/* truth_relay.c: see truth_relay.h. */
#include "worker/truth_relay.h"

#include "message/format.h"
#include "message/truth_link.h"

/* What goes to the stages of the observers. NULL: nothing, or memory ran out. */
static const struct carried *relay_carry(const struct graph *graph, const struct truth_link *truth, struct arena *arena)
{
	const struct graph_part *part = graph->part;
	struct carried *carried = ARENA_NEW(arena, struct carried);
	struct text *keys = ARENA_ARRAY(arena, struct text, part->next_count);
	struct given *items = ARENA_ARRAY(arena, struct given, 2 * graph->count);
	size_t count = 0;
	if (!carried || !keys || !items)
		return NULL;
	for (size_t i = 0; i < part->next_count; i++) {
		const struct graph_next *next = &part->next[i];
		keys[i] = next->key_text;
		for (size_t j = 0; j < next->observer_count; j++) {
			const struct step observer = step_seen(graph, next->observers[j]);
			const size_t watched = graph_step_watched(graph, next->observers[j]);
			if (!step_awaits_truths(&observer))
				continue;
			truth_link_give(truth, text_of(graph->steps[watched].name), text_of(observer.name), (uint64_t)1 << i, arena,
					&items[count]);
			count += 2;
		}
	}
	*carried = (struct carried){
		.count = count, .items = items, .answered = true, .next = ((uint64_t)1 << part->next_count) - 1, .keys = keys};
	return arena_failed(arena) ? NULL : carried;
}

void truth_relay_take(struct worker *worker, struct inflight *inflight)
{
	struct message *message = &inflight->message;
	const struct record *record = &inflight->record;
	const struct answer nothing = {0};
	struct truth_link *truth = ARENA_NEW(message->arena, struct truth_link);
	struct feedback feedback;
	struct error error = {0};
	message->origin = (struct origin){.topic = text_of(worker->setup->reads.names[record->topic]),
					  .partition = record->partition,
					  .offset = record->offset};
	message->time_ms = message->written_ms = record->time_ms;
	message->format = &format_oip_json;
	if (truth && record->value.length > 0 && feedback_decode(record->value, message->arena, &feedback, &error) &&
	    feedback_check(&feedback, INT64_MAX, &error) && truth_link_make(&feedback, message->arena, truth))
		message->carried = relay_carry(inflight->stage->config->graph, truth, message->arena);
	message_identify(message);
	inflight_finish(&worker->queues, message, FLOW_PASSED, &nothing);
}
