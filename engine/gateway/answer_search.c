/* answer_search.c: see answer_search.h. */
#include "gateway/answer_search.h"

#include <inttypes.h>

#include "base/clock.h"
#include "log/reader.h"
#include "message/reply.h"

#define HEADERS_ARENA_BYTES ((size_t)2 << 20) /* of the list of a record's headers */

struct answer_scan {
	struct answer_search *search;
	struct text origin;
	int64_t until_ms;
	bool is_over; /* the answer is found, or the reading is given up */
};

static bool nonce_is_right(const struct submission *submission, struct headers headers, struct text name)
{
	const struct header *nonce = headers_find(headers, name);
	return nonce && submission_is_of(submission, nonce->value);
}

/* ---- the answer ---- */

/* The record's memory ends with it. */
static bool answer_keep(struct answer_search *search, const struct record *record, struct headers headers, struct error *error)
{
	struct arena *arena = search->arena;
	struct header *items = ARENA_ARRAY(arena, struct header, headers.count);
	for (size_t i = 0; items && i < headers.count; i++) {
		struct text name = headers.items[i].name, value = headers.items[i].value;
		items[i] = (struct header){{arena_copy(arena, name.bytes, name.length), name.length},
					   {arena_copy(arena, value.bytes, value.length), value.length}};
	}
	search->headers = (struct headers){items ? headers.count : 0, items};
	if (record->value.bytes)
		search->value =
			(struct text){arena_copy(arena, record->value.bytes, record->value.length), record->value.length};
	search->outcome = ANSWER_FOUND;
	return !arena_failed(arena) || error_set(error, ERROR_LIMIT, PLACE_NONE, "the answer is too long to be polled");
}

static bool answer_take(void *context, const struct record *record, struct error *error)
{
	struct answer_scan *reading = context;
	struct headers headers;
	if (clock_ms() > reading->until_ms) {
		reading->is_over = true;
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "more was answered since then than is read at a time");
	}
	struct arena *scratch = arena_open(HEADERS_ARENA_BYTES);
	if (!scratch)
		return error_memory(error, ERROR_SYSTEM, "reading an answer");
	bool good = record_headers(record, scratch, &headers, error);
	const struct header *origin = good ? headers_find(headers, TEXT(REPLY_ORIGIN_HEADER)) : NULL;
	if (origin && text_equal(origin->value, reading->origin) &&
	    nonce_is_right(&reading->search->submission, headers, TEXT(REPLY_SUBMISSION_HEADER))) {
		reading->is_over = answer_keep(reading->search, record, headers, error);
		good = false;
	} else if (good) {
		reading->search->next = record->offset + 1;
	}
	arena_close(scratch);
	return good;
}

/* False: `error` is set, or the answer is found. */
static bool outputs_read(struct answer_search *search, struct text origin, struct error *error)
{
	const struct submission *submission = &search->submission;
	const bool continues = submission->answers >= 0 && search->next >= 0;
	const struct reader_config config = {.brokers = search->brokers,
					     .topic = search->outputs,
					     .from_offset = continues,
					     .offset = search->next,
					     .from_time = !continues,
					     .time_ms = submission->time_ms - ANSWER_CLOCKS_MS,
					     .one_partition = submission->answers >= 0,
					     .pick = submission->answers >= 0 ? (uint64_t)submission->answers : 0,
					     .properties = search->properties};
	struct answer_scan reading = {search, origin, clock_ms() + ANSWER_SEARCH_MS, false};
	struct reader *reader = reader_open(&config, error);
	bool good = reader && reader_give_all(reader, answer_take, &reading, error);
	reader_close(reader);
	return good;
}

/* ---- the request ---- */

enum request_state {
	REQUEST_THERE,
	REQUEST_DELETED,
	REQUEST_NOBODYS, /* the record is not there yet, or has another nonce */
};

struct request_check {
	const struct submission *submission;
	enum request_state state;
};

/* Takes one record, the first from the request's offset on. Kafka has deleted the request if it is a later one. */
static bool request_take(void *context, const struct record *record, struct error *error)
{
	struct request_check *check = context;
	struct headers headers;
	if (record->offset != check->submission->offset) {
		check->state = REQUEST_DELETED;
		return false;
	}
	struct arena *scratch = arena_open(HEADERS_ARENA_BYTES);
	if (!scratch)
		return error_memory(error, ERROR_SYSTEM, "reading a request");
	if (record_headers(record, scratch, &headers, error) &&
	    nonce_is_right(check->submission, headers, TEXT(REPLY_SUBMITTED_HEADER)))
		check->state = REQUEST_THERE;
	else
		check->state = REQUEST_NOBODYS;
	arena_close(scratch);
	return false;
}

/* Reads the request; gateways send none in a transaction, so an open one of another writer does not matter. */
static bool request_find(struct answer_search *search, enum request_state *state, struct error *error)
{
	const struct submission *submission = &search->submission;
	const struct reader_config config = {.brokers = search->brokers,
					     .topic = search->inputs,
					     .from_offset = true,
					     .offset = submission->offset,
					     .one_partition = true,
					     .pick = (uint64_t)submission->partition,
					     .uncommitted = true,
					     .properties = search->properties};
	struct request_check check = {submission, REQUEST_NOBODYS};
	struct reader *reader = reader_open(&config, error);
	if (reader && reader_partition(reader) == submission->partition && submission->offset < reader_end(reader)) {
		check.state = REQUEST_DELETED; /* if no record is left from there on */
		(void)reader_give_all(reader, request_take, &check, error);
	}
	reader_close(reader);
	*state = check.state;
	return error->kind == ERROR_NONE;
}

void answer_search_run(struct answer_search *search)
{
	struct error *error = &search->error;
	const char *origin = arena_print(search->arena, "%s/%" PRId32 "/%" PRId64, search->inputs, search->submission.partition,
					 search->submission.offset);
	enum request_state state = REQUEST_NOBODYS;
	search->outcome = ANSWER_UNKNOWN;
	if (!origin) {
		error_memory(error, ERROR_SYSTEM, "searching an answer");
		return;
	}
	if (!request_find(search, &state, error))
		return;
	if (state == REQUEST_NOBODYS)
		search->outcome = ANSWER_NOBODYS;
	else if (outputs_read(search, text_of(origin), error))
		search->outcome = state == REQUEST_THERE ? ANSWER_PENDING : ANSWER_EXPIRED;
	if (error->kind != ERROR_NONE)
		search->outcome = ANSWER_UNKNOWN;
}
