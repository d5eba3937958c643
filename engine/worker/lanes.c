/* lanes.c: Lanes of flights, the pool of flights, and the list of those that may leave; see lanes.h. */
#include "worker/lanes.h"

#include <assert.h>

#include "base/hash.h"
#include "base/memory.h"
#include "worker/direct_hub.h"

#define RING_FIRST 64
#define BYTES_OF_WORK 8 /* size of an element */

static const struct lane lane_new = {.entered = OFFSET_NONE,
				     .reached = OFFSET_NONE,
				     .committed = OFFSET_NONE,
				     .began = OFFSET_NONE,
				     .skipped = OFFSET_NONE,
				     .answered = {OFFSET_NONE, OFFSET_NONE}};

static_assert(sizeof((struct blamed *)NULL)->reason == sizeof((struct refusal *)NULL)->reason, "a reason is kept whole");

void lanes_open(struct lanes *lanes, size_t message_bytes, size_t pool_bytes)
{
	*lanes = (struct lanes){.message_bytes = message_bytes, .pool_limit = pool_bytes};
	lanes->leaving_end = &lanes->leaving;
}

/* ---- flights ---- */

static struct flight *flight_make(struct lanes *lanes)
{
	struct flight *flight = memory_take(1, sizeof *flight);
	if (!flight)
		return NULL;
	flight->made = lanes->made;
	lanes->made = flight;
	return flight;
}

static struct flight *flight_take(struct lanes *lanes)
{
	struct flight *flight = lanes->pool;
	if (flight)
		lanes->pool = flight->next;
	else if (!(flight = flight_make(lanes)))
		return NULL;
	if (flight->message.arena)
		lanes->pool_bytes -= flight->message.arena->held_bytes;
	else
		flight->message.arena = arena_open(lanes->message_bytes);
	if (flight->message.arena)
		return flight;
	flight->next = lanes->pool;
	lanes->pool = flight;
	return NULL;
}

static void flight_count(struct lanes *lanes, struct flight *flight, size_t bytes)
{
	flight->load->held_bytes += bytes - flight->counted_bytes;
	lanes->load.held_bytes += bytes - flight->counted_bytes;
	flight->counted_bytes = bytes;
}

static void flight_give(struct lanes *lanes, struct flight *flight)
{
	flight_count(lanes, flight, 0);
	lanes->finished -= flight->finished;
	flight->load->in_flight--;
	lanes->load.in_flight--;
	record_release(&flight->record);
	direct_message_close(flight->direct);
	flight->direct = NULL;
	arena_reset(flight->message.arena);
	if (lanes->load.held_bytes + lanes->pool_bytes + flight->message.arena->held_bytes > lanes->pool_limit) {
		arena_close(flight->message.arena);
		flight->message.arena = NULL;
	} else {
		lanes->pool_bytes += flight->message.arena->held_bytes;
	}
	flight->next = lanes->pool;
	lanes->pool = flight;
}

/* ---- positions of a lane ---- */

static inline struct berth *berth_at(const struct lane *lane, uint64_t place)
{
	return &lane->ring[place & (lane->capacity - 1)];
}

static bool lane_grow(struct lane *lane)
{
	struct lane grown = *lane;
	grown.capacity = lane->capacity ? lane->capacity * 2 : RING_FIRST;
	grown.ring = memory_take_raw(grown.capacity * sizeof(struct berth));
	if (!grown.ring)
		return false;
	for (uint64_t place = lane->front; place < lane->back; place++)
		*berth_at(&grown, place) = *berth_at(lane, place);
	memory_give(lane->ring);
	*lane = grown;
	return true;
}

static void lane_close(struct lane *lane)
{
	memory_give(lane->blamed);
	memory_give(lane->ring);
	memory_give(lane);
}

void lane_order(struct lane *lane, bool by_key)
{
	lane->keep_keyed = by_key;
	if (!by_key || lane->front == lane->back)
		lane->by_key = by_key;
}

/* ---- refused records ---- */

