/* probe_state.h: Probe of the state that a group's commits refer to: that it is where it should be, as far as
 * can be seen without restoring it. For `sluice doctor`: it waits for Kafka.
 */
#ifndef SLUICE_LOG_PROBE_STATE_H
#define SLUICE_LOG_PROBE_STATE_H

#include "log/topics.h"

/* Of a changelog, whose input has so many partitions; `absent`: its topic is not there. False: state
 * is lost, and `words` say how. A Kafka that does not tell what the group has committed has lost none. */
bool probe_state(const char *brokers, struct properties properties, const struct wanted_topic *changelog, int partitions,
		 bool absent, char words[ERROR_TEXT_MAX]);

#endif
