/* metric_families.c: Check that no two declared metrics share a name in what Prometheus reads. A counter `m` has the samples of
 * `m_total`, and a histogram those of `m_count`, so two different names may still be one there. Scrapers then take the samples of
 * one metric for those of the other, or refuse all of a scrape. */
#include <stdlib.h>

#include "observe/series.h"
#include "compiler/plan/compile.h"
#include "compiler/yaml/fault_codes.h"

#define ENDINGS_MAX 4
#define TOTAL "_total"

/* What follows the name of the family in the samples of a metric; the family's own name is taken too. */
static const char *const endings[][ENDINGS_MAX] = {
	[SERIES_GAUGE] = {""},
	[SERIES_COUNTER] = {"", TOTAL},
	[SERIES_HISTOGRAM] = {"", "_bucket", "_sum", "_count"},
	[SERIES_SUMMARY] = {"", "_sum", "_count"},
};

struct metric_family {
	const struct metric_spec *spec;
	const char *pipeline; /* NULL: of customMetrics */
	size_t order;
	bool is_told; /* its fault was added */
};

struct sample_name {
	const char *text;
	struct metric_family *family;
};

struct family_list {
	struct arena *arena;
	struct metric_family *families;
	struct sample_name *names;
	size_t count, name_count;
};

/* ---- all names ---- */

static void names_add(struct family_list *list, struct metric_family *family)
{
	const struct text name = text_of(family->spec->name.text), total = TEXT(TOTAL);
	const bool is_cut = family->spec->type == SERIES_COUNTER && name.length > total.length && text_ends_with(name, total);
	const struct text base = {name.bytes, is_cut ? name.length - total.length : name.length};
	for (size_t i = 0; i < ENDINGS_MAX && endings[family->spec->type][i]; i++) {
		const char *text = arena_print(list->arena, TEXT_FORMAT "%s", TEXT_ARGUMENTS(base), endings[family->spec->type][i]);
		if (text)
			list->names[list->name_count++] = (struct sample_name){text, family};
	}
}

static void families_add(struct family_list *list, const struct item_list *metrics, const char *pipeline)
{
	const struct metric_spec *items = metrics->items;
	for (size_t i = 0; i < metrics->count; i++) {
		if (!items[i].name.text)
			continue;
		struct metric_family *family = &list->families[list->count];
		*family = (struct metric_family){.spec = &items[i], .pipeline = pipeline, .order = list->count};
		list->count++;
		names_add(list, family);
	}
}

static bool families_list(const struct compiler *compiler, struct family_list *list)
{
	static const struct item_list none = {0};
	const struct item_list *customs = compiler->runtime ? &compiler->runtime->metrics.custom : &none;
	const struct plan *plan = compiler->plan;
	size_t count = customs->count;
	for (size_t i = 0; i < plan->count; i++)
		count += plan->pipelines[i].graph->spec->metrics.count;
	*list = (struct family_list){.arena = compiler->arena};
	if (count == 0)
		return false;
	list->families = ARENA_ARRAY(list->arena, struct metric_family, count);
	list->names = ARENA_ARRAY(list->arena, struct sample_name, count * ENDINGS_MAX);
	if (!list->families || !list->names)
		return false;
	families_add(list, customs, NULL);
	for (size_t i = 0; i < plan->count; i++)
		families_add(list, &plan->pipelines[i].graph->spec->metrics, plan->pipelines[i].graph->name);
	return true;
}

/* ---- names that two have ---- */

static int names_compare(const void *left, const void *right)
{
	const struct sample_name *a = left, *b = right;
	const int order = strcmp(a->text, b->text);
	return order != 0 ? order : (a->family->order > b->family->order) - (a->family->order < b->family->order);
}

/* Metrics of one name and one type are one family. Of one name, the readers of pipelines and of customMetrics report the others. */
static bool families_agree(const struct metric_family *first, const struct metric_family *other)
{
	if (strcmp(first->spec->name.text, other->spec->name.text) != 0)
		return false;
	return first->spec->type == other->spec->type || !first->pipeline || first->pipeline == other->pipeline;
}

static void family_refuse(const struct compiler *compiler, const struct metric_family *first, struct metric_family *other,
			  const char *sample)
{
	struct faults *faults = compiler->spec->faults;
	const char *name = other->spec->name.text, *earlier = first->spec->name.text, *pipeline = first->pipeline;
	const char *owner = pipeline ? arena_print(compiler->arena, "pipeline `%s`", pipeline) : "customMetrics";
	if (other->is_told || !owner)
		return;
	other->is_told = true;
	if (strcmp(name, earlier) == 0)
		fault_add(faults, CODE_CONTRADICTION, other->spec->here, NULL,
			  "the metric `%s` has another type in %s; give both the same, or another name", name, owner);
	else
		fault_add(faults, CODE_CONTRADICTION, other->spec->here, NULL,
			  "the metric `%s` and the metric `%s` of %s would both be `%s` in Prometheus; rename one of them", name,
			  earlier, owner, sample);
}

void plan_metric_families(const struct compiler *compiler)
{
	struct family_list list;
	if (!families_list(compiler, &list) || list.name_count == 0)
		return;
	qsort(list.names, list.name_count, sizeof *list.names, names_compare);
	const struct sample_name *first = list.names;
	for (size_t i = 1; i < list.name_count; i++)
		if (strcmp(first->text, list.names[i].text) != 0)
			first = &list.names[i];
		else if (!families_agree(first->family, list.names[i].family))
			family_refuse(compiler, first->family, list.names[i].family, first->text);
}
