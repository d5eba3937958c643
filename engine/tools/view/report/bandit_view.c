/* bandit_view.c: see bandit_view.h. Names come from records, so they are shown escaped. */
#include "tools/view/report/bandit_view.h"

#include <math.h>

#include "base/number/duration.h"
#include "base/quote.h"
#include "message/json/json_write.h"

#define PERCENT 100.0

bool bandit_view_document(const struct published_policies *policies, struct text experiment, struct bandit_document *bandits)
{
	const struct published_policy *newest = NULL;
	for (size_t i = 0; i < policies->count; i++)
		if (text_equal(policies->items[i].experiment, experiment) &&
		    (!newest || policies->items[i].time_ms > newest->time_ms))
			newest = &policies->items[i];
	*bandits = (struct bandit_document){.algorithm = "unknown"};
	if (!newest)
		return false;
	if (newest->algorithm)
		bandits->algorithm = newest->algorithm;
	bandits->explore = newest->explore;
	bandits->count = newest->count;
	memcpy(bandits->names, newest->arms, newest->count * sizeof *newest->arms);
	bandits->features = newest->features;
	bandits->feature_count = newest->contextual ? newest->feature_count : 0;
	for (size_t i = 0; i < bandits->count; i++)
		bandits->start_shares[i] = 1 / (double)bandits->count;
	return true;
}

static bool document_names(const struct bandit_document *bandits, struct text candidate)
{
	size_t i = 0;
	while (i < bandits->count && !text_equal(bandits->names[i], candidate))
		i++;
	return i < bandits->count;
}

/* Whether the policy is one of these bandits: of the experiment and its candidates. */
static bool bandit_view_fits(const struct bandit_view *view, const struct published_policy *policy)
{
	const struct bandit_document *bandits = view->bandits;
	if (!text_equal(policy->experiment, view->experiment) || policy->count != bandits->count ||
	    policy->contextual != (bandits->feature_count > 0))
		return false;
	for (size_t i = 0; i < policy->count; i++)
		if (!document_names(bandits, policy->arms[i]))
			return false;
	return true;
}

static const struct published_policy *policy_next(const struct bandit_view *view, size_t *at)
{
	while (*at < view->policies->count) {
		const struct published_policy *policy = &view->policies->items[(*at)++];
		if (bandit_view_fits(view, policy))
			return policy;
	}
	return NULL;
}

static double least_percent(const struct bandit_document *bandits)
{
	return bandits->count > 0 ? PERCENT * bandits->explore / (double)bandits->count : 0;
}

static double age_s(const struct bandit_view *view, const struct published_policy *policy)
{
	const int64_t age_ms = view->now_ms - policy->time_ms;
	return age_ms > 0 ? (double)age_ms / MS_PER_S : 0;
}

static void context_print(const struct bandit_view *view, struct buffer *out)
{
	const struct bandit_document *bandits = view->bandits;
	buffer_string(out, "shares depend on the context (");
	for (size_t i = 0; i < bandits->feature_count; i++)
		buffer_print(out, "%s%s", i > 0 ? ", " : "", text_shown(bandits->features[i], view->arena));
	buffer_print(out, "); each candidate has at least %.4g%% (explore %.4g%%)", least_percent(bandits),
		     PERCENT * bandits->explore);
}

static const char *start_words(const struct bandit_document *bandits)
{
	static const char *const words[] = {[BANDIT_START_EVEN] = "are even",
					    [BANDIT_START_WEIGHTS] = "are those of the weights",
					    [BANDIT_START_WARM] = "are those of the warmStart"};
	return words[bandits->start];
}

/* Of numeric features in their standard form, as the policy reads them. */
static void coefficients_print(const struct bandit_view *view, const struct published_policy *policy, const double *coefficients,
			       struct buffer *out)
{
	buffer_string(out, "; coefficients");
	for (size_t i = 0; i < policy->coefficient_count; i++)
		buffer_print(out, "%s %s %.4g", i > 0 ? "," : "", text_shown(policy->coefficients[i], view->arena),
			     coefficients[i]);
}

/* A candidate in one line: its share, and what was learnt of it. */
static void candidate_print(const struct bandit_view *view, const struct published_policy *policy, size_t arm, struct buffer *out)
{
	const struct learnt_candidate *learnt = policy->learnt ? &policy->learnt[arm] : NULL;
	buffer_print(out, "  %-32s", text_shown(policy->arms[arm], view->arena));
	if (!policy->contextual)
		buffer_print(out, " %7.2f%%", PERCENT * policy->shares[arm]);
	if (learnt)
		buffer_print(out, "  %llu play%s with a reward", (unsigned long long)learnt->plays, learnt->plays == 1 ? "" : "s");
	if (learnt && learnt->plays > 0)
		buffer_print(out, ", mean %.4g", learnt->mean);
	if (learnt && learnt->waiting > 0)
		buffer_print(out, ", %llu waiting for one", (unsigned long long)learnt->waiting);
	if (learnt && learnt->coefficients)
		coefficients_print(view, policy, learnt->coefficients, out);
	buffer_byte(out, '\n');
}

void bandit_view_print(const struct bandit_view *view, struct buffer *out)
{
	const struct bandit_document *bandits = view->bandits;
	const struct published_policy *policy;
	size_t at = 0, shown = 0;
	for (; (policy = policy_next(view, &at)); shown++) {
		buffer_print(out, "  policy %lld of pipeline %s, %.1f s old, learnt from %lld rewards\n",
			     (long long)policy->version, text_shown(policy->pipeline, view->arena), age_s(view, policy),
			     (long long)policy->rewards);
		if (policy->contextual) {
			buffer_string(out, "  ");
			context_print(view, out);
			buffer_byte(out, '\n');
		}
		for (size_t i = 0; i < policy->count; i++)
			candidate_print(view, policy, i, out);
	}
	if (shown == 0)
		buffer_print(out, "  no policy of these candidates yet: shares %s\n", start_words(bandits));
	for (size_t i = 0; shown == 0 && i < bandits->count; i++)
		buffer_print(out, "  %-32s %7.2f%%\n", text_shown(bandits->names[i], view->arena),
			     PERCENT * bandits->start_shares[i]);
}

