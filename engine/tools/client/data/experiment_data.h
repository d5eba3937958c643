/* experiment_data.h: Data of an experiment for commands: its specification, and exposures and feedback from files or topics,
 * joined per unit. */
#pragma once

#include "tools/client/data/policy_topics.h"
#include "experiments/analysis/report.h"
#include "compiler/graph/graph.h"

struct experiment_asked {
	struct pipeline_target_asked target;
	struct name_list exposures, feedback; /* files; with them Kafka is not read */
	struct name_list pipelines;
	const char *since, *until, *covariate;
	int64_t window_ns;
	struct name_list kept[3]; /* metrics that are read however many others come; those of the first are all that is shown */
	double tolerance; /* by which numbers of a mirror and of an answer may differ; 0: replies of mirrors are not read */
};

#define EXPERIMENT_YAML_ROW(owner, member)                                                                                         \
	{                                                                                                                          \
		.name = "file", .letter = 'f', .type = OPTION_NAMES, .offset = offsetof(owner, member.target.files),               \
		.help = "A file or folder of YAML with the Experiment: its control is its default, and its pipelines have the "    \
			"topics."                                                                                                  \
	}

#define EXPERIMENT_TOPIC_ROWS(owner, member)                                                                                       \
	ROW("pipeline", NAMES, owner, member.pipelines, .word = "PIPELINE",                                                        \
	    .help = "A pipeline whose exposures and feedback topics are read; default: those of the files with the "               \
		    "experiment."),                                                                                                \
		ROW("since", TEXT, owner, member.since, .word = "TIME",                                                            \
		    .help = "Only exposures from that time on, as in 2026-01-31T09:30Z."),                                         \
		ROW("until", TEXT, owner, member.until, .word = "TIME", .help = "Only records until that time."),                  \
		ROW("window", DURATION, owner, member.window_ns, .word = "TIME",                                                   \
		    .help = "How long after an exposure its feedback counts. An exposure is left out until that time has passed. " \
			    "Default: feedback counts whenever it comes."),                                                        \
		PIPELINE_TARGET_ROWS(owner, member.target)

#define EXPERIMENT_ROWS_OF(owner, member)                                                                                          \
	EXPERIMENT_YAML_ROW(owner, member),                                                                                        \
		ROW("exposures", NAMES, owner, member.exposures, .word = "FILE",                                                   \
		    .help = "A file of exposures, JSON lines or Avro records; topics are not read then. - is standard input."),    \
		ROW("feedback", NAMES, owner, member.feedback, .word = "FILE", .help = "A file of feedback, likewise."),           \
		EXPERIMENT_TOPIC_ROWS(owner, member)

struct experiment_data {
	struct spec spec;
	bool spec_is_open;
	struct linked_graphs graphs;		  /* of its pipelines */
	const struct experiment_spec *experiment; /* NULL: no file has it */
	struct joined joined;
	struct mirror_comparison mirror;
	const struct mirror_result *mirrored; /* NULL: no copy of a mirror is recorded */
	size_t overlap_count;
	const struct overlap_table *overlaps; /* with others that share a metric and a pipeline */
	bool has_policies;		      /* the experiment learns, by its file or by a policy, and the next one was read */
	struct published_policies policies;
	uint64_t unjudged;		      /* feedback that a metric of the files could not judge */
	uint64_t unreadable;	     /* records of topics that were left out */
	struct error unreadable_why; /* of the first */
};

/* Who takes what is read. A callback that returns false ends it, with its error. */
struct experiment_taker {
	void *context;
	bool (*begin)(void *context, const struct experiment_data *data, struct error *error); /* the files are read */
	/* The policy by which a pipeline chose, before its exposures; `policy` NULL: none is known. NULL: nobody asks. */
	void (*policy)(void *context, const struct published_policy *policy);
	bool (*expose)(void *context, const struct exposure *exposure, struct error *error);
	bool (*inform)(void *context, const struct feedback *feedback, int64_t time_ms, struct error *error);
	bool (*pipeline)(void *context, const char *name, struct error *error); /* its topics were read; NULL: nobody asks */
};

/* Reads all records, and joins nothing. Else as below. */
bool experiment_data_take(const struct workspace *workspace, const char *name, const struct experiment_asked *asked,
			  struct arena *arena, const struct experiment_taker *taker, struct experiment_data *data,
			  struct error *error);

/* The times of --since and --until; 0: not given. CONFIG. */
bool experiment_asked_times(const struct experiment_asked *asked, int64_t *since_ms, int64_t *until_ms, struct error *error);

/* Reads and joins. A record of a file that cannot be read is an error with its line; of a topic it is counted. It must be
 * closed, also when it fails. Memory is the arena's. */
bool experiment_data_open(const struct workspace *workspace, const char *name, const struct experiment_asked *asked,
			  struct arena *arena, struct experiment_data *data, struct error *error);
void experiment_data_close(struct experiment_data *data);

/* The next pipeline of the files whose messages can reach the experiment, from the graph `*at` on; NULL: there is none. */
const struct graph *experiment_graph_next(const struct experiment_data *data, const char *name, size_t *at);

/* The graph of a pipeline of the files; NULL: they do not have it. */
const struct graph *experiment_graph_find(const struct experiment_data *data, const char *pipeline);

/* Whether engines compute the metric by which the experiment learns, in one of its pipelines. */
bool experiment_reward_is_computed(const struct experiment_data *data, const char *name);

/* The rules of the metrics that pipelines of the files with the experiment declare, in the arena. False: the arena is full. */
bool experiment_data_rules(const struct experiment_data *data, const char *name, struct arena *arena,
			   struct report_options *options);

/* What the report's options say where the command line says nothing: control, primary metric and stages of the files. */
void experiment_data_defaults(const struct experiment_data *data, struct report_options *options);
