/* engine_health.c: Health of one engine, by its own reports on the status topic. */
#include "client/engine_health.h"

#include "base/clock.h"
#include "log/reader.h"
#include "observe/status.h"

#define LOOK_MS 100

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
	health->whole = health->pipelines > 0 && text_equal(status.pipeline, health->first);
	if (health->whole)
		return true;
	if (health->pipelines++ == 0)
		health->first = status.pipeline;
	if (text_is(status.state, "failing")) {
		health->failing++;
		health->failing_one = status.pipeline, health->reason = status.why;
	}
	if (text_is(status.state, "slow")) {
		health->slow++;
		health->slow_one = status.pipeline, health->slow_why = status.why;
	}
	if (status.ready && text_is(status.state, "waiting")) {
		health->held_up++;
		health->held_one = status.pipeline, health->held_why = status.why;
	}
	if (status.ready)
		health->ready++;
	else
		health->waiting = status.pipeline, health->why = status.why;
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
