/* report_json.c: Report of an experiment as JSON; see report_view.h. What is not defined is null. */
#include "message/json/json_write.h"
#include "tools/view/report/epoch_view.h"
#include "tools/view/json_member.h"
#include "tools/view/report/mirror_view.h"
#include "tools/view/report/overlap_view.h"
#include "tools/view/report/report_view.h"
#include "tools/view/report/requests_view.h"

static void put_lines(struct buffer *out, const char *name, const char *const *lines, size_t count)
{
	buffer_print(out, ",\n\"%s\":[", name);
	for (size_t i = 0; i < count; i++)
		json_write_string_after(out, text_of(i > 0 ? "," : ""), text_of(lines[i]));
	buffer_byte(out, ']');
}

/* ---- health ---- */

static void put_split(struct buffer *out, const struct report *report)
{
	const struct report_split *split = &report->split;
	buffer_print(out, ",\n\"srm\":{\"tested\":%s", split->tested ? "true" : "false");
	member_flag(out, "mismatch", split->mismatch);
	member_number(out, "p", split->p);
	member_number(out, "chi_square", split->tested ? split->chi_square.statistic : (double)NAN);
	member_number(out, "chi_square_p", split->tested ? split->chi_square.p : (double)NAN);
	buffer_string(out, ",\"units\":{");
	for (size_t arm = 0; arm < report->joined->arms; arm++) {
		json_write_string_after(out, text_of(arm > 0 ? "," : ""), report->joined->arm_names[arm]);
		buffer_print(out, ":{\"met\":%.0f", split->counts[arm]);
		member_number(out, "expected", split->tested ? split->expected[arm] : (double)NAN);
		buffer_byte(out, '}');
	}
	buffer_byte(out, '}');
	member_flag(out, "feedback_differs", split->feedback_differs);
	member_number(out, "feedback_p", split->feedback_p);
	buffer_byte(out, '}');
}

static void put_health(struct buffer *out, const struct joined *joined)
{
	const struct join_counts *counts = &joined->counts;
	bool first = true;
	buffer_print(out, ",\n\"health\":{\"exposures\":%llu", (unsigned long long)counts->exposures);
	member_count(out, "repeated", counts->repeated);
	member_count(out, "elsewhere", counts->elsewhere);
	member_count(out, "open", counts->open);
	member_count(out, "units_in_two_variants", counts->mixed_units);
	member_count(out, "feedback", counts->feedback);
	member_count(out, "doubled", counts->doubled);
	member_count(out, "unknown", counts->unknown);
	member_count(out, "late", counts->late);
	member_count(out, "early", counts->early);
	member_count(out, "feedback_left_out", counts->feedback_left_out);
	member_count(out, "truths_not_judged", counts->unjudged);
	member_count(out, "values_too_large", counts->excess);
	if (counts->excess > 0) {
		json_write_string_after(out, TEXT(",\"first_too_large\":{\"metric\":"), joined->excess.metric);
		json_write_string_after(out, TEXT(",\"request\":"), joined->excess.request);
		json_write_string_after(out, TEXT(",\"unit\":"), joined->excess.unit);
		member_number(out, "value", joined->excess.value);
		buffer_byte(out, '}');
	}
	member_count(out, "values_of_too_many_metrics", counts->crowded);
	if (counts->crowded > 0)
		json_write_string_after(out, TEXT(",\"first_of_too_many_metrics\":"), joined->crowded);
	buffer_string(out, ",\"left_out\":{");
	for (size_t reason = 0; reason < ASSIGNED_REASONS; reason++)
		if (counts->left_out[reason] > 0) {
			buffer_print(out, "%s\"%s\":%llu", first ? "" : ",", assigned_reason_name((enum assigned_reason)reason),
				     (unsigned long long)counts->left_out[reason]);
			first = false;
		}
	buffer_string(out, "}}");
}

/* null: it is not limited. */
static void member_time(struct buffer *out, const char *name, int64_t time_ms)
{
	if (time_ms > 0)
		buffer_print(out, ",\"%s\":%lld", name, (long long)time_ms);
	else
		buffer_print(out, ",\"%s\":null", name);
}

