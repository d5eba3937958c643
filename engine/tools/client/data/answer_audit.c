/* answer_audit.c: see answer_audit.h. Requests are sorted by their places, answers by the requests that they belong to; then both
 * are walked through side by side. */
#include "tools/client/data/answer_audit.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

#define FIRST_ROWS 1024
#define NO_REQUEST UINT64_MAX

const struct audit_words audit_words[AUDIT_COUNTS] = {
	[AUDIT_REQUESTS] = {"requests", "requests, up to the committed offsets"},
	[AUDIT_ANSWERED] = {"answered", "  answered"},
	[AUDIT_ERRORS] = {"failed", "    with an error"},
	[AUDIT_DROPPED] = {"dropped", "  ended by a step without an answer"},
	[AUDIT_LETTERS] = {"dead_lettered", "  failed without an answer, with a dead letter"},
	[AUDIT_UNKNOWN] = {"unknown", "  without an answer, and maybe without need of one"},
	[AUDIT_UNJUDGED] = {"on_their_way", "requests on their way, not judged"},
	[AUDIT_REPEATED] = {"repeated", "answered again, as at least once allows"},
	[AUDIT_OTHERS] = {"others", "answers to requests that were not read"},
	[AUDIT_COMPARED] = {"compared", "answers compared with computed ones"},
	[AUDIT_LOST] = {"lost", "lost"},
	[AUDIT_DOUBLED] = {"doubled", "answered twice"},
	[AUDIT_DIFFERENT] = {"different", "answered twice, differently"},
	[AUDIT_DISORDERED] = {"out_of_order", "out of order"},
	[AUDIT_AFTER_ERROR] = {"after_dead_letter", "answered after its dead letter"},
	[AUDIT_WRONG] = {"wrong", "another answer than computed again"},
};

struct audit_mark {
	struct audit_place place;
	enum audit_request_flag flag;
};

/* A request by its id; of one id the earlier ones first. */
struct audit_name {
	uint64_t id;
	uint64_t request;
};

struct answer_audit {
	struct audit_rules rules;
	size_t shown;
	size_t request_count, request_room;
	struct audited_request *requests;
	size_t answer_count, answer_room;
	struct audited_answer *answers; /* once joined, their ids are the indexes of their requests */
	size_t mark_count, mark_room;
	struct audit_mark *marks;
	uint64_t counts[AUDIT_COUNTS];
	size_t finding_count;
	struct audit_finding *findings; /* memory for `shown` of each kind */
};

struct answer_audit *audit_open(const struct audit_rules *rules, size_t shown, struct error *error)
{
	struct answer_audit *audit = memory_take(1, sizeof *audit);
	if (!audit)
		return error_null(error_memory(error, ERROR_SYSTEM, "auditing answers"));
	audit->rules = *rules;
	audit->shown = shown;
	audit->findings = memory_take(shown * (AUDIT_COUNTS - AUDIT_FIRST_FINDING) + 1, sizeof *audit->findings);
	if (audit->findings)
		return audit;
	audit_close(audit);
	return error_null(error_memory(error, ERROR_SYSTEM, "auditing answers"));
}

void audit_close(struct answer_audit *audit)
{
	if (!audit)
		return;
	memory_give(audit->requests);
	memory_give(audit->answers);
	memory_give(audit->marks);
	memory_give(audit->findings);
	memory_give(audit);
}

/* ---- rows ---- */

bool audit_add_request(struct answer_audit *audit, const struct audited_request *request, struct error *error)
{
	void *grown = memory_grow(audit->requests, audit->request_count, &audit->request_room, FIRST_ROWS, sizeof *request);
	if (!grown)
		return error_memory(error, ERROR_SYSTEM, "auditing answers");
	audit->requests = grown;
	audit->requests[audit->request_count++] = *request;
	return true;
}

bool audit_add_answer(struct answer_audit *audit, const struct audited_answer *answer, struct error *error)
{
	void *grown = memory_grow(audit->answers, audit->answer_count, &audit->answer_room, FIRST_ROWS, sizeof *answer);
	if (!grown)
		return error_memory(error, ERROR_SYSTEM, "auditing answers");
	audit->answers = grown;
	audit->answers[audit->answer_count++] = *answer;
	return true;
}

bool audit_add_flag(struct answer_audit *audit, struct audit_place request, enum audit_request_flag flag, struct error *error)
{
	void *grown = memory_grow(audit->marks, audit->mark_count, &audit->mark_room, FIRST_ROWS, sizeof *audit->marks);
	if (!grown)
		return error_memory(error, ERROR_SYSTEM, "auditing answers");
	audit->marks = grown;
	audit->marks[audit->mark_count++] = (struct audit_mark){request, flag};
	return true;
}

/* ---- the join ---- */

