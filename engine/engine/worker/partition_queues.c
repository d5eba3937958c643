/* partition_queues.c: Partition queues of in-flight messages, the pool of such messages, and the list of those that may leave; see
 * partition_queues.h. */
#include "engine/worker/partition_queues.h"

#include <assert.h>

#include "base/hash.h"
#include "base/memory.h"
#include "engine/worker/direct_hub.h"

#define RING_FIRST 64
#define BYTES_OF_WORK 8 /* size of an element */

static const struct partition_queue partition_queue_new = {.entered = OFFSET_NONE,
							   .reached = OFFSET_NONE,
							   .committed = OFFSET_NONE,
							   .extent = {OFFSET_NONE, OFFSET_NONE},
							   .began = OFFSET_NONE,
							   .skipped = OFFSET_NONE,
							   .answered = {OFFSET_NONE, OFFSET_NONE}};

void partition_queues_open(struct partition_queues *queues, size_t message_bytes, size_t pool_bytes)
{
	*queues = (struct partition_queues){.message_bytes = message_bytes, .pool_limit = pool_bytes};
	queues->leaving_end = &queues->leaving;
}

/* ---- in-flight messages ---- */

static struct inflight *inflight_make(struct partition_queues *queues)
{
	struct inflight *inflight = memory_take(1, sizeof *inflight);
	if (!inflight)
		return NULL;
	inflight->made = queues->made;
	queues->made = inflight;
	return inflight;
}

static struct inflight *inflight_take(struct partition_queues *queues)
{
	struct inflight *inflight = queues->pool;
	if (inflight)
		queues->pool = inflight->next;
	else if (!(inflight = inflight_make(queues)))
		return NULL;
	if (inflight->message.arena)
		queues->pool_bytes -= inflight->message.arena->held_bytes;
	else
		inflight->message.arena = arena_open(queues->message_bytes);
	if (inflight->message.arena)
		return inflight;
	inflight->next = queues->pool;
	queues->pool = inflight;
	return NULL;
}

static void inflight_count(struct partition_queues *queues, struct inflight *inflight, size_t bytes)
{
	inflight->load->held_bytes += bytes - inflight->counted_bytes;
	queues->load.held_bytes += bytes - inflight->counted_bytes;
	inflight->counted_bytes = bytes;
}

static void inflight_give(struct partition_queues *queues, struct inflight *inflight)
{
	inflight_count(queues, inflight, 0);
	queues->finished -= inflight->finished;
	inflight->load->in_flight--;
	queues->load.in_flight--;
	record_release(&inflight->record);
	direct_message_close(inflight->direct);
	inflight->direct = NULL;
	arena_reset(inflight->message.arena);
	if (queues->load.held_bytes + queues->pool_bytes + inflight->message.arena->held_bytes > queues->pool_limit) {
		arena_close(inflight->message.arena);
		inflight->message.arena = NULL;
	} else {
		queues->pool_bytes += inflight->message.arena->held_bytes;
	}
	inflight->next = queues->pool;
	queues->pool = inflight;
}

void inflight_return(struct partition_queues *queues, struct inflight *inflight)
{
	assert(inflight_is_dropped(inflight) && !inflight->finished);
	inflight_give(queues, inflight);
}

/* ---- positions of a queue ---- */

static inline struct queue_slot *queue_slot_at(const struct partition_queue *queue, uint64_t place)
{
	return &queue->ring[place & (queue->capacity - 1)];
}

static bool partition_queue_grow(struct partition_queue *queue)
{
	struct partition_queue grown = *queue;
	grown.capacity = queue->capacity ? queue->capacity * 2 : RING_FIRST;
	grown.ring = memory_take_raw(grown.capacity * sizeof(struct queue_slot));
	if (!grown.ring)
		return false;
	for (uint64_t place = queue->front; place < queue->back; place++)
		*queue_slot_at(&grown, place) = *queue_slot_at(queue, place);
	memory_give(queue->ring);
	*queue = grown;
	return true;
}

