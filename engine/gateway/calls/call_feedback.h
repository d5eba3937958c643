/* call_feedback.h: Preparation of a call that takes feedback, for all protocols: checks it, and makes its record. Pure.
 */
#pragma once

#include "gateway/calls/call_setup.h"

struct call_feedback {
	struct text json;
	bool is_seldon;	      /* a Feedback of Seldon v1 */
	struct arena *arena;  /* for what is read */
	struct buffer *record; /* is appended to */
};

/* Sets the deadline, body, key and id of the call, whose target is set. Feedback that names no request is that of the header
 * x-request-id. False: refused. */
bool call_feedback_prepare(const struct call_source *source, const struct call_feedback *given, struct call_request *call,
			   struct call_refusal *refusal);