static int numbers_compare(uint64_t one, uint64_t other)
{
	return (one > other) - (one < other);
}

static int audit_places_compare(const struct audit_place *one, const struct audit_place *other)
{
	if (one->partition != other->partition)
		return one->partition < other->partition ? -1 : 1;
	return (one->offset > other->offset) - (one->offset < other->offset);
}

static int requests_compare(const void *one, const void *other)
{
	return audit_places_compare(&((const struct audited_request *)one)->place, &((const struct audited_request *)other)->place);
}

static int audit_names_compare(const void *one, const void *other)
{
	const struct audit_name *a = one, *b = other;
	return a->id != b->id ? numbers_compare(a->id, b->id) : numbers_compare(a->request, b->request);
}

static int answers_compare(const void *one, const void *other)
{
	const struct audited_answer *a = one, *b = other;
	return a->id != b->id ? numbers_compare(a->id, b->id) : audit_places_compare(&a->place, &b->place);
}

/* Those that name their request by its place come first. */
static int answers_compare_names(const void *one, const void *other)
{
	const bool is_origin = ((const struct audited_answer *)one)->flags & AUDIT_BY_ORIGIN;
	if (is_origin != !!(((const struct audited_answer *)other)->flags & AUDIT_BY_ORIGIN))
		return is_origin ? -1 : 1;
	return answers_compare(one, other);
}

/* NULL: it was not read. */
static struct audited_request *request_at(const struct answer_audit *audit, struct audit_place place)
{
	const struct audited_request wanted = {.place = place};
	if (audit->request_count == 0)
		return NULL;
	return bsearch(&wanted, audit->requests, audit->request_count, sizeof wanted, requests_compare);
}

static void requests_flag(const struct answer_audit *audit)
{
	for (size_t i = 0; i < audit->mark_count; i++) {
		struct audited_request *request = request_at(audit, audit->marks[i].place);
		if (request)
			request->flags |= audit->marks[i].flag;
	}
}

/* The next request of an id, with or without a dead letter. `count`: there is no other. */
static size_t group_next(const struct answer_audit *audit, const struct audit_name *names, size_t count, bool lettered,
			 size_t *next)
{
	while (*next < count && !(audit->requests[names[*next].request].flags & AUDIT_LETTERED) == lettered)
		++*next;
	return *next < count ? (*next)++ : count;
}

/* Gives the answers of one id, in their order, to its requests: an error to the first one with a dead letter that has none yet, and
 * another answer to one without; where there is none left, to any; and what is left over to the last. */
static void group_assign(struct answer_audit *audit, const struct audit_name *names, size_t count, size_t from, size_t until)
{
	size_t next[2] = {0, 0};
	for (size_t i = from; i < until; i++) {
		const bool failed = audit->answers[i].flags & AUDIT_FAILED;
		size_t chosen = group_next(audit, names, count, failed, &next[failed]);
		if (chosen == count)
			chosen = group_next(audit, names, count, !failed, &next[!failed]);
		if (chosen == count && count > 0)
			chosen = count - 1;
		audit->answers[i].id = count > 0 ? names[chosen].request : NO_REQUEST;
	}
}

static void groups_assign(struct answer_audit *audit, const struct audit_name *names, size_t answer)
{
	size_t name = 0;
	while (answer < audit->answer_count) {
		const uint64_t id = audit->answers[answer].id;
		const size_t from = answer;
		while (answer < audit->answer_count && audit->answers[answer].id == id)
			answer++;
		while (name < audit->request_count && names[name].id < id)
			name++;
		const size_t first = name;
		while (name < audit->request_count && names[name].id == id)
			name++;
		group_assign(audit, &names[first], name - first, from, answer);
	}
}

/* Sets the requests of answers that name them by their places; returns the number of these answers. */
static size_t origins_assign(struct answer_audit *audit)
{
	size_t i = 0;
	for (; i < audit->answer_count && audit->answers[i].flags & AUDIT_BY_ORIGIN; i++) {
		struct audited_answer *answer = &audit->answers[i];
		const struct audited_request *request =
			request_at(audit, (struct audit_place){answer->origin, (int64_t)answer->id});
		answer->id = request ? (uint64_t)(request - audit->requests) : NO_REQUEST;
	}
	return i;
}

static bool audit_join(struct answer_audit *audit, struct error *error)
{
	const size_t count = audit->request_count;
	if (count > 0)
		qsort(audit->requests, count, sizeof *audit->requests, requests_compare);
	requests_flag(audit);
	if (audit->answer_count == 0)
		return true;
	qsort(audit->answers, audit->answer_count, sizeof *audit->answers, answers_compare_names);
	struct audit_name *names = memory_take_raw((count + 1) * sizeof *names);
	if (!names)
		return error_memory(error, ERROR_SYSTEM, "auditing answers");
	for (size_t i = 0; i < count; i++)
		names[i] = (struct audit_name){audit->requests[i].id, i};
	qsort(names, count, sizeof *names, audit_names_compare);
	groups_assign(audit, names, origins_assign(audit));
	memory_give(names);
	qsort(audit->answers, audit->answer_count, sizeof *audit->answers, answers_compare);
	return true;
}

