/* gathering.h: a stage where what comes of one request by several ways is put together:
 * from stages of its pipeline that lie apart, or from other pipelines. The worker's own.
 *
 * A part that must wait is remembered as a step would remember it (keepsakes.h): its record
 * is finished, and its bytes are in the changelog of the same transaction. What has gone
 * on without all of its parts is remembered too, as long as another may come.
 *
 * A window that closes does so by a record that the stage sends to itself: so what then
 * goes on is the work of a record, as everything is.
 */
#ifndef SLUICE_WORKER_GATHERING_H
#define SLUICE_WORKER_GATHERING_H

#include "worker/parts.h"

/* Of a partition that has been brought back. Nothing where its stage joins nothing. */
bool gathering_open(struct keeping *keeping, struct error *error);
void gathering_close(struct gathering *gathering); /* NULL is fine */

/* A record of that stage came. It enters the stage, as the whole of its request; or it
 * waits or is of no use, and has finished. False: it is to be answered with the error. */
bool gathering_take(struct worker *worker, struct flight *flight, bool *enters, struct error *error);

/* Once a turn: windows that have closed are told; when that is needed next. */
bool gatherings_advance(struct worker *worker, struct error *error);
int64_t gatherings_due_ms(const struct worker *worker);

#endif
