/* topic_absence.c: see topic_absence.h. */
#include "engine/setup/topic_absence.h"

#include <stdio.h>

#include "base/clock.h"
#include "engine/setup/topic_difference.h"
#include "engine/worker/partition_state.h"

void topic_absence_take(struct topic_absence *absent, struct stage_counts *counts)
{
	for (enum absence absence = 0; absence < ABSENCES; absence++) {
		const char *topic = atomic_load_explicit(&counts->absent[absence], memory_order_relaxed);
		if (topic)
			*absent = (struct topic_absence){.topic = topic, .absence = absence};
	}
	const char *denied = atomic_load_explicit(&counts->denied, memory_order_relaxed);
	if (denied)
		*absent = (struct topic_absence){
			.topic = denied,
			.is_written = true,
			.absence = atomic_load_explicit(&counts->denied_is_gone, memory_order_relaxed) ? TOPIC_GONE : TOPIC_DENIED};
	const char *outage = atomic_load_explicit(&counts->outage, memory_order_relaxed);
	if (outage)
		*absent = (struct topic_absence){.topic = outage, .outage_why = &counts->outage_why};
	const char *group = atomic_load_explicit(&counts->denied_group, memory_order_relaxed);
	if (group)
		*absent = (struct topic_absence){.topic = group, .is_group = true};
}

static void outage_write(const struct topic_absence *absent, char *out, size_t size)
{
	struct last_failure why;
	const bool is_known = last_failure_read(absent->outage_why, &why);
	(void)snprintf(out, size, "their state is looked at again every %d s: %s", OBSERVERS_LOOK_MS / MS_PER_S,
		       is_known ? why.text : absent->topic);
}

void topic_absence_write(const struct topic_absence *absent, char *out, size_t size)
{
	if (absent->outage_why)
		outage_write(absent, out, size);
	else if (absent->is_group)
		(void)snprintf(
			out, size,
			"Kafka does not let the login of this engine use consumer group %s, so nothing is committed. Give it the "
			"right that `sluice plan --acls` lists; the pipeline continues then",
			absent->topic);
	else if (absent->absence == TOPIC_GONE)
		(void)snprintf(out, size, TOPIC_GONE_WORDS, absent->topic);
	else
		(void)snprintf(out, size,
			       "Kafka does not let the login of this engine %s topic %s. Give it the right that `sluice plan "
			       "--acls` lists; the pipeline continues then",
			       absent->is_written ? "write" : "read", absent->topic);
}
