/* engine_reports.c: see engine_reports.h. */
#include "tools/client/engine_reports.h"

#include "base/clock.h"
#include "kafka/consume/group_lag.h"

#define REPORT_ARENA_BYTES ((size_t)16 << 20)
#define LAG_MS 3000 /* so long Kafka may take to answer one question; later ones are asked the next time */

bool engine_reports_open(struct engine_reports *reports, const struct kafka *kafka, struct arena *arena, struct error *error)
{
	*reports = (struct engine_reports){
		.arena = arena, .kafka = kafka, .items = ARENA_ARRAY(arena, struct pipeline_report, ENGINE_REPORTS_MAX)};
	return reports->items || error_memory(error, ERROR_SYSTEM, "reading the status");
}

void engine_reports_close(struct engine_reports *reports)
{
	for (size_t i = 0; i < reports->count; i++)
		arena_close(reports->items[i].arena);
	for (size_t i = 0; i < reports->group_count; i++)
		group_lag_close(reports->groups[i].backlog);
}

static bool is_of(const struct pipeline_report *entry, const struct status *status)
{
	return text_equal(entry->status.pipeline, status->pipeline) && text_equal(entry->status.instance, status->instance);
}

static struct pipeline_report *entry_for(struct engine_reports *reports, const struct status *status)
{
	for (size_t i = 0; i < reports->count; i++)
		if (is_of(&reports->items[i], status))
			return &reports->items[i];
	if (reports->count == ENGINE_REPORTS_MAX)
		return NULL;
	struct pipeline_report *entry = &reports->items[reports->count];
	entry->arena = arena_open(REPORT_ARENA_BYTES);
	reports->count += entry->arena != NULL;
	return entry->arena ? entry : NULL;
}

/* Notes for all pipelines of the engine when it was heard of last. */
static void heard_note(struct engine_reports *reports, struct status *status)
{
	for (size_t i = 0; i < reports->count; i++) {
		struct status *other = &reports->items[i].status;
		if (!text_equal(other->instance, status->instance))
			continue;
		other->heard_ms = other->heard_ms > status->at_ms ? other->heard_ms : status->at_ms;
		status->heard_ms = other->heard_ms;
	}
}

bool engine_reports_take(struct engine_reports *reports, const struct record *record, struct arena *scratch, struct error *error)
{
	struct status status;
	struct error wrong = {0};
	arena_reset(scratch);
	if (!status_read(record->value, scratch, &status, &wrong)) {
		reports->strange++;
		return true;
	}
	struct pipeline_report *entry = entry_for(reports, &status);
	if (!entry)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "pipelines of more than %d engines are not shown; select one namespace, or use `sluice tail`",
				 ENGINE_REPORTS_MAX);
	heard_note(reports, &status);
	arena_reset(entry->arena);
	entry->json = arena_copy(entry->arena, record->value.bytes, record->value.length);
	entry->length = record->value.length;
	if (!entry->json || !status_read((struct text){entry->json, entry->length}, entry->arena, &entry->status, error))
		return error_memory(error, ERROR_SYSTEM, "keeping a status");
	entry->status.heard_ms = status.heard_ms;
	return true;
}

static struct group_lag *group_lag_of(struct engine_reports *reports, struct text group)
{
	for (size_t i = 0; i < reports->group_count; i++)
		if (text_is(group, reports->groups[i].name))
			return reports->groups[i].backlog;
	const char *name = arena_print(reports->arena, TEXT_FORMAT, TEXT_ARGUMENTS(group));
	struct error error = {0};
	if (!name || group.length == 0 || reports->group_count == REPORT_GROUPS_MAX)
		return NULL;
	const struct kafka *kafka = reports->kafka;
	struct group_lag *first = reports->group_count > 0 ? reports->groups[0].backlog : NULL;
	struct group_lag *backlog = group_lag_open(first, kafka->brokers, kafka->consumer, name, &error);
	reports->groups[reports->group_count++] = (struct report_group){name, backlog};
	return backlog;
}

/* Of the whole pipeline, whichever of its engines has the partition: the same for each. */
void engine_reports_measure_lag(struct engine_reports *reports)
{
	const int64_t until_ms = clock_ms() + LAG_MS;
	for (size_t i = 0; i < reports->count; i++) {
		struct status *status = &reports->items[i].status;
		struct group_lag *backlog = group_lag_of(reports, status->group);
		size_t first = 0;
		while (!text_equal(reports->items[first].status.pipeline, status->pipeline))
			first++;
		if (first < i)
			status->lag = reports->items[first].status.lag;
		else if (backlog && clock_ms() < until_ms)
			status->lag = group_lag_measure(backlog, status->reads, LAG_MS);
	}
}
