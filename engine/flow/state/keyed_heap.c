/* keyed_heap.c: Heap in a step's state; see keyed_heap.h.
 *
 * It is a B-tree of Bayer and McCreight, with all entries in the leaves. A node is a head and its entries, contiguous. Entries
 * removed at its front are skipped, and disappear when it is written again. An entry of an inner node has the number of a child,
 * and the least entry there; the first child covers everything before the second entry. The root has the number 0.
 */
#include "flow/state/keyed_heap.h"

#include "flow/state/keyed_log.h"

#define NODE_VERSION 2
#define NODE_BYTES 2048
#define ALIGN(size) (((size) + 7) & ~(size_t)7)
#define ROOT 0
#define NEXT_KEY TEXT("n") /* the number of the node that is made next */

struct heap_node_head {
	uint32_t version;
	uint32_t begin; /* bytes to the first entry that is still there */
	uint64_t level; /* 0: a leaf */
};

/* Behind it stand, above the leaves, the number of a node, and the key, filled up to 8 bytes. */
struct heap_entry_head {
	int64_t rank, subrank;
	uint64_t key_length;
};

struct heap_node {
	struct text bytes;
	struct heap_node_head head;
};

/* An entry, read. */
struct heap_slot {
	struct keyed_heap_entry entry;
	uint64_t child; /* 0 in a leaf */
};

int keyed_heap_order(const struct keyed_heap_entry *left, const struct keyed_heap_entry *right)
{
	if (left->rank != right->rank)
		return left->rank < right->rank ? -1 : 1;
	if (left->subrank != right->subrank)
		return left->subrank < right->subrank ? -1 : 1;
	const size_t shorter = left->key.length < right->key.length ? left->key.length : right->key.length;
	const int order = shorter ? memcmp(left->key.bytes, right->key.bytes, shorter) : 0;
	return order ? order : (left->key.length > right->key.length) - (left->key.length < right->key.length);
}

/* ---- reading ---- */

static struct text node_key(uint64_t number, struct keyed_log_key *key)
{
	static const struct keyed_log nodes = {.name = "c", .is_binary = true};
	return number == ROOT ? TEXT("d") : keyed_log_key(&nodes, number, key);
}

static bool node_find(struct visit *visit, uint64_t number, struct heap_node *node)
{
	struct keyed_log_key key;
	struct text stored;
	if (!visit_recall(visit, node_key(number, &key), &stored))
		return false;
	node->bytes = stored;
	memcpy(&node->head, stored.bytes, sizeof node->head);
	return true;
}

static bool node_missing(struct error *error)
{
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "a part of the step's state is missing; restore it, or rename the step");
}

static size_t child_bytes(const struct heap_node *node)
{
	return node->head.level ? sizeof(uint64_t) : 0;
}

/* The entry at `*at`, which moves on; false behind the last. */
static bool slot_next(const struct heap_node *node, size_t *at, struct heap_slot *slot)
{
	struct heap_entry_head head;
	const char *bytes = node->bytes.bytes + *at;
	if (*at >= node->bytes.length)
		return false;
	memcpy(&head, bytes, sizeof head);
	slot->child = 0;
	memcpy(&slot->child, bytes + sizeof head, child_bytes(node));
	bytes += sizeof head + child_bytes(node);
	slot->entry = (struct keyed_heap_entry){head.rank, head.subrank, {bytes, head.key_length}};
	*at = (size_t)(bytes - node->bytes.bytes) + ALIGN(head.key_length);
	return true;
}

bool keyed_heap_first(struct visit *visit, struct keyed_heap_entry *first)
{
	struct heap_node node;
	struct heap_slot slot = {.child = ROOT};
	do {
		if (!node_find(visit, slot.child, &node))
			return false;
		size_t at = node.head.begin;
		if (!slot_next(&node, &at, &slot))
			return false;
	} while (node.head.level > 0);
	*first = slot.entry;
	return true;
}

/* ---- writing ---- */

static struct heap_node node_empty(uint64_t level)
{
	static const struct heap_node_head none;
	return (struct heap_node){{(const char *)&none, sizeof none}, {NODE_VERSION, sizeof none, level}};
}

/* `size` bytes of entries become a node. */
static bool node_write(struct visit *visit, uint64_t number, uint64_t level, const char *entries, size_t size, struct error *error)
{
	const struct heap_node_head head = {NODE_VERSION, sizeof head, level};
	struct keyed_log_key key;
	char *stored = visit_remember(visit, node_key(number, &key), sizeof head + size, error);
	if (!stored)
		return false;
	memcpy(stored, &head, sizeof head);
	memcpy(stored + sizeof head, entries, size);
	return true;
}

static bool number_next(struct visit *visit, uint64_t *number, struct error *error)
{
	*number = 1;
	(void)keyed_value_read(visit, NEXT_KEY, number, sizeof *number);
	const uint64_t next = *number + 1;
	return keyed_value_write(visit, NEXT_KEY, &next, sizeof next, error);
}

