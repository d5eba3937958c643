/* watermarks.c: see watermarks.h. */
#include "methods/drift/watermarks.h"

#define TIME_MOST ((int64_t)1 << 60) /* so that differences of times do not overflow */

void watermarks_begin(struct watermarks *watermarks, int64_t window_ms)
{
	watermarks->window_ms = window_ms;
	watermarks->clock_ms = watermarks->passed_ms = 0;
	watermarks->resets = 0;
	watermarks->count = 0;
}

void watermarks_tick(struct watermarks *watermarks, int64_t passed_ms)
{
	const int64_t on = passed_ms - watermarks->passed_ms;
	if (passed_ms <= 0 || on <= 0)
		return;
	watermarks->clock_ms += on < WATERMARKS_PAUSE_MS ? on : WATERMARKS_PAUSE_MS;
	watermarks->passed_ms = passed_ms;
}

/* NULL: there are too many. */
static struct watermark *watermark_of(struct watermarks *watermarks, int32_t partition)
{
	for (size_t i = 0; i < watermarks->count; i++)
		if (watermarks->items[i].partition == partition)
			return &watermarks->items[i];
	if (watermarks->count == WATERMARKS_MAX)
		return NULL;
	struct watermark *watermark = &watermarks->items[watermarks->count++];
	*watermark = (struct watermark){
		.newest_ms = INT64_MIN, .since_ms = watermarks->clock_ms, .partition = partition, .changed = true};
	return watermark;
}

void watermarks_note(struct watermarks *watermarks, int32_t partition, bool behind)
{
	struct watermark *watermark = watermark_of(watermarks, partition);
	if (!watermark || watermark->behind == behind)
		return;
	watermark->behind = behind;
	watermark->since_ms = watermarks->clock_ms;
	watermark->changed = true;
}

/* The begin of the window of a time, rounded down also before 1970; or how far back a time may be by count. */
static int64_t floor_of(const struct watermarks *watermarks, int64_t time_ms)
{
	if (watermarks->window_ms == 0)
		return time_ms - WATERMARKS_BACK_MS;
	const int64_t rest = time_ms % watermarks->window_ms;
	return time_ms - (rest < 0 ? rest + watermarks->window_ms : rest);
}

static bool partition_comes(const struct watermarks *watermarks, const struct watermark *watermark)
{
	return watermark->newest_ms != INT64_MIN && watermarks->clock_ms - watermark->since_ms < WATERMARKS_PATIENCE_MS;
}

/* Whether every partition that comes is before the window in which the partition was. */
static bool all_are_back(const struct watermarks *watermarks, int64_t from_ms)
{
	const int64_t floor_ms = floor_of(watermarks, from_ms);
	for (size_t i = 0; i < watermarks->count; i++)
		if (partition_comes(watermarks, &watermarks->items[i]) && watermarks->items[i].newest_ms >= floor_ms)
			return false;
	return true;
}

struct watermark_finding watermarks_take(struct watermarks *watermarks, int32_t partition, int64_t time_ms)
{
	struct watermark *watermark = watermark_of(watermarks, partition);
	struct watermark_finding finding = {0};
	if (!watermark)
		return finding;
	time_ms = time_ms > TIME_MOST ? TIME_MOST : time_ms < -TIME_MOST ? -TIME_MOST : time_ms;
	watermark->since_ms = watermarks->clock_ms;
	watermark->changed = true;
	if (watermark->newest_ms == INT64_MIN || time_ms >= floor_of(watermarks, watermark->newest_ms)) {
		watermark->newest_ms = time_ms > watermark->newest_ms ? time_ms : watermark->newest_ms;
		watermark->back_run = 0;
		return finding;
	}
	if (++watermark->back_run < WATERMARKS_BACK_ROWS)
		return finding;
	finding.set_back = true;
	finding.from_ms = watermark->newest_ms;
	watermark->newest_ms = time_ms;
	watermark->back_run = 0;
	finding.anew = all_are_back(watermarks, finding.from_ms);
	watermarks->resets += finding.anew;
	return finding;
}

static int64_t newest_of(const struct watermarks *watermarks, size_t *delivering)
{
	int64_t newest_ms = INT64_MIN;
	*delivering = 0;
	for (size_t i = 0; i < watermarks->count; i++) {
		const struct watermark *watermark = &watermarks->items[i];
		*delivering += watermark->newest_ms != INT64_MIN;
		newest_ms = watermark->newest_ms > newest_ms ? watermark->newest_ms : newest_ms;
	}
	return newest_ms;
}

/* The time at which it holds the horizon; INT64_MAX: it does not. */
static int64_t partition_holds(const struct watermarks *watermarks, const struct watermark *watermark, int64_t newest_ms)
{
	if (watermark->behind && watermarks->clock_ms - watermark->since_ms < WATERMARKS_PATIENCE_MS)
		return watermark->newest_ms;
	if (watermarks->window_ms == 0 || watermark->newest_ms == INT64_MIN)
		return INT64_MAX;
	return watermark->newest_ms > newest_ms - WATERMARKS_SLACK_MS ? watermark->newest_ms : newest_ms - WATERMARKS_SLACK_MS;
}

int64_t watermarks_horizon(const struct watermarks *watermarks)
{
	size_t delivering;
	const int64_t newest_ms = newest_of(watermarks, &delivering);
	int64_t horizon_ms = INT64_MAX;
	bool others = delivering > 1;
	for (size_t i = 0; i < watermarks->count; i++) {
		const int64_t held_ms = partition_holds(watermarks, &watermarks->items[i], newest_ms);
		others = others || (held_ms != INT64_MAX && watermarks->items[i].newest_ms == INT64_MIN);
		horizon_ms = held_ms < horizon_ms ? held_ms : horizon_ms;
	}
	return others ? horizon_ms : INT64_MAX;
}
