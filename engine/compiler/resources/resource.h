/* resource.h: Resources of a spec, as structs that the rows of spec/..._rows.c fill.
 *
 * A resource is one YAML document. All its contents are borrowed from the arena of its spec, and immutable. An absent
 * text is NULL; an absent map has a `here` of line 0.
 */
#pragma once

#include "base/option.h"
#include "observe/series.h"
#include "compiler/yaml/fault.h"
#include "compiler/yaml/node.h"
#include "compiler/step/call_form.h"
#include "compiler/step/experiment.h"
#include "compiler/step/step.h"

#define PIPELINE_VERSION "mlops.seldon.io/v1alpha1"
#define SLUICE_KINDS "sluice.io/v1alpha1" /* of kinds that Seldon has not */

enum resource_type {
	RESOURCE_PIPELINE,
	RESOURCE_MODEL,
	RESOURCE_EXPERIMENT,
	RESOURCE_RUNTIME,
	RESOURCE_CONFIG,
	RESOURCE_SERVER_CONFIG,
	RESOURCE_SERVER,
	RESOURCE_DEPLOYMENT,
	RESOURCE_SILENCE,
	RESOURCE_FRAGMENT, /* HealthChecks, Performance, Targets: with --kind only */
	RESOURCE_TYPES,	   /* their number */
};

struct assignment_tables;
struct resource;

struct resource_kind {
	const char *name;	 /* "Pipeline" */
	const char *api_version; /* NULL: none, a fragment */
	const char *former_versions; /* that are read as `api_version`, separated by one space; NULL: none */
	enum resource_type type;
	const char *help;
	const struct option *rows; /* of spec (of the whole document for a fragment) */
	size_t size;
	bool nameless; /* metadata.name may be absent: it is then called "default" */
	/* Checks of one resource beyond the rows; its `name` may be absent. NULL: none. */
	void (*check)(const struct resource *resource, struct faults *faults);
};

struct annotation {
	struct name key;
	const char *value;
};

struct resource {
	const struct resource_kind *kind;
	struct name name;	      /* "default" for a runtime without one */
	int64_t version;	      /* that the control plane gave its document; 0: it is of a file */
	const char *version_of;	      /* its own name, where it was read as NAME@VERSION; else NULL */
	const char *namespace;	      /* NULL: none given */
	struct item_list annotations; /* struct annotation */
	struct item_list labels;      /* likewise; for those who select resources */
	struct place place;	      /* of the document */
	const struct node *node;      /* the document */
	const void *spec;	      /* struct pipeline_spec, ... by kind->type */
	const struct resource *made_of; /* for a Pipeline that is in no file: its SeldonDeployment or Model; else NULL */
};

/* ---- Pipeline ---- */

enum join_type { JOIN_INNER, JOIN_OUTER, JOIN_ANY };
#define JOIN_CHOICES "inner outer any"
#define JOIN_WINDOW_MS_DEFAULT 60000
#define BATCH_WINDOW_MS_DEFAULT 1000

/* An entry of tensorMap: from a reference to a new name or, in the reference dialect, to a list of models among which
 * the tensor's value selects. */
struct tensor_mapping {
	struct name from;
	struct name to; /* text NULL: a list */
	struct name_list choices;
};

#define DATATYPE_WORDS "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 BF16 FP32 FP64 BYTES"

struct input_tensor { /* input.tensors of mapped records */
	struct name name;
	const char *path;
	struct name_list paths;
	const char *datatype; /* one of DATATYPE_WORDS; NULL: from the schema, FP64 for JSON */
	struct number_list shape;
	const struct node *fill;     /* `pad` */
	const struct node *fallback; /* `default`; NULL: absence is an INPUT error */
	struct place here;
};

struct pipeline_input {
	struct place here;
	struct name_list external_inputs;
	struct name_list external_triggers;
	int64_t join_window_ms;
	int join_type; /* enum join_type */
	int triggers_join_type;
	struct item_list tensor_map; /* struct tensor_mapping */
	const char *topic;
	struct place topic_place;
	const char *key;
	struct input_time {
		const char *field; /* path; NULL: the record's timestamp */
		int unit;	   /* enum time_unit */
	} time;
	struct item_list tensors; /* struct input_tensor */
};

