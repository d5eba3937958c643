/* meeting.c: see meeting.h. Meetings stand in a table by the hash of their names, and in
 * a list in the order in which they began; those whose window has closed come first. */
#include "flow/meeting.h"

#include <assert.h>

#include "base/hash.h"
#include "base/memory.h"

#define BUCKETS_AT_FIRST 256
#define NEVER INT64_MAX
#define LATE_LEAST_MS 10000 /* so long behind a window what comes is known as late: Kafka takes its time now and then */

enum meeting_stage {
	STAGE_OPEN,
	STAGE_GONE, /* it went on */
	STAGE_OVER  /* its window closed before it was enough */
};

struct meeting {
	struct meeting *chained; /* of the same bucket, the older first */
	struct meeting *older, *younger;
	uint64_t hash;
	struct text name;
	int64_t began_ms;      /* by this clock */
	int64_t began_time_ms; /* by records */
	int64_t deadline_ms;   /* of its parts the first; 0: none */
	size_t input_came, trigger_came, settled;
	enum meeting_stage stage;
	bool late;  /* that something came too late has been said */
	bool known; /* that its window has closed has been told */
	void *mark;
	void **parts;	     /* of each source */
	unsigned char *told; /* enum meeting_told, of each source */
	size_t kept_count, kept_room;
	void **kept;
	size_t holds; /* of the caller's: while there are any it is not ended */
};

struct meetings {
	const struct meeting_rule *rule;
	size_t sources;
	size_t count, bucket_count; /* a power of two */
	struct meeting **buckets;
	struct meeting *oldest, *youngest;
	struct meeting *first_open; /* the oldest of them */
	struct meeting *spent;	    /* nobody asks for it again; the caller still looks at it */
	void **marks;		    /* of those that are forgotten */
	size_t mark_count, mark_room;
	int64_t deadline_ms; /* no open meeting's comes before */
	int64_t *heard_ms; /* of each party: the latest record time; -1: none */
};

struct meetings *meetings_open(const struct meeting_rule *rule)
{
	struct meetings *meetings = memory_take(1, sizeof *meetings);
	if (!meetings)
		return NULL;
	meetings->rule = rule;
	meetings->deadline_ms = NEVER;
	meetings->sources = rule->inputs.count + rule->triggers.count;
	meetings->bucket_count = BUCKETS_AT_FIRST;
	meetings->buckets = memory_take(BUCKETS_AT_FIRST, sizeof(struct meeting *));
	meetings->heard_ms = memory_take(rule->parties + 1, sizeof(int64_t));
	if (!meetings->buckets || !meetings->heard_ms) {
		meetings_close(meetings);
		return NULL;
	}
	for (size_t i = 0; i < rule->parties; i++)
		meetings->heard_ms[i] = -1;
	return meetings;
}

static void meeting_free(struct meeting *meeting)
{
	memory_give(meeting->kept);
	memory_give(meeting);
}

void meetings_close(struct meetings *meetings)
{
	if (!meetings)
		return;
	while (meetings->oldest) {
		struct meeting *meeting = meetings->oldest;
		meetings->oldest = meeting->younger;
		meeting_free(meeting);
	}
	memory_give(meetings->buckets);
	memory_give(meetings->heard_ms);
	memory_give(meetings->marks);
	memory_give(meetings);
}

/* ---- the table ---- */

static struct meeting **bucket_of(const struct meetings *meetings, uint64_t hash)
{
	return &meetings->buckets[hash & (meetings->bucket_count - 1)];
}

static void chain_at_end(struct meeting **bucket, struct meeting *meeting)
{
	meeting->chained = NULL;
	while (*bucket)
		bucket = &(*bucket)->chained;
	*bucket = meeting;
}

static bool table_grow(struct meetings *meetings)
{
	if (meetings->count < meetings->bucket_count)
		return true;
	struct meeting **buckets = memory_take(meetings->bucket_count * 2, sizeof(struct meeting *));
	if (!buckets)
		return false;
	memory_give(meetings->buckets);
	meetings->buckets = buckets;
	meetings->bucket_count *= 2;
	for (struct meeting *meeting = meetings->oldest; meeting; meeting = meeting->younger)
		chain_at_end(bucket_of(meetings, meeting->hash), meeting);
	return true;
}

