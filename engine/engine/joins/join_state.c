/* join_state.c: see join_state.h. */
#include "engine/joins/join_state.h"

#include <assert.h>

#include "engine/joins/parked_parts.h"
#include "message/records/carried.h"
#include "message/records/stage_link.h"
#include "engine/joins/join_state_parts.h"
#include "engine/joins/join_tombstone.h"
#include "engine/joins/upstreams.h"

/* ---- merge ---- */

struct join_merge {
	const struct worker_stage *stage;
	const struct parked_parts *parked_parts; /* where the join's parts are parked */
	const struct pending_join *pending_join;
	const struct parked_part
		*own; /* part of the in-flight message's own record; NULL: the record only reports that a window has closed */
	struct inflight *inflight; /* its message becomes the merged one, in its arena */
};

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

/* False: a part cannot be read, or memory ran out. The caller answers the in-flight message with the error. */
static bool join_merge_parts(const struct join_merge *join_merge, struct error *error)
{
	return (join_merge->stage->config->external_input ? join_inputs : join_stages)(join_merge, error);
}

#define SENDER_WINDOW "+window" /* no stage and no pipeline has this name */
#define FORGET_AT_ONCE 16	/* number of obsolete entries that one message removes */
#define NEVER INT64_MAX

/* Removes obsolete entries whenever a message passes. At least once, the removal is not part of that message, because
 * messages may overtake each other. */
static bool forget_some(struct join_state *join_state, struct inflight *inflight, struct error *error)
{
	struct parked_part *tombstone;
	for (int i = 0; i < FORGET_AT_ONCE && (tombstone = join_matcher_forgotten(join_state->matcher)); i++) {
		bool good = join_state->puts_off
				    ? parked_part_drop(&join_state->parked_parts, tombstone, error)
				    : parked_part_forget(&join_state->parked_parts, tombstone, &inflight->message, error);
		if (!good)
			return false;
	}
	return true;
}

/* ---- sender and contents of a part ---- */

static const struct graph_part *part_of(const struct join_state *join_state)
{
	return join_state->stage->config->graph->part;
}

static bool find_party(const struct join_state *join_state, struct text sender, size_t *party)
{
	const struct external_input *external_input = join_state->stage->config->external_input;
	const struct graph_part *part = part_of(join_state);
	size_t count = external_input ? external_input->point_count : part->parent_count;
	for (*party = 0; *party < count; ++*party)
		if (text_is(sender, external_input ? external_input->points[*party].name : part->parents[*party]))
			return true;
	return false;
}

/* The name of a request. External inputs belong to one request if they have the same id; results of stages, if they
 * have the same origin. */
static struct text name_of(const struct join_state *join_state, const struct message *message)
{
	if (join_state->stage->config->external_input)
		return message->id;
	return text_of(arena_print(message->arena, TEXT_FORMAT "/%d/%lld", TEXT_ARGUMENTS(message->origin.topic),
				   (int)message->origin.partition, (long long)message->origin.offset));
}

bool join_state_tell(struct join_state *join_state, struct parked_part *own, struct text sender, const struct message *message,
		     struct join_part *part, struct error *error)
{
	const struct external_input *external_input = join_state->stage->config->external_input;
	*part = (struct join_part){.name = name_of(join_state, message),
				   .states = join_state->states,
				   .time_ms = external_input ? message->time_ms : -1,
				   .deadline_ms = external_input ? 0 : message->deadline_ms,
				   .part = own};
	if (!find_party(join_state, sender, &part->party))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the record comes from `" TEXT_FORMAT
				 "`, which no longer sends to this stage; the pipeline has changed, send the request again",
				 TEXT_ARGUMENTS(sender));
	memset(join_state->states, SOURCE_UNKNOWN, join_state_sources(join_state));
	if (external_input)
		(void)external_input_tell(external_input, part->party, &message->payload, join_state->states);
	else
		join_state->states[part->party] = SOURCE_CAME;
	return true;
}

/* ---- finished joins, while late parts may come ---- */

/* Keys of the parked parts, one after the other. False: memory. */
static bool waiting_keys(const struct pending_join *pending_join, const struct parked_part *own, struct arena *arena,
			 struct text *keys)
{
	size_t next = 0, count = 0;
	while (pending_join_next_part(pending_join, &next))
		count++;
	char *bytes = arena_take_raw(arena, count * PARKED_PART_KEY_BYTES);
	*keys = (struct text){bytes, 0};
	next = 0;
	for (const struct parked_part *part; bytes && (part = pending_join_next_part(pending_join, &next));) {
		if (part == own)
			continue;
		memcpy(bytes + keys->length, parked_part_key(part).bytes, PARKED_PART_KEY_BYTES);
		keys->length += PARKED_PART_KEY_BYTES;
	}
	return bytes != NULL;
}

