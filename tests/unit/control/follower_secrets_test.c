/* follower_secrets_test.c: Test of a follower's documents in force that name a secret as YAML may not any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/follow_stand.h"

#define DOCUMENT                                                                                                                   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                              \
	"spec:\n  steps: [{name: s, expression: {set: {y: x * 2}}}]\n  output: {steps: [s]}\n"                                     \
	"  alerts: [{name: a, condition: error_rate > 0.5, actions: [{type: webhook, url: 'https://example.com/', secret: "        \
	"'env:OWN_KEY'}]}]\n"
#define REQUEST "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,1],\"datatype\":\"FP64\",\"data\":[21]}]}"

/* The keeper of this stand checks no document: it accepts what a former release did. */
static void p_is_applied(void)
{
	follow_apply("p", PROPOSAL_EXPECTS_ANY, DOCUMENT);
}

static bool p_is_without_its_secret(void)
{
	const struct engine_condition *conditions = follow_stand.conditions.conditions.items;
	for (size_t i = 0; i < follow_stand.conditions.conditions.count; i++)
		if (text_is(conditions[i].kind, "Pipeline") && conditions[i].ready && text_is(conditions[i].what, "NoSecret"))
			return text_starts_with(conditions[i].why, TEXT("Pipeline/p@1:7:")) &&
			       memmem(conditions[i].why.bytes, conditions[i].why.length, "rename it", strlen("rename it"));
	return false;
}

static void p_is_asked(void)
{
	follow_produce("sluice.default.pipeline.p.inputs", TEXT("k"), TEXT(REQUEST));
}

static bool p_has_answered(void)
{
	struct engine_counts counts;
	return engine_counts(follow_stand.engine, "p", &counts) && counts.sums.succeeded == 1;
}

static void a_document_with_a_secret_of_a_former_form_runs_and_says_so(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_without_its_secret},
		{"a request", p_is_asked, p_has_answered},
		{0},
	};
	(void)state;
	follow_play(scenes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_document_with_a_secret_of_a_former_form_runs_and_says_so, follow_open,
						follow_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
