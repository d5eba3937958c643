/* case_gateway.h: Requests of a case, sent to a gateway that runs elsewhere. Its answers become the results of the case.
 *
 * The scheme of the gateway's address chooses the listener. By http and https a request is sent as the case has it, to the path
 * of its protocol: OIP (JSON, or with binary tensors), V1, or Seldon's first. By grpc and grpcs it is a ModelInferRequest: a
 * request of OIP with the same tensors, and the case's headers are metadata. Everything runs in the calling thread.
 */
#pragma once

#include "tools/test/case_run.h"

struct gateway_address {
	bool grpc, tls;
	const char *base; /* "http://host:port" of REST, "host:port" of gRPC */
};

/* Reads an address as http://HOST:PORT. The strings are in the arena. CONFIG: it is none. */
bool gateway_address_read(const char *url, struct arena *arena, struct gateway_address *address, struct error *error);

struct gateway_question { /* one sending of a request */
	const struct case_request *request;
	const struct pipeline_plan *target;
	const char *namespace; /* that its file names; NULL: none */
	struct text grpc_body; /* the ModelInferRequest, for gRPC */
};

struct case_gateway {
	struct gateway_address address;
	struct case_results *results; /* get the answers; their arena has all that is made for the run */
	size_t count;
	struct gateway_question *questions;
	int64_t timeout_ms; /* of a call, if its request says nothing */
};

/* Encodes a request for gRPC. False: gRPC cannot carry it; `why` has the reason. */
bool gateway_question_encode(struct gateway_question *question, struct arena *arena, struct buffer *why);

/* Sends all questions, up to 32 at once and in their order, and waits for the answers. `unfit` gets the gateway's words if it
 * answers a request only when it is submitted (409). False: REMOTE: the gateway cannot be reached, or has not answered. */
bool case_gateway_run(const struct case_gateway *gateway, struct buffer *unfit, struct error *error);
