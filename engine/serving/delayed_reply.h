/* delayed_reply.h: Delayed replies of the model server: answers that are sent after a delay, or never, by the
 * rules of a stub.
 *
 * The request of a caller that has disconnected is released within a second.
 */
#ifndef SLUICE_SERVING_LATER_H
#define SLUICE_SERVING_LATER_H

#include "base/text.h"
#include "net/loop.h"

/* What a front end sends. */
struct model_service_answer {
	int status;	   /* in the numbers of the front end's protocol */
	struct text words; /* reason, where a status carries text beside the body */
	struct text body;
	size_t header_length; /* JSON part of the body; 0: all */
	bool cut;	      /* the body is sent incomplete */
};

struct later;

struct later_config {
	void (*send)(void *request, const struct model_service_answer *answer);
	bool (*is_over)(const void *request); /* the client does not wait any more */
};

struct later *later_open(struct loop *loop, const struct later_config *config, struct error *error);
void later_close(struct later *later); /* delayed answers are not sent; NULL is fine */

#define LATER_NEVER INT64_MAX

void later_send_now(struct later *later, void *request, const struct model_service_answer *answer);

/* Copies the answer. Sends it at once if memory is short. */
void later_send(struct later *later, void *request, const struct model_service_answer *answer, int64_t delay_ms);

#endif
