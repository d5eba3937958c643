/* doctor_services.h: Examination of librdkafka, Kafka, the schema registry and models, as an engine would use them. For
 * `sluice doctor`. */
#ifndef SLUICE_TOOLS_CLIENT_DOCTOR_SERVICES_H
#define SLUICE_TOOLS_CLIENT_DOCTOR_SERVICES_H

#include "tools/client/kafka.h"
#include "engine/setup/revision.h"
#include "tools/view/findings.h"

/* Adds what it finds, with advice. Changes nothing outside, and waits for each service a few seconds at most. `revision`: topics,
 * groups and models that are asked about, of which it names the changelogs as engines do (tools/client/control/recorded_forms.h);
  * NULL: only the brokers and the registry are. */
void services_examine(const struct kafka_asked *asked, struct revision *revision, struct findings *findings);

#endif
