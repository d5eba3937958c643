/* gathering.c: see gathering.h. */
#include "worker/gathering.h"

#include <stdlib.h>

#include "base/memory.h"
#include "message/carried.h"
#include "message/crossing.h"
#include "worker/crossings.h"

#define SENDER_WINDOW "+window" /* no stage and no pipeline is called so */
#define FORGET_AT_ONCE 16	/* what one message takes out that is remembered in vain */
#define OFFSET_BYTES 8
#define NEVER INT64_MAX

/* Something that is remembered: a part that waits, or a meeting that is over while more
 * may come. Its key is the offset of the record that it is of; a meeting's has a byte more. */
struct kept {
	struct kept *next, *previous;
	size_t key_length;
	char key[OFFSET_BYTES + 1];
};

struct gathering {
	struct stage *stage;
	struct store *store;
	uint32_t scope;
	struct position input;
	struct meeting_rule rule;
	struct meetings *meetings;
	struct kept *kept;
	unsigned char *told;   /* scratch: of each source */
	struct arena *scratch; /* for records that are looked into */
};

/* ---- what is remembered ---- */

static struct kept *kept_make(struct gathering *gathering, const char *key, size_t length)
{
	struct kept *kept = memory_take(1, sizeof *kept);
	if (!kept)
		return NULL;
	memcpy(kept->key, key, length);
	kept->key_length = length;
	kept->next = gathering->kept;
	if (kept->next)
		kept->next->previous = kept;
	gathering->kept = kept;
	return kept;
}

static void kept_give(struct gathering *gathering, struct kept *kept)
{
	if (kept->next)
		kept->next->previous = kept->previous;
	*(kept->previous ? &kept->previous->next : &gathering->kept) = kept->next;
	memory_give(kept);
}

static struct text key_of(const struct kept *kept)
{
	return (struct text){kept->key, kept->key_length};
}

/* Highest byte first, so that keys in order are records in order. */
static void offset_write(char *to, int64_t offset)
{
	uint64_t big_endian = __builtin_bswap64((uint64_t)offset);
	memcpy(to, &big_endian, sizeof big_endian);
}

/* As a step writes: seen at once, and kept when the flight leaves. Bytes NULL: taken out. */
static bool remember(struct gathering *gathering, struct flight *flight, const struct kept *kept, struct text value,
		     struct error *error)
{
	struct arena *arena = flight->message.arena;
	struct write *write = ARENA_NEW(arena, struct write);
	const char *key = arena_copy(arena, kept->key, kept->key_length);
	if (!write || !key)
		return error_memory(error, ERROR_LIMIT, "keeping a part of a request");
	*write = (struct write){.scope = gathering->scope, .key = {key, kept->key_length}, .value = value};
	if (!store_journal(gathering->store, write, error))
		return false;
	write->next = flight->message.writes;
	flight->message.writes = write;
	return true;
}

static bool forget(struct gathering *gathering, struct flight *flight, struct kept *kept, struct error *error)
{
	bool good = remember(gathering, flight, kept, (struct text){0}, error);
	kept_give(gathering, kept);
	return good;
}

/* What nobody asks for any more leaves with whatever message comes by. */
static bool forget_some(struct gathering *gathering, struct flight *flight, struct error *error)
{
	struct kept *kept;
	for (int i = 0; i < FORGET_AT_ONCE && (kept = meetings_forgotten(gathering->meetings)); i++)
		if (!forget(gathering, flight, kept, error))
			return false;
	return true;
}

/* ---- who sent it, and what it tells ---- */

static const struct graph_part *part_of(const struct gathering *gathering)
{
	return gathering->stage->config->graph->part;
}

static bool find_party(const struct gathering *gathering, struct text sender, size_t *party)
{
	const struct entrance *entrance = gathering->stage->config->entrance;
	const struct graph_part *part = part_of(gathering);
	size_t count = entrance ? entrance->point_count : part->parent_count;
	for (*party = 0; *party < count; ++*party)
		if (text_is(sender, entrance ? entrance->points[*party].name : part->parents[*party]))
			return true;
	return false;
}

