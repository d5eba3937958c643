/* window_index.c: Index of keys in the order in which their windows close; see window_index.h.
 *
 * It is a B-tree of Bayer and McCreight, with all entries in the leaves. A node is a head and its entries,
 * contiguous. Entries removed at its front are skipped, and disappear when it is written again. An entry of an inner
 * node has the number of a child, and the least entry there; the first child covers everything before the second
 * entry.
 */
#include "steps/windows/window_index.h"

#include <string.h>

#define INDEX_VERSION 2
#define NODE_BYTES 2048
#define ALIGN(size) (((size) + 7) & ~(size_t)7)

struct node_head {
	uint32_t version;
	uint32_t begin; /* bytes to the first entry that is still there */
	uint64_t level; /* 0: a leaf */
};

/* Behind it stand, above the leaves, the number of a node, and the key, filled up to 8 bytes. */
struct window_index_entry {
	int64_t end, start;
	uint64_t key_length;
};

struct window_index_node {
	struct text bytes;
	struct node_head head;
};

/* An entry, read. */
struct window_index_slot {
	struct window_entry entry;
	uint64_t child; /* 0 in a leaf */
};

#define ROOT_KEY TEXT("d")
#define NEXT_KEY TEXT("n") /* the number of the node that is made next */

struct text numbered_key(struct numbered_key *key, char kind, uint64_t number)
{
	key->bytes[0] = kind;
	memcpy(key->bytes + 1, &number, sizeof number);
	return (struct text){key->bytes, sizeof key->bytes};
}

static struct text node_key(struct numbered_key *key, uint64_t number)
{
	return numbered_key(key, 'c', number);
}

int window_entry_order(const struct window_entry *left, const struct window_entry *right)
{
	int order = closing_order(&left->span, &right->span);
	if (order)
		return order;
	size_t shorter = left->key.length < right->key.length ? left->key.length : right->key.length;
	order = shorter ? memcmp(left->key.bytes, right->key.bytes, shorter) : 0;
	return order ? order : (left->key.length > right->key.length) - (left->key.length < right->key.length);
}

/* ---- reading ---- */

static bool node_read(struct visit *visit, struct text name, struct window_index_node *node)
{
	if (!visit_recall(visit, name, &node->bytes))
		return false;
	memcpy(&node->head, node->bytes.bytes, sizeof node->head);
	return true;
}

static bool node_missing(struct error *error)
{
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "a part of the step's state is missing; restore it, or rename the step");
}

static size_t child_bytes(const struct node_head *head)
{
	return head->level ? sizeof(uint64_t) : 0;
}

/* The entry at `*at`, which moves on; false behind the last. */
static bool slot_next(const struct window_index_node *node, size_t *at, struct window_index_slot *slot)
{
	struct window_index_entry entry;
	const char *bytes = node->bytes.bytes + *at;
	if (*at >= node->bytes.length)
		return false;
	memcpy(&entry, bytes, sizeof entry);
	slot->child = 0;
	memcpy(&slot->child, bytes + sizeof entry, child_bytes(&node->head));
	bytes += sizeof entry + child_bytes(&node->head);
	slot->entry = (struct window_entry){{entry.start, entry.end}, {bytes, entry.key_length}};
	*at = (size_t)(bytes - node->bytes.bytes) + ALIGN(entry.key_length);
	return true;
}

bool window_index_first(struct visit *visit, struct window_entry *first)
{
	struct numbered_key key;
	struct text name = ROOT_KEY;
	struct window_index_node node;
	struct window_index_slot slot;
	do {
		if (!node_read(visit, name, &node))
			return false;
		size_t at = node.head.begin;
		if (!slot_next(&node, &at, &slot))
			return false;
		name = node_key(&key, slot.child);
	} while (node.head.level > 0);
	*first = slot.entry;
	return true;
}

/* ---- writing ---- */

