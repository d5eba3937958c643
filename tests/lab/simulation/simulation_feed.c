/* simulation_feed.c: see simulation_feed.h. */
#include "simulation/simulation_feed.h"

#include <inttypes.h>
#include <stdio.h>

#include "message/formats/oip_json.h"
#include "compiler/plan/plan.h"
#include "simulation/simulated_faults.h"

#define ANSWER_BYTES_MAX ((size_t)1 << 20)
#define TELL_BYTES 160
#define FACTOR 2 /* of what comes at the first point; what joins it is added */

/* ---- what it is ---- */

static const char *const rest_of[SIMULATION_POINT_KINDS] = {"inputs", "step.b0.outputs", "outputs"};

/* Of a request that is split, the parts are answered and not the whole. */
static bool point_draw(struct simulation_point *point, const struct simulation_line *line, struct random *random,
		       struct arena *arena)
{
	enum simulation_point_kind kind = (enum simulation_point_kind)random_below(random, SIMULATION_POINT_KINDS);
	if (kind == SIMULATION_ANSWERS && line->variants[0].parts > 1)
		kind = SIMULATION_FIRST_BLOCK;
	*point = (struct simulation_point){
		.line = line,
		.kind = kind,
		.reference = arena_print(arena, "%s.%s", line->name, rest_of[kind]),
		.reading = {.topic = topic_own_name(arena, PREFIX_DEFAULT, NAMESPACE_DEFAULT, line->name, rest_of[kind]),
			    .partitions = kind == SIMULATION_ANSWERS ? line->judge.answers.partitions : line->partitions},
	};
	return point->reference && point->reading.topic;
}

static bool is_same(const struct simulation_point *a, const struct simulation_point *b)
{
	return a->line == b->line && a->kind == b->kind;
}

bool simulation_feed_open(struct simulation_feed *feed, const struct simulation_line *lines, size_t line_count, char *why,
			  struct random *random, struct arena *arena)
{
	*feed = (struct simulation_feed){.name = "reader", .why = why, .exactly_once = lines[0].judge.exactly_once};
	feed->tell = lines[0].judge.tell;
	feed->context = lines[0].judge.context;
	feed->answers.partitions = (int32_t)random_between(random, 2, SIMULATION_PARTITIONS_MAX);
	feed->answers.topic = topic_own_name(arena, PREFIX_DEFAULT, NAMESPACE_DEFAULT, feed->name, "outputs");
	feed->point_count = (size_t)random_between(random, 1, SIMULATION_POINTS_MAX);
	feed->triggered = random_below(random, 2) && feed->point_count > 1;
	for (size_t i = 0; i < feed->point_count; i++) {
		const struct simulation_line *line = &lines[random_below(random, line_count)];
		if (!point_draw(&feed->points[i], line, random, arena))
			return false;
		feed->count = line->count > feed->count ? line->count : feed->count;
	}
	if (feed->point_count > 1 && is_same(&feed->points[0], &feed->points[1]))
		feed->point_count = 1;
	feed->triggered = feed->triggered && feed->point_count > 1;
	feed->fed = ARENA_ARRAY(arena, struct simulation_fed, feed->count);
	feed->arena = arena_open(ANSWER_BYTES_MAX);
	return feed->answers.topic && feed->fed && feed->arena;
}

void simulation_feed_close(struct simulation_feed *feed)
{
	arena_close(feed->arena);
}

bool simulation_feed_reads(const struct simulation_feed *feed, const struct simulation_line *line)
{
	for (size_t i = 0; i < feed->point_count; i++)
		if (feed->points[i].line == line)
			return true;
	return false;
}

void simulation_feed_write(const struct simulation_feed *feed, struct buffer *yaml)
{
	const char *first = feed->points[0].reference, *second = feed->point_count > 1 ? feed->points[1].reference : "";
	bool joined = feed->point_count > 1 && !feed->triggered;
	buffer_print(yaml, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s}\nspec:\n  delivery: %s\n",
		     feed->name, feed->exactly_once ? "exactly-once" : "at-least-once");
	buffer_string(yaml, "  input:\n    joinWindowMs: 3600000\n"); /* longer than any run */
	if (joined)
		buffer_print(yaml, "    externalInputs: [%s.x, %s.x]\n    tensorMap: {%s.x: y}\n", first, second, second);
	else
		buffer_print(yaml, "    externalInputs: [%s.x]\n", first);
	if (feed->triggered)
		buffer_print(yaml, "    externalTriggers: [%s]\n", second);
	buffer_print(yaml, "  steps:\n  - name: e\n    expression: {set: {x: \"x * %d%s\"}, keep: [x]}\n", FACTOR,
		     joined ? " + y" : "");
	buffer_string(yaml, "  output: {steps: [e]}\n---\n");
}

