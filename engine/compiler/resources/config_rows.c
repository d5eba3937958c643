/* config_rows.c: Option rows of the config of a SeldonRuntime or SeldonConfig: the settings of an installation, in
 * Seldon's form and in that of the reference dialect. */
#include "compiler/resources/rows.h"

#define RUNTIME(key, kind, member, ...) ROW(key, kind, struct runtime_spec, member, __VA_ARGS__)
#define PART(key, part_rows, ...)                                                                                                  \
	{                                                                                                                          \
		.name = key, .type = OPTION_MAP, .offset = 0, .rows = part_rows, __VA_ARGS__                                       \
	}
#define ENABLED CHECKED("enabled", FLAG, .help = "Whether it is enabled.")

/* ---- agents, listeners, scaling ---- */

static const struct option rclone_rows[] = {
	ENABLED,
	CHECKED("configSecret", TEXT, .help = "The secret with the settings of rclone."),
	CHECKED("config_secrets", NAMES, .help = "Secrets with settings of rclone."),
	CHECKED("config", NAMES, .help = "Settings of rclone, each a JSON text."),
	{.type = OPTION_END},
};

static const struct option agent_rows[] = {
	CHECKED("rclone", MAP, .rows = rclone_rows, .help = "Fetching of artifacts."),
	{.type = OPTION_END},
};

#define LISTENER(member, usual)                                                                                                    \
	{.type = OPTION_HERE, .offset = offsetof(struct runtime_spec, member.here)},                                               \
		RUNTIME("enabled", FLAG, member.enabled, .place_offset = offsetof(struct runtime_spec, member.enabled_here),       \
			.help = "Whether it is in force."),                                                                        \
		RUNTIME("port", INTEGER, member.port, PORT_RANGE, .help = "The port that is listened on; default: " usual ".")

static const struct option http_rows[] = {LISTENER(http, "8080"), {.type = OPTION_END}};
static const struct option grpc_rows[] = {LISTENER(grpc, "8081"), {.type = OPTION_END}};

static const struct option service_rows[] = {
	CHECKED("grpcServicePrefix", TEXT, .effect = EFFECT_NONE, .help = "A prefix of Kubernetes services."),
	CHECKED("serviceType", TEXT, .effect = EFFECT_NONE, .help = "The type of Kubernetes services."),
	PART("grpc", grpc_rows, .help = "The gRPC listener of the gateway inside `sluice run`."),
	RUNTIME("compat", CHOICE, compat, .choices = COMPAT_CHOICES, .fallback = "sluice",
		.help = "seldon: gateways answer errors in Seldon's forms: a request that its pipeline failed with 400 and `STEP : "
			"REASON`, and each error of /api/v1.0/... with a SeldonMessage whose status is FAILURE. Answers of "
			"/api/v1.0/predictions, and of gRPC's Seldon/Predict, have the request's id as `meta.puid`, so that "
			"SeldonClient.feedback(r.request, r.response) names its request. Answers of /v2/... and of OIP's gRPC "
			"have the header x-seldon-route as of Seldon Core 2: the models that each request of the pipeline calls "
			"or experiments have chosen, then the pipeline."),
	PART("http", http_rows, .help = "The HTTP listener of the gateway inside `sluice run`."),
	{.type = OPTION_END},
};

static const struct option scaling_models_rows[] = {ENABLED, {.type = OPTION_END}};

static const struct option scaling_servers_rows[] = {
	ENABLED,
	CHECKED("scaleDownPackingEnabled", FLAG, .help = "Whether models are placed on fewer servers."),
	CHECKED("scaleDownPackingPercentage", INTEGER, PERCENT_RANGE, .help = "The share of them, in percent."),
	{.type = OPTION_END},
};

static const struct option scaling_pipelines_rows[] = {
	CHECKED("maxShardCountMultiplier", INTEGER, INT32_RANGE, .help = "The largest number of shards for each pipeline."),
	{.type = OPTION_END},
};

