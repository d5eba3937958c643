/* join_matcher.c: see join_matcher.h. Joins are in a hash table by name, and in a list in the order in which they
 * began; those whose window has closed come first. */
#include "flow/join_matcher.h"

#include "base/hash.h"
#include "base/memory.h"

#define BUCKETS_AT_FIRST 256
#define NEVER INT64_MAX
#define LATE_LEAST_MS 10000 /* least time after a window in which late parts are recognised: Kafka is slow now and then */
#define MARKS_AT_FIRST 16
#define PARTS_AT_FIRST 4

enum pending_join_stage {
	STAGE_OPEN,
	STAGE_GONE, /* it was completed */
	STAGE_OVER  /* its window closed before it had enough parts */
};

struct pending_join {
	struct pending_join *chained; /* in the same bucket, oldest first */
	struct pending_join *older, *younger;
	uint64_t hash;
	struct text name;
	int64_t began_ms;      /* by this clock */
	int64_t began_time_ms; /* by records */
	int64_t deadline_ms;   /* earliest deadline of its parts; 0: none */
	size_t input_came, trigger_came, settled;
	enum pending_join_stage stage;
	bool late;  /* a late part was reported */
	bool known; /* the close of its window was reported */
	void *mark;
	void **parts;	     /* of each source */
	unsigned char *states; /* enum source_state, of each source */
	size_t kept_count, kept_room;
	void **kept;
	size_t holds; /* held by the caller: while above 0 it is not ended */
};

struct matcher {
	const struct join_rule *rule;
	size_t sources;
	size_t count, bucket_count; /* a power of two */
	struct pending_join **buckets;
	struct pending_join *oldest, *youngest;
	struct pending_join *first_open; /* the oldest of them */
	struct pending_join *spent;	 /* no more parts can come; the caller still reads it */
	void **marks;			 /* of removed joins */
	size_t mark_count, mark_room;
	int64_t deadline_ms; /* a lower bound of the deadlines of open joins */
	int64_t *heard_ms;   /* of each party: the latest record time; -1: none */
};

struct matcher *join_matcher_open(const struct join_rule *rule)
{
	struct matcher *matcher = memory_take(1, sizeof *matcher);
	if (!matcher)
		return NULL;
	matcher->rule = rule;
	matcher->deadline_ms = NEVER;
	matcher->sources = rule->inputs.count + rule->triggers.count;
	matcher->bucket_count = BUCKETS_AT_FIRST;
	matcher->buckets = memory_take(BUCKETS_AT_FIRST, sizeof(struct pending_join *));
	matcher->heard_ms = memory_take(rule->parties + 1, sizeof(int64_t));
	if (!matcher->buckets || !matcher->heard_ms) {
		join_matcher_close(matcher);
		return NULL;
	}
	for (size_t i = 0; i < rule->parties; i++)
		matcher->heard_ms[i] = -1;
	return matcher;
}

static void pending_join_free(struct pending_join *pending_join)
{
	memory_give(pending_join->kept);
	memory_give(pending_join);
}

void join_matcher_close(struct matcher *matcher)
{
	if (!matcher)
		return;
	while (matcher->oldest) {
		struct pending_join *pending_join = matcher->oldest;
		matcher->oldest = pending_join->younger;
		pending_join_free(pending_join);
	}
	memory_give(matcher->buckets);
	memory_give(matcher->heard_ms);
	memory_give(matcher->marks);
	memory_give(matcher);
}

/* ---- the table ---- */

static struct pending_join **bucket_of(const struct matcher *matcher, uint64_t hash)
{
	return &matcher->buckets[hash & (matcher->bucket_count - 1)];
}

static void chain_at_end(struct pending_join **bucket, struct pending_join *pending_join)
{
	pending_join->chained = NULL;
	while (*bucket)
		bucket = &(*bucket)->chained;
	*bucket = pending_join;
}

static bool table_grow(struct matcher *matcher)
{
	if (matcher->count < matcher->bucket_count)
		return true;
	struct pending_join **buckets = memory_take(matcher->bucket_count * 2, sizeof(struct pending_join *));
	if (!buckets)
		return false;
	memory_give(matcher->buckets);
	matcher->buckets = buckets;
	matcher->bucket_count *= 2;
	for (struct pending_join *pending_join = matcher->oldest; pending_join; pending_join = pending_join->younger)
		chain_at_end(bucket_of(matcher, pending_join->hash), pending_join);
	return true;
}

/* Keeps the mark of a removed join. If memory runs out, the mark is not returned, and what it stands for elsewhere
 * stays. */
