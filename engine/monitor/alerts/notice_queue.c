/* notice_queue.c: see notice_queue.h. */
#include "monitor/alerts/notice_queue.h"

#include "base/pause.h"

static struct queued_notice *notice_of(struct list_node *node)
{
	return node ? LIST_OWNER(node, struct queued_notice, node) : NULL;
}

static bool is_for(const struct queued_notice *notice, struct text receiver)
{
	for (size_t i = 0; i < notice->receiver_count; i++)
		if (text_equal(notice->receivers[i], receiver))
			return true;
	return false;
}

static bool is_full_for(const struct notice_queue *queue, struct text receiver)
{
	size_t count = 0;
	for (struct queued_notice *notice = notice_of(queue->notices.first); notice; notice = notice_of(notice->node.next))
		count += is_for(notice, receiver);
	return count >= NOTICES_OF_RECEIVER_MAX;
}

/* Swaps it with the first one that is not chosen; the chosen ones keep their order. */
static void receiver_choose(struct queued_notice *notice, size_t index, size_t *chosen)
{
	const struct text receiver = notice->receivers[index];
	notice->receivers[index] = notice->receivers[*chosen];
	notice->receivers[(*chosen)++] = receiver;
}

/* Puts those with room first. False: there is none. */
static bool receivers_with_room(const struct notice_queue *queue, struct queued_notice *notice, size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < notice->receiver_count; i++)
		if (!is_full_for(queue, notice->receivers[i]))
			receiver_choose(notice, i, count);
	return *count > 0;
}

bool notice_queue_add(struct notice_queue *queue, struct queued_notice *notice, int64_t now_ms)
{
	size_t count;
	if (queue->count >= NOTICES_MAX || !receivers_with_room(queue, notice, &count))
		return false;
	notice->receiver_count = count;
	notice->node = (struct list_node){0};
	notice->added_ms = notice->due_ms = now_ms;
	notice->pause_ms = NOTICE_PAUSE_MS;
	notice->is_sending = false;
	list_add(&queue->notices, &notice->node);
	queue->count++;
	return true;
}

/* Whether an earlier notice waits for that receiver of it. */
static bool must_wait(const struct queued_notice *notice, struct text receiver)
{
	for (struct list_node *node = notice->node.previous; node; node = node->previous)
		if (is_for(notice_of(node), receiver))
			return true;
	return false;
}

static bool is_ready(const struct queued_notice *notice)
{
	for (size_t i = 0; i < notice->receiver_count; i++)
		if (!must_wait(notice, notice->receivers[i]))
			return true;
	return false;
}

static void sending_begin(struct queued_notice *notice)
{
	notice->is_sending = true;
	notice->ready_count = 0;
	for (size_t i = 0; i < notice->receiver_count; i++)
		if (!must_wait(notice, notice->receivers[i]))
			receiver_choose(notice, i, &notice->ready_count);
}

struct queued_notice *notice_queue_next(struct notice_queue *queue, int64_t now_ms, int64_t *due_ms)
{
	struct queued_notice *longest = NULL;
	*due_ms = INT64_MAX;
	for (struct queued_notice *notice = notice_of(queue->notices.first); notice; notice = notice_of(notice->node.next)) {
		if (notice->is_sending || notice->due_ms >= *due_ms || !is_ready(notice))
			continue;
		*due_ms = notice->due_ms;
		longest = notice;
	}
	if (!longest || longest->due_ms > now_ms)
		return NULL;
	sending_begin(longest);
	return longest;
}

void notice_queue_go_on(struct queued_notice *notice, int64_t now_ms)
{
	notice->is_sending = false;
	notice->due_ms = now_ms;
	notice->pause_ms = NOTICE_PAUSE_MS;
}

void notice_queue_remove(struct notice_queue *queue, struct queued_notice *notice)
{
	list_remove(&notice->node);
	queue->count--;
}

bool notice_queue_retry(struct notice_queue *queue, struct queued_notice *notice, int64_t wait_ms, int64_t now_ms)
{
	notice->is_sending = false;
	if (now_ms - notice->added_ms >= NOTICE_AGE_MS_MAX) {
		notice_queue_remove(queue, notice);
		return false;
	}
	wait_ms = wait_ms < NOTICE_WAIT_MS_MAX ? wait_ms : NOTICE_WAIT_MS_MAX;
	notice->due_ms = now_ms + (wait_ms > notice->pause_ms ? wait_ms : notice->pause_ms);
	notice->pause_ms = pause_next(notice->pause_ms, NOTICE_PAUSE_MS, NOTICE_PAUSE_MS_MAX);
	return true;
}