static double policy_share(const struct published_policy *policy, struct text candidate)
{
	for (size_t i = 0; !policy->contextual && i < policy->count; i++)
		if (text_equal(policy->arms[i], candidate))
			return policy->shares[i];
	return policy->contextual ? (double)NAN : 0;
}

double bandit_view_share(const struct bandit_view *view, struct text candidate)
{
	const struct bandit_document *bandits = view->bandits;
	size_t at = 0;
	const struct published_policy *policy = policy_next(view, &at);
	if (policy)
		return policy_next(view, &at) ? (double)NAN : policy_share(policy, candidate);
	for (size_t i = 0; i < bandits->count; i++)
		if (text_equal(bandits->names[i], candidate))
			return bandits->start_shares[i];
	return 0;
}

void bandit_view_print_short(const struct bandit_view *view, struct buffer *out)
{
	const struct bandit_document *bandits = view->bandits;
	size_t at = 0;
	const struct published_policy *policy = policy_next(view, &at);
	buffer_print(out, "bandits (%s), ", bandits->algorithm);
	if (policy && policy->contextual)
		context_print(view, out);
	for (size_t i = 0; i < bandits->count && !(policy && policy->contextual); i++)
		buffer_print(out, "%s%s %.4g%%", i > 0 ? ", " : "", text_shown(bandits->names[i], view->arena),
			     PERCENT * (policy ? policy->shares[i] : bandits->start_shares[i]));
	if (policy)
		buffer_print(out, ", policy %lld of pipeline %s", (long long)policy->version,
			     text_shown(policy->pipeline, view->arena));
	else
		buffer_string(out, ", no policy yet");
	if (policy && policy_next(view, &at))
		buffer_string(out, ", and others of other pipelines");
}

/* ---- JSON ---- */

static void learnt_print_json(const struct published_policy *policy, const struct learnt_candidate *learnt, struct buffer *out)
{
	buffer_print(out, ", \"plays\": %llu, \"waiting\": %llu", (unsigned long long)learnt->plays,
		     (unsigned long long)learnt->waiting);
	json_write_finite_member(out, ", ", "mean", learnt->mean);
	for (size_t i = 0; learnt->coefficients && i < policy->coefficient_count; i++) {
		json_write_string_after(out, text_of(i > 0 ? ", " : ", \"coefficients\": {"), policy->coefficients[i]);
		buffer_string(out, ": ");
		json_write_finite(out, learnt->coefficients[i]);
	}
	if (learnt->coefficients)
		buffer_byte(out, '}');
}

static void policy_print_json(const struct bandit_view *view, const struct published_policy *policy, struct buffer *out)
{
	json_write_member(out, "{", "pipeline", policy->pipeline);
	buffer_print(out, ", \"version\": %lld, \"time_ms\": %lld, \"age_s\": ", (long long)policy->version,
		     (long long)policy->time_ms);
	json_write_double(out, age_s(view, policy));
	buffer_print(out, ", \"rewards\": %lld, \"variants\": [", (long long)policy->rewards);
	for (size_t i = 0; i < policy->count; i++) {
		json_write_member(out, i > 0 ? ", {" : "{", "name", policy->arms[i]);
		buffer_string(out, ", \"percent\": ");
		if (policy->contextual)
			buffer_string(out, "null");
		else
			json_write_double(out, PERCENT * policy->shares[i]);
		if (policy->learnt)
			learnt_print_json(policy, &policy->learnt[i], out);
		buffer_byte(out, '}');
	}
	buffer_string(out, "]}");
}

/* By what is chosen before the first policy. */
static void start_print_json(const struct bandit_document *bandits, struct buffer *out)
{
	static const char *const words[] = {
		[BANDIT_START_EVEN] = "even", [BANDIT_START_WEIGHTS] = "weights", [BANDIT_START_WARM] = "warmStart"};
	json_write_member(out, ", ", "start", text_of(words[bandits->start]));
	buffer_string(out, ", \"variants\": [");
	for (size_t i = 0; i < bandits->count; i++) {
		json_write_member(out, i > 0 ? ", {" : "{", "name", bandits->names[i]);
		buffer_string(out, ", \"percent\": ");
		json_write_double(out, PERCENT * bandits->start_shares[i]);
		buffer_byte(out, '}');
	}
	buffer_byte(out, ']');
}

void bandit_view_print_json(const struct bandit_view *view, struct buffer *out)
{
	const struct bandit_document *bandits = view->bandits;
	const struct published_policy *policy;
	size_t at = 0;
	json_write_member(out, ", ", "by", text_of(bandits->algorithm));
	buffer_string(out, ", \"explore\": ");
	json_write_double(out, bandits->explore);
	buffer_string(out, ", \"least_percent\": ");
	json_write_double(out, least_percent(bandits));
	buffer_string(out, ", \"context\": [");
	for (size_t i = 0; i < bandits->feature_count; i++)
		json_write_string_after(out, text_of(i > 0 ? ", " : ""), bandits->features[i]);
	buffer_string(out, "], \"policies\": [");
	size_t shown = 0;
	for (; (policy = policy_next(view, &at)); shown++) {
		buffer_string(out, shown > 0 ? ", " : "");
		policy_print_json(view, policy, out);
	}
	buffer_byte(out, ']');
	if (shown == 0)
		start_print_json(bandits, out);
}
