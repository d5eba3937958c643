/* engine_health.c: Health of one engine, by its own reports on the status topic. */
#include "tools/client/engine_health.h"

#include "base/clock.h"
#include "kafka/consume/reader.h"
#include "observe/status.h"

#define LOOK_MS 100

static void state_count(struct engine_health *health, const struct status *status)
{
	if (text_is(status->state, "failing")) {
		health->failing++;
		health->failing_one = status->pipeline, health->reason = status->why;
	}
	if (text_is(status->state, "slow")) {
		health->slow++;
		health->slow_one = status->pipeline, health->slow_why = status->why;
	}
	if (text_is(status->state, STATE_UNOBSERVED)) {
		health->unobserved++;
		health->unobserved_one = status->pipeline, health->unobserved_why = status->why;
	}
	if (status->ready && text_is(status->state, "waiting")) {
		health->held_up++;
		health->held_one = status->pipeline, health->held_why = status->why;
	}
	if (!status->ready)
		health->waiting = status->pipeline, health->why = status->why;
}

/* Counts a report of a second, in which all pipelines that are not well have one. */
static void second_count(struct engine_health *health, const struct status *status)
{
	if (status->at_ms != health->at_ms)
		*health = (struct engine_health){.instance = health->instance,
						 .at_ms = status->at_ms,
						 .pipelines = (size_t)status->pipelines,
						 .ready = (size_t)status->pipelines};
	if (!status_is_well(status->ready, status->state)) {
		state_count(health, status);
		health->unwell++;
		health->ready -= !status->ready;
	}
	health->whole = health->unwell >= status->unwell;
}

/* Counts a report of an engine of an earlier version, which reports on all its pipelines in turn. */
static void cycle_count(struct engine_health *health, const struct status *status)
{
	health->whole = health->pipelines > 0 && text_equal(status->pipeline, health->first);
	if (health->whole)
		return;
	if (health->pipelines++ == 0)
		health->first = status->pipeline;
	state_count(health, status);
	health->ready += status->ready;
}

static bool report_add(struct engine_health *health, struct text json, struct arena *arena, struct error *error)
{
	struct status status;
	struct error strange = {0};
	const char *kept = arena_copy(arena, json.bytes, json.length);
	if (!kept)
		return error_memory(error, ERROR_SYSTEM, "reading the status");
	if (!status_read((struct text){kept, json.length}, arena, &status, &strange) ||
	    !text_equal(status.instance, text_of(health->instance)) || time_of_day_ms() - status.at_ms > STATUS_STALE_MS)
		return true;
	if (status.pipelines > 0)
		second_count(health, &status);
	else
		cycle_count(health, &status);
	return true;
}

bool engine_health_read(struct engine_health *health, const struct pipeline_target *target, struct arena *arena,
			struct error *error)
{
	const struct reader_config config = {
		.brokers = target->kafka.brokers, .topic = target->status, .properties = target->kafka.consumer};
	struct reader *reader = reader_open(&config, error);
	int64_t until_ns = clock_ns() + (int64_t)STATUS_STALE_MS * NS_PER_MS;
	bool good = reader;
	while (good && !health->whole && clock_ns() < until_ns) {
		struct record record;
		good = reader_next(reader, LOOK_MS, &record, error);
		if (!good || !record.held)
			continue;
		good = report_add(health, record.value, arena, error);
		record_release(&record);
	}
	reader_close(reader);
	return good;
}

bool engine_is_healthy(const struct engine_health *health)
{
	return health->pipelines > 0 && health->ready == health->pipelines;
}
