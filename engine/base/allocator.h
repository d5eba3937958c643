/* allocator.h: The allocator beneath memory.h and the libraries: jemalloc in programs that are linked with it, else that of the C
 * library.
 *
 * librdkafka allocates six times for a record with three headers, and frees many records at once, for which the C library keeps too
 * few free blocks of a thread. With jemalloc an engine answers a fifth more requests directly in the same time
 * (engine/COMPARISON.md). Otherwise both are as fast. It takes 2 to 40 MiB more memory.
 */
#ifndef SLUICE_BASE_ALLOCATOR_H
#define SLUICE_BASE_ALLOCATOR_H

/* Freed blocks of megabytes, as buffers of fetches, stay in the heap. jemalloc keeps them for seconds by itself. Call it before
 * threads are started. */
void allocator_keep_blocks(void);

/* Gives free memory back to the system. Other threads may wait for some milliseconds meanwhile. */
void allocator_trim(void);

#endif