/* ---- judgement of a request ---- */

static void finding_add(struct answer_audit *audit, const struct audit_finding *finding)
{
	if (audit->counts[finding->kind]++ < audit->shown)
		audit->findings[audit->finding_count++] = *finding;
}

static void request_found(struct answer_audit *audit, enum audit_count kind, const struct audited_request *request,
			  const struct audited_answer *answer)
{
	const struct audit_place none = {-1, -1};
	finding_add(audit, &(struct audit_finding){kind, request->place, answer ? answer->place : none, none});
}

/* The answers of one request. */
struct audit_slice {
	const struct audited_answer *items;
	size_t count;
	size_t results, errors;		    /* the others end it */
	const struct audited_answer *last; /* that is no end; NULL: there is none */
	const struct audited_answer *first, *result; /* the first and the last that are no errors either; NULL: there is none */
	bool differs;
};

static struct audit_slice slice_look(const struct answer_audit *audit, size_t from, size_t until)
{
	struct audit_slice slice = {.count = until - from};
	for (size_t i = from; i < until; i++) {
		const struct audited_answer *answer = &audit->answers[i];
		slice.items = slice.items ? slice.items : answer;
		if (answer->flags & AUDIT_ENDED)
			continue;
		slice.differs = slice.differs || (slice.last && slice.last->content != answer->content);
		slice.last = answer;
		if (answer->flags & AUDIT_FAILED) {
			slice.errors++;
		} else {
			slice.results++;
			slice.first = slice.first ? slice.first : answer;
			slice.result = answer;
		}
	}
	return slice;
}

static void unanswered_judge(struct answer_audit *audit, const struct audited_request *request, const struct audit_slice *slice)
{
	uint64_t *counts = audit->counts;
	if (request->needs == 0 || slice->count > 0)
		counts[AUDIT_DROPPED]++;
	else if (audit->rules.errors_off && request->flags & AUDIT_LETTERED)
		counts[AUDIT_LETTERS]++;
	else if (request->flags & (AUDIT_MAY_END | AUDIT_DIRECT) || request->needs == AUDIT_NEEDS_ANY || audit->rules.errors_off)
		counts[AUDIT_UNKNOWN]++;
	else
		request_found(audit, AUDIT_LOST, request, NULL);
}

/* An answer that came again: at least once that is allowed, if it is the same, or if calls or state may change it. */
static void repeated_judge(struct answer_audit *audit, const struct audited_request *request, const struct audit_slice *slice)
{
	const struct audit_rules *rules = &audit->rules;
	const bool lettered = request->flags & AUDIT_LETTERED && slice->results > 0;
	if (slice->differs && !lettered && !rules->multiplies && (rules->exactly_once || rules->same_again))
		request_found(audit, AUDIT_DIFFERENT, request, slice->last);
	else if (!rules->exactly_once)
		audit->counts[AUDIT_REPEATED]++;
	else
		request_found(audit, lettered ? AUDIT_AFTER_ERROR : AUDIT_DOUBLED, request, lettered ? slice->result : slice->last);
}

static void content_judge(struct answer_audit *audit, const struct audited_request *request, const struct audit_slice *slice)
{
	if (request->expected == AUDIT_CONTENT_NONE || slice->results == 0)
		return;
	audit->counts[AUDIT_COMPARED]++;
	for (size_t i = 0; i < slice->count; i++)
		if (!(slice->items[i].flags & (AUDIT_FAILED | AUDIT_ENDED)) && slice->items[i].content != request->expected) {
			request_found(audit, AUDIT_WRONG, request, &slice->items[i]);
			return;
		}
}

static void request_judge(struct answer_audit *audit, const struct audited_request *request, const struct audit_slice *slice)
{
	const size_t total = slice->results + slice->errors;
	audit->counts[AUDIT_REQUESTS]++;
	if (total == 0) {
		unanswered_judge(audit, request, slice);
		return;
	}
	audit->counts[AUDIT_ANSWERED]++;
	audit->counts[AUDIT_ERRORS] += slice->results == 0;
	const uint32_t needs = request->needs;
	const bool lettered = request->flags & AUDIT_LETTERED && slice->results > 0 && !audit->rules.multiplies;
	if (lettered || (needs != AUDIT_NEEDS_ANY && total > (needs > 1 ? needs : 1)))
		repeated_judge(audit, request, slice);
	else if (needs != AUDIT_NEEDS_ANY && total < needs && slice->errors == 0)
		request_found(audit, AUDIT_LOST, request, slice->last);
	if (lettered)
		return;
	if (needs == 0 && slice->results > 0)
		request_found(audit, AUDIT_WRONG, request, slice->result);
	else
		content_judge(audit, request, slice);
}

