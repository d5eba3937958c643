/* case_records.c: see case_records.h. */
#include "tools/test/case_records.h"

#include <stdio.h>

#include "message/records/dead_letter.h"
#include "message/formats/oip_json.h"
#include "message/rows.h"

/* ---- points ---- */

static const struct topic *topic_of(const struct pipeline_plan *pipeline, struct text step, enum topic_role role)
{
	const bool of_step = role == TOPIC_STEP_INPUTS || role == TOPIC_STEP_OUTPUTS;
	for (size_t i = 0; i < pipeline->topic_count; i++) {
		const struct topic *topic = &pipeline->topics[i];
		if (topic->role == role && (!of_step || text_is(step, pipeline->graph->steps[topic->of].name)))
			return topic;
	}
	return NULL;
}

/* The topic of a point: "outputs" or "step.a.inputs", the text after the pipeline's name. */
static const struct topic *topic_at(const struct pipeline_plan *pipeline, struct text rest)
{
	const struct text begin = TEXT("step."), inputs_end = TEXT(".inputs"), outputs_end = TEXT(".outputs");
	const bool inputs = text_ends_with(rest, inputs_end);
	const struct text end = inputs ? inputs_end : outputs_end;
	if (text_is(rest, "inputs"))
		return topic_of(pipeline, (struct text){0}, TOPIC_INPUTS);
	if (text_is(rest, "outputs"))
		return topic_of(pipeline, (struct text){0}, TOPIC_OUTPUTS);
	if (text_is(rest, "errors"))
		return topic_of(pipeline, (struct text){0}, TOPIC_ERRORS);
	if (!text_starts_with(rest, begin) || !text_ends_with(rest, end) || rest.length < begin.length + end.length)
		return NULL;
	const struct text step = {rest.bytes + begin.length, rest.length - begin.length - end.length};
	return topic_of(pipeline, step, inputs ? TOPIC_STEP_INPUTS : TOPIC_STEP_OUTPUTS);
}

static struct case_point point_find(const struct plan *plan, const char *name)
{
	struct case_point point = {.name = name, .shown = true};
	for (size_t i = 0; i < plan->count && !point.topic; i++) {
		const struct graph *graph = plan->pipelines[i].graph;
		const size_t length = strlen(graph->name);
		if (strncmp(name, graph->name, length) != 0 || name[length] != '.')
			continue;
		point.topic = topic_at(&plan->pipelines[i], text_of(name + length + 1));
		if (point.topic && point.topic->role == TOPIC_INPUTS) {
			point.content = CASE_REQUESTS;
			point.mapping = graph->mapping;
		} else if (point.topic && point.topic->role == TOPIC_ERRORS) {
			point.content = CASE_LETTERS;
			point.letters = !graph->has_output	     ? LETTERS_UNREAD_REPLY
					: !graph->spec->output.errors ? LETTERS_REPLY
								      : LETTERS_KEPT;
		}
		point.pipeline = graph->name;
	}
	return point;
}

static void point_add(struct case_points *points, struct case_point point)
{
	for (size_t i = 0; i < points->count; i++)
		if (strcmp(points->items[i].name, point.name) == 0) {
			points->items[i].shown |= point.shown;
			return;
		}
	points->items[points->count++] = point;
}

/* An error that leaves in no answer stands among the failed requests. */
static bool is_silent(const struct graph *graph)
{
	return !graph->has_output || !graph->spec->output.errors;
}

static void reply_points_add(struct case_points *points, const struct plan *plan, const struct case_send *send, struct arena *arena)
{
	const struct pipeline_plan *pipeline = plan_find(plan, send->pipeline);
	const char *errors = pipeline && is_silent(pipeline->graph) ? arena_print(arena, "%s.errors", send->pipeline) : NULL;
	struct case_point point;
	if (pipeline && pipeline->graph->has_output) {
		point = point_find(plan, send->outputs);
		point.shown = false;
		point_add(points, point);
	}
	if (errors) {
		point = point_find(plan, errors);
		point.shown = false;
		point_add(points, point);
	}
}

/* NULL: the arena is full, which case_points_find() reports. */
static void shown_point_add(struct case_points *points, const struct plan *plan, const char *name)
{
	if (name)
		point_add(points, point_find(plan, name));
}

static void all_points_add(struct case_points *points, const struct plan *plan, struct arena *arena)
{
	for (size_t i = 0; i < plan->count && !arena_failed(arena); i++) {
		const struct graph *graph = plan->pipelines[i].graph;
		if (graph->resource->made_of && graph->resource->made_of->kind->type == RESOURCE_MODEL)
			continue;
		shown_point_add(points, plan, arena_print(arena, "%s.inputs", graph->name));
		for (size_t j = 0; j < graph->count && !arena_failed(arena); j++) {
			const char *step = graph->steps[graph->order[j]].name;
			shown_point_add(points, plan, arena_print(arena, "%s.step.%s.inputs", graph->name, step));
			shown_point_add(points, plan, arena_print(arena, "%s.step.%s.outputs", graph->name, step));
		}
		if (graph->has_output)
			shown_point_add(points, plan, arena_print(arena, "%s.outputs", graph->name));
		if (is_silent(graph))
			shown_point_add(points, plan, arena_print(arena, "%s.errors", graph->name));
	}
}

static size_t points_most(const struct plan *plan, const struct case_files *files, size_t targets)
{
	size_t most = files->expected_count + 2 * targets;
	for (size_t i = 0; i < plan->count; i++)
		most += 3 + 2 * plan->pipelines[i].graph->count;
	return most;
}

