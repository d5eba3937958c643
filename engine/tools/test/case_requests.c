/* case_requests.c: see case_requests.h. */
#include "tools/test/case_requests.h"

#include <stdio.h>

#include "base/suggest.h"
#include "message/rows.h"
#include "engine/worker/worker.h"

/* ---- targets ---- */

/* What may be sent to: a pipeline, or a Model. */
static const struct resource *find_named(const struct spec *spec, const char *name, bool is_model)
{
	return spec_find(spec, is_model ? RESOURCE_MODEL : RESOURCE_PIPELINE, name);
}

/* Pipelines of the files come before those that are made of other resources, and both before Models. */
static const struct resource *find_first(const struct spec *spec)
{
	const struct resource *made = NULL;
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		if (resource->kind->type != RESOURCE_PIPELINE)
			continue;
		if (!resource->made_of)
			return resource;
		made = made ? made : resource;
	}
	return made ? made : spec_first(spec, RESOURCE_MODEL);
}

/* The nearest target to one that is not there; empty: none is near. */
static struct text target_meant(const struct spec *spec, struct text target, struct arena *arena)
{
	struct suggestion suggestion = suggest_begin(target);
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		enum resource_type type = resource->kind->type;
		const char *folder = type == RESOURCE_MODEL	   ? "models"
				     : type == RESOURCE_EXPERIMENT ? "experiments"
				     : type == RESOURCE_PIPELINE   ? "pipelines"
								   : NULL;
		bool twice = resource->made_of && resource->made_of->kind->type == RESOURCE_EXPERIMENT;
		const char *name = twice ? NULL : resource->name.text;
		const char *whole = name && folder ? arena_print(arena, "%s/%s", folder, name) : NULL;
		if (whole)
			suggest_offer(&suggestion, text_of(whole));
	}
	return suggestion.nearest;
}

/* An experiment has a pipeline unless nothing of it answers. */
static bool is_mute_experiment(const struct spec *spec, const struct case_request *request, struct arena *arena,
			       struct error *error)
{
	const struct text folder = TEXT("experiments/"), target = request->target;
	if (!text_starts_with(target, folder))
		return false;
	const char *name = arena_copy(arena, target.bytes + folder.length, target.length - folder.length);
	const struct resource *experiment = name ? spec_find(spec, RESOURCE_EXPERIMENT, name) : NULL;
	if (!experiment || !experiment->spec || experiment_answers(experiment->spec))
		return false;
	(void)error_set(error, ERROR_INPUT, request->place, "the experiment `%s` " EXPERIMENT_MUTE, name);
	return true;
}

static const struct resource *find_target(const struct spec *spec, const struct case_request *request, struct arena *arena,
					  struct error *error)
{
	const struct text target = request->target;
	const struct resource *found = NULL;
	if (target.length) {
		const char *slash = memchr(target.bytes, '/', target.length);
		size_t skip = slash ? (size_t)(slash - target.bytes) + 1 : 0;
		const char *name = arena_copy(arena, target.bytes + skip, target.length - skip);
		bool model = text_starts_with(target, TEXT("models/")), pipeline = text_starts_with(target, TEXT("pipelines/"));
		const struct resource *front = name && pipeline ? spec_experiment_of(spec, name) : NULL;
		found = name ? find_named(spec, front ? front->name.text : name, model) : NULL;
	} else {
		found = find_first(spec);
	}
	if (found || is_mute_experiment(spec, request, arena, error))
		return found;
	const struct text meant = target_meant(spec, target, arena);
	return error_null(error_set(error, ERROR_INPUT, request->place,
				    "there is no `" TEXT_FORMAT "` to send it to; %s" TEXT_FORMAT "%s", TEXT_ARGUMENTS(target),
				    meant.length ? "did you mean `"
						   : "targets are `pipelines/NAME`, `models/NAME` and `experiments/NAME`",
				    TEXT_ARGUMENTS(meant), meant.length ? "`?" : ""));
}

/* The name of the pipeline in an engine: a Model has one of its own. */
static const char *name_in_engine(const struct spec *spec, const struct resource *target, struct arena *arena)
{
	const bool is_taken =
		target->kind->type == RESOURCE_MODEL && spec_find(spec, RESOURCE_PIPELINE, target->name.text) != NULL;
	return is_taken ? arena_print(arena, "%s-model", target->name.text) : target->name.text;
}

static bool send_make(struct case_sends *sends, struct case_send *send, const struct spec *spec, struct name *models,
		      struct arena *arena)
{
	struct error wrong = {0};
	const struct resource *target = find_target(spec, send->request, arena, &wrong);
	if (target) {
		const char *name = name_in_engine(spec, target, arena);
		send->pipeline = name;
		send->outputs = name ? arena_print(arena, "%s.outputs", name) : NULL;
		if (target->kind->type == RESOURCE_MODEL && !name_list_has(sends->models_asked, target->name.text))
			models[sends->models_asked.count++] = (struct name){.text = target->name.text};
		return send->outputs;
	}
	struct error *refused = ARENA_NEW(arena, struct error);
	if (refused)
		*refused = wrong;
	send->refused = refused;
	return refused;
}

