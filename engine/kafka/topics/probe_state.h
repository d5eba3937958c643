/* probe_state.h: Probe of the state that a group's commits refer to: whether the changelog still has it, as far as
 * can be seen without a restore. For `sluice doctor`, and for reloads: it waits for Kafka.
 */
#pragma once

#include "kafka/topics/topic_setup.h"

enum state_verdict {
	STATE_THERE,
	STATE_LOST,    /* `words` describes the loss */
	STATE_UNKNOWN, /* Kafka does not show the group's commits, or the end of the changelog; `words` has the reason */
};

/* Probes the state of one changelog, whose input has so many partitions; `absent`: its topic does not exist. That of observers is
 * never lost: where it is gone, or has another name, they begin again, and no answer changes. */
enum state_verdict probe_state(const char *brokers, struct properties properties, const struct wanted_topic *changelog,
			       int partitions, bool absent, char words[ERROR_TEXT_MAX]);

/* Probes all changelogs among them for which the loss of state is not accepted. CONFIG: state is lost. SYSTEM:
 * Kafka does not show it, or does not answer. */
bool probe_states(const char *brokers, struct properties properties, struct wanted_topics wanted, struct error *error);
