/* delayed_reply.h: Delayed replies of the model server: answers that are sent after a delay, or never, as a stub's
 * rules say.
 *
 * The request of a caller that has disconnected is released within a second.
 */
#ifndef SLUICE_SERVING_LATER_H
#define SLUICE_SERVING_LATER_H

#include "base/text.h"
#include "net/loop.h"

/* What a door sends. */
struct model_service_answer {
	int status;	   /* as the door's protocol numbers them */
	struct text words; /* why, where a status has words beside the body */
	struct text body;
	size_t header_length; /* of the body, as JSON; 0: all */
	bool cut;	      /* the body ends before its end */
};

struct later;

struct later_config {
	void (*send)(void *request, const struct model_service_answer *answer);
	bool (*is_over)(const void *request); /* nobody waits any more */
};

struct later *later_open(struct loop *loop, const struct later_config *config, struct error *error);
void later_close(struct later *later); /* what still waits is not sent; NULL is fine */

#define LATER_NEVER INT64_MAX

void later_send_now(struct later *later, void *request, const struct model_service_answer *answer);

/* Copies the answer. Sends it at once where memory is short. */
void later_send(struct later *later, void *request, const struct model_service_answer *answer, int64_t delay_ms);

#endif