static void mark_keep(struct matcher *matcher, void *mark)
{
	void **marks = memory_grow(matcher->marks, matcher->mark_count, &matcher->mark_room, MARKS_AT_FIRST, sizeof *marks);
	if (!marks)
		return;
	matcher->marks = marks;
	marks[matcher->mark_count++] = mark;
}

static struct pending_join *pending_join_begin(struct matcher *matcher, const struct join_part *part, uint64_t hash, int64_t now_ms)
{
	size_t size = sizeof(struct pending_join) + matcher->sources * (sizeof(void *) + 1) + part->name.length;
	struct pending_join *pending_join = table_grow(matcher) ? memory_take(1, size) : NULL;
	if (!pending_join)
		return NULL;
	pending_join->hash = hash;
	pending_join->parts = (void **)(pending_join + 1);
	pending_join->states = (unsigned char *)(pending_join->parts + matcher->sources);
	char *name = (char *)(pending_join->states + matcher->sources);
	if (part->name.length)
		memcpy(name, part->name.bytes, part->name.length);
	pending_join->name = (struct text){name, part->name.length};
	pending_join->began_ms = now_ms;
	pending_join->began_time_ms = part->time_ms;
	chain_at_end(bucket_of(matcher, hash), pending_join);
	pending_join->older = matcher->youngest;
	*(pending_join->older ? &pending_join->older->younger : &matcher->oldest) = pending_join;
	matcher->youngest = pending_join;
	if (!matcher->first_open)
		matcher->first_open = pending_join;
	matcher->count++;
	return pending_join;
}

static void pending_join_end(struct matcher *matcher, struct pending_join *pending_join)
{
	struct pending_join **link = bucket_of(matcher, pending_join->hash);
	while (*link != pending_join)
		link = &(*link)->chained;
	*link = pending_join->chained;
	*(pending_join->older ? &pending_join->older->younger : &matcher->oldest) = pending_join->younger;
	*(pending_join->younger ? &pending_join->younger->older : &matcher->youngest) = pending_join->older;
	matcher->count--;
	if (pending_join->mark)
		mark_keep(matcher, pending_join->mark);
	pending_join_free(pending_join);
}

/* ---- parts, and whether they are enough ---- */

/* Whether the join still lacks all sources of the part. */
static bool lacks(const struct matcher *matcher, const struct pending_join *pending_join, const struct join_part *part)
{
	for (size_t i = 0; i < matcher->sources; i++)
		if (part->states[i] == SOURCE_CAME && pending_join->states[i] == SOURCE_CAME)
			return false;
	return true;
}

/* Whether no more parts of the join can come. */
static bool is_spent(const struct matcher *matcher, const struct pending_join *pending_join)
{
	return pending_join->stage == STAGE_GONE && pending_join->settled == matcher->sources;
}

static struct pending_join *pending_join_of(const struct matcher *matcher, const struct join_part *part, uint64_t hash)
{
	struct pending_join *pending_join = *bucket_of(matcher, hash);
	while (pending_join && (pending_join->hash != hash || !text_equal(pending_join->name, part->name) ||
				is_spent(matcher, pending_join) || !lacks(matcher, pending_join, part)))
		pending_join = pending_join->chained;
	return pending_join;
}

static void join_matcher_settle(const struct matcher *matcher, struct pending_join *pending_join, const struct join_part *part)
{
	for (size_t i = 0; i < matcher->sources; i++) {
		if (part->states[i] == SOURCE_UNKNOWN || pending_join->states[i] == SOURCE_CAME)
			continue;
		pending_join->settled += pending_join->states[i] == SOURCE_UNKNOWN;
		pending_join->states[i] = part->states[i];
		if (part->states[i] == SOURCE_DEAD)
			continue;
		pending_join->parts[i] = part->part;
		*(i < matcher->rule->inputs.count ? &pending_join->input_came : &pending_join->trigger_came) += 1;
	}
}

static bool gate_opens(const struct join_gate *gate, size_t came, bool closed)
{
	if (gate->count == 0 || came == gate->count)
		return true;
	return came > 0 && (gate->type == JOIN_ANY || (gate->type == JOIN_OUTER && closed));
}

/* Whether so many sources are enough; one input is needed at least. */
static bool rule_opens(const struct join_rule *rule, size_t inputs, size_t triggers, bool closed)
{
	return inputs > 0 && gate_opens(&rule->inputs, inputs, closed) && gate_opens(&rule->triggers, triggers, closed);
}

static bool pending_join_opens(const struct matcher *matcher, const struct pending_join *pending_join, bool closed)
{
	closed |= pending_join->settled == matcher->sources;
	return (closed && matcher->rule->always && pending_join->input_came > 0) ||
	       rule_opens(matcher->rule, pending_join->input_came, pending_join->trigger_came, closed);
}

