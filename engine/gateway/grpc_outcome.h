/* grpc_outcome.h: Outcomes of calls as gRPC's callers get them: status, metadata and message.
 */
#pragma once

#include "gateway/calls/call_outcome.h"
#include "net/grpc/grpc_server.h"

struct grpc_outcome_form {
	bool is_seldon;		/* the method is of Seldon Core 1 */
	bool has_seldon_errors; /* `compat: seldon` */
};

/* What is said of an outcome beside its message: as metadata of a unary call, else as parameters. */
struct outcome_notes {
	void (*add)(void *context, struct text name, struct text value);
	void *context;
};

/* Adds the id, the time after which to call again, and the headers that steps set. */
void grpc_outcome_note(const struct call_outcome *outcome, const struct outcome_notes *notes);

/* Adds the kind, place, step and attempts of a failed outcome, and appends its reason to `words`. A failure is JSON, whatever the
 * request's format was (message/records/reply.h). True: the reason is in Seldon's form, whose status is UNKNOWN. */
bool grpc_outcome_explain(const struct call_outcome *outcome, bool has_seldon_errors, const struct outcome_notes *notes,
			  struct buffer *words);

/* Answers the request. */
void grpc_outcome_answer(struct grpc_request *request, const struct call_outcome *outcome, const struct grpc_outcome_form *form);

/* The same for feedback, which Seldon's executor answers with a SeldonMessage that has the request's id. */
void grpc_outcome_answer_feedback(struct grpc_request *request, const struct call_outcome *outcome,
				  const struct grpc_outcome_form *form);
