/* twin_coordinator.c: Transaction coordinator of the simulated Kafka: which producer may write under an id, which
 * transaction is open, and the markers that end it. See twin_world.h.
 *
 * A transaction begins with its first record or offsets. Its end is decided at once and becomes visible later, when
 * the markers are written. Until then its producer gets the answer to retry.
 */
#include "log/twin_world.h"

#define MARKER_US (30 * MS)

struct twin_transaction *twin_transaction_find(struct twin *twin, const char *id, int64_t timeout_us)
{
	struct twin_transaction *transaction = twin->transactions;
	while (transaction && strcmp(transaction->id, id) != 0)
		transaction = transaction->next;
	if (!transaction) {
		transaction = twin_take(twin, 1, sizeof *transaction);
		if (!transaction)
			return NULL;
		*transaction = (struct twin_transaction){
			.next = twin->transactions, .id = id, .producer = ++twin->last_producer, .epoch = -1};
		twin->transactions = transaction;
	}
	transaction->timeout_us = timeout_us;
	return transaction;
}

/* ---- the end ---- */

struct marker {
	struct twin_transaction *transaction;
	struct twin_partition *partition; /* NULL: of the group's offsets */
};

static void marker_written(struct twin *twin, void *subject)
{
	struct marker *marker = subject;
	struct twin_transaction *transaction = marker->transaction;
	if (marker->partition)
		twin_partition_mark(twin, marker->partition, transaction->producer, transaction->commits);
	else
		twin_group_settle(twin, transaction->group, transaction->producer, transaction->commits);
	if (--transaction->markers > 0)
		return;
	transaction->state = transaction->commits ? TRANSACTION_COMMITTED : TRANSACTION_ABORTED;
	transaction->group = NULL;
	memset(transaction->partitions, 0, sizeof transaction->partitions);
}

static void marker_send(struct twin *twin, struct twin_transaction *transaction, struct twin_partition *partition)
{
	struct marker *marker = twin_take(twin, 1, sizeof *marker);
	if (!marker)
		return;
	*marker = (struct marker){transaction, partition};
	transaction->markers++;
	int64_t most_us = twin_mishap_strikes(twin, TWIN_SLOW) ? 20 * MARKER_US : random_between(&twin->random, MS, MARKER_US);
	twin_note(twin, twin->now_us + random_between(&twin->random, 100, most_us), marker_written, marker);
}

static void transaction_decide(struct twin *twin, struct twin_transaction *transaction, bool commits)
{
	twin_tell(twin, transaction->id, "Kafka %s its transaction", commits ? "commits" : "aborts");
	transaction->state = TRANSACTION_ENDING;
	transaction->commits = commits;
	transaction->serial++;
	for (size_t i = 0; i < twin->partition_count; i++)
		if (transaction->partitions[i])
			marker_send(twin, transaction, twin->partitions[i]);
	if (transaction->group)
		marker_send(twin, transaction, NULL);
}

/* ---- time-outs ---- */

struct alarm {
	struct twin_transaction *transaction;
	uint64_t serial;
};

static void transaction_too_long(struct twin *twin, void *subject)
{
	const struct alarm *alarm = subject;
	struct twin_transaction *transaction = alarm->transaction;
	if (transaction->serial != alarm->serial || transaction->state != TRANSACTION_OPEN)
		return;
	twin->timeouts++;
	transaction->epoch++;
	transaction_decide(twin, transaction, false);
}

static void transaction_begin(struct twin *twin, struct twin_transaction *transaction)
{
	struct alarm *alarm = twin_take(twin, 1, sizeof *alarm);
	transaction->state = TRANSACTION_OPEN;
	if (!alarm)
		return;
	*alarm = (struct alarm){transaction, ++transaction->serial};
	twin_note(twin, twin->now_us + transaction->timeout_us, transaction_too_long, alarm);
}

/* ---- requests ---- */

enum twin_answer twin_transaction_init(struct twin *twin, struct twin_request *request)
{
	struct twin_transaction *transaction = request->transaction;
	if (transaction->state == TRANSACTION_ENDING)
		return TWIN_AGAIN;
	transaction->epoch++;
	if (transaction->state == TRANSACTION_OPEN) {
		transaction_decide(twin, transaction, false);
		return TWIN_AGAIN;
	}
	transaction->state = TRANSACTION_NONE;
	request->producer = transaction->producer;
	request->epoch = transaction->epoch;
	return TWIN_GOOD;
}

/* A late copy finds a transaction or does not; it never begins one. */
enum twin_answer twin_transaction_enter(struct twin *twin, struct twin_request *request)
{
	struct twin_transaction *transaction = request->transaction;
	bool late = !request->replied;
	if (request->epoch != transaction->epoch)
		return TWIN_FENCED;
	if (transaction->state == TRANSACTION_ENDING)
		return TWIN_AGAIN;
	if (late && (transaction->state != TRANSACTION_OPEN ||
		     (request->partition ? !transaction->partitions[request->partition->number] : !transaction->group)))
		return TWIN_VOID;
	if (transaction->state != TRANSACTION_OPEN)
		transaction_begin(twin, transaction);
	if (request->partition)
		transaction->partitions[request->partition->number] = true;
	else
		transaction->group = request->membership.group;
	return TWIN_GOOD;
}

enum twin_answer twin_transaction_end(struct twin *twin, struct twin_request *request)
{
	struct twin_transaction *transaction = request->transaction;
	if (request->epoch != transaction->epoch)
		return TWIN_FENCED;
	switch (transaction->state) {
	case TRANSACTION_OPEN:
		transaction_decide(twin, transaction, true);
		return TWIN_GOOD;
	case TRANSACTION_ENDING:
		return TWIN_AGAIN;
	case TRANSACTION_COMMITTED:
		return TWIN_GOOD; /* the same, again */
	default:
		return TWIN_VOID;
	}
}
