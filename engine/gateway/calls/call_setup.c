/* call_setup.c: see call_setup.h. */
#include "gateway/calls/call_setup.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/suggest.h"
#include "gateway/calls/seldon_puid.h"
#include "message/records/assigned.h"
#include "message/records/explained.h"
#include "message/records/trace_context.h"
#include "message/formats/oip_json.h"
#include "message/rows.h"

#define NAME_BYTES_SHOWN 100
#define USUAL_HEADERS 7 /* that are passed on in any case */

__attribute__((format(printf, 3, 4))) static bool call_setup_refuse(struct call_refusal *refusal, int status, const char *format,
								    ...)
{
	va_list arguments;
	refusal->status = status;
	va_start(arguments, format);
	(void)vsnprintf(refusal->words, sizeof refusal->words, format, arguments);
	va_end(arguments);
	return false;
}

/* ---- headers that are sent twice ---- */

/* Of all protocols alike; others are in struct call_lines. */
static uint64_t steering_names(void)
{
	return header_name_bit(HEADER_IDEMPOTENCY_KEY) | header_name_bit(HEADER_DEADLINE) | header_name_bit(HEADER_TIMEOUT) |
	       header_name_bit(HEADER_CONTENT_TYPE) | header_name_bit(HEADER_OIP_LENGTH) | header_name_bit(HEADER_SELDON_MODEL) |
	       header_name_bit(HEADER_REQUEST_ID) | header_name_bit(HEADER_SELDON_PUID) | header_name_bit(HEADER_KEY);
}

/* Most names differ in their first letter, so few are measured. */
static bool name_is(struct text name, const char *wanted)
{
	return name.length > 0 && (name.bytes[0] | 0x20) == (wanted[0] | 0x20) && text_equal_caseless(text_of(wanted), name);
}

/* The name as those have it that read it; bytes NULL: no target reads the header. */
static struct text read_name_find(const struct gateway_targets *targets, struct text name)
{
	for (size_t i = 0; i < targets->read.count; i++)
		if (name_is(name, targets->read.items[i].text))
			return text_of(targets->read.items[i].text);
	return (struct text){0};
}

/* Bytes NULL: a header of that name does not steer. */
static struct text steering_find(const struct call_lines *lines, const struct gateway_targets *targets, struct text name)
{
	const enum header_name known = header_name_find(name);
	if ((lines->more | steering_names()) & header_name_bit(known))
		return known == HEADER_OIP_LENGTH ? TEXT(OIP_LENGTH_HEADER) : header_name_text(known); /* as its page writes it */
	return read_name_find(targets, name);
}

/* The value of the first line of a name, which is that of a line. */
static struct text first_value(const struct call_lines *lines, struct text wanted)
{
	struct text name, value = {0};
	for (size_t place = 0; lines->next(lines->context, &place, &name, &value);)
		if (name.bytes == wanted.bytes || (name.length == wanted.length && text_equal_caseless(name, wanted)))
			break;
	return value;
}

bool call_headers_check(const struct call_lines *lines, const struct gateway_targets *targets, struct call_refusal *refusal)
{
	struct text name, value;
	if (!(lines->repeated & (lines->more | steering_names())) && targets->read.count == 0)
		return true;
	for (size_t place = 0; lines->next(lines->context, &place, &name, &value);) {
		const struct text found = steering_find(lines, targets, name);
		const struct text first = found.bytes ? first_value(lines, name) : value;
		if (first.bytes != value.bytes && !text_equal(first, value))
			return call_setup_refuse(refusal, 400,
						 "the header " TEXT_FORMAT " is there twice, as \"" TEXT_FORMAT
						 "\" and \"" TEXT_FORMAT "\"; send it once",
						 TEXT_ARGUMENTS(found), TEXT_ARGUMENTS(call_name_shown(first)),
						 TEXT_ARGUMENTS(call_name_shown(value)));
	}
	return true;
}

/* ---- target ---- */

struct text call_name_shown(struct text name)
{
	return (struct text){name.bytes, name.length < NAME_BYTES_SHOWN ? name.length : NAME_BYTES_SHOWN};
}