/* External inputs are of one request when they share its id; what stages made of one is
 * known by where it stood. */
static struct text name_of(const struct gathering *gathering, const struct message *message)
{
	if (gathering->stage->config->entrance)
		return message->id;
	return text_of(arena_print(message->arena, TEXT_FORMAT "/%d/%lld", TEXT_ARGUMENTS(message->origin.topic),
				   (int)message->origin.partition, (long long)message->origin.offset));
}

static bool tell(struct gathering *gathering, struct text sender, const struct message *message, struct meeting_part *part,
		 struct error *error)
{
	const struct entrance *entrance = gathering->stage->config->entrance;
	*part = (struct meeting_part){
		.name = name_of(gathering, message), .told = gathering->told, .time_ms = entrance ? message->time_ms : -1};
	if (!find_party(gathering, sender, &part->party))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the record comes from `" TEXT_FORMAT
				 "`, which gives nothing to this stage any more; the pipeline has changed, send the request again",
				 TEXT_ARGUMENTS(sender));
	memset(gathering->told, TOLD_NOTHING, gathering->rule.inputs.count + gathering->rule.triggers.count);
	if (entrance)
		(void)entrance_tell(entrance, part->party, &message->payload, gathering->told);
	else
		gathering->told[part->party] = TOLD_CAME;
	return true;
}

/* ---- going on ---- */

/* The bytes of a part that waited, which stay when it is forgotten. */
static struct text part_bytes(const struct gathering *gathering, const struct kept *kept, struct arena *arena)
{
	struct text value;
	if (!store_read(gathering->store, gathering->scope, key_of(kept), &value))
		return (struct text){0};
	return (struct text){arena_copy(arena, value.bytes, value.length), value.length};
}

struct opening {
	struct gathering *gathering;
	struct flight *flight;
	const struct meeting *meeting;
	const struct kept *own; /* the part of the flight's own record; NULL: it is only word that a window has closed */
	struct error *error;
};

static struct text bytes_of(const struct opening *opening, const struct kept *kept)
{
	return kept == opening->own ? opening->flight->record.value
				    : part_bytes(opening->gathering, kept, opening->flight->message.arena);
}

/* The first part gives the envelope; those behind it say what else became of the steps. */
static bool join_stages(const struct opening *opening)
{
	struct message *message = &opening->flight->message;
	struct crossing crossing = {0};
	size_t next = 0;
	message->carried = NULL;
	for (const struct kept *kept; (kept = meeting_next_part(opening->meeting, &next));) {
		struct text bytes = bytes_of(opening, kept);
		bool good = message->carried ? crossing_add(message, bytes, &crossing, opening->error)
					     : crossing_decode(message, bytes, &crossing, opening->error);
		if (!good)
			return false;
	}
	opening->flight->request = crossing.original;
	opening->flight->kept_key = crossing.key;
	message->deadline_ms = crossing.deadline_ms;
	message_set_clock(message, opening->gathering->stage->worker->loop);
	struct carried *carried = ARENA_NEW(message->arena, struct carried);
	struct error *missing = ARENA_NEW(message->arena, struct error);
	if (!carried || !missing)
		return error_memory(opening->error, ERROR_LIMIT, "putting together what came of a request");
	*carried = *message->carried;
	error_set(missing, ERROR_LIMIT, PLACE_NONE,
		  "the join window of %lld ms has passed, and not all stages of the pipeline have given what they make of the "
		  "request; "
		  "raise joinWindowMs, or join with `outer` or `any`",
		  (long long)opening->gathering->rule.window_ms);
	carried->missing = missing;
	message->carried = carried;
	return true;
}