/* A mark that cannot be kept is not told: what stands for it elsewhere stays there. */
static void mark_keep(struct meetings *meetings, void *mark)
{
	if (meetings->mark_count == meetings->mark_room) {
		size_t room = meetings->mark_room ? meetings->mark_room * 2 : 16;
		void **marks = memory_resize(meetings->marks, room, sizeof *marks);
		if (!marks)
			return;
		meetings->marks = marks;
		meetings->mark_room = room;
	}
	meetings->marks[meetings->mark_count++] = mark;
}

static struct meeting *meeting_begin(struct meetings *meetings, const struct meeting_part *part, uint64_t hash, int64_t now_ms)
{
	size_t size = sizeof(struct meeting) + meetings->sources * (sizeof(void *) + 1) + part->name.length;
	struct meeting *meeting = table_grow(meetings) ? memory_take(1, size) : NULL;
	if (!meeting)
		return NULL;
	meeting->hash = hash;
	meeting->parts = (void **)(meeting + 1);
	meeting->told = (unsigned char *)(meeting->parts + meetings->sources);
	char *name = (char *)(meeting->told + meetings->sources);
	if (part->name.length)
		memcpy(name, part->name.bytes, part->name.length);
	meeting->name = (struct text){name, part->name.length};
	meeting->began_ms = now_ms;
	meeting->began_time_ms = part->time_ms;
	chain_at_end(bucket_of(meetings, hash), meeting);
	meeting->older = meetings->youngest;
	*(meeting->older ? &meeting->older->younger : &meetings->oldest) = meeting;
	meetings->youngest = meeting;
	if (!meetings->first_open)
		meetings->first_open = meeting;
	meetings->count++;
	return meeting;
}

static void meeting_end(struct meetings *meetings, struct meeting *meeting)
{
	struct meeting **link = bucket_of(meetings, meeting->hash);
	while (*link != meeting)
		link = &(*link)->chained;
	*link = meeting->chained;
	*(meeting->older ? &meeting->older->younger : &meetings->oldest) = meeting->younger;
	*(meeting->younger ? &meeting->younger->older : &meetings->youngest) = meeting->older;
	meetings->count--;
	if (meeting->mark)
		mark_keep(meetings, meeting->mark);
	meeting_free(meeting);
}

/* ---- what came, and whether it is enough ---- */

/* Whether the meeting still lacks all that came with the part. */
static bool lacks(const struct meetings *meetings, const struct meeting *meeting, const struct meeting_part *part)
{
	for (size_t i = 0; i < meetings->sources; i++)
		if (part->told[i] == TOLD_CAME && meeting->told[i] == TOLD_CAME)
			return false;
	return true;
}

/* Nobody asks for it any more. */
static bool is_spent(const struct meetings *meetings, const struct meeting *meeting)
{
	return meeting->stage == STAGE_GONE && meeting->settled == meetings->sources;
}

static struct meeting *meeting_of(const struct meetings *meetings, const struct meeting_part *part, uint64_t hash)
{
	struct meeting *meeting = *bucket_of(meetings, hash);
	while (meeting && (meeting->hash != hash || !text_equal(meeting->name, part->name) || is_spent(meetings, meeting) ||
			   !lacks(meetings, meeting, part)))
		meeting = meeting->chained;
	return meeting;
}

static void settle(const struct meetings *meetings, struct meeting *meeting, const struct meeting_part *part)
{
	for (size_t i = 0; i < meetings->sources; i++) {
		if (part->told[i] == TOLD_NOTHING || meeting->told[i] == TOLD_CAME)
			continue;
		meeting->settled += meeting->told[i] == TOLD_NOTHING;
		meeting->told[i] = part->told[i];
		if (part->told[i] == TOLD_DEAD)
			continue;
		meeting->parts[i] = part->part;
		*(i < meetings->rule->inputs.count ? &meeting->input_came : &meeting->trigger_came) += 1;
	}
}

static bool gate_opens(const struct meeting_gate *gate, size_t came, bool closed)
{
	if (gate->count == 0 || came == gate->count)
		return true;
	return came > 0 && (gate->type == JOIN_ANY || (gate->type == JOIN_OUTER && closed));
}

