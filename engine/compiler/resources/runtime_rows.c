/* runtime_rows.c: Option rows of SeldonRuntime, SeldonConfig, ServerConfig and Server: the installation around the
 * pipelines. Fields for Kubernetes have no effect here. */
#include "base/number/number.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/kafka_setting.h"
#include "compiler/resources/rows.h"

#define COMPONENTS "seldon-scheduler seldon-envoy seldon-dataflow-engine seldon-modelgateway seldon-pipelinegateway hodometer"

static const struct option override_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct runtime_override, here)},
	ROW("name", NAME, struct runtime_override, name, .choices = COMPONENTS, .required = true, .help = "The component."),
	CHECKED("disable", FLAG, .effect = EFFECT_NONE, .help = "Whether Seldon would disable it."),
	ROW("replicas", INTEGER, struct runtime_override, replicas, .effect = EFFECT_NONE, INT32_RANGE,
	    .place_offset = offsetof(struct runtime_override, replicas_place),
	    .help = "The number of copies that a cluster would run; here `--workers` sets the threads of an engine."),
	CHECKED("serviceType", TEXT, .effect = EFFECT_NONE, .help = "The type of its Kubernetes service."),
	CHECKED("podSpec", NODE, .effect = EFFECT_NONE, .help = "Its pod."),
	CHECKED("resources", NODE, .effect = EFFECT_NONE, .help = "The resources that it would request from Kubernetes."),
	{.type = OPTION_END},
};

const struct option runtime_rows[] = {
	CHECKED("seldonConfig", NAME, .effect = EFFECT_NONE, .help = "The SeldonConfig whose components a cluster would run."),
	{.name = "config",
	 .type = OPTION_MAP,
	 .offset = 0,
	 .rows = config_rows,
	 .help = "Settings of the installation."},
	ROW("overrides", LIST, struct runtime_spec, overrides, .rows = override_rows, .item_size = sizeof(struct runtime_override),
	    .help = "Settings of single components."),
	CHECKED("disableAutoUpdate", FLAG, .effect = EFFECT_NONE, .help = "Whether changes of the SeldonConfig are left alone."),
	ROW("timeout", DURATION, struct runtime_spec, timeout_ns,
	    .help = "The timeout of each attempt of a call, if the pipeline sets none; default 30s."),
	{.type = OPTION_END},
};

static const struct option claim_rows[] = {
	CHECKED("name", NAME, .required = true, .help = "The claim's name."),
	CHECKED("spec", NODE, .required = true, .help = "What is claimed."),
	{.type = OPTION_END},
};

static const struct option component_rows[] = {
	CHECKED("name", NAME, .required = true, .help = "The component."),
	CHECKED("labels", TABLE, .rows = text_value_rows, .help = "Any keys and texts."),
	CHECKED("annotations", TABLE, .rows = text_value_rows, .help = "Any keys and texts."),
	CHECKED("replicas", INTEGER, INT32_RANGE, .help = "The number of copies that a cluster would run."),
	CHECKED("podSpec", NODE, .help = "Its pod."),
	CHECKED("volumeClaimTemplates", LIST, .rows = claim_rows, .help = "Its volumes."),
	{.type = OPTION_END},
};

const struct option seldon_config_rows[] = {
	{.name = "config", .type = OPTION_MAP, .offset = 0, .rows = config_rows, .help = "Settings of the installation."},
	CHECKED("components", LIST, .effect = EFFECT_NONE, .rows = component_rows,
		.help = "The components that a cluster would run."),
	{.type = OPTION_END},
};

const struct option server_config_rows[] = {
	CHECKED("podSpec", NODE, .effect = EFFECT_NONE, .required = true, .help = "The server's pod."),
	CHECKED("volumeClaimTemplates", LIST, .effect = EFFECT_NONE, .rows = claim_rows, .help = "Its volumes."),
	{.type = OPTION_END},
};

