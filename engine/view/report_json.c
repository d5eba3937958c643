/* report_json.c: Report of an experiment as JSON; see report_view.h. What is not defined is null. */
#include "message/json_write.h"
#include "view/mirror_view.h"
#include "view/report_view.h"

static void put_number(struct buffer *out, const char *name, double number)
{
	buffer_print(out, ",\"%s\":", name);
	if (isfinite(number))
		json_write_double(out, number);
	else
		buffer_string(out, "null");
}

static void put_count(struct buffer *out, const char *name, uint64_t count)
{
	buffer_print(out, ",\"%s\":%llu", name, (unsigned long long)count);
}

static void put_flag(struct buffer *out, const char *name, bool flag)
{
	buffer_print(out, ",\"%s\":%s", name, flag ? "true" : "false");
}

static void put_interval(struct buffer *out, const char *name, struct interval interval)
{
	const double ends[] = {interval.low, interval.high};
	buffer_print(out, ",\"%s\":[", name);
	for (size_t i = 0; i < 2; i++) {
		buffer_string(out, i > 0 ? "," : "");
		if (isfinite(ends[i]))
			json_write_double(out, ends[i]);
		else
			buffer_string(out, "null");
	}
	buffer_byte(out, ']');
}

static void put_lines(struct buffer *out, const char *name, const char *const *lines, size_t count)
{
	buffer_print(out, ",\n\"%s\":[", name);
	for (size_t i = 0; i < count; i++) {
		buffer_string(out, i > 0 ? "," : "");
		json_write_string(out, text_of(lines[i]));
	}
	buffer_byte(out, ']');
}

/* ---- health ---- */

static void put_split(struct buffer *out, const struct report *report)
{
	const struct report_split *split = &report->split;
	buffer_print(out, ",\n\"srm\":{\"tested\":%s", split->tested ? "true" : "false");
	put_flag(out, "mismatch", split->mismatch);
	put_number(out, "p", split->p);
	put_number(out, "chi_square", split->tested ? split->chi_square.statistic : (double)NAN);
	put_number(out, "chi_square_p", split->tested ? split->chi_square.p : (double)NAN);
	buffer_string(out, ",\"units\":{");
	for (size_t arm = 0; arm < report->joined->arms; arm++) {
		buffer_string(out, arm > 0 ? "," : "");
		json_write_string(out, report->joined->arm_names[arm]);
		buffer_print(out, ":{\"met\":%.0f", split->counts[arm]);
		put_number(out, "expected", split->tested ? split->expected[arm] : (double)NAN);
		buffer_byte(out, '}');
	}
	buffer_byte(out, '}');
	put_flag(out, "feedback_differs", split->feedback_differs);
	put_number(out, "feedback_p", split->feedback_p);
	buffer_byte(out, '}');
}

static void put_health(struct buffer *out, const struct joined *joined)
{
	const struct join_counts *counts = &joined->counts;
	bool first = true;
	buffer_print(out, ",\n\"health\":{\"exposures\":%llu", (unsigned long long)counts->exposures);
	put_count(out, "repeated", counts->repeated);
	put_count(out, "elsewhere", counts->elsewhere);
	put_count(out, "open", counts->open);
	put_count(out, "units_in_two_variants", counts->mixed_units);
	put_count(out, "feedback", counts->feedback);
	put_count(out, "doubled", counts->doubled);
	put_count(out, "unknown", counts->unknown);
	put_count(out, "late", counts->late);
	put_count(out, "early", counts->early);
	put_count(out, "feedback_left_out", counts->feedback_left_out);
	put_count(out, "truths_not_judged", counts->unjudged);
	buffer_string(out, ",\"left_out\":{");
	for (size_t reason = 0; reason < ASSIGNED_REASONS; reason++)
		if (counts->left_out[reason] > 0) {
			buffer_print(out, "%s\"%s\":%llu", first ? "" : ",", assigned_reason_name((enum assigned_reason)reason),
				     (unsigned long long)counts->left_out[reason]);
			first = false;
		}
	buffer_string(out, "}}");
}

