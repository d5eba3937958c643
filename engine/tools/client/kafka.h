/* kafka.h: Kafka settings of a command, and the topics of a pipeline.
 *
 * For `sluice run`, and for the commands that use what it runs. These may get the pipeline's files, for topics with
 * names of their own or a login in kafkaConfig. Without files, the names of topics follow the rule.
 */
#pragma once

#include "base/secret.h"
#include "kafka/kafka_access.h"
#include "kafka/record.h"
#include "message/avro/mapped.h"
#include "compiler/resources/resource.h"
#include "compiler/yaml/workspace.h"

struct pipeline_plan;

/* Kafka options of the command line; KAFKA_ROWS fill them. */
struct kafka_asked {
	const char *brokers;	   /* NULL: from the runtime */
	struct name_list settings; /* NAME=VALUE each, override the runtime's: any of librdkafka, since the operator gives them */
	const char *secrets;	   /* folder of the files that YAML names as secrets; NULL: none */
	/* From the environment and the settings file (tools/cli/settings.h); used when neither the command line nor the
	 * runtime sets them. */
	const char *ambient_brokers;
	struct name_list ambient_settings;
};

#define KAFKA_ROWS(owner, member)                                                                                                  \
	ROW("brokers", TEXT, owner, member.brokers, .word = "HOST:PORT", .variable = "SLUICE_BROKERS",                             \
	    .ambient_offset = offsetof(owner, member.ambient_brokers),                                                             \
	    .help = "Addresses of Kafka's brokers, separated by commas. Default: those of the runtime's kafkaConfig, else "        \
		    "SLUICE_BROKERS."),                                                                                            \
		ROW("kafka-setting", NAMES, owner, member.settings, .word = "NAME=VALUE", .variable = "",                          \
		    .ambient_offset = offsetof(owner, member.ambient_settings),                                                    \
		    .help = "Any setting of librdkafka; overrides the runtime's."),                                                \
		SECRETS_ROW(owner, member.secrets)

/* Finds the Kafka settings. `asked` overrides the runtime, which may be NULL. CONFIG: there are no brokers, one has no
 * address (kafka/broker_list.h), a setting is not NAME=VALUE, or a secret is not at the given place. SYSTEM: the process
 * may open too few files to use Kafka (engine/setup/run_limits.h). Borrows from both. From the runtime's settings only those that
 * a file may set (compiler/resources/kafka_setting.h) are used. */
bool kafka_find(const struct runtime_spec *runtime, const struct kafka_asked *asked, struct arena *arena, struct kafka *kafka,
		struct error *error);

/* Options of a command that uses a pipeline's topics; the rows of commands fill them. */
/* The prefix of the topics, as asked for. */
struct prefix_asked {
	const char *prefix;
	const char *ambient; /* of the environment or the settings file */
};

#define PREFIX_ROW(owner, member)                                                                                                  \
	{                                                                                                                          \
		.name = "topic-prefix", .type = OPTION_TEXT, .offset = offsetof(owner, member.prefix), .word = "PREFIX",           \
		.variable = "SLUICE_TOPIC_PREFIX", .ambient_offset = offsetof(owner, member.ambient),                              \
		.help = "The first part of the names of all topics; default: `topicPrefix` of the files' SeldonRuntime, else "     \
			"SLUICE_TOPIC_PREFIX, or `sluice`."                                                                        \
	}

/* The prefix: what was asked for, else `of_files` (NULL: the files have none), else the ambient one. NULL: CONFIG, the
 * files have another than was asked for, or no topic can have it. */
const char *prefix_choose(const struct prefix_asked *asked, const char *of_files, struct error *error);

struct pipeline_target_asked {
	struct name_list files;
	struct kafka_asked kafka;
	struct prefix_asked prefix;
	const char *namespace;
	const char *ambient_namespace; /* of the environment or the settings file, if neither command line nor files set it */
};

#define PIPELINE_TARGET_ROWS(owner, member)                                                                                        \
	KAFKA_ROWS(owner, member.kafka), PREFIX_ROW(owner, member.prefix),                                                         \
	{                                                                                                                          \
		.name = "namespace", .letter = 'n', .type = OPTION_TEXT, .offset = offsetof(owner, member.namespace),              \
		.variable = "SLUICE_NAMESPACE", .ambient_offset = offsetof(owner, member.ambient_namespace),                       \
		.help = "The pipeline's namespace; default: that of the files, else SLUICE_NAMESPACE, or `default`."               \
	}

/* For commands that need the files only to find Kafka and the status topic. */
#define PIPELINE_TARGET_STATUS_FILES_ROW(owner, member)                                                                            \
	{                                                                                                                          \
		.name = "file", .letter = 'f', .type = OPTION_NAMES, .offset = offsetof(owner, member.files),                      \
		.help = "A file or folder of YAML that says where Kafka is and what the topics' prefix is."                        \
	}

#define PIPELINE_TARGET_FILES_HELP                                                                                                 \
	"A file or folder of the pipeline's YAML. Needed if its topics have other names, or Kafka needs settings."

struct pipeline_target {
	struct kafka kafka;
	const char *inputs;
	bool bound;	     /* the inputs topic belongs to the user or another pipeline: sluice does not create it */
	const char *outputs; /* of the pipeline, or of the named step */
	const char *errors;
	const char *feedback;		  /* NULL: the pipeline of the files has no experiment */
	const char *outcomes;		  /* NULL: likewise, or nothing reads its feedback */
	const char *status;		  /* status topic of its namespace */
	const char *prefix, *namespace;	  /* of that topic */
	struct pipeline_plan *plan; /* of the pipeline, as long as the workspace; NULL: no files were given */
	const struct mapping *mapping;	  /* mapping with the key of its requests; NULL: no file sets one */
	struct spec spec;
	bool spec_is_open;
};

/* `name` is PIPELINE or PIPELINE.STEP. NULL: only `status` is needed, for the given namespace, else that of the
 * files' first pipeline. False: CONFIG when the command line is at fault; the faults of the files are reported to
 * the workspace. The arena lives as long as the target. */
bool pipeline_target_open(const struct workspace *workspace, const struct pipeline_target_asked *asked, const char *name,
			  struct pipeline_target *target, struct error *error);
void pipeline_target_close(struct pipeline_target *target);

/* Checks that the pipeline's inputs topic exists, before a request is sent; likewise its feedback topic. */
bool pipeline_target_see_inputs(const struct pipeline_target *target, struct error *error);
bool pipeline_target_see_feedback(const struct pipeline_target *target, const char *pipeline, struct error *error);

/* The topic of the importance of the pipeline's features, in the arena. NULL: memory ran out. */
const char *pipeline_target_importance(const struct pipeline_target *target, const char *pipeline, struct arena *arena);

/* Passes all records of one of the pipeline's topics to `take`, from the beginning (kafka/consume/reader.h). `topic` NULL: it has
 * none. A topic that is not in Kafka has none either if it `may_be_absent`, else it is a CONFIG error. */
bool pipeline_target_give(const struct pipeline_target *target, const char *topic, bool may_be_absent,
			  bool (*take)(void *context, const struct record *record, struct error *error), void *context,
			  struct error *error);

/* The key of a request on the topic, if the pipeline's files set one (`input.key`); bytes NULL: none. In the arena. */
struct text pipeline_target_key(const struct pipeline_target *target, struct text request, struct arena *arena);

/* The name of an engine on this host: `asked`, or without it the host's name. */
const char *engine_name(const char *asked, struct arena *arena, struct error *error);