/* Writes a join tombstone. A settled join needs none, unless parts are in the store, which must then be known to be
 * finished. */
static bool remember_pending_join(struct join_state *join_state, struct inflight *inflight, struct pending_join *pending_join,
				  const struct parked_part *own, struct error *error)
{
	struct arena *arena = inflight->message.arena;
	struct join_tombstone its = {.went_on = pending_join_went_on(pending_join),
				     .states = join_source_states(pending_join),
				     .name = pending_join_name(pending_join)};
	bool good = !join_state->puts_off || waiting_keys(pending_join, own, arena, &its.parts);
	if (good && its.parts.length == 0 && pending_join_is_settled(join_state->matcher, pending_join))
		return true;
	struct text bytes = good ? join_tombstone_write(&its, join_state_sources(join_state), arena) : (struct text){0};
	struct parked_part *tombstone =
		bytes.bytes ? parked_part_make(&join_state->parked_parts, PARKED_TOMBSTONE, inflight->record.offset) : NULL;
	if (!tombstone)
		return error_memory(error, ERROR_LIMIT, "remembering what has come of a request");
	pending_join_mark(pending_join, tombstone);
	return parked_part_write(&join_state->parked_parts, tombstone, &inflight->message, bytes, error);
}

/* Deletes the parts of a join from the state; parts that are not written yet are freed with them. */
static bool forget_parts(struct join_state *join_state, struct inflight *inflight, const struct pending_join *pending_join,
			 const struct parked_part *own, struct error *error)
{
	bool good = true;
	size_t next = 0;
	for (struct parked_part *part; (part = pending_join_next_part(pending_join, &next));) {
		if (part == own)
			parked_part_give(&join_state->parked_parts, part);
		else
			good = parked_part_forget(&join_state->parked_parts, part, &inflight->message, error) && good;
	}
	return good;
}

/* Keeps the parts until the in-flight message's offset is committed. */
static bool put_off(struct join_state *join_state, const struct inflight *inflight, struct pending_join *pending_join,
		    struct parked_part *own, struct error *error)
{
	size_t next = 0, count = 0, bytes = 0;
	for (const struct parked_part *part; (part = pending_join_next_part(pending_join, &next)); count += part != own) {
		struct text known = {0};
		(void)parked_part_read(&join_state->parked_parts, part, &known);
		bytes += known.length;
	}
	struct pending_commit *pending_commit =
		pending_commit_add(&join_state->pending_commit, inflight->record.offset, count, bytes);
	if (!pending_commit)
		return error_memory(error, ERROR_SYSTEM, "remembering what has come of a request");
	pending_commit->verdict = pending_join_went_on(pending_join) ? JOIN_OPENS : JOIN_IGNORES;
	pending_commit->pending_join = pending_join;
	pending_commit->own = own;
	pending_join_hold(pending_join);
	next = count = 0;
	for (struct parked_part *part; (part = pending_join_next_part(pending_join, &next));)
		if (part != own)
			pending_commit->parts[count++] = part;
	return true;
}

/* Ends the join's wait: it was completed, or has ended. */
static bool part_from(struct join_state *join_state, struct inflight *inflight, struct pending_join *pending_join,
		      struct parked_part *own, struct error *error)
{
	bool remembered = remember_pending_join(join_state, inflight, pending_join, own, error);
	bool done = join_state->puts_off ? put_off(join_state, inflight, pending_join, own, error)
					 : forget_parts(join_state, inflight, pending_join, own, error);
	return remembered && done;
}

static bool join_state_join(const struct join_state *join_state, struct inflight *inflight, const struct pending_join *pending_join,
			    const struct parked_part *own, struct error *error)
{
	const struct join_merge join_merge = {join_state->stage, &join_state->parked_parts, pending_join, own, inflight};
	return join_merge_parts(&join_merge, error);
}

/* The in-flight message continues as its whole request. If this fails, the parts are finished nevertheless, and the error is the
 * result. */
static bool go_on(struct join_state *join_state, struct inflight *inflight, struct pending_join *pending_join,
		  struct parked_part *own, struct error *error)
{
	bool joined = join_state_join(join_state, inflight, pending_join, own, error);
	struct error kept_error = {0};
	bool remembered = part_from(join_state, inflight, pending_join, own, &kept_error);
	if (joined && !remembered)
		*error = kept_error;
	return joined && remembered;
}