static const struct option scaling_rows[] = {
	CHECKED("models", MAP, .rows = scaling_models_rows, .help = "Scaling of models."),
	CHECKED("servers", MAP, .rows = scaling_servers_rows, .help = "Scaling of servers."),
	CHECKED("pipelines", MAP, .rows = scaling_pipelines_rows, .help = "Sharding of pipelines."),
	{.type = OPTION_END},
};

/* ---- Kafka ---- */

static const struct option client_setting_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct client_setting, name)},
	{.type = OPTION_SCALAR, .short_form = true, .offset = offsetof(struct client_setting, value)},
	{.type = OPTION_END},
};

static const struct option topic_rows[] = {
	RUNTIME("numPartitions", INTEGER, partitions, POSITIVE_RANGE, .quotable = true, .help = "Partitions of each topic."),
	RUNTIME("replicationFactor", INTEGER, replication_factor, POSITIVE_RANGE, .quotable = true,
		.help = "Replicas of each partition."),
	{.type = OPTION_TABLE,
	 .offset = offsetof(struct runtime_spec, topic_settings),
	 .rows = client_setting_rows,
	 .item_size = sizeof(struct client_setting)},
	{.type = OPTION_END},
};

static const struct option registry_rows[] = {
	RUNTIME("url", NAME, registry.url, .required = true, .help = "Its address, http:// or https://."),
	RUNTIME("login", NAME, registry.login, .secret = true,
		.help = "USER:PASSWORD; better `env:SLUICE_SECRET_NAME` or `file:NAME`, which refer to it."),
	RUNTIME("authorities", TEXT, registry.authorities, .help = "A file with the trusted authorities, in PEM."),
	RUNTIME("certificate", TEXT, registry.certificate, .help = "A file with the client's certificate, in PEM."),
	RUNTIME("key", TEXT, registry.key, .help = "A file with its key, in PEM."),
	{.type = OPTION_END},
};

static const struct option kafka_rows[] = {
	RUNTIME("bootstrap.servers", NAME, bootstrap_servers, .help = "The brokers, separated by commas."),
	RUNTIME("brokers", NAMES, brokers, .least = 1, .help = "The brokers, host:port."),
	RUNTIME("enabled", FLAG, kafka_enabled, .fallback = "true",
		.help = "false: `sluice dev` runs the files in one process with an embedded broker; `sluice run` refuses them."),
	RUNTIME("topicPrefix", TEXT, topic_prefix, .place_offset = offsetof(struct runtime_spec, topic_prefix_place),
		.help = "The beginning of every topic's name; default: sluice."),
	CHECKED("consumerGroupIdPrefix", TEXT, .effect = EFFECT_LATER, .help = "The beginning of every consumer group's name."),
	CHECKED("debug", TEXT, .effect = EFFECT_LATER, .help = "What librdkafka logs."),
	RUNTIME("consumer", TABLE, consumer_settings, .rows = client_setting_rows, .item_size = sizeof(struct client_setting),
		.help = "Settings of consumers, as listed by `sluice help kafka-settings`; `env:SLUICE_SECRET_NAME` and "
			"`file:NAME` refer to a secret (`sluice help settings`)."),
	RUNTIME("producer", TABLE, producer_settings, .rows = client_setting_rows, .item_size = sizeof(struct client_setting),
		.help = "Settings of producers, in the same way."),
	CHECKED("streams", TABLE, .effect = EFFECT_NONE, .rows = client_setting_rows,
		.help = "Settings of Kafka Streams, which sluice does not use."),
	PART("schemaRegistry", registry_rows,
	     .help = "The schema registry: schemas of records are requested there by number, and the schema of Avro answers is "
		     "registered."),
	PART("topics", topic_rows,
	     .help = "Settings of topics that are created, by Kafka's names; they override those of `plan`."),
	{.type = OPTION_END},
};

/* ---- traces and metrics ---- */

static const struct option jaeger_rows[] = {
	CHECKED("endpoint", TEXT, .help = "The address to which spans are sent, host:port."),
	CHECKED("samplingRate", NUMBER, SHARE_RANGE, .help = "The share of traces that is kept."),
	{.type = OPTION_END},
};

