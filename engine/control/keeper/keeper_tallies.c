/* keeper_tallies.c: Counts of engines that a rollout is judged by. Each engine reports totals since its start. So a report that
 * is lost or repeated changes nothing, and an engine that starts again adds to what it had.
 *
 * Cells of calls by groups of units (experiments/rollouts/unit_cells.h) are totals too. A record has those of as many engines as
  * fit. After a change of the keeper the others report theirs within a second, and until then the rest shows how units are spread.
   * */
#include "base/memory.h"
#include "control/keeper/keeper_rollouts.h"
#include "experiments/rollouts/unit_cells.h"
#include "message/avro/avro_wire.h"
#include "message/rows.h"

#define REPORT_BYTES_MAX ((size_t)16 << 20) /* the lists of a record of 1 MiB */

static void tally_close(struct kept_tally *tally)
{
	list_remove(&tally->node);
	memory_give(tally->engine);
	memory_give(tally->cells);
	memory_give(tally);
}

void rollout_tallies_close(struct kept_rollout *rollout)
{
	while (rollout->tallies.first)
		tally_close(LIST_OWNER(rollout->tallies.first, struct kept_tally, node));
}

static struct kept_tally *tally_find(const struct kept_rollout *rollout, struct text engine)
{
	for (struct list_node *node = rollout->tallies.first; node; node = node->next) {
		struct kept_tally *tally = LIST_OWNER(node, struct kept_tally, node);
		if (text_equal((struct text){tally->engine, tally->engine_length}, engine))
			return tally;
	}
	return NULL;
}

/* Numbers of the cells of all choices. */
static size_t cells_size(const struct rollout_document *document)
{
	return document->count * unit_cells_size(document->limit_count);
}

/* NULL: memory ran out. */
static struct kept_tally *tally_of(struct kept_rollout *rollout, struct text engine, int64_t started_ms)
{
	struct kept_tally *tally = tally_find(rollout, engine);
	if (tally)
		return tally;
	tally = memory_take(1, sizeof *tally);
	char *name = memory_take_raw(engine.length > 0 ? engine.length : 1);
	int64_t *cells = memory_take(2 * cells_size(&rollout->document) + 1, sizeof *cells);
	if (!tally || !name || !cells) {
		memory_give(tally);
		memory_give(name);
		memory_give(cells);
		return NULL;
	}
	if (engine.length > 0)
		memcpy(name, engine.bytes, engine.length);
	tally->engine = name;
	tally->engine_length = engine.length;
	tally->started_ms = started_ms;
	tally->cells = cells;
	list_add(&rollout->tallies, &tally->node);
	return tally;
}

/* ---- reading ---- */

static bool counts_read(const struct rollout_document *document, const struct variant_count *variant, struct tally_counts *counts)
{
	const struct slower_count *slower = variant->slower.items;
	*counts = (struct tally_counts){.calls = variant->calls, .errors = variant->errors};
	if (variant->slower.count != document->limit_count || variant->calls < 0 || variant->calls > CONTROL_NUMBER_MAX ||
	    variant->errors < 0 || variant->errors > variant->calls)
		return false;
	for (size_t i = 0; i < document->limit_count; i++) {
		if (slower[i].limit_us != document->limits_us[i] || slower[i].calls < 0 || slower[i].calls > variant->calls)
			return false;
		counts->slower[i] = slower[i].calls;
	}
	if (variant->cells.count > 0)
		counts->cells = variant->cells.items;
	return variant->cells.count == 0 || (variant->cells.count == unit_cells_size(document->limit_count) &&
					     unit_cells_are_sound(variant->cells.items, document->limit_count, variant->calls));
}

/* The counts of all choices. False: they are of other choices or limits, or contradict each other. */
static bool variants_read(const struct rollout_document *document, const struct record_list *variants,
			  struct tally_counts counts[ROLLOUT_CHOICES_MAX])
{
	const struct variant_count *items = variants->items;
	if (variants->count != document->count)
		return false;
	for (size_t i = 0; i < document->count; i++)
		if (!text_is(items[i].name, document->names[i]) || !counts_read(document, &items[i], &counts[i]))
			return false;
	return true;
}

