/* worker_hold.h: holds the thread of a stand's worker between two turns, while records are fetched for it: so they are
 * taken in the order in which they were written, whichever topic librdkafka asks first. */
#pragma once

#include "tests/unit/worker_stand.h"

/* As stand_start(), with a worker that can be held. One at a time. */
void worker_hold_start(struct stand *stand);

void worker_hold_begin(void);			/* returns when the thread is held */
void worker_hold_until_fetched(size_t records); /* so many wait for the worker, of all topics */
void worker_hold_end(void);

void worker_hold_close(void); /* after stand_stop() */