/* A node's entries with one more at `place`, not written yet. */
static bool node_with(struct visit *visit, const struct heap_node *node, size_t place, const struct heap_slot *more,
		      struct heap_node *with, struct error *error)
{
	const struct keyed_heap_entry *entry = &more->entry;
	const struct heap_entry_head head = {entry->rank, entry->subrank, entry->key.length};
	const size_t own = sizeof head + child_bytes(node), added = own + ALIGN(entry->key.length);
	const size_t before = place - node->head.begin, behind = node->bytes.length - place;
	const size_t length = sizeof with->head + before + added + behind;
	char *bytes = arena_take(visit_arena(visit), length, 1);
	if (!bytes)
		return error_memory(error, ERROR_LIMIT, "keeping what a step has in order");
	char *to = bytes + sizeof with->head + before;
	memcpy(to - before, node->bytes.bytes + node->head.begin, before);
	memcpy(to, &head, sizeof head);
	memcpy(to + sizeof head, &more->child, child_bytes(node));
	if (entry->key.length)
		memcpy(to + own, entry->key.bytes, entry->key.length);
	memcpy(to + added, node->bytes.bytes + place, behind);
	*with = (struct heap_node){{bytes, length}, {.begin = sizeof with->head, .level = node->head.level}};
	return true;
}

/* Where the second half of the entries begins, and with which it does: the last, at the latest. */
static size_t node_middle(const struct heap_node *node, struct heap_slot *first)
{
	size_t at = node->head.begin, begun = at;
	while (slot_next(node, &at, first) && at < node->bytes.length && begun < node->bytes.length / 2)
		begun = at;
	return begun;
}

/* Writes a node that may have become too large: then half of it goes into a new one, whose place above is `split`. The root's
 * halves both do, and it stands above them. */
static bool node_store(struct visit *visit, uint64_t number, const struct heap_node *node, struct heap_slot *split,
		       struct error *error)
{
	const size_t begin = node->head.begin, length = node->bytes.length;
	const uint64_t level = node->head.level;
	const char *bytes = node->bytes.bytes;
	struct heap_slot left = {.child = number}, right = {0};
	if (length <= NODE_BYTES)
		return node_write(visit, number, level, bytes + begin, length - begin, error);
	const size_t middle = node_middle(node, &right);
	if (!number_next(visit, &right.child, error) || (number == ROOT && !number_next(visit, &left.child, error)) ||
	    !node_write(visit, right.child, level, bytes + middle, length - middle, error) ||
	    !node_write(visit, left.child, level, bytes + begin, middle - begin, error))
		return false;
	*split = right;
	if (number != ROOT)
		return true;
	const uint64_t child = left.child;
	const struct heap_node none = node_empty(level + 1);
	struct heap_node one, pair;
	size_t at = begin;
	(void)slot_next(node, &at, &left);
	left.child = child;
	return node_with(visit, &none, none.head.begin, &left, &one, error) &&
	       node_with(visit, &one, one.bytes.length, &right, &pair, error) &&
	       node_write(visit, ROOT, level + 1, pair.bytes.bytes + sizeof pair.head, pair.bytes.length - sizeof pair.head, error);
}

/* The last entry that is not behind `entry`, and where it ends; above the leaves the first if all are. */
static bool slot_of(const struct heap_node *node, const struct keyed_heap_entry *entry, struct heap_slot *found, size_t *end)
{
	struct heap_slot slot;
	bool any = false;
	size_t at = *end = node->head.begin;
	while (slot_next(node, &at, &slot)) {
		if ((any || node->head.level == 0) && keyed_heap_order(&slot.entry, entry) > 0)
			break;
		*found = slot;
		*end = at;
		any = true;
	}
	return any;
}

/* `split`: the node that has become too large for this one's parent to know it as one; its child is 0 where there is none. The
 * tree is a few levels deep. */
static bool node_put(struct visit *visit, uint64_t number, const struct keyed_heap_entry *entry, struct heap_slot *split,
		     struct error *error)
{
	struct heap_node node = node_empty(0), with;
	struct heap_slot more = {.entry = *entry}, found;
	size_t place;
	*split = (struct heap_slot){0};
	if (!node_find(visit, number, &node) && number != ROOT)
		return node_missing(error);
	const bool any = slot_of(&node, entry, &found, &place);
	if (node.head.level == 0 && any && keyed_heap_order(&found.entry, entry) == 0)
		return true;
	if (node.head.level > 0) {
		if (!any)
			return node_missing(error);
		if (!node_put(visit, found.child, entry, &more, error))
			return false;
		if (more.child == 0)
			return true;
	}
	return node_with(visit, &node, place, &more, &with, error) && node_store(visit, number, &with, split, error);
}

bool keyed_heap_put(struct visit *visit, const struct keyed_heap_entry *entry, struct error *error)
{
	struct heap_slot split;
	return node_put(visit, ROOT, entry, &split, error);
}

/* `gone`: the node had no other entry, and is forgotten. */
static bool node_remove(struct visit *visit, uint64_t number, bool *gone, struct error *error)
{
	struct heap_node node;
	struct keyed_log_key key;
	struct heap_slot first;
	bool below = true;
	if (!node_find(visit, number, &node))
		return node_missing(error);
	size_t at = node.head.begin;
	if (!slot_next(&node, &at, &first))
		return node_missing(error);
	if (node.head.level > 0 && !node_remove(visit, first.child, &below, error))
		return false;
	*gone = below && at >= node.bytes.length;
	if (!below)
		return true;
	if (*gone)
		return visit_forget(visit, node_key(number, &key), error);
	node.head.begin = (uint32_t)at;
	char *stored = visit_remember(visit, node_key(number, &key), node.bytes.length, error);
	if (stored)
		memcpy(stored, &node.head, sizeof node.head);
	return stored != NULL;
}

bool keyed_heap_remove(struct visit *visit, struct error *error)
{
	bool gone;
	return node_remove(visit, ROOT, &gone, error);
}