static bool cells_rose(const struct rollout_document *document, const struct tally_counts *from, const struct tally_counts *to)
{
	const size_t size = from->cells && to->cells ? unit_cells_size(document->limit_count) : 0;
	size_t i = 0;
	while (i < size && to->cells[i] >= from->cells[i])
		i++;
	return i == size;
}

static bool counts_rose(const struct rollout_document *document, const struct tally_counts *from, const struct tally_counts *to)
{
	for (size_t i = 0; i < document->count; i++) {
		if (to[i].calls < from[i].calls || to[i].errors < from[i].errors || !cells_rose(document, &from[i], &to[i]))
			return false;
		for (size_t j = 0; j < document->limit_count; j++)
			if (to[i].slower[j] < from[i].slower[j])
				return false;
	}
	return true;
}

static void counts_add_to(struct tally_counts sums[ROLLOUT_CHOICES_MAX], const struct tally_counts *counts)
{
	for (size_t i = 0; i < ROLLOUT_CHOICES_MAX; i++) {
		sums[i].calls += counts[i].calls;
		sums[i].errors += counts[i].errors;
		for (size_t j = 0; j < ROLLOUT_LIMITS_MAX; j++)
			sums[i].slower[j] += counts[i].slower[j];
	}
}

/* The cells of choice `i` in those of a tally. */
static int64_t *tally_cells(const struct rollout_document *document, const struct kept_tally *tally, bool before, size_t i)
{
	return tally->cells + (before ? cells_size(document) : 0) + i * unit_cells_size(document->limit_count);
}

static void cells_add(int64_t *sums, const int64_t *cells, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sums[i] += cells[i];
}

static void tally_add_before(const struct rollout_document *document, struct kept_tally *tally, const struct tally_counts *counts)
{
	counts_add_to(tally->before, counts);
	for (size_t i = 0; i < document->count; i++) {
		int64_t *cells = tally_cells(document, tally, true, i);
		if (counts[i].cells) {
			cells_add(cells, counts[i].cells, unit_cells_size(document->limit_count));
			tally->before[i].cells = cells;
		}
	}
}

static void tally_set_now(const struct rollout_document *document, struct kept_tally *tally, const struct tally_counts *counts)
{
	memcpy(tally->now, counts, sizeof tally->now);
	for (size_t i = 0; i < document->count; i++) {
		int64_t *cells = tally_cells(document, tally, false, i);
		if (counts[i].cells) {
			memcpy(cells, counts[i].cells, unit_cells_size(document->limit_count) * sizeof *cells);
			tally->now[i].cells = cells;
		}
	}
}

/* Another start is a later one; or, if the clock of the engine was set back, one after a silence. */
static bool start_is_new(const struct kept_tally *tally, int64_t started_ms, int64_t now_ms)
{
	return started_ms > tally->started_ms ||
	       (started_ms != tally->started_ms && now_ms - tally->heard_ms >= KEEPER_SILENT_MS);
}

static void tally_update(const struct rollout_document *document, struct kept_tally *tally, int64_t started_ms,
			 const struct tally_counts *counts, int64_t now_ms)
{
	const bool is_new = start_is_new(tally, started_ms, now_ms);
	if (started_ms == tally->started_ms || is_new)
		tally->heard_ms = now_ms;
	if (is_new) {
		tally_add_before(document, tally, tally->now);
		tally->started_ms = started_ms;
	} else if (started_ms != tally->started_ms || !counts_rose(document, tally->now, counts)) {
		return;
	}
	tally_set_now(document, tally, counts);
}

/* ---- engines that are gone ---- */

static bool tallies_add_gone(struct kept_rollout *rollout, const struct kept_tally *tally, struct error *error)
{
	struct kept_tally *gone = tally_of(rollout, (struct text){0}, 0);
	if (!gone)
		return error_memory(error, ERROR_SYSTEM, "adding up the counts of engines");
	tally_add_before(&rollout->document, gone, tally->now);
	tally_add_before(&rollout->document, gone, tally->before);
	if (tally->heard_ms > gone->started_ms)
		gone->started_ms = tally->heard_ms;
	return true;
}