static const struct option image_rows[] = {
	CHECKED("agent", NODE, .help = "The agent's container."),
	CHECKED("rclone", NODE, .help = "rclone's container."),
	{.type = OPTION_END},
};

static const struct option retention_rows[] = {
	CHECKED("whenDeleted", CHOICE, .choices = "Retain Delete", .help = "When the set is removed."),
	CHECKED("whenScaled", CHOICE, .choices = "Retain Delete", .help = "When the set shrinks."),
	{.type = OPTION_END},
};

static const struct option server_tls_rows[] = {
	ROW("authorities", TEXT, struct server_tls, authorities,
	    .help = "File of the trusted authorities; default: the system's."),
	ROW("certificate", TEXT, struct server_tls, certificate, .help = "File of the certificate that is shown to the server."),
	ROW("key", TEXT, struct server_tls, key, .help = "File of that certificate's key."),
	{.type = OPTION_END},
};

const struct option server_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct server_spec, here)},
	CHECKED("serverConfig", NAME, .effect = EFFECT_NONE, .help = "The ServerConfig that a cluster would make it from."),
	ROW("endpoints", NAMES, struct server_spec, endpoints, .least = 1,
	    .help = "Its addresses: grpc://host:8081, http://host:8080; several are replicas."),
	ROW("tls", MAP, struct server_spec, tls, .rows = server_tls_rows,
	    .help = "The TLS files of its endpoints https:// and grpcs://, in PEM."),
	ROW("capabilities", NAMES, struct server_spec, capabilities,
	    .help = "What it can serve, in place of the capabilities of its ServerConfig."),
	ROW("extraCapabilities", NAMES, struct server_spec, extra_capabilities, .help = "Additional capabilities."),
	CHECKED("imageOverrides", MAP, .effect = EFFECT_NONE, .rows = image_rows, .help = "Other images."),
	CHECKED("podSpec", NODE, .effect = EFFECT_NONE, .help = "Its pod."),
	CHECKED("replicas", INTEGER, .effect = EFFECT_NONE, INT32_RANGE, .help = "The number of copies that a cluster would run."),
	CHECKED("minReplicas", INTEGER, .effect = EFFECT_NONE, INT32_RANGE, .help = "The least number of copies."),
	CHECKED("maxReplicas", INTEGER, .effect = EFFECT_NONE, INT32_RANGE, .help = "The largest number of copies."),
	CHECKED("statefulSetPersistentVolumeClaimRetentionPolicy", MAP, .effect = EFFECT_NONE, .rows = retention_rows,
		.help = "What happens to its volumes."),
	CHECKED("deploymentStrategy", NODE, .effect = EFFECT_NONE, .help = "How a cluster would replace it."),
	CHECKED("disableAutoUpdate", FLAG, .effect = EFFECT_NONE, .help = "Whether changes of the ServerConfig are left alone."),
	{.type = OPTION_END},
};

/* ---- what the rows cannot say ---- */

