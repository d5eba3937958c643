/* server_metrics.h: Metrics of servers without an engine: `/metrics` and the probes of `sluice gateway` and `sluice
 * models serve` (monitor/metrics/metrics_listener.h). */
#pragma once

#include "gateway/gateway.h"
#include "monitor/metrics/metrics_listener.h"
#include "monitor/metrics/metrics_push.h"
#include "models/server/model_server.h"
#include "compiler/yaml/workspace.h"

/* Writes the metrics of a gateway; NULL: none. */
void gateway_metrics_write(struct gateway *gateway, struct exposition *exposition);

/* Writes the metrics of the models of a model server. */
void served_metrics_write(const struct model_server *server, struct exposition *exposition);

/* Pushes the metrics of a gateway to that Pushgateway, which must outlive the push (monitor/metrics/metrics_push.h). Its instance
 * is its host and its port: an engine on the same host has the name of the host. */
struct metrics_push *gateway_push_open(const struct workspace *workspace, struct loop *loop, struct gateway *gateway,
				       const char *address, struct error *error);

/* Listen, and report the address. The server and what the configuration borrows must outlive the listener. NULL: `error` has the
 * reason. */
struct metrics_listener *gateway_metrics_open(const struct metrics_config *config, struct loop *loop, struct gateway *gateway,
					      struct error *error);
struct metrics_listener *model_metrics_open(const struct metrics_config *config, struct loop *loop, struct model_server *server,
					    struct error *error);