bool rollout_tallies_fold(struct kept_rollout *rollout, int64_t now_ms, struct error *error)
{
	for (struct list_node *node = rollout->tallies.first, *next; node; node = next) {
		struct kept_tally *tally = LIST_OWNER(node, struct kept_tally, node);
		next = node->next;
		if (tally->engine_length == 0 || now_ms - tally->heard_ms < KEEPER_FORGOTTEN_MS)
			continue;
		if (!tallies_add_gone(rollout, tally, error))
			return false;
		tally_close(tally);
	}
	return true;
}

/* Whether its counts may be among those of the engines that are gone: it was there when one of them was heard. */
static bool engine_was_folded(const struct kept_rollout *rollout, int64_t started_ms)
{
	const struct kept_tally *gone = tally_find(rollout, (struct text){0});
	return gone && started_ms <= gone->started_ms;
}

/* What the metrics of all pipelines need at most, as Avro writes them. */
static size_t metrics_bytes(const struct rollout_document *document)
{
	const size_t numbers = 5 * 10;
	size_t bytes = 0;
	for (size_t i = 0; i < document->plan.metric_count; i++)
		bytes += strlen(document->plan.metrics[i]) + numbers;
	return ROLLOUT_PIPELINES_MAX * document->count * bytes;
}

/* What the counts of an engine need at most, without its cells. */
static size_t tally_bytes(const struct rollout_document *document)
{
	const size_t number = AVRO_LONG_BYTES_MAX, slower = 2 * number + 2;
	size_t bytes = 0;
	for (size_t i = 0; i < document->count; i++)
		bytes += strlen(document->names[i]) + 3 * number + 1 + document->limit_count * slower;
	return 2 * (CONTROL_NAME_BYTES_MAX + 3 * number + bytes);
}

size_t rollout_tallies_most(const struct rollout_document *document)
{
	const size_t most = (ROLLOUT_TALLIES_BYTES - metrics_bytes(document)) / tally_bytes(document);
	return most < KEEPER_TALLIES_MAX ? most : KEEPER_TALLIES_MAX;
}

/* What is left in a record for cells. */
static size_t cells_bytes_left(const struct kept_rollout *rollout)
{
	const struct rollout_document *document = &rollout->document;
	const size_t bytes = metrics_bytes(document) + list_length(&rollout->tallies) * tally_bytes(document);
	return bytes < ROLLOUT_TALLIES_BYTES ? ROLLOUT_TALLIES_BYTES - bytes : 0;
}

/* Why the counts of that engine are left out; NULL: they are not. */
static const char *tally_fault(struct keeper *keeper, const struct kept_rollout *rollout, const struct engine_tallies *report)
{
	if (report->engine.length == 0 || report->engine.length > CONTROL_NAME_BYTES_MAX)
		return "the counts are of an engine whose name is empty or too long";
	if (tally_find(rollout, report->engine))
		return NULL;
	if (engine_was_folded(rollout, report->started_ms))
		return arena_print(keeper->arena,
				   "rollout of `%s`: engine `" TEXT_FORMAT "` was silent for an hour, and its counts ended then; "
				   "start it again to continue them",
				   rollout->name, TEXT_ARGUMENTS(report->engine));
	if (list_length(&rollout->tallies) < rollout_tallies_most(&rollout->document))
		return NULL;
	return arena_print(keeper->arena,
			   "rollout of `%s`: the counts of %zu engines fit into its record, and those of engine `" TEXT_FORMAT
			   "` are left out; name fewer candidates or latencies, or run fewer engines",
			   rollout->name, rollout_tallies_most(&rollout->document), TEXT_ARGUMENTS(report->engine));
}

/* Counts of another table are of weights that are no longer in force here, or not yet in the engine. */
static bool experiment_take(struct keeper *keeper, const struct engine_tallies *report, const struct experiment_tally *one,
			    int64_t now_ms, struct error *error)
{
	struct tally_counts counts[ROLLOUT_CHOICES_MAX] = {0};
	struct kept_rollout *rollout = keeper_rollout_find(keeper, one->experiment);
	if (!rollout || one->table != rollout->table)
		return true;
	if (!rollout_truths_take(rollout, &one->truths, now_ms, error))
		return false;
	if (!variants_read(&rollout->document, &one->variants, counts))
		return true;
	const char *fault = tally_fault(keeper, rollout, report);
	if (fault)
		return keeper_ignore(keeper, fault);
	struct kept_tally *tally = tally_of(rollout, report->engine, report->started_ms);
	if (!tally)
		return error_memory(error, ERROR_SYSTEM, "reading the counts of an engine");
	tally_update(&rollout->document, tally, report->started_ms, counts, now_ms);
	return true;
}