/* A payload of each part, for all the inputs that it brings. */
static bool join_inputs(const struct opening *opening)
{
	const struct entrance *entrance = opening->gathering->stage->config->entrance;
	struct message *message = &opening->flight->message;
	struct arena *arena = message->arena;
	const struct payload **came = ARENA_ARRAY(arena, const struct payload *, entrance->rule.inputs.count);
	size_t next = 0;
	for (const struct kept *kept; came && (kept = meeting_next_part(opening->meeting, &next));) {
		struct message *other = ARENA_NEW(arena, struct message);
		struct crossing crossing;
		if (!other)
			break;
		other->arena = arena;
		if (!crossing_decode(other, bytes_of(opening, kept), &crossing, opening->error))
			return false;
		for (size_t i = 0; i < entrance->rule.inputs.count; i++)
			if (meeting_part_of(opening->meeting, i) == kept)
				came[i] = &other->payload;
		if (next > 1)
			continue;
		other->line = message->line;
		other->writes = message->writes;
		*message = *other;
		opening->flight->request = crossing.original;
		opening->flight->kept_key = crossing.key;
	}
	const struct payload *joined = came && !arena_failed(arena) ? entrance_join(entrance, came, arena) : NULL;
	if (!joined)
		return error_memory(opening->error, ERROR_LIMIT, "putting together what came of a request");
	message->payload = *joined;
	return true;
}

/* ---- what is over, while more may come ---- */

/* Whether it went on, its name, and what it was told. */
static struct text meeting_bytes(const struct gathering *gathering, const struct meeting *meeting, struct arena *arena)
{
	size_t sources = gathering->rule.inputs.count + gathering->rule.triggers.count;
	struct text name = meeting_name(meeting);
	char *bytes = arena_take_raw(arena, 1 + sources + name.length);
	if (!bytes)
		return (struct text){0};
	bytes[0] = (char)meeting_went_on(meeting);
	memcpy(bytes + 1, meeting_told(meeting), sources);
	if (name.length)
		memcpy(bytes + 1 + sources, name.bytes, name.length);
	return (struct text){bytes, 1 + sources + name.length};
}

static bool remember_meeting(struct gathering *gathering, struct flight *flight, struct meeting *meeting, struct error *error)
{
	char key[OFFSET_BYTES + 1];
	if (meeting_is_settled(gathering->meetings, meeting))
		return true;
	offset_write(key, flight->record.offset);
	key[OFFSET_BYTES] = 'm';
	struct text value = meeting_bytes(gathering, meeting, flight->message.arena);
	struct kept *kept = value.bytes ? kept_make(gathering, key, sizeof key) : NULL;
	if (!kept)
		return error_memory(error, ERROR_LIMIT, "remembering what has come of a request");
	meeting_mark(meeting, kept);
	return remember(gathering, flight, kept, value, error);
}

/* Its parts wait no more; what is not remembered yet is given back with them. */
static bool forget_parts(struct gathering *gathering, struct flight *flight, const struct meeting *meeting, struct kept *own,
			 struct error *error)
{
	bool good = true;
	size_t next = 0;
	for (struct kept *kept; (kept = meeting_next_part(meeting, &next));) {
		if (own && kept == own)
			kept_give(gathering, kept);
		else
			good = forget(gathering, flight, kept, error) && good;
	}
	return good;
}

/* The flight goes on as the whole of its request. Whatever fails on the way, the parts
 * are done with: the error is what comes of them. */
static bool go_on(struct gathering *gathering, struct flight *flight, struct meeting *meeting, struct kept *own,
		  struct error *error)
{
	const struct opening opening = {gathering, flight, meeting, own, error};
	bool joined = gathering->stage->config->entrance ? join_inputs(&opening) : join_stages(&opening);
	struct error kept_error = {0};
	bool remembered = remember_meeting(gathering, flight, meeting, &kept_error);
	remembered = forget_parts(gathering, flight, meeting, own, &kept_error) && remembered;
	if (joined && !remembered)
		*error = kept_error;
	return joined && remembered;
}

