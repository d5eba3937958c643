/* grpc_outcome.h: Outcomes of calls as gRPC's callers get them: status, metadata and message.
 */
#ifndef SLUICE_GATEWAY_GRPC_OUTCOME_H
#define SLUICE_GATEWAY_GRPC_OUTCOME_H

#include "gateway/call_outcome.h"
#include "net/grpc_server.h"

struct grpc_outcome_form {
	bool is_seldon;		/* the method is of Seldon Core 1 */
	bool has_seldon_errors; /* `compat: seldon` */
};

/* Answers the request. */
void grpc_outcome_answer(struct grpc_request *request, const struct call_outcome *outcome, const struct grpc_outcome_form *form);

/* The same for feedback, which Seldon's executor answers with a SeldonMessage that has the request's id. */
void grpc_outcome_answer_feedback(struct grpc_request *request, const struct call_outcome *outcome,
				  const struct grpc_outcome_form *form);

#endif