struct kept_rollout *keeper_rollout_find(const struct keeper *keeper, struct text name)
{
	for (struct list_node *node = keeper->rollouts.first; node; node = node->next)
		if (text_is(name, LIST_OWNER(node, struct kept_rollout, node)->name))
			return LIST_OWNER(node, struct kept_rollout, node);
	return NULL;
}

bool keeper_tally_take(struct keeper *keeper, struct text value, int64_t now_ms, struct error *error)
{
	struct engine_tallies report;
	struct error reason = {0};
	struct arena *arena = arena_open(REPORT_BYTES_MAX);
	bool good = arena || error_memory(error, ERROR_SYSTEM, "reading the counts of an engine");
	if (good && !record_decode(&tally_form, value, arena, &report, &reason)) {
		good = reason.kind == ERROR_SYSTEM ? error_memory(error, ERROR_SYSTEM, "reading the counts of an engine")
						   : keeper_ignore(keeper, reason.text);
	} else if (good && text_is(report.namespace, keeper->options.namespace)) {
		const struct experiment_tally *items = report.experiments.items;
		for (size_t i = 0; good && i < report.experiments.count; i++)
			good = experiment_take(keeper, &report, &items[i], now_ms, error);
	}
	arena_close(arena);
	return good;
}

/* ---- records ---- */

bool rollout_tallies_restore(struct kept_rollout *rollout, const struct control_rollout *record, int64_t now_ms,
			     struct error *error)
{
	const struct engine_tally *items = record->engines.items;
	for (size_t i = 0; i < record->engines.count; i++) {
		struct tally_counts counts[ROLLOUT_CHOICES_MAX] = {0};
		if (!variants_read(&rollout->document, &items[i].variants, counts))
			continue;
		struct kept_tally *tally = tally_of(rollout, items[i].engine, items[i].started_ms);
		if (!tally)
			return error_memory(error, ERROR_SYSTEM, "reading the counts of an engine");
		tally->heard_ms = now_ms;
		if (items[i].started_ms == 0 || items[i].engine.length == 0)
			tally_add_before(&rollout->document, tally, counts);
		else
			tally_set_now(&rollout->document, tally, counts);
		if (items[i].started_ms > tally->started_ms)
			tally->started_ms = items[i].started_ms;
	}
	return true;
}

static bool counts_are_any(const struct tally_counts counts[ROLLOUT_CHOICES_MAX])
{
	for (size_t i = 0; i < ROLLOUT_CHOICES_MAX; i++)
		if (counts[i].calls > 0)
			return true;
	return false;
}

/* As Avro writes a number that is not negative. */
static size_t number_bytes(int64_t number)
{
	size_t bytes = 1;
	for (number >>= 6; number > 0; number >>= 7)
		bytes++;
	return bytes;
}

struct cells_space {
	size_t bytes_left;
	size_t left_out; /* lists that did not fit */
};

/* The cells of a choice, if they fit into what is left. */
static struct record_list cells_list(const struct rollout_document *document, const struct tally_counts *counts,
				     struct cells_space *space)
{
	const size_t size = counts->cells ? unit_cells_size(document->limit_count) : 0;
	size_t bytes = AVRO_LONG_BYTES_MAX;
	for (size_t i = 0; i < size; i++)
		bytes += number_bytes(counts->cells[i]);
	const bool fits = bytes <= space->bytes_left;
	space->left_out += size > 0 && !fits;
	if (size == 0 || !fits)
		return (struct record_list){0};
	space->bytes_left -= bytes;
	return (struct record_list){size, counts->cells};
}

