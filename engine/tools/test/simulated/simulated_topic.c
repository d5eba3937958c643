/* simulated_topic.c: Topics of the simulated Kafka: created, found by name, hidden; see simulated_kafka.h. */
#include "tools/test/simulated/simulated_world.h"

bool simulated_topic(struct simulated_kafka *kafka, const char *name, int32_t partitions)
{
	if (simulated_find(kafka, name))
		return true;
	struct simulated_topic *topic = simulated_take(kafka, 1, sizeof *topic);
	struct simulated_partition *items = simulated_take(kafka, (size_t)partitions, sizeof *items);
	if (!topic || !items || kafka->partition_count + (size_t)partitions > SIMULATED_PARTITIONS_MAX)
		return false;
	*topic = (struct simulated_topic){
		.next = kafka->topics, .name = text_of(name), .count = partitions, .partitions = items};
	kafka->topics = topic;
	for (int32_t i = 0; i < partitions; i++) {
		items[i] = (struct simulated_partition){.number = kafka->partition_count, .topic = topic, .partition = i};
		kafka->partitions[kafka->partition_count++] = &items[i];
	}
	return true;
}

struct simulated_topic *simulated_find(const struct simulated_kafka *kafka, const char *name)
{
	struct text wanted = text_of(name);
	struct simulated_topic *topic = kafka->topics;
	while (topic && !text_equal(topic->name, wanted))
		topic = topic->next;
	return topic;
}