/* `output.errors: keep`: error answers go to the outputs topic, and the failed request of a waiting caller is also
 * kept as a dead letter. */
#define OUTPUT_ERRORS_KEEP OPTION_FLAG_CHOICE

struct pipeline_output {
	struct place here;
	struct name_list steps;
	int steps_join;
	int64_t join_window_ms;
	struct item_list tensor_map;
	const char *topic;
	struct place topic_place;
	const char *format;
	int errors; /* whether error answers go to the outputs topic: false, true, or OUTPUT_ERRORS_KEEP */
};

struct step_batch {
	struct place here;
	int64_t size;	   /* 0: off */
	int64_t window_ms; /* as written; see batch_window_ms() */
	bool rolling;
};

/* In Seldon's fields 0 means absent. */
static inline int64_t batch_window_ms(const struct step_batch *batch)
{
	return batch->window_ms > 0 ? batch->window_ms : BATCH_WINDOW_MS_DEFAULT;
}

#define LINEAGE_OF_PIPELINE (-1)
enum lineage { LINEAGE_NONE, LINEAGE_SAMPLED, LINEAGE_FULL };

struct step_spec {
	struct place here;
	struct name name;
	struct name_list inputs;
	int inputs_join_type;
	int64_t join_window_ms;
	struct item_list tensor_map;
	struct name_list triggers;
	int triggers_join_type;
	struct step_batch batch;
	struct name_list outputs; /* reference dialect: the tensors that it makes */
	const struct expression *when;
	int64_t timeout_ns; /* 0: the pipeline's */
	bool isolate;
	int lineage; /* enum lineage, or LINEAGE_OF_PIPELINE */
	/* Its kind key. A step without one calls the model of its own name, and is of kind `model` with empty options. */
	const struct step_kind *kind;
	const void *options;
	struct place options_here; /* line 0: no kind key */
};

/* The experiment that is written in the step; NULL: none. */
const struct experiment_spec *step_experiment_written(const struct step_spec *step);

enum delivery { DELIVERY_DEFAULT, DELIVERY_AT_LEAST_ONCE, DELIVERY_EXACTLY_ONCE };
enum on_outage { OUTAGE_WAIT, OUTAGE_DEADLETTER };
enum on_gap { GAP_CONTINUE, GAP_STOP };
enum message_order { ORDER_KEY, ORDER_PARTITION };
enum ingress { INGRESS_LOG, INGRESS_DIRECT };
enum reply_time { REPLY_COMMITTED, REPLY_EARLY };

enum alert_action_type { ALERT_WEBHOOK, ALERT_EMAIL, ALERT_TOPIC, ALERT_ROLLBACK };
extern const char *const alert_action_names[]; /* by enum alert_action_type */

struct alert_action {
	struct place here;
	int type; /* enum alert_action_type */
	const char *url;
	int format;	    /* enum notice_format: of a webhook's body */
	const char *body;   /* its template; NULL: none */
	struct place body_place;
	const char *secret; /* reference to the key of its signature, or of PagerDuty's integration; NULL: none */
	struct name_list recipients;
	struct name experiment; /* whose rollout is rolled back; no text: none */
};

/* No notice of a firing until a time of day. */
struct alert_silence {
	struct place here; /* line 0: there is none */
	struct name until;
	const char *reason;
};

#define ALERTS_MAX 32 /* of a pipeline */
#define ALERT_ACTIONS_MAX 16
#define ALERT_NAME_BYTES_MAX 253 /* as of a resource: it is in each notice, label and silence of the alert */
#define ALERT_TIME_DAYS_MAX 366 /* an engine keeps figures and states in memory */

struct alert_spec {
	struct place here;
	struct name name;
	const struct expression *condition; /* NULL: `absent` */
	struct place condition_place;	    /* line 0: not given */
	struct name absent;		    /* "PIPELINE for DURATION" */
	int64_t over_ns, for_ns, resolve_after_ns;
	struct place over_place, for_place, resolve_after_place; /* line 0: not given */
	const struct expression *group_by; /* one state for each of its values; NULL: one state */
	struct name_list inhibited_by;
	struct alert_silence silence;
	struct item_list actions; /* struct alert_action */
};