static void partition_queue_close(struct partition_queue *queue)
{
	blame_list_close(&queue->blamed);
	while (held_links_first(&queue->held_links))
		held_links_drop_first(&queue->held_links);
	memory_give(queue->ring);
	memory_give(queue);
}

void partition_queue_order(struct partition_queue *queue, bool by_key)
{
	queue->keep_keyed = by_key;
	if (!by_key || queue->front == queue->back)
		queue->by_key = by_key;
}

/* ---- refused records ---- */

const char *partition_queue_blame_reason(const struct partition_queue *queue, int64_t offset)
{
	const struct blamed *blamed = blame_list_find(&queue->blamed, offset);
	return blamed ? blamed->reason : "";
}

/* The offset of the refused record: the last one before the records that have entered. */
static int64_t refused_offset(const struct partition_queue *queue, const struct refusal *refusal)
{
	return queue->entered - (int64_t)(uint32_t)((uint64_t)queue->entered - (uint64_t)refusal->origin.offset);
}

bool partition_queue_knows(const struct partition_queue *queue, const struct refusal *refusal)
{
	return queue->began != OFFSET_NONE && refused_offset(queue, refusal) >= queue->began;
}

bool partition_queue_blame(struct partition_queue *queue, const struct refusal *refusal, enum blame blame, bool again,
			   struct error *error)
{
	return blame_list_note(&queue->blamed, refused_offset(queue, refusal), blame, again, refusal->reason, error);
}

bool partition_queue_is_blamed(const struct partition_queue *queue, const struct refusal *refusal, enum blame blame)
{
	const struct blamed *blamed = blame_list_find(&queue->blamed, refused_offset(queue, refusal));
	return blamed && (blamed->blame & blame);
}

int64_t partition_queue_first_blamed(const struct partition_queue *queue)
{
	return blame_list_first(&queue->blamed);
}

bool partition_queues_are_blamed(const struct partition_queues *queues)
{
	for (size_t i = 0; i < queues->count; i++)
		if (partition_queue_first_blamed(queues->items[i]) != OFFSET_NONE)
			return true;
	return false;
}

bool partition_queue_has_taken(const struct partition_queue *queue, int64_t offset)
{
	if (offset >= queue->entered)
		return false;
	const struct blamed *blamed = blame_list_find(&queue->blamed, offset);
	if (!blamed || !blamed->open)
		return true;
	for (uint64_t place = queue->front; place < queue->back; place++) {
		const struct queue_slot *slot = queue_slot_at(queue, place);
		if (slot->inflight && slot->offset == offset && slot->inflight->again)
			return true; /* it is in flight again */
	}
	return false;
}

/* ---- a partition that begins again ---- */

void partition_queue_expect_beginning(struct partition_queue *queue)
{
	queue->begins_again = true;
}

bool partition_queue_begin_again(struct partition_queue *queue, int64_t offset)
{
	if (!queue->begins_again)
		return false;
	for (uint64_t place = queue->front; place < queue->back; place++)
		queue_slot_at(queue, place)->offset = offset - 1;
	blame_list_close(&queue->blamed);
	queue->began = queue->entered = queue->reached = offset;
	if (queue->skipped != OFFSET_NONE)
		queue->skipped = offset;
	queue->answered.end = OFFSET_NONE;
	queue->begins_again = false;
	return true;
}

/* ---- entering ---- */

/* Clears what a message becomes by its decoding and its steps. */
static void inflight_clear(struct inflight *inflight)
{
	struct arena *arena = inflight->message.arena;
	memory_clear(&inflight->message, sizeof inflight->message);
	inflight->message.arena = arena;
	inflight->counted_work = 0;
	inflight->judged = 0;
	inflight->begun = NULL;
	inflight->request = inflight->record.value;
	inflight->kept_key = inflight->record.key;
	inflight->from = NULL;
	inflight->sender = (struct text){0};
	inflight->emissions = NULL;
	inflight->emissions_end = &inflight->emissions;
}