/* Without an input there is nothing to go on with. */
static bool meeting_opens(const struct meetings *meetings, const struct meeting *meeting, bool closed)
{
	const struct meeting_rule *rule = meetings->rule;
	closed |= meeting->settled == meetings->sources;
	if (meeting->input_came == 0)
		return false;
	return (closed && rule->always) || (gate_opens(&rule->inputs, meeting->input_came, closed) &&
					    gate_opens(&rule->triggers, meeting->trigger_came, closed));
}

bool meeting_is_enough(const struct meeting_rule *rule, const unsigned char *told)
{
	size_t inputs = 0, triggers = 0;
	for (size_t i = 0; i < rule->inputs.count + rule->triggers.count; i++)
		if (told[i] == TOLD_CAME)
			*(i < rule->inputs.count ? &inputs : &triggers) += 1;
	return inputs > 0 && gate_opens(&rule->inputs, inputs, true) && gate_opens(&rule->triggers, triggers, true);
}

/* The part comes too late; whether it would have been enough with it. */
static enum meeting_verdict come_late(const struct meetings *meetings, struct meeting *meeting, const struct meeting_part *part)
{
	size_t inputs = meeting->input_came, triggers = meeting->trigger_came;
	for (size_t i = 0; i < meetings->sources; i++)
		if (part->told[i] == TOLD_CAME && meeting->told[i] != TOLD_CAME)
			*(i < meetings->rule->inputs.count ? &inputs : &triggers) += 1;
	if (meeting->late || inputs == 0 || !gate_opens(&meetings->rule->inputs, inputs, false) ||
	    !gate_opens(&meetings->rule->triggers, triggers, false))
		return MEETING_IGNORES;
	meeting->late = true;
	return MEETING_LATE;
}

static void note_deadline(struct meetings *meetings, struct meeting *meeting, int64_t deadline_ms)
{
	if (deadline_ms > 0 && (meeting->deadline_ms == 0 || deadline_ms < meeting->deadline_ms))
		meeting->deadline_ms = deadline_ms;
	if (deadline_ms > 0 && deadline_ms < meetings->deadline_ms)
		meetings->deadline_ms = deadline_ms;
}

static bool keep(struct meeting *meeting, void *part)
{
	if (meeting->kept_count == meeting->kept_room) {
		size_t room = meeting->kept_room ? meeting->kept_room * 2 : 4;
		void **kept = memory_resize(meeting->kept, room, sizeof *kept);
		if (!kept)
			return false;
		meeting->kept = kept;
		meeting->kept_room = room;
	}
	meeting->kept[meeting->kept_count++] = part;
	return true;
}

static bool brings_anything(const struct meetings *meetings, const struct meeting_part *part)
{
	bool outer = meetings->rule->inputs.type == JOIN_OUTER || meetings->rule->triggers.type == JOIN_OUTER;
	for (size_t i = 0; i < meetings->sources; i++)
		if (part->told[i] == TOLD_CAME || (part->told[i] == TOLD_DEAD && outer))
			return true;
	return false; /* that something is dead shortens an outer join's wait alone */
}

/* ---- windows ---- */

/* How far the records have come: every party has been heard of past it. */
static int64_t heard_ms(const struct meetings *meetings)
{
	int64_t least_ms = meetings->rule->parties > 0 ? NEVER : -1;
	for (size_t i = 0; i < meetings->rule->parties; i++)
		if (meetings->heard_ms[i] < least_ms)
			least_ms = meetings->heard_ms[i];
	return least_ms;
}

static bool is_past(const struct meetings *meetings, const struct meeting *meeting, int64_t now_ms)
{
	int64_t window_ms = meetings->rule->window_ms;
	if (now_ms - meeting->began_ms >= window_ms)
		return true;
	return meeting->began_time_ms >= 0 && heard_ms(meetings) - meeting->began_time_ms >= window_ms;
}

/* By their records' time they are too far apart, whichever came first. */
static bool is_too_far(const struct meetings *meetings, const struct meeting *meeting, const struct meeting_part *part)
{
	int64_t apart_ms = part->time_ms - meeting->began_time_ms;
	if (part->time_ms < 0 || meeting->began_time_ms < 0 || (meetings->rule->patient && apart_ms > 0))
		return false;
	return apart_ms > meetings->rule->window_ms || apart_ms < -meetings->rule->window_ms;
}

/* How long after its first part a meeting is known. */
static int64_t remembered_ms(const struct meetings *meetings)
{
	int64_t window_ms = meetings->rule->window_ms;
	return window_ms + (window_ms > LATE_LEAST_MS ? window_ms : LATE_LEAST_MS);
}

