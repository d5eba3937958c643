/* doctor_answers.c: see doctor_answers.h. */
#include "tools/client/doctor_answers.h"

#define NAMED_MAX 3 /* number of items of one kind that are named: of those that are faults, and of slow ones */

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

static bool is_fault(const struct probe_answer *answer)
{
	return answer->state != PROBE_GOOD && answer->state != PROBE_ABSENT && answer->state != PROBE_SLOW;
}

/* Names the first of those that are faults, or that are slow. Returns the number of the others. */
static size_t answers_name(struct findings *findings, const struct probe_answer *answers, size_t count, bool faults,
			   const char *subject, const struct answer_advice *advice)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++) {
		if (faults ? !is_fault(&answers[i]) : answers[i].state != PROBE_SLOW)
			continue;
		if (found++ < NAMED_MAX)
			answer_report(findings, &answers[i], subject, advice);
	}
	return found > NAMED_MAX ? found - NAMED_MAX : 0;
}

void doctor_answers_report(struct findings *findings, const struct probe_answer *answers, size_t count, const char *subject,
			   const struct answer_advice *advice)
{
	const size_t found_before = findings->count;
	size_t absent = 0;
	for (size_t i = 0; i < count; i++)
		absent += answers[i].state == PROBE_ABSENT;
	const size_t faults = answers_name(findings, answers, count, true, subject, advice);
	if (faults > 0)
		findings_add(findings, GRADE_FAULT, subject, advice->bad, "and %zu more", faults);
	const size_t slow = answers_name(findings, answers, count, false, subject, advice);
	if (slow > 0)
		findings_add(findings, GRADE_WARNING, subject, advice->slow, "and %zu more that %s not answered", slow,
			     slow == 1 ? "has" : "have");
	if (findings->count > found_before)
		return;
	if (absent > 0)
		findings_add(findings, GRADE_GOOD, subject, NULL, "%zu of %zu exist; `sluice run` may create the others",
			     count - absent, count);
	else if (count > 0)
		findings_add(findings, GRADE_GOOD, subject, NULL, "%zu of %zu", count, count);
}