bool pending_join_is_enough(const struct join_rule *rule, const unsigned char *states)
{
	size_t inputs = 0, triggers = 0;
	for (size_t i = 0; i < rule->inputs.count + rule->triggers.count; i++)
		if (states[i] == SOURCE_CAME)
			*(i < rule->inputs.count ? &inputs : &triggers) += 1;
	return rule_opens(rule, inputs, triggers, true);
}

/* What has come of a join. */
struct sources_came {
	size_t inputs, triggers, settled;
};

/* What will have come of it with the part. */
static struct sources_came sources_came_with(const struct matcher *matcher, const struct pending_join *pending_join,
					     const struct join_part *part)
{
	struct sources_came with = {0};
	for (size_t i = 0; i < matcher->sources; i++) {
		const bool came = part->states[i] == SOURCE_CAME || pending_join->states[i] == SOURCE_CAME;
		*(i < matcher->rule->inputs.count ? &with.inputs : &with.triggers) += came;
		with.settled += part->states[i] != SOURCE_UNKNOWN || pending_join->states[i] != SOURCE_UNKNOWN;
	}
	return with;
}

/* Handles a late part; the verdict states whether it would have completed the join. */
static enum join_verdict come_late(const struct matcher *matcher, struct pending_join *pending_join, const struct join_part *part)
{
	const struct sources_came with = sources_came_with(matcher, pending_join, part);
	if (pending_join->late || !rule_opens(matcher->rule, with.inputs, with.triggers, false))
		return JOIN_IGNORES;
	pending_join->late = true;
	return JOIN_LATE;
}

static void note_deadline(struct matcher *matcher, struct pending_join *pending_join, int64_t deadline_ms)
{
	if (deadline_ms > 0 && (pending_join->deadline_ms == 0 || deadline_ms < pending_join->deadline_ms))
		pending_join->deadline_ms = deadline_ms;
	if (deadline_ms > 0 && deadline_ms < matcher->deadline_ms)
		matcher->deadline_ms = deadline_ms;
}

static bool join_matcher_keep(struct pending_join *pending_join, void *part)
{
	void **kept =
		memory_grow(pending_join->kept, pending_join->kept_count, &pending_join->kept_room, PARTS_AT_FIRST, sizeof *kept);
	if (!kept)
		return false;
	pending_join->kept = kept;
	kept[pending_join->kept_count++] = part;
	return true;
}

static bool brings_anything(const struct matcher *matcher, const struct join_part *part)
{
	bool outer = matcher->rule->inputs.type == JOIN_OUTER || matcher->rule->triggers.type == JOIN_OUTER;
	for (size_t i = 0; i < matcher->sources; i++)
		if (part->states[i] == SOURCE_CAME || (part->states[i] == SOURCE_DEAD && outer))
			return true;
	return false; /* a dead source shortens only the wait of an outer join */
}

/* ---- windows ---- */

/* The time that the records of all parties have reached. */
static int64_t heard_ms(const struct matcher *matcher)
{
	int64_t least_ms = matcher->rule->parties > 0 ? NEVER : -1;
	for (size_t i = 0; i < matcher->rule->parties; i++)
		if (matcher->heard_ms[i] < least_ms)
			least_ms = matcher->heard_ms[i];
	return least_ms;
}

static bool is_past(const struct matcher *matcher, const struct pending_join *pending_join, int64_t now_ms)
{
	int64_t window_ms = matcher->rule->window_ms;
	if (now_ms - pending_join->began_ms >= window_ms)
		return true;
	return pending_join->began_time_ms >= 0 && heard_ms(matcher) - pending_join->began_time_ms >= window_ms;
}

/* Whether the record times of the parts are too far apart, whichever came first. */
static bool is_too_far(const struct matcher *matcher, const struct pending_join *pending_join, const struct join_part *part)
{
	int64_t apart_ms = part->time_ms - pending_join->began_time_ms;
	if (part->time_ms < 0 || pending_join->began_time_ms < 0 || (matcher->rule->patient && apart_ms > 0))
		return false;
	return apart_ms > matcher->rule->window_ms || apart_ms < -matcher->rule->window_ms;
}

/* Time after its first part for which a join is kept. */
static int64_t remembered_ms(const struct matcher *matcher)
{
	int64_t window_ms = matcher->rule->window_ms;
	return window_ms + (window_ms > LATE_LEAST_MS ? window_ms : LATE_LEAST_MS);
}

