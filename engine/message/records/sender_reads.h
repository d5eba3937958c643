/* sender_reads.h: Partitions of a stage, in the records that it sends to observers: those that it is assigned, and which of
 * them it is behind in, because they have more records. An observer waits for these before it takes what is younger.
 *
 * The text has the number of each partition, and behind it `+` if the stage is behind, else `-`: `0+1-2+`. A stage of which nothing
 * is to be said, since it reads one partition to its end, writes none.
 */
#ifndef SLUICE_MESSAGE_RECORDS_SENDER_READS_H
#define SLUICE_MESSAGE_RECORDS_SENDER_READS_H

#include "base/text.h"

#define SENDER_READS_MAX 256	    /* partitions; of more nothing is said, so nobody waits for them */
#define SENDER_READS_BYTES_MAX 4096 /* of their text */

void sender_reads_add(struct buffer *reads, int32_t partition, bool is_behind);

/* The next partition of the text, which is cut off behind it. False: there is none. */
bool sender_reads_next(struct text *reads, int32_t *partition, bool *is_behind);

#endif
