/* notice_receipts.h: Receipts of notices, and counts of alerts, which a notifier leaves for others to read
 * (monitor/alerts/notifier.h). Its lock protects both lists.
 */
#pragma once

#include "base/list.h"
#include "base/text.h"
#include "monitor/alerts/notice_queue.h"

#define NOTICE_RECEIPT_BYTES 64

/* Counts of notices of one alert. The first two are written by the notifier's threads, with its lock, the third by its caller's,
 * and the last by the keeper. */
struct notice_counts {
	uint64_t sent;
	uint64_t failed;   /* given up: refused by a receiver, not allowed, too old, or too many waited for one of its recipients */
	uint64_t dropped;  /* too many waited */
	uint64_t rejected; /* records for the next engine that Kafka refuses each time */
};

/* Who is to know that a notice does not wait any more, as it was delivered, or given up: see notifier_settled(). */
struct notice_receipt {
	const void *owner; /* NULL: nobody */
	int bell;	   /* rung then (net/loop.h); 0: none is */
	enum notice_fate fate;
	char key[NOTICE_RECEIPT_BYTES];
};

struct notice_receipts { /* starts as `{0}` */
	struct list receipts;
	struct counted_alert *counted;
};

void notice_receipt_add(struct notice_receipts *receipts, const struct notice_receipt *receipt);

/* Takes the key of the owner's first one. False: there is none. */
bool notice_receipt_take(struct notice_receipts *receipts, const void *owner, char key[NOTICE_RECEIPT_BYTES]);

/* Made with the first call. NULL: memory ran out. */
struct notice_counts *notice_counts_of(struct notice_receipts *receipts, struct text pipeline, struct text alert);

void notice_receipts_clear(struct notice_receipts *receipts);
