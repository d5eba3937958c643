/* report.c: see report.h. */
#include "experiments/analysis/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/quote.h"
#include "base/suggest.h"
#include "methods/numeric/quantile.h"
#include "methods/statistics/quantile_interval.h"

const double variant_quantiles[VARIANT_QUANTILES] = {0.5, 0.95, 0.99};

static bool exposure_is_measured(const struct joined_exposure *exposure)
{
	return isfinite(exposure->latency_ms) && exposure->reason != ASSIGNED_FALLBACK;
}

static void exposures_count(const struct joined *joined, struct variant_requests *variants)
{
	for (size_t i = 0; i < joined->exposure_count; i++) {
		const struct joined_exposure *exposure = &joined->exposures[i];
		struct variant_requests *variant = &variants[exposure->arm];
		variant->requests++;
		variant->errors += exposure->failed;
		variant->fallbacks += exposure->reason == ASSIGNED_FALLBACK;
		variant->measured += exposure_is_measured(exposure);
	}
}

static void latencies_measure(double *latencies, double alpha, struct variant_requests *variant)
{
	const size_t count = quantile_sort(latencies, variant->measured);
	for (size_t i = 0; i < VARIANT_QUANTILES; i++)
		variant->latencies[i] =
			(struct latency_quantile){quantile_sorted(latencies, count, variant_quantiles[i], QUANTILE_LINEAR),
						  quantile_interval(latencies, count, variant_quantiles[i], alpha)};
}

/* Of each variant of what was joined. NULL: the arena is full. */
static struct variant_requests *variant_requests_count(const struct joined *joined, double alpha, struct arena *arena)
{
	struct variant_requests *variants = ARENA_ARRAY(arena, struct variant_requests, joined->arms + 1);
	double *latencies = ARENA_ARRAY(arena, double, joined->exposure_count + 1);
	if (!variants || !latencies)
		return NULL;
	exposures_count(joined, variants);
	for (size_t arm = 0; arm < joined->arms; arm++) {
		size_t count = 0;
		for (size_t i = 0; i < joined->exposure_count; i++)
			if (joined->exposures[i].arm == arm && exposure_is_measured(&joined->exposures[i]))
				latencies[count++] = joined->exposures[i].latency_ms;
		latencies_measure(latencies, alpha, &variants[arm]);
	}
	return variants;
}

#define LISTED_BYTES 400 /* of names of metrics in an error */

const char *report_decision_name(enum report_decision decision)
{
	static const char *const names[] = {"stop", "wait", "keep", "ship"};
	return names[decision];
}

/* ---- which is the control, and which metrics there are ---- */

static bool control_find(struct report *report, struct error *error)
{
	const struct joined *joined = report->joined;
	const struct text wanted = report->options->control;
	struct suggestion suggestion = suggest_begin(wanted);
	for (size_t arm = 0; arm < joined->arms; arm++) {
		if (wanted.length > 0 && text_equal(joined->arm_names[arm], wanted)) {
			report->control = arm;
			return true;
		}
		if (joined->arm_units[arm] > joined->arm_units[report->control])
			report->control = arm;
		suggest_offer(&suggestion, joined->arm_names[arm]);
	}
	if (wanted.length == 0)
		return true;
	return error_set(error, ERROR_CONFIG, PLACE_NONE, "experiment `%s` has no variant `" TEXT_FORMAT "`%s" TEXT_FORMAT "%s",
			 report->options->experiment, TEXT_ARGUMENTS(wanted), suggestion.nearest.bytes ? "; did you mean `" : "",
			 TEXT_ARGUMENTS(suggestion.nearest),
			 suggestion.nearest.bytes ? "`?" : "; name one of its variants as the control");
}

static const struct joined_metric *metric_named(const struct joined *joined, struct text name)
{
	for (size_t i = 0; i < joined->metric_count; i++)
		if (text_equal(joined->metrics[i].name, name))
			return &joined->metrics[i];
	return NULL;
}

/* What there is instead: "it has `profit`, `reward`". */
static struct text metrics_listed(const struct joined *joined, char room[LISTED_BYTES])
{
	size_t length = 0;
	if (joined->metric_count == 0)
		return TEXT("none joins an exposure");
	for (size_t i = 0; i < joined->metric_count && length < LISTED_BYTES; i++) {
		const struct text name = joined->metrics[i].name;
		const struct text shown = text_beginning(name, NAME_SHOWN_BYTES);
		const int more = snprintf(room + length, LISTED_BYTES - length, "%s`" TEXT_FORMAT "%s`",
					  i > 0 ? ", " : "those that join an exposure are ", TEXT_ARGUMENTS(shown),
					  shown.length < name.length ? "..." : "");
		length += more > 0 ? (size_t)more : 0;
	}
	return (struct text){room, length < LISTED_BYTES ? length : LISTED_BYTES - 1};
}

