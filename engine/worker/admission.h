/* admission.h: requests that are taken from Kafka when it is too late to be of use to whoever
 * asked. Private to worker.
 *
 * A stage that has more to do than it can falls behind until each request is taken just
 * before its deadline, and answered just behind it: all of its work is for nobody. So one
 * that has less time left than requests take here of late, with a margin, is refused
 * before it costs anything, and the next ones are in time. The margin is at most a
 * quarter of the time that the request had, so that a stage that was away, and is quick,
 * answers what can still be answered.
 */
#ifndef SLUICE_WORKER_ADMISSION_H
#define SLUICE_WORKER_ADMISSION_H

#include "net/loop.h"
#include "worker/lanes.h"

/* Whether a message with a deadline is refused: LIMIT. */
bool admission_refuses(const struct flight *flight, const struct loop *loop, struct error *error);

/* One leaves: how long it took is learnt, where it had a deadline and was answered. */
void admission_observe(const struct flight *flight, const struct loop *loop);

#endif
