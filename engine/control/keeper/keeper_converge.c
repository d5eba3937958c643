/* keeper_converge.c: Phases of changes: reads the reports of engines about preparation, and activates or fails
 * changes. */
#include "base/memory.h"
#include "control/keeper/change_order.h"
#include "control/keeper/keeper_parts.h"

/* ---- engines ---- */

static void engine_close(struct known_engine *engine)
{
	list_remove(&engine->node);
	memory_give(engine->bytes);
	arena_close(engine->lists);
	memory_give(engine);
}

void keeper_engines_close(struct keeper *keeper)
{
	while (keeper->engines.first)
		engine_close(LIST_OWNER(keeper->engines.first, struct known_engine, node));
	while (keeper->deadlines.first) {
		struct change_deadline *deadline = LIST_OWNER(keeper->deadlines.first, struct change_deadline, node);
		list_remove(&deadline->node);
		memory_give(deadline);
	}
}

static bool engine_is_live(const struct known_engine *engine, int64_t now_ms)
{
	return !engine->record.stopped && now_ms - engine->heard_ms < KEEPER_SILENT_MS;
}

/* Whether a report is newer than the known one. The clock of an engine that was silent may have been set since. */
static bool report_is_newer(const struct engine_report *report, const struct known_engine *engine, int64_t now_ms)
{
	if (now_ms - engine->heard_ms >= KEEPER_SILENT_MS || report->started_ms > engine->record.started_ms)
		return true;
	return report->started_ms == engine->record.started_ms && report->sequence > engine->record.sequence;
}

static struct known_engine *engine_find(const struct keeper *keeper, struct text name)
{
	for (struct list_node *node = keeper->engines.first; node; node = node->next) {
		struct known_engine *engine = LIST_OWNER(node, struct known_engine, node);
		if (text_equal(engine->record.engine, name))
			return engine;
	}
	return NULL;
}

static void engines_forget(struct keeper *keeper, int64_t now_ms)
{
	for (struct list_node *node = keeper->engines.first, *next; node; node = next) {
		struct known_engine *engine = LIST_OWNER(node, struct known_engine, node);
		next = node->next;
		if (now_ms - engine->heard_ms >= KEEPER_FORGOTTEN_MS)
			engine_close(engine);
	}
}

#define REPORT_LISTS_BYTES_MAX ((size_t)64 << 20)

bool keeper_engine_take(struct keeper *keeper, struct text value, int64_t now_ms, struct error *error)
{
	struct known_engine *engine = memory_take(1, sizeof *engine), *former;
	struct error reason = {0};
	if (!engine || !(engine->bytes = memory_take_raw(value.length > 0 ? value.length : 1)) ||
	    !(engine->lists = arena_open(REPORT_LISTS_BYTES_MAX))) {
		if (engine)
			engine_close(engine);
		return error_memory(error, ERROR_SYSTEM, "reading a report");
	}
	if (value.length > 0)
		memcpy(engine->bytes, value.bytes, value.length);
	engine->heard_ms = now_ms;
	if (!record_decode(&report_form, (struct text){engine->bytes, value.length}, engine->lists, &engine->record, &reason)) {
		engine_close(engine);
		return reason.kind == ERROR_SYSTEM ? error_memory(error, ERROR_SYSTEM, "reading a report")
						   : keeper_ignore(keeper, reason.text);
	}
	if (!text_is(engine->record.namespace, keeper->options.namespace)) {
		engine_close(engine);
		return keeper_ignore(keeper, "the report is for another namespace");
	}
	if (engine->record.engine.length == 0 || engine->record.engine.length > CONTROL_NAME_BYTES_MAX) {
		engine_close(engine);
		return keeper_ignore(keeper, "the report is of an engine whose name is empty or too long");
	}
	engines_forget(keeper, now_ms);
	former = engine_find(keeper, engine->record.engine);
	if (former && !report_is_newer(&engine->record, former, now_ms)) {
		engine_close(engine);
		return true;
	}
	if (former)
		engine_close(former);
	list_add(&keeper->engines, &engine->node);
	return true;
}

