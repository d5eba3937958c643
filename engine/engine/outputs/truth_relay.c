/* truth_relay.c: see truth_relay.h. */
#include "engine/outputs/truth_relay.h"

#include <stdio.h>

#include "message/formats/format.h"
#include "message/records/truth_link.h"
#include "observe/log_sink.h"

#define LOST_LINE_MS 30000 /* between two lines of a worker on lost truths */
#define LOST_REASON_BYTES 512

/* What goes to the stages of the observers. NULL: memory ran out. */
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
			if (!step_facts(&observer).awaits_truths)
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

void truth_relay_lose(const struct inflight *inflight, const char *reason)
{
	struct worker *worker = inflight->stage->worker;
	const int64_t now_ms = loop_now_ms(worker->loop);
	const struct log_fields fields = {.pipeline = inflight->stage->config->name,
					  .help = "`sluice_worker_truths_lost_total` counts all that are lost"};
	count_add(&worker->counts.truths_lost, 1);
	if (worker->truth_lost_ms > 0 && now_ms - worker->truth_lost_ms < LOST_LINE_MS)
		return;
	worker->truth_lost_ms = now_ms;
	log_say(worker->config->partition_state.log, LOG_LEVEL_WARN, &fields,
		"feedback %s-%d at offset %lld does not reach the observers of drift: %s",
		worker->setup->reads.names[inflight->record.topic], (int)inflight->record.partition,
		(long long)inflight->record.offset, reason);
}

/* Reads feedback. False: it says nothing of a request's truth, or is no feedback. */
static bool relay_read(struct text record, struct arena *arena, struct truth_link *truth)
{
	struct feedback feedback;
	struct error error = {0};
	return record.length > 0 && feedback_decode(record, arena, &feedback, &error) &&
	       feedback_check(&feedback, INT64_MAX, &error) && truth_link_make(&feedback, arena, truth);
}

/* What a record of feedback becomes. NULL: nothing; a truth that is lost is counted. */
static const struct carried *relay_make(const struct inflight *inflight)
{
	struct arena *arena = inflight->message.arena;
	struct truth_link *truth = ARENA_NEW(arena, struct truth_link);
	char reason[LOST_REASON_BYTES];
	const bool is_truth = truth && relay_read(inflight->record.value, arena, truth);
	if (is_truth && (inflight->blame & BLAME_ANSWER)) {
		snprintf(reason, sizeof reason, "Kafka refused the record for them: %s; raise max.message.bytes of their topic",
			 partition_queue_blame_reason(inflight->queue, inflight->record.offset));
		truth_relay_lose(inflight, reason);
		return NULL;
	}
	if (is_truth && truth->count > TRUTH_NUMBERS_MAX) {
		snprintf(reason, sizeof reason,
			 "its truth has %zu numbers, and at most %d rows of a request wait for truths; send fewer rows at once",
			 truth->count, TRUTH_NUMBERS_MAX);
		truth_relay_lose(inflight, reason);
		return NULL;
	}
	const struct carried *carried = is_truth ? relay_carry(inflight->stage->config->graph, truth, arena) : NULL;
	if (arena_failed(arena))
		truth_relay_lose(inflight, "memory ran out; send fewer numbers at a time");
	return arena_failed(arena) ? NULL : carried;
}

void truth_relay_take(struct worker *worker, struct inflight *inflight)
{
	struct message *message = &inflight->message;
	const struct record *record = &inflight->record;
	const struct answer nothing = {0};
	message->origin = (struct origin){.topic = text_of(worker->setup->reads.names[record->topic]),
					  .partition = record->partition,
					  .offset = record->offset};
	message->time_ms = message->written_ms = record->time_ms;
	message->format = &format_oip_json;
	message->carried = relay_make(inflight);
	message_identify(message);
	inflight_finish(&worker->queues, message, FLOW_PASSED, &nothing);
}
