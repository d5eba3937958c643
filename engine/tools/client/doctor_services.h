/* doctor_services.h: Examination of librdkafka, Kafka, the schema registry and models, as an engine would use them. For
 * `sluice doctor`. */
#pragma once

#include "engine/setup/revision.h"
#include "kafka/topics/probe.h"
#include "tools/client/kafka.h"
#include "tools/view/findings.h"

/* Findings about the topics or groups that a probe of Kafka asked for. For `sluice doctor`. */

/* Advice for an answer that is not good. It depends on the reason, so that a slow broker is not reported as a missing
 * right. */
struct answer_advice {
	const char *bad, *denied, *slow;
};

/* Adds what the answers say: one finding if all are good, else one for each of the first that are faults, and of the first that are
 * slow, and the numbers of the others. */
void doctor_answers_report(struct findings *findings, const struct probe_answer *answers, size_t count, const char *subject,
			   const struct answer_advice *advice);

/* Adds what it finds, with advice. Changes nothing outside, and waits for each service a few seconds at most. `revision`: topics,
 * groups and models that are asked about, of which it names the changelogs as engines do (tools/client/control/recorded_forms.h);
  * NULL: only the brokers and the registry are. */
void services_examine(const struct kafka_asked *asked, struct revision *revision, struct findings *findings);
