/* evaluation_view.c: see evaluation_view.h. */
#include "tools/view/report/evaluation_view.h"

#include <stdio.h>

#include "base/number/moment.h"
#include "base/quote.h"
#include "message/json/json_write.h"

#define PERCENT 100.0

/* Names come from records, so they are shown escaped. */
static void policy_print(const struct bandit_rehearsal *rehearsal, const struct rehearsed_policy *policy, struct arena *arena,
			 struct buffer *out)
{
	char moment[MOMENT_BYTES];
	moment_print(policy->from_ms, moment);
	buffer_print(out, "%-24s %10lld %10llu   ", moment, (long long)policy->rewards, (unsigned long long)policy->requests);
	for (size_t i = 0; i < rehearsal->arms; i++)
		buffer_print(out, "%s%s %.1f%% (%.1f%%)", i > 0 ? ", " : "", text_shown(rehearsal->names[i], arena),
			     PERCENT * policy->chances[i], PERCENT * (double)policy->recorded[i] / (double)policy->requests);
	buffer_byte(out, '\n');
}

static size_t policies_shown(const struct bandit_rehearsal *rehearsal)
{
	return rehearsal->count < REHEARSED_POLICIES_SHOWN ? rehearsal->count : REHEARSED_POLICIES_SHOWN;
}

static const struct rehearsed_policy *policy_shown(const struct bandit_rehearsal *rehearsal, size_t nth)
{
	const size_t shown = policies_shown(rehearsal);
	return &rehearsal->policies[shown > 1 ? nth * (rehearsal->count - 1) / (shown - 1) : 0];
}

static void bandit_rehearsal_print(const struct bandit_rehearsal *rehearsal, struct arena *arena, struct buffer *out)
{
	const size_t count = rehearsal->count, shown = policies_shown(rehearsal);
	buffer_print(out,
		     "\nThe bandits learnt from %llu rewards of recorded choices, not from choices of their own. "
		     "Rewards that the algorithm does not take: %llu; after outcomeWindow, or of choices that gave their "
		     "place to newer ones: %llu.\n",
		     (unsigned long long)rehearsal->rewards, (unsigned long long)rehearsal->refused,
		     (unsigned long long)rehearsal->late);
	buffer_print(out, "%zu policies chose for a request or more%s\n\n%-24s %10s %10s   %s\n", count,
		     shown < count ? "; these are some of them" : "", "FROM", "REWARDS", "REQUESTS",
		     "CHANCES, AND RECORDED SHARES");
	for (size_t i = 0; i < shown; i++)
		policy_print(rehearsal, policy_shown(rehearsal, i), arena, out);
}

static void shares_print_json(const struct bandit_rehearsal *rehearsal, const struct rehearsed_policy *policy, bool recorded,
			      struct buffer *out)
{
	for (size_t i = 0; i < rehearsal->arms; i++) {
		json_write_string_after(out, text_of(i > 0 ? ", " : ""), rehearsal->names[i]);
		buffer_string(out, ": ");
		json_write_double(out, recorded ? (double)policy->recorded[i] / (double)policy->requests : policy->chances[i]);
	}
}

/* an object */
static void bandit_rehearsal_print_json(const struct bandit_rehearsal *rehearsal, struct buffer *out)
{
	const size_t shown = policies_shown(rehearsal);
	buffer_print(out, "{\"rewards\": %llu, \"refused\": %llu, \"late\": %llu, \"policies\": [",
		     (unsigned long long)rehearsal->rewards, (unsigned long long)rehearsal->refused,
		     (unsigned long long)rehearsal->late);
	for (size_t i = 0; i < shown; i++) {
		const struct rehearsed_policy *policy = policy_shown(rehearsal, i);
		buffer_print(out, "%s{\"from_ms\": %lld, \"rewards\": %lld, \"requests\": %llu, \"chances\": {", i > 0 ? ", " : "",
			     (long long)policy->from_ms, (long long)policy->rewards, (unsigned long long)policy->requests);
		shares_print_json(rehearsal, policy, false, out);
		buffer_string(out, "}, \"recorded\": {");
		shares_print_json(rehearsal, policy, true, out);
		buffer_string(out, "}}");
	}
	buffer_print(out, "], \"policies_omitted\": %zu}", rehearsal->count - shown);
}

struct evaluation_line {
	const char *key, *name;
	struct off_policy_estimate estimate;
	const char *unknown; /* why it has no error and no interval; NULL: it has them */
};

#define EVALUATION_LINES 6

