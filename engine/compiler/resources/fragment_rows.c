/* fragment_rows.c: Option rows of documents that are not resources and are read only with --kind: health checks,
 * performance settings, targets. The rows describe the whole document. */
#include "compiler/resources/rows.h"

#define ANY_DOCUMENT                                                                                                               \
	CHECKED("apiVersion", TEXT, .help = "May be absent."), CHECKED("kind", TEXT, .help = "May be absent."),                    \
		CHECKED("metadata", MAP, .rows = metadata_rows, .help = "May be absent.")

/* ---- HealthChecks ---- */

#define HEALTH_PATHS "/v1/health/live /v1/health/ready /v2/health/live /v2/health/ready /live /ready"

static const struct option get_rows[] = {
	CHECKED("path", TEXT, .choices = HEALTH_PATHS, .required = true,
		.help = "The path: those of /v1 and /v2 at the port of --http, the others at that of --metrics."),
	CHECKED("port", INTEGER, PORT_RANGE, .required = true, .help = "The port of the check."),
	CHECKED("scheme", TEXT, .choices = "HTTP HTTPS", .help = "HTTP or HTTPS."),
	{.type = OPTION_END},
};

static const struct option probe_rows[] = {
	CHECKED("httpGet", MAP, .rows = get_rows, .required = true, .help = "What is asked."),
	CHECKED("initialDelaySeconds", INTEGER, INT32_RANGE, .help = "The time until the first check."),
	CHECKED("periodSeconds", INTEGER, POSITIVE_RANGE, .help = "The time between two checks."),
	CHECKED("timeoutSeconds", INTEGER, POSITIVE_RANGE, .help = "The timeout of a check."),
	CHECKED("successThreshold", INTEGER, POSITIVE_RANGE,
		.help = "The number of successive successes after which it is healthy."),
	CHECKED("failureThreshold", INTEGER, POSITIVE_RANGE,
		.help = "The number of successive failures after which it is unhealthy."),
	{.type = OPTION_END},
};

static const struct option checks_rows[] = {
	CHECKED("livenessProbe", MAP, .rows = probe_rows, .help = "The liveness check of the gateway."),
	CHECKED("readinessProbe", MAP, .rows = probe_rows, .help = "The readiness check of the gateway."),
	{.type = OPTION_END},
};

const struct option health_rows[] = {
	ANY_DOCUMENT,
	CHECKED("healthCheck", MAP, .effect = EFFECT_NONE, .rows = checks_rows, .required = true,
		.help = "What Kubernetes asks a gateway for its health. The gateway answers it, whatever is written here."),
	{.type = OPTION_END},
};

/* ---- Performance ---- */

static const struct option batching_rows[] = {
	ROW("maxBatchSize", INTEGER, struct call_batching, rows_most, POSITIVE_RANGE,
	    .help = "The largest number of rows that are merged into one call."),
	ROW("maxLatency", DURATION, struct call_batching, latency_ns,
	    .help = "The time after which a merged call is sent with the rows that it has."),
	ROW("batchTimeout", DURATION, struct call_batching, timeout_ns, .help = "The deadline of a merged call."),
	{.type = OPTION_END},
};

static const struct option scaling_rows[] = {
	ROW("minReplicas", INTEGER, struct call_scaling, least, INT32_RANGE, .help = "The least number of parallel calls."),
	ROW("maxReplicas", INTEGER, struct call_scaling, most, INT32_RANGE, .help = "The largest number of parallel calls."),
	CHECKED("targetCPUUtilization", INTEGER, .effect = EFFECT_NONE, PERCENT_RANGE,
		.help = "A target of Kubernetes, in percent."),
	CHECKED("targetMemoryUtilization", INTEGER, .effect = EFFECT_NONE, PERCENT_RANGE,
		.help = "A target of Kubernetes, in percent."),
	{.type = OPTION_END},
};