static bool variants_list(const struct rollout_document *document, const struct tally_counts *counts, struct arena *arena,
			  struct record_list *list, struct cells_space *space)
{
	struct variant_count *variants = ARENA_ARRAY(arena, struct variant_count, document->count);
	for (size_t i = 0; variants && i < document->count; i++) {
		struct slower_count *slower = ARENA_ARRAY(arena, struct slower_count, document->limit_count + 1);
		for (size_t j = 0; slower && j < document->limit_count; j++)
			slower[j] = (struct slower_count){document->limits_us[j], counts[i].slower[j]};
		variants[i] = (struct variant_count){.name = text_of(document->names[i]),
						     .calls = counts[i].calls,
						     .errors = counts[i].errors,
						     .slower = {document->limit_count, slower},
						     .cells = cells_list(document, &counts[i], space)};
	}
	*list = (struct record_list){document->count, variants};
	return !arena_failed(arena);
}

bool rollout_tallies_list(const struct kept_rollout *rollout, struct arena *arena, struct record_list *list, size_t *left_out)
{
	struct engine_tally *items = ARENA_ARRAY(arena, struct engine_tally, 2 * list_length(&rollout->tallies) + 1);
	struct cells_space space = {.bytes_left = cells_bytes_left(rollout)};
	size_t count = 0;
	for (const struct list_node *node = rollout->tallies.first; items && node; node = node->next) {
		const struct kept_tally *tally = LIST_OWNER(node, const struct kept_tally, node);
		const struct text engine = {tally->engine, tally->engine_length};
		const bool is_gone = engine.length == 0;
		items[count] = (struct engine_tally){.engine = engine, .started_ms = tally->started_ms};
		if (!variants_list(&rollout->document, is_gone ? tally->before : tally->now, arena, &items[count++].variants,
				   &space))
			return false;
		if (is_gone || !counts_are_any(tally->before))
			continue;
		items[count] = (struct engine_tally){.engine = engine};
		if (!variants_list(&rollout->document, tally->before, arena, &items[count++].variants, &space))
			return false;
	}
	*list = (struct record_list){count, items};
	*left_out = space.left_out;
	return items != NULL;
}

/* ---- sums ---- */

/* The cells of one choice, of all engines of which they are known. */
static void cells_sum(const struct kept_rollout *rollout, size_t choice, int64_t *cells)
{
	const size_t size = unit_cells_size(rollout->document.limit_count);
	for (const struct list_node *node = rollout->tallies.first; node; node = node->next) {
		const struct kept_tally *tally = LIST_OWNER(node, const struct kept_tally, node);
		if (tally->now[choice].cells)
			cells_add(cells, tally->now[choice].cells, size);
		if (tally->before[choice].cells)
			cells_add(cells, tally->before[choice].cells, size);
	}
}

static struct rollout_counts counts_judged(const struct kept_rollout *rollout, const struct tally_counts *sums, size_t choice)
{
	const struct planned_stage *stage = &rollout->document.plan.stages[rollout->state.stage];
	const size_t limits = rollout->document.limit_count;
	int64_t cells[UNIT_CELLS * (CELL_SLOWER + ROLLOUT_LIMITS_MAX)] = {0};
	cells_sum(rollout, choice, cells);
	struct rollout_counts counts = {.requests = (uint64_t)sums[choice].calls,
					.errors = (uint64_t)sums[choice].errors,
					.errors_spread = unit_cells_spread(cells, limits, CELL_ERRORS),
					.alone = unit_cells_alone(cells, limits)};
	for (size_t i = 0; i < stage->rule_count; i++) {
		const size_t limit = stage->rules[i].kind == RULE_LATENCY
					     ? rollout_document_limit(&rollout->document, stage->rules[i].limit)
					     : limits;
		if (limit == limits)
			continue;
		counts.above[i] = (uint64_t)sums[choice].slower[limit];
		counts.above_spread[i] = unit_cells_spread(cells, limits, CELL_SLOWER + limit);
	}
	return counts;
}

void rollout_tallies_sum(const struct kept_rollout *rollout, struct rollout_look *look)
{
	struct tally_counts sums[ROLLOUT_CHOICES_MAX] = {0};
	for (const struct list_node *node = rollout->tallies.first; node; node = node->next) {
		const struct kept_tally *tally = LIST_OWNER(node, const struct kept_tally, node);
		counts_add_to(sums, tally->now);
		counts_add_to(sums, tally->before);
	}
	look->control = counts_judged(rollout, sums, rollout->document.control);
	for (size_t i = 0; i < rollout->document.plan.candidates; i++)
		look->candidates[i] = counts_judged(rollout, sums, rollout->document.candidates[i]);
}
