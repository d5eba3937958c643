/* stage_reads.h: Partitions that a stage reads, for its records to observers (message/records/sender_reads.h). Private to the
 * worker.
 *
 * A partition counts as behind while messages of it that have not left, and records that were not taken, are more than
 * READS_BEHIND_LEAST together: the last records of a topic may be ends of transactions, which nobody takes.
 */
#ifndef SLUICE_ENGINE_WORKER_STAGE_READS_H
#define SLUICE_ENGINE_WORKER_STAGE_READS_H

#include "engine/worker/parts.h"

#define READS_BEHIND_LEAST 10
#define READS_LOOK_MS 20 /* between two looks where a partition ends that is not behind */

/* The text, valid until the next call for a stage of that worker. */
struct text stage_reads(struct worker *worker, const struct worker_stage *stage);

/* The same, for rows that wait (engine/outputs/slices.h): the context is the worker. */
struct text stage_reads_of(void *context, const void *stage);

#endif