static bool engine_has_prepared(const struct known_engine *engine, int64_t change)
{
	const int64_t *prepared = engine->record.prepared.items;
	for (size_t i = 0; i < engine->record.prepared.count; i++)
		if (prepared[i] == change)
			return true;
	return false;
}

static const struct failed_change *engine_failure(const struct known_engine *engine, int64_t change)
{
	const struct failed_change *failed = engine->record.failed.items;
	for (size_t i = 0; i < engine->record.failed.count; i++)
		if (failed[i].change == change)
			return &failed[i];
	return NULL;
}

/* ---- changes that have resources in common ---- */

static bool change_has(const struct ledger_change *change, const struct resource_version *resource)
{
	const struct resource_version *versions = change->record.versions.items;
	for (size_t i = 0; i < change->record.versions.count; i++)
		if (text_equal(versions[i].name, resource->name) && text_equal(versions[i].kind, resource->kind))
			return true;
	return false;
}

/* Number of resources that `change` has in common with the other one. */
static size_t changes_shared(const struct ledger_change *change, const struct ledger_change *other)
{
	const struct resource_version *versions = change->record.versions.items;
	size_t shared = 0;
	for (size_t i = 0; i < change->record.versions.count; i++)
		shared += change_has(other, &versions[i]);
	return shared;
}

static bool is_undecided(const struct ledger_change *change)
{
	return change->record.phase == CHANGE_ACCEPTED;
}

/* The later change that replaces all resources of this one; NULL: none. */
static const struct ledger_change *change_replaced_by(const struct ledger_change *change)
{
	for (const struct list_node *node = change->node.next; node; node = node->next) {
		const struct ledger_change *later = LIST_OWNER(node, const struct ledger_change, node);
		if (is_undecided(later) && changes_shared(change, later) == change->record.versions.count)
			return later;
	}
	return NULL;
}

/* ---- deadlines ---- */

static struct change_deadline *deadline_find(const struct keeper *keeper, int64_t change)
{
	for (struct list_node *node = keeper->deadlines.first; node; node = node->next) {
		struct change_deadline *deadline = LIST_OWNER(node, struct change_deadline, node);
		if (deadline->change == change)
			return deadline;
	}
	return NULL;
}

static struct change_deadline *deadline_of(struct keeper *keeper, int64_t change, int64_t now_ms)
{
	struct change_deadline *deadline = deadline_find(keeper, change);
	if (deadline || !(deadline = memory_take(1, sizeof *deadline)))
		return deadline;
	deadline->change = change;
	deadline->due_ms = now_ms + KEEPER_DEADLINE_MS;
	list_add(&keeper->deadlines, &deadline->node);
	return deadline;
}

/* ---- decisions ---- */

static bool change_decide(struct keeper *keeper, const struct ledger_change *change, enum change_phase phase, const char *why,
			  int64_t now_ms, struct error *error)
{
	struct control_change record = change->record;
	struct change_deadline *deadline = deadline_find(keeper, record.number);
	if (deadline)
		list_remove(&deadline->node);
	memory_give(deadline);
	record.phase = (int)phase;
	record.why = keeper_words(text_of(why));
	record.time_ms = now_ms;
	record.keeper = text_of(keeper->options.engine);
	record.epoch = keeper->ledger.epoch;
	return keeper_write(keeper, &change_form, &record, keeper_key_of_change(keeper, record.number), now_ms, error) &&
	       (phase != CHANGE_FAILED || keeper_tables_remake(keeper, now_ms, error));
}