/* `size` bytes of entries become a node. */
static bool node_write(struct visit *visit, struct text name, uint64_t level, const char *entries, size_t size, struct error *error)
{
	const struct node_head head = {INDEX_VERSION, sizeof head, level};
	char *kept = visit_remember(visit, name, sizeof head + size, error);
	if (!kept)
		return false;
	memcpy(kept, &head, sizeof head);
	memcpy(kept + sizeof head, entries, size);
	return true;
}

static size_t slot_size(const struct node_head *head, const struct window_entry *entry)
{
	return sizeof(struct window_index_entry) + child_bytes(head) + ALIGN(entry->key.length);
}

static char *slot_write(char *to, const struct node_head *head, const struct window_index_slot *slot)
{
	const struct window_entry *entry = &slot->entry;
	const struct window_index_entry written = {entry->span.end, entry->span.start, entry->key.length};
	memset(to, 0, slot_size(head, entry));
	memcpy(to, &written, sizeof written);
	memcpy(to + sizeof written, &slot->child, child_bytes(head));
	if (entry->key.length)
		memcpy(to + sizeof written + child_bytes(head), entry->key.bytes, entry->key.length);
	return to + slot_size(head, entry);
}

static bool number_next(struct visit *visit, uint64_t *number, struct error *error)
{
	struct text before;
	*number = 1;
	if (visit_recall(visit, NEXT_KEY, &before))
		memcpy(number, before.bytes, sizeof *number);
	const uint64_t next = *number + 1;
	char *kept = visit_remember(visit, NEXT_KEY, sizeof next, error);
	if (kept)
		memcpy(kept, &next, sizeof next);
	return kept != NULL;
}

/* A node's entries with one more at `place`, not written yet. */
static bool node_with(struct visit *visit, const struct window_index_node *node, size_t place, const struct window_index_slot *more,
		      struct window_index_node *with, struct error *error)
{
	const size_t added = slot_size(&node->head, &more->entry);
	const size_t before = place - node->head.begin, behind = node->bytes.length - place;
	char *bytes = arena_take_raw(visit_arena(visit), sizeof with->head + before + added + behind);
	if (!bytes)
		return error_memory(error, ERROR_LIMIT, "keeping windows");
	*with = (struct window_index_node){{bytes, sizeof with->head + before + added + behind}, node->head};
	with->head.begin = sizeof with->head;
	bytes += with->head.begin;
	memcpy(bytes, node->bytes.bytes + node->head.begin, before);
	memcpy(slot_write(bytes + before, &node->head, more), node->bytes.bytes + place, behind);
	return true;
}

/* Where the second half of the entries begins, and with which it does: the last, at the latest. */
static size_t middle_of(const struct window_index_node *node, struct window_index_slot *first)
{
	size_t at = node->head.begin, begun = at;
	while (slot_next(node, &at, first) && at < node->bytes.length && begun < node->bytes.length / 2)
		begun = at;
	return begun;
}

/* Writes a node that may have become too large: then half of it goes into a new one, whose
 * place above is `split`. The root's halves both do, and it stands above them. */
static bool node_store(struct visit *visit, struct text name, const struct window_index_node *node, struct window_index_slot *split,
		       struct error *error)
{
	const size_t begin = node->head.begin, length = node->bytes.length, level = node->head.level;
	const char *bytes = node->bytes.bytes;
	struct numbered_key left_key, right_key;
	struct window_index_slot left = {0}, right = {0};
	if (length <= NODE_BYTES)
		return node_write(visit, name, level, bytes + begin, length - begin, error);
	const size_t middle = middle_of(node, &right);
	const bool root = text_equal(name, ROOT_KEY);
	if (!number_next(visit, &right.child, error) || (root && !number_next(visit, &left.child, error)) ||
	    !node_write(visit, node_key(&right_key, right.child), level, bytes + middle, length - middle, error) ||
	    !node_write(visit, root ? node_key(&left_key, left.child) : name, level, bytes + begin, middle - begin, error))
		return false;
	*split = right;
	if (!root)
		return true;
	size_t at = begin;
	const struct node_head above = {.level = level + 1};
	const uint64_t child = left.child;
	(void)slot_next(node, &at, &left);
	left.child = child;
	const size_t size = slot_size(&above, &left.entry) + slot_size(&above, &right.entry);
	char *pair = arena_take_raw(visit_arena(visit), size);
	if (!pair)
		return error_memory(error, ERROR_LIMIT, "keeping windows");
	(void)slot_write(slot_write(pair, &above, &left), &above, &right);
	return node_write(visit, name, above.level, pair, size, error);
}

