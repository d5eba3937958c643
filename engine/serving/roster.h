/* roster.h: the errands of one model, by what they are at. Private to serving.
 *
 * Each stands in one of the lists, is a member of a carrier (carrier.h), or is free: then it
 * waits for another call, with the carriage and what the transport keeps with it.
 */
#ifndef SLUICE_SERVING_ROSTER_H
#define SLUICE_SERVING_ROSTER_H

#include "serving/errand.h"

struct roster {
	struct dispatch *dispatch; /* whose they are */
	struct errands line, paused, sent, over;
	struct errand *free;
	bool moved; /* the line may go on: in a turn */
};

/* `discard` gives back what the transport keeps with an errand. Nothing is on its way any more. */
void roster_close(struct roster *roster, void (*discard)(void *context, struct errand *errand), void *context);

/* One for a call; NULL: memory. */
struct errand *roster_take(struct roster *roster);

/* One that stands in no list; its call, if it has one, is under way no more. */
void roster_give(struct roster *roster, struct errand *errand);

/* From no list into one: in line, `first` or last; paused; to be answered. */
void roster_wait(struct roster *roster, struct errand *errand, bool first);
void roster_pause(struct roster *roster, struct errand *errand, int64_t until_us);
void roster_end(struct roster *roster, struct errand *errand);

#endif