static void evaluation_lines(const struct off_policy_result *result, struct evaluation_line lines[EVALUATION_LINES])
{
	const struct evaluation_line made[EVALUATION_LINES] = {
		{"ips", "IPS", result->ips, NULL},
		{"snips", "SNIPS", result->snips, NULL},
		{"clipped_ips", "clipped IPS", result->clipped, NULL},
		{"direct_method", "direct method", {result->direct.value, NAN}, "no interval: the error of its model is not known"},
		{"doubly_robust", "doubly robust", result->doubly, NULL},
		{"self_normalised_doubly_robust", "DR, normalised", result->self_normalised_doubly, NULL},
	};
	memcpy(lines, made, sizeof made);
}

/* Records of a policy that learnt hold at every look, by the practical share of what was earned. */
static struct interval evaluation_interval(const struct evaluation_shown *self, struct off_policy_estimate estimate)
{
	const double tau = ANALYSIS_PRACTICAL * fabs(self->recorded.mean);
	return off_policy_interval(estimate, self->adaptive ? tau * tau : 0, self->alpha);
}

static const char *propensity_sentence(const struct evaluation_shown *self, struct arena *arena)
{
	const struct propensity_verdict *verdict = &self->propensity;
	return arena_print(
		arena,
		"No recommendation: the recorded probabilities are not true. %llu of %llu units got `%s` (%.3g%%), and "
		"the mean of its recorded probabilities is %.3g; a chance below %g. Record the probability by which each "
		"variant was chosen, in its exposure, and evaluate records from then on.",
		(unsigned long long)verdict->chosen, (unsigned long long)verdict->records, text_shown(self->suspect, arena),
		PERCENT * (double)verdict->chosen / (double)verdict->records, verdict->recorded, PROPENSITY_ALPHA);
}

const char *evaluation_sentence(const struct evaluation_shown *self, struct arena *arena)
{
	const struct off_policy_result *result = &self->result;
	const struct interval interval = evaluation_interval(self, result->doubly);
	const double recorded = self->recorded.mean;
	if (self->propensity.refuted)
		return propensity_sentence(self, arena);
	if (result->too_few)
		return arena_print(
			arena,
			"No recommendation: the %llu records of `%s`, of %llu units, are worth only %.0f units under "
			"the policy (ESS), and %d are needed. Wait for requests of more units, or evaluate a policy that "
			"is nearer to the recorded choices.",
			(unsigned long long)result->records, self->experiment, (unsigned long long)result->clusters,
			result->effective, OFF_POLICY_LEAST);
	if (result->unsupported)
		return arena_print(arena,
				   "No recommendation: %.2g%% of the new policy's choices are of variants that the records never "
				   "chose, or could not choose, as the probability of another one was 1.",
				   PERCENT * result->outside);
	return arena_print(arena, "The policy earns %.4g a request (%.4g to %.4g) where %.4g was earned: %s.", result->doubly.value,
			   interval.low, interval.high, recorded,
			   interval.low > recorded    ? "more"
			   : interval.high < recorded ? "less"
						      : "not shown to be different");
}

/* What was sent and joined nothing that counts. */
static void counts_print(const struct join_counts *counts, struct buffer *out)
{
	if (counts->feedback_left_out > 0)
		buffer_print(out,
			     "left out: feedback %llu times, of requests that chance did not choose, or of units in two variants "
			     "(%llu)\n",
			     (unsigned long long)counts->feedback_left_out, (unsigned long long)counts->mixed_units);
	if (counts->unknown > 0 || counts->late > 0 || counts->early > 0)
		buffer_print(out, "feedback: unknown %llu, late %llu, early %llu\n", (unsigned long long)counts->unknown,
			     (unsigned long long)counts->late, (unsigned long long)counts->early);
}

static void counts_print_json(const struct join_counts *counts, struct buffer *out)
{
	buffer_print(out,
		     ", \"feedback\": %llu, \"feedback_left_out\": %llu, \"units_in_two_variants\": %llu, \"unknown\": %llu, "
		     "\"late\": %llu, \"early\": %llu",
		     (unsigned long long)counts->feedback, (unsigned long long)counts->feedback_left_out,
		     (unsigned long long)counts->mixed_units, (unsigned long long)counts->unknown, (unsigned long long)counts->late,
		     (unsigned long long)counts->early);
}

