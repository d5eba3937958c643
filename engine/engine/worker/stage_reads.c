/* stage_reads.c: see stage_reads.h. */
#include "engine/worker/stage_reads.h"

#include "message/records/sender_reads.h"

static bool extent_is_behind(const struct partition_queue *queue)
{
	const int64_t left = queue->reached != OFFSET_NONE ? queue->reached : queue->committed;
	return queue->extent.end - (left >= 0 ? left : queue->extent.begin) > READS_BEHIND_LEAST;
}

/* A partition grows: what was behind its end is so still. */
static bool queue_is_behind(const struct worker *worker, struct partition_queue *queue)
{
	const int64_t now_ms = loop_now_ms(worker->loop);
	const bool is_known = queue->extent.end != OFFSET_NONE;
	if (is_known && (extent_is_behind(queue) || now_ms - queue->extent_ms < READS_LOOK_MS))
		return extent_is_behind(queue);
	queue->extent_ms = now_ms;
	if (consumer_extent(worker->consumer, queue->topic, queue->partition, &queue->extent))
		return extent_is_behind(queue);
	queue->extent.end = OFFSET_NONE;
	return true;
}

struct text stage_reads(struct worker *worker, const struct worker_stage *stage)
{
	struct buffer *reads = &worker->reads;
	size_t count = 0;
	bool behind = false;
	buffer_clear(reads);
	for (size_t i = 0; worker->consumer->operations->extent && i < worker->queues.count; i++) {
		struct partition_queue *queue = worker->queues.items[i];
		if (queue->topic >= worker->route_count || worker->routes[queue->topic] != stage)
			continue;
		if (++count > SENDER_READS_MAX)
			return (struct text){"", 0};
		const bool is_behind = queue_is_behind(worker, queue);
		behind = behind || is_behind;
		sender_reads_add(reads, queue->partition, is_behind);
	}
	return buffer_failed(reads) || (count == 1 && !behind) ? (struct text){"", 0} : buffer_view(reads);
}

struct text stage_reads_of(void *context, const void *stage)
{
	return stage_reads(context, stage);
}