static struct blamed *blamed_at(const struct lane *lane, int64_t offset)
{
	for (size_t i = 0; i < lane->blamed_count; i++)
		if (lane->blamed[i].offset == offset)
			return &lane->blamed[i];
	return NULL;
}

const char *lane_blame_reason(const struct lane *lane, int64_t offset)
{
	const struct blamed *blamed = blamed_at(lane, offset);
	return blamed ? blamed->reason : "";
}

static void blame_left(struct lane *lane, int64_t offset)
{
	struct blamed *blamed = blamed_at(lane, offset);
	if (!blamed)
		return;
	blamed->open = false;
	blamed->told = true;
}

/* The offset of the refused record: the last one before the records that have entered. */
static int64_t refused_offset(const struct lane *lane, const struct refusal *refusal)
{
	return lane->entered - (int64_t)(uint32_t)((uint64_t)lane->entered - (uint64_t)refusal->origin.offset);
}

bool lane_knows(const struct lane *lane, const struct refusal *refusal)
{
	return lane->began != OFFSET_NONE && refused_offset(lane, refusal) >= lane->began;
}

bool lane_blame(struct lane *lane, const struct refusal *refusal, enum blame blame, bool again, struct error *error)
{
	int64_t offset = refused_offset(lane, refusal);
	struct blamed *blamed = blamed_at(lane, offset);
	if (blamed && (blamed->blame & blame) && blamed->told)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "Kafka refuses even the error answer in place of a record that it refused: %s; raise "
				 "max.message.bytes of the topic, and start again",
				 refusal->reason);
	if (!blamed) {
		blamed = memory_resize(lane->blamed, lane->blamed_count + 1, sizeof *blamed);
		if (!blamed)
			return error_memory(error, ERROR_SYSTEM, "noting what Kafka refuses");
		lane->blamed = blamed;
		blamed = &lane->blamed[lane->blamed_count++];
		*blamed = (struct blamed){.offset = offset};
	}
	blamed->blame |= blame;
	blamed->open = again;
	memcpy(blamed->reason, refusal->reason, sizeof blamed->reason);
	return true;
}

int64_t lane_first_blamed(const struct lane *lane)
{
	int64_t first = OFFSET_NONE;
	for (size_t i = 0; i < lane->blamed_count; i++)
		if (lane->blamed[i].open && (first == OFFSET_NONE || lane->blamed[i].offset < first))
			first = lane->blamed[i].offset;
	return first;
}

bool lanes_are_blamed(const struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		if (lane_first_blamed(lanes->items[i]) != OFFSET_NONE)
			return true;
	return false;
}

bool lane_has_taken(const struct lane *lane, int64_t offset)
{
	if (offset >= lane->entered)
		return false;
	const struct blamed *blamed = blamed_at(lane, offset);
	if (!blamed || !blamed->open)
		return true;
	for (uint64_t place = lane->front; place < lane->back; place++) {
		const struct berth *berth = berth_at(lane, place);
		if (berth->flight && berth->offset == offset && berth->flight->again)
			return true; /* it is in flight again */
	}
	return false;
}

/* Removes refusals of committed records, which are not taken again. */
static void forgive(struct lane *lane, int64_t committed)
{
	size_t kept = 0;
	for (size_t i = 0; i < lane->blamed_count; i++)
		if (lane->blamed[i].offset >= committed)
			lane->blamed[kept++] = lane->blamed[i];
	lane->blamed_count = kept;
}

/* ---- entering ---- */

