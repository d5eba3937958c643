/* simulated_faults.c: see simulated_faults.h. */
#include "simulation/simulated_faults.h"

#include <string.h>

#include "tools/test/simulated/simulated_world.h"

void simulated_calm(struct simulated_kafka *kafka)
{
	kafka->calm = true;
}

void simulated_inject(struct simulated_kafka *kafka, enum simulated_request_kind kind, enum simulated_mishap mishap,
		      int64_t late_us)
{
	kafka->injected[kind].set = true;
	kafka->injected[kind].mishap = mishap;
	kafka->injected[kind].late_us = late_us;
}

/* ---- processes ---- */

/* The group gets no heartbeats from members on this process. */
static void host_is_silent(struct simulated_host *host)
{
	for (struct simulated_consumer *consumer = host->kafka->consumers; consumer; consumer = consumer->next)
		if (consumer->client.host == host && consumer->group)
			simulated_group_silence(host->kafka, consumer->group, consumer);
}

void simulated_host_kill(struct simulated_host *host)
{
	host->dead = true;
	host_is_silent(host);
}

void simulated_host_freeze(struct simulated_host *host, int64_t until_us)
{
	host->frozen_until_us = until_us;
	host_is_silent(host);
}

void simulated_host_cut(struct simulated_host *host, int64_t until_us)
{
	host->cut_until_us = until_us;
	host_is_silent(host);
}

/* ---- topics ---- */

bool simulated_cut(struct simulated_topic *topic, int32_t partition, size_t records)
{
	struct simulated_partition *its = &topic->partitions[partition];
	bool any = false;
	for (size_t end = its->count; end > 0 && records > 0; end--) {
		enum entry_state state = its->entries[end - 1]->state;
		if (state != ENTRY_PLAIN && state != ENTRY_COMMITTED)
			continue;
		any = true;
		records--;
		its->count = end - 1;
	}
	return any;
}

void simulated_forget_references(struct simulated_kafka *kafka)
{
	for (struct simulated_group *group = kafka->groups; group; group = group->next)
		memset(group->references, 0, sizeof group->references);
}

void simulated_hide(struct simulated_topic *topic, int64_t until_us)
{
	topic->hidden_until_us = until_us;
}

int64_t simulated_hidden_until_us(const struct simulated_topic *topic)
{
	return topic->hidden_until_us;
}

void simulated_delete(struct simulated_topic *topic, int32_t partition, int64_t before)
{
	struct simulated_partition *its = &topic->partitions[partition];
	int64_t begin = before < simulated_partition_end(its) ? before : simulated_partition_end(its);
	its->begin = begin > its->begin ? begin : its->begin;
}

bool simulated_is_skipped(const struct simulated_topic *topic, int32_t partition, int64_t offset)
{
	return topic->partitions[partition].entries[offset]->skipped;
}

uint64_t simulated_skipped(const struct simulated_kafka *kafka)
{
	return kafka->skipped;
}

uint64_t simulated_gaps(const struct simulated_kafka *kafka)
{
	return kafka->gaps;
}

int32_t simulated_topic_partitions(const struct simulated_topic *topic)
{
	return topic->count;
}

uint64_t simulated_topic_changes(const struct simulated_topic *topic)
{
	return topic->changes;
}

int64_t simulated_committed(const struct simulated_kafka *kafka, const char *group, const struct simulated_topic *topic,
			    int32_t partition)
{
	for (const struct simulated_group *its = kafka->groups; its; its = its->next)
		if (strcmp(its->name, group) == 0)
			return its->committed[topic->partitions[partition].number];
	return OFFSET_NONE;
}

/* ---- counts ---- */

uint64_t simulated_mishaps(const struct simulated_kafka *kafka, enum simulated_mishap mishap)
{
	return kafka->mishaps[mishap];
}

uint64_t simulated_rebalances(const struct simulated_kafka *kafka)
{
	return kafka->rebalances;
}

uint64_t simulated_fences(const struct simulated_kafka *kafka)
{
	return kafka->fences;
}

uint64_t simulated_timeouts(const struct simulated_kafka *kafka)
{
	return kafka->timeouts;
}

uint64_t simulated_batches_refused(const struct simulated_kafka *kafka)
{
	return kafka->batches_refused;
}

uint64_t simulated_taps_lost(const struct simulated_kafka *kafka)
{
	return kafka->taps_lost;
}
