/* committed_offsets.h: Committed offsets of a group, read into the positions of a transaction that was given up
 * (kafka/produce/settlement.h). Private to the committer. */
#pragma once

#include "kafka/client.h"
#include "kafka/produce/settlement.h"

/* Asks the group, and waits so long for its answer. `is_told` is false where the answer leaves open whether the transaction was
 * committed, as settlement_resolve() has it; the positions are then as before, as they are after an error. */
rd_kafka_resp_err_t committed_offsets_read(const struct consumer *consumer, struct settlement *settlement, int timeout_ms,
					   bool *is_told);

/* Marks all positions as unknown, for a consumer that gives them up: their next owner reads what is committed. */
void committed_offsets_forget(struct settlement *settlement);