/* ---- records ---- */

static void pass(struct worker *worker, struct inflight *inflight)
{
	const struct answer nothing = {0};
	inflight->message.carried = NULL;
	inflight_finish(&worker->queues, &inflight->message, FLOW_PASSED, &nothing);
}

/* Whether the record was already taken before a crash. It is then processed as if it had not been. */
static bool is_replayed(const struct join_state *join_state, const struct inflight *inflight)
{
	return inflight->record.offset >= join_state->taken && inflight->record.offset < join_state->replayed;
}

static struct pending_join *pending_join_of(struct join_state *join_state, struct text name, struct text key)
{
	struct pending_join *pending_join = NULL;
	while ((pending_join = join_matcher_next_open(join_state->matcher, name, pending_join))) {
		size_t next = 0;
		const struct parked_part *first = pending_join_next_part(pending_join, &next);
		if (first && text_equal(parked_part_key(first), key))
			break;
	}
	return pending_join;
}

/* Handles a record by which the stage reports that a window has closed. */
static bool close_window(struct worker *worker, struct join_state *join_state, struct inflight *inflight, bool *enters,
			 struct error *error)
{
	struct pending_join *pending_join = pending_join_of(join_state, name_of(join_state, &inflight->message), inflight->request);
	*enters = pending_join && join_matcher_conclude(join_state->matcher, pending_join);
	if (*enters)
		return go_on(join_state, inflight, pending_join, NULL, error);
	bool good = !pending_join || part_from(join_state, inflight, pending_join, NULL, error);
	if (good)
		pass(worker, inflight);
	return good;
}

/* Keeps a join until the record is committed. If the record is taken again, the join is of no more use. */
static bool hold_pending_join(struct join_state *join_state, const struct inflight *inflight, struct pending_join *pending_join,
			      enum join_verdict verdict, struct error *error)
{
	if (!join_state->puts_off || (!pending_join && verdict != JOIN_LATE))
		return true;
	struct pending_commit *pending_commit = pending_commit_add(&join_state->pending_commit, inflight->record.offset, 0, 0);
	if (!pending_commit)
		return error_memory(error, ERROR_SYSTEM, "remembering what came too late");
	pending_commit->verdict = verdict;
	pending_commit->pending_join = pending_join;
	if (pending_join)
		pending_join_hold(pending_join);
	return true;
}

static bool come_late(const struct join_state *join_state, struct error *error)
{
	external_input_late(join_state->stage->config->external_input, error);
	return false;
}

/* Whether the part has room in the store, if it needs any. */
static bool part_has_room(const struct join_state *join_state, const struct parked_part *own, const struct join_part *part,
			  struct text bytes, struct error *error)
{
	struct error full = {0};
	if (parked_part_fits(&join_state->parked_parts, own, bytes, &full) || !join_matcher_needs_room(join_state->matcher, part))
		return true;
	*error = full;
	return false;
}

static bool part_take(struct worker *worker, struct join_state *join_state, struct inflight *inflight, bool *enters,
		      struct error *error)
{
	struct join_part part;
	struct pending_join *pending_join;
	enum join_verdict verdict;
	struct parked_parts *parked_parts = &join_state->parked_parts;
	struct parked_part *own = parked_part_make(parked_parts, PARKED_PART, inflight->record.offset);
	struct text bytes = inflight->record.value, known;
	if (!own)
		return error_memory(error, ERROR_SYSTEM, "keeping a part of a request");
	if (!is_replayed(join_state, inflight) && parked_part_read(parked_parts, own, &known)) {
		parked_part_give(parked_parts, own);
		pass(worker, inflight); /* it was taken before */
		return true;
	}
	if (!join_state_tell(join_state, own, inflight->sender, &inflight->message, &part, error) ||
	    !part_has_room(join_state, own, &part, bytes, error) ||
	    !join_matcher_take(join_state->matcher, &part, loop_now_ms(worker->loop), &verdict, &pending_join, error)) {
		parked_part_give(parked_parts, own);
		return false;
	}
	*enters = verdict == JOIN_OPENS;
	if (verdict == JOIN_OPENS)
		return go_on(join_state, inflight, pending_join, own, error);
	if (verdict == JOIN_WAITS) {
		if (!parked_part_write(parked_parts, own, &inflight->message, bytes, error))
			return false;
	} else {
		parked_part_give(parked_parts, own);
		if (!hold_pending_join(join_state, inflight, pending_join, verdict, error))
			return false;
	}
	if (verdict == JOIN_LATE)
		return come_late(join_state, error);
	pass(worker, inflight);
	return true;
}

