/* kafka.h: how a command finds Kafka, and the topics of a pipeline in it.
 *
 * For `sluice run`, and for the commands that talk to what it runs: they may be handed
 * the pipeline's files, where a topic has a name of its own or kafkaConfig says how to
 * log in; without files the names of topics follow the rule.
 */
#ifndef SLUICE_CLI_KAFKA_H
#define SLUICE_CLI_KAFKA_H

#include "cli/command.h"
#include "log/record.h"
#include "message/mapped.h"
#include "net/tls.h"
#include "spec/resource.h"

struct kafka {
	const char *brokers;
	struct properties consumer, producer; /* kafkaConfig's */
	struct properties topics;	      /* of topics that are made */
	struct registry_access {
		const char *url;   /* NULL: there is none */
		const char *login; /* NULL: none is needed */
		struct tls_files files;
	} registry;
};

/* What the command line says of Kafka itself; KAFKA_ROWS fill it in. */
struct kafka_asked {
	const char *brokers;	   /* NULL: the runtime says them */
	struct name_list settings; /* NAME=VALUE each, behind the runtime's: any that librdkafka has, since the operator gave it */
	/* Of the environment and the settings file (cli/settings.h): where neither says otherwise. */
	const char *ambient_brokers;
	struct name_list ambient_settings;
};

#define KAFKA_ROWS(owner, member)                                                                                                  \
	ROW("brokers", TEXT, owner, member.brokers, .word = "HOST:PORT", .variable = "SLUICE_BROKERS",                             \
	    .ambient_offset = offsetof(owner, member.ambient_brokers),                                                             \
	    .help = "Where Kafka is, several joined by commas; goes before the runtime's kafkaConfig, which goes before "          \
		    "SLUICE_BROKERS."),                                                                                            \
		ROW("kafka-setting", NAMES, owner, member.settings, .word = "NAME=VALUE", .variable = "",                          \
		    .ambient_offset = offsetof(owner, member.ambient_settings),                                                    \
		    .help = "A setting of librdkafka, any; goes before the runtime's. May be given several times.")

/* `asked` goes before what the runtime says, which may be NULL. A CONFIG error when nothing says where the brokers are, for
 * a setting that is no NAME=VALUE, or for a secret that is not where it is said to be. Borrows from both. Of the runtime's settings
 * only those that may come from a file (spec/kafka_setting.h) are taken. */
bool kafka_find(const struct runtime_spec *runtime, const struct kafka_asked *asked, struct arena *arena, struct kafka *kafka,
		struct error *error);

/* What the command line says of it; the rows of commands fill it in. */
struct door_asked {
	struct name_list files;
	struct kafka_asked kafka;
	const char *namespace;
	const char *ambient_namespace; /* of the environment or the settings file: where neither it nor the files say one */
};

#define DOOR_ROWS(owner, member)                                                                                                   \
	KAFKA_ROWS(owner, member.kafka),                                                                                           \
	{                                                                                                                          \
		.name = "namespace", .letter = 'n', .type = OPTION_TEXT, .offset = offsetof(owner, member.namespace),              \
		.variable = "SLUICE_NAMESPACE", .ambient_offset = offsetof(owner, member.ambient_namespace),                       \
		.help = "The pipeline's namespace; default: that of the files, else SLUICE_NAMESPACE, or `default`."               \
	}

/* Where only Kafka and the status topic are to be found by them. */
#define DOOR_STATUS_FILES_ROW(owner, member)                                                                                       \
	{                                                                                                                          \
		.name = "file", .letter = 'f', .type = OPTION_NAMES, .offset = offsetof(owner, member.files),                      \
		.help = "A file or folder of YAML that says where Kafka is and what the topics' prefix is."                        \
	}

#define DOOR_FILES_HELP                                                                                                            \
	"A file or folder of the pipeline's YAML: where its topics have names of their own, or Kafka wants settings."

struct door {
	struct kafka kafka;
	const char *inputs;
	bool bound; /* the user's own topic, or another pipeline's, is read: sluice does not make it */
	const char *outputs; /* of the pipeline, or of the step that was named */
	const char *errors;
	const char *status; /* of its namespace */
	const struct mapping *mapping; /* by which its requests have a key; NULL: no file says one */
	struct spec spec;
	bool spec_is_open;
};

/* `name` is PIPELINE or PIPELINE.STEP; NULL: only `status` is wanted, of the namespace asked
 * for, else of the files' first pipeline. False: CONFIG when the command line is at fault; the
 * faults of the files are said on the session's `err`. The arena lives as long as the door. */
bool door_open(struct session *session, const struct door_asked *asked, const char *name, struct door *door, struct error *error);
void door_close(struct door *door);

/* Sees that the topic that the pipeline reads is there, before a request is sent. */
bool door_see_inputs(const struct door *door, struct error *error);

/* The key under which a request belongs on the topic, where the pipeline's files say so
 * (`input.key`); bytes NULL: nothing does. In the arena. */
struct text door_key(const struct door *door, struct text request, struct arena *arena);

/* What an engine on this host is called: `asked`, or without it the host's name. */
const char *engine_name(const char *asked, struct arena *arena, struct error *error);

#endif
