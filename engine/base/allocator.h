/* allocator.h: The allocator beneath memory.h and the libraries: jemalloc in programs that are linked with it, else that of the C
 * library.
 *
 * librdkafka allocates each message in one thread and frees it in another, where the C library's allocator takes locks and walks
 * lists. With jemalloc an engine takes 10 to 25% less time for a request of HTTP, at 2 to 35 MiB more memory
 * (engine/COMPARISON.md).
 */
#ifndef SLUICE_BASE_ALLOCATOR_H
#define SLUICE_BASE_ALLOCATOR_H

/* Freed blocks of megabytes, as buffers of fetches, stay in the heap. jemalloc keeps them for seconds by itself. Call it before
 * threads are started. */
void allocator_keep_blocks(void);

/* Gives free memory back to the system. Other threads may wait for some milliseconds meanwhile. */
void allocator_trim(void);

#endif