/* What is not open any more only waits to be forgotten. */
static void forget(struct meetings *meetings, int64_t now_ms)
{
	while (meetings->oldest && meetings->oldest->stage != STAGE_OPEN && meetings->oldest->holds == 0 &&
	       now_ms - meetings->oldest->began_ms >= remembered_ms(meetings))
		meeting_end(meetings, meetings->oldest);
}

/* It is not open any more. One of which all has come is asked for by nobody. */
static void meeting_leave(struct meetings *meetings, struct meeting *meeting, enum meeting_stage stage)
{
	meeting->stage = stage;
	if (is_spent(meetings, meeting))
		meetings->spent = meeting;
	while (meetings->first_open && meetings->first_open->stage != STAGE_OPEN)
		meetings->first_open = meetings->first_open->younger;
}

static void end_spent(struct meetings *meetings)
{
	struct meeting *spent = meetings->spent;
	meetings->spent = NULL;
	if (spent && spent->holds == 0)
		meeting_end(meetings, spent);
}

struct meeting *meetings_expire(struct meetings *meetings, int64_t now_ms, bool *opens)
{
	end_spent(meetings);
	forget(meetings, now_ms);
	struct meeting *meeting = meetings->first_open;
	if (!meeting || !is_past(meetings, meeting, now_ms))
		return NULL;
	*opens = meeting_opens(meetings, meeting, true);
	meeting_leave(meetings, meeting, *opens ? STAGE_GONE : STAGE_OVER);
	return meeting;
}

int64_t meetings_due_ms(const struct meetings *meetings)
{
	const struct meeting *open = meetings->first_open;
	while (open && (open->stage != STAGE_OPEN || open->known))
		open = open->younger;
	int64_t due_ms = open ? open->began_ms + meetings->rule->window_ms : NEVER;
	const struct meeting *oldest = meetings->oldest;
	if (oldest && oldest == meetings->spent)
		oldest = oldest->younger;
	if (oldest && oldest->stage != STAGE_OPEN && oldest->holds == 0 && oldest->began_ms + remembered_ms(meetings) < due_ms)
		due_ms = oldest->began_ms + remembered_ms(meetings);
	return due_ms;
}

/* ---- a part comes ---- */

bool meetings_take(struct meetings *meetings, const struct meeting_part *part, int64_t now_ms, enum meeting_verdict *verdict,
		   struct meeting **meeting, struct error *error)
{
	uint64_t hash = hash_bytes(part->name.bytes, part->name.length, 0);
	end_spent(meetings);
	*verdict = MEETING_IGNORES;
	*meeting = NULL;
	assert(part->party < meetings->rule->parties);
	if (part->time_ms > meetings->heard_ms[part->party])
		meetings->heard_ms[part->party] = part->time_ms;
	if (!brings_anything(meetings, part))
		return true;
	struct meeting *found = meeting_of(meetings, part, hash);
	if (!found && !(found = meeting_begin(meetings, part, hash, now_ms)))
		return error_memory(error, ERROR_SYSTEM, "joining what came of a request");
	if (found->stage == STAGE_OPEN && is_too_far(meetings, found, part)) {
		*verdict = come_late(meetings, found, part);
		return true;
	}
	if (found->stage == STAGE_OVER)
		*verdict = come_late(meetings, found, part);
	*meeting = found;
	settle(meetings, found, part);
	if (found->stage == STAGE_OPEN) {
		if (!keep(found, part->part))
			return error_memory(error, ERROR_SYSTEM, "joining what came of a request");
		note_deadline(meetings, found, part->deadline_ms);
		bool opens = !part->again && meeting_opens(meetings, found, false);
		*verdict = opens ? MEETING_OPENS : MEETING_WAITS;
		if (opens)
			meeting_leave(meetings, found, STAGE_GONE);
	} else if (is_spent(meetings, found)) {
		meetings->spent = found;
	}
	return true;
}

/* ---- windows that are closed by another's word ---- */

struct meeting *meetings_overdue(struct meetings *meetings, int64_t now_ms)
{
	struct meeting *meeting = meetings->first_open;
	while (meeting && (meeting->stage != STAGE_OPEN || meeting->known))
		meeting = meeting->younger;
	return meeting && is_past(meetings, meeting, now_ms) ? meeting : NULL;
}