static void put_variants(struct buffer *out, const struct report *report)
{
	const struct joined *joined = report->joined;
	buffer_string(out, ",\n\"variants\":[");
	for (size_t arm = 0; arm < joined->arms; arm++) {
		buffer_string(out, arm > 0 ? ",\n  {\"name\":" : "\n  {\"name\":");
		json_write_string(out, joined->arm_names[arm]);
		put_flag(out, "control", arm == report->control);
		put_count(out, "units", joined->arm_units[arm]);
		put_count(out, "fallbacks", joined->fallbacks[arm]);
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
			if (isfinite(epoch->shares[arm]) && !joined->adaptive)
				json_write_double(out, epoch->shares[arm]);
			else
				buffer_string(out, "null");
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
	put_number(out, "p", pair->has_rates ? pair->rates.p : pair->welch.p);
	put_number(out, "statistic", pair->has_rates ? pair->rates.z : pair->welch.t);
	put_interval(out, "interval", pair->has_rates ? pair->rates.newcombe : pair->welch.interval);
	put_number(out, "difference", pair->has_rates ? pair->rates.difference : pair->welch.difference);
	put_number(out, "freedom", pair->has_rates ? (double)NAN : pair->welch.freedom);
	put_number(out, "cohens_d", pair->effect.cohen);
	put_number(out, "hedges_g", pair->effect.hedges);
	put_number(out, "power", pair->power);
	put_number(out, "units", pair->units_horizon);
	buffer_byte(out, '}');
}

static void put_points(struct buffer *out, const struct pair_analysis *pair)
{
	buffer_string(out, ",\n    \"history\":[");
	for (size_t i = 0; i < pair->point_count; i++) {
		const struct pair_point *point = &pair->points[i];
		buffer_print(out, "%s{\"time_ms\":%lld,\"epoch\":%u,\"units\":%llu", i > 0 ? "," : "", (long long)point->time_ms,
			     (unsigned)point->epoch, (unsigned long long)point->units);
		put_number(out, "estimate", point->estimate);
		put_interval(out, "interval", point->interval);
		buffer_byte(out, '}');
	}
	buffer_byte(out, ']');
}

static void put_pair(struct buffer *out, const struct report *report, const struct report_metric *metric,
		     const struct pair_analysis *pair)
{
	static const char *const guards[] = {"open", "kept", "broken"};
	const bool better = pair->improvement.defined;
	buffer_string(out, "\n   {\"control\":");
	json_write_string(out, report->joined->arm_names[report->control]);
	buffer_string(out, ",\"treatment\":");
	json_write_string(out, report->joined->arm_names[pair->treatment]);
	buffer_print(out, ",\"state\":\"%s\"", pair_state_name(pair->state));
	if (metric->role == ROLE_GUARDRAIL)
		buffer_print(out, ",\"guardrail\":\"%s\"", guards[pair_guardrail(pair, metric->lower_is_better)]);
	if (metric->role == ROLE_OTHER)
		put_flag(out, "discovered", pair->discovered);
	put_number(out, "difference", pair->estimate);
	put_number(out, "improvement_percent", better ? 100 * pair->improvement.estimate : (double)NAN);
	put_interval(out, "improvement_interval_percent",
		     better ? (struct interval){100 * pair->improvement.interval.low, 100 * pair->improvement.interval.high}
			    : (struct interval){NAN, NAN});
	put_number(out, "practical_threshold", pair->threshold);
	buffer_string(out, ",\n    \"always_valid\":{\"decided\":");
	buffer_string(out, sequence_decided(&pair->sequence) ? "true" : "false");
	put_number(out, "p", pair->sequence.p);
	put_number(out, "alpha", pair->alpha);
	put_interval(out, "interval", pair->sequence.interval);
	put_number(out, "e_value", sequence_e_value(&pair->sequence));
	put_number(out, "tau2", pair->sequence.tau2);
	buffer_byte(out, '}');
	if (report->options->horizon)
		put_horizon(out, pair);
	buffer_string(out, ",\n    \"bayes\":{\"prior\":\"flat\"");
	put_number(out, "p_better", pair->better);
	put_number(out, "expected_loss_treatment", pair->loss_treatment);
	put_number(out, "expected_loss_control", pair->loss_control);
	buffer_string(out, "},\n    \"units\":{\"power\":0.8");
	put_number(out, "had", pair->units_had);
	put_number(out, "needed", pair->units_needed);
	put_number(out, "still", fmax(0, pair->units_needed - pair->units_had));
	put_number(out, "days", report_days(report->joined, fmax(0, pair->units_needed - pair->units_had)));
	buffer_byte(out, '}');
	if (report->options->covariate) {
		buffer_string(out, ",\n    \"cuped\":{\"method\":\"pooled slope\"");
		put_number(out, "theta", pair->theta);
		put_number(out, "variance_reduction", pair->reduction);
		buffer_byte(out, '}');
	}
	put_points(out, pair);
	buffer_byte(out, '}');
}

static void put_cap(struct buffer *out, const struct value_cap *cap)
{
	if (!cap->applied)
		return;
	buffer_string(out, ",\"cap\":{\"method\":\"winsorised at quantiles of the burn-in\"");
	put_number(out, "low", cap->low);
	put_number(out, "high", cap->high);
	put_count(out, "burn_in_values", cap->burn_in);
	put_count(out, "capped_values", cap->capped);
	buffer_byte(out, '}');
}

static void put_metric(struct buffer *out, const struct report *report, const struct report_metric *metric)
{
	static const char *const roles[] = {"primary", "guardrail", "other"};
	const struct metric_analysis *analysis = &metric->analysis;
	buffer_string(out, "\n  {\"name\":");
	json_write_string(out, metric->name);
	buffer_print(out, ",\"role\":\"%s\",\"kind\":\"%s\",\"direction\":\"%s\",\"main_epoch\":%zu",
		roles[metric->role],
		     analysis->rates ? "rate" : "mean", metric->lower_is_better ? "lower" : "higher", analysis->main_epoch);
	put_number(out, "margin", metric->practical);
	put_cap(out, &analysis->cap);
	buffer_string(out, ",\"variants\":[");
	for (size_t arm = 0; arm < analysis->arm_count; arm++) {
		buffer_string(out, arm > 0 ? ",\n   {\"name\":" : "\n   {\"name\":");
		json_write_string(out, report->joined->arm_names[arm]);
		put_count(out, "units", analysis->arms[arm].units);
		put_number(out, "mean", analysis->arms[arm].mean);
		put_number(out, "sd", analysis->arms[arm].sd);
		put_number(out, "p_best", analysis->arms[arm].best);
		buffer_byte(out, '}');
	}
	buffer_string(out, "],\"pairs\":[");
	for (size_t i = 0; i < analysis->pair_count; i++) {
		buffer_string(out, i > 0 ? "," : "");
		put_pair(out, report, metric, &analysis->pairs[i]);
	}
	buffer_string(out, "]}");
}

void report_view_print_json(const struct report *report, struct buffer *out)
{
	const struct recommendation *made = &report->recommendation;
	buffer_string(out, "{\"experiment\":");
	json_write_string(out, text_of(report->options->experiment));
	buffer_print(out, ",\n\"decision\":\"%s\",\"variant\":", report_decision_name(made->decision));
	if (made->variant.length > 0)
		json_write_string(out, made->variant);
	else
		buffer_string(out, "null");
	buffer_string(out, ",\n\"recommendation\":");
	json_write_string(out, text_of(made->sentence));
	put_number(out, "confidence", 1 - report->options->alpha);
	put_number(out, "practical", report->options->practical);
	put_flag(out, "adaptive", report->joined->adaptive);
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
	buffer_byte(out, ']');
	if (report->options->mirror) {
		buffer_string(out, ",\n\"mirror\":");
		mirror_view_print_json(report->options->mirror, out);
	}
	buffer_string(out, "}\n");
}