struct text call_name_asked(const struct call_source *source, const struct call_name *asked)
{
	const struct text ends[] = {TEXT(".pipeline"), TEXT(".experiment")};
	const struct gateway_targets *targets = source->targets;
	struct text header = source->header(source->context, HEADER_SELDON_MODEL);
	struct text name = header.length > 0 && asked->namespace.length == 0 ? header : asked->name;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (name.length > ends[i].length && text_ends_with(name, ends[i])) {
			name.length -= ends[i].length;
			break;
		}
	size_t count;
	const struct gateway_target *only = name.length == 0 ? gateway_target_only(targets, &count) : NULL;
	return only ? text_of(only->name) : name;
}

/* Bytes NULL: none is near. */
static struct text name_nearest(const struct gateway_targets *targets, struct text name)
{
	struct suggestion suggestion = suggest_begin(name);
	for (size_t i = 0; i < targets->count; i++)
		suggest_offer(&suggestion, text_of(targets->items[i].name));
	return suggestion.nearest;
}

static bool version_is_of(const struct gateway_target *target, struct text version)
{
	char digits[GATEWAY_VERSION_BYTES];
	return text_equal(version, gateway_target_version(target, digits));
}

/* Many clients send 1 to servers that keep no versions, so it means the version in force. */
static bool version_check(const struct gateway_targets *targets, const struct gateway_target *target, struct text version,
			  struct call_refusal *refusal)
{
	char digits[GATEWAY_VERSION_BYTES], kept[ERROR_TEXT_MAX];
	if (version.length == 0 || text_is(version, "1") || version_is_of(target, version) ||
	    (target->front && version_is_of(target->front, version)))
		return true;
	const struct text shown = call_name_shown(version), in_force = gateway_target_version(target, digits);
	if (target->version == 0)
		return call_setup_refuse(refusal, 404,
					 "there is no version `" TEXT_FORMAT "` of `%s` here; name version 1, or none",
					 TEXT_ARGUMENTS(shown), target->name);
	(void)snprintf(kept, sizeof kept, "%s@" TEXT_FORMAT, target->name, TEXT_ARGUMENTS(shown));
	const bool is_kept = gateway_targets_have_model(targets, text_of(kept));
	return call_setup_refuse(refusal, 404,
				 "there is no version `" TEXT_FORMAT "` of `%s` here; version " TEXT_FORMAT
				 " is in force, and is what 1 and no version mean%s%s%s",
				 TEXT_ARGUMENTS(shown), target->name, TEXT_ARGUMENTS(in_force), is_kept ? "; " : "",
				 is_kept ? kept : "", is_kept ? " is called by the experiments that name it" : "");
}

static void target_refuse(const struct call_source *source, const struct call_name *asked, struct text name,
			  struct call_refusal *refusal)
{
	const struct gateway_targets *targets = source->targets;
	const char *kind = asked->pipeline_only ? "pipeline" : "model or pipeline", *served = targets->items[0].namespace;
	const struct text shown = call_name_shown(name), namespace = call_name_shown(asked->namespace);
	const bool is_elsewhere = namespace.length > 0 && !text_equal(asked->namespace, text_of(served));
	if (is_elsewhere && source->suggests) {
		call_setup_refuse(refusal, 404,
				  "there is no %s `" TEXT_FORMAT "` in namespace " TEXT_FORMAT ": this gateway serves namespace %s",
				  kind, TEXT_ARGUMENTS(shown), TEXT_ARGUMENTS(namespace), served);
		return;
	}
	const struct text nearest = source->suggests ? name_nearest(targets, shown) : (struct text){0};
	call_setup_refuse(refusal, 404,
			  "there is no %s `" TEXT_FORMAT "`%s" TEXT_FORMAT " among the files of this gateway%s" TEXT_FORMAT "%s",
			  kind, TEXT_ARGUMENTS(shown), namespace.length > 0 ? " in namespace " : "", TEXT_ARGUMENTS(namespace),
			  nearest.bytes ? "; did you mean `" : "", TEXT_ARGUMENTS(nearest), nearest.bytes ? "`?" : "");
}