struct inflight *partition_queue_enter(struct partition_queues *queues, struct partition_queue *queue, struct load *load,
				       const struct record *record, struct error *error)
{
	assert(record->topic == queue->topic && record->partition == queue->partition); /* the offset belongs to that partition */
	bool room = queue->back - queue->front < queue->capacity || partition_queue_grow(queue);
	struct inflight *inflight = room ? inflight_take(queues) : NULL;
	if (!inflight)
		return error_null(error_memory(error, ERROR_SYSTEM, "taking a message"));
	if (queue->front == queue->back)
		queue->by_key = queue->keep_keyed;
	inflight->record = *record;
	inflight->queue = queue;
	inflight->stage = NULL;
	inflight->load = load;
	inflight->place = queue->back++;
	inflight->behind = NULL;
	inflight->key = 0;
	inflight->counted_bytes = 0;
	inflight->held = inflight->settled = inflight->leaving = inflight->finished = false;
	inflight->unfit = inflight->lettered = inflight->logged = inflight->skipped = false;
	inflight->crossed = 0;
	inflight->left = NULL;
	inflight->produced = NULL;
	inflight->explained = 0;
	inflight->listed = 0;
	inflight->exposed = NULL;
	inflight_clear(inflight);
	const struct blamed *blamed = queue->blamed.count > 0 ? blame_list_find(&queue->blamed, record->offset) : NULL;
	inflight->again = blamed;
	inflight->blame = blamed ? blamed->blame : 0;
	*queue_slot_at(queue, inflight->place) = (struct queue_slot){inflight, record->offset};
	if (queue->began == OFFSET_NONE)
		queue->began = record->offset;
	if (queue->entered <= record->offset)
		queue->entered = record->offset + 1;
	load->in_flight++;
	queues->load.in_flight++;
	inflight_count(queues, inflight, record->value.length);
	return inflight;
}

void inflight_begin_again(struct partition_queues *queues, struct inflight *inflight, struct load *load)
{
	assert(inflight->settled && !inflight->finished && !inflight->message.run);
	inflight_count(queues, inflight, 0);
	inflight->load->in_flight--;
	inflight->load = load;
	load->in_flight++;
	inflight_count(queues, inflight, inflight->record.value.length);
	arena_reset(inflight->message.arena);
	inflight_clear(inflight);
}

bool partition_queue_pass(struct partition_queue *queue, int64_t offset)
{
	if (!partition_queue_is_empty(queue) || queue->blamed.count > 0)
		return false;
	if (queue->began == OFFSET_NONE)
		queue->began = offset;
	if (queue->entered <= offset)
		queue->entered = offset + 1;
	if (queue->reached <= offset)
		queue->reached = offset + 1;
	return true;
}

/* ---- in-flight messages that may leave ---- */

static inline bool is_at_front(const struct inflight *inflight)
{
	return inflight->place == inflight->queue->front;
}

static void inflight_consider(struct partition_queues *queues, struct inflight *inflight)
{
	if (!inflight->settled || !inflight->finished || inflight->leaving)
		return;
	if (inflight->queue->by_key ? inflight->held : !is_at_front(inflight))
		return;
	inflight->leaving = true;
	inflight->next = NULL;
	*queues->leaving_end = inflight;
	queues->leaving_end = &inflight->next;
}

static uint64_t key_of(const struct inflight *inflight)
{
	uint64_t seed = (uint64_t)inflight->record.topic << 32 | (uint32_t)inflight->record.partition;
	return hash_bytes(inflight->record.key.bytes, inflight->record.key.length, seed) | 1;
}

