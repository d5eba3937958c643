/* simulation_line.c: see simulation_line.h. */
#include "simulation/simulation_line.h"

#include <assert.h>

#include "base/number/number.h"
#include "net/loop.h"
#include "compiler/plan/plan.h"

#define MS INT64_C(1000) /* times are in microseconds */
#define SECOND (1000 * MS)
#define VALUE_BYTES 160
static_assert(SIMULATION_KEYS <= 10, "a key is one digit");

/* ---- requests ---- */

static bool requests_draw(struct simulation_line *line, struct random *random, struct arena *arena)
{
	int64_t span_us = random_between(random, 2 * SECOND, 12 * SECOND);
	line->requests = ARENA_ARRAY(arena, struct simulation_request, line->count);
	for (size_t i = 0; line->requests && i < line->count; i++) {
		int key = (int)random_between(random, -3, SIMULATION_KEYS - 1);
		int32_t partition = (int32_t)random_below(random, (uint64_t)line->partitions);
		line->requests[i] = (struct simulation_request){
			.due_us = span_us * (int64_t)i / (int64_t)line->count,
			.key = key < 0 ? -1 : key,
			/* A key's partition follows from it, so that all of its requests stand in one. */
			.partition = key < 0 ? partition : key % line->partitions,
			.offset = -1,
			.deadline_us = SIMULATION_NO_DEADLINE,
		};
	}
	return line->requests;
}

static void value_write(struct buffer *out, struct text id, struct text number)
{
	buffer_clear(out);
	buffer_string(out, "{\"id\":\"");
	buffer_text(out, id);
	buffer_string(out, "\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[");
	buffer_text(out, number);
	buffer_string(out, "]}]}");
}

bool simulation_line_send(struct simulation_line *line, struct simulated_kafka *kafka, int64_t now_us, struct error *error)
{
	struct simulation_request *request = &line->requests[line->sent];
	char id[1 + NUMBER_TEXT_MAX] = "m", deadline[NUMBER_TEXT_MAX];
	const char key[] = {'k', (char)('0' + request->key)};
	size_t id_length = 1 + number_write_uint64(id + 1, line->sent);
	value_write(&line->value, (struct text){id, id_length}, (struct text){id + 1, id_length - 1});
	size_t deadline_length = number_write_int64(deadline, LOOP_VIRTUAL_EPOCH_MS + request->deadline_us / MS);
	struct header headers[] = {{TEXT("x-request-id"), {id, id_length}}, {TEXT(DEADLINE_HEADER), {deadline, deadline_length}}};
	request->sent_us = now_us;
	const size_t first = line->brief ? 1 : 0, end = request->deadline_us == SIMULATION_NO_DEADLINE ? 1 : 2;
	const struct outgoing record = {
		.origin = {.partition = request->partition},
		.beside_origin = true,
		.headers = {end - first, headers + first},
		.key = {request->key >= 0 ? key : NULL, request->key >= 0 ? sizeof key : 0},
		.value = buffer_view(&line->value),
	};
	if (!line->found)
		line->found = simulated_find(kafka, line->requests_topic);
	request->offset = buffer_failed(&line->value) ? -1 : simulated_append(kafka, line->found, &record);
	line->sent++;
	return request->offset >= 0 || error_memory(error, ERROR_SYSTEM, "simulating a request");
}

/* ---- deadlines ---- */

#define PAST_IN_THOUSAND 60
#define SHORT_IN_THOUSAND 300
#define LONG_IN_THOUSAND 150
#define PAST_US (5 * SECOND)
#define SHORT_US (3 * SECOND)
#define LONG_US (600 * SECOND) /* more than any run */

/* One that is over when the request comes must be refused, one that is far away changes nothing. */
static int64_t deadline_draw(struct random *random, int64_t due_us)
{
	uint64_t kind = random_below(random, 1000);
	if (kind < PAST_IN_THOUSAND)
		return due_us - random_between(random, 1 * MS, PAST_US);
	if (kind < PAST_IN_THOUSAND + SHORT_IN_THOUSAND)
		return due_us + random_between(random, 1 * MS, SHORT_US);
	return kind < PAST_IN_THOUSAND + SHORT_IN_THOUSAND + LONG_IN_THOUSAND ? due_us + LONG_US : SIMULATION_NO_DEADLINE;
}