bool case_sends_make(struct case_sends *sends, const struct case_files *files, const struct spec *spec, struct arena *arena,
		     struct error *error)
{
	*sends = (struct case_sends){0};
	for (size_t i = 0; i < files->request_count; i++)
		sends->count += (size_t)files->requests[i].repeat;
	sends->items = ARENA_ARRAY(arena, struct case_send, sends->count);
	struct name *models = ARENA_ARRAY(arena, struct name, files->request_count);
	struct case_send *next = sends->items;
	sends->models_asked.items = models;
	for (size_t i = 0; next && models && i < files->request_count; i++) {
		const struct case_request *request = &files->requests[i];
		struct case_send made = {.request = request};
		if (!send_make(sends, &made, spec, models, arena))
			break;
		for (int64_t turn = 0; turn < request->repeat; turn++)
			*next++ = made;
	}
	return (!arena_failed(arena) && next) || error_memory(error, ERROR_SYSTEM, "sending the requests of a case");
}

/* ---- ids and headers ---- */

/* What a request says of itself when it is read as the case says. */
struct request_reading {
	struct text id;	  /* of its payload; empty: none */
	const char *type; /* the content type that it needs, where its bytes alone would be taken for another format; NULL: none */
};

static const struct format *format_declared(const struct case_request *request)
{
	return text_is(request->protocol, "v1")	      ? &format_v1
	       : text_is(request->protocol, "seldon") ? &format_seldon
						      : &format_oip_json;
}

/* Whether the bytes are of the protocol that the case names. V2, the default, has more forms than JSON: protobuf, and Avro. */
static bool is_as_told(const struct message *message, const struct format *declared)
{
	return message->format == declared || (declared == &format_oip_json && message->format && message->format->binary);
}

/* The last content type of a format is one that only this format has. Bytes that cannot be read are the engine's to refuse. */
static struct request_reading request_read(const struct case_request *request, const struct mapping *mapping, struct arena *scratch)
{
	struct error ignored = {0};
	struct request_reading reading = {.type = NULL};
	struct message message = {.arena = scratch, .headers = request->headers};
	const struct format *declared = format_declared(request);
	(void)(mapping ? mapped_decode(&message, mapping, request->body, NULL, &ignored)
		       : message_decode(&message, request->body, NULL, &ignored));
	if (!mapping && !headers_find(request->headers, TEXT("content-type")) && !is_as_told(&message, declared)) {
		for (const struct text *type = declared->content_types; type->bytes; type++)
			reading.type = type->bytes;
		arena_reset(scratch);
		message = (struct message){.arena = scratch, .headers = request->headers, .format = declared};
		ignored = (struct error){0};
		(void)message_decode(&message, request->body, NULL, &ignored);
	}
	if (ignored.kind == ERROR_NONE)
		reading.id = message.payload_id;
	return reading;
}

static int64_t timeout_of(struct headers headers)
{
	const struct header *timeout = headers_find(headers, TEXT("x-timeout-ms"));
	int64_t ms = 0;
	bool given = timeout && !headers_find(headers, TEXT(DEADLINE_HEADER)) && number_read_int64(timeout->value, &ms);
	return given && ms > 0 ? ms : 0;
}

/* As the gateway would: an id, where the request has none, and its protocol. */
static void send_fill(struct case_send *send, const struct request_reading *reading, int64_t turn, struct arena *arena)
{
	const struct case_request *request = send->request;
	const struct headers given = request->headers;
	const struct header *named = headers_find(given, TEXT("x-request-id"));
	struct header *items = ARENA_ARRAY(arena, struct header, given.count + 2);
	for (size_t i = 0; items && i < given.count; i++)
		items[i] = given.items[i];
	send->headers = (struct headers){given.count, items};
	send->timeout_ms = timeout_of(given);
	send->id = named ? named->value : reading->id;
	const bool has_id = send->id.length > 0;
	if (!has_id)
		send->id = request->repeat == 1 ? request->id
						: text_of(arena_print(arena, TEXT_FORMAT "/%lld", TEXT_ARGUMENTS(request->id),
								      (long long)turn));
	if (items && !has_id)
		items[send->headers.count++] = (struct header){TEXT("x-request-id"), send->id};
	if (items && reading->type)
		items[send->headers.count++] = (struct header){TEXT("content-type"), text_of(reading->type)};
}

bool case_sends_fill(struct case_sends *sends, const struct plan *plan, struct arena *arena, struct error *error)
{
	struct arena *scratch = arena_open(worker_limits_usual.message_bytes);
	const struct case_request *before = NULL;
	struct request_reading reading = {.type = NULL};
	int64_t turn = 0;
	for (size_t i = 0; scratch && i < sends->count; i++) {
		struct case_send *send = &sends->items[i];
		const struct pipeline_plan *pipeline = send->pipeline ? plan_find(plan, send->pipeline) : NULL;
		turn = send->request == before ? turn + 1 : 0;
		if (send->request != before && pipeline) {
			arena_reset(scratch);
			reading = request_read(send->request, pipeline->graph->mapping, scratch);
			reading.id = text_copied(arena, reading.id);
		}
		before = send->request;
		if (pipeline)
			send_fill(send, &reading, turn, arena);
	}
	const bool good = scratch && !arena_failed(arena);
	arena_close(scratch);
	return good || error_memory(error, ERROR_SYSTEM, "sending the requests of a case");
}

bool case_send_headers(const struct case_send *send, int64_t now_ms, struct arena *arena, struct headers *headers)
{
	*headers = send->headers;
	if (send->timeout_ms == 0)
		return true;
	struct header *items = ARENA_ARRAY(arena, struct header, headers->count + 1);
	const char *deadline = arena_print(arena, "%lld", (long long)now_ms + send->timeout_ms);
	for (size_t i = 0; items && i < headers->count; i++)
		items[i] = headers->items[i];
	if (items && deadline)
		items[headers->count] = (struct header){TEXT(DEADLINE_HEADER), text_of(deadline)};
	*headers = (struct headers){headers->count + 1, items};
	return items && deadline;
}