/* Whether all live engines have prepared the change. `why` is set if one of them cannot, or is late. */
static bool engines_are_ready(struct keeper *keeper, int64_t change, bool late, int64_t now_ms, const char **why)
{
	bool ready = now_ms - keeper->listens_ms >= KEEPER_SILENT_MS;
	for (const struct list_node *node = keeper->engines.first; node; node = node->next) {
		const struct known_engine *engine = LIST_OWNER(node, const struct known_engine, node);
		if (!engine_is_live(engine, now_ms))
			continue;
		const struct failed_change *failed = engine_failure(engine, change);
		bool prepared = engine_has_prepared(engine, change);
		ready = ready && prepared;
		struct text words = failed ? keeper_words(failed->why) : TEXT("did not prepare it in time");
		if (!*why && (failed || (late && !prepared)))
			*why = arena_print(keeper->arena, "engine `" TEXT_FORMAT "`%s " TEXT_FORMAT,
					   TEXT_ARGUMENTS(engine->record.engine), failed ? ":" : "", TEXT_ARGUMENTS(words));
	}
	return ready && !*why;
}

static bool change_converge(struct keeper *keeper, const struct ledger_change *change, int64_t now_ms, struct error *error)
{
	const struct ledger_change *later = change_replaced_by(change);
	if (later) {
		const char *why = arena_print(keeper->arena,
					      "change %lld by " TEXT_FORMAT " replaced it before all engines were ready",
					      (long long)later->record.number, TEXT_ARGUMENTS(later->record.author));
		return change_decide(keeper, change, CHANGE_FAILED, why, now_ms, error);
	}
	if (change_waits(&keeper->ledger, change))
		return true;
	const struct change_deadline *deadline = deadline_of(keeper, change->record.number, now_ms);
	if (!deadline)
		return error_memory(error, ERROR_SYSTEM, "activating a change");
	const char *why = NULL;
	bool ready = engines_are_ready(keeper, change->record.number, now_ms >= deadline->due_ms, now_ms, &why);
	if (why)
		return change_decide(keeper, change, CHANGE_FAILED, why, now_ms, error);
	return !ready || change_decide(keeper, change, CHANGE_ACTIVE, "", now_ms, error);
}

bool keeper_converge(struct keeper *keeper, int64_t now_ms, struct error *error)
{
	keeper->looked_ms = now_ms;
	for (struct list_node *node = keeper->ledger.changes.first, *next; node && keeper->ledger.accepted > 0; node = next) {
		const struct ledger_change *change = LIST_OWNER(node, const struct ledger_change, node);
		next = node->next;
		if (is_undecided(change) && !change_converge(keeper, change, now_ms, error))
			return false;
	}
	return true;
}

/* The earlier one of `due` and a time at which a step may decide more. What has passed was seen by the last step. */
static int64_t due_earlier(const struct keeper *keeper, int64_t due, int64_t at)
{
	return at > keeper->looked_ms && at < due ? at : due;
}

int64_t keeper_converge_due(const struct keeper *keeper)
{
	int64_t due = INT64_MAX;
	if (keeper->ledger.accepted == 0)
		return due;
	for (const struct list_node *node = keeper->deadlines.first; node; node = node->next)
		due = due_earlier(keeper, due, LIST_OWNER(node, const struct change_deadline, node)->due_ms);
	for (const struct list_node *node = keeper->engines.first; node; node = node->next) {
		const struct known_engine *engine = LIST_OWNER(node, const struct known_engine, node);
		if (!engine->record.stopped)
			due = due_earlier(keeper, due, engine->heard_ms + KEEPER_SILENT_MS);
	}
	return due_earlier(keeper, due, keeper->listens_ms + KEEPER_SILENT_MS);
}

void keeper_converge_shift(struct keeper *keeper, int64_t by_ms)
{
	for (struct list_node *node = keeper->deadlines.first; node; node = node->next)
		LIST_OWNER(node, struct change_deadline, node)->due_ms += by_ms;
	for (struct list_node *node = keeper->engines.first; node; node = node->next)
		LIST_OWNER(node, struct known_engine, node)->heard_ms += by_ms;
}
