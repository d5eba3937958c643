/* wanted_answers.c: see wanted_answers.h. Items are a list in the order in which they came; buckets find them by the hash of their
 * request's name. */
#include "experiments/outcomes/wanted_answers.h"

#include <assert.h>
#include <stdlib.h>

#include "base/number/duration.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/memory.h"
#include "message/records/reply.h"
#include "message/rows.h"

#define MINUTE_MS (60 * MS_PER_S)
#define BUCKETS ((size_t)1 << 16) /* a power of two */

struct wanted_item {
	struct list_node node, in_bucket;
	struct wanted_answer answer; /* its texts follow the item */
	int64_t due_ms;
	unsigned tries;
};

/* The longest time from a request of that minute to the record of its exposure. */
struct minute_delay {
	int64_t minute;
	int64_t delay_ms;
};

struct wanted_answers {
	size_t most, bytes_most;
	struct list items;
	size_t count, bytes;
	uint64_t number; /* of the last */
	uint64_t refused, dropped;
	uint64_t lost[WANTED_METRICS];
	struct list *buckets;
	struct minute_delay *delays;
};

/* ---- items ---- */

static struct list *bucket_of(const struct wanted_answers *wanted, struct text name)
{
	return &wanted->buckets[hash_bytes(name.bytes, name.length, 0) & (BUCKETS - 1)];
}

static size_t item_bytes(const struct wanted_answer *answer)
{
	return sizeof(struct wanted_item) + answer->name.length + answer->feedback.length;
}

static void item_remove(struct wanted_answers *wanted, struct wanted_item *item)
{
	list_remove(&item->node);
	list_remove(&item->in_bucket);
	wanted->count--;
	wanted->bytes -= item_bytes(&item->answer);
	memory_give(item);
}

void wanted_answers_settle(struct wanted_answers *wanted, struct text name, unsigned metrics)
{
	struct list_node *next;
	for (struct list_node *node = bucket_of(wanted, name)->first; node; node = next) {
		struct wanted_item *item = LIST_OWNER(node, struct wanted_item, in_bucket);
		next = node->next;
		if (!text_equal(item->answer.name, name))
			continue;
		item->answer.metrics &= ~metrics;
		if (item->answer.metrics == 0)
			item_remove(wanted, item);
	}
}

static unsigned metrics_wanted(const struct wanted_answers *wanted, struct text name)
{
	unsigned metrics = 0;
	for (const struct list_node *node = bucket_of(wanted, name)->first; node; node = node->next) {
		const struct wanted_item *item = LIST_OWNER(node, struct wanted_item, in_bucket);
		metrics |= text_equal(item->answer.name, name) ? item->answer.metrics : 0;
	}
	return metrics;
}

static void metrics_lose(struct wanted_answers *wanted, unsigned metrics)
{
	for (unsigned i = 0; i < WANTED_METRICS; i++)
		wanted->lost[i] += metrics >> i & 1;
}

void wanted_answers_add(struct wanted_answers *wanted, const struct wanted_answer *answer)
{
	const unsigned metrics = answer->metrics & ~metrics_wanted(wanted, answer->name);
	const size_t bytes = item_bytes(answer);
	if (metrics == 0)
		return;
	struct wanted_item *item =
		wanted->count < wanted->most && wanted->bytes + bytes <= wanted->bytes_most ? memory_take(1, bytes) : NULL;
	if (!item) {
		wanted->refused++;
		metrics_lose(wanted, metrics);
		return;
	}
	char *texts = (char *)(item + 1);
	memcpy(texts, answer->name.bytes, answer->name.length);
	memcpy(texts + answer->name.length, answer->feedback.bytes, answer->feedback.length);
	item->answer = *answer;
	item->answer.number = ++wanted->number;
	item->answer.name.bytes = texts;
	item->answer.feedback.bytes = texts + answer->name.length;
	item->answer.metrics = metrics;
	item->due_ms = answer->written_ms + WANTED_WAIT_MS;
	list_add(&wanted->items, &item->node);
	list_add(bucket_of(wanted, item->answer.name), &item->in_bucket);
	wanted->count++;
	wanted->bytes += bytes;
}

/* NULL: it was settled. */
static struct wanted_item *item_find(const struct wanted_answers *wanted, const struct wanted_answer *answer)
{
	struct list_node *node = bucket_of(wanted, answer->name)->first;
	while (node && LIST_OWNER(node, struct wanted_item, in_bucket)->answer.number != answer->number)
		node = node->next;
	return node ? LIST_OWNER(node, struct wanted_item, in_bucket) : NULL;
}

unsigned wanted_answers_claim(struct wanted_answers *wanted, const struct wanted_answer *item)
{
	struct wanted_item *found = item_find(wanted, item);
	const unsigned metrics = found ? found->answer.metrics : 0;
	if (found)
		item_remove(wanted, found);
	return metrics;
}

/* ---- when answers were written ---- */

static struct minute_delay *delay_of(const struct wanted_answers *wanted, int64_t minute)
{
	return &wanted->delays[(uint64_t)minute % WANTED_MINUTES];
}

void wanted_answers_expose(struct wanted_answers *wanted, int64_t exposed_ms, int64_t recorded_ms)
{
	const int64_t minute = exposed_ms / MINUTE_MS, delay_ms = recorded_ms - exposed_ms;
	struct minute_delay *delay = delay_of(wanted, minute);
	if (minute > delay->minute)
		*delay = (struct minute_delay){.minute = minute};
	if (minute == delay->minute && delay_ms > delay->delay_ms)
		delay->delay_ms = delay_ms;
}

