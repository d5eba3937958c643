/* overlap.c: see overlap.h. */
#include "experiments/overlap.h"

#include <math.h>

#include "base/memory.h"
#include "experiments/met_list.h"
#include "message/rows.h"
#include "state/table.h"
#include "statistics/rates.h"
#include "statistics/split.h"

#define NONE UINT32_MAX

struct overlap_experiment {
	struct text name;
	size_t ways;
	struct text names[OVERLAP_WAYS_MAX];
};

struct overlap_unit {
	uint32_t experiment, way;
	struct text unit;
};

struct overlap {
	struct arena *arena;
	struct state_table *met; /* number of the experiment and unit: the variant */
	size_t count;
	struct overlap_experiment *experiments; /* the first is our own */
	struct met_list units;			/* struct overlap_unit: of the others */
};

static bool overlap_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "tabulating the overlap of experiments");
}

struct overlap *overlap_open(struct arena *arena, const char *experiment)
{
	struct overlap *overlap = ARENA_NEW(arena, struct overlap);
	if (!overlap)
		return NULL;
	overlap->arena = arena;
	overlap->met = table_open();
	overlap->experiments = ARENA_ARRAY(arena, struct overlap_experiment, OVERLAPS_MAX + 1);
	if (overlap->met && overlap->experiments) {
		overlap->experiments[overlap->count++].name = text_of(experiment);
		return overlap;
	}
	overlap_close(overlap);
	return NULL;
}

void overlap_close(struct overlap *overlap)
{
	if (!overlap)
		return;
	table_close(overlap->met);
	memory_give(overlap->units.items);
	*overlap = (struct overlap){0};
}

/* ---- exposures ---- */

/* NONE: there are too many. */
static uint32_t experiment_find(struct overlap *overlap, struct text name)
{
	for (size_t i = 0; i < overlap->count; i++)
		if (text_equal(overlap->experiments[i].name, name))
			return (uint32_t)i;
	if (overlap->count > OVERLAPS_MAX)
		return NONE;
	overlap->experiments[overlap->count].name = text_copied(overlap->arena, name);
	return (uint32_t)overlap->count++;
}

static uint32_t way_find(struct overlap *overlap, struct overlap_experiment *experiment, struct text name)
{
	for (size_t i = 0; i < experiment->ways; i++)
		if (text_equal(experiment->names[i], name))
			return (uint32_t)i;
	if (experiment->ways == OVERLAP_WAYS_MAX)
		return NONE;
	experiment->names[experiment->ways] = text_copied(overlap->arena, name);
	return (uint32_t)experiment->ways++;
}

static struct text key_of(struct overlap *overlap, uint32_t experiment, struct text unit)
{
	return text_of(arena_print(overlap->arena, "%u " TEXT_FORMAT, (unsigned)experiment, TEXT_ARGUMENTS(unit)));
}

static bool is_chance(const struct exposure *exposure)
{
	return exposure->reason == ASSIGNED_WEIGHT || exposure->reason == ASSIGNED_STAGE || exposure->reason == ASSIGNED_POLICY;
}

bool overlap_expose(struct overlap *overlap, const struct exposure *exposure, struct error *error)
{
	struct text value;
	if (exposure->unit.length == 0 || !is_chance(exposure))
		return true;
	const uint32_t number = experiment_find(overlap, exposure->experiment);
	const uint32_t way = number == NONE ? NONE : way_find(overlap, &overlap->experiments[number], exposure->variant);
	if (way == NONE)
		return !arena_failed(overlap->arena) || overlap_memory(error);
	const struct text key = key_of(overlap, number, exposure->unit);
	if (!key.bytes)
		return overlap_memory(error);
	if (table_read(overlap->met, key, &value))
		return true;
	if (!table_put(overlap->met, key, (struct text){(const char *)&way, sizeof way}, false))
		return overlap_memory(error);
	struct overlap_unit *unit = number > 0 ? met_list_add(&overlap->units, sizeof *unit, error) : NULL;
	if (unit)
		*unit = (struct overlap_unit){number, way, text_copied(overlap->arena, exposure->unit)};
	return (unit || number == 0) && (!arena_failed(overlap->arena) || overlap_memory(error));
}

/* ---- tables ---- */

static bool counts_fill(struct overlap *overlap, double **counts)
{
	const struct overlap_unit *units = overlap->units.items;
	for (size_t i = 0; i < overlap->units.count; i++) {
		const struct text key = key_of(overlap, 0, units[i].unit);
		struct text value;
		uint32_t way;
		if (!key.bytes)
			return false;
		if (!table_read(overlap->met, key, &value))
			continue;
		memcpy(&way, value.bytes, sizeof way);
		counts[units[i].experiment][way * overlap->experiments[units[i].experiment].ways + units[i].way]++;
	}
	return true;
}

/* Rows and columns that are empty have nothing to test. */
static double independence(const double *counts, size_t rows, size_t columns, double *kept, double *expected)
{
	bool filled[OVERLAP_WAYS_MAX] = {0};
	size_t at = 0, kept_rows = 0, kept_columns = 0;
	for (size_t j = 0; j < columns; j++) {
		for (size_t i = 0; i < rows; i++)
			filled[j] = filled[j] || counts[i * columns + j] > 0;
		kept_columns += filled[j];
	}
	for (size_t i = 0; i < rows; i++) {
		double sum = 0;
		for (size_t j = 0; j < columns; j++)
			sum += counts[i * columns + j];
		for (size_t j = 0; sum > 0 && j < columns; j++)
			if (filled[j])
				kept[at++] = counts[i * columns + j];
		kept_rows += sum > 0;
	}
	return kept_rows < 2 || kept_columns < 2 ? (double)NAN : table_test(kept, kept_rows, kept_columns, expected).p;
}

static void table_conclude(const struct overlap *overlap, size_t number, const double *counts, double *kept, double *expected,
			   struct overlap_table *table)
{
	const struct overlap_experiment *own = &overlap->experiments[0], *other = &overlap->experiments[number];
	*table = (struct overlap_table){.experiment = other->name,
					.ways = own->ways,
					.other_ways = other->ways,
					.names = own->names,
					.other_names = other->names,
					.counts = counts};
	for (size_t i = 0; i < own->ways * other->ways; i++)
		table->units += counts[i];
	table->p = independence(counts, own->ways, other->ways, kept, expected);
	table->dependent = table->p < SPLIT_ALPHA;
}

const struct overlap_table *overlap_end(struct overlap *overlap, size_t *count, struct error *error)
{
	const size_t most = OVERLAP_WAYS_MAX * OVERLAP_WAYS_MAX, ways = overlap->experiments[0].ways;
	struct overlap_table *tables = ARENA_ARRAY(overlap->arena, struct overlap_table, overlap->count);
	double **counts = ARENA_ARRAY(overlap->arena, double *, overlap->count);
	double *kept = ARENA_ARRAY(overlap->arena, double, most), *expected = ARENA_ARRAY(overlap->arena, double, most);
	bool good = tables && counts && kept && expected;
	*count = 0;
	for (size_t i = 1; good && i < overlap->count; i++) {
		counts[i] = ARENA_ARRAY(overlap->arena, double, ways * overlap->experiments[i].ways + 1);
		good = counts[i] != NULL;
	}
	if (!good || !counts_fill(overlap, counts)) {
		overlap_memory(error);
		return NULL;
	}
	for (size_t i = 1; i < overlap->count; i++) {
		table_conclude(overlap, i, counts[i], kept, expected, &tables[*count]);
		*count += tables[*count].units > 0;
	}
	return tables;
}
