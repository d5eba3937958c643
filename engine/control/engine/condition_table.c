/* condition_table.c: see condition_table.h. */
#include "control/engine/condition_table.h"

#include "base/clock.h"
#include "base/memory.h"
#include "control/keeper/keeper.h"

#define SOURCE_BYTES_MAX ((size_t)64 << 20) /* conditions of thousands of resources */

static void source_close(struct condition_source *source)
{
	list_remove(&source->node);
	arena_close(source->arena);
	memory_give(source->name);
	memory_give(source);
}

static struct condition_source *source_find(struct condition_table *table, struct text engine)
{
	struct condition_source *source;
	LIST_EACH_SOURCE(table, source)
	{
		if (text_equal(source->engine, engine))
			return source;
	}
	source = memory_take(1, sizeof *source);
	if (!source)
		return NULL;
	source->name = memory_take_raw(engine.length + 1);
	source->arena = arena_open(SOURCE_BYTES_MAX);
	if (!source->name || !source->arena) {
		source_close(source);
		return NULL;
	}
	memcpy(source->name, engine.bytes, engine.length);
	source->engine = (struct text){source->name, engine.length};
	list_add(&table->sources, &source->node);
	return source;
}

/* Keeps the record, decoded from a copy of its bytes. */
static bool conditions_keep(struct condition_source *source, struct text value, struct error *error)
{
	struct error broken = {0};
	arena_reset(source->arena);
	const char *bytes = arena_copy(source->arena, value.bytes, value.length);
	source->has_record = bytes && record_decode(&conditions_form, (struct text){bytes, value.length}, source->arena,
						    &source->record, &broken);
	return source->has_record || error_memory(error, ERROR_SYSTEM, "reading conditions");
}

/* Notes that an engine wrote a record. `source` is NULL if the record is of another namespace. */
static bool source_note_record(struct condition_table *table, const struct record *record, struct text namespace,
			       struct text engine, bool stopped, struct condition_source **source, struct error *error)
{
	*source = NULL;
	if (!text_is(namespace, table->namespace))
		return true;
	*source = source_find(table, engine);
	if (!*source)
		return error_memory(error, ERROR_SYSTEM, "reading conditions");
	(*source)->heard_ms = record->time_ms;
	(*source)->arrived_ms = table->opened_ms > 0 ? clock_ms() : 0;
	(*source)->stopped = stopped;
	return true;
}

static bool status_take(void *context, const struct record *record, struct error *error)
{
	struct condition_table *table = context;
	const uint64_t schema = record_schema(record->value);
	struct condition_source *source;
	struct engine_conditions conditions;
	struct engine_report report;
	struct error broken = {0};
	arena_reset(table->scratch);
	if (record_is_of(&conditions_form, schema) &&
	    record_decode(&conditions_form, record->value, table->scratch, &conditions, &broken))
		return source_note_record(table, record, conditions.namespace, conditions.engine, conditions.stopped, &source,
					  error) &&
		       (!source || conditions_keep(source, record->value, error));
	return !record_is_of(&report_form, schema) ||
	       !record_decode(&report_form, record->value, table->scratch, &report, &broken) ||
	       source_note_record(table, record, report.namespace, report.engine, report.stopped, &source, error);
}

bool condition_table_open(struct condition_table *table, const char *brokers, struct properties properties, const char *status,
			  const char *namespace, struct error *error)
{
	*table = (struct condition_table){
		.config = {.brokers = brokers,
			   .topic = status,
			   .newest = CONDITION_TABLE_NEWEST,
			   .continues = true,
			   .properties = properties},
		.namespace = namespace,
		.scratch = arena_open(SOURCE_BYTES_MAX),
	};
	if (!table->scratch)
		return error_memory(error, ERROR_SYSTEM, "reading conditions");
	table->reader = reader_open(&table->config, error);
	if (!table->reader || !reader_give_all(table->reader, status_take, table, error))
		return false;
	table->opened_ms = clock_ms();
	return true;
}

void condition_table_close(struct condition_table *table)
{
	while (table->sources.first)
		source_close(LIST_OWNER(table->sources.first, struct condition_source, node));
	reader_close(table->reader);
	arena_close(table->scratch);
	*table = (struct condition_table){0};
}

bool condition_table_follow(struct condition_table *table, int wait_ms, struct error *error)
{
	return reader_give_arrived(table->reader, CONDITION_TABLE_A_TURN, wait_ms, status_take, table, error);
}

bool condition_source_is_live(const struct condition_table *table, const struct condition_source *source)
{
	if (source->stopped)
		return false;
	if (source->arrived_ms > 0)
		return clock_ms() - source->arrived_ms < KEEPER_SILENT_MS;
	int64_t silent_ms = time_of_day_ms() - source->heard_ms;
	return silent_ms < KEEPER_SILENT_MS && silent_ms > -KEEPER_SILENT_MS && clock_ms() - table->opened_ms < KEEPER_SILENT_MS;
}

static bool sources_are_live(const struct condition_table *table)
{
	const struct condition_source *source;
	LIST_EACH_SOURCE(table, source)
	{
		if (!source->stopped && !condition_source_is_live(table, source))
			return false;
	}
	return true;
}

bool condition_table_settle(struct condition_table *table, int wait_ms, struct error *error)
{
	const int64_t until_ms = clock_ms() + wait_ms;
	for (int64_t left_ms = wait_ms; left_ms > 0 && !sources_are_live(table); left_ms = until_ms - clock_ms())
		if (!condition_table_follow(table, (int)left_ms, error))
			return false;
	return true;
}

static const struct engine_condition *condition_find(const struct condition_source *source, struct text kind, struct text name)
{
	const struct engine_condition *conditions = source->record.conditions.items;
	for (size_t i = 0; source->has_record && i < source->record.conditions.count; i++)
		if (text_equal(conditions[i].name, name) && text_equal(conditions[i].kind, kind))
			return &conditions[i];
	return NULL;
}

const struct engine_condition *condition_of(const struct condition_source *source, struct text kind, struct text name)
{
	const struct engine_condition *condition = condition_find(source, kind, name);
	return condition ? condition : condition_find(source, CONDITION_OF_ENGINE, source->engine);
}
