/* notice_queue.c: see notice_queue.h. */
#include "alerts/notice_queue.h"

static struct queued_notice *notice_of(struct list_node *node)
{
	return node ? LIST_OWNER(node, struct queued_notice, node) : NULL;
}

static size_t notices_of(const struct notice_queue *queue, struct text receiver)
{
	size_t count = 0;
	for (struct queued_notice *notice = notice_of(queue->notices.first); notice; notice = notice_of(notice->node.next))
		count += text_equal(notice->receiver, receiver);
	return count;
}

bool notice_queue_add(struct notice_queue *queue, struct queued_notice *notice, int64_t now_ms)
{
	if (queue->count >= NOTICES_MAX || notices_of(queue, notice->receiver) >= NOTICES_OF_RECEIVER_MAX)
		return false;
	notice->node = (struct list_node){0};
	notice->added_ms = notice->due_ms = now_ms;
	notice->pause_ms = NOTICE_PAUSE_MS;
	notice->is_sending = false;
	list_add(&queue->notices, &notice->node);
	queue->count++;
	return true;
}

/* Whether an earlier notice of the same receiver waits. */
static bool must_wait(const struct queued_notice *notice)
{
	for (struct list_node *node = notice->node.previous; node; node = node->previous)
		if (text_equal(notice_of(node)->receiver, notice->receiver))
			return true;
	return false;
}

struct queued_notice *notice_queue_next(struct notice_queue *queue, int64_t now_ms, int64_t *due_ms)
{
	struct queued_notice *longest = NULL;
	*due_ms = INT64_MAX;
	for (struct queued_notice *notice = notice_of(queue->notices.first); notice; notice = notice_of(notice->node.next)) {
		if (notice->is_sending || must_wait(notice) || notice->due_ms >= *due_ms)
			continue;
		*due_ms = notice->due_ms;
		longest = notice;
	}
	if (!longest || longest->due_ms > now_ms)
		return NULL;
	longest->is_sending = true;
	return longest;
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
	notice->pause_ms = notice->pause_ms * 2 < NOTICE_PAUSE_MS_MAX ? notice->pause_ms * 2 : NOTICE_PAUSE_MS_MAX;
	return true;
}