static bool names_check(const struct joined *joined, const struct name_list *names, struct error *error)
{
	char room[LISTED_BYTES];
	for (size_t i = 0; i < names->count; i++) {
		const struct text name = text_of(names->items[i].text);
		struct suggestion suggestion = suggest_begin(name);
		if (metric_named(joined, name))
			continue;
		for (size_t j = 0; j < joined->metric_count; j++)
			suggest_offer(&suggestion, joined->metrics[j].name);
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the feedback has no metric `" TEXT_FORMAT "%s`%s" TEXT_FORMAT "%s",
				 TEXT_ARGUMENTS(text_beginning(name, NAME_SHOWN_BYTES)),
				 name.length > NAME_SHOWN_BYTES ? "..." : "", suggestion.nearest.bytes ? "; did you mean `" : "; ",
				 TEXT_ARGUMENTS(suggestion.nearest.bytes ? suggestion.nearest : metrics_listed(joined, room)),
				 suggestion.nearest.bytes ? "`?" : "");
	}
	return true;
}

/* What is declared of the metric; NULL: nothing. */
static const struct report_rule *rule_of(const struct report_options *options, struct text name)
{
	for (size_t i = 0; i < options->rule_count; i++)
		if (text_is(name, options->rules[i].metric))
			return &options->rules[i];
	return NULL;
}

/* The first metric that is declared to be primary and has values; empty: there is none. */
static struct text primary_declared(const struct report *report)
{
	const struct report_options *options = report->options;
	for (size_t i = 0; i < options->rule_count; i++)
		if (options->rules[i].role == ROLE_PRIMARY && metric_named(report->joined, text_of(options->rules[i].metric)))
			return text_of(options->rules[i].metric);
	return (struct text){0};
}

/* A metric that is declared to be primary, where none of those has values; empty: one has, or another one was asked for. */
static struct text primary_absent(const struct report *report)
{
	const struct report_options *options = report->options;
	if (options->metrics.count > 0 || primary_declared(report).length > 0)
		return (struct text){0};
	for (size_t i = 0; i < options->rule_count; i++)
		if (options->rules[i].role == ROLE_PRIMARY)
			return text_of(options->rules[i].metric);
	return (struct text){0};
}

static bool guardrails_find_absent(struct report *report, struct arena *arena)
{
	const struct report_options *options = report->options;
	struct text *unmet = ARENA_ARRAY(arena, struct text, options->rule_count + 1);
	for (size_t i = 0; unmet && i < options->rule_count; i++) {
		const struct text name = text_of(options->rules[i].metric);
		if (options->rules[i].role == ROLE_GUARDRAIL && rule_of(options, name) == &options->rules[i] &&
		    !metric_named(report->joined, name))
			unmet[report->unmet_count++] = name;
	}
	report->unmet = unmet;
	return unmet != NULL;
}

static struct text primary_name(const struct report *report)
{
	const struct joined *joined = report->joined;
	struct text first = {0};
	if (report->options->metrics.count > 0)
		return text_of(report->options->metrics.items[0].text);
	if (report->absent.length > 0 || (first = primary_declared(report)).length > 0)
		return first; /* no other metric decides instead of one that is declared */
	if (report->options->primary.length > 0 && metric_named(joined, report->options->primary))
		return report->options->primary;
	for (size_t i = 0; i < joined->metric_count; i++) {
		const struct text name = joined->metrics[i].name;
		const size_t shared = name.length < first.length ? name.length : first.length;
		const int order = first.bytes ? memcmp(name.bytes, first.bytes, shared) : -1;
		if (text_is(name, JOIN_REWARD))
			return name;
		if (joined->metrics[i].measured)
			continue;
		if (order < 0 || (order == 0 && name.length < first.length))
			first = name;
	}
	return first;
}

static bool list_has(const struct name_list *names, struct text name)
{
	for (size_t i = 0; i < names->count; i++)
		if (text_is(name, names->items[i].text))
			return true;
	return false;
}

/* ---- metrics ---- */

