/* day_reading.c: see day_reading.h. */
#include "cli/day_reading.h"

bool day_reading_next(struct day_reading *reading, const struct twin *twin, struct record *record)
{
	if (!reading->found && !(reading->found = twin_find(twin, reading->topic)))
		return false;
	if (reading->changes == twin_topic_changes(reading->found))
		return false;
	for (int32_t i = 0; i < reading->partitions; i++)
		if (twin_read(reading->found, i, reading->next[i], record)) {
			reading->next[i] = record->offset + 1;
			return true;
		}
	reading->changes = twin_topic_changes(reading->found);
	return false;
}
