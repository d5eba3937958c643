/* overlap.c: see overlap.h. */
#include "experiments/analysis/overlap.h"

#include "base/memory.h"
#include "experiments/outcomes/heap_list.h"
#include "message/records/answer_label.h"
#include "message/rows.h"
#include "base/table.h"
#include "methods/statistics/sample_ratio.h"

#define NONE UINT32_MAX
#define OWN ((uint64_t)1) /* in a set of experiments, which has a bit for each number */
#define KEY_BYTES_MAX ((size_t)128 << 20) /* more than a record may have */

_Static_assert(OVERLAPS_MAX < 64, "a set of experiments has 64 bits");

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
	struct heap_list units;			/* struct overlap_unit: of the others */
	uint64_t layered, here, beside;		/* sets: with a layer; of this pipeline; of a pipeline that has our own too */
	struct state_table *requests;		/* id, origin or unit: the set of others that it met */
	struct state_table *metrics;		/* name: the set of others whose requests have it */
	struct buffer key;
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
	overlap->requests = table_open();
	overlap->metrics = table_open();
	buffer_open(&overlap->key, KEY_BYTES_MAX);
	overlap->experiments = ARENA_ARRAY(arena, struct overlap_experiment, OVERLAPS_MAX + 1);
	if (overlap->met && overlap->requests && overlap->metrics && overlap->experiments) {
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
	table_close(overlap->requests);
	table_close(overlap->metrics);
	buffer_close(&overlap->key);
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

static uint64_t set_read(const struct state_table *sets, struct text key)
{
	struct text value;
	uint64_t set = 0;
	if (table_read(sets, key, &value))
		memcpy(&set, value.bytes, sizeof set);
	return set;
}

static bool set_add(struct state_table *sets, struct text key, uint64_t added)
{
	const uint64_t before = set_read(sets, key), set = before | added;
	return set == before || table_put(sets, key, (struct text){(const char *)&set, sizeof set}, false);
}

/* Until the next key is printed; empty: it does not fit. */
static struct text met_key(struct overlap *overlap, uint32_t experiment, struct text unit)
{
	buffer_clear(&overlap->key);
	buffer_print(&overlap->key, "%u " TEXT_FORMAT, (unsigned)experiment, TEXT_ARGUMENTS(unit));
	if (buffer_failed(&overlap->key))
		return (struct text){0};
	return buffer_view(&overlap->key);
}

/* Until the next key is printed. */
static struct text request_key(struct overlap *overlap, struct text id)
{
	buffer_clear(&overlap->key);
	buffer_print(&overlap->key, "i" TEXT_FORMAT, TEXT_ARGUMENTS(id));
	return buffer_view(&overlap->key);
}

static struct text origin_key(struct overlap *overlap, const struct origin *origin)
{
	buffer_clear(&overlap->key);
	buffer_print(&overlap->key, "o%d %lld " TEXT_FORMAT, (int)origin->partition, (long long)origin->offset,
		     TEXT_ARGUMENTS(origin->topic));
	return buffer_view(&overlap->key);
}

static struct text unit_key(struct overlap *overlap, struct text unit)
{
	buffer_clear(&overlap->key);
	buffer_print(&overlap->key, "u" TEXT_FORMAT, TEXT_ARGUMENTS(unit));
	return buffer_view(&overlap->key);
}

/* By what feedback may name it. */
static bool request_note(struct overlap *overlap, const struct exposure *exposure, uint64_t set)
{
	struct state_table *requests = overlap->requests;
	return (exposure->id.length == 0 || set_add(requests, request_key(overlap, exposure->id), set)) &&
	       (exposure->origin.topic.length == 0 || set_add(requests, origin_key(overlap, &exposure->origin), set)) &&
	       set_add(requests, unit_key(overlap, exposure->unit), set) && !buffer_failed(&overlap->key);
}

static bool experiment_note(struct overlap *overlap, uint32_t number, const struct exposure *exposure)
{
	const uint64_t set = OWN << number;
	overlap->here |= set;
	if (exposure->layer.length > 0)
		overlap->layered |= set;
	return number == 0 || request_note(overlap, exposure, set);
}

bool overlap_expose(struct overlap *overlap, const struct exposure *exposure, struct error *error)
{
	struct text value;
	if (exposure->unit.length == 0 || !assigned_reason_is_chance(exposure->reason))
		return true;
	const uint32_t number = experiment_find(overlap, exposure->experiment);
	const uint32_t way = number == NONE ? NONE : way_find(overlap, &overlap->experiments[number], exposure->variant);
	if (way == NONE)
		return !arena_failed(overlap->arena) || overlap_memory(error);
	if (!experiment_note(overlap, number, exposure))
		return overlap_memory(error);
	const struct text key = met_key(overlap, number, exposure->unit);
	if (!key.bytes)
		return overlap_memory(error);
	if (table_read(overlap->met, key, &value))
		return true;
	if (!table_put(overlap->met, key, (struct text){(const char *)&way, sizeof way}, false))
		return overlap_memory(error);
	struct overlap_unit *unit = number > 0 ? heap_list_add(&overlap->units, sizeof *unit, error) : NULL;
	if (unit)
		*unit = (struct overlap_unit){number, way, text_copied(overlap->arena, exposure->unit)};
	return (unit || number == 0) && (!arena_failed(overlap->arena) || overlap_memory(error));
}

void overlap_pipeline_end(struct overlap *overlap)
{
	if (overlap->here & OWN)
		overlap->beside |= overlap->here;
	overlap->here = 0;
}

/* ---- feedback ---- */

/* The other experiments that it is for. */
static uint64_t feedback_set(struct overlap *overlap, const struct feedback *feedback)
{
	const struct text key = feedback->id.length > 0		    ? request_key(overlap, feedback->id)
				: feedback->origin.topic.length > 0 ? origin_key(overlap, &feedback->origin)
								    : unit_key(overlap, feedback->unit);
	uint64_t set = set_read(overlap->requests, key);
	for (size_t i = 0; feedback->experiment.length > 0 && i < overlap->count; i++)
		if (!text_equal(overlap->experiments[i].name, feedback->experiment))
			set &= ~(OWN << i);
	return set;
}

bool overlap_inform(struct overlap *overlap, const struct feedback *feedback, struct error *error)
{
	struct state_table *metrics = overlap->metrics;
	const uint64_t set = feedback_set(overlap, feedback);
	bool good = !buffer_failed(&overlap->key);
	good = good && (!feedback->has_reward || set_add(metrics, TEXT(JOIN_REWARD), set));
	good = good && (feedback->truth.count == 0 || set_add(metrics, TEXT(ACCURACY_METRIC), set));
	for (size_t i = 0; good && i < feedback->metric_count; i++)
		good = set_add(metrics, feedback->metrics[i].name, set);
	return good || overlap_memory(error);
}

/* The other experiments to tabulate. */
static uint64_t overlap_shared(struct overlap *overlap, const struct joined *joined)
{
	uint64_t set = 0;
	overlap_pipeline_end(overlap);
	for (size_t i = 0; i < joined->metric_count; i++)
		if (!joined->metrics[i].measured)
			set |= set_read(overlap->metrics, joined->metrics[i].name);
	return overlap->layered & OWN ? 0 : set & overlap->beside & ~overlap->layered;
}

/* ---- tables ---- */

static bool counts_fill(struct overlap *overlap, double **counts)
{
	const struct overlap_unit *units = overlap->units.items;
	for (size_t i = 0; i < overlap->units.count; i++) {
		const struct text key = met_key(overlap, 0, units[i].unit);
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

static void table_conclude(const struct overlap *overlap, size_t number, const double *counts, double *expected,
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
	table->p = table_test(counts, own->ways, other->ways, expected).p;
	table->dependent = table->p < SPLIT_ALPHA;
}

const struct overlap_table *overlap_end(struct overlap *overlap, const struct joined *joined, size_t *count,
					struct error *error)
{
	const uint64_t shared = overlap_shared(overlap, joined);
	const size_t most = OVERLAP_WAYS_MAX * OVERLAP_WAYS_MAX, ways = overlap->experiments[0].ways;
	struct overlap_table *tables = ARENA_ARRAY(overlap->arena, struct overlap_table, overlap->count);
	double **counts = ARENA_ARRAY(overlap->arena, double *, overlap->count);
	double *expected = ARENA_ARRAY(overlap->arena, double, most);
	bool good = tables && counts && expected;
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
		table_conclude(overlap, i, counts[i], expected, &tables[*count]);
		*count += tables[*count].units > 0 && (shared & (OWN << i));
	}
	return tables;
}
