/* delayed_reply.h: Delayed replies of the model server: answers that are sent after a delay, or never, by the
 * rules of a stub.
 *
 * The request of a caller that has disconnected is released within a second.
 */
#ifndef SLUICE_MODELS_SERVER_DELAYED_REPLY_H
#define SLUICE_MODELS_SERVER_DELAYED_REPLY_H

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

struct delayed_replies;

struct delayed_replies_config {
	void (*send)(void *request, const struct model_service_answer *answer);
	bool (*is_over)(const void *request); /* the client does not wait any more */
};

struct delayed_replies *delayed_replies_open(struct loop *loop, const struct delayed_replies_config *config, struct error *error);
void delayed_replies_close(struct delayed_replies *later); /* delayed answers are not sent; NULL is fine */

#define DELAY_NEVER INT64_MAX

void delayed_replies_send_now(struct delayed_replies *later, void *request, const struct model_service_answer *answer);

/* Copies the answer. Sends it at once if memory is short. */
void delayed_replies_send(struct delayed_replies *later, void *request, const struct model_service_answer *answer,
			  int64_t delay_ms);

#endif