const struct gateway_target *call_target_find(const struct call_source *source, const struct call_name *asked,
					      struct call_refusal *refusal)
{
	const struct gateway_targets *targets = source->targets;
	struct text name = call_name_asked(source, asked);
	if (targets->count == 0) {
		call_setup_refuse(
			refusal, 404,
			"there is no pipeline here any more: all were deleted. `sluice get` lists what the namespace has");
		return NULL;
	}
	if (name.length == 0) {
		size_t count;
		(void)gateway_target_only(targets, &count);
		call_setup_refuse(refusal, 404,
				  "which of the %zu pipelines is asked? Name it by the request, by the path "
				  "/seldon/NAMESPACE/NAME/..., or by the header seldon-model",
				  count);
		return NULL;
	}
	const struct gateway_target *target = gateway_target_find(targets, asked->namespace, name);
	if (!target && !asked->pipeline_only && gateway_targets_have_model(targets, name))
		call_setup_refuse(refusal, 404,
				  "the Model `%.*s` cannot be asked by itself: a pipeline of the files calls it, or no server has "
				  "it. Ask the pipeline, or give the Model `standalone: true`; `sluice plan` shows both",
				  (int)name.length, name.bytes);
	else if (!target)
		target_refuse(source, asked, name, refusal);
	if (target && !version_check(targets, target, asked->version, refusal))
		return NULL;
	return target && target->front ? target->front : target;
}

bool call_body_fits(const struct gateway_target *target, size_t body_bytes, struct call_refusal *refusal)
{
	return body_bytes <= target->request_bytes ||
	       call_setup_refuse(refusal, 413,
				 "the request has %zu bytes, and the topic of pipeline %s takes %zu; send less at a time, or raise "
				 "the topic's max.message.bytes",
				 body_bytes, target->name, target->request_bytes);
}

bool call_is_possible(const struct gateway_target *target, size_t body_bytes, struct call_refusal *refusal)
{
	if (target->refusal)
		return call_setup_refuse(refusal, 409,
					 "pipeline %s cannot answer while its caller waits: %s. Send the request over HTTP with "
					 "the header `Prefer: respond-async`, or to the pipeline's topic, and read the topic %s",
					 target->name, target->refusal, target->outputs ? target->outputs : "of its outputs");
	return call_body_fits(target, body_bytes, refusal);
}

/* ---- deadline, id and headers ---- */

static const struct {
	enum header_name name;
	bool absolute;
} deadline_headers[] = {{HEADER_DEADLINE, true}, {HEADER_TIMEOUT, false}};

#define DEADLINE_HEADERS (sizeof deadline_headers / sizeof *deadline_headers)

bool call_has_deadline(const struct call_source *source)
{
	for (size_t i = 0; i < DEADLINE_HEADERS; i++)
		if (source->header(source->context, deadline_headers[i].name).bytes)
			return true;
	return false;
}

bool call_deadline_read(const struct call_source *source, int64_t *deadline_ms, struct call_refusal *refusal)
{
	int64_t now_ms = source->now_ms, most_ms = now_ms + GATEWAY_DEADLINE_MAX_MS;
	*deadline_ms = now_ms + (source->config->timeout_ms > 0 ? source->config->timeout_ms : GATEWAY_TIMEOUT_MS);
	for (size_t i = 0; i < DEADLINE_HEADERS; i++) {
		struct text value = source->header(source->context, deadline_headers[i].name);
		int64_t number;
		if (!value.bytes)
			continue;
		if (!number_read_int64(value, &number) || number <= 0)
			return call_setup_refuse(refusal, 400, "the header %s is \"%.*s\"; it must be milliseconds%s, above 0",
						 header_name_text(deadline_headers[i].name).bytes,
						 (int)(value.length < 40 ? value.length : 40), value.bytes,
						 deadline_headers[i].absolute ? " since 1970" : "");
		if (!deadline_headers[i].absolute)
			number = number < GATEWAY_DEADLINE_MAX_MS ? source->arrived_ms + number : most_ms;
		*deadline_ms = number < most_ms ? number : most_ms;
		return true;
	}
	return true;
}

struct text call_id_find(const struct call_source *source, const char **header)
{
	*header = REPLY_ID_HEADER;
	const struct text id = source->header(source->context, HEADER_REQUEST_ID);
	if (id.length > 0)
		return id;
	*header = SELDON_PUID_HEADER;
	return source->header(source->context, HEADER_SELDON_PUID);
}