/* ---- order ---- */

/* The first answer of a request, and what it must not overtake. */
struct audit_turn {
	int32_t partition; /* of the request */
	int32_t answered;  /* the partition of its answer */
	uint64_t group;
	int64_t offset, answer;
};

static int turns_compare(const void *one, const void *other)
{
	const struct audit_turn *a = one, *b = other;
	if (a->group != b->group)
		return numbers_compare(a->group, b->group);
	if (a->partition != b->partition)
		return a->partition < b->partition ? -1 : 1;
	if (a->answered != b->answered)
		return a->answered < b->answered ? -1 : 1;
	return (a->offset > b->offset) - (a->offset < b->offset);
}

/* Errors are not looked at: in a later stage, or in place of an answer that Kafka refused, they may come at another time. */
static bool turn_of(const struct answer_audit *audit, const struct audited_request *request, const struct audit_slice *slice,
		    struct audit_turn *turn)
{
	const enum answer_order order = audit->rules.order;
	const struct audited_answer *answer = slice->first;
	if (order == ANSWER_ORDER_NONE || !answer || request->flags & AUDIT_DIRECT ||
	    (order == ANSWER_ORDER_KEY && request->key == 0))
		return false;
	*turn = (struct audit_turn){.partition = request->place.partition,
				    .answered = answer->place.partition,
				    .group = order == ANSWER_ORDER_PARTITION ? 0 : request->key,
				    .offset = request->place.offset,
				    .answer = answer->place.offset};
	return true;
}

static bool turns_are_one(const struct audit_turn *one, const struct audit_turn *other)
{
	return one->group == other->group && one->partition == other->partition && one->answered == other->answered;
}

static void turns_judge(struct answer_audit *audit, struct audit_turn *turns, size_t count)
{
	if (count > 0)
		qsort(turns, count, sizeof *turns, turns_compare);
	for (size_t i = 1; i < count; i++)
		if (turns_are_one(&turns[i - 1], &turns[i]) && turns[i].answer < turns[i - 1].answer)
			finding_add(audit, &(struct audit_finding){AUDIT_DISORDERED,
							     {turns[i].partition, turns[i].offset},
							     {turns[i].answered, turns[i].answer},
							     {turns[i].partition, turns[i - 1].offset}});
}

/* ---- all of it ---- */

static int findings_compare(const void *one, const void *other)
{
	const struct audit_finding *a = one, *b = other;
	return a->kind != b->kind ? (int)a->kind - (int)b->kind : audit_places_compare(&a->request, &b->request);
}

static size_t requests_judge(struct answer_audit *audit, struct audit_turn *turns)
{
	size_t at = 0, turn_count = 0;
	for (size_t i = 0; i < audit->request_count; i++) {
		const struct audited_request *request = &audit->requests[i];
		const size_t from = at;
		while (at < audit->answer_count && audit->answers[at].id == i)
			at++;
		if (request->flags & AUDIT_OPEN) {
			audit->counts[AUDIT_UNJUDGED]++;
			continue;
		}
		const struct audit_slice slice = slice_look(audit, from, at);
		request_judge(audit, request, &slice);
		turn_count += turn_of(audit, request, &slice, &turns[turn_count]);
	}
	audit->counts[AUDIT_OTHERS] = audit->answer_count - at;
	return turn_count;
}

bool audit_judge(struct answer_audit *audit, struct error *error)
{
	assert(audit->counts[AUDIT_REQUESTS] == 0);
	if (!audit_join(audit, error))
		return false;
	struct audit_turn *turns = memory_take_raw((audit->request_count + 1) * sizeof *turns);
	if (!turns)
		return error_memory(error, ERROR_SYSTEM, "auditing answers");
	turns_judge(audit, turns, requests_judge(audit, turns));
	memory_give(turns);
	qsort(audit->findings, audit->finding_count, sizeof *audit->findings, findings_compare);
	return true;
}

const uint64_t *audit_counts(const struct answer_audit *audit)
{
	return audit->counts;
}

uint64_t audit_found(const struct answer_audit *audit)
{
	uint64_t sum = 0;
	for (size_t i = AUDIT_FIRST_FINDING; i < AUDIT_COUNTS; i++)
		sum += audit->counts[i];
	return sum;
}

const struct audit_finding *audit_findings(const struct answer_audit *audit, size_t *count)
{
	*count = audit->finding_count;
	return audit->findings;
}