struct flight *lane_enter(struct lanes *lanes, struct lane *lane, struct load *load, const struct record *record,
			  struct error *error)
{
	assert(record->topic == lane->topic && record->partition == lane->partition); /* the offset belongs to that partition */
	bool room = lane->back - lane->front < lane->capacity || lane_grow(lane);
	struct flight *flight = room ? flight_take(lanes) : NULL;
	if (!flight) {
		error_memory(error, ERROR_SYSTEM, "taking a message");
		return NULL;
	}
	if (lane->front == lane->back)
		lane->by_key = lane->keep_keyed;
	struct arena *arena = flight->message.arena;
	memory_clear(&flight->message, sizeof flight->message);
	flight->message.arena = arena;
	flight->record = *record;
	flight->lane = lane;
	flight->stage = NULL;
	flight->load = load;
	flight->place = lane->back++;
	flight->behind = NULL;
	flight->key = 0;
	flight->counted_bytes = 0;
	flight->counted_work = 0;
	flight->held = flight->settled = flight->leaving = flight->finished = false;
	flight->unfit = flight->lettered = flight->logged = flight->skipped = false;
	flight->crossed = 0;
	flight->request = record->value;
	flight->kept_key = record->key;
	flight->from = NULL;
	flight->sender = (struct text){0};
	flight->left = NULL;
	flight->told = NULL;
	flight->explained = 0;
	flight->weighed = 0;
	flight->scored = 0;
	flight->exposed = NULL;
	const struct blamed *blamed = lane->blamed_count > 0 ? blamed_at(lane, record->offset) : NULL;
	flight->again = blamed;
	flight->blame = blamed ? blamed->blame : 0;
	flight->emissions = NULL;
	flight->emissions_end = &flight->emissions;
	*berth_at(lane, flight->place) = (struct berth){flight, record->offset};
	if (lane->began == OFFSET_NONE)
		lane->began = record->offset;
	if (lane->entered <= record->offset)
		lane->entered = record->offset + 1;
	load->in_flight++;
	lanes->load.in_flight++;
	flight_count(lanes, flight, record->value.length);
	return flight;
}

/* ---- flights that may leave ---- */

static inline bool is_at_front(const struct flight *flight)
{
	return flight->place == flight->lane->front;
}

static void flight_consider(struct lanes *lanes, struct flight *flight)
{
	if (!flight->settled || !flight->finished || flight->leaving)
		return;
	if (flight->lane->by_key ? flight->held : !is_at_front(flight))
		return;
	flight->leaving = true;
	flight->next = NULL;
	*lanes->leaving_end = flight;
	lanes->leaving_end = &flight->next;
}

static uint64_t key_of(const struct flight *flight)
{
	uint64_t seed = (uint64_t)flight->record.topic << 32 | (uint32_t)flight->record.partition;
	return hash_bytes(flight->record.key.bytes, flight->record.key.length, seed) | 1;
}

static bool stand_behind_key(struct lanes *lanes, struct flight *flight)
{
	uint64_t key = key_of(flight);
	struct flight **last = keys_last(&lanes->keys, key);
	if (!last)
		return false;
	flight->key = key;
	flight->held = *last != NULL;
	if (*last)
		(*last)->behind = flight;
	*last = flight;
	return true;
}

/* Counts work that was not counted where it was done: requests and replies that were read, and tensors that steps
 * made. Work from before the arena was reset was already counted. */
static void flight_count_work(struct flight *flight)
{
	const struct arena *arena = flight->message.arena;
	uint64_t work = arena->work + arena_taken(arena) / BYTES_OF_WORK;
	flight->load->work += work > flight->counted_work ? work - flight->counted_work : 0;
	flight->counted_work = work;
}

/* Settles a finished flight. At the front of its lane it may leave at once. Later ones of its key leave after it, so
 * its key need not be stored. */
bool flight_settle(struct lanes *lanes, struct flight *flight, struct error *error)
{
	assert(!flight->settled); /* it would be in its key's list twice */
	flight->settled = true;
	bool at_once = flight->finished && is_at_front(flight);
	flight_count_work(flight);
	if (!flight->finished)
		flight_count(lanes, flight, flight->record.value.length + flight->message.arena->held_bytes);
	if (flight->lane->by_key && flight->record.key.bytes && !at_once && !stand_behind_key(lanes, flight))
		return error_memory(error, ERROR_SYSTEM, "keeping the order of a key");
	flight_consider(lanes, flight);
	return true;
}