bool call_id_check(const char *header, struct text id, struct call_refusal *refusal)
{
	if (id.length > CALL_ID_BYTES_MAX)
		return call_setup_refuse(refusal, 400, "the header %s has %zu bytes, more than %zu; shorten it", header, id.length,
					 CALL_ID_BYTES_MAX);
	return text_is_utf8(id) ||
	       call_setup_refuse(refusal, 400, "the header %s is not UTF-8, as ids in answers must be; write it in ASCII", header);
}

bool call_id_read(const struct call_source *source, struct text *id, struct call_refusal *refusal)
{
	const char *header;
	*id = call_id_find(source, &header);
	return call_id_check(header, *id, refusal);
}

bool call_key_read(const struct call_source *source, bool explains, struct text *key, struct call_refusal *refusal)
{
	*key = source->header(source->context, HEADER_IDEMPOTENCY_KEY);
	if (!key->bytes)
		return true;
	if (explains)
		return call_setup_refuse(refusal, 400, "an explanation takes no " IDEMPOTENCY_HEADER "; send it without");
	if (key->length > 1 && key->bytes[0] == '"' && key->bytes[key->length - 1] == '"')
		*key = (struct text){key->bytes + 1, key->length - 2};
	return (key->length > 0 && key->length <= IDEMPOTENCY_KEY_BYTES_MAX) ||
	       call_setup_refuse(refusal, 400, "the header " IDEMPOTENCY_HEADER " has %zu bytes; it must have 1 to %zu",
				 key->length, IDEMPOTENCY_KEY_BYTES_MAX);
}

/* The line of a header at that place, by its number, or by its name if it has none. */
static struct text line_at(const struct call_source *source, enum header_name known, const char *name, size_t place)
{
	return name ? source->header_named(source->context, name, place) : source->header_at(source->context, known, place);
}

/* The values of all lines of a header, of which this is the first. One that is alone is borrowed. */
static struct text lines_joined(const struct call_source *source, enum header_name known, const char *name, struct text first,
				struct arena *arena)
{
	/* Routes are parts between colons, so that they may follow one another; others are lists (RFC 9110, 5.3). */
	const bool is_route = known == HEADER_ROUTE || known == HEADER_SELDON_ROUTE;
	const struct text between = is_route ? TEXT("") : TEXT(",");
	struct buffer all;
	buffer_open(&all, SIZE_MAX / 2); /* the request's head has a limit */
	for (size_t place = 1; first.bytes; place++) {
		const struct text more = line_at(source, known, name, place);
		if (!more.bytes)
			break;
		if (place == 1)
			buffer_text(&all, first);
		buffer_text(&all, between);
		buffer_text(&all, more);
	}
	const struct text joined = all.length == 0 || buffer_failed(&all) ? first : text_copied(arena, buffer_view(&all));
	buffer_close(&all);
	return joined.bytes ? joined : first;
}

/* Whether a header steers, or the targets read it: then all of its lines are the same (call_headers_check()). */
static bool has_one_value(const struct gateway_targets *targets, struct text name)
{
	return (steering_names() | call_names_of_grpc()) & header_name_bit(header_name_find(name)) ||
	       read_name_find(targets, name).bytes;
}

/* Whether lines of traceparent differ, so that the request is in no one trace. */
static bool traces_differ(const struct call_source *source)
{
	const struct text first = source->header(source->context, HEADER_TRACEPARENT);
	for (size_t place = 1; first.bytes; place++) {
		const struct text more = source->header_at(source->context, HEADER_TRACEPARENT, place);
		if (!more.bytes)
			break;
		if (!text_equal(first, more))
			return true;
	}
	return false;
}

static bool is_of_trace(enum header_name name)
{
	return name == HEADER_TRACEPARENT || name == HEADER_TRACESTATE;
}

/* Whether the lines of a usual header, of those that may be lists or follow one another, are joined. */
static bool usual_is_joined(const struct call_source *source, enum header_name name, struct text text)
{
	return name == HEADER_ROUTE ||
	       ((name == HEADER_TRACESTATE || name == HEADER_SELDON_ROUTE) && !has_one_value(source->targets, text));
}

