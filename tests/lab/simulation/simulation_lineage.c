/* simulation_lineage.c: see simulation_lineage.h. */
#include "simulation/simulation_lineage.h"

#include <inttypes.h>

#include "message/formats/oip_json.h"
#include "compiler/plan/plan.h"

#define RECORD_BYTES_MAX ((size_t)1 << 20)
#define SHARE_LEAST 60 /* requests, of which a share is looked at */
#define WHOLE 100

bool simulation_lineage_open(struct simulation_lineage *lineage, char *why)
{
	*lineage = (struct simulation_lineage){.why = why, .arena = arena_open(RECORD_BYTES_MAX)};
	return lineage->arena;
}

void simulation_lineage_close(struct simulation_lineage *lineage)
{
	arena_close(lineage->arena);
}

static bool topic_add(struct simulation_lineage *lineage, const struct simulation_line *line, const char *name, size_t blocks,
		      unsigned share, struct arena *arena)
{
	struct lineage_topic *topic = &lineage->items[lineage->count++];
	*topic = (struct lineage_topic){
		.line = line,
		.reading = {.topic = name, .partitions = line->partitions},
		.blocks = blocks,
		.share = share,
		.has = ARENA_ARRAY(arena, bool, line->count),
	};
	return name && topic->has;
}

static bool model_add(struct simulation_lineage *lineage, const struct simulation_line *line, size_t block, struct arena *arena)
{
	const char *name = arena_print(arena, "%s-b%zu", line->name, block);
	unsigned share = line->variants[0].logged;
	return topic_add(lineage, line, arena_print(arena, "%s.%s.model.%s.inputs", PREFIX_DEFAULT, NAMESPACE_DEFAULT, name), block,
			 share, arena) &&
	       topic_add(lineage, line, arena_print(arena, "%s.%s.model.%s.outputs", PREFIX_DEFAULT, NAMESPACE_DEFAULT, name),
			 block + 1, share, arena);
}

/* A model that is called with batches is left out: its records are whole batches, not requests. */
bool simulation_lineage_add(struct simulation_lineage *lineage, const struct simulation_line *line, struct arena *arena)
{
	const struct simulation_pipeline *pipeline = &line->variants[0];
	for (size_t i = 0; i < pipeline->count; i++) {
		const struct simulation_block *block = &pipeline->blocks[i];
		const char *rest = arena_print(arena, "step.b%zu.outputs", i);
		const char *topic = topic_own_name(arena, PREFIX_DEFAULT, NAMESPACE_DEFAULT, line->name, rest);
		if (block->kind != SIMULATION_SPLIT && !topic_add(lineage, line, topic, i + 1, WHOLE, arena))
			return false;
		if (block->kind == SIMULATION_CALL && block->batch == 0 && pipeline->logged > 0 &&
		    !model_add(lineage, line, i, arena))
			return false;
	}
	return true;
}

/* ---- records ---- */

static bool follows_counted(const struct lineage_topic *topic, int64_t number, int64_t counted, int64_t value)
{
	bool passes = true;
	for (size_t i = 0; i < topic->blocks; i++)
		passes = passes && simulation_block_answer(&topic->line->variants[0].blocks[i], counted, &number);
	return passes && number == value;
}

/* For a line that does not change. A worker that has lost its partition and does not know it yet also records results, and commits
 * none of them. It may have restored what the next worker has counted since, so its counts are higher, never lower. */
static bool follows(const struct lineage_topic *topic, int64_t number, int64_t value)
{
	const struct simulation_line *line = topic->line;
	int64_t counted = line->requests[number].counted, most = line->variants[0].counts ? (int64_t)line->count : counted;
	for (; counted <= most; counted++)
		if (follows_counted(topic, number, counted, value))
			return true;
	return false;
}

static void topic_take(struct simulation_lineage *lineage, struct lineage_topic *topic, const struct record *record)
{
	int64_t number;
	struct oip_reply reply;
	struct error error;
	error.kind = ERROR_NONE;
	if (!simulation_request_number(record, topic->line->count, &number)) {
		simulation_fails(lineage->why, "a record of %s is nobody's: " TEXT_FORMAT, topic->reading.topic,
				 TEXT_ARGUMENTS(record->value));
		return;
	}
	arena_reset(lineage->arena);
	bool read = oip_json_decode_reply(lineage->arena, record->value, 0, &reply, &error) && reply.payload.tensors.count == 1;
	int64_t value = read ? (int64_t)tensor_number(reply.payload.tensors.items[0], 0) : 0;
	if (!read)
		simulation_fails(lineage->why, "the record of request %" PRId64 " in %s cannot be read", number,
				 topic->reading.topic);
	else if (topic->line->variant_count == 1 && !follows(topic, number, value))
		simulation_fails(lineage->why, "in %s stands %" PRId64 " for request %" PRId64 ", which does not follow from it",
				 topic->reading.topic, value, number);
	topic->records++;
	topic->recorded += !topic->has[number];
	topic->has[number] = true;
}

void simulation_lineage_read(struct simulation_lineage *lineage, const struct simulated_kafka *kafka)
{
	struct record record;
	for (size_t i = 0; i < lineage->count; i++)
		while (simulation_reading_next(&lineage->items[i].reading, kafka, &record))
			topic_take(lineage, &lineage->items[i], &record);
}

/* The requests of a share are drawn: some are recorded, and far from all. */
static void share_end(struct simulation_lineage *lineage, const struct lineage_topic *topic)
{
	uint64_t most = topic->line->count * (WHOLE + topic->share) / WHOLE / 2;
	if (topic->share < WHOLE && topic->line->count >= SHARE_LEAST && topic->recorded > most)
		simulation_fails(lineage->why, "%" PRIu64 " of %zu requests stand in %s, which is to have %u percent",
				 topic->recorded, topic->line->count, topic->reading.topic, topic->share);
}

void simulation_lineage_end(struct simulation_lineage *lineage, bool lost)
{
	for (size_t i = 0; i < lineage->count; i++) {
		const struct lineage_topic *topic = &lineage->items[i];
		bool all = topic->share == WHOLE && topic->line->variant_count == 1 && !lost;
		share_end(lineage, topic);
		for (size_t j = 0; all && j < topic->line->count; j++)
			if (topic->line->requests[j].good && !topic->line->requests[j].failed && !topic->has[j])
				simulation_fails(lineage->why, "request %zu is answered, and does not stand in %s", j,
						 topic->reading.topic);
	}
}

uint64_t simulation_lineage_records(const struct simulation_lineage *lineage)
{
	uint64_t records = 0;
	for (size_t i = 0; i < lineage->count; i++)
		records += lineage->items[i].records;
	return records;
}