static bool stand_behind_key(struct partition_queues *queues, struct inflight *inflight)
{
	uint64_t key = key_of(inflight);
	struct inflight **last = keys_last(&queues->keys, key);
	if (!last)
		return false;
	inflight->key = key;
	inflight->held = *last != NULL;
	if (*last)
		(*last)->behind = inflight;
	*last = inflight;
	return true;
}

/* Counts work that was not counted where it was done: requests and replies that were read, and tensors that steps
 * made. Work from before the arena was reset was already counted. */
static void inflight_count_work(struct inflight *inflight)
{
	const struct arena *arena = inflight->message.arena;
	uint64_t work = arena->work + arena_taken(arena) / BYTES_OF_WORK;
	inflight->load->work += work > inflight->counted_work ? work - inflight->counted_work : 0;
	inflight->counted_work = work;
}

/* Settles a finished in-flight message. At the front of its queue it may leave at once. Later ones of its key leave after it, so
 * its key need not be stored. */
bool inflight_settle(struct partition_queues *queues, struct inflight *inflight, struct error *error)
{
	assert(!inflight->settled); /* it would be in its key's list twice */
	inflight->settled = true;
	bool at_once = inflight->finished && is_at_front(inflight);
	inflight_count_work(inflight);
	if (!inflight->finished)
		inflight_count(queues, inflight, inflight->record.value.length + inflight->message.arena->held_bytes);
	if (inflight->queue->by_key && inflight->record.key.bytes && !at_once && !stand_behind_key(queues, inflight))
		return error_memory(error, ERROR_SYSTEM, "keeping the order of a key");
	inflight_consider(queues, inflight);
	return true;
}

void inflight_finish(struct partition_queues *queues, struct message *message, enum flow_outcome outcome,
		     const struct answer *answer)
{
	struct inflight *inflight = (struct inflight *)message;
	assert(!inflight->finished); /* a message ends once */
	inflight->finished = true;
	queues->finished++;
	if (inflight_is_dropped(inflight)) {
		inflight_give(queues, inflight);
		return;
	}
	inflight_count(queues, inflight, inflight->record.value.length + message->arena->held_bytes);
	inflight_count_work(inflight);
	inflight->outcome = outcome;
	inflight->answer = *answer;
	inflight->encoded = (struct text){0};
	if (inflight->answer.error) {
		inflight->error = *inflight->answer.error;
		inflight->answer.error = &inflight->error;
	}
	inflight_consider(queues, inflight);
}

static void partition_queue_advance(struct partition_queues *queues, struct partition_queue *queue)
{
	while (queue->front < queue->back) {
		struct queue_slot *slot = queue_slot_at(queue, queue->front);
		if (slot->inflight) {
			inflight_consider(queues, slot->inflight);
			return;
		}
		if (queue->reached <= slot->offset)
			queue->reached = slot->offset + 1;
		queue->front++;
	}
}

void partition_queues_leave(struct partition_queues *queues)
{
	assert(queues->leaving && queues->leaving->finished);
	struct inflight *inflight = queues->leaving;
	struct partition_queue *queue = inflight->queue;
	queues->leaving = inflight->next;
	if (!queues->leaving)
		queues->leaving_end = &queues->leaving;
	if (inflight->key)
		keys_drop(&queues->keys, inflight->key, inflight);
	if (inflight->behind) {
		inflight->behind->held = false;
		inflight_consider(queues, inflight->behind);
	}
	queue_slot_at(queue, inflight->place)->inflight = NULL;
	if (inflight->again)
		blame_list_left(&queue->blamed, inflight->record.offset, inflight->blame);
	if (is_at_front(inflight))
		partition_queue_advance(queues, queue);
	inflight_give(queues, inflight);
}

/* ---- what is held for observers ---- */

bool inflight_is_ahead(const struct inflight *inflight)
{
	return !inflight->direct && !is_at_front(inflight);
}