static const struct option tracing_rows[] = {
	ENABLED,
	CHECKED("disable", FLAG, .help = "Whether tracing is disabled."),
	CHECKED("otelExporterEndpoint", TEXT, .help = "The address to which spans are sent by OTLP."),
	CHECKED("otelExporterProtocol", TEXT, .help = "grpc or http/protobuf."),
	CHECKED("ratio", TEXT, .help = "The share of traces that is kept, as a text."),
	CHECKED("jaeger", MAP, .rows = jaeger_rows, .help = "The address to which spans are sent by Jaeger's HTTP protocol."),
	{.type = OPTION_END},
};

static const struct option prometheus_rows[] = {
	CHECKED("endpoint", TEXT, .effect = EFFECT_LATER, .help = "The address at which metrics are queried, for criteria."),
	RUNTIME("pushgateway", TEXT, metrics.pushgateway,
		.help = "The Pushgateway, HOST:PORT or a URL, to which engines and gateways push their metrics every 15 s. It is "
			"read when they start."),
	{.type = OPTION_END},
};

static const struct option metrics_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct runtime_spec, metrics.here)},
	RUNTIME("enabled", FLAG, metrics.enabled, .place_offset = offsetof(struct runtime_spec, metrics.enabled_here),
		.help = "Whether `/metrics` also has metrics under Seldon's names (`sluice help metrics`)."),
	PART("prometheus", prometheus_rows, .help = "Prometheus and its Pushgateway."),
	RUNTIME("pushgateway", TEXT, metrics.pushgateway, .help = "The same as prometheus.pushgateway."),
	RUNTIME("customMetrics", LIST, metrics.custom, .rows = custom_metric_rows, .item_size = sizeof(struct metric_spec),
		.help = "User-defined metrics of all pipelines. Each is what a pipeline's `metrics` of that name counts, else the "
			"tensor of that name in its answers."),
	{.type = OPTION_END},
};

/* ---- backup, disaster, regions ---- */

static const struct option storage_rows[] = {
	CHECKED("type", TEXT, .required = true, .help = "s3, gcs, azure or file."),
	CHECKED("bucket", TEXT, .help = "The bucket, or the folder."),
	CHECKED("region", TEXT, .help = "The bucket's region."),
	CHECKED("endpoint", TEXT, .help = "An address other than the provider's own."),
	{.type = OPTION_END},
};

static const struct option backup_rows[] = {
	ENABLED,
	RUNTIME("schedule", NAME, backup_schedule, .help = "The times, in UTC: minute, hour, day of month, month, day of week."),
	CHECKED("retention", DURATION, .help = "How long a snapshot is kept."),
	CHECKED("storage", MAP, .rows = storage_rows, .help = "Where snapshots go."),
	{.type = OPTION_END},
};

static const struct option disaster_rows[] = {
	ENABLED,
	CHECKED("rto", DURATION, .help = "The longest duration of a recovery."),
	CHECKED("rpo", DURATION, .help = "The largest age of the newest snapshot."),
	CHECKED("failoverStrategy", CHOICE, .choices = "automatic manual", .help = "Whether it happens automatically."),
	{.type = OPTION_END},
};

static const struct option region_rows[] = {
	CHECKED("name", NAME, .required = true, .help = "The region's name."),
	CHECKED("endpoint", TEXT, .required = true, .help = "Its gateway."),
	CHECKED("weight", INTEGER, UINT32_RANGE, .help = "Its share, relative to the others."),
	{.type = OPTION_END},
};

static const struct option failover_rows[] = {
	ENABLED,
	CHECKED("healthCheckInterval", DURATION, .help = "How often the health of a region is checked."),
	CHECKED("failoverTimeout", DURATION, .help = "The time after which its share moves to the others."),
	{.type = OPTION_END},
};

static const struct option multi_region_rows[] = {
	ENABLED,
	CHECKED("regions", LIST, .rows = region_rows, .least = 1, .help = "The regions."),
	CHECKED("failover", MAP, .rows = failover_rows, .help = "What happens when one is unhealthy."),
	{.type = OPTION_END},
};

