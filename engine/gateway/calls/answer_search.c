/* answer_search.c: see answer_search.h. */
#include "gateway/calls/answer_search.h"

#include "base/clock.h"
#include "base/hash.h"
#include "kafka/consume/reader.h"
#include "message/formats/answer_decode.h"
#include "message/records/explained.h"
#include "message/json/json_write.h"
#include "message/records/record_payload.h"
#include "message/rows.h"

#define DECODE_ARENA_BYTES ((size_t)64 << 20)  /* of a decoded request or answer */
#define HEADERS_ARENA_BYTES ((size_t)2 << 20)  /* of the list of a record's headers */

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

static int64_t search_until_ms(const struct answer_search *search)
{
	return clock_ms() + (search->wait_ms > 0 ? search->wait_ms : ANSWER_SEARCH_MS);
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
	    (reading->search->is_awaited || nonce_is_right(&reading->search->submission, headers, TEXT(REPLY_SUBMISSION_HEADER)))) {
		reading->is_over = answer_keep(reading->search, record, headers, error);
		good = false;
	} else if (good) {
		reading->search->next = record->offset + 1;
	}
	arena_close(scratch);
	return good;
}

/* The default is that of a request without an id. An answer that cannot be read here may have another one. */
static struct text request_id_of(const struct answer_search *search, struct text default_id)
{
	struct decoded_answer answer;
	struct error wrong = {0};
	struct text id = {0};
	struct arena *scratch = arena_open(DECODE_ARENA_BYTES);
	if (scratch && answer_decode(search->headers, search->value, NULL, scratch, &answer, &wrong)) {
		const bool is_read = answer.readable || answer.failed || answer.ended.length > 0;
		id = text_copied(search->arena, answer.id.length == 0 && is_read ? default_id : answer.id);
	}
	arena_close(scratch);
	return id;
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
					     .stopping = search->stopping,
					     .wait_ms = search->wait_ms,
					     .properties = search->properties};
	struct answer_scan reading = {.search = search, .origin = origin, .until_ms = search_until_ms(search)};
	return topic_give_all(&config, answer_take, &reading, error);
}

/* ---- explanations ---- */

#define EXPLANATIONS_BYTES_MAX ((size_t)16 << 20) /* of all of a request, as JSON */

struct explanation_scan {
	const struct answer_search *search;
	int64_t until_ms;
	struct buffer found;
	struct buffer hashes; /* of the explanations in it */
	struct arena *arena;  /* of one record */
};

/* At least once, a crash may repeat records of a request. */
static bool explanation_repeats(struct explanation_scan *scan, struct text json)
{
	const uint64_t hash = hash_bytes(json.bytes, json.length, 0);
	for (size_t place = 0; place < scan->hashes.length; place += sizeof hash)
		if (memcmp(scan->hashes.bytes + place, &hash, sizeof hash) == 0)
			return true;
	buffer_append(&scan->hashes, &hash, sizeof hash);
	return false;
}

/* Whether the caller of the search sent the request of a record with these headers. */
static bool caller_is_of(const struct answer_search *search, struct headers headers)
{
	const struct header *caller = headers_find(headers, TEXT(EXPLAIN_CALLER_HEADER));
	return search->caller.length == 0 || (caller && text_equal(caller->value, search->caller));
}

static bool record_is_of_caller(const struct answer_search *search, const struct record *record, struct error *error)
{
	struct headers headers;
	struct arena *scratch = arena_open(HEADERS_ARENA_BYTES);
	const bool holds = scratch && record_headers(record, scratch, &headers, error) && caller_is_of(search, headers);
	if (!scratch)
		error_memory(error, ERROR_SYSTEM, "reading a record");
	arena_close(scratch);
	return holds;
}

static bool explanation_is_of(const struct answer_search *search, const struct explained_record *read, const struct record *record,
			      struct error *error)
{
	const struct origin *origin = &read->origin;
	if (search->id.length > 0)
		return text_equal(read->id, search->id) && record_is_of_caller(search, record, error);
	return text_is(origin->topic, search->inputs) && origin->partition == search->submission.partition &&
	       origin->offset == search->submission.offset;
}

static bool explanation_take(void *context, const struct record *record, struct error *error)
{
	struct explanation_scan *scan = context;
	struct buffer *found = &scan->found;
	struct explained_record read;
	if (clock_ms() > scan->until_ms)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "more was explained since then than is read at a time");
	arena_reset(scan->arena);
	if (!record->value.bytes || !explained_read(record->value, scan->arena, &read) ||
	    !explanation_is_of(scan->search, &read, record, error))
		return error->kind == ERROR_NONE;
	const size_t before = found->length;
	if (before == 0) {
		json_write_string_after(found, TEXT("{\"id\":"), read.id);
		json_write_string_after(found, TEXT(",\"pipeline\":"), read.pipeline);
		buffer_string(found, ",\"explanations\":[");
	} else {
		buffer_byte(found, ',');
	}
	const size_t begin = found->length;
	explained_record_write_json(&read, found);
	if (buffer_failed(found))
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "the explanations are too long to be polled");
	if (explanation_repeats(scan, (struct text){found->bytes + begin, found->length - begin}))
		found->length = before;
	return true;
}