/* Removes joins that are no longer open and whose time has passed. */
static void join_matcher_forget(struct matcher *matcher, int64_t now_ms)
{
	while (matcher->oldest && matcher->oldest->stage != STAGE_OPEN && matcher->oldest->holds == 0 &&
	       now_ms - matcher->oldest->began_ms >= remembered_ms(matcher))
		pending_join_end(matcher, matcher->oldest);
}

/* Ends the open state of a join. A join with all of its parts is not needed any more. */
static void pending_join_leave(struct matcher *matcher, struct pending_join *pending_join, enum pending_join_stage stage)
{
	pending_join->stage = stage;
	if (is_spent(matcher, pending_join))
		matcher->spent = pending_join;
	while (matcher->first_open && matcher->first_open->stage != STAGE_OPEN)
		matcher->first_open = matcher->first_open->younger;
}

static void end_spent(struct matcher *matcher)
{
	struct pending_join *spent = matcher->spent;
	matcher->spent = NULL;
	if (spent && spent->holds == 0)
		pending_join_end(matcher, spent);
}

int64_t join_matcher_due_ms(const struct matcher *matcher)
{
	const struct pending_join *open = matcher->first_open;
	while (open && (open->stage != STAGE_OPEN || open->known))
		open = open->younger;
	int64_t due_ms = open ? open->began_ms + matcher->rule->window_ms : NEVER;
	const struct pending_join *oldest = matcher->oldest;
	if (oldest && oldest == matcher->spent)
		oldest = oldest->younger;
	if (oldest && oldest->stage != STAGE_OPEN && oldest->holds == 0 && oldest->began_ms + remembered_ms(matcher) < due_ms)
		due_ms = oldest->began_ms + remembered_ms(matcher);
	return due_ms;
}

/* ---- arrival of a part ---- */

bool join_matcher_needs_room(const struct matcher *matcher, const struct join_part *part)
{
	assert(!part->again);
	if (!brings_anything(matcher, part))
		return false;
	const struct pending_join *found = pending_join_of(matcher, part, hash_bytes(part->name.bytes, part->name.length, 0));
	if (!found)
		return true;
	if (found->stage != STAGE_OPEN || is_too_far(matcher, found, part))
		return false;
	const struct sources_came with = sources_came_with(matcher, found, part);
	const bool closed = with.settled == matcher->sources;
	return !(closed && matcher->rule->always && with.inputs > 0) &&
	       !rule_opens(matcher->rule, with.inputs, with.triggers, closed);
}

bool join_matcher_take(struct matcher *matcher, const struct join_part *part, int64_t now_ms, enum join_verdict *verdict,
		       struct pending_join **pending_join, struct error *error)
{
	uint64_t hash = hash_bytes(part->name.bytes, part->name.length, 0);
	end_spent(matcher);
	*verdict = JOIN_IGNORES;
	*pending_join = NULL;
	assert(part->party < matcher->rule->parties);
	if (part->time_ms > matcher->heard_ms[part->party])
		matcher->heard_ms[part->party] = part->time_ms;
	if (!brings_anything(matcher, part))
		return true;
	struct pending_join *found = pending_join_of(matcher, part, hash);
	if (!found && !(found = pending_join_begin(matcher, part, hash, now_ms)))
		return error_memory(error, ERROR_SYSTEM, "joining what came of a request");
	if (found->stage == STAGE_OPEN && is_too_far(matcher, found, part)) {
		*verdict = come_late(matcher, found, part);
		return true;
	}
	if (found->stage == STAGE_OVER)
		*verdict = come_late(matcher, found, part);
	*pending_join = found;
	join_matcher_settle(matcher, found, part);
	if (found->stage == STAGE_OPEN) {
		if (!join_matcher_keep(found, part->part))
			return error_memory(error, ERROR_SYSTEM, "joining what came of a request");
		note_deadline(matcher, found, part->deadline_ms);
		bool opens = !part->again && pending_join_opens(matcher, found, false);
		*verdict = opens ? JOIN_OPENS : JOIN_WAITS;
		if (opens)
			pending_join_leave(matcher, found, STAGE_GONE);
	} else if (is_spent(matcher, found)) {
		matcher->spent = found;
	}
	return true;
}

/* ---- windows that the caller closes ---- */

struct pending_join *join_matcher_overdue(struct matcher *matcher, int64_t now_ms)
{
	struct pending_join *pending_join = matcher->first_open;
	while (pending_join && (pending_join->stage != STAGE_OPEN || pending_join->known))
		pending_join = pending_join->younger;
	return pending_join && is_past(matcher, pending_join, now_ms) ? pending_join : NULL;
}