static bool metric_report(const struct report *report, const struct joined_metric *metric, struct arena *arena,
			  struct report_metric *made)
{
	const struct joined *joined = report->joined;
	const struct report_rule *rule = rule_of(report->options, metric->name);
	if (!report_values(joined, metric, arena, made))
		return false;
	const struct analysis_input input = {.arms = joined->arms,
					     .control = report->control,
					     .epochs = joined->epoch_count,
					     .unit_count = joined->unit_count,
					     .units = joined->units,
					     .cluster_count = joined->cluster_count,
					     .candidates = joined->adaptive ? joined->candidates : 0,
					     .values = made->values,
					     .value_count = made->value_count};
	const struct analysis_options options = {.role = made->role,
						 .alpha = report->options->alpha,
						 .practical = made->practical,
						 .cap = rule ? rule->cap : 0,
						 .lower_is_better = made->lower_is_better,
						 .covariate = report->options->covariate != NULL,
						 .adaptive = joined->adaptive,
						 .per_unit = made->per_unit,
						 .stages = report->options->stages};
	return metric_analyse(&input, &options, arena, &made->analysis) &&
	       report_cap_beside(&made->analysis, &input, options, arena);
}

static int metrics_compare(const void *left, const void *right)
{
	const struct report_metric *a = left, *b = right;
	const size_t shared = a->name.length < b->name.length ? a->name.length : b->name.length;
	const int order = memcmp(a->name.bytes, b->name.bytes, shared);
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	return order != 0 ? order : (a->name.length > b->name.length) - (a->name.length < b->name.length);
}

static bool metrics_report(struct report *report, struct arena *arena)
{
	const struct joined *joined = report->joined;
	const struct report_options *options = report->options;
	const struct text primary = primary_name(report);
	report->metrics = ARENA_ARRAY(arena, struct report_metric, joined->metric_count + 1);
	for (size_t i = 0; report->metrics && i < joined->metric_count; i++) {
		const struct text name = joined->metrics[i].name;
		const struct report_rule *rule = rule_of(options, name);
		const bool is_primary = text_equal(name, primary);
		const bool guards = list_has(&options->guardrails, name) || (rule && rule->role == ROLE_GUARDRAIL);
		struct report_metric *made = &report->metrics[report->metric_count];
		if (!is_primary && !guards && options->metrics.count > 0 && !list_has(&options->metrics, name))
			continue;
		if (joined->metrics[i].measured && primary.length == 0 && !(guards && report->absent.length > 0))
			continue; /* it decides only where it is named */
		*made = (struct report_metric){.name = name,
					       .shown = name_abridged(name, arena),
					       .excess = joined->metrics[i].excess,
					       .role = is_primary ? ROLE_PRIMARY
						       : guards	  ? ROLE_GUARDRAIL
								  : ROLE_OTHER,
					       .lower_is_better = list_has(&options->lower, name) ||
								  (rule ? rule->lower_is_better : joined->metrics[i].measured),
					       .practical = rule && rule->margin > 0 ? rule->margin : options->practical,
					       .per_unit = rule ? rule->per_unit : PER_UNIT_MEAN};
		if (!metric_report(report, &joined->metrics[i], arena, made))
			return false;
		report->metric_count++;
	}
	if (arena_failed(arena))
		return false;
	if (report->metric_count > 0)
		qsort(report->metrics, report->metric_count, sizeof *report->metrics, metrics_compare);
	return report_correct_others(report->metrics, report->metric_count, report->options->alpha, arena);
}

/* ---- all of it ---- */

bool report_make(const struct joined *joined, const struct report_options *options, struct arena *arena, struct report *report,
		 struct error *error)
{
	*report = (struct report){.options = options, .joined = joined};
	report->split.feedback_p = report->split.p = NAN;
	if (joined->arms == 0 && options->mirror)
		return report_recommend(report, arena) || error_memory(error, ERROR_SYSTEM, "analysing an experiment");
	if (joined->arms == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "there is no exposure of experiment `%s`; set `exposures: full` in it, and check its name",
				 options->experiment);
	if (!control_find(report, error) || !names_check(joined, &options->metrics, error) ||
	    !names_check(joined, &options->guardrails, error) || !names_check(joined, &options->lower, error) ||
	    (options->covariate && !report_covariate(report, error)))
		return false;
	report->absent = primary_absent(report);
	if (!guardrails_find_absent(report, arena))
		return error_memory(error, ERROR_SYSTEM, "analysing an experiment");
	report->requests = variant_requests_count(joined, options->alpha, arena);
	if (!report->requests || !report_test_split(report, arena) || !metrics_report(report, arena) ||
	    (report->absent.length == 0 && !report_sum_gains(report, arena)))
		return error_memory(error, ERROR_SYSTEM, "analysing an experiment");
	if (options->segment && !report_segment(report, arena, error))
		return false;
	if (report->metric_count > 0 && !report_test_feedback(report, metric_named(joined, report->metrics[0].name), arena))
		return error_memory(error, ERROR_SYSTEM, "analysing an experiment");
	return report_recommend(report, arena) || error_memory(error, ERROR_SYSTEM, "analysing an experiment");
}
