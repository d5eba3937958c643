/* topic_absence.c: see topic_absence.h. */
#include "runtime/topic_absence.h"

#include <stdio.h>

#include "runtime/topic_difference.h"

void topic_absence_take(struct topic_absence *absent, const struct stage_counts *counts)
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
	const char *group = atomic_load_explicit(&counts->denied_group, memory_order_relaxed);
	if (group)
		*absent = (struct topic_absence){.topic = group, .is_group = true};
}

void topic_absence_write(const struct topic_absence *absent, char *out, size_t size)
{
	if (absent->is_group)
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