void simulation_line_hurry(struct simulation_line *line, struct random *random)
{
	line->judge.hurried = true;
	for (size_t i = 0; i < line->count; i++)
		line->requests[i].deadline_us = deadline_draw(random, line->requests[i].due_us);
}

/* ---- opening and closing ---- */

static void models_open(struct simulation_line *line, size_t variant, uint64_t seed)
{
	struct simulation_pipeline *pipeline = &line->variants[variant];
	line->models[variant] =
		(struct simulated_models){.random = {seed}, .count = pipeline->model_count, .items = pipeline->models};
}

bool simulation_line_open(struct simulation_line *line, const struct simulation_line_config *config, struct random *random,
			  struct arena *arena, struct error *error)
{
	struct simulation_pipeline *pipeline = &line->variants[0];
	*line = (struct simulation_line){.number = config->number, .count = config->requests, .variant_count = 1};
	buffer_open(&line->value, VALUE_BYTES);
	line->partitions = (int32_t)random_between(random, 2, SIMULATION_PARTITIONS_MAX);
	line->stage_partitions = line->partitions;
	line->name = arena_print(arena, "line%zu", line->number);
	line->requests_topic = topic_own_name(arena, PREFIX_DEFAULT, NAMESPACE_DEFAULT, line->name, "inputs");
	line->answers_topic = topic_own_name(arena, PREFIX_DEFAULT, NAMESPACE_DEFAULT, line->name, "outputs");
	if (!line->answers_topic || !requests_draw(line, random, arena))
		return error_memory(error, ERROR_SYSTEM, "simulating");
	*pipeline = (struct simulation_pipeline){.name = line->name, .exactly_once = config->exactly_once};
	simulation_pipeline_draw(pipeline, config->may_count, random);
	if (!simulation_pipeline_models(pipeline, "", random, arena, error))
		return false;
	models_open(line, 0, random_next(random));
	for (enum model_mishap mishap = 0; mishap < MODEL_AWAY; mishap++)
		line->models[0].mishaps[mishap] = (unsigned)random_between(random, 0, config->mishaps);
	if (!simulation_judge_open(&line->judge, line->variants, line->requests, line->count, config->why))
		return error_memory(error, ERROR_SYSTEM, "simulating");
	line->judge.answers = (struct simulation_reading){.topic = line->answers_topic, .partitions = line->partitions};
	line->judge.exactly_once = config->exactly_once;
	line->judge.tell = config->tell;
	line->judge.context = config->context;
	return true;
}

bool simulation_line_vary(struct simulation_line *line, bool differs, struct random *random, struct arena *arena,
			  struct error *error)
{
	struct simulation_pipeline *pipeline = &line->variants[line->variant_count];
	simulation_pipeline_redraw(pipeline, &line->variants[0], differs ? random : NULL);
	if (!simulation_pipeline_models(pipeline, "-anew", random, arena, error))
		return false;
	models_open(line, line->variant_count, random_next(random));
	memcpy(line->models[line->variant_count].mishaps, line->models[0].mishaps, sizeof line->models[0].mishaps);
	line->variant_count++;
	return true;
}

uint64_t simulation_line_overdue(const struct simulation_line *line)
{
	uint64_t overdue = 0;
	for (size_t i = 0; i < line->variant_count; i++)
		overdue += line->models[i].overdue;
	return overdue;
}

void simulation_line_ready(struct simulation_line *line, bool mixes_up)
{
	for (size_t i = 0; i < line->variant_count; i++)
		line->models[i].mixes_up = mixes_up;
	simulation_judge_ready(&line->judge, line->variant_count);
}

void simulation_line_close(struct simulation_line *line)
{
	buffer_close(&line->value);
	simulation_judge_close(&line->judge);
}
