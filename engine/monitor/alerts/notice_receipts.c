/* notice_receipts.c: see notice_receipts.h. */
#include "monitor/alerts/notice_receipts.h"

#include "base/hash.h"
#include "base/memory.h"
#include "net/loop.h"

/* By the hash of its names. */
struct counted_alert {
	struct counted_alert *next;
	uint64_t hash;
	struct notice_counts counts;
};

struct receipt_entry {
	struct list_node node;
	const void *owner;
	char key[NOTICE_RECEIPT_BYTES];
};

/* Without memory the next keeper sends the notice again. */
void notice_receipt_add(struct notice_receipts *receipts, const struct notice_receipt *receipt)
{
	struct receipt_entry *made = receipt->owner ? memory_take(1, sizeof *made) : NULL;
	if (!made)
		return;
	made->owner = receipt->owner;
	memcpy(made->key, receipt->key, sizeof made->key);
	list_add(&receipts->receipts, &made->node);
	if (receipt->bell > 0)
		bell_ring(receipt->bell);
}

bool notice_receipt_take(struct notice_receipts *receipts, const void *owner, char key[NOTICE_RECEIPT_BYTES])
{
	for (struct list_node *node = receipts->receipts.first; node; node = node->next) {
		struct receipt_entry *receipt = LIST_OWNER(node, struct receipt_entry, node);
		if (receipt->owner != owner)
			continue;
		memcpy(key, receipt->key, sizeof receipt->key);
		list_remove(node);
		memory_give(receipt);
		return true;
	}
	return false;
}

struct notice_counts *notice_counts_of(struct notice_receipts *receipts, struct text pipeline, struct text alert)
{
	const uint64_t hash = hash_text_next(alert, hash_text_next(pipeline, 0));
	struct counted_alert *counted = receipts->counted;
	while (counted && counted->hash != hash)
		counted = counted->next;
	if (!counted && (counted = memory_take(1, sizeof *counted))) {
		*counted = (struct counted_alert){.next = receipts->counted, .hash = hash};
		receipts->counted = counted;
	}
	return counted ? &counted->counts : NULL;
}

void notice_receipts_clear(struct notice_receipts *receipts)
{
	while (receipts->receipts.first) {
		struct receipt_entry *receipt = LIST_OWNER(receipts->receipts.first, struct receipt_entry, node);
		list_remove(&receipt->node);
		memory_give(receipt);
	}
	while (receipts->counted) {
		struct counted_alert *counted = receipts->counted;
		receipts->counted = counted->next;
		memory_give(counted);
	}
}