/* Its condition, or its `absent` with that word; bytes NULL: memory ran out. */
struct text alert_condition_words(const struct alert_spec *alert, struct arena *arena);

/* Whether the step has a verdict for each group of the alert: both have the same `groupBy`. */
bool alert_groups_as(const struct alert_spec *alert, const struct step_spec *step);

/* Hash of the alert's `groupBy`; 0: it has one state. Figures of a pipeline belong to no message, so only figures of drift have
 * groups, where a step `drift` has the same `groupBy`. */
struct alert_condition;
struct pipeline_spec;
uint64_t alert_group_by(const struct pipeline_spec *pipeline, const struct alert_spec *alert,
			const struct alert_condition *condition);

#define METRICS_MAX 16 /* of a pipeline, customMetrics included: each has a share of PIPELINE_METRIC_SERIES */
#define METRIC_PRIMARY 0     /* its role */
#define METRIC_SUM 1	     /* what a unit counts as */
#define METRIC_RATIO 2
#define METRIC_CAP_LEAST 0.5 /* a cap is above the median */

struct metric_label {
	struct name name;
	const struct expression *value;
};

/* A metric that a pipeline, or metricsConfig, declares. */
struct metric_spec {
	struct place here;
	struct name name;
	int type; /* enum series_type */
	const char *help;
	const struct expression *value; /* NULL: of customMetrics, the tensor of its name */
	struct item_list labels;	/* struct metric_label */
	struct number_list buckets;
	struct place buckets_place; /* line 0: not given */
	int role;		    /* enum analysis_role */
	int direction;		    /* 1: lower is better */
	double margin;		    /* 0: not given */
	double cap;		    /* likewise */
	struct place cap_place;
	int per_unit; /* enum per_unit */
	struct place per_unit_place;
};

/* The first metric of that name in a list of struct metric_spec. NULL: there is none. */
const struct metric_spec *metric_spec_find(const struct item_list *metrics, const char *name);

/* Whether the struct item_list of them has one of that name: as alert_sources. */
bool metrics_declare(const void *metrics, struct text name);

/* The cap of a pipeline's metric of that name, above .5 and below 1; 0: there is none, or no such metric. */
double metric_cap(const struct item_list *metrics, const char *name);

/* Whether a pipeline's metric of that name has `perUnit: ratio`. */
bool metric_is_ratio(const struct item_list *metrics, const char *name);

struct pipeline_spec {
	struct item_list steps; /* struct step_spec */
	struct pipeline_input input;
	struct pipeline_output output;
	bool clean_topics_on_delete;
	bool allow_cycles;
	int64_t max_step_revisits;
	int64_t timeout_ns; /* 0: the runtime's, else 30 s */
	int delivery;
	int order;
	int ingress; /* enum ingress */
	struct place ingress_place; /* line 0: not given */
	int reply;		    /* enum reply_time */
	int lineage;
	int on_outage;		  /* enum on_outage */
	int on_gap;		  /* enum on_gap */
	struct item_list metrics; /* struct metric_spec */
	struct item_list alerts;  /* struct alert_spec */
};

/* ---- Model ---- */

struct model_parameter { /* modelSettings.parameters */
	struct name name;
	struct name value;
	int type; /* enum model_parameter_type */
};
enum model_parameter_type {
	MODEL_PARAMETER_STRING,
	MODEL_PARAMETER_INT,
	MODEL_PARAMETER_FLOAT,
	MODEL_PARAMETER_DOUBLE,
	MODEL_PARAMETER_BOOL
};
#define MODEL_PARAMETER_CHOICES "STRING INT FLOAT DOUBLE BOOL"

struct model_spec {
	struct name storage_uri;
	struct name server; /* text NULL: any that fits */
	struct name_list requirements;
	int64_t batch_size_max; /* batchingConfig; 0: none */
	int64_t batch_latency_ns;
	int64_t batch_timeout_ns;
	int64_t replicas_min; /* autoscaling: parallel calls; 0: none */
	int64_t replicas_max;
	struct place autoscaling_here;
	int64_t logger_percent;
	bool standalone;	      /* it has a pipeline of its own although others name it (model_pipeline.h) */
	struct item_list settings;    /* struct model_parameter */
	struct item_list environment; /* struct environment_variable */
};