int64_t pending_join_due_ms(const struct matcher *matcher, const struct pending_join *pending_join)
{
	return pending_join->began_ms + matcher->rule->window_ms;
}

bool pending_join_would_open(const struct matcher *matcher, const struct pending_join *pending_join)
{
	return pending_join_opens(matcher, pending_join, true);
}

/* The list is in the order of windows, not of deadlines. */
struct pending_join *join_matcher_past_deadline(struct matcher *matcher, int64_t now_ms)
{
	struct pending_join *pending_join = now_ms < matcher->deadline_ms ? NULL : matcher->first_open;
	int64_t next_ms = NEVER;
	for (; pending_join; pending_join = pending_join->younger) {
		if (pending_join->stage != STAGE_OPEN || pending_join->known || pending_join->deadline_ms == 0)
			continue;
		int64_t due_ms = pending_join_due_ms(matcher, pending_join);
		due_ms = due_ms > pending_join->deadline_ms ? due_ms : pending_join->deadline_ms;
		if (due_ms <= now_ms)
			return pending_join;
		next_ms = due_ms < next_ms ? due_ms : next_ms;
	}
	if (now_ms >= matcher->deadline_ms)
		matcher->deadline_ms = next_ms;
	return NULL;
}

void pending_join_acknowledge(struct pending_join *pending_join)
{
	pending_join->known = true;
}

struct pending_join *join_matcher_next_open(const struct matcher *matcher, struct text name, const struct pending_join *previous)
{
	struct pending_join *pending_join =
		previous ? previous->chained : *bucket_of(matcher, hash_bytes(name.bytes, name.length, 0));
	while (pending_join && (pending_join->stage != STAGE_OPEN || !text_equal(pending_join->name, name)))
		pending_join = pending_join->chained;
	return pending_join;
}

bool join_matcher_conclude(struct matcher *matcher, struct pending_join *pending_join)
{
	assert(pending_join->stage == STAGE_OPEN);
	bool opens = pending_join_opens(matcher, pending_join, true);
	end_spent(matcher);
	pending_join_leave(matcher, pending_join, opens ? STAGE_GONE : STAGE_OVER);
	return opens;
}

void pending_join_mark(struct pending_join *pending_join, void *mark)
{
	pending_join->mark = mark;
}

void join_matcher_tidy(struct matcher *matcher, int64_t now_ms)
{
	end_spent(matcher);
	join_matcher_forget(matcher, now_ms);
}

void *join_matcher_forgotten(struct matcher *matcher)
{
	end_spent(matcher);
	return matcher->mark_count > 0 ? matcher->marks[--matcher->mark_count] : NULL;
}

struct pending_join *join_matcher_recall(struct matcher *matcher, struct text name, const unsigned char *states, bool went_on,
					 void *mark, int64_t now_ms, struct error *error)
{
	assert(states);
	end_spent(matcher);
	const struct join_part part = {.name = name, .states = states, .time_ms = -1};
	struct pending_join *pending_join = pending_join_begin(matcher, &part, hash_bytes(name.bytes, name.length, 0), now_ms);
	if (!pending_join)
		return error_null(error_memory(error, ERROR_SYSTEM, "joining what came of a request"));
	join_matcher_settle(matcher, pending_join, &part);
	pending_join->mark = mark;
	pending_join_leave(matcher, pending_join, went_on ? STAGE_GONE : STAGE_OVER);
	return pending_join;
}

void pending_join_hold(struct pending_join *pending_join)
{
	pending_join->holds++;
}

void join_matcher_let_go(struct matcher *matcher, struct pending_join *pending_join)
{
	assert(pending_join->holds > 0 && pending_join->stage != STAGE_OPEN);
	end_spent(matcher);
	pending_join->holds--;
	if (pending_join->holds == 0 && is_spent(matcher, pending_join))
		pending_join_end(matcher, pending_join);
}

bool pending_join_is_settled(const struct matcher *matcher, const struct pending_join *pending_join)
{
	return pending_join->settled == matcher->sources;
}

bool pending_join_went_on(const struct pending_join *pending_join)
{
	return pending_join->stage == STAGE_GONE;
}

struct text pending_join_name(const struct pending_join *pending_join)
{
	return pending_join->name;
}

const unsigned char *join_source_states(const struct pending_join *pending_join)
{
	return pending_join->states;
}

void *join_part_of(const struct pending_join *pending_join, size_t source)
{
	return pending_join->parts[source];
}

void *pending_join_next_part(const struct pending_join *pending_join, size_t *next)
{
	return *next < pending_join->kept_count ? pending_join->kept[(*next)++] : NULL;
}
