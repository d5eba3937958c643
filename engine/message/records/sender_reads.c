/* sender_reads.c: see sender_reads.h. */
#include "message/records/sender_reads.h"

#define PARTITION_MOST 100000000 /* so that it does not overflow */

void sender_reads_add(struct buffer *reads, int32_t partition, bool is_behind)
{
	buffer_print(reads, "%d%c", (int)partition, is_behind ? '+' : '-');
}

bool sender_reads_next(struct text *reads, int32_t *partition, bool *is_behind)
{
	size_t at = 0;
	int32_t number = 0;
	while (at < reads->length && reads->bytes[at] >= '0' && reads->bytes[at] <= '9' && number < PARTITION_MOST)
		number = number * 10 + (reads->bytes[at++] - '0');
	if (at == 0 || at == reads->length || (reads->bytes[at] != '+' && reads->bytes[at] != '-'))
		return false;
	*partition = number;
	*is_behind = reads->bytes[at] == '+';
	*reads = text_from(*reads, at + 1);
	return true;
}