struct environment_variable {
	struct name name;
	const char *value;
};

/* ---- Server ---- */

struct server_spec {
	struct place here;
	struct name_list capabilities;
	struct name_list extra_capabilities;
	struct name_list endpoints; /* grpc://host:port, http://host:port */
	struct server_tls {	    /* files in PEM; NULL: the system's, or none */
		const char *authorities;
		const char *certificate;
		const char *key;
	} tls;
};

/* ---- SeldonRuntime, and the config of a SeldonConfig ---- */

struct runtime_override {
	struct place here;
	struct name name;
	int64_t replicas;
	struct place replicas_place; /* line 0: not given */
};

struct client_setting { /* of librdkafka; compiler/resources/kafka_setting.h decides which are passed on */
	struct name name;
	const char *value; /* as written; may be a reference to a secret */
};

struct registry_spec { /* of schemas */
	struct name url; /* text NULL: none */
	struct name login;
	const char *authorities, *certificate, *key; /* files of TLS */
};

/* A part of securityConfig. It is enabled if present, unless it has `enabled: false`. */
struct security_part {
	struct place here, enabled_here; /* line 0: not given */
	bool enabled;
	const char *file; /* jwksUri, policiesConfigMap; NULL: not given */
};

static inline bool security_part_is_wanted(const struct security_part *part)
{
	return part->here.line > 0 && (part->enabled || part->enabled_here.line == 0);
}

struct metrics_part { /* metricsConfig; enabled if present, as a listener */
	struct place here, enabled_here; /* line 0: not given */
	bool enabled;
	const char *pushgateway; /* NULL: none */
	struct item_list custom; /* struct metric_spec */
};

struct listener_spec { /* of serviceConfig; enabled if present, unless it has `enabled: false` */
	struct place here, enabled_here; /* line 0: not given */
	bool enabled;
	int64_t port; /* 0: not given */
};

static inline bool listener_is_wanted(const struct listener_spec *listener)
{
	return listener->here.line > 0 && (listener->enabled || listener->enabled_here.line == 0);
}

#define COMPAT_CHOICES "sluice seldon"
enum { COMPAT_SLUICE, COMPAT_SELDON };

struct runtime_spec {
	struct name_list brokers;
	struct name bootstrap_servers; /* the same, joined by commas; Seldon's name for it */
	bool kafka_enabled;	       /* false: in-process */
	const char *topic_prefix;      /* NULL: sluice */
	struct place topic_prefix_place;
	int64_t timeout_ns;
	int64_t partitions;	    /* 0: the broker's default */
	int64_t replication_factor; /* 0: the broker's default */
	struct item_list overrides; /* struct runtime_override */
	struct item_list consumer_settings; /* struct client_setting */
	struct item_list producer_settings; /* struct client_setting */
	struct item_list topic_settings;    /* struct client_setting: of Kafka, for topics that sluice creates */
	struct registry_spec registry;
	struct name backup_schedule;
	struct listener_spec http, grpc;
	int compat; /* form of a gateway's errors: index into COMPAT_CHOICES */
	struct security_part authentication, authorization, encryption;
	struct metrics_part metrics;
};

/* Whether metrics are reported under Seldon's names too; `runtime` NULL: false. */
static inline bool runtime_has_seldon_metrics(const struct runtime_spec *runtime)
{
	return runtime && runtime->metrics.here.line > 0 && (runtime->metrics.enabled || runtime->metrics.enabled_here.line == 0);
}

/* Address of the Pushgateway to which metrics are pushed; NULL: none. */
static inline const char *runtime_pushgateway(const struct runtime_spec *runtime)
{
	return runtime_has_seldon_metrics(runtime) ? runtime->metrics.pushgateway : NULL;
}

/* `runtime` NULL: false. */
static inline bool runtime_has_listener(const struct runtime_spec *runtime)
{
	return runtime && (listener_is_wanted(&runtime->http) || listener_is_wanted(&runtime->grpc));
}

/* ---- SeldonDeployment ---- */

struct graph_parameter {
	struct name name;
	struct name value;
	int type; /* index into MODEL_PARAMETER_CHOICES */
};

