/* join_merge.c: see join_merge.h. */
#include "engine/joins/join_merge.h"

#include "message/records/carried.h"
#include "message/records/stage_link.h"

static bool join_merge_full(struct error *error)
{
	return error_memory(error, ERROR_LIMIT, "putting together what came of a request");
}

/* Copies the bytes of a parked part, so that they outlive its deletion: empty if the part has no bytes in the state.
 * False: memory. */
static bool part_bytes(const struct join_merge *join_merge, const struct parked_part *part, struct text *bytes, struct error *error)
{
	*bytes = join_merge->inflight->record.value;
	if (part == join_merge->own)
		return true;
	if (!parked_part_read(join_merge->parked_parts, part, bytes))
		*bytes = (struct text){0};
	bytes->bytes = arena_copy(join_merge->inflight->message.arena, bytes->bytes, bytes->length);
	return bytes->bytes || join_merge_full(error);
}

/* Keeps the fields of the request that the answer needs. */
static void keep_request(struct inflight *inflight, const struct stage_link *stage_link)
{
	inflight->request = stage_link->original;
	inflight->kept_key = stage_link->key;
}

static bool note_missing(struct message *message, int64_t window_ms, struct error *error)
{
	struct carried *carried = ARENA_NEW(message->arena, struct carried);
	struct error *missing = ARENA_NEW(message->arena, struct error);
	if (!carried || !missing)
		return join_merge_full(error);
	*carried = *message->carried;
	error_set(missing, ERROR_LIMIT, PLACE_NONE,
		  "the join window of %lld ms has passed, and not all stages of the pipeline have sent their part of the "
		  "request; raise joinWindowMs, or join with `outer` or `any`",
		  (long long)window_ms);
	carried->missing = missing;
	message->carried = carried;
	return true;
}

static bool join_stages(const struct join_merge *join_merge, struct error *error)
{
	struct message *message = &join_merge->inflight->message;
	struct stage_link stage_link = {0};
	size_t next = 0;
	message->carried = NULL;
	for (const struct parked_part *part; (part = pending_join_next_part(join_merge->pending_join, &next));) {
		struct text bytes;
		if (!part_bytes(join_merge, part, &bytes, error))
			return false;
		bool good = message->carried ? stage_link_add(message, bytes, &stage_link, error)
					     : stage_link_decode(message, bytes, &stage_link, error);
		if (!good)
			return false;
	}
	keep_request(join_merge->inflight, &stage_link);
	message->deadline_ms = stage_link.deadline_ms;
	message_set_clock(message, join_merge->stage->worker->loop);
	return note_missing(message, join_merge->stage->config->graph->part->window_ms, error);
}

static bool join_inputs(const struct join_merge *join_merge, struct error *error)
{
	const struct external_input *external_input = join_merge->stage->config->external_input;
	struct message *message = &join_merge->inflight->message;
	struct arena *arena = message->arena;
	const struct payload **came = ARENA_ARRAY(arena, const struct payload *, external_input->rule.inputs.count);
	size_t next = 0;
	for (const struct parked_part *part; came && (part = pending_join_next_part(join_merge->pending_join, &next));) {
		struct message *other = ARENA_NEW(arena, struct message);
		struct stage_link stage_link;
		struct text bytes;
		if (!other)
			break;
		other->arena = arena;
		if (!part_bytes(join_merge, part, &bytes, error) || !stage_link_decode(other, bytes, &stage_link, error))
			return false;
		for (size_t i = 0; i < external_input->rule.inputs.count; i++)
			if (join_part_of(join_merge->pending_join, i) == part)
				came[i] = &other->payload;
		if (next > 1)
			continue;
		other->line = message->line;
		other->writes = message->writes;
		*message = *other;
		keep_request(join_merge->inflight, &stage_link);
	}
	const struct payload *joined = came && !arena_failed(arena) ? external_input_join(external_input, came, arena) : NULL;
	if (!joined)
		return join_merge_full(error);
	message->payload = *joined;
	return true;
}

bool join_merge_parts(const struct join_merge *join_merge, struct error *error)
{
	return (join_merge->stage->config->external_input ? join_inputs : join_stages)(join_merge, error);
}