void partition_queue_hold(struct partition_queues *queues, struct partition_queue *queue, struct held_link *link, uint64_t place,
			  int64_t now_ms)
{
	queues->held_links_bytes += link->bytes;
	held_links_add(&queue->held_links, link, place, now_ms);
}

void partition_queue_held_drop(struct partition_queues *queues, struct partition_queue *queue)
{
	queues->held_links_bytes -= held_links_drop_first(&queue->held_links);
}

/* ---- dropping ---- */

static void forget_leaving(struct partition_queues *queues, const struct partition_queue *queue)
{
	struct inflight **at = &queues->leaving;
	while (*at) {
		if ((*at)->queue == queue)
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
	queues->leaving_end = at;
}

/* Drops the in-flight messages of a queue. Those that are still in the flow are freed when they finish. */
static void partition_queue_drop(struct partition_queues *queues, struct partition_queue *queue)
{
	forget_leaving(queues, queue);
	for (; queue->front < queue->back; queue->front++) {
		struct inflight *inflight = queue_slot_at(queue, queue->front)->inflight;
		if (!inflight)
			continue;
		if (inflight->key)
			keys_drop(&queues->keys, inflight->key, inflight);
		inflight->queue = NULL;
		if (inflight->finished)
			inflight_give(queues, inflight);
	}
	while (held_links_first(&queue->held_links))
		partition_queue_held_drop(queues, queue);
	queue->entered = queue->reached = OFFSET_NONE;
	queue->awaiting_schema = 0;
}

/* ---- queues ---- */

void partition_queues_close(struct partition_queues *queues)
{
	for (size_t i = 0; i < queues->count; i++)
		partition_queue_close(queues->items[i]);
	for (size_t i = 0; i < queues->topic_count; i++)
		memory_give(queues->topics[i].items);
	memory_give(queues->topics);
	memory_give(queues->items);
	keys_close(&queues->keys);
	while (queues->made) {
		struct inflight *inflight = queues->made;
		queues->made = inflight->made;
		record_release(&inflight->record);
		direct_message_drop(inflight->direct); /* the port is closed, and may be another worker's */
		arena_close(inflight->message.arena);
		memory_give(inflight);
	}
}

/* A slot in the table for that partition. */
static struct partition_queue **partition_queue_slot(struct partition_queues *queues, uint32_t topic, int32_t partition)
{
	if (topic >= queues->topic_count) {
		struct partition_queues_of_topic *topics = memory_resize(queues->topics, (size_t)topic + 1, sizeof *topics);
		if (!topics)
			return NULL;
		memset(&topics[queues->topic_count], 0, (topic + 1 - queues->topic_count) * sizeof *topics);
		queues->topics = topics;
		queues->topic_count = (size_t)topic + 1;
	}
	struct partition_queues_of_topic *of = &queues->topics[topic];
	size_t wanted = (size_t)partition + 1;
	if (wanted > of->count) {
		struct partition_queue **items = memory_resize(of->items, wanted, sizeof(struct partition_queue *));
		if (!items)
			return NULL;
		memset(&items[of->count], 0, (wanted - of->count) * sizeof(struct partition_queue *));
		of->items = items;
		of->count = wanted;
	}
	return &of->items[partition];
}

bool partition_queues_add(struct partition_queues *queues, struct positions positions, struct error *error)
{
	struct partition_queue **items =
		memory_resize(queues->items, queues->count + positions.count + 1, sizeof(struct partition_queue *));
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "taking over partitions");
	queues->items = items;
	for (size_t i = 0; i < positions.count; i++) {
		const struct position *position = &positions.items[i];
		struct partition_queue **slot = partition_queue_slot(queues, position->topic, position->partition);
		struct partition_queue *queue = slot ? memory_take(1, sizeof *queue) : NULL;
		if (!queue)
			return error_memory(error, ERROR_SYSTEM, "taking over partitions");
		assert(!*slot); /* an assigned partition was revoked before */
		*queue = partition_queue_new;
		queue->topic = position->topic;
		queue->partition = position->partition;
		*slot = queues->items[queues->count++] = queue;
	}
	return true;
}