/* From that time on. False: `error` is set, or explanations are found. */
static bool explanations_read(struct answer_search *search, int64_t time_ms, struct error *error)
{
	const struct reader_config config = {.brokers = search->brokers,
					     .topic = search->explanations,
					     .from_time = true,
					     .time_ms = time_ms - ANSWER_CLOCKS_MS,
					     .stopping = search->stopping,
					     .wait_ms = search->wait_ms,
					     .properties = search->properties};
	struct explanation_scan scan = {
		.search = search, .until_ms = search_until_ms(search), .arena = arena_open(DECODE_ARENA_BYTES)};
	if (!scan.arena)
		return error_memory(error, ERROR_SYSTEM, "reading explanations");
	buffer_open(&scan.found, EXPLANATIONS_BYTES_MAX);
	buffer_open(&scan.hashes, EXPLANATIONS_BYTES_MAX);
	const bool good = topic_give_all(&config, explanation_take, &scan, error);
	const bool found = good && scan.found.length > 0;
	if (found) {
		buffer_string(&scan.found, "]}");
		const struct text value = buffer_view(&scan.found);
		search->value = (struct text){arena_copy(search->arena, value.bytes, value.length), value.length};
		search->outcome = ANSWER_FOUND;
		if (buffer_failed(&scan.found) || arena_failed(search->arena))
			error_set(error, ERROR_LIMIT, PLACE_NONE, "the explanations are too long to be polled");
	}
	arena_close(scan.arena);
	buffer_close(&scan.found);
	buffer_close(&scan.hashes);
	return good && !found;
}

/* ---- the request ---- */

enum request_state {
	REQUEST_THERE,
	REQUEST_AWAITED, /* its caller waited, until `deadline_ms` */
	REQUEST_DELETED,
	REQUEST_NOBODYS, /* the record is not there yet, or has another nonce */
};

struct request_check {
	const struct submission *submission;
	struct arena *arena; /* of the id */
	enum request_state state;
	int64_t deadline_ms;
	struct text default_id; /* that a gateway gave the request; empty: it gave none */
	struct text named_id;	/* in the header of the request; empty: none */
};

static enum request_state request_state_of(struct request_check *check, struct headers headers)
{
	const struct submission *submission = check->submission;
	const struct header *reply = headers_find(headers, TEXT(REPLY_HEADER));
	const struct header *deadline = headers_find(headers, TEXT(DEADLINE_HEADER));
	struct submission awaited;
	if (nonce_is_right(submission, headers, TEXT(REPLY_SUBMITTED_HEADER)))
		return REQUEST_THERE;
	if (!reply || !deadline || !number_read_int64(deadline->value, &check->deadline_ms))
		return REQUEST_NOBODYS;
	submission_derive(&awaited, reply->value);
	return submission_is_of(submission, submission_nonce(&awaited)) ? REQUEST_AWAITED : REQUEST_NOBODYS;
}

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
	const bool is_read = record_headers(record, scratch, &headers, error);
	const struct header *given = is_read ? headers_find(headers, TEXT(REPLY_DEFAULT_ID_HEADER)) : NULL;
	const struct header *named = is_read ? headers_find(headers, TEXT(REPLY_ID_HEADER)) : NULL;
	check->state = is_read ? request_state_of(check, headers) : REQUEST_NOBODYS;
	check->default_id = given ? text_copied(check->arena, given->value) : (struct text){0};
	check->named_id = named ? text_copied(check->arena, named->value) : (struct text){0};
	arena_close(scratch);
	return false;
}

/* Reads the request; gateways send none in a transaction, so an open one of another writer does not matter. */
static bool request_find(const struct answer_search *search, struct request_check *check, struct error *error)
{
	const struct submission *submission = check->submission;
	const struct reader_config config = {.brokers = search->brokers,
					     .topic = search->inputs,
					     .from_offset = true,
					     .offset = submission->offset,
					     .one_partition = true,
					     .pick = (uint64_t)submission->partition,
					     .uncommitted = true,
					     .stopping = search->stopping,
					     .wait_ms = search->wait_ms,
					     .properties = search->properties};
	struct reader *reader = reader_open(&config, error);
	if (reader && reader_partition(reader) == submission->partition && submission->offset < reader_end(reader)) {
		check->state = REQUEST_DELETED; /* if no record is left from there on */
		(void)reader_give_all(reader, request_take, check, error);
	}
	reader_close(reader);
	return error->kind == ERROR_NONE;
}

/* ---- by the id of a request ---- */

struct id_scan {
	const struct answer_search *search;
	int64_t until_ms;
	struct arena *scratch;
	bool found;
};