static void put_variants(struct buffer *out, const struct report *report)
{
	const struct joined *joined = report->joined;
	buffer_string(out, ",\n\"variants\":[");
	for (size_t arm = 0; arm < joined->arms; arm++) {
		json_write_string_after(out, text_of(arm > 0 ? ",\n  {\"name\":" : "\n  {\"name\":"), joined->arm_names[arm]);
		member_flag(out, "control", arm == report->control);
		member_count(out, "units", joined->arm_units[arm]);
		requests_view_print_json(&report->requests[arm], out);
		if (joined->adaptive) {
			member_time(out, "candidate_from_ms", joined->came_ms[arm]);
			member_time(out, "candidate_to_ms", joined->left_ms[arm]);
		}
		buffer_byte(out, '}');
	}
	buffer_string(out, "],\n\"epochs\":[");
	for (size_t i = 0; i < joined->epoch_count; i++) {
		const struct joined_epoch *epoch = &joined->epochs[i];
		buffer_print(out, "%s\n  {\"begin_ms\":%lld,\"end_ms\":%lld,\"shares\":{", i > 0 ? "," : "",
			(long long)epoch->begin_ms,
			     (long long)epoch->end_ms);
		for (size_t arm = 0; arm < joined->arms; arm++) {
			json_write_string_after(out, arm > 0 ? TEXT(",") : TEXT(""), joined->arm_names[arm]);
			buffer_byte(out, ':');
			json_write_finite(out, joined->adaptive ? (double)NAN : epoch->shares[arm]);
		}
		buffer_string(out, "}}");
	}
	buffer_byte(out, ']');
}

/* ---- metrics ---- */

static void put_horizon(struct buffer *out, const struct pair_analysis *pair)
{
	buffer_string(out, ",\n    \"horizon\":{\"test\":\"");
	buffer_string(out, pair->has_rates ? "z\"" : "welch\"");
	member_number(out, "p", pair->has_rates ? pair->rates.p : pair->welch.p);
	member_number(out, "statistic", pair->has_rates ? pair->rates.z : pair->welch.t);
	member_interval(out, "interval", pair->has_rates ? pair->rates.newcombe : pair->welch.interval);
	member_number(out, "difference", pair->has_rates ? pair->rates.difference : pair->welch.difference);
	member_number(out, "freedom", pair->has_rates ? (double)NAN : pair->welch.freedom);
	member_number(out, "cohens_d", pair->effect.cohen);
	member_number(out, "hedges_g", pair->effect.hedges);
	member_number(out, "power", pair->power);
	member_number(out, "units", pair->units_horizon);
	buffer_byte(out, '}');
}

static void put_gain(struct buffer *out, const struct pair_gain *gain)
{
	buffer_string(out, ",\n    \"gain\":[");
	for (size_t i = 0; i < gain->count; i++) {
		const struct pair_point *point = &gain->points[i];
		buffer_print(out, "%s{\"time_ms\":%lld,\"values\":%llu", i > 0 ? "," : "", (long long)point->time_ms,
			     (unsigned long long)gain->values[i]);
		member_number(out, "estimate", point->estimate);
		member_interval(out, "interval", point->interval);
		buffer_byte(out, '}');
	}
	buffer_byte(out, ']');
}

static void put_points(struct buffer *out, const struct pair_analysis *pair)
{
	buffer_string(out, ",\n    \"history\":[");
	for (size_t i = 0; i < pair->point_count; i++) {
		const struct pair_point *point = &pair->points[i];
		buffer_print(out, "%s{\"time_ms\":%lld,\"epoch\":%u,\"units\":%llu", i > 0 ? "," : "", (long long)point->time_ms,
			     (unsigned)point->epoch, (unsigned long long)point->units);
		member_number(out, "estimate", point->estimate);
		member_interval(out, "interval", point->interval);
		buffer_byte(out, '}');
	}
	buffer_byte(out, ']');
}

static void put_skewness(struct buffer *out, const struct pair_analysis *pair)
{
	const struct capped_figure *capped = &pair->capped;
	if (report_units_skewed(pair) == 0)
		return;
	buffer_string(out, ",\n    \"skewness\":{\"of\":\"units of both variants\"");
	member_number(out, "value", pair->skewness);
	member_number(out, "units_of_each_needed", report_units_skewed(pair));
	if (capped->cap > 0) {
		buffer_string(out, ",\"capped\":{\"method\":\"winsorised at quantiles of the burn-in\"");
		member_number(out, "cap", capped->cap);
		member_number(out, "low", capped->limits.low);
		member_number(out, "high", capped->limits.high);
		member_number(out, "difference", capped->estimate);
		member_interval(out, "interval", capped->interval);
		member_number(out, "p", capped->p);
		buffer_byte(out, '}');
	}
	buffer_byte(out, '}');
}