/* The last entry that is not behind `entry`, and where it ends; above the leaves the first if all are. */
static bool slot_of(const struct window_index_node *node, const struct window_entry *entry, struct window_index_slot *found,
		    size_t *end)
{
	struct window_index_slot slot;
	bool any = false;
	size_t at = *end = node->head.begin;
	while (slot_next(node, &at, &slot)) {
		if ((any || node->head.level == 0) && window_entry_order(&slot.entry, entry) > 0)
			break;
		*found = slot;
		*end = at;
		any = true;
	}
	return any;
}

/* `split`: the node that has become too large for this one's parent to know it as one; its
 * child is 0 where there is none. The tree is a few levels deep. */
static bool node_put(struct visit *visit, struct text name, const struct window_entry *entry, struct window_index_slot *split,
		     struct error *error)
{
	struct window_index_node node, with = {0};
	struct numbered_key key;
	struct window_index_slot more = {.entry = *entry}, found;
	*split = (struct window_index_slot){0};
	if (!node_read(visit, name, &node))
		return node_missing(error);
	size_t place;
	const bool any = slot_of(&node, entry, &found, &place);
	if (node.head.level == 0 && any && window_entry_order(&found.entry, entry) == 0)
		return true;
	if (node.head.level > 0) {
		if (!any)
			return node_missing(error);
		if (!node_put(visit, node_key(&key, found.child), entry, &more, error))
			return false;
		if (more.child == 0)
			return true;
	}
	return node_with(visit, &node, place, &more, &with, error) && node_store(visit, name, &with, split, error);
}

bool window_index_put(struct visit *visit, const struct window_entry *entry, struct error *error)
{
	struct window_index_node root;
	struct window_index_slot split;
	if (node_read(visit, ROOT_KEY, &root))
		return node_put(visit, ROOT_KEY, entry, &split, error);
	const struct window_index_slot first = {.entry = *entry};
	const struct node_head leaf = {0};
	char *alone = arena_take_raw(visit_arena(visit), slot_size(&leaf, entry));
	if (!alone)
		return error_memory(error, ERROR_LIMIT, "keeping windows");
	(void)slot_write(alone, &leaf, &first);
	return node_write(visit, ROOT_KEY, 0, alone, slot_size(&leaf, entry), error);
}

/* `gone`: the node had no other entry, and is forgotten. */
static bool node_pop(struct visit *visit, struct text name, bool *gone, struct error *error)
{
	struct window_index_node node;
	struct numbered_key key;
	struct window_index_slot first;
	bool below = true;
	if (!node_read(visit, name, &node))
		return node_missing(error);
	size_t at = node.head.begin;
	if (!slot_next(&node, &at, &first))
		return node_missing(error);
	if (node.head.level > 0 && !node_pop(visit, node_key(&key, first.child), &below, error))
		return false;
	*gone = below && at >= node.bytes.length;
	if (!below)
		return true;
	if (*gone)
		return visit_forget(visit, name, error);
	node.head.begin = (uint32_t)at;
	char *kept = visit_remember(visit, name, node.bytes.length, error);
	if (kept)
		memcpy(kept, &node.head, sizeof node.head);
	return kept != NULL;
}

bool window_index_pop(struct visit *visit, struct error *error)
{
	bool gone;
	return node_pop(visit, ROOT_KEY, &gone, error);
}
