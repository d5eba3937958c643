/* declared_metrics.c: see declared_metrics.h. */
#include "monitor/declared_metrics.h"

#include <stdlib.h>

#include "base/hash.h"

/* ---- tables of workers ---- */

static uint64_t form_hash(const struct pipeline_metric *metric)
{
	const struct series_form *form = &metric->form;
	const uint64_t numbers[] = {form->type, form->label_count, form->bucket_count, form->places};
	uint64_t hash = hash_bytes(numbers, sizeof numbers, 0);
	for (size_t i = 0; i < form->label_count; i++)
		hash = hash_bytes(metric->labels[i], strlen(metric->labels[i]), hash);
	return hash_bytes(form->buckets, form->bucket_count * sizeof *form->buckets, hash);
}

const struct counted_pipeline *counted_pipeline_find(const struct group *group, const char *pipeline)
{
	const struct counted_pipeline *found = group->pipelines;
	while (found && strcmp(found->name, pipeline) != 0)
		found = found->next;
	return found;
}

static struct counted_metric *metric_find(struct counted_metric *metrics, const char *name, uint64_t form)
{
	while (metrics && (metrics->form != form || strcmp(metrics->name, name) != 0))
		metrics = metrics->next;
	return metrics;
}

const struct counted_metric *counted_metric_find(const struct counted_pipeline *pipeline, const struct pipeline_metric *metric)
{
	return pipeline ? metric_find(pipeline->metrics, metric->spec.name.text, form_hash(metric)) : NULL;
}

bool counted_metric_is_of(const struct counted_metric *counted, const struct pipeline_metric *metric)
{
	return strcmp(counted->name, metric->spec.name.text) == 0 && counted->form == form_hash(metric);
}

/* Copies what the form borrows, since it outlives the files. */
static struct counted_metric *metric_open(const struct pipeline_metric *metric, size_t workers, struct arena *lasting)
{
	struct series_form form = metric->form;
	const char *name = metric->spec.name.text;
	struct counted_metric *made = ARENA_NEW(lasting, struct counted_metric);
	double *buckets = ARENA_ARRAY(lasting, double, form.bucket_count + 1);
	if (!made || !buckets)
		return NULL;
	for (size_t i = 0; i < form.bucket_count; i++)
		buckets[i] = form.buckets[i];
	form.buckets = buckets;
	made->name = arena_copy(lasting, name, strlen(name));
	made->form = form_hash(metric);
	made->tables = ARENA_ARRAY(lasting, struct series_table *, workers);
	for (size_t i = 0; made->tables && i < workers; i++)
		made->tables[i] = series_table_open(&form, lasting);
	return arena_failed(lasting) ? NULL : made;
}

struct series_table *const *metric_tables_make(struct group *group, struct counted_pipeline *counted,
					       const struct pipeline_plan *plan, struct arena *arena, struct arena *lasting)
{
	struct series_table **tables = ARENA_ARRAY(arena, struct series_table *, group->worker_count * plan->metric_count + 1);
	for (size_t i = 0; tables && i < plan->metric_count; i++) {
		const struct pipeline_metric *metric = &plan->metrics[i];
		struct counted_metric *found = metric_find(counted->metrics, metric->spec.name.text, form_hash(metric));
		if (!found) {
			found = metric_open(metric, group->worker_count, lasting);
			if (!found)
				return NULL;
			found->next = counted->metrics;
			counted->metrics = found;
		}
		for (size_t worker = 0; worker < group->worker_count; worker++)
			tables[worker * plan->metric_count + i] = found->tables[worker];
	}
	return tables;
}

/* ---- one metric of a pipeline ---- */

struct metric_item {
	const struct pipeline_plan *pipeline;
	const struct pipeline_metric *metric;
	size_t order;
	const struct counted_pipeline *const *counted; /* of each group; NULL: it has none */
	struct metric_state state;
};

struct series_list {
	struct series_sum *items;
	size_t count, places;
	bool has_other;
};

static bool labels_equal(const struct series_sum *a, const struct series_sum *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!text_equal(a->labels[i], b->labels[i]))
			return false;
	return true;
}

/* Adds a series of a worker. Those of several workers may be more than there are places. */
static void series_take(struct series_list *list, struct series_sum *series, const struct series_form *form, uint64_t *others)
{
	for (size_t tries = 0; tries < 2; tries++) {
		for (size_t i = 0; i < list->count; i++)
			if (list->items[i].hash == series->hash && labels_equal(&list->items[i], series, form->label_count)) {
				series_merge(&list->items[i], series);
				return;
			}
		const bool is_other = form->label_count > 0 && text_is(series->labels[0], SERIES_OTHER);
		list->has_other |= is_other;
		if (list->count + (form->label_count > 0 && !list->has_other) < list->places)
			break;
		*others += series->count;
		for (size_t i = 0; i < form->label_count; i++)
			series->labels[i] = TEXT(SERIES_OTHER);
		series->hash = 0;
		for (size_t i = 0; i < list->count; i++)
			series->hash =
				labels_equal(&list->items[i], series, form->label_count) ? list->items[i].hash : series->hash;
	}
	if (list->count < list->places)
		list->items[list->count++] = *series;
}

