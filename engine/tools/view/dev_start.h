/* dev_start.h: First output of `sluice dev`: the addresses of its servers, and commands that send a request to a pipeline. */
#pragma once

#include "compiler/plan/plan.h"

struct dev_addresses {
	struct arena *arena; /* for what is written */
	const char *brokers;
	const char *models; /* the built-in model server by gRPC */
	int rest_port;	    /* the same by REST */
	bool has_gateway;
	int http_port, grpc_port; /* of the gateway */
};

/* Append it, as lines or as an object of JSON. */
void dev_start_text(const struct dev_addresses *at, const struct pipeline_plan *plan, struct buffer *out);
void dev_start_json(const struct dev_addresses *at, const struct pipeline_plan *plan, struct buffer *out);