static void put_pair(struct buffer *out, const struct report *report, const struct report_metric *metric,
		     const struct pair_analysis *pair)
{
	static const char *const guards[] = {"open", "kept", "broken"};
	const bool better = pair->improvement.defined;
	json_write_string_after(out, TEXT("\n   {\"control\":"), report->joined->arm_names[report->control]);
	json_write_string_after(out, TEXT(",\"treatment\":"), report->joined->arm_names[pair->treatment]);
	buffer_print(out, ",\"state\":\"%s\"", pair_state_name(pair->state));
	if (metric->role == ROLE_GUARDRAIL)
		buffer_print(out, ",\"guardrail\":\"%s\"", guards[pair_guardrail(pair, metric->lower_is_better)]);
	if (metric->role == ROLE_OTHER)
		member_flag(out, "discovered", pair->discovered);
	member_number(out, "difference", pair->estimate);
	member_number(out, "improvement_percent", better ? 100 * pair->improvement.estimate : (double)NAN);
	member_interval(out, "improvement_interval_percent",
		     better ? (struct interval){100 * pair->improvement.interval.low, 100 * pair->improvement.interval.high}
			    : (struct interval){NAN, NAN});
	member_number(out, "practical_threshold", pair->threshold);
	buffer_print(out, ",\"means\":{\"epochs\":%zu", pair->strata);
	member_number(out, "treatment", pair->treatment_numbers.mean);
	member_number(out, "control", pair->control_numbers.mean);
	buffer_string(out, "},\n    \"always_valid\":{\"decided\":");
	buffer_string(out, (metric->role == ROLE_OTHER ? pair->discovered : sequence_decided(&pair->sequence)) ? "true" : "false");
	member_number(out, "p", pair->sequence.p);
	buffer_print(out, ",\"method\":\"%s\"", sequence_method_name(pair->sequence.method));
	member_number(out, "alpha", pair->alpha);
	member_interval(out, "interval", pair_interval(pair));
	member_number(out, "e_value", sequence_e_value(&pair->sequence));
	member_number(out, "tau2", pair->sequence.tau2);
	buffer_byte(out, '}');
	if (report->options->horizon && !report->joined->adaptive)
		put_horizon(out, pair);
	buffer_string(out, ",\n    \"bayes\":{\"prior\":\"flat\"");
	member_number(out, "p_better", pair->better);
	member_number(out, "expected_loss_treatment", pair->loss_treatment);
	member_number(out, "expected_loss_control", pair->loss_control);
	buffer_string(out, "},\n    \"units\":{\"power\":0.8");
	member_number(out, "had", pair->units_had);
	member_number(out, "in_last_epoch", pair->units_now);
	member_number(out, "needed", pair->units_needed);
	member_number(out, "still", pair_units_still(pair));
	member_number(out, "days", report_days(report->joined, pair_units_still(pair)));
	buffer_byte(out, '}');
	put_skewness(out, pair);
	if (report->options->covariate && metric->analysis.per_unit != PER_UNIT_RATIO) {
		buffer_string(out, ",\n    \"cuped\":{\"method\":\"pooled slope\"");
		member_number(out, "theta", pair->theta);
		member_number(out, "variance_reduction", pair->reduction);
		member_count(out, "units_without_covariate", pair->units_lacking);
		buffer_byte(out, '}');
	}
	if (epoch_view_has(report, pair))
		epoch_view_print_json(report, pair, out);
	put_points(out, pair);
	if (metric == report->metrics && report->gains)
		put_gain(out, &report->gains[pair - metric->analysis.pairs]);
	buffer_byte(out, '}');
}

static void put_cap(struct buffer *out, const struct value_cap *cap)
{
	if (!cap->asked)
		return;
	buffer_string(out, ",\"cap\":{\"method\":\"winsorised at quantiles of the burn-in\"");
	member_flag(out, "applied", value_cap_applied(cap));
	member_number(out, "low", cap->limits.low);
	member_number(out, "high", cap->limits.high);
	member_number(out, "common_value", cap->limits.common);
	member_count(out, "other_values", cap->limits.others);
	member_count(out, "burn_in_values", cap->burn_in);
	member_count(out, "capped_values", cap->capped);
	buffer_byte(out, '}');
}