void flight_finish(struct lanes *lanes, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct flight *flight = (struct flight *)message;
	assert(!flight->finished); /* a message ends once */
	flight->finished = true;
	lanes->finished++;
	if (!flight->lane) {
		flight_give(lanes, flight);
		return;
	}
	flight_count(lanes, flight, flight->record.value.length + message->arena->held_bytes);
	flight_count_work(flight);
	flight->outcome = outcome;
	flight->answer = *answer;
	if (flight->answer.error) {
		flight->error = *flight->answer.error;
		flight->answer.error = &flight->error;
	}
	flight_consider(lanes, flight);
}

static void lane_advance(struct lanes *lanes, struct lane *lane)
{
	while (lane->front < lane->back) {
		struct berth *berth = berth_at(lane, lane->front);
		if (berth->flight) {
			flight_consider(lanes, berth->flight);
			return;
		}
		if (lane->reached <= berth->offset)
			lane->reached = berth->offset + 1;
		lane->front++;
	}
}

void lanes_leave(struct lanes *lanes)
{
	struct flight *flight = lanes->leaving;
	struct lane *lane = flight->lane;
	lanes->leaving = flight->next;
	if (!lanes->leaving)
		lanes->leaving_end = &lanes->leaving;
	if (flight->key)
		keys_drop(&lanes->keys, flight->key, flight);
	if (flight->behind) {
		flight->behind->held = false;
		flight_consider(lanes, flight->behind);
	}
	berth_at(lane, flight->place)->flight = NULL;
	if (flight->again)
		blame_left(lane, flight->record.offset);
	if (is_at_front(flight))
		lane_advance(lanes, lane);
	flight_give(lanes, flight);
}

/* ---- dropping ---- */

static void forget_leaving(struct lanes *lanes, const struct lane *lane)
{
	struct flight **at = &lanes->leaving;
	while (*at) {
		if ((*at)->lane == lane)
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
	lanes->leaving_end = at;
}

/* Drops the flights of a lane. Those that are still in the flow are freed when they finish. */
static void lane_drop(struct lanes *lanes, struct lane *lane)
{
	forget_leaving(lanes, lane);
	for (; lane->front < lane->back; lane->front++) {
		struct flight *flight = berth_at(lane, lane->front)->flight;
		if (!flight)
			continue;
		if (flight->key)
			keys_drop(&lanes->keys, flight->key, flight);
		flight->lane = NULL;
		if (flight->finished)
			flight_give(lanes, flight);
	}
	lane->entered = lane->reached = OFFSET_NONE;
	lane->awaiting_schema = 0;
}

/* ---- lanes ---- */

void lanes_close(struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		lane_close(lanes->items[i]);
	for (size_t i = 0; i < lanes->topic_count; i++)
		memory_give(lanes->topics[i].items);
	memory_give(lanes->topics);
	memory_give(lanes->items);
	keys_close(&lanes->keys);
	while (lanes->made) {
		struct flight *flight = lanes->made;
		lanes->made = flight->made;
		record_release(&flight->record);
		direct_message_close(flight->direct);
		arena_close(flight->message.arena);
		memory_give(flight);
	}
}

/* A slot in the table for that partition. */
static struct lane **lane_slot(struct lanes *lanes, uint32_t topic, int32_t partition)
{
	if (topic >= lanes->topic_count) {
		struct lanes_of_topic *topics = memory_resize(lanes->topics, (size_t)topic + 1, sizeof *topics);
		if (!topics)
			return NULL;
		memset(&topics[lanes->topic_count], 0, (topic + 1 - lanes->topic_count) * sizeof *topics);
		lanes->topics = topics;
		lanes->topic_count = (size_t)topic + 1;
	}
	struct lanes_of_topic *of = &lanes->topics[topic];
	size_t wanted = (size_t)partition + 1;
	if (wanted > of->count) {
		struct lane **items = memory_resize(of->items, wanted, sizeof(struct lane *));
		if (!items)
			return NULL;
		memset(&items[of->count], 0, (wanted - of->count) * sizeof(struct lane *));
		of->items = items;
		of->count = wanted;
	}
	return &of->items[partition];
}

bool lanes_add(struct lanes *lanes, struct positions positions, struct error *error)
{
	struct lane **items = memory_resize(lanes->items, lanes->count + positions.count + 1, sizeof(struct lane *));
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "taking over partitions");
	lanes->items = items;
	for (size_t i = 0; i < positions.count; i++) {
		const struct position *position = &positions.items[i];
		struct lane **slot = lane_slot(lanes, position->topic, position->partition);
		struct lane *lane = slot ? memory_take(1, sizeof *lane) : NULL;
		if (!lane)
			return error_memory(error, ERROR_SYSTEM, "taking over partitions");
		assert(!*slot); /* an assigned partition was revoked before */
		*lane = lane_new;
		lane->topic = position->topic;
		lane->partition = position->partition;
		*slot = lanes->items[lanes->count++] = lane;
	}
	return true;
}