/* ---- a record comes ---- */

static void pass(struct worker *worker, struct flight *flight)
{
	const struct answer nothing = {0};
	flight->message.carried = NULL;
	flight_finish(&worker->lanes, &flight->message, FLOW_PASSED, &nothing);
}

static struct meeting *meeting_of(struct gathering *gathering, struct text name, struct text key)
{
	struct meeting *meeting = NULL;
	while ((meeting = meetings_next_open(gathering->meetings, name, meeting))) {
		size_t next = 0;
		const struct kept *first = meeting_next_part(meeting, &next);
		if (first && text_equal(key_of(first), key))
			break;
	}
	return meeting;
}

/* Word of the stage itself that a window has closed. */
static bool close_window(struct worker *worker, struct gathering *gathering, struct flight *flight, bool *enters,
			 struct error *error)
{
	struct meeting *meeting = meeting_of(gathering, name_of(gathering, &flight->message), flight->request);
	*enters = meeting && meetings_conclude(gathering->meetings, meeting);
	if (*enters)
		return go_on(gathering, flight, meeting, NULL, error);
	bool good = !meeting ||
		    (remember_meeting(gathering, flight, meeting, error) && forget_parts(gathering, flight, meeting, NULL, error));
	if (good)
		pass(worker, flight);
	return good;
}

static bool part_take(struct worker *worker, struct gathering *gathering, struct flight *flight, bool *enters, struct error *error)
{
	struct meeting_part part;
	struct meeting *meeting;
	enum meeting_verdict verdict;
	struct text value = flight->record.value;
	char key[OFFSET_BYTES];
	struct text known;
	offset_write(key, flight->record.offset);
	if (store_read(gathering->store, gathering->scope, (struct text){key, sizeof key}, &known)) {
		pass(worker, flight); /* at least once: it was taken before */
		return true;
	}
	if (!tell(gathering, flight->sender, &flight->message, &part, error) ||
	    !store_may_write(gathering->store, gathering->scope, sizeof key, value.length, error))
		return false;
	struct kept *kept = kept_make(gathering, key, sizeof key);
	if (!kept)
		return error_memory(error, ERROR_SYSTEM, "keeping a part of a request");
	part.part = kept;
	if (!meetings_take(gathering->meetings, &part, loop_now_ms(worker->loop), &verdict, &meeting, error)) {
		kept_give(gathering, kept);
		return false;
	}
	*enters = verdict == MEETING_OPENS;
	if (verdict == MEETING_OPENS)
		return go_on(gathering, flight, meeting, kept, error);
	if (verdict == MEETING_WAITS) {
		if (!remember(gathering, flight, kept, value, error))
			return false;
	} else {
		kept_give(gathering, kept);
	}
	if (verdict == MEETING_LATE) {
		entrance_late(gathering->stage->config->entrance, error);
		return false;
	}
	pass(worker, flight);
	return true;
}

bool gathering_take(struct worker *worker, struct flight *flight, bool *enters, struct error *error)
{
	struct gathering *gathering = flight->lane->keeping->gathering;
	if (!forget_some(gathering, flight, error))
		return false;
	if (text_is(flight->sender, SENDER_WINDOW))
		return close_window(worker, gathering, flight, enters, error);
	/* The pipeline's own requests are whole. */
	*enters = gathering->stage->config->entrance && text_is(flight->sender, part_of(gathering)->parents[0]);
	return *enters || part_take(worker, gathering, flight, enters, error);
}

/* ---- windows ---- */

/* The window of a meeting has closed: the stage sends itself word, under the name of the
 * first part. */
