/* step_options.c: see step_options.h. */
#include "compiler/graph/step_options.h"

static const struct option *row_named(const struct option *rows, const char *name)
{
	for (const struct option *row = rows; row && row->type != OPTION_END; row++)
		if (row->name && row->offset != OPTION_UNSTORED && strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

static const void *value_at(const void *options, const struct option *row)
{
	return (const unsigned char *)options + row->offset;
}

const char *step_option_text(const struct step_spec *step, const char *name)
{
	const struct option *row = step->kind && step->options ? row_named(step->kind->options, name) : NULL;
	if (row && row->type == OPTION_TEXT)
		return *(const char *const *)value_at(step->options, row);
	if (row && row->type == OPTION_NAME)
		return ((const struct name *)value_at(step->options, row))->text;
	return NULL;
}

int step_option_choice(const struct step_spec *step, const char *name)
{
	const struct option *row = step->kind && step->options ? row_named(step->kind->options, name) : NULL;
	return row && row->type == OPTION_CHOICE ? *(const int *)value_at(step->options, row) : 0;
}

struct name_list step_option_names(const struct step_spec *step, const char *name)
{
	const struct option *row = step->kind && step->options ? row_named(step->kind->options, name) : NULL;
	return row && row->type == OPTION_NAMES ? *(const struct name_list *)value_at(step->options, row) : (struct name_list){0};
}

int64_t step_cache_ns(const struct step_spec *step)
{
	const struct option *cache = step->kind && step->options ? row_named(step->kind->options, "cache") : NULL;
	const struct option *ttl = cache && cache->type == OPTION_MAP ? row_named(cache->rows, "ttl") : NULL;
	return ttl && ttl->type == OPTION_DURATION ? *(const int64_t *)value_at(value_at(step->options, cache), ttl) : 0;
}

bool step_locates_model(const struct step_spec *step)
{
	const struct step self = {.kind = step->kind, .options = step->options, .place = step->options_here};
	if (!step->kind || !step->options)
		return false;
	return step_option_text(step, "local") || step_option_text(step, "server") || step_facts(&self).storage;
}