void evaluation_print(const struct evaluation_shown *self, const char *sentence, struct arena *arena, struct buffer *out)
{
	const struct off_policy_result *result = &self->result;
	struct evaluation_line lines[EVALUATION_LINES];
	evaluation_lines(result, lines);
	buffer_print(out, "%s\n\n%-16s %12s %12s   %s\n%-16s %12.5g\n", sentence, "ESTIMATE", "VALUE", "ERROR", "INTERVAL",
		     "recorded", self->recorded.mean);
	for (size_t i = 0; i < EVALUATION_LINES; i++) {
		const struct interval interval = evaluation_interval(self, lines[i].estimate);
		if (lines[i].unknown) {
			buffer_print(out, "%-16s %12.5g %12s   %s\n", lines[i].name, lines[i].estimate.value, "", lines[i].unknown);
			continue;
		}
		buffer_print(out, "%-16s %12.5g %12.3g   %.5g to %.5g\n", lines[i].name, lines[i].estimate.value,
			     lines[i].estimate.error, interval.low, interval.high);
	}
	if (result->clipped_share > 0)
		buffer_print(
			out,
			"\n%.3g%% of the records have a weight above %g, and count by %g in clipped IPS. So it is biased, and its "
			"interval need not hold what the policy earns. Raise --clip, or read SNIPS or doubly robust.\n",
			PERCENT * result->clipped_share, self->clip, self->clip);
	buffer_print(out,
		     "\n%llu record%s of %s, of %llu unit%s, worth %.0f units (ESS); %.3g%% of the policy's choices are outside of "
		     "them; %llu value%s left out\n",
		     (unsigned long long)result->records, result->records == 1 ? "" : "s", text_shown(self->metric, arena),
		     (unsigned long long)result->clusters, result->clusters == 1 ? "" : "s", result->effective,
		     PERCENT * result->outside, (unsigned long long)self->without, self->without == 1 ? "" : "s");
	counts_print(&self->counts, out);
	if (self->rehearsal)
		bandit_rehearsal_print(self->rehearsal, arena, out);
}

static void refusals_print_json(const struct evaluation_shown *self, struct buffer *out)
{
	const struct {
		const char *name;
		bool refused;
	} rows[] = {{"recorded_probabilities", self->propensity.refuted},
		    {"effective_sample_size", self->result.too_few},
		    {"outside_support", self->result.unsupported}};
	const char *between = "";
	buffer_string(out, ", \"refused\": [");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].refused) {
			buffer_print(out, "%s\"%s\"", between, rows[i].name);
			between = ", ";
		}
	buffer_byte(out, ']');
}

void evaluation_print_json(const struct evaluation_shown *self, const char *sentence, struct buffer *out)
{
	const struct off_policy_result *result = &self->result;
	struct evaluation_line lines[EVALUATION_LINES];
	char key[64];
	evaluation_lines(result, lines);
	json_write_member(out, "{", "experiment", text_of(self->experiment));
	json_write_member(out, ", ", "metric", self->metric);
	json_write_member(out, ", ", "sentence", text_of(sentence));
	buffer_print(out, ", \"records\": %llu, \"units\": %llu, \"left_out\": %llu", (unsigned long long)result->records,
		     (unsigned long long)result->clusters, (unsigned long long)self->without);
	counts_print_json(&self->counts, out);
	json_write_finite_member(out, ", ", "recorded", self->recorded.mean);
	for (size_t i = 0; i < EVALUATION_LINES; i++) {
		const struct interval interval = evaluation_interval(self, lines[i].estimate);
		json_write_finite_member(out, ", ", lines[i].key, lines[i].estimate.value);
		(void)snprintf(key, sizeof key, "%s_standard_error", lines[i].key);
		json_write_finite_member(out, ", ", key, lines[i].estimate.error);
		(void)snprintf(key, sizeof key, "%s_low", lines[i].key);
		json_write_finite_member(out, ", ", key, interval.low);
		(void)snprintf(key, sizeof key, "%s_high", lines[i].key);
		json_write_finite_member(out, ", ", key, interval.high);
	}
	json_write_finite_member(out, ", ", "clip", self->clip);
	json_write_finite_member(out, ", ", "clipped_share", result->clipped_share);
	json_write_finite_member(out, ", ", "effective_sample_size", result->effective);
	json_write_finite_member(out, ", ", "outside_support", result->outside);
	refusals_print_json(self, out);
	if (self->rehearsal) {
		buffer_string(out, ", \"rehearsal\": ");
		bandit_rehearsal_print_json(self->rehearsal, out);
	}
	buffer_string(out, "}\n");
}
