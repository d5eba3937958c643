/* day_line.c: see day_line.h. */
#include "cli/day_line.h"

#include <stdio.h>

#define MS INT64_C(1000) /* times are in microseconds */
#define SECOND (1000 * MS)
#define VALUE_BYTES 160

/* ---- requests ---- */

static bool requests_draw(struct day_line *line, struct random *random, struct arena *arena)
{
	int64_t span_us = random_between(random, 2 * SECOND, 12 * SECOND);
	line->requests = ARENA_ARRAY(arena, struct day_request, line->count);
	for (size_t i = 0; line->requests && i < line->count; i++) {
		int key = (int)random_between(random, -3, DAY_KEYS - 1);
		int32_t partition = (int32_t)random_below(random, (uint64_t)line->partitions);
		line->requests[i] = (struct day_request){
			.due_us = span_us * (int64_t)i / (int64_t)line->count,
			.key = key < 0 ? -1 : key,
			/* A key's partition follows from it, so that all of its requests stand in one. */
			.partition = key < 0 ? partition : key % line->partitions,
			.offset = -1,
		};
	}
	return line->requests;
}

int64_t day_line_due_us(const struct day_line *line)
{
	return line->sent < line->count ? line->requests[line->sent].due_us : INT64_MAX;
}

bool day_line_send(struct day_line *line, struct twin *twin, struct error *error)
{
	struct day_request *request = &line->requests[line->sent];
	char value[VALUE_BYTES], key[8], id[8];
	int id_length = snprintf(id, sizeof id, "m%zu", line->sent);
	int key_length = snprintf(key, sizeof key, "k%d", request->key);
	int length = snprintf(value, sizeof value,
			      "{\"id\":\"%s\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP64\","
			      "\"data\":[%zu]}]}",
			      id, line->sent);
	struct header header = {TEXT("x-request-id"), {id, (size_t)id_length}};
	const struct outgoing record = {
		.origin = {.partition = request->partition},
		.beside_origin = true,
		.headers = {1, &header},
		.key = {request->key >= 0 ? key : NULL, request->key >= 0 ? (size_t)key_length : 0},
		.value = {value, (size_t)length},
	};
	request->offset = twin_append(twin, line->requests_topic, &record);
	line->sent++;
	return request->offset >= 0 || error_memory(error, ERROR_SYSTEM, "simulating a request");
}

/* ---- opening and closing ---- */

static bool topics_make(struct day_line *line, struct twin *twin)
{
	(void)snprintf(line->name, sizeof line->name, "line %zu", line->number);
	(void)snprintf(line->requests_topic, sizeof line->requests_topic, "requests.%zu", line->number);
	(void)snprintf(line->answers_topic, sizeof line->answers_topic, "answers.%zu", line->number);
	(void)snprintf(line->letters_topic, sizeof line->letters_topic, "letters.%zu", line->number);
	(void)snprintf(line->changelog_topic, sizeof line->changelog_topic, "changelog.%zu", line->number);
	return twin_topic(twin, line->requests_topic, line->partitions) &&
	       twin_topic(twin, line->answers_topic, line->partitions) &&
	       twin_topic(twin, line->letters_topic, line->partitions) &&
	       twin_topic(twin, line->changelog_topic, line->partitions);
}

bool day_line_open(struct day_line *line, const struct day_line_config *config, struct random *random, struct twin *twin,
		   struct arena *arena, struct error *error)
{
	*line = (struct day_line){.number = config->number, .reads = (uint32_t)config->number, .count = config->requests};
	line->partitions = (int32_t)random_between(random, 2, DAY_PARTITIONS_MAX);
	if (!topics_make(line, twin) || !requests_draw(line, random, arena))
		return error_memory(error, ERROR_SYSTEM, "simulating");
	if (!day_pipeline_open(&line->pipeline, config->may_count, random, config->kinds, arena, error))
		return false;
	line->models = (struct model_twins){
		.random = {random_next(random)}, .count = line->pipeline.model_count, .items = line->pipeline.models};
	for (enum model_mishap mishap = 0; mishap < MODEL_AWAY; mishap++)
		line->models.mishaps[mishap] = (unsigned)random_between(random, 0, config->mishaps);
	if (!day_judge_open(&line->judge, &line->pipeline, line->requests, line->count, config->why))
		return error_memory(error, ERROR_SYSTEM, "simulating");
	line->judge.topic = line->answers_topic;
	line->judge.partitions = line->partitions;
	line->judge.exactly_once = config->exactly_once;
	line->judge.tell = config->tell;
	line->judge.context = config->context;
	return true;
}

void day_line_close(struct day_line *line)
{
	day_judge_close(&line->judge);
	day_pipeline_close(&line->pipeline);
}
