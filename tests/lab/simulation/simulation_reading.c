/* simulation_reading.c: see simulation_reading.h. */
#include "simulation/simulation_reading.h"
#include "simulation/simulated_faults.h"

bool simulation_reading_next(struct simulation_reading *reading, const struct simulated_kafka *kafka, struct record *record)
{
	if (!reading->found && !(reading->found = simulated_find(kafka, reading->topic)))
		return false;
	if (reading->changes == simulated_topic_changes(reading->found))
		return false;
	for (int32_t i = 0; i < reading->partitions; i++)
		if (simulated_read(reading->found, i, reading->next[i], record)) {
			reading->next[i] = record->offset + 1;
			return true;
		}
	reading->changes = simulated_topic_changes(reading->found);
	return false;
}
