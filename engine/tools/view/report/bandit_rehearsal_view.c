/* bandit_rehearsal_view.c: see bandit_rehearsal_view.h. Names come from records, so they are shown escaped. */
#include "tools/view/report/bandit_rehearsal_view.h"

#include "base/number/moment.h"
#include "base/quote.h"
#include "message/json/json_write.h"

#define PERCENT 100.0

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

void bandit_rehearsal_print(const struct bandit_rehearsal *rehearsal, struct arena *arena, struct buffer *out)
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

void bandit_rehearsal_print_json(const struct bandit_rehearsal *rehearsal, struct buffer *out)
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
