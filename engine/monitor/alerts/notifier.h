/* notifier.h: Sender of notices, of alerts and of moves of rollouts, to webhooks, by mail, and to topics: threads with three queues
 * (monitor/alerts/notice_queue.h), one of them for records of Kafka, and one for mails.
 *
 * Receivers may be slow or away, so only these threads wait for them. No record of Kafka waits for a webhook: among them are
 * commands that roll an experiment back. Webhooks have NOTIFIER_POSTERS threads, so that as many receivers less one may hang and
 * delay no other. All mails go by one server: if that hangs, so do the NOTIFIER_MAILERS threads of the mails, and no webhook waits
 * for them. A notice is copied when it is handed over. Each is delivered at least once while the
 * process runs. What becomes of one that waits when it ends is in its receipt. The log says how many those are, for which
 * receivers, and what becomes of them.
 *
 * The log also says that a receiver cannot be reached: at the first attempt, then every RECEIVER_REMIND_MS with the cause and since
 * when, and when it takes notices again (monitor/alerts/receiver_board.h). Of one that refuses many, or takes one and refuses the
 * next, it has a few lines and then a sum.
 */
#pragma once

#include "monitor/alerts/receiver_board.h"
#include "observe/counts.h"
#include "observe/log_sink.h"
#include "monitor/alerts/notice_receipts.h"
#include "monitor/alerts/notice_request.h"
#include "monitor/alerts/notice_topic.h"

#define NOTIFIER_POSTERS 4
#define NOTIFIER_MAILERS 2
#define NOTIFIER_DRAIN_MS 2000 /* of closing, for notices that are due */

struct notifier;

/* `kafka` is for notices to topics, and borrowed. */
struct notifier *notifier_open(const struct notifier_settings *settings, const struct notice_topic_config *kafka,
			       const struct log_sink *log, struct error *error);

/* Stops its threads, after those notices that are due, at most NOTIFIER_DRAIN_MS. Further ones are not taken. */
void notifier_stop(struct notifier *notifier);
void notifier_close(struct notifier *notifier); /* stops it first; NULL is fine */

/* The counts of an alert, for notifier_notify(); made with the first call. They live as long as the notifier. NULL: memory ran out.
 * For any thread. */
struct notice_counts *notifier_counts(struct notifier *notifier, struct text pipeline, struct text alert);

/* Queues the notice for the receiver of that action; a mail without a mail server is dropped. `counts` must live as long as the
 * notifier. `receipt` NULL: none is wanted. False: it is not taken now, for the reason in `error`: try again later. REMOTE: too
 * many wait for that receiver, or in all; LIMIT: the notice is too long; no error: it stops; else memory ran out, or its secret
 * cannot be read.
 * A recipient of a mail for whom too many wait is left out of it, which the log says, and the others get it. */
bool notifier_notify(struct notifier *notifier, const struct alert_action *action, const struct alert_message *message,
		     struct notice_counts *counts, const struct notice_receipt *receipt, struct error *error);

/* A notice that is not of an alert: its body is made already. */
struct ready_notice {
	const char *subject;	  /* for the log, as "the notice of move 3 of the experiment e" */
	const char *id;		  /* the same each time it is sent: the header Idempotency-Key of a webhook */
	struct text body;	  /* JSON for a webhook, a record for a topic */
	const char *url, *secret; /* of a webhook; the secret is a reference, or NULL */
	const char *topic, *key;  /* of a record; topic NULL: it is for a webhook */
};

/* Queues it; otherwise as notifier_notify(). `counts` NULL: nobody reads them. */
bool notifier_post(struct notifier *notifier, const struct ready_notice *notice, struct notice_counts *counts,
		   const struct notice_receipt *receipt, struct error *error);

/* What is known of its receivers, in the arena. For any thread. */
struct receiver_reports notifier_receivers(struct notifier *notifier, struct arena *arena);

/* Likewise of each receiver that takes no notices now. */
struct receiver_reports notifier_failing(struct notifier *notifier, struct arena *arena);

/* Takes the key of the next notice of that owner that does not wait any more. False: there is none. For any thread. */
bool notifier_settled(struct notifier *notifier, const void *owner, char key[NOTICE_RECEIPT_BYTES]);

/* Drops the owner's notices, but for those that are being sent now, and its receipts: another process sends them. To be called
 * again while one does: receivers without a notice here are not reported as failing any more. */
void notifier_drop(struct notifier *notifier, const void *owner);

/* Sends a notice for a webhook at once, in the caller's thread, which waits; `given_up` as of a struct post_request. */
enum post_outcome notice_ask(const struct notifier_settings *settings, const struct ready_notice *notice,
			     const atomic_bool *given_up, struct error *error);
