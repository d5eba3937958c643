/* gathering.c: see gathering.h. */
#include "worker/gathering.h"

#include "base/memory.h"
#include "message/carried.h"
#include "message/crossing.h"
#include "worker/joining.h"
#include "worker/keepsakes.h"

#define SENDER_WINDOW "+window" /* no stage and no pipeline is called so */
#define FORGET_AT_ONCE 16	/* what one message takes out that is remembered in vain */
#define NEVER INT64_MAX

struct gathering {
	struct stage *stage;
	struct position input;
	struct meeting_rule rule;
	struct meetings *meetings;
	struct keepsakes keepsakes; /* their parts, and the marks of those that are over */
	unsigned char *told;	    /* scratch: of each source */
	struct arena *scratch;	    /* for records that are looked into */
};

/* What nobody asks for any more leaves with whatever message comes by. */
static bool forget_some(struct gathering *gathering, struct flight *flight, struct error *error)
{
	struct keepsake *mark;
	for (int i = 0; i < FORGET_AT_ONCE && (mark = meetings_forgotten(gathering->meetings)); i++)
		if (!keepsake_forget(&gathering->keepsakes, mark, &flight->message, error))
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

static bool tell(struct gathering *gathering, struct keepsake *own, struct text sender, const struct message *message,
		 struct meeting_part *part, struct error *error)
{
	const struct entrance *entrance = gathering->stage->config->entrance;
	*part = (struct meeting_part){.name = name_of(gathering, message),
				      .told = gathering->told,
				      .time_ms = entrance ? message->time_ms : -1,
				      .part = own};
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
	if (meeting_is_settled(gathering->meetings, meeting))
		return true;
	struct text bytes = meeting_bytes(gathering, meeting, flight->message.arena);
	struct keepsake *mark =
		bytes.bytes ? keepsake_make(&gathering->keepsakes, KEEPSAKE_MEETING, flight->record.offset) : NULL;
	if (!mark)
		return error_memory(error, ERROR_LIMIT, "remembering what has come of a request");
	meeting_mark(meeting, mark);
	return keepsake_write(&gathering->keepsakes, mark, &flight->message, bytes, error);
}

/* Its parts wait no more; what is not remembered yet is given back with them. */
static bool forget_parts(struct gathering *gathering, struct flight *flight, const struct meeting *meeting,
			 const struct keepsake *own, struct error *error)
{
	bool good = true;
	size_t next = 0;
	for (struct keepsake *part; (part = meeting_next_part(meeting, &next));) {
		if (part == own)
			keepsake_give(&gathering->keepsakes, part);
		else
			good = keepsake_forget(&gathering->keepsakes, part, &flight->message, error) && good;
	}
	return good;
}

/* The flight goes on as the whole of its request. Whatever fails on the way, the parts
 * are done with: the error is what comes of them. */
static bool go_on(struct gathering *gathering, struct flight *flight, struct meeting *meeting, const struct keepsake *own,
		  struct error *error)
{
	const struct joining joining = {gathering->stage, &gathering->keepsakes, meeting, own, flight};
	bool joined = parts_join(&joining, error);
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
		const struct keepsake *first = meeting_next_part(meeting, &next);
		if (first && text_equal(keepsake_key(first), key))
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
	struct keepsakes *keepsakes = &gathering->keepsakes;
	struct keepsake *own = keepsake_make(keepsakes, KEEPSAKE_PART, flight->record.offset);
	struct text bytes = flight->record.value, known;
	if (!own)
		return error_memory(error, ERROR_SYSTEM, "keeping a part of a request");
	if (keepsake_read(keepsakes, own, &known)) {
		keepsake_give(keepsakes, own);
		pass(worker, flight); /* at least once: it was taken before */
		return true;
	}
	if (!tell(gathering, own, flight->sender, &flight->message, &part, error) ||
	    !keepsake_fits(keepsakes, own, bytes.length, error) ||
	    !meetings_take(gathering->meetings, &part, loop_now_ms(worker->loop), &verdict, &meeting, error)) {
		keepsake_give(keepsakes, own);
		return false;
	}
	*enters = verdict == MEETING_OPENS;
	if (verdict == MEETING_OPENS)
		return go_on(gathering, flight, meeting, own, error);
	if (verdict == MEETING_WAITS) {
		if (!keepsake_write(keepsakes, own, &flight->message, bytes, error))
			return false;
	} else {
		keepsake_give(keepsakes, own);
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
	const struct keepsake *first = meeting_next_part(meeting, &next);
	const struct carried nothing = {0};
	struct crossing_head head;
	struct text bytes;
	arena_reset(gathering->scratch);
	if (!keepsake_read(&gathering->keepsakes, first, &bytes) || !crossing_peek(bytes, &head, error))
		return PRODUCED; /* nothing is remembered of it, so there is nothing to close */
	const struct message message = {.arena = gathering->scratch, .id = head.id, .origin = head.origin, .carried = &nothing};
	const struct crossing crossing = {.from = TEXT(SENDER_WINDOW), .original = keepsake_key(first)};
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

static bool recall_meeting(struct gathering *gathering, struct keepsake *mark, struct text bytes, int64_t now_ms,
			   struct error *error)
{
	size_t sources = gathering->rule.inputs.count + gathering->rule.triggers.count;
	if (bytes.length < 1 + sources)
		return true; /* of another version of the pipeline */
	struct text name = {bytes.bytes + 1 + sources, bytes.length - 1 - sources};
	return meetings_recall(gathering->meetings, name, (const unsigned char *)bytes.bytes + 1, bytes.bytes[0] != 0, mark, now_ms,
			       error);
}

/* What cannot be read, or comes from nobody that is known, stays where it is. */
static bool recall_part(struct gathering *gathering, struct keepsake *own, struct text bytes, int64_t now_ms, struct error *error)
{
	struct message message = {.arena = gathering->scratch};
	struct crossing crossing;
	struct meeting_part part;
	struct error ignored = {0};
	enum meeting_verdict verdict;
	struct meeting *meeting;
	arena_reset(gathering->scratch);
	if (!crossing_decode(&message, bytes, &crossing, &ignored) ||
	    !tell(gathering, own, crossing.from, &message, &part, &ignored))
		return true;
	part.again = true;
	return meetings_take(gathering->meetings, &part, now_ms, &verdict, &meeting, error);
}

static bool recall(void *context, struct keepsake *keepsake, enum keepsake_kind kind, struct text bytes, struct error *error)
{
	struct gathering *gathering = context;
	int64_t now_ms = loop_now_ms(gathering->stage->worker->loop);
	return (kind == KEEPSAKE_MEETING ? recall_meeting : recall_part)(gathering, keepsake, bytes, now_ms, error);
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
	*gathering = (struct gathering){.stage = stage,
					.input = keeping->input,
					.rule = rule_of(stage->config),
					.keepsakes = {.store = keeping->store, .scope = scope}};
	gathering->input.offset = 0;
	gathering->meetings = meetings_open(&gathering->rule);
	gathering->told = memory_take(gathering->rule.inputs.count + gathering->rule.triggers.count, 1);
	gathering->scratch = arena_open(stage->worker->config->limits.message_bytes);
	if (!gathering->meetings || !gathering->told || !gathering->scratch)
		return error_memory(error, ERROR_SYSTEM, "bringing back parts of requests");
	return keepsakes_recall(&gathering->keepsakes, recall, gathering, error);
}

void gathering_close(struct gathering *gathering)
{
	if (!gathering)
		return;
	keepsakes_close(&gathering->keepsakes);
	meetings_close(gathering->meetings);
	memory_give(gathering->told);
	arena_close(gathering->scratch);
	memory_give(gathering);
}