bool case_points_find(struct case_points *points, const struct plan *plan, const struct case_files *files,
		      const struct case_sends *sends, bool all, struct arena *arena, struct error *error)
{
	const size_t most = points_most(plan, files, files->request_count);
	*points = (struct case_points){.items = ARENA_ARRAY(arena, struct case_point, most)};
	if (points->items && all)
		all_points_add(points, plan, arena);
	for (size_t i = 0; points->items && i < files->expected_count && !arena_failed(arena); i++) {
		const struct text at = files->expected[i].at;
		const char *name = at.length ? arena_copy(arena, at.bytes, at.length) : NULL;
		if (name)
			point_add(points, point_find(plan, name));
	}
	for (size_t i = 0; points->items && i < sends->count && !arena_failed(arena); i++)
		if (sends->items[i].pipeline && (i == 0 || sends->items[i].request != sends->items[i - 1].request))
			reply_points_add(points, plan, &sends->items[i], arena);
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "reading a case's topics");
}

/* ---- records ---- */

/* The error that a decoded answer is. */
static bool keep_error(const struct decoded_answer *answer, struct arena *arena, struct case_came *came)
{
	struct error *error = ARENA_NEW(arena, struct error);
	if (!error)
		return false;
	came->error = error;
	for (enum error_kind kind = ERROR_CONFIG; kind <= ERROR_SYSTEM; kind++)
		if (text_is(answer->kind, error_kind_name(kind))) {
			error_set(error, kind, PLACE_NONE, TEXT_FORMAT, TEXT_ARGUMENTS(answer->words));
			return true;
		}
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "the record is not an answer: " TEXT_FORMAT, TEXT_ARGUMENTS(answer->words));
	return true;
}

static bool keep_payload(const struct payload *payload, struct arena *arena, struct case_came *came)
{
	struct payload *kept = ARENA_NEW(arena, struct payload);
	if (kept)
		*kept = *payload;
	came->payload = kept;
	return kept;
}

static bool answer_read(struct headers headers, struct text value, struct arena *arena, struct case_came *came, struct error *error)
{
	struct decoded_answer answer;
	if (!answer_decode(headers, value, NULL, arena, &answer, error))
		return false;
	came->id = answer.id;
	return answer.readable ? keep_payload(&answer.payload, arena, came) : keep_error(&answer, arena, came);
}

static bool request_read(const struct case_point *point, struct headers headers, struct text value, struct arena *arena,
			 struct case_came *came)
{
	struct message *message = ARENA_NEW(arena, struct message);
	struct error *wrong = ARENA_NEW(arena, struct error);
	if (!message || !wrong)
		return false;
	*message = (struct message){.arena = arena, .headers = headers};
	const bool good = point->mapping ? mapped_decode(message, point->mapping, value, NULL, wrong)
					 : message_decode(message, value, NULL, wrong);
	const struct header *id = headers_find(headers, TEXT("x-request-id"));
	came->id = id ? id->value : message->payload_id;
	came->payload = good ? &message->payload : NULL;
	came->error = wrong;
	return true;
}

static bool letter_read(struct text value, struct arena *arena, struct case_came *came)
{
	struct dead_letter letter;
	struct error *wrong = ARENA_NEW(arena, struct error);
	if (!wrong)
		return false;
	came->error = wrong;
	if (!dead_letter_decode(value, arena, &letter, wrong))
		return true;
	came->error = letter.error;
	came->id = letter.id;
	came->of_step = letter.step && *letter.step;
	return true;
}

bool case_record_read(const struct case_point *point, const struct record *record, struct arena *arena, struct case_came *came,
		      struct error *error)
{
	struct headers headers;
	const struct text value = text_copied(arena, record->value);
	*came = (struct case_came){0};
	if (!record_headers(record, arena, &headers, error) || arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "reading a case's topics");
	headers = headers_copied(arena, headers);
	const bool good = point->content == CASE_LETTERS    ? letter_read(value, arena, came)
			  : point->content == CASE_REQUESTS ? request_read(point, headers, value, arena, came)
							    : answer_read(headers, value, arena, came, error);
	const bool framed = headers_find(headers, TEXT(OIP_LENGTH_HEADER));
	if (value.length && value.bytes[0] == '{' && !framed)
		came->body = value;
	return (good && !arena_failed(arena)) || error_memory(error, ERROR_LIMIT, "reading a case's topics");
}

static bool is_reply(const struct case_send *of, const struct case_point *point, const struct case_came *came)
{
	if (point->content == CASE_ANSWERS)
		return strcmp(of->outputs, point->name) == 0;
	return point->content == CASE_LETTERS && strcmp(of->pipeline, point->pipeline) == 0 &&
	       (point->letters == LETTERS_REPLY || (point->letters == LETTERS_UNREAD_REPLY && !came->of_step));
}

void case_came_take(struct case_results *results, const struct case_point *point, const struct case_send *of,
		    const struct case_came *came)
{
	struct arrival arrival = {.id = of ? of->request->id : came->id,
				  .record_id = came->id,
				  .at = point->name,
				  .payload = came->payload,
				  .error = came->payload ? NULL : came->error};
	if (point->shown && (came->payload || point->content != CASE_REQUESTS)) /* what cannot be read is answered with that */
		case_results_add(results, &arrival);
	if (!of || !is_reply(of, point, came))
		return;
	arrival.at = NULL;
	arrival.body = came->payload ? came->body : (struct text){0};
	case_results_add(results, &arrival);
}