void lanes_remove(struct lanes *lanes, struct positions positions)
{
	for (size_t i = 0; i < positions.count; i++) {
		struct lane *lane = lanes_find(lanes, positions.items[i].topic, positions.items[i].partition);
		if (!lane)
			continue;
		lane_drop(lanes, lane);
		lanes->topics[lane->topic].items[lane->partition] = NULL;
		for (size_t at = 0; at < lanes->count; at++)
			if (lanes->items[at] == lane)
				lanes->items[at] = lanes->items[--lanes->count];
		lane_close(lane);
	}
}

bool lanes_are_empty(const struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		if (!lane_is_empty(lanes->items[i]))
			return false;
	return true;
}

struct lane *lane_open_apart(void)
{
	struct lane *lane = memory_take(1, sizeof *lane);
	if (!lane)
		return NULL;
	*lane = lane_new;
	lane->partition = -1;
	lane->by_key = lane->keep_keyed = true;
	return lane;
}

void lane_close_apart(struct lane *lane)
{
	if (lane)
		lane_close(lane);
}

/* ---- commits ---- */

/* The offset up to which the lane may be committed; OFFSET_NONE: nothing new. */
static int64_t lane_released(const struct lane *lane)
{
	int64_t first = lane->blamed_count > 0 ? lane_first_blamed(lane) : OFFSET_NONE;
	int64_t released = first != OFFSET_NONE && first < lane->reached ? first : lane->reached;
	return released == lane->committed ? OFFSET_NONE : released;
}

bool lane_has_released(const struct lane *lane)
{
	return lane_released(lane) != OFFSET_NONE;
}

struct positions lanes_released(const struct lanes *lanes, struct position *items)
{
	for (size_t i = 0; i < lanes->count; i++)
		items[i] = (struct position){lanes->items[i]->topic, lanes->items[i]->partition, lane_released(lanes->items[i])};
	return (struct positions){lanes->count, items};
}

void lanes_committed(struct lanes *lanes, struct positions positions)
{
	for (size_t i = 0; i < positions.count; i++) {
		struct lane *lane = lanes_find(lanes, positions.items[i].topic, positions.items[i].partition);
		if (!lane || positions.items[i].offset == OFFSET_NONE)
			continue;
		lane->committed = positions.items[i].offset;
		forgive(lane, lane->committed);
	}
}

bool lanes_have_released(const struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		if (lane_has_released(lanes->items[i]))
			return true;
	return false;
}

void lanes_recall(const struct lanes *lanes, struct positions positions)
{
	for (size_t i = 0; i < positions.count; i++) {
		const struct lane *lane = lanes_find(lanes, positions.items[i].topic, positions.items[i].partition);
		positions.items[i].offset = lane ? lane->committed : OFFSET_NONE;
	}
}

void lanes_reset(struct lanes *lanes, struct positions committed)
{
	for (size_t i = 0; i < committed.count; i++) {
		struct position *position = &committed.items[i];
		struct lane *lane = lanes_find(lanes, position->topic, position->partition);
		if (!lane)
			continue;
		lane_drop(lanes, lane);
		lane->committed = position->offset;
		if (position->offset == OFFSET_NONE)
			position->offset = lane->began;
	}
}
