/* gathering_recalled.c: how a gathering begins: with what stands in the store of a partition
 * that has been brought back. And how it ends. See gathering.h. */
#include "base/memory.h"
#include "message/crossing.h"
#include "worker/gathering_inside.h"
#include "worker/marks.h"

/* `uncommitted`: of the same record, or of a later one; NULL: there is none any more. */
static bool recall_meeting(struct gathering *gathering, struct parked_part *parked_part, struct text bytes,
			   struct uncommitted *uncommitted, int64_t now_ms, struct error *error)
{
	struct mark mark = mark_read(bytes, gathering_sources(gathering));
	if (!mark.told)
		return true; /* of another version of the pipeline */
	struct meeting *meeting =
		meetings_recall(gathering->meetings, mark.name, mark.told, mark.went_on, parked_part, now_ms, error);
	if (meeting && uncommitted && uncommitted->offset == parked_part_offset(parked_part)) {
		uncommitted->meeting = meeting;
		meeting_hold(meeting);
	}
	return meeting != NULL;
}

/* What cannot be read, or comes from nobody that is known, stays where it is. */
static bool recall_part(struct gathering *gathering, struct parked_part *own, struct text bytes, int64_t now_ms,
			struct error *error)
{
	struct message message = {.arena = gathering->scratch};
	struct crossing crossing;
	struct meeting_part part;
	struct error ignored = {0};
	enum meeting_verdict verdict;
	struct meeting *meeting;
	arena_reset(gathering->scratch);
	if (!crossing_decode(&message, bytes, &crossing, &ignored) ||
	    !gathering_tell(gathering, own, crossing.from, &message, &part, &ignored))
		return true;
	part.again = true;
	if (crossing.deadline_ms > 0 && !gathering->stage->config->entrance) {
		message.deadline_ms = crossing.deadline_ms;
		message_set_clock(&message, gathering->stage->worker->loop);
		part.deadline_ms = message.deadline_ms;
	}
	return meetings_take(gathering->meetings, &part, now_ms, &verdict, &meeting, error);
}

/* The parts that a mark names are done with, those that still stand there. */
static bool recall_uncommitted(struct gathering *gathering, struct parked_part_list *list, int64_t offset, struct text keys,
			       struct error *error)
{
	size_t count = keys.length / PARKED_PART_KEY_BYTES;
	struct uncommitted *uncommitted = NULL;
	for (size_t i = 0; i < count; i++) {
		struct text key = {keys.bytes + i * PARKED_PART_KEY_BYTES, PARKED_PART_KEY_BYTES};
		struct parked_part *part = parked_part_list_take(list, key);
		if (!part)
			continue;
		if (!uncommitted) {
			uncommitted = uncommitted_add(&gathering->uncommitted, offset, count - i, 0);
			if (!uncommitted)
				return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
			uncommitted->part_count = 0;
		}
		uncommitted->parts[uncommitted->part_count++] = part;
	}
	return true;
}

/* What was written by records that come again stays in the store until they do. */
static bool pass_over(struct gathering *gathering, struct parked_part_list *list, int64_t begin, struct error *error)
{
	bool good = true;
	size_t next = 0;
	for (struct parked_part *parked_part; good && (parked_part = parked_part_list_next(list, &next));) {
		struct text bytes;
		int64_t offset = parked_part_offset(parked_part);
		if (offset >= begin)
			gathering->replayed = offset + 1;
		else if (parked_kind(parked_part) == PARKED_TOMBSTONE &&
			 parked_part_read(&gathering->parked_parts, parked_part, &bytes)) {
			struct text keys = mark_read(bytes, gathering_sources(gathering)).parts;
			good = keys.length == 0 || recall_uncommitted(gathering, list, offset, keys, error);
		}
	}
	return good;
}

static bool recall(struct gathering *gathering, struct parked_part_list *list, int64_t begin, struct error *error)
{
	int64_t now_ms = loop_now_ms(gathering->stage->worker->loop);
	bool good = parked_parts_list(&gathering->parked_parts, list, error) && pass_over(gathering, list, begin, error);
	size_t next = 0;
	struct uncommitted *uncommitted = gathering->uncommitted.first; /* in the order of the list */
	for (struct parked_part *parked_part; good && (parked_part = parked_part_list_next(list, &next));) {
		struct text bytes;
		uncommitted = uncommitted_reach(uncommitted, parked_part_offset(parked_part));
		if (parked_part_offset(parked_part) >= begin)
			parked_part_give(&gathering->parked_parts, parked_part);
		else if (!parked_part_read(&gathering->parked_parts, parked_part, &bytes))
			continue;
		else if (parked_kind(parked_part) == PARKED_TOMBSTONE)
			good = recall_meeting(gathering, parked_part, bytes, uncommitted, now_ms, error);
		else
			good = recall_part(gathering, parked_part, bytes, now_ms, error);
	}
	parked_part_list_close(list);
	return good;
}

static struct meeting_rule rule_of(const struct stage_config *config)
{
	struct meeting_rule rule = {.always = true};
	if (config->entrance) {
		rule = config->entrance->rule;
	} else {
		rule.inputs = (struct meeting_gate){JOIN_INNER, config->graph->part->parent_count};
		rule.window_ms = config->graph->part->window_ms;
		rule.parties = config->graph->part->parent_count;
	}
	rule.patient = config->upstream.count > 0;
	return rule;
}

bool gathering_open(struct partition_state *partition_state, int64_t begin, int64_t committed, struct error *error)
{
	uint32_t scope;
	struct parked_part_list list = {0};
	struct worker_stage *stage = partition_state->stage;
	if (!flow_joins_parts(stage->flow, &scope))
		return true;
	struct gathering *gathering = memory_take(1, sizeof *gathering);
	if (!gathering)
		return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
	partition_state->gathering = gathering;
	*gathering = (struct gathering){.stage = stage,
					.input = partition_state->input,
					.rule = rule_of(stage->config),
					.parked_parts = {.store = partition_state->store, .scope = scope}};
	gathering->input.offset = 0;
	gathering->puts_off = !stage->worker->config->transaction.id;
	uncommitted_open(&gathering->uncommitted, &stage->load.uncommitted_bytes);
	gathering->meetings = meetings_open(&gathering->rule);
	gathering->told = memory_take(gathering_sources(gathering), 1);
	gathering->scratch = arena_open(stage->worker->config->limits.message_bytes);
	if (!gathering->meetings || !gathering->told || !gathering->scratch)
		return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
	const struct position settled = {partition_state->input.topic, partition_state->input.partition, committed};
	return recall(gathering, &list, gathering->puts_off ? begin : INT64_MAX, error) &&
	       (committed == OFFSET_NONE || gathering_committed(gathering, &settled, error));
}

void gathering_close(struct gathering *gathering)
{
	if (!gathering)
		return;
	uncommitted_close(&gathering->uncommitted);
	parked_parts_close(&gathering->parked_parts);
	meetings_close(gathering->meetings);
	memory_give(gathering->told);
	arena_close(gathering->scratch);
	memory_give(gathering);
}