/* The traceparent of a request that has only headers of B3; bytes NULL: it has none, or they are invalid. */
static struct text b3_parent(const struct call_source *source, struct arena *arena)
{
	struct b3_values values = {.single = source->header(source->context, HEADER_B3),
				   .trace = source->header(source->context, HEADER_B3_TRACE)};
	char parent[TRACE_PARENT_BYTES];
	if (!values.single.bytes && !values.trace.bytes)
		return (struct text){0};
	values.span = source->header_named(source->context, B3_SPAN_HEADER, 0);
	values.sampled = source->header_named(source->context, B3_SAMPLED_HEADER, 0);
	values.flags = source->header_named(source->context, B3_FLAGS_HEADER, 0);
	return b3_parent_write(&values, parent) ? text_copied(arena, (struct text){parent, sizeof parent}) : (struct text){0};
}

/* The usual ones. Their names are written as in their own pages. */
static size_t usual_headers_pass(const struct call_source *source, struct arena *arena, struct header *items)
{
	static const struct {
		enum header_name name;
		struct text text;
	} usual[] = {
		{HEADER_CONTENT_TYPE, {"content-type", sizeof "content-type" - 1}},
		{HEADER_OIP_LENGTH, {OIP_LENGTH_HEADER, sizeof OIP_LENGTH_HEADER - 1}},
		{HEADER_ROUTE, {ROUTE_HEADER, sizeof ROUTE_HEADER - 1}},
		{HEADER_TRACEPARENT, {TRACE_PARENT_HEADER, sizeof TRACE_PARENT_HEADER - 1}},
		{HEADER_TRACESTATE, {TRACE_STATE_HEADER, sizeof TRACE_STATE_HEADER - 1}},
		{HEADER_SELDON_ROUTE, {"seldon-route", sizeof "seldon-route" - 1}},
		{HEADER_EXPLAIN, {EXPLAIN_HEADER, sizeof EXPLAIN_HEADER - 1}},
	};
	static_assert(sizeof usual / sizeof *usual == USUAL_HEADERS, "there is space for them");
	const bool is_untraced = traces_differ(source);
	size_t count = 0;
	if (is_untraced && source->dropped_traces)
		++*source->dropped_traces;
	for (size_t i = 0; i < USUAL_HEADERS; i++) {
		struct text value = source->header(source->context, usual[i].name);
		if (is_untraced && is_of_trace(usual[i].name))
			continue;
		if (i < 2 && source->content_type) /* a record of a fixed content type has no binary data after the JSON */
			value = i == 0 ? text_of(source->content_type) : (struct text){0};
		if (usual[i].name == HEADER_TRACEPARENT && !value.bytes)
			value = b3_parent(source, arena);
		if (usual_is_joined(source, usual[i].name, usual[i].text))
			value = lines_joined(source, usual[i].name, NULL, value, arena);
		if (value.bytes)
			items[count++] = (struct header){usual[i].text, value};
	}
	return count;
}

static size_t listed_headers_pass(const struct call_source *source, const struct name_list *list, struct arena *arena,
				  struct header *items, size_t count)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct text name = text_of(list->items[i].text);
		struct text value = source->header_named(source->context, name.bytes, 0);
		if (!value.bytes || headers_find((struct headers){count, items}, name) || is_of_trace(header_name_find(name)))
			continue; /* a trace that is not passed on by itself is not one */
		if (!has_one_value(source->targets, name))
			value = lines_joined(source, HEADER_OTHER, name.bytes, value, arena);
		items[count++] = (struct header){name, value};
	}
	return count;
}

struct headers call_headers_passed(const struct call_source *source, struct arena *arena)
{
	const struct name_list *more = &source->config->passed, *read = &source->targets->read;
	struct header *items = ARENA_ARRAY(arena, struct header, USUAL_HEADERS + more->count + read->count);
	if (!items)
		return (struct headers){0};
	size_t count = usual_headers_pass(source, arena, items);
	count = listed_headers_pass(source, more, arena, items, count);
	count = listed_headers_pass(source, read, arena, items, count);
	return (struct headers){count, items};
}

struct headers call_headers_with(struct headers headers, const char *name, struct text value, struct arena *arena)
{
	if (value.length > 0)
		(void)headers_put(&headers, (struct header){text_of(name), value}, arena);
	return headers;
}