void runtime_check(const struct resource *resource, struct faults *faults)
{
	const struct runtime_spec *runtime = resource->spec;
	const struct runtime_override *overrides = runtime->overrides.items;
	for (size_t i = 0; i < runtime->overrides.count; i++) {
		if (!overrides[i].name.text)
			continue;
		bool none = overrides[i].replicas_place.line > 0 && overrides[i].replicas == 0;
		if (none && strcmp(overrides[i].name.text, "seldon-dataflow-engine") == 0)
			fault_add(faults, CODE_IGNORED_SETTING, overrides[i].replicas_place, NULL,
				  "with no replicas of seldon-dataflow-engine, Seldon would run no pipeline; sluice runs them "
				  "all the same");
		for (size_t j = 0; j < i; j++)
			if (overrides[j].name.text && strcmp(overrides[j].name.text, overrides[i].name.text) == 0)
				fault_add(faults, CODE_REPEATED_NAME, overrides[i].name.place, NULL,
					  "`%s` is overridden in line %u already", overrides[i].name.text,
					  overrides[j].name.place.line);
	}
	metrics_check(&runtime->metrics.custom, true, faults);
	topic_check(runtime->topic_prefix, runtime->topic_prefix_place, faults);
	kafka_settings_check(&runtime->consumer_settings, KAFKA_CONSUMER, resource->kind->type == RESOURCE_RUNTIME, faults);
	kafka_settings_check(&runtime->producer_settings, KAFKA_PRODUCER, resource->kind->type == RESOURCE_RUNTIME, faults);
	if (runtime->backup_schedule.text)
		schedule_check(runtime->backup_schedule, faults);
	if (runtime->brokers.count > 0 && runtime->bootstrap_servers.text)
		fault_add(faults, CODE_CONTRADICTION, runtime->bootstrap_servers.place, NULL,
			  "`bootstrap.servers` and `brokers` both name the brokers");
}

void seldon_config_check(const struct resource *resource, struct faults *faults)
{
	static const char *const parts[] = {"kafkaConfig", "serviceConfig", "metricsConfig"};
	const struct node *config = node_get(node_get(resource->node, "spec"), "config");
	runtime_check(resource, faults);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		const struct node *part = node_get(config, parts[i]);
		if (part)
			fault_add(faults, CODE_FIELD_LATER, part->place, NULL,
				  "`%s` of a SeldonConfig is checked, but has no effect: write it under `spec.config` of a "
				  "SeldonRuntime",
				  parts[i]);
	}
}

size_t address_scheme(const char *text)
{
	static const char *const schemes[] = {"grpc://", "grpcs://", "http://", "https://"};
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
			return strlen(schemes[i]);
	return 0;
}

static bool port_fits(struct text port)
{
	uint64_t number;
	return digits_read(port, 10, &number) && number >= 1 && number <= UINT16_MAX;
}

/* HOST, HOST:PORT or [HOST]:PORT, and perhaps a login before it. Over HTTP a colon alone is the usual port. */
static bool authority_fits(const char *authority, size_t length, bool http)
{
	const char *login = memrchr(authority, '@', length);
	const char *host = login ? login + 1 : authority, *end = authority + length;
	bool bracketed = host < end && *host == '[';
	const char *after = bracketed ? memchr(host, ']', (size_t)(end - host)) : host + strcspn(host, ":/?#");
	if (!after || after <= host + bracketed)
		return false;
	after += bracketed;
	return after == end || (*after == ':' && ((http && after + 1 == end) ||
						  port_fits((struct text){after + 1, (size_t)(end - after) - 1})));
}

bool address_fits(const char *text)
{
	const char *authority = text + address_scheme(text);
	return authority > text && !strpbrk(authority, " \t") && authority_fits(authority, strcspn(authority, "/?#"), *text == 'h');
}

void storage_check(struct name uri, struct faults *faults)
{
	if (uri.text && address_scheme(uri.text) > 0 && !address_fits(uri.text))
		fault_add(faults, CODE_BAD_ADDRESS, uri.place, NULL, "`%s` is no address of a server", uri.text);
}

void server_check(const struct resource *resource, struct faults *faults)
{
	const struct server_spec *server = resource->spec;
	const struct node *spec = node_get(resource->node, "spec");
	if (!node_get(spec, "serverConfig") && !node_get(spec, "endpoints"))
		fault_add(faults, CODE_MISSING_FIELD, server->here, NULL,
			  "`serverConfig` is missing in `spec`; or write `endpoints`, its addresses");
	for (size_t i = 0; i < server->endpoints.count; i++)
		if (!address_fits(server->endpoints.items[i].text))
			fault_add(faults, CODE_BAD_ADDRESS, server->endpoints.items[i].place, NULL,
				  "`%s` is no address of a server", server->endpoints.items[i].text);
}