struct graph_endpoint {
	struct name host;
	int64_t port, http_port, grpc_port; /* 0: not given */
	const char *type;		    /* REST GRPC; NULL: not given */
};

struct graph_node {
	struct place here;
	struct name name;
	const char *type; /* NULL: MODEL, or the implementation's type */
	struct name implementation;
	struct name model_uri;
	struct item_list children;   /* struct graph_node */
	struct item_list parameters; /* struct graph_parameter */
	struct name_list methods;
	struct graph_endpoint endpoint;
};

struct deployment_explainer {
	struct place here; /* line 0: there is none */
	const char *type;
	struct name model_uri;
};

struct deployment_predictor {
	struct place here;
	struct name name;
	struct graph_node graph;
	int64_t traffic;
	struct place traffic_place; /* line 0: not given */
	bool shadow;
	struct place shadow_place;
	struct deployment_explainer explainer;
};

struct deployment_spec {
	struct item_list predictors; /* struct deployment_predictor */
	int protocol;		     /* seldon tensorflow kfserving v2 */
	struct place predictors_place;
};

static inline enum call_protocol deployment_protocol(const struct deployment_spec *deployment)
{
	static const enum call_protocol protocols[] = {CALL_BY_SELDON, CALL_BY_TENSORFLOW, CALL_BY_V2, CALL_BY_V2};
	return protocols[deployment->protocol];
}

/* ---- Performance (a fragment) ---- */

enum cache_place { CACHE_IN_MEMORY, CACHE_IN_REDIS };
#define CACHE_CHOICES "memory redis"

/* Defaults for the calls of all models. */
struct performance_spec {
	struct call_batching {
		int64_t rows_most;
		int64_t latency_ns;
		int64_t timeout_ns;
	} batching;
	struct call_scaling {
		int64_t least, most;
	} scaling;
	struct call_caching {
		bool enabled;
		int place; /* enum cache_place */
		int64_t ttl_ns;
		const char *redis; /* host:port */
		struct name login; /* of Redis; PASSWORD, or USER:PASSWORD */
		bool tls;
		const char *authorities, *certificate, *key;
	} caching;
	struct call_pooling {
		bool enabled;
		int64_t connections;
		int64_t idle_ns;
	} pooling;
};

/* ---- Targets (a fragment) ---- */

/* Absent targets have the value 0. Times are in ms. */
struct targets_spec {
	struct threshold latency_p50, latency_p95, latency_p99;
	struct threshold requests_per_second, concurrent_users;
	struct threshold uptime, repair_time;
};

/* ---- Silence ---- */

/* No notices of the firing of an alert until a time of day. Unlike `silence` of an alert, it needs no change of the pipeline. */
struct silence_spec {
	struct place here;
	struct name alert;
	struct name pipeline; /* text NULL: alerts of that name in any pipeline */
	const char *group; /* of an alert with `groupBy`; NULL: all of them */
	struct name until;
	const char *reason, *author;
};

/* Whether the resource is a Silence of that alert: of its namespace, or of none. `namespace` NULL: it is not known. */
bool silence_is_of(const struct resource *resource, const char *namespace, const char *pipeline, const char *alert);

/* ---- all of them ---- */

struct spec {
	struct arena *arena;
	struct faults *faults;
	size_t count;
	const struct resource *const *resources; /* in the order of files and documents; runtimes of one name merged */
	struct resource_index *index;		 /* private: compiler/resources/resource_index.h; NULL: there are no resources */
	size_t foreign;				 /* documents of other API groups, skipped with a note */
	const struct assignment_tables *tables;	 /* recorded ones (compiler/step/assignment_table.h), borrowed; NULL: none */
	struct name_list headers;		 /* headers of messages that its expressions read, each once */
	bool has_versions; /* of a control plane, which keeps versions: those that are named are among the resources */
	bool is_accepted;  /* by a control plane: all documents are in force together, each in a file of its own */
	bool is_one_set;   /* its files are in force together, in an engine: none repeats a resource of another one */
};

extern const struct resource_kind resource_kinds[]; /* ends with a row without a name */
extern const struct option resource_rows[];	    /* of every document outside its spec */

