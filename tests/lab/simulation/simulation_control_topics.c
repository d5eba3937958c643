/* simulation_control_topics.c: Topics of the control plane in a simulation run; see simulation_control.h. */
#include "simulation/simulation_control.h"

#include "simulation/simulated_faults.h"
#include "simulation/simulation_parts.h"

static struct simulated_topic *topic_make(struct simulated_kafka *kafka, const char *name)
{
	return simulated_topic(kafka, name, 1) ? simulated_find(kafka, name) : NULL;
}

bool simulation_control_topics_open(struct simulation_control *control)
{
	struct simulated_kafka *kafka = control->simulation->kafka;
	control->topic = topic_make(kafka, SIMULATION_CONTROL_TOPIC);
	control->proposals = topic_make(kafka, "sluice.default.proposals");
	control->status = topic_make(kafka, "sluice.default.status");
	return control->topic && control->proposals && control->status;
}

bool simulation_control_append(struct simulation_control *control, struct simulated_topic *topic, struct text key,
			       struct text value, struct error *error)
{
	const struct outgoing record = {.key = key, .value = value};
	return simulated_append(control->simulation->kafka, topic, &record) >= 0 || error_memory(error, ERROR_SYSTEM, "simulating");
}

uint64_t simulation_control_topic_changes(const struct simulation_control *control)
{
	return simulated_topic_changes(control->topic) + simulated_topic_changes(control->proposals) +
	       simulated_topic_changes(control->status);
}
