/* access_policy_check.c: see access_policy_check.h. */
#include "gateway/access/access_policy_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/suggest.h"

#define WORDS_BYTES 512
#define SERVER_VERBS (1u << ACCESS_METADATA)

struct policy_check {
	const struct plan *plan;
	access_policy_report *report;
	void *context;
};

enum access_kind access_kind_of(const struct resource *pipeline)
{
	switch ((pipeline->made_of ? pipeline->made_of : pipeline)->kind->type) {
	case RESOURCE_MODEL:
		return ACCESS_MODEL;
	case RESOURCE_DEPLOYMENT:
		return ACCESS_DEPLOYMENT;
	case RESOURCE_EXPERIMENT:
		return ACCESS_EXPERIMENT;
	default:
		return ACCESS_PIPELINE;
	}
}

__attribute__((format(printf, 3, 4))) static void idle_say(const struct policy_check *check, struct place place, const char *format,
							   ...)
{
	char words[WORDS_BYTES];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	check->report(check->context, place, words);
}

/* ---- what is served ---- */

static unsigned verbs_of(const struct pipeline_plan *pipeline)
{
	unsigned verbs = ((1u << ACCESS_VERBS) - 1) & ~(1u << ACCESS_METRICS);
	if (!plan_topic_of(pipeline, TOPIC_EXPLANATIONS))
		verbs &= ~(1u << ACCESS_EXPLAIN);
	if (!plan_topic_of(pipeline, TOPIC_FEEDBACK))
		verbs &= ~(1u << ACCESS_FEEDBACK);
	return verbs;
}

static bool row_is_of_namespace(const struct access_policy_row *row, const char *namespace)
{
	for (size_t i = 0; i < row->namespace_count; i++)
		if (access_pattern_matches(row->namespaces[i].name, text_of(namespace)))
			return true;
	return row->namespace_count == 0;
}

static bool is_named(const struct access_policy_pattern *pattern, const struct pipeline_plan *pipeline)
{
	const struct graph *graph = pipeline->graph;
	return pattern->kind == ACCESS_KINDS || (pattern->kind == (int)access_kind_of(graph->resource) &&
						 access_pattern_matches(pattern->name, text_of(graph->name)));
}

/* The verbs that mean something on what the pattern names in the namespaces of its row; 0: it names nothing. */
static unsigned pattern_verbs(const struct policy_check *check, const struct access_policy_row *row,
			      const struct access_policy_pattern *pattern)
{
	unsigned verbs = pattern->kind == ACCESS_SERVER || pattern->kind == ACCESS_KINDS ? SERVER_VERBS : 0;
	for (size_t i = 0; i < check->plan->count; i++)
		if (row_is_of_namespace(row, check->plan->pipelines[i].namespace) && is_named(pattern, &check->plan->pipelines[i]))
			verbs |= verbs_of(&check->plan->pipelines[i]);
	return verbs;
}

/* ---- rows ---- */

/* False: no namespace of the row is served, which says all of the row. */
static bool namespaces_check(const struct policy_check *check, const struct access_policy_row *row)
{
	bool any = row->namespace_count == 0;
	for (size_t i = 0; i < row->namespace_count; i++) {
		bool is_served = false;
		for (size_t k = 0; k < check->plan->count && !is_served; k++)
			is_served = access_pattern_matches(row->namespaces[i].name, text_of(check->plan->pipelines[k].namespace));
		any = any || is_served;
		if (!is_served)
			idle_say(check, row->namespaces[i].place,
				 "no pipeline or model is in the namespace `" TEXT_FORMAT "`%s%s%s",
				 TEXT_ARGUMENTS(row->namespaces[i].name), check->plan->count > 0 ? "; there is `" : "",
				 check->plan->count > 0 ? check->plan->pipelines[0].namespace : "",
				 check->plan->count > 0 ? "`" : "");
	}
	return any;
}

/* A name that is there in another kind, or the nearest of its own. */
static void idle_pattern_describe(const struct policy_check *check, const struct access_policy_pattern *pattern)
{
	const char *kind = access_kind_name((enum access_kind)pattern->kind);
	struct suggestion suggestion = suggest_begin(pattern->name);
	if (memchr(pattern->name.bytes, '*', pattern->name.length) || memchr(pattern->name.bytes, '?', pattern->name.length)) {
		idle_say(check, pattern->place, "`" TEXT_FORMAT "` matches no %s", TEXT_ARGUMENTS(pattern->name), kind);
		return;
	}
	for (size_t i = 0; i < check->plan->count; i++) {
		const struct graph *graph = check->plan->pipelines[i].graph;
		const enum access_kind own = access_kind_of(graph->resource);
		if (text_is(pattern->name, graph->name)) {
			idle_say(check, pattern->place, "no %s is called `" TEXT_FORMAT "`; `%s` is a %s: write %s/%s", kind,
				 TEXT_ARGUMENTS(pattern->name), graph->name, access_kind_name(own), access_kind_name(own),
				 graph->name);
			return;
		}
		if ((int)own == pattern->kind)
			suggest_offer(&suggestion, text_of(graph->name));
	}
	const struct text nearest = suggestion.nearest;
	idle_say(check, pattern->place, "no %s is called `" TEXT_FORMAT "`%s" TEXT_FORMAT "%s", kind, TEXT_ARGUMENTS(pattern->name),
		 nearest.bytes ? "; did you mean `" : "", TEXT_ARGUMENTS(nearest), nearest.bytes ? "`?" : "");
}

static void idle_verb_describe(const struct policy_check *check, const struct access_policy_verb *verb)
{
	const char *words = "of the server only metadata are asked";
	if (verb->set == 1u << ACCESS_METRICS)
		words = "metrics have a port of their own, which asks nobody";
	else if (verb->set == 1u << ACCESS_EXPLAIN)
		words = "nothing that the row names has a step `explain`";
	else if (verb->set == 1u << ACCESS_FEEDBACK)
		words = "nothing that the row names has an experiment, or a metric of truth or reward";
	for (enum access_verb i = 0; i < ACCESS_VERBS; i++)
		if (verb->set == 1u << i)
			idle_say(check, verb->place, "the verb `%s` allows nothing here: %s", access_verb_name(i), words);
}

static void policy_row_check(const struct policy_check *check, const struct access_policy_row *row)
{
	unsigned all = 0;
	if (!namespaces_check(check, row))
		return;
	for (size_t i = 0; i < row->pattern_count; i++) {
		const unsigned verbs = pattern_verbs(check, row, &row->patterns[i]);
		if (verbs == 0)
			idle_pattern_describe(check, &row->patterns[i]);
		all |= verbs;
	}
	for (size_t i = 0; i < row->verb_count && all; i++) /* without a resource, verbs say nothing more */
		if (!(row->verb_items[i].set & all))
			idle_verb_describe(check, &row->verb_items[i]);
}

void access_policy_check(const struct access_policy *policy, const struct plan *plan, access_policy_report *report, void *context)
{
	const struct policy_check check = {plan, report, context};
	for (size_t i = 0; i < policy->count; i++)
		policy_row_check(&check, &policy->rows[i]);
}