static enum produce_verdict send_word(struct worker *worker, const struct gathering *gathering, const struct meeting *meeting,
				      struct error *error)
{
	struct outbox *outbox = &worker->outbox;
	size_t next = 0;
	const struct kept *first = meeting_next_part(meeting, &next);
	const struct carried nothing = {0};
	struct crossing_head head;
	struct text bytes;
	arena_reset(gathering->scratch);
	if (!store_read(gathering->store, gathering->scope, key_of(first), &bytes) || !crossing_peek(bytes, &head, error))
		return PRODUCED; /* nothing is remembered of it, so there is nothing to close */
	const struct message message = {.arena = gathering->scratch, .id = head.id, .origin = head.origin, .carried = &nothing};
	const struct crossing crossing = {.from = TEXT(SENDER_WINDOW), .original = key_of(first)};
	buffer_clear(&outbox->encoded);
	if (!crossing_encode(&message, 0, &crossing, &outbox->encoded, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {
		.topic = gathering->stage->config->own,
		.origin = gathering->input,
		.beside_origin = true,
		.key = message.id,
		.value = buffer_view(&outbox->encoded),
	};
	return output_produce(outbox->output, &outgoing, error);
}

static bool may_send(const struct worker *worker)
{
	return !worker->spoilt && !worker->keepings.telling && output_is_open(worker->outbox.output);
}

static bool gathering_advance(struct worker *worker, struct gathering *gathering, struct error *error)
{
	struct meeting *meeting;
	meetings_tidy(gathering->meetings, loop_now_ms(worker->loop));
	while (may_send(worker) && (meeting = meetings_overdue(gathering->meetings, loop_now_ms(worker->loop)))) {
		enum produce_verdict verdict = send_word(worker, gathering, meeting, error);
		worker->spoilt = verdict == PRODUCE_SPOILT;
		if (verdict == PRODUCE_REFUSED)
			return false;
		if (verdict != PRODUCED)
			return true;
		meeting_acknowledge(meeting);
		if (!worker->dirty)
			release_begin_interval(worker);
	}
	return true;
}

bool gatherings_advance(struct worker *worker, struct error *error)
{
	for (struct keeping *keeping = worker->keepings.first; keeping; keeping = keeping->next)
		if (keeping->gathering && !gathering_advance(worker, keeping->gathering, error))
			return false;
	return true;
}

/* When nothing can be sent, whatever ends that wakes the worker. */
int64_t gatherings_due_ms(const struct worker *worker)
{
	int64_t due_ms = NEVER;
	for (const struct keeping *keeping = worker->keepings.first; keeping && may_send(worker); keeping = keeping->next) {
		int64_t its_ms = keeping->gathering ? meetings_due_ms(keeping->gathering->meetings) : NEVER;
		due_ms = its_ms < due_ms ? its_ms : due_ms;
	}
	return due_ms;
}

/* ---- brought back ---- */

struct recall {
	struct gathering *gathering;
	struct kept **items; /* all that is remembered */
	size_t count;
	bool failed;
};

static void note_kept(void *context, const struct change *change)
{
	struct recall *recall = context;
	bool ours = change->scope == recall->gathering->scope && change->value.bytes &&
		    (change->key.length == OFFSET_BYTES || change->key.length == OFFSET_BYTES + 1);
	if (!ours || recall->failed)
		return;
	struct kept **items = memory_resize(recall->items, recall->count + 1, sizeof(struct kept *));
	struct kept *kept = items ? kept_make(recall->gathering, change->key.bytes, change->key.length) : NULL;
	recall->items = items ? items : recall->items;
	recall->failed = !kept;
	if (kept)
		items[recall->count++] = kept;
}

/* By record; of one record the meeting that it concluded comes before what it brought. */
static int compare_kept(const void *a, const void *b)
{
	const struct kept *left = *(struct kept *const *)a, *right = *(struct kept *const *)b;
	int order = memcmp(left->key, right->key, OFFSET_BYTES);
	return order ? order : (left->key_length < right->key_length) - (left->key_length > right->key_length);
}

static bool recall_meeting(struct gathering *gathering, struct kept *kept, struct text value, int64_t now_ms, struct error *error)
{
	size_t sources = gathering->rule.inputs.count + gathering->rule.triggers.count;
	if (value.length < 1 + sources)
		return true; /* of another version of the pipeline */
	struct text name = {value.bytes + 1 + sources, value.length - 1 - sources};
	return meetings_recall(gathering->meetings, name, (const unsigned char *)value.bytes + 1, value.bytes[0] != 0, kept, now_ms,
			       error);
}

/* What cannot be read, or comes from nobody that is known, stays where it is. */
static bool recall_part(struct gathering *gathering, struct kept *kept, struct text value, int64_t now_ms, struct error *error)
{
	struct message message = {.arena = gathering->scratch};
	struct crossing crossing;
	struct meeting_part part;
	struct error ignored = {0};
	enum meeting_verdict verdict;
	struct meeting *meeting;
	arena_reset(gathering->scratch);
	if (!crossing_decode(&message, value, &crossing, &ignored) || !tell(gathering, crossing.from, &message, &part, &ignored))
		return true;
	part.part = kept;
	part.again = true;
	return meetings_take(gathering->meetings, &part, now_ms, &verdict, &meeting, error);
}

static bool recall_all(struct gathering *gathering, struct recall *recall, int64_t now_ms, struct error *error)
{
	struct store_walk walk = {0};
	while (store_show(gathering->store, &walk, 1000, note_kept, recall))
		;
	if (recall->failed)
		return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
	if (recall->count > 1)
		qsort(recall->items, recall->count, sizeof *recall->items, compare_kept);
	for (size_t i = 0; i < recall->count; i++) {
		struct kept *kept = recall->items[i];
		struct text value;
		if (i > 0 && text_equal(key_of(kept), key_of(recall->items[i - 1])))
			continue; /* a walk may show one twice */
		if (!store_read(gathering->store, gathering->scope, key_of(kept), &value))
			continue;
		bool good = kept->key_length > OFFSET_BYTES ? recall_meeting(gathering, kept, value, now_ms, error)
							    : recall_part(gathering, kept, value, now_ms, error);
		if (!good)
			return false;
	}
	return true;
}

static struct meeting_rule rule_of(const struct stage_config *config)
{
	if (config->entrance)
		return config->entrance->rule;
	return (struct meeting_rule){
		.inputs = {JOIN_INNER, config->graph->part->parent_count},
		.window_ms = config->graph->part->window_ms,
		.parties = config->graph->part->parent_count,
		.always = true,
	};
}

bool gathering_open(struct keeping *keeping, struct error *error)
{
	uint32_t scope;
	struct stage *stage = keeping->stage;
	if (!flow_joins_parts(stage->flow, &scope))
		return true;
	struct gathering *gathering = memory_take(1, sizeof *gathering);
	if (!gathering)
		return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
	keeping->gathering = gathering;
	*gathering = (struct gathering){
		.stage = stage, .store = keeping->store, .scope = scope, .input = keeping->input, .rule = rule_of(stage->config)};
	gathering->input.offset = 0;
	gathering->meetings = meetings_open(&gathering->rule);
	gathering->told = memory_take(gathering->rule.inputs.count + gathering->rule.triggers.count, 1);
	gathering->scratch = arena_open(stage->worker->config->limits.message_bytes);
	if (!gathering->meetings || !gathering->told || !gathering->scratch)
		return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
	struct recall recall = {.gathering = gathering};
	bool good = recall_all(gathering, &recall, loop_now_ms(stage->worker->loop), error);
	memory_give(recall.items);
	return good;
}

void gathering_close(struct gathering *gathering)
{
	if (!gathering)
		return;
	while (gathering->kept)
		kept_give(gathering, gathering->kept);
	meetings_close(gathering->meetings);
	memory_give(gathering->told);
	arena_close(gathering->scratch);
	memory_give(gathering);
}