static int64_t span_from_ms(const struct wanted_answer *answer)
{
	return answer->exposed_ms - ANSWER_CLOCKS_MS;
}

static int64_t span_to_ms(const struct wanted_answers *wanted, const struct wanted_answer *answer)
{
	const int64_t minute = answer->exposed_ms / MINUTE_MS;
	const struct minute_delay *delay = delay_of(wanted, minute);
	return answer->exposed_ms + (delay->minute == minute ? delay->delay_ms : 0) + ANSWER_LATE_MS;
}

/* ---- passes ---- */

static int exposed_compare(const void *left, const void *right)
{
	const struct wanted_answer *a = left, *b = right;
	return (a->exposed_ms > b->exposed_ms) - (a->exposed_ms < b->exposed_ms);
}

static int names_compare(const void *left, const void *right)
{
	return text_compare(((const struct wanted_answer *)left)->name, ((const struct wanted_answer *)right)->name);
}

static void item_drop(struct wanted_answers *wanted, struct wanted_item *item)
{
	metrics_lose(wanted, item->answer.metrics);
	item_remove(wanted, item);
	wanted->dropped++;
}

/* Lists what is due, and drops what is no longer wanted. NULL: nothing is due, or the arena is full. */
static struct wanted_answer *due_list(struct wanted_answers *wanted, int64_t read_ms, struct arena *arena, size_t *count)
{
	struct wanted_answer *due = wanted->count > 0 ? ARENA_ARRAY(arena, struct wanted_answer, wanted->count) : NULL;
	struct list_node *next;
	*count = 0;
	for (struct list_node *node = due ? wanted->items.first : NULL; node; node = next) {
		struct wanted_item *item = LIST_OWNER(node, struct wanted_item, node);
		next = node->next;
		if (item->answer.until_ms < read_ms) {
			item_drop(wanted, item);
		} else if (item->due_ms <= read_ms) {
			due[(*count)++] = item->answer;
		}
	}
	return *count > 0 ? due : NULL;
}

bool wanted_pass_begin(struct wanted_answers *wanted, int64_t read_ms, struct arena *arena, struct wanted_pass *pass)
{
	size_t due_count;
	struct wanted_answer *due = due_list(wanted, read_ms, arena, &due_count);
	*pass = (struct wanted_pass){.items = due};
	if (!due)
		return false;
	qsort(due, due_count, sizeof *due, exposed_compare);
	pass->from_ms = span_from_ms(due);
	pass->to_ms = span_to_ms(wanted, due);
	while (pass->count < due_count && pass->count < WANTED_PASS_MAX && span_from_ms(&due[pass->count]) <= pass->to_ms) {
		struct wanted_answer *item = &due[pass->count];
		const int64_t to_ms = span_to_ms(wanted, item);
		item->name = text_copied(arena, item->name);
		item->feedback = text_copied(arena, item->feedback);
		if (arena_failed(arena))
			break;
		pass->to_ms = to_ms > pass->to_ms ? to_ms : pass->to_ms;
		pass->count++;
	}
	qsort(pass->items, pass->count, sizeof *pass->items, names_compare);
	return pass->count > 0;
}

struct wanted_answer *wanted_pass_find(const struct wanted_pass *pass, struct text name, size_t *count)
{
	size_t low = 0, high = pass->count;
	*count = 0;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (text_compare(pass->items[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + *count < pass->count && text_equal(pass->items[low + *count].name, name))
		(*count)++;
	return *count > 0 ? &pass->items[low] : NULL;
}

void wanted_pass_end(struct wanted_answers *wanted, const struct wanted_pass *pass, int64_t read_ms)
{
	for (size_t i = 0; i < pass->count; i++) {
		struct wanted_item *item = item_find(wanted, &pass->items[i]);
		if (!item)
			continue;
		item->due_ms = read_ms + WANTED_AGAIN_MS;
		if (++item->tries < WANTED_TRIES)
			continue;
		item_drop(wanted, item);
	}
}

/* ---- the list ---- */

size_t wanted_answers_count(const struct wanted_answers *wanted)
{
	return wanted->count;
}

uint64_t wanted_answers_refused(const struct wanted_answers *wanted)
{
	return wanted->refused;
}

uint64_t wanted_answers_dropped(const struct wanted_answers *wanted)
{
	return wanted->dropped;
}

struct wanted_answers *wanted_answers_open(size_t most, size_t bytes_most, struct error *error)
{
	struct wanted_answers *wanted = memory_take(1, sizeof *wanted);
	if (wanted) {
		*wanted = (struct wanted_answers){.most = most,
						  .bytes_most = bytes_most,
						  .buckets = memory_take(BUCKETS, sizeof *wanted->buckets),
						  .delays = memory_take(WANTED_MINUTES, sizeof *wanted->delays)};
		if (wanted->buckets && wanted->delays)
			return wanted;
	}
	wanted_answers_close(wanted);
	error_memory(error, ERROR_SYSTEM, "listing answers that are wanted");
	return NULL;
}

void wanted_answers_close(struct wanted_answers *wanted)
{
	if (!wanted)
		return;
	while (wanted->items.first)
		item_remove(wanted, LIST_OWNER(wanted->items.first, struct wanted_item, node));
	memory_give(wanted->buckets);
	memory_give(wanted->delays);
	memory_give(wanted);
}

uint64_t wanted_answers_lost(const struct wanted_answers *wanted, unsigned metric)
{
	assert(metric < WANTED_METRICS);
	return wanted->lost[metric];
}