/* ---- protection ---- */

/* What a part of it stands in the runtime as; `member` is that part. */
#define PROTECTION(member)                                                                                                         \
	{.type = OPTION_HERE, .offset = offsetof(struct runtime_spec, member.here)},                                               \
		RUNTIME("enabled", FLAG, member.enabled, .place_offset = offsetof(struct runtime_spec, member.enabled_here),       \
			.help = "Whether it is enabled.")

static const struct option authentication_rows[] = {
	PROTECTION(authentication),
	CHECKED("type", CHOICE, .choices = "jwt", .required = true, .help = "How callers are authenticated."),
	RUNTIME("jwksUri", TEXT, authentication.file, .least = 1, .help = "The address of the keys that sign their tokens."),
	{.type = OPTION_END},
};

static const struct option authorization_rows[] = {
	PROTECTION(authorization),
	CHECKED("type", CHOICE, .choices = "rbac", .required = true, .help = "How callers are authorized."),
	RUNTIME("policiesConfigMap", TEXT, authorization.file, .least = 1, .help = "The rules: subject, resource, verb."),
	{.type = OPTION_END},
};

static const struct option tls_rows[] = {
	CHECKED("certManager", FLAG, .effect = EFFECT_NONE, .help = "Whether cert-manager makes the certificates."),
	CHECKED("issuer", TEXT, .effect = EFFECT_NONE, .help = "Who signs them."),
	{.type = OPTION_END},
};

static const struct option encryption_rows[] = {
	PROTECTION(encryption),
	CHECKED("tls", MAP, .rows = tls_rows, .help = "Certificates."),
	{.type = OPTION_END},
};

static const struct option audit_rows[] = {
	ENABLED,
	CHECKED("logLevel", TEXT, .choices = "DEBUG INFO WARN WARNING ERROR", .help = "The level of detail."),
	CHECKED("destination", TEXT, .help = "A file, a topic, or Elasticsearch."),
	{.type = OPTION_END},
};

static const struct option security_rows[] = {
	PART("authentication", authentication_rows, .effect = EFFECT_GATEWAY, .help = "Authentication of callers."),
	PART("authorization", authorization_rows, .effect = EFFECT_GATEWAY, .help = "Authorization of callers."),
	PART("encryption", encryption_rows, .effect = EFFECT_GATEWAY, .help = "Whether traffic is encrypted."),
	CHECKED("audit", MAP, .effect = EFFECT_LATER, .rows = audit_rows, .help = "What is recorded of changes and refusals."),
	{.type = OPTION_END},
};

const struct option config_rows[] = {
	CHECKED("agentConfig", MAP, .effect = EFFECT_LATER, .rows = agent_rows, .help = "Fetching of artifacts."),
	PART("kafkaConfig", kafka_rows, .help = "Kafka."),
	PART("serviceConfig", service_rows, .help = "Listeners."),
	CHECKED("tracingConfig", MAP, .effect = EFFECT_LATER, .rows = tracing_rows, .help = "Traces."),
	CHECKED("scalingConfig", MAP, .effect = EFFECT_NONE, .rows = scaling_rows, .help = "Scaling by Seldon's scheduler."),
	PART("metricsConfig", metrics_rows, .help = "Metrics under Seldon's names."),
	{.name = "backupConfig",
	 .type = OPTION_MAP,
	 .offset = 0,
	 .effect = EFFECT_LATER,
	 .rows = backup_rows,
	 .help = "Snapshots of state, by schedule."},
	CHECKED("disasterRecovery", MAP, .effect = EFFECT_LATER, .rows = disaster_rows,
		.help = "Recovery objectives: how much may be lost, and for how long."),
	PART("securityConfig", security_rows, .help = "Protection."),
	CHECKED("multiRegion", MAP, .effect = EFFECT_LATER, .rows = multi_region_rows, .help = "Forwarding to other regions."),
	{.type = OPTION_END},
};