/* Whether an engine gives the request this id. A payload has one in clear: most records are told by their bytes. */
static bool request_has_id(const struct answer_search *search, const struct record *record, struct headers headers,
			   struct arena *scratch)
{
	const struct header *named = headers_find(headers, TEXT(REPLY_ID_HEADER));
	const struct header *given = headers_find(headers, TEXT(REPLY_DEFAULT_ID_HEADER));
	const struct text value = record->value, id = search->id;
	struct record_payload payload;
	struct error wrong = {0};
	if (named || (given && text_equal(given->value, id)))
		return text_equal((named ? named : given)->value, id);
	return value.bytes && memmem(value.bytes, value.length, id.bytes, id.length) &&
	       record_payload_decode(headers, value, 0, NULL, NULL, scratch, &payload, &wrong) && text_equal(payload.id, id);
}

static bool request_meet(void *context, const struct record *record, struct error *error)
{
	struct id_scan *scan = context;
	struct headers headers;
	if (clock_ms() > scan->until_ms)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "more requests came since then than are read at a time");
	arena_reset(scan->scratch);
	scan->found = record_headers(record, scan->scratch, &headers, error) && caller_is_of(scan->search, headers) &&
		      request_has_id(scan->search, record, headers, scan->scratch);
	return !scan->found && error->kind == ERROR_NONE;
}

/* Whether such a request is in the inputs. */
static bool request_is_there(const struct answer_search *search, int64_t time_ms, struct error *error)
{
	const struct reader_config config = {.brokers = search->brokers,
					     .topic = search->inputs,
					     .from_time = true,
					     .time_ms = time_ms - ANSWER_CLOCKS_MS,
					     .uncommitted = true,
					     .stopping = search->stopping,
					     .wait_ms = search->wait_ms,
					     .properties = search->properties};
	struct id_scan scan = {
		.search = search,
		.until_ms = search_until_ms(search),
		.scratch = arena_open(DECODE_ARENA_BYTES),
	};
	if (!scan.scratch)
		return error_memory(error, ERROR_SYSTEM, "reading requests");
	(void)topic_give_all(&config, request_meet, &scan, error);
	arena_close(scan.scratch);
	return scan.found;
}

static void explanations_search(struct answer_search *search, int64_t now_ms)
{
	struct error *error = &search->error;
	const bool pending = explanations_read(search, now_ms - ANSWER_SEARCH_RECENT_MS, error) &&
			     explanations_read(search, now_ms - ANSWER_SEARCH_HOUR_MS, error);
	if (pending)
		search->outcome = request_is_there(search, now_ms - ANSWER_SEARCH_HOUR_MS, error) ? ANSWER_PENDING : ANSWER_NOBODYS;
	if (error->kind != ERROR_NONE)
		search->outcome = ANSWER_UNKNOWN;
}

/* ---- all ---- */

/* The outcome of a search that has found the request, and no answer. */
static enum answer_search_outcome outcome_without(const struct request_check *check)
{
	if (check->state == REQUEST_DELETED)
		return ANSWER_EXPIRED;
	const bool is_over = check->state == REQUEST_AWAITED && check->deadline_ms < time_of_day_ms() - ANSWER_LATE_MS;
	return is_over ? ANSWER_ENDED : ANSWER_PENDING;
}

/* Of a search for the request alone. */
static void request_tell(struct answer_search *search, const struct request_check *check)
{
	search->outcome = check->state == REQUEST_DELETED ? ANSWER_EXPIRED : ANSWER_FOUND;
	search->request_id = check->named_id.length > 0 ? check->named_id : check->default_id;
}

/* False: `error` is set, or the answer is found, or the explanations are. */
static bool answer_is_missing(struct answer_search *search, struct text origin, struct error *error)
{
	return search->explanations ? explanations_read(search, search->submission.time_ms, error)
				    : outputs_read(search, origin, error);
}

void answer_search_run(struct answer_search *search)
{
	struct error *error = &search->error;
	if (search->id.length > 0) {
		search->outcome = ANSWER_UNKNOWN;
		explanations_search(search, time_of_day_ms());
		return;
	}
	char place[REPLY_ORIGIN_BYTES_MAX];
	const struct text origin = submission_origin(&search->submission, search->inputs, place);
	struct request_check check = {.submission = &search->submission, .arena = search->arena, .state = REQUEST_NOBODYS};
	search->outcome = ANSWER_UNKNOWN;
	if (!request_find(search, &check, error))
		return;
	search->is_awaited = check.state == REQUEST_AWAITED;
	if (check.state == REQUEST_NOBODYS)
		search->outcome = ANSWER_NOBODYS;
	else if (!search->outputs)
		request_tell(search, &check);
	else if (answer_is_missing(search, origin, error))
		search->outcome = outcome_without(&check);
	if (error->kind != ERROR_NONE)
		search->outcome = ANSWER_UNKNOWN;
	else if (search->outcome == ANSWER_FOUND && search->outputs && !search->explanations)
		search->request_id = request_id_of(search, check.default_id);
}