/* ---- records ---- */

/* The request of a record; NULL: none of ours. */
static struct simulation_fed *fed_of(const struct simulation_feed *feed, const struct record *record, int64_t *number)
{
	return simulation_request_number(record, feed->count, number) ? &feed->fed[*number] : NULL;
}

static bool value_read(struct simulation_feed *feed, const struct record *record, int64_t *value)
{
	struct oip_reply reply;
	struct error error = {0};
	arena_reset(feed->arena);
	if (!oip_json_decode_reply(feed->arena, record->value, 0, &reply, &error) || reply.payload.tensors.count != 1 ||
	    reply.payload.tensors.items[0]->count != 1)
		return false;
	*value = (int64_t)tensor_number(reply.payload.tensors.items[0], 0);
	return true;
}

static void given_note(struct simulation_given *given, int64_t value)
{
	for (unsigned i = 0; i < given->count; i++)
		if (given->values[i] == value)
			return;
	if (given->count < SIMULATION_VALUES_MAX)
		given->values[given->count++] = value;
}

/* What a step gave leaves with the answer: once, where that does. */
static void step_record_judge(struct simulation_feed *feed, const struct simulation_point *point,
			      const struct simulation_given *given, int64_t number, int64_t value)
{
	bool follows = false;
	for (size_t i = 0; i < point->line->variant_count; i++) {
		int64_t gives = number;
		const struct simulation_block *first = &point->line->variants[i].blocks[0];
		follows = follows ||
			  (simulation_block_answer(first, point->line->requests[number].counted, &gives) && gives == value);
	}
	if (!follows)
		simulation_fails(feed->why, "in %s stands %" PRId64 " for request %" PRId64 ", which its step did not give",
				 point->reading.topic, value, number);
	if (feed->exactly_once && given->records > 1)
		simulation_fails(feed->why, "request %" PRId64 " stands twice in %s", number, point->reading.topic);
}

static void point_take(struct simulation_feed *feed, size_t nth, const struct record *record)
{
	const struct simulation_point *point = &feed->points[nth];
	int64_t number, value;
	struct simulation_fed *fed = fed_of(feed, record, &number);
	if (!fed) {
		simulation_fails(feed->why, "a record of %s is nobody's", point->reading.topic);
		return;
	}
	struct simulation_given *given = &fed->given[nth];
	value = number;
	if (headers_find(record->headers, TEXT("sluice-error")))
		given->failed = true;
	else if (point->kind == SIMULATION_REQUESTS || value_read(feed, record, &value))
		given_note(given, value);
	else
		simulation_fails(feed->why, "the record of request %" PRId64 " in %s cannot be read", number, point->reading.topic);
	given->records++;
	if (point->kind == SIMULATION_FIRST_BLOCK)
		step_record_judge(feed, point, given, number, value);
}

/* ---- answers ---- */

static bool is_given(const struct simulation_feed *feed, const struct simulation_fed *fed)
{
	for (size_t i = 0; i < feed->point_count; i++)
		if (fed->given[i].count == 0)
			return false;
	return true;
}

/* A request of which an error came first, and its answer later, may have been given up in between. */
static bool is_due(const struct simulation_feed *feed, const struct simulation_fed *fed)
{
	for (size_t i = 0; i < feed->point_count; i++)
		if (fed->given[i].failed)
			return false;
	return is_given(feed, fed);
}

static bool is_possible(const struct simulation_feed *feed, const struct simulation_fed *fed, int64_t answer)
{
	const struct simulation_given *first = &fed->given[0], *second = &fed->given[1];
	bool joined = feed->point_count > 1 && !feed->triggered;
	for (unsigned i = 0; i < first->count; i++) {
		if (!joined && first->values[i] * FACTOR == answer)
			return true;
		for (unsigned j = 0; joined && j < second->count; j++)
			if (first->values[i] * FACTOR + second->values[j] == answer)
				return true;
	}
	return false;
}