static bool join_state_receive(struct worker *worker, struct join_state *join_state, struct inflight *inflight, bool *enters,
			       struct error *error)
{
	if (text_is(inflight->sender, SENDER_WINDOW))
		return close_window(worker, join_state, inflight, enters, error);
	/* The pipeline's own requests are complete. */
	*enters = join_state->stage->config->external_input && text_is(inflight->sender, part_of(join_state)->parents[0]);
	return *enters || part_take(worker, join_state, inflight, enters, error);
}

/* At least once, Kafka refused a result of the record: it is processed again in the same way. */
static bool take_again(struct worker *worker, struct join_state *join_state, struct inflight *inflight, bool *enters,
		       struct error *error)
{
	const struct pending_commit *pending_commit = pending_commit_find(&join_state->pending_commit, inflight->record.offset);
	*enters = true;
	if (pending_commit && pending_commit->verdict == JOIN_OPENS)
		return join_state_join(join_state, inflight, pending_commit->pending_join, pending_commit->own, error);
	if (inflight->blame & BLAME_ANSWER)
		return true; /* an error, which replaces the former result */
	return pending_commit ? come_late(join_state, error) : join_state_receive(worker, join_state, inflight, enters, error);
}

static bool writes(const struct message *message, const struct parked_part *parked_part)
{
	const struct write *write = message->writes;
	while (write && !text_equal(write->key, parked_part_key(parked_part)))
		write = write->next;
	return write != NULL;
}

/* Deletes what the record wrote when it was taken before a crash, and has not written now. */
static bool forget_stale(struct join_state *join_state, struct inflight *inflight, enum parked_kind kind, struct error *error)
{
	struct text known;
	struct parked_part *parked_part = parked_part_make(&join_state->parked_parts, kind, inflight->record.offset);
	if (!parked_part)
		return error_memory(error, ERROR_SYSTEM, "keeping a part of a request");
	if (!writes(&inflight->message, parked_part) && parked_part_read(&join_state->parked_parts, parked_part, &known))
		return parked_part_forget(&join_state->parked_parts, parked_part, &inflight->message, error);
	parked_part_give(&join_state->parked_parts, parked_part);
	return true;
}

bool join_state_take(struct worker *worker, struct inflight *inflight, bool *enters, struct error *error)
{
	assert(inflight->queue->partition_state && inflight->queue->partition_state->join_state);
	struct join_state *join_state = inflight->queue->partition_state->join_state;
	if (!forget_some(join_state, inflight, error))
		return false;
	if (inflight->again && inflight->record.offset < join_state->taken)
		return take_again(worker, join_state, inflight, enters, error);
	bool replayed = is_replayed(join_state, inflight);
	bool good = join_state_receive(worker, join_state, inflight, enters, error);
	if (join_state->taken <= inflight->record.offset)
		join_state->taken = inflight->record.offset + 1;
	return (!replayed || (forget_stale(join_state, inflight, PARKED_PART, error) &&
			      forget_stale(join_state, inflight, PARKED_TOMBSTONE, error))) &&
	       good;
}

/* ---- windows ---- */

