/* simulated_coordinator.c: Transaction coordinator of the simulated Kafka: which producer may write under an id, which
 * transaction is open, and the markers that end it. See simulated_world.h.
 *
 * A transaction begins with its first record or offsets. Its end is decided at once and becomes visible later, when
 * the markers are written. Until then its producer gets the answer to retry.
 */
#include "tools/test/simulated/simulated_world.h"

#define MARKER_US (30 * MS)

struct simulated_transaction *simulated_transaction_find(struct simulated_kafka *kafka, const char *id, int64_t timeout_us)
{
	struct simulated_transaction *transaction = kafka->transactions;
	while (transaction && strcmp(transaction->id, id) != 0)
		transaction = transaction->next;
	if (!transaction) {
		transaction = simulated_take(kafka, 1, sizeof *transaction);
		if (!transaction)
			return NULL;
		*transaction = (struct simulated_transaction){
			.next = kafka->transactions, .id = id, .producer = ++kafka->last_producer, .epoch = -1};
		kafka->transactions = transaction;
	}
	transaction->timeout_us = timeout_us;
	return transaction;
}

/* ---- the end ---- */

struct marker {
	struct simulated_transaction *transaction;
	struct simulated_partition *partition; /* NULL: of the group's offsets */
};

static void marker_written(struct simulated_kafka *kafka, void *subject)
{
	struct marker *marker = subject;
	struct simulated_transaction *transaction = marker->transaction;
	if (marker->partition)
		simulated_partition_mark(kafka, marker->partition, transaction->producer, transaction->commits);
	else
		simulated_group_settle(transaction->group, transaction->producer, transaction->commits);
	if (--transaction->markers > 0)
		return;
	transaction->state = transaction->commits ? TRANSACTION_COMMITTED : TRANSACTION_ABORTED;
	transaction->group = NULL;
	memset(transaction->partitions, 0, sizeof transaction->partitions);
}

static void marker_send(struct simulated_kafka *kafka, struct simulated_transaction *transaction,
			struct simulated_partition *partition)
{
	struct marker *marker = simulated_take(kafka, 1, sizeof *marker);
	if (!marker)
		return;
	*marker = (struct marker){transaction, partition};
	transaction->markers++;
	int64_t most_us =
		simulated_mishap_injected(kafka, SIMULATED_SLOW) ? 20 * MARKER_US : random_between(&kafka->random, MS, MARKER_US);
	int64_t delay_us = kafka->config.even ? simulated_delay_us(kafka) : random_between(&kafka->random, 100, most_us);
	simulated_note(kafka, kafka->now_us + delay_us, marker_written, marker);
}

static void transaction_decide(struct simulated_kafka *kafka, struct simulated_transaction *transaction, bool commits)
{
	simulated_tell(kafka, transaction->id, "Kafka %s its transaction", commits ? "commits" : "aborts");
	transaction->state = TRANSACTION_ENDING;
	transaction->commits = commits;
	transaction->serial++;
	for (size_t i = 0; i < kafka->partition_count; i++)
		if (transaction->partitions[i])
			marker_send(kafka, transaction, kafka->partitions[i]);
	if (transaction->group)
		marker_send(kafka, transaction, NULL);
}

/* ---- time-outs ---- */

struct alarm {
	struct simulated_transaction *transaction;
	uint64_t serial;
};

static void transaction_too_long(struct simulated_kafka *kafka, void *subject)
{
	const struct alarm *alarm = subject;
	struct simulated_transaction *transaction = alarm->transaction;
	if (transaction->serial != alarm->serial || transaction->state != TRANSACTION_OPEN)
		return;
	kafka->timeouts++;
	transaction->epoch++;
	transaction_decide(kafka, transaction, false);
}

static void transaction_begin(struct simulated_kafka *kafka, struct simulated_transaction *transaction)
{
	struct alarm *alarm = simulated_take(kafka, 1, sizeof *alarm);
	transaction->state = TRANSACTION_OPEN;
	if (!alarm)
		return;
	*alarm = (struct alarm){transaction, ++transaction->serial};
	simulated_note(kafka, kafka->now_us + transaction->timeout_us, transaction_too_long, alarm);
}

/* ---- requests ---- */

enum simulated_answer simulated_transaction_init(struct simulated_kafka *kafka, struct simulated_request *request)
{
	struct simulated_transaction *transaction = request->transaction;
	if (transaction->state == TRANSACTION_ENDING)
		return SIMULATED_AGAIN;
	transaction->epoch++;
	if (transaction->state == TRANSACTION_OPEN) {
		transaction_decide(kafka, transaction, false);
		return SIMULATED_AGAIN;
	}
	transaction->state = TRANSACTION_NONE;
	request->producer = transaction->producer;
	request->epoch = transaction->epoch;
	return SIMULATED_GOOD;
}

/* A late copy finds a transaction or does not; it never begins one. */
enum simulated_answer simulated_transaction_enter(struct simulated_kafka *kafka, struct simulated_request *request)
{
	struct simulated_transaction *transaction = request->transaction;
	bool late = !request->replied;
	if (request->epoch != transaction->epoch)
		return SIMULATED_FENCED;
	if (transaction->state == TRANSACTION_ENDING)
		return SIMULATED_AGAIN;
	if (late && (transaction->state != TRANSACTION_OPEN ||
		     (request->partition ? !transaction->partitions[request->partition->number] : !transaction->group)))
		return SIMULATED_VOID;
	if (transaction->state != TRANSACTION_OPEN)
		transaction_begin(kafka, transaction);
	if (request->partition)
		transaction->partitions[request->partition->number] = true;
	else
		transaction->group = request->membership.group;
	return SIMULATED_GOOD;
}

enum simulated_answer simulated_transaction_end(struct simulated_kafka *kafka, struct simulated_request *request)
{
	struct simulated_transaction *transaction = request->transaction;
	if (request->epoch != transaction->epoch)
		return SIMULATED_FENCED;
	switch (transaction->state) {
	case TRANSACTION_OPEN:
		transaction_decide(kafka, transaction, true);
		return SIMULATED_GOOD;
	case TRANSACTION_ENDING:
		return SIMULATED_AGAIN;
	case TRANSACTION_COMMITTED:
		return SIMULATED_GOOD; /* the same, again */
	default:
		return SIMULATED_VOID;
	}
}