int64_t meeting_due_ms(const struct meetings *meetings, const struct meeting *meeting)
{
	return meeting->began_ms + meetings->rule->window_ms;
}

bool meeting_would_open(const struct meetings *meetings, const struct meeting *meeting)
{
	return meeting_opens(meetings, meeting, true);
}

/* They stand in the order of their windows, not of their deadlines. */
struct meeting *meetings_past_deadline(struct meetings *meetings, int64_t now_ms)
{
	struct meeting *meeting = now_ms < meetings->deadline_ms ? NULL : meetings->first_open;
	int64_t next_ms = NEVER;
	for (; meeting; meeting = meeting->younger) {
		if (meeting->stage != STAGE_OPEN || meeting->known || meeting->deadline_ms == 0)
			continue;
		int64_t due_ms = meeting_due_ms(meetings, meeting);
		due_ms = due_ms > meeting->deadline_ms ? due_ms : meeting->deadline_ms;
		if (due_ms <= now_ms)
			return meeting;
		next_ms = due_ms < next_ms ? due_ms : next_ms;
	}
	if (now_ms >= meetings->deadline_ms)
		meetings->deadline_ms = next_ms;
	return NULL;
}

void meeting_acknowledge(struct meeting *meeting)
{
	meeting->known = true;
}

struct meeting *meetings_next_open(const struct meetings *meetings, struct text name, const struct meeting *previous)
{
	struct meeting *meeting = previous ? previous->chained : *bucket_of(meetings, hash_bytes(name.bytes, name.length, 0));
	while (meeting && (meeting->stage != STAGE_OPEN || !text_equal(meeting->name, name)))
		meeting = meeting->chained;
	return meeting;
}

bool meetings_conclude(struct meetings *meetings, struct meeting *meeting)
{
	assert(meeting->stage == STAGE_OPEN);
	bool opens = meeting_opens(meetings, meeting, true);
	end_spent(meetings);
	meeting_leave(meetings, meeting, opens ? STAGE_GONE : STAGE_OVER);
	return opens;
}

void meeting_mark(struct meeting *meeting, void *mark)
{
	meeting->mark = mark;
}

void meetings_tidy(struct meetings *meetings, int64_t now_ms)
{
	end_spent(meetings);
	forget(meetings, now_ms);
}

void *meetings_forgotten(struct meetings *meetings)
{
	end_spent(meetings);
	return meetings->mark_count > 0 ? meetings->marks[--meetings->mark_count] : NULL;
}

struct meeting *meetings_recall(struct meetings *meetings, struct text name, const unsigned char *told, bool went_on, void *mark,
				int64_t now_ms, struct error *error)
{
	end_spent(meetings);
	const struct meeting_part part = {.name = name, .told = told, .time_ms = -1};
	struct meeting *meeting = meeting_begin(meetings, &part, hash_bytes(name.bytes, name.length, 0), now_ms);
	if (!meeting) {
		error_memory(error, ERROR_SYSTEM, "joining what came of a request");
		return NULL;
	}
	settle(meetings, meeting, &part);
	meeting->mark = mark;
	meeting_leave(meetings, meeting, went_on ? STAGE_GONE : STAGE_OVER);
	return meeting;
}

void meeting_hold(struct meeting *meeting)
{
	meeting->holds++;
}

void meetings_let_go(struct meetings *meetings, struct meeting *meeting)
{
	assert(meeting->holds > 0 && meeting->stage != STAGE_OPEN);
	end_spent(meetings);
	meeting->holds--;
	if (meeting->holds == 0 && is_spent(meetings, meeting))
		meeting_end(meetings, meeting);
}

bool meeting_is_settled(const struct meetings *meetings, const struct meeting *meeting)
{
	return meeting->settled == meetings->sources;
}

bool meeting_went_on(const struct meeting *meeting)
{
	return meeting->stage == STAGE_GONE;
}

struct text meeting_name(const struct meeting *meeting)
{
	return meeting->name;
}

const unsigned char *meeting_told(const struct meeting *meeting)
{
	return meeting->told;
}

void *meeting_part_of(const struct meeting *meeting, size_t source)
{
	return meeting->parts[source];
}

void *meeting_next_part(const struct meeting *meeting, size_t *next)
{
	return *next < meeting->kept_count ? meeting->kept[(*next)++] : NULL;
}