static const struct option caching_rows[] = {
	ROW("enabled", FLAG, struct call_caching, enabled, .help = "Whether it is enabled."),
	ROW("backend", CHOICE, struct call_caching, place, .choices = CACHE_CHOICES, .fallback = "memory",
	    .help = "The store for replies."),
	ROW("ttl", DURATION, struct call_caching, ttl_ns, .help = "How long a reply is kept."),
	ROW("address", TEXT, struct call_caching, redis, .fallback = "127.0.0.1:6379", .help = "The address of Redis: host:port."),
	ROW("login", NAME, struct call_caching, login, .secret = true,
	    .help = "PASSWORD or USER:PASSWORD of Redis; better `env:SLUICE_SECRET_NAME` or `file:NAME`, which refer to it."),
	ROW("tls", FLAG, struct call_caching, tls, .help = "Whether connections to Redis use TLS."),
	ROW("authorities", TEXT, struct call_caching, authorities, .help = "A file with the trusted authorities, in PEM."),
	ROW("certificate", TEXT, struct call_caching, certificate, .help = "A file with the client's certificate, in PEM."),
	ROW("key", TEXT, struct call_caching, key, .help = "A file with its key, in PEM."),
	{.type = OPTION_END},
};

static const struct option pooling_rows[] = {
	ROW("enabled", FLAG, struct call_pooling, enabled, .help = "Whether it is enabled."),
	ROW("maxConnections", INTEGER, struct call_pooling, connections, POSITIVE_RANGE,
	    .help = "The largest number of connections to one server, and one more while an old one is replaced."),
	ROW("maxIdleTime", DURATION, struct call_pooling, idle_ns,
	    .help = "The time after which an idle connection is closed. One that is used is replaced after 90 to 120 seconds, each "
		    "after a time of its own."),
	{.type = OPTION_END},
};

static const struct option optimization_rows[] = {
	ROW("batching", MAP, struct performance_spec, batching, .rows = batching_rows, .help = "Merging of calls."),
	ROW("scaling", MAP, struct performance_spec, scaling, .rows = scaling_rows, .help = "The number of parallel calls."),
	ROW("caching", MAP, struct performance_spec, caching, .rows = caching_rows,
	    .help = "A cache of replies, by the tensors of the request."),
	ROW("connection_pooling", MAP, struct performance_spec, pooling, .rows = pooling_rows, .help = "Limits of connections."),
	{.type = OPTION_END},
};

const struct option performance_rows[] = {
	ANY_DOCUMENT,
	{.name = "performance_optimizations",
	 .type = OPTION_MAP,
	 .offset = 0,
	 .rows = optimization_rows,
	 .required = true,
	 .help = "Settings of calls to all models that have none of their own."},
	{.type = OPTION_END},
};

/* ---- Targets ---- */

#define TARGET(key, member, text) ROW(key, THRESHOLD, struct targets_spec, member, .help = text)

static const struct option latency_rows[] = {
	TARGET("p50", latency_p50, "Median: \"<50ms\"."),
	TARGET("p95", latency_p95, "95th percentile: \"<100ms\"."),
	TARGET("p99", latency_p99, "99th percentile: \"<200ms\"."),
	{.type = OPTION_END},
};

static const struct option throughput_rows[] = {
	TARGET("rps", requests_per_second, "Requests a second: \">1000\"."),
	TARGET("concurrent_users", concurrent_users, "Concurrent callers: \">100\"."),
	{.type = OPTION_END},
};

static const struct option availability_rows[] = {
	TARGET("uptime", uptime, "Share of the time: \">99.9%\"."),
	TARGET("mttr", repair_time, "Mean time to repair: \"<15min\"."),
	{.type = OPTION_END},
};

#define PART(key, part_rows, text)                                                                                                 \
	{                                                                                                                          \
		.name = key, .type = OPTION_MAP, .offset = 0, .rows = part_rows, .help = text                                      \
	}

static const struct option targets_rows[] = {
	PART("latency", latency_rows, "Latency of answers."),
	PART("throughput", throughput_rows, "Throughput."),
	PART("availability", availability_rows, "Availability."),
	{.type = OPTION_END},
};

const struct option target_rows[] = {
	ANY_DOCUMENT,
	{.name = "target_metrics",
	 .type = OPTION_MAP,
	 .offset = 0,
	 .rows = targets_rows,
	 .required = true,
	 .help = "Targets with which `plan --slo` compares the plan."},
	CHECKED("business_impact", NODE, .effect = EFFECT_NONE, .help = "A comment."),
	CHECKED("observed_issues", NODE, .effect = EFFECT_NONE, .help = "A comment."),
	{.type = OPTION_END},
};
