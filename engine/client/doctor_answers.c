/* doctor_answers.c: see doctor_answers.h. */
#include "client/doctor_answers.h"

#define NAMED_MAX 3 /* number of items of one kind that are named */

static void answer_report(struct findings *findings, const struct probe_answer *answer, const char *subject,
			  const struct answer_advice *advice)
{
	const bool is_slow = answer->state == PROBE_SLOW;
	findings_add(findings, is_slow ? GRADE_WARNING : GRADE_FAULT, subject,
		     is_slow			     ? advice->slow
		     : answer->state == PROBE_DENIED ? advice->denied
						     : advice->bad,
		     "%s: %s", answer->name, answer->words);
}

void doctor_answers_report(struct findings *findings, const struct probe_answer *answers, size_t count, const char *subject,
			   const struct answer_advice *advice)
{
	size_t absent = 0, named = 0, slow = 0, bad = 0; /* slow and bad ones that are not named */
	for (size_t i = 0; i < count; i++) {
		const struct probe_answer *answer = &answers[i];
		absent += answer->state == PROBE_ABSENT;
		if (answer->state == PROBE_GOOD || answer->state == PROBE_ABSENT)
			continue;
		if (named < NAMED_MAX) {
			answer_report(findings, answer, subject, advice);
			named++;
		} else if (answer->state == PROBE_SLOW) {
			slow++;
		} else {
			bad++;
		}
	}
	if (bad > 0)
		findings_add(findings, GRADE_FAULT, subject, advice->bad, "and %zu more", bad);
	if (slow > 0)
		findings_add(findings, GRADE_WARNING, subject, advice->slow, "and %zu more that have not answered", slow);
	if (named == 0 && absent > 0)
		findings_add(findings, GRADE_GOOD, subject, NULL, "%zu of %zu exist; `sluice run` may create the others",
			     count - absent, count);
	else if (named == 0 && count > 0)
		findings_add(findings, GRADE_GOOD, subject, NULL, "%zu of %zu", count, count);
}
