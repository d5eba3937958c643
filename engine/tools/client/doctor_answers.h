/* doctor_answers.h: Findings about the topics or groups that a probe of Kafka asked for. For `sluice doctor`. */
#ifndef SLUICE_TOOLS_CLIENT_DOCTOR_ANSWERS_H
#define SLUICE_TOOLS_CLIENT_DOCTOR_ANSWERS_H

#include "kafka/topics/probe.h"
#include "tools/view/findings.h"

/* Advice for an answer that is not good. It depends on the reason, so that a slow broker is not reported as a missing
 * right. */
struct answer_advice {
	const char *bad, *denied, *slow;
};

/* Adds what the answers say: one finding if all are good, else one for each of the first that are faults, and of the first that are
 * slow, and the numbers of the others. */
void doctor_answers_report(struct findings *findings, const struct probe_answer *answers, size_t count, const char *subject,
			   const struct answer_advice *advice);

#endif