/* Whether a document of the kind must have a `spec`; without one, those of the others are read as if theirs were empty. */
bool resource_kind_needs_spec(const struct resource_kind *kind);

/* The kind of that name on a command line; an unknown one is CONFIG. */
const struct resource_kind *resource_kind_find(const char *name, struct error *error);

/* Options for reading a spec; zero-filled is fine. */
struct spec_options {
	const struct step_kind *const *kinds; /* the table that main() passes down */
	const char *kind;		      /* --kind: the kind of documents without one; NULL: that is a fault */
	const char *namespace;		      /* of resources without one; NULL: they have none */
	int64_t version;		      /* that the control plane gave the document; 0: it is of a file */
	bool is_named_version;		      /* the name of its resource becomes NAME@VERSION (compiler/graph/named_versions.h) */
	/* spec_read() and spec_read_documents() add pipelines of Models and Experiments (compiler/resources/model_pipeline.h), or
	 * only those of Experiments. */
	bool model_pipelines, experiment_pipelines;
	struct name_list models_asked; /* with `model_pipelines`: Models that get one although a pipeline names them */
	struct arena *names;		      /* memory for file names, for errors that outlive the spec; NULL: the spec's arena */
};

/* Reads `paths` into an opened spec: files; folders: their .yaml and .yml files, sorted, or if there are none, those
 * of their subfolders; "-": standard input. Faults are added to its list. False: --kind is unknown or a file cannot
 * be read (CONFIG), or memory ran out (SYSTEM). A spec with errors among its faults still has the valid resources.
 * The text and the name given to spec_read_text() are borrowed as long as the spec lives. */
bool spec_open(struct spec *spec, struct error *error);
bool spec_read(struct spec *spec, const char *const *paths, size_t count, const struct spec_options *options, struct error *error);

/* Opens the spec, and reads the files of an option into it. It is to be closed, also on failure. */
bool spec_read_listed(struct spec *spec, struct name_list files, const struct spec_options *options, struct error *error);

/* Takes out the notes on receivers that are not public, and that these networks allow (--alert-allow). */
struct network;
void receivers_allow(struct faults *faults, const struct network *networks, size_t count);

struct spec_document {
	const char *file; /* in the places of its faults and of errors, so it is borrowed as long as these are used */
	struct text text;
	int64_t version;       /* by the control plane; 0: it has none */
	bool is_named_version; /* it is named NAME@VERSION */
};

/* The pipeline that was made for a Model: of its name, or, where a pipeline has that, NAME-model. NULL: none was. */
const struct resource *pipeline_of_model(const struct spec *spec, const struct resource *model);

/* Reads documents of a control plane instead of files. Texts are copied. */
bool spec_read_documents(struct spec *spec, const struct spec_document *documents, size_t count, const struct spec_options *options,
			 struct error *error);
bool spec_read_text(struct spec *spec, const char *file, struct text text, const struct spec_options *options, struct error *error);
void spec_close(struct spec *spec);

/* The first resource of that type and name. Its time does not depend on the number of resources. */
const struct resource *spec_find(const struct spec *spec, enum resource_type type, const char *name);
/* The Experiment that splits the calls of a pipeline, because its default is that pipeline; NULL: none. */
const struct resource *spec_experiment_of(const struct spec *spec, const char *pipeline);

const struct resource *spec_first(const struct spec *spec, enum resource_type type);

/* Each resource of a type, in the order of the spec: `*at` is 0 before the first. NULL: there is no more. */
const struct resource *spec_next(const struct spec *spec, enum resource_type type, size_t *at);

/* Warns of silences that have ended by that time. */
void spec_check_silences(const struct spec *spec, int64_t now_ms);

/* When the last silence of all groups of that alert ends, by its own field `silence` too, in milliseconds since 1970; 0: there is
 * none. */
int64_t alert_silenced_until(const struct spec *spec, const char *namespace, const char *pipeline, const struct alert_spec *alert);

/* The name of a resource that is nearest to `name`: lower-case letters, digits and inner dashes; "" if there is none. */
#define RESOURCE_NAME_BYTES 254
void resource_name_make(const char *name, char mended[RESOURCE_NAME_BYTES]);
