/* rows.h: Option rows of the resources, shared rows and ranges, and the checks of each kind of resource. The structs
 * that they fill are in resource.h. */
#pragma once

#include "compiler/resources/resource.h"

#define UINT32_RANGE .least = 0, .most = 4294967295.0
#define INT32_RANGE .least = 0, .most = 2147483647.0 /* for counts, which are never negative */
#define POSITIVE_RANGE .least = 1, .most = 2147483647.0
#define PERCENT_RANGE .least = 0, .most = 100
#define SHARE_RANGE .least = 0, .most = 1
#define PORT_RANGE .least = 1, .most = 65535

extern const struct option pipeline_rows[];
extern const struct option model_rows[];
extern const struct option experiment_rows[];
extern const struct option runtime_rows[];
extern const struct option seldon_config_rows[];
extern const struct option server_config_rows[];
extern const struct option server_rows[];
extern const struct option deployment_rows[];
extern const struct option silence_resource_rows[];
extern const struct option health_rows[];
extern const struct option performance_rows[];
extern const struct option target_rows[];

/* Shared by kinds. */
extern const struct option metadata_rows[];    /* struct metadata */
extern const struct option config_rows[];      /* struct runtime_spec */
extern const struct option text_value_rows[];  /* struct annotation: any keys, with texts */
extern const struct option environment_rows[]; /* struct environment_variable */
extern const struct option pipeline_metric_rows[];      /* struct metric_spec: of a pipeline */
extern const struct option custom_metric_rows[]; /* likewise: of metricsConfig */
extern const struct option dataflow_rows[];    /* one bool: cleanTopicsOnDelete, at offset 0 */

struct metadata {
	struct place here;
	struct name name;
	struct name namespace;
	struct item_list annotations; /* struct annotation */
	struct item_list labels;      /* likewise */
};

/* Adds faults for a topic name, or the beginning of one, that Kafka would reject. */
void topic_check(const char *topic, struct place place, struct faults *faults); /* NULL is fine */

/* A webhook as it is written; NULL: the address or the secret is not given. */
struct written_webhook {
	const char *url, *secret;
	const char *url_field, *secret_field; /* "`confirm`", "confirmSecret" */
	struct place place;
};

/* Adds faults of a webhook: of its address, which `--alert-allow` must list if it is not public, and of its secret. */
void webhook_check(const struct written_webhook *webhook, struct faults *faults);

/* The same of an action, which must have an address. */
void webhook_action_check(const char *url, const char *secret, struct place place, struct faults *faults);

void pipeline_check(const struct resource *resource, struct faults *faults);
void alerts_check(const struct pipeline_spec *pipeline, struct faults *faults); /* part of it */
/* Checks declared metrics: of a pipeline, or customMetrics. */
void metrics_check(const struct item_list *metrics, bool custom, struct faults *faults);
void model_check(const struct resource *resource, struct faults *faults);
/* The checks of an experiment that rows cannot express, for any experiment. `criteria`: the field or annotation that has them. */
void experiment_say(const struct experiment_spec *experiment, const char *criteria, struct faults *faults);
void experiment_headers_check(const struct experiment_spec *experiment, struct faults *faults); /* a part of it */
/* Likewise; alone for a step `traffic`, whose mirror has rows of its own. */
void experiment_mirror_check(const struct experiment_spec *experiment, struct faults *faults);

void experiment_check(const struct resource *resource, struct faults *faults);
void runtime_check(const struct resource *resource, struct faults *faults);
void seldon_config_check(const struct resource *resource, struct faults *faults);
void server_check(const struct resource *resource, struct faults *faults);
void silence_check(const struct resource *resource, struct faults *faults);
void deployment_check(const struct resource *resource, struct faults *faults);

/* Checks the name of a resource or a step: its characters, and its length. */
void name_check(struct name name, const char *what, struct faults *faults);

/* Whether a text is valid for a parameter of that type (MODEL_PARAMETER_CHOICES). */
bool parameter_fits(const char *value, int type);
const char *parameter_type_name(int type);

/* Length of the scheme of a server's address, 0: it has none; and whether the address is valid. */
size_t address_scheme(const char *text);
bool address_fits(const char *text);

/* Checks a storageUri: it is an artifact, or a valid address. */
void storage_check(struct name uri, struct faults *faults);

/* Checks a schedule: five fields, as in cron. */
void schedule_check(struct name schedule, struct faults *faults);