/* Adds up the workers of all groups. The list's items are those of the item before. */
static void item_series(struct metric_item *item, const struct group *groups, struct series_list *list)
{
	const struct series_form *form = &item->metric->form;
	size_t place = 0;
	list->count = 0;
	list->places = form->places;
	list->has_other = false;
	for (const struct group *group = groups; group; group = group->next) {
		const struct counted_metric *counted = counted_metric_find(item->counted[place++], item->metric);
		for (size_t worker = 0; counted && worker < group->worker_count; worker++) {
			const struct series_table *table = counted->tables[worker];
			const size_t count = series_count(table);
			item->state.missing += series_missed(table);
			item->state.lost += series_lost(table);
			item->state.others += series_others(table);
			for (size_t i = 0; i < count; i++) {
				struct series_sum series = {0};
				series_read(table, i, &series);
				series_take(list, &series, form, &item->state.others);
			}
		}
	}
}

/* ---- families ---- */

static int items_compare(const void *left, const void *right)
{
	const struct metric_item *a = left, *b = right;
	const int order = strcmp(a->metric->spec.name.text, b->metric->spec.name.text);
	return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

/* The counts of a pipeline in each group. */
static const struct counted_pipeline *const *groups_find(const struct group *groups, const char *pipeline, struct arena *arena)
{
	size_t count = 0, place = 0;
	for (const struct group *group = groups; group; group = group->next)
		count++;
	const struct counted_pipeline **found = ARENA_ARRAY(arena, const struct counted_pipeline *, count + 1);
	for (const struct group *group = groups; found && group; group = group->next)
		found[place++] = counted_pipeline_find(group, pipeline);
	return found;
}

static size_t items_list(const struct plan *plan, const struct group *groups, struct arena *arena, struct metric_item **items)
{
	size_t room = 0, count = 0;
	for (size_t i = 0; i < plan->count; i++)
		room += plan->pipelines[i].metric_count;
	*items = room > 0 ? ARENA_ARRAY(arena, struct metric_item, room) : NULL;
	for (size_t i = 0; i < plan->count && *items; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		const struct counted_pipeline *const *counted =
			pipeline->metric_count > 0 ? groups_find(groups, pipeline->graph->name, arena) : NULL;
		for (size_t j = 0; counted && j < pipeline->metric_count; j++) {
			(*items)[count] = (struct metric_item){pipeline, &pipeline->metrics[j], count, counted, {0}};
			count++;
		}
	}
	if (count > 0)
		qsort(*items, count, sizeof **items, items_compare);
	return count;
}

static void write_states(const struct metric_item *items, size_t count, struct arena *arena, struct exposition *exposition)
{
	struct metric_subject *subjects = ARENA_ARRAY(arena, struct metric_subject, count + 1);
	for (size_t i = 0; subjects && i < count; i++)
		subjects[i] =
			(struct metric_subject){{text_of(items[i].pipeline->namespace), text_of(items[i].pipeline->graph->name),
						 text_of(items[i].metric->spec.name.text)},
						&items[i].state};
	if (subjects)
		exposition_write(exposition, SCOPE_METRIC, subjects, count);
}

void declared_metrics_write(const struct plan *plan, const struct group *groups, struct arena *arena, struct exposition *exposition)
{
	struct metric_item *items;
	const size_t count = items_list(plan, groups, arena, &items);
	struct series_list list = {.items = count > 0 ? ARENA_ARRAY(arena, struct series_sum, SERIES_PLACES_MAX) : NULL};
	const char *before = "";
	for (size_t i = 0; list.items && i < count; i++) {
		const struct metric_spec *spec = &items[i].metric->spec;
		item_series(&items[i], groups, &list);
		const struct exposed_series family = {.name = spec->name.text,
						      .help = spec->help,
						      .form = &items[i].metric->form,
						      .labels = items[i].metric->labels,
						      .namespace = text_of(items[i].pipeline->namespace),
						      .pipeline = text_of(items[i].pipeline->graph->name)};
		if (list.count > 0 && strcmp(before, spec->name.text) != 0)
			exposition_series_begin(exposition, &family);
		before = list.count > 0 ? spec->name.text : before;
		for (size_t j = 0; j < list.count; j++)
			exposition_series(exposition, &family, &list.items[j]);
	}
	if (count > 0)
		write_states(items, count, arena, exposition);
}

/* ---- alerts ---- */

static void table_add(const struct series_table *table, struct figure_metric *sum, uint64_t *last_ms)
{
	const size_t count = series_count(table);
	for (size_t i = 0; i < count; i++) {
		struct series_sum series = {0};
		series_read(table, i, &series);
		sum->count += series.count;
		sum->sum += series_double(series.sum);
		if (series.count == 0 || series.last_ms < *last_ms)
			continue;
		sum->last = series_double(series.last);
		*last_ms = series.last_ms;
	}
}

struct figure_metric declared_metric_sum(const struct pipeline_plan *plan, const struct group *groups, struct text name)
{
	struct figure_metric sum = {.name = name};
	uint64_t last_ms = 0;
	size_t place = 0;
	while (place < plan->metric_count && !text_is(name, plan->metrics[place].spec.name.text))
		place++;
	if (place == plan->metric_count)
		return sum;
	sum.type = plan->metrics[place].form.type;
	for (const struct group *group = groups; group; group = group->next) {
		const struct counted_pipeline *pipeline = counted_pipeline_find(group, plan->graph->name);
		const struct counted_metric *counted = counted_metric_find(pipeline, &plan->metrics[place]);
		for (size_t worker = 0; counted && worker < group->worker_count; worker++)
			table_add(counted->tables[worker], &sum, &last_ms);
	}
	return sum;
}