/* Closes the window of a join: the stage sends itself a record, under the name of the first part. */
static enum produce_verdict send_word(struct worker *worker, const struct join_state *join_state,
				      const struct pending_join *pending_join, struct error *error)
{
	struct outbox *outbox = &worker->outbox;
	size_t next = 0;
	const struct parked_part *first = pending_join_next_part(pending_join, &next);
	const struct carried nothing = {0};
	struct stage_link_head head;
	struct text bytes;
	arena_reset(join_state->scratch);
	if (!parked_part_read(&join_state->parked_parts, first, &bytes) || !stage_link_peek(bytes, &head, error))
		return PRODUCED; /* it has no state, so there is nothing to close */
	const struct message message = {.arena = join_state->scratch, .id = head.id, .origin = head.origin, .carried = &nothing};
	const struct stage_link stage_link = {.from = TEXT(SENDER_WINDOW), .original = parked_part_key(first)};
	buffer_clear(&outbox->encoded);
	if (!stage_link_encode(&message, 0, &stage_link, &outbox->encoded, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {
		.topic = join_state->stage->config->own,
		.origin = join_state->input,
		.beside_origin = true,
		.key = message.id,
		.value = buffer_view(&outbox->encoded),
	};
	return output_produce(outbox->output, &outgoing, error);
}

/* A join whose window is to be closed; NULL: there is none. The window of an inner join pauses while its sources are
 * behind, but not beyond the deadline of its request. */
static bool next_to_close(struct worker *worker, struct join_state *join_state, struct pending_join **pending_join,
			  struct error *error)
{
	int64_t now_ms = loop_now_ms(worker->loop);
	*pending_join = join_matcher_overdue(join_state->matcher, now_ms);
	join_state->stands = false;
	if (!*pending_join || !join_state->rule.patient ||
	    (!join_state->rule.always && pending_join_would_open(join_state->matcher, *pending_join)))
		return true;
	int64_t due_ms = pending_join_due_ms(join_state->matcher, *pending_join);
	bool passed = false;
	if (due_ms <= now_ms && !upstream_is_passed(worker, join_state->stage, due_ms, &passed, error))
		return false;
	join_state->stands = !passed;
	if (!passed)
		*pending_join = join_matcher_past_deadline(join_state->matcher, now_ms);
	return true;
}

static bool join_state_advance(struct worker *worker, struct join_state *join_state, struct error *error)
{
	struct pending_join *pending_join;
	join_matcher_tidy(join_state->matcher, loop_now_ms(worker->loop));
	while (worker_may_produce(worker)) {
		if (!next_to_close(worker, join_state, &pending_join, error))
			return false;
		if (!pending_join)
			return true;
		enum produce_verdict verdict = send_word(worker, join_state, pending_join, error);
		worker->spoilt = verdict == PRODUCE_SPOILT;
		if (verdict == PRODUCE_FULL)
			produce_retry_soon(worker);
		if (verdict == PRODUCE_REFUSED)
			return false;
		if (verdict != PRODUCED)
			return true;
		pending_join_acknowledge(pending_join);
		if (!worker->dirty)
			commit_interval_begin(worker);
	}
	return true;
}

bool join_states_advance(struct worker *worker, struct error *error)
{
	for (struct partition_state *partition_state = worker->partition_states.first; partition_state;
	     partition_state = partition_state->next)
		if (partition_state->join_state && partition_state->join_state->stage->denied == TOPIC_NOWHERE &&
		    !join_state_advance(worker, partition_state->join_state, error))
			return false;
	return true;
}

/* Next time at which work is due. While a window pauses, other windows wait until its sources are checked again. */
static int64_t join_state_due_ms(const struct worker *worker, const struct join_state *join_state)
{
	if (join_state->stage->denied != TOPIC_NOWHERE)
		return NEVER;
	int64_t due_ms = join_matcher_due_ms(join_state->matcher), again_ms = upstream_again_ms(join_state->stage);
	if (!join_state->stands || due_ms > loop_now_ms(worker->loop))
		return due_ms;
	return again_ms > loop_now_ms(worker->loop) ? again_ms : loop_now_ms(worker->loop) + 1;
}

/* Next time at which work is due. While nothing can be sent, the event that ends this state wakes the worker. */
int64_t join_states_due_ms(const struct worker *worker)
{
	int64_t due_ms = NEVER;
	for (const struct partition_state *partition_state = worker->partition_states.first;
	     partition_state && worker_may_produce(worker); partition_state = partition_state->next) {
		int64_t its_ms = partition_state->join_state ? join_state_due_ms(worker, partition_state->join_state) : NEVER;
		due_ms = its_ms < due_ms ? its_ms : due_ms;
	}
	return due_ms;
}

/* ---- committed ---- */

/* Deletes the parts first, then the entry that lists them: changes are sent in their order. */
static bool forget_committed(struct join_state *join_state, struct pending_commit *pending_commit, struct error *error)
{
	bool good = true;
	for (size_t i = 0; i < pending_commit->part_count; i++)
		good = parked_part_drop(&join_state->parked_parts, pending_commit->parts[i], error) && good;
	if (pending_commit->own)
		parked_part_give(&join_state->parked_parts, pending_commit->own);
	if (pending_commit->pending_join)
		join_matcher_let_go(join_state->matcher, pending_commit->pending_join);
	pending_commit_give(pending_commit);
	return good;
}

bool join_state_committed(struct join_state *join_state, const struct position *committed, struct error *error)
{
	bool good = true;
	if (committed->topic != join_state->input.topic)
		return true;
	for (struct pending_commit *pending_commit;
	     (pending_commit = pending_commit_take(&join_state->pending_commit, committed->offset));)
		good = forget_committed(join_state, pending_commit, error) && good;
	for (struct parked_part *tombstone; join_state->puts_off && (tombstone = join_matcher_forgotten(join_state->matcher));)
		good = parked_part_drop(&join_state->parked_parts, tombstone, error) && good;
	return good;
}