static void put_metric(struct buffer *out, const struct report *report, const struct report_metric *metric)
{
	static const char *const roles[] = {"primary", "guardrail", "other"};
	const struct metric_analysis *analysis = &metric->analysis;
	json_write_string_after(out, TEXT("\n  {\"name\":"), metric->name);
	buffer_print(out, ",\"role\":\"%s\",\"kind\":\"%s\",\"direction\":\"%s\"", roles[metric->role],
		     analysis->rates ? "rate" : "mean", metric->lower_is_better ? "lower" : "higher");
	if (metric->per_unit != PER_UNIT_MEAN)
		buffer_print(out, ",\"per_unit\":\"%s\"", per_unit_name(analysis->per_unit));
	member_number(out, "margin", metric->practical);
	put_cap(out, &analysis->cap);
	buffer_string(out, ",\"variants\":[");
	for (size_t arm = 0; arm < analysis->arm_count; arm++) {
		json_write_string_after(out, text_of(arm > 0 ? ",\n   {\"name\":" : "\n   {\"name\":"),
					report->joined->arm_names[arm]);
		member_count(out, "units", analysis->arms[arm].units);
		if (report->joined->adaptive)
			member_count(out, "requests", analysis->arms[arm].requests);
		member_number(out, "mean", analysis->arms[arm].mean);
		member_number(out, "sd", analysis->arms[arm].sd);
		member_number(out, "p_best", analysis->arms[arm].best);
		buffer_byte(out, '}');
	}
	buffer_string(out, "],\"pairs\":[");
	for (size_t i = 0; i < analysis->pair_count; i++) {
		buffer_string(out, i > 0 ? "," : "");
		put_pair(out, report, metric, &analysis->pairs[i]);
	}
	buffer_string(out, "]}");
}

/* The metrics of a segment. Its days to go follow from the rate of its own units. */
static void put_segment_metrics(struct buffer *out, const struct report *report, const struct report_segment *segment)
{
	struct joined joined = *report->joined;
	struct report own = *report;
	own.joined = &joined;
	for (size_t arm = 0; arm < joined.arms; arm++)
		joined.arm_units[arm] = arm == 0 ? segment->units : 0; /* only their sum is read */
	for (size_t i = 0; i < report->metric_count; i++) {
		buffer_string(out, i > 0 ? "," : "");
		put_metric(out, &own, &segment->metrics[i]);
	}
}

/* A missing feature is null, and so is the value of the rest. */
static void put_segments(struct buffer *out, const struct report *report)
{
	json_write_string_after(out, TEXT(",\n\"segments\":{\"feature\":"), text_of(report->options->segment));
	member_number(out, "alpha", report->segment_alpha);
	buffer_string(out, ",\"values\":[");
	for (size_t i = 0; i < report->segment_count; i++) {
		const struct report_segment *segment = &report->segments[i];
		buffer_string(out, i > 0 ? ",\n {\"value\":" : "\n {\"value\":");
		if (segment->value.length > 0)
			json_write_string(out, segment->value);
		else
			buffer_string(out, "null");
		member_flag(out, "rest", segment->rest);
		member_count(out, "units", segment->units);
		buffer_string(out, ",\"metrics\":[");
		put_segment_metrics(out, report, segment);
		buffer_string(out, "]}");
	}
	buffer_string(out, "]}");
}

void report_view_print_json(const struct report *report, struct buffer *out)
{
	const struct recommendation *made = &report->recommendation;
	json_write_string_after(out, TEXT("{\"experiment\":"), text_of(report->options->experiment));
	buffer_print(out, ",\n\"decision\":\"%s\",\"variant\":", report_decision_name(made->decision));
	if (made->variant.length > 0)
		json_write_string(out, made->variant);
	else
		buffer_string(out, "null");
	json_write_string_after(out, TEXT(",\n\"recommendation\":"), text_of(made->sentence));
	member_number(out, "confidence", 1 - report->options->alpha);
	member_number(out, "practical", report->options->practical);
	member_flag(out, "adaptive", report->joined->adaptive);
	if (report->joined->adaptive) {
		member_count(out, "weights_exposures", report->joined->weighed);
		member_time(out, "weights_from_ms", report->joined->weighed_from_ms);
	}
	put_lines(out, "reasons", made->reasons, made->reason_count);
	put_lines(out, "would_change", made->changes, made->change_count);
	put_split(out, report);
	put_health(out, report->joined);
	put_variants(out, report);
	buffer_string(out, ",\n\"metrics\":[");
	for (size_t i = 0; i < report->metric_count; i++) {
		buffer_string(out, i > 0 ? "," : "");
		put_metric(out, report, &report->metrics[i]);
	}
	buffer_string(out, "],\n\"overlaps\":");
	overlap_view_print_json(report->options->overlaps, report->options->overlap_count, out);
	if (report->segment_count > 0)
		put_segments(out, report);
	if (report->options->mirror) {
		buffer_string(out, ",\n\"mirror\":");
		mirror_view_print_json(report->options->mirror, out);
	}
	buffer_string(out, "}\n");
}
