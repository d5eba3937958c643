/* probe_state.h: Probe of the state that a group's commits refer to: that it is where it should be, as far as
 * can be seen without restoring it. For `sluice doctor`, and for files that are read again: it waits for Kafka.
 */
#ifndef SLUICE_LOG_PROBE_STATE_H
#define SLUICE_LOG_PROBE_STATE_H

#include "log/topics.h"

enum state_verdict {
	STATE_THERE,
	STATE_LOST,    /* `words` say how */
	STATE_UNKNOWN, /* Kafka does not tell what the group has committed, or where the changelog ends; `words` say why */
};

/* Of a changelog, whose input has so many partitions; `absent`: its topic is not there. */
enum state_verdict probe_state(const char *brokers, struct properties properties, const struct wanted_topic *changelog,
			       int partitions, bool absent, char words[ERROR_TEXT_MAX]);

/* Of all changelogs among them, where the loss of state is not accepted. CONFIG: state is lost. SYSTEM: Kafka does not
 * tell, or does not answer. */
bool probe_states(const char *brokers, struct properties properties, struct wanted_topics wanted, struct error *error);

#endif