static void tell_answer(const struct simulation_feed *feed, const struct record *record, const struct simulation_fed *fed,
			int64_t number, int64_t now_us)
{
	char what[TELL_BYTES];
	if (!feed->tell)
		return;
	(void)snprintf(what, sizeof what, "request %" PRId64 "%s at offset %" PRId64 " of %d%s", number,
		       headers_find(record->headers, TEXT("sluice-error")) ? ": an error," : "", record->offset, record->partition,
		       fed->answers > 0 ? ", again" : "");
	feed->tell(feed->context, now_us, feed->answers.topic, what);
}

static void answer_take(struct simulation_feed *feed, const struct record *record, int64_t now_us)
{
	int64_t number, answer = 0;
	struct simulation_fed *fed = fed_of(feed, record, &number);
	const struct header *kind = headers_find(record->headers, TEXT("sluice-error"));
	if (!fed) {
		simulation_fails(feed->why, "an answer of %s is nobody's: " TEXT_FORMAT, feed->name, TEXT_ARGUMENTS(record->value));
		return;
	}
	tell_answer(feed, record, fed, number, now_us);
	if (kind && !(feed->unwanted && text_is(kind->value, "LIMIT")))
		simulation_fails(feed->why, "request %" PRId64 " is answered by %s with an error: " TEXT_FORMAT, number, feed->name,
				 TEXT_ARGUMENTS(record->value));
	else if (!is_given(feed, fed))
		simulation_fails(feed->why, "request %" PRId64 " is answered by %s, though not all of it came", number, feed->name);
	else if (!kind && (!value_read(feed, record, &answer) || !is_possible(feed, fed, answer)))
		simulation_fails(feed->why,
				 "the answer of %s to request %" PRId64 " is %" PRId64 ", which does not follow from what came",
				 feed->name, number, answer);
	if (fed->answers++ > 0 && feed->exactly_once)
		simulation_fails(feed->why, "request %" PRId64 " is answered twice by %s", number, feed->name);
	feed->answered += fed->answers == 1;
}

/* ---- the run ---- */

void simulation_feed_read(struct simulation_feed *feed, const struct simulated_kafka *kafka, int64_t now_us)
{
	struct record record;
	feed->unwanted = simulated_mishaps(kafka, SIMULATED_UNWANTED) > 0;
	for (size_t i = 0; i < feed->point_count; i++)
		while (simulation_reading_next(&feed->points[i].reading, kafka, &record))
			point_take(feed, i, &record);
	while (simulation_reading_next(&feed->answers, kafka, &record))
		answer_take(feed, &record, now_us);
}

bool simulation_feed_settled(const struct simulation_feed *feed)
{
	for (size_t i = 0; i < feed->count; i++)
		if (feed->fed[i].answers == 0 && is_due(feed, &feed->fed[i]))
			return false;
	return true;
}

/* At least once, what Kafka will not have of a step is not told again, whatever was answered;
 * and what was lost with a worker is not told when the request fails at the next, or is dropped
 * there by a changed pipeline, while it had gone on from the first; or when no worker starts again. */
static void point_end(struct simulation_feed *feed, size_t nth)
{
	const struct simulation_point *point = &feed->points[nth];
	if ((feed->unwanted || feed->bereft) && !feed->exactly_once)
		return;
	for (size_t i = 0; point->kind == SIMULATION_FIRST_BLOCK && i < point->line->count; i++) {
		const struct simulation_request *request = &point->line->requests[i];
		bool fed = request->good && !request->failed && (request->wanted || feed->exactly_once);
		if (fed && feed->fed[i].given[nth].records == 0)
			simulation_fails(feed->why, "request %zu is answered, and does not stand in %s", i, point->reading.topic);
	}
}

void simulation_feed_end(struct simulation_feed *feed)
{
	for (size_t i = 0; i < feed->point_count; i++)
		point_end(feed, i);
	for (size_t i = 0; i < feed->count; i++)
		if (feed->fed[i].answers == 0 && is_due(feed, &feed->fed[i]))
			simulation_fails(feed->why, "request %zu is not answered in time by %s, though all of it came", i,
					 feed->name);
}
