/* dev_process.h: Broker, model server, engine and gateway in one process, which follows edits of the files: what `sluice dev` does.
 *
 * To be called in the main thread, without other threads. Findings go to the workspace, and lines to the log; status lines are
 * written to `out` (tools/view/dev_lines.h).
 */
#pragma once

#include <stdio.h>

#include "monitor/alerts/alert_settings.h"
#include "monitor/metrics/metrics_listener.h"
#include "compiler/yaml/workspace.h"
#include "tools/view/dev_start.h"

struct log_writer;

struct dev_config {
	const struct workspace *workspace;
	const char *const *paths; /* of the files */
	size_t path_count;
	const char *namespace;
	int port;		  /* of the broker; 0: any that is free */
	int http_port, grpc_port; /* of the gateway, likewise; -1: those of the files' serviceConfig, else any that is free */
	const struct metrics_asked *metrics;
	struct name_list hosts; /* by which requests may address the gateway, the models and the metrics (net/host_names.h) */
	const struct alert_asked *alerts;
	const char *secrets; /* folder of the files that YAML names as secrets; NULL: none */
	struct log_writer *log;
	bool json;
	FILE *out, *err;
	/* Called once, when requests are answered. */
	void (*ready)(void *context, const struct dev_addresses *at, const struct pipeline_plan *first);
	void *context;
};

/* Runs until SIGTERM or SIGINT. False without an error: faults of the files were reported. */
bool dev_process_run(const struct dev_config *config, struct error *error);
