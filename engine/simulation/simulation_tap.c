/* simulation_tap.c: see simulation_tap.h. */
#include "simulation/simulation_tap.h"

#include <inttypes.h>

#include "message/oip_json.h"
#include "plan/plan.h"

#define RECORD_BYTES_MAX ((size_t)1 << 20)
#define SHARE_LEAST 60 /* requests, of which a share is looked at */
#define WHOLE 100

bool simulation_taps_open(struct simulation_taps *taps, char *why)
{
	*taps = (struct simulation_taps){.why = why, .arena = arena_open(RECORD_BYTES_MAX)};
	return taps->arena;
}

void simulation_taps_close(struct simulation_taps *taps)
{
	arena_close(taps->arena);
}

static bool simulation_tap_add(struct simulation_taps *taps, const struct simulation_line *line, const char *topic, size_t blocks,
			       unsigned share, struct arena *arena)
{
	struct simulation_tap *tap = &taps->items[taps->count++];
	*tap = (struct simulation_tap){
		.line = line,
		.reading = {.topic = topic, .partitions = line->partitions},
		.blocks = blocks,
		.share = share,
		.has = ARENA_ARRAY(arena, bool, line->count),
	};
	return topic && tap->has;
}

static bool model_add(struct simulation_taps *taps, const struct simulation_line *line, size_t block, struct arena *arena)
{
	const char *name = arena_print(arena, "%s-b%zu", line->name, block);
	unsigned share = line->variants[0].logged;
	return simulation_tap_add(taps, line, arena_print(arena, "%s.%s.model.%s.inputs", PREFIX_DEFAULT, NAMESPACE_DEFAULT, name),
				  block, share, arena) &&
	       simulation_tap_add(taps, line, arena_print(arena, "%s.%s.model.%s.outputs", PREFIX_DEFAULT, NAMESPACE_DEFAULT, name),
				  block + 1, share, arena);
}

/* Of a batch it is told whole, and not request by request: such models are left out. */
bool simulation_taps_add(struct simulation_taps *taps, const struct simulation_line *line, struct arena *arena)
{
	const struct simulation_pipeline *pipeline = &line->variants[0];
	for (size_t i = 0; i < pipeline->count; i++) {
		const struct simulation_block *block = &pipeline->blocks[i];
		const char *rest = arena_print(arena, "step.b%zu.outputs", i);
		const char *topic = topic_own_name(arena, PREFIX_DEFAULT, NAMESPACE_DEFAULT, line->name, rest);
		if (block->kind != SIMULATION_SPLIT && !simulation_tap_add(taps, line, topic, i + 1, WHOLE, arena))
			return false;
		if (block->kind == SIMULATION_CALL && block->batch == 0 && pipeline->logged > 0 && !model_add(taps, line, i, arena))
			return false;
	}
	return true;
}

/* ---- records ---- */

static bool follows_counted(const struct simulation_tap *tap, int64_t number, int64_t counted, int64_t value)
{
	bool passes = true;
	for (size_t i = 0; i < tap->blocks; i++)
		passes = passes && simulation_block_answer(&tap->line->variants[0].blocks[i], counted, &number);
	return passes && number == value;
}

/* Of a line that stays as it is. What a worker tells whose partition is another's by now, and who does not
 * know it yet, is never committed: it may have brought back what that one has counted since, so it counts
 * more, never less. */
static bool follows(const struct simulation_tap *tap, int64_t number, int64_t value)
{
	const struct simulation_line *line = tap->line;
	int64_t counted = line->requests[number].counted, most = line->variants[0].counts ? (int64_t)line->count : counted;
	for (; counted <= most; counted++)
		if (follows_counted(tap, number, counted, value))
			return true;
	return false;
}

static void simulation_tap_take(struct simulation_taps *taps, struct simulation_tap *tap, const struct record *record)
{
	int64_t number;
	struct oip_reply reply;
	struct error error;
	error.kind = ERROR_NONE;
	if (!simulation_request_number(record, tap->line->count, &number)) {
		simulation_fails(taps->why, "a record of %s is nobody's: " TEXT_FORMAT, tap->reading.topic,
				 TEXT_ARGUMENTS(record->value));
		return;
	}
	arena_reset(taps->arena);
	bool read = oip_json_decode_reply(taps->arena, record->value, 0, &reply, &error) && reply.payload.tensors.count == 1;
	int64_t value = read ? (int64_t)tensor_number(reply.payload.tensors.items[0], 0) : 0;
	if (!read)
		simulation_fails(taps->why, "the record of request %" PRId64 " in %s cannot be read", number, tap->reading.topic);
	else if (tap->line->variant_count == 1 && !follows(tap, number, value))
		simulation_fails(taps->why, "in %s stands %" PRId64 " for request %" PRId64 ", which does not follow from it",
				 tap->reading.topic, value, number);
	tap->records++;
	tap->recorded += !tap->has[number];
	tap->has[number] = true;
}

void simulation_taps_read(struct simulation_taps *taps, const struct simulated_kafka *kafka)
{
	struct record record;
	for (size_t i = 0; i < taps->count; i++)
		while (simulation_reading_next(&taps->items[i].reading, kafka, &record))
			simulation_tap_take(taps, &taps->items[i], &record);
}

/* Which requests are told of a share is drawn: some, and not nearly all. */
static void share_end(struct simulation_taps *taps, const struct simulation_tap *tap)
{
	uint64_t most = tap->line->count * (WHOLE + tap->share) / WHOLE / 2;
	if (tap->share < WHOLE && tap->line->count >= SHARE_LEAST && tap->recorded > most)
		simulation_fails(taps->why, "%" PRIu64 " of %zu requests stand in %s, which is to have %u percent", tap->recorded,
				 tap->line->count, tap->reading.topic, tap->share);
}

void simulation_taps_end(struct simulation_taps *taps, bool lost)
{
	for (size_t i = 0; i < taps->count; i++) {
		const struct simulation_tap *tap = &taps->items[i];
		bool all = tap->share == WHOLE && tap->line->variant_count == 1 && !lost;
		share_end(taps, tap);
		for (size_t j = 0; all && j < tap->line->count; j++)
			if (tap->line->requests[j].good && !tap->line->requests[j].failed && !tap->has[j])
				simulation_fails(taps->why, "request %zu is answered, and does not stand in %s", j,
						 tap->reading.topic);
	}
}

uint64_t simulation_taps_records(const struct simulation_taps *taps)
{
	uint64_t records = 0;
	for (size_t i = 0; i < taps->count; i++)
		records += taps->items[i].records;
	return records;
}