void partition_queues_remove(struct partition_queues *queues, struct positions positions)
{
	for (size_t i = 0; i < positions.count; i++) {
		struct partition_queue *queue =
			partition_queues_find(queues, positions.items[i].topic, positions.items[i].partition);
		if (!queue)
			continue;
		partition_queue_drop(queues, queue);
		queues->topics[queue->topic].items[queue->partition] = NULL;
		for (size_t at = 0; at < queues->count; at++)
			if (queues->items[at] == queue)
				queues->items[at] = queues->items[--queues->count];
		partition_queue_close(queue);
	}
}

bool partition_queues_are_empty(const struct partition_queues *queues)
{
	for (size_t i = 0; i < queues->count; i++)
		if (!partition_queue_is_empty(queues->items[i]))
			return false;
	return true;
}

struct partition_queue *partition_queue_open_apart(void)
{
	struct partition_queue *queue = memory_take(1, sizeof *queue);
	if (!queue)
		return NULL;
	*queue = partition_queue_new;
	queue->partition = -1;
	queue->by_key = queue->keep_keyed = true;
	return queue;
}

void partition_queue_close_apart(struct partition_queue *queue)
{
	if (queue)
		partition_queue_close(queue);
}

/* ---- commits ---- */

/* The offset up to which the queue may be committed; OFFSET_NONE: nothing new. */
static int64_t partition_queue_released(const struct partition_queue *queue)
{
	int64_t first = queue->blamed.count > 0 ? partition_queue_first_blamed(queue) : OFFSET_NONE;
	int64_t released = first != OFFSET_NONE && first < queue->reached ? first : queue->reached;
	return released == queue->committed ? OFFSET_NONE : released;
}

bool partition_queue_has_released(const struct partition_queue *queue)
{
	return partition_queue_released(queue) != OFFSET_NONE;
}

struct positions partition_queues_released(const struct partition_queues *queues, struct position *items)
{
	for (size_t i = 0; i < queues->count; i++)
		items[i] = (struct position){queues->items[i]->topic, queues->items[i]->partition,
					     partition_queue_released(queues->items[i])};
	return (struct positions){queues->count, items};
}

void partition_queues_committed(struct partition_queues *queues, struct positions positions)
{
	for (size_t i = 0; i < positions.count; i++) {
		struct partition_queue *queue =
			partition_queues_find(queues, positions.items[i].topic, positions.items[i].partition);
		if (!queue || positions.items[i].offset == OFFSET_NONE)
			continue;
		queue->committed = positions.items[i].offset;
		blame_list_forget(&queue->blamed, queue->committed);
	}
}

bool partition_queues_have_released(const struct partition_queues *queues)
{
	for (size_t i = 0; i < queues->count; i++)
		if (partition_queue_has_released(queues->items[i]))
			return true;
	return false;
}

void partition_queues_recall(const struct partition_queues *queues, struct positions positions, bool all)
{
	for (size_t i = 0; i < positions.count; i++) {
		if (!all && positions.items[i].offset != OFFSET_UNKNOWN)
			continue;
		const struct partition_queue *queue =
			partition_queues_find(queues, positions.items[i].topic, positions.items[i].partition);
		positions.items[i].offset = queue ? queue->committed : OFFSET_NONE;
	}
}

void partition_queues_reset(struct partition_queues *queues, struct positions committed)
{
	for (size_t i = 0; i < committed.count; i++) {
		struct position *position = &committed.items[i];
		struct partition_queue *queue = partition_queues_find(queues, position->topic, position->partition);
		if (!queue)
			continue;
		partition_queue_drop(queues, queue);
		queue->committed = position->offset;
		if (position->offset == OFFSET_NONE)
			position->offset = queue->began;
	}
}
