/* join_state_recalled.c: Restore of a join state from the store of a restored partition; and its close. See
 * join_state.h. */
#include "base/memory.h"
#include "message/records/stage_link.h"
#include "engine/joins/join_state_parts.h"
#include "engine/joins/join_tombstone.h"

/* Restores a join from its tombstone. `pending_commit`: of the same record, or of a later one; NULL: there are no
 * more. */
static bool recall_pending_join(struct join_state *join_state, struct parked_part *parked_part, struct text bytes,
				struct pending_commit *pending_commit, int64_t now_ms, struct error *error)
{
	struct join_tombstone tombstone = join_tombstone_read(bytes, join_state_sources(join_state));
	if (!tombstone.states)
		return true; /* of another version of the pipeline */
	struct pending_join *pending_join = join_matcher_recall(join_state->matcher, tombstone.name, tombstone.states,
								tombstone.went_on, parked_part, now_ms, error);
	if (pending_join && pending_commit && pending_commit->offset == parked_part_offset(parked_part)) {
		pending_commit->pending_join = pending_join;
		pending_join_hold(pending_join);
	}
	return pending_join != NULL;
}

/* Restores a parked part. A part that cannot be read, or whose sender is not known, stays in the store. */
static bool recall_part(struct join_state *join_state, struct parked_part *own, struct text bytes, int64_t now_ms,
			struct error *error)
{
	struct message message = {.arena = join_state->scratch};
	struct stage_link stage_link;
	struct join_part part;
	struct error ignored = {0};
	enum join_verdict verdict;
	struct pending_join *pending_join;
	arena_reset(join_state->scratch);
	if (!stage_link_decode(&message, bytes, &stage_link, &ignored) ||
	    !join_state_tell(join_state, own, stage_link.from, &message, &part, &ignored))
		return true;
	part.again = true;
	if (stage_link.deadline_ms > 0 && !join_state->stage->config->external_input) {
		message.deadline_ms = stage_link.deadline_ms;
		message_set_clock(&message, join_state->stage->worker->loop);
		part.deadline_ms = message.deadline_ms;
	}
	return join_matcher_take(join_state->matcher, &part, now_ms, &verdict, &pending_join, error);
}

/* Deletes the parts that a tombstone lists, if they are still in the store. */
static bool recall_pending_commit(struct join_state *join_state, struct parked_part_list *list, int64_t offset, struct text keys,
				  struct error *error)
{
	size_t count = keys.length / PARKED_PART_KEY_BYTES;
	struct pending_commit *pending_commit = NULL;
	for (size_t i = 0; i < count; i++) {
		struct text key = {keys.bytes + i * PARKED_PART_KEY_BYTES, PARKED_PART_KEY_BYTES};
		struct parked_part *part = parked_part_list_take(list, key);
		if (!part)
			continue;
		if (!pending_commit) {
			pending_commit = pending_commit_add(&join_state->pending_commit, offset, count - i, 0);
			if (!pending_commit)
				return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
			pending_commit->part_count = 0;
		}
		pending_commit->parts[pending_commit->part_count++] = part;
	}
	return true;
}

/* Skips entries of records that will be taken again. They stay in the store until then. */
static bool pass_over(struct join_state *join_state, struct parked_part_list *list, int64_t begin, struct error *error)
{
	bool good = true;
	size_t next = 0;
	for (struct parked_part *parked_part; good && (parked_part = parked_part_list_next(list, &next));) {
		struct text bytes;
		int64_t offset = parked_part_offset(parked_part);
		if (offset >= begin)
			join_state->replayed = offset + 1;
		else if (parked_kind(parked_part) == PARKED_TOMBSTONE &&
			 parked_part_read(&join_state->parked_parts, parked_part, &bytes)) {
			struct text keys = join_tombstone_read(bytes, join_state_sources(join_state)).parts;
			good = keys.length == 0 || recall_pending_commit(join_state, list, offset, keys, error);
		}
	}
	return good;
}

static bool join_state_recalled_recall(struct join_state *join_state, struct parked_part_list *list, int64_t begin,
				       struct error *error)
{
	int64_t now_ms = loop_now_ms(join_state->stage->worker->loop);
	bool good = parked_parts_list(&join_state->parked_parts, list, error) && pass_over(join_state, list, begin, error);
	size_t next = 0;
	struct pending_commit *pending_commit = join_state->pending_commit.first; /* in the order of the list */
	for (struct parked_part *parked_part; good && (parked_part = parked_part_list_next(list, &next));) {
		struct text bytes;
		pending_commit = pending_commit_reach(pending_commit, parked_part_offset(parked_part));
		if (parked_part_offset(parked_part) >= begin)
			parked_part_give(&join_state->parked_parts, parked_part);
		else if (!parked_part_read(&join_state->parked_parts, parked_part, &bytes))
			continue;
		else if (parked_kind(parked_part) == PARKED_TOMBSTONE)
			good = recall_pending_join(join_state, parked_part, bytes, pending_commit, now_ms, error);
		else
			good = recall_part(join_state, parked_part, bytes, now_ms, error);
	}
	parked_part_list_close(list);
	return good;
}

static struct join_rule rule_of(const struct stage_config *config)
{
	struct join_rule rule = {.always = true};
	if (config->external_input) {
		rule = config->external_input->rule;
	} else {
		rule.inputs = (struct join_gate){JOIN_INNER, config->graph->part->parent_count};
		rule.window_ms = config->graph->part->window_ms;
		rule.parties = config->graph->part->parent_count;
	}
	rule.patient = config->upstream.count > 0;
	return rule;
}

bool join_state_open(struct partition_state *partition_state, int64_t begin, int64_t committed, struct error *error)
{
	uint32_t scope;
	struct parked_part_list list = {0};
	struct worker_stage *stage = partition_state->stage;
	if (!flow_joins_parts(stage->flow, &scope))
		return true;
	struct join_state *join_state = memory_take(1, sizeof *join_state);
	if (!join_state)
		return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
	partition_state->join_state = join_state;
	*join_state = (struct join_state){.stage = stage,
					  .input = partition_state->input,
					  .rule = rule_of(stage->config),
					  .parked_parts = {.store = partition_state->store, .scope = scope}};
	join_state->input.offset = 0;
	join_state->puts_off = !stage->worker->config->transaction.id;
	pending_commit_open(&join_state->pending_commit, &stage->load.pending_commit_bytes);
	join_state->matcher = join_matcher_open(&join_state->rule);
	join_state->states = memory_take(join_state_sources(join_state), 1);
	join_state->scratch = arena_open(stage->worker->config->limits.message_bytes);
	if (!join_state->matcher || !join_state->states || !join_state->scratch)
		return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
	const struct position settled = {partition_state->input.topic, partition_state->input.partition, committed};
	return join_state_recalled_recall(join_state, &list, join_state->puts_off ? begin : INT64_MAX, error) &&
	       (committed == OFFSET_NONE || join_state_committed(join_state, &settled, error));
}

void join_state_close(struct join_state *join_state)
{
	if (!join_state)
		return;
	pending_commit_close(&join_state->pending_commit);
	parked_parts_close(&join_state->parked_parts);
	join_matcher_close(join_state->matcher);
	memory_give(join_state->states);
	arena_close(join_state->scratch);
	memory_give(join_state);
}
