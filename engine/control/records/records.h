/* records.h: Records of the control plane: proposals of appliers, decisions of the keeper, and reports of engines.
 *
 * An applier appends a proposal to the topic `proposals`. The keeper of the namespace writes to `control`, which is
 * compacted, in one transaction for each proposal:
 *
 *   KIND/NAME@VERSION   one for each resource: the document, its author, reason and labels
 *   table@CHOICE@VERSION  one for each bucket table that is another one then (compiler/step/assignment.h)
 *   rollout@EXPERIMENT  the state of a rollout; move@EXPERIMENT@NUMBER: each of its moves (control/keeper/keeper_rollouts.h)
 *   change@NUMBER       the versions that were accepted together, and their phase
 *   verdict@ID          the answer to the applier
 *
 * A version takes effect when its change becomes ACTIVE. That is one record, so all versions of a change take effect
 * together. A term of a keeper begins with the record `keeper`. Its number, the epoch, is in every record; a record
 * of an earlier term is refused. (The transactional id fences an earlier keeper first. The epoch is also for
 * systems outside Kafka.) Engines report on the topic `status` which ACCEPTED changes they have prepared.
 *
 * All texts are borrowed from the record's bytes. Times are of the wall clock, in milliseconds since 1970.
 */
#pragma once

#include "message/record_form.h"

#define CONTROL_RECORD_BYTES_MAX ((size_t)1 << 20) /* Kafka's own limit of a batch, unless it was raised */
#define PROPOSAL_BYTES_MAX (CONTROL_RECORD_BYTES_MAX - ((size_t)16 << 10)) /* the record of a version has a few more fields */
#define CONTROL_CHOICE_BYTES_MAX ((size_t)512) /* of a choice: two names; a longer one has no record */
#define PROPOSAL_ITEMS_MAX 1000						   /* a change lists them in one record */
#define PROPOSAL_REASON_BYTES_MAX 4096
#define CONTROL_FUTURE_MS (10 * 60 * 1000)	   /* a time further ahead comes from a wrong clock */
#define CONTROL_NUMBER_MAX (INT64_C(1) << 53)	   /* of a version, a change, an epoch: exact in every language, also as a double */
#define CONTROL_NAME_BYTES_MAX 253		   /* of a kind, a name or an id: the longest name in Kubernetes */

struct control_label {
	struct text key, value;
};

struct resource_version {
	struct text kind, name;
	int64_t version;
};

/* ---- of control ---- */

enum control_action { CONTROL_APPLY, CONTROL_DELETE };

/* An accepted version of a resource. */
struct control_version {
	struct text kind, name, namespace;
	int64_t version; /* from 1; never used again, also after a delete */
	int action;	 /* enum control_action */
	struct text document;
	struct text author, reason;
	struct text proposal; /* its id */
	int64_t time_ms;
	struct text keeper;
	struct record_list labels; /* struct control_label */
	int64_t change;
	int64_t epoch;
};

struct table_share {
	struct text name; /* of the candidate */
	int64_t buckets;
};

/* A bucket table. It takes effect with its change, as a version does. A choice that is deleted gets one without
 * shares; if it comes again, its tables start anew, with a later version. */
struct control_table {
	struct text choice; /* PIPELINE/STEP, or the name of an experiment */
	struct text namespace;
	int64_t version; /* from 1; never used again */
	struct text kind, name; /* of the resource that has the choice */
	struct record_list shares; /* struct table_share */
	struct text buckets; /* packed: compiler/step/assignment_table.h */
	struct text table; /* as exposures name it */
	int64_t moved; /* buckets, from the table before */
	int64_t change;
	int64_t time_ms;
	struct text keeper;
	int64_t epoch;
};

/* Counts of the calls that a choice of an experiment has had. */
struct slower_count {
	int64_t limit_us;
	int64_t calls; /* that took longer */
};

struct variant_count {
	struct text name;
	int64_t calls, errors;
	struct record_list slower; /* struct slower_count */
	struct record_list cells;  /* int64_t: the same by groups of units (unit_cells.h); none: it is not known */
};

/* Truths of a choice of an experiment: units with an accuracy, and sums (experiments/rollouts/truth_tally.h). */
struct variant_truth {
	struct text name;
	int64_t units, sum, squares, requests;
	struct record_list metrics; /* struct metric_truth */
	int64_t joined, late;	    /* requests whose truth came in time, and late */
};

/* Of one metric: the requests that have it, their units, and what these count as (struct metric_counts). */
struct metric_truth {
	struct text name;
	int64_t requests, units;
	double mean, squares;
	int64_t joined, late;
	double size, size_squares, products; /* of the numbers beside; size 0: each is 1 */
	int64_t other_values;
};

/* Of one pipeline. One without variants says that those of the pipeline are current: all feedback that has come is in them. */
struct pipeline_truth {
	struct text pipeline;
	struct record_list variants; /* struct variant_truth */
};

struct engine_tally {
	struct text engine;
	int64_t started_ms; /* 0: all starts before another one of the engine */
	struct record_list variants; /* struct variant_count */
};

/* State of a rollout. */
struct control_rollout {
	struct text experiment;
	struct text namespace;
	int64_t version; /* of the experiment */
	int64_t table; /* version of the bucket table in force, of which the counts are */
	struct text phase;
	int64_t stage, stages; /* from 1; how many there are */
	int64_t buckets; /* of all candidates but the default */
	bool waiting; /* for an approval */
	int64_t moves; /* number of the last one */
	int64_t began_ms, looked_ms; /* the stage; the last look */
	struct text state; /* rollout_state_write() */
	struct record_list limits; /* int64_t: latencies in microseconds, ascending */
	struct record_list engines; /* struct engine_tally */
	struct record_list truths; /* struct pipeline_truth */
	int64_t time_ms;
	struct text keeper;
	int64_t epoch;
};

/* A move of a rollout. */
struct control_move {
	struct text experiment;
	struct text namespace;
	int64_t number; /* from 1, without a gap */
	int64_t version; /* of the experiment */
	int64_t table; /* version of the bucket table that is in force after it */
	int64_t moved; /* buckets */
	struct text sentence;
	struct text evidence; /* rollout_move_write() */
	struct text author, reason; /* of a command */
	int64_t time_ms;
	struct text keeper;
	int64_t epoch;
};

enum change_phase {
	CHANGE_ACCEPTED, /* engines prepare it */
	CHANGE_ACTIVE,	 /* engines run it */
	CHANGE_FAILED,	 /* the versions before it stay */
};

struct control_change {
	struct text namespace;
	int64_t number; /* from 1, in the order of acceptance */
	int phase;	/* enum change_phase */
	struct text why;
	struct record_list versions; /* struct resource_version */
	struct text author;
	struct text proposal;
	int64_t time_ms; /* when it reached its phase */
	struct text keeper;
	int64_t epoch;
};

enum verdict_outcome { VERDICT_ACCEPTED, VERDICT_REFUSED, VERDICT_CONFLICT };

struct verdict_fault {
	struct text kind, name; /* of the resource */
	int64_t line, column;	/* in its document; line 0: the whole document */
	struct text code;	/* of `sluice help CODE`; empty: none */
	struct text text;
};

struct control_verdict {
	struct text id;
	struct text namespace;
	int outcome;		     /* enum verdict_outcome */
	struct text why;	     /* empty: accepted */
	int64_t change;		     /* number of the change, if it is accepted */
	struct record_list versions; /* struct resource_version: the new ones; of a conflict the existing one */
	struct text other;	     /* of a conflict: the author of the existing version */
	struct record_list faults;   /* struct verdict_fault */
	int64_t resume;		     /* offset of `proposals` at which a starting keeper continues */
	int64_t time_ms;
	struct text keeper;
	int64_t epoch;
};

/* The start of a term, on `control`; or the keeper's beat, on `status`. */
struct control_keeper {
	struct text namespace;
	int64_t epoch;
	struct text keeper;
	int64_t time_ms;
};

/* ---- of proposals ---- */

enum proposal_action { PROPOSAL_APPLY, PROPOSAL_DELETE, PROPOSAL_ROLLBACK, PROPOSAL_COLLECT };

#define PROPOSAL_EXPECTS_ANY (-1)

/* Kind of an item that commands a rollout: its name is that of the experiment, and its document is the command. */
#define ROLLOUT_COMMAND_KIND TEXT("RolloutCommand")

struct proposal_item {
	struct text kind, name; /* COLLECT: may be empty, for all resources */
	int action;		/* enum proposal_action */
	struct text document;	/* APPLY */
	/* The newest accepted version that the author has seen. 0: none, or it is deleted. */
	int64_t expected;
	int64_t to;		   /* ROLLBACK: the version to return to. COLLECT: how many versions to keep */
	struct record_list labels; /* struct control_label */
};

/* A proposal, or one of its parts. */
struct proposal {
	struct text id; /* the same in all parts, and when the proposal is sent again */
	struct text namespace;
	struct text author, reason;
	int64_t time_ms;
	int64_t part;		  /* from 0 */
	int64_t parts;		  /* 0 means 1 */
	struct record_list items; /* struct proposal_item */
};

/* ---- of status ---- */

struct failed_change {
	int64_t change;
	struct text why;
};

/* The engine's results for all ACCEPTED changes. The newest report replaces earlier ones. */
struct engine_report {
	struct text namespace;
	struct text engine;
	int64_t started_ms;
	int64_t sequence;	     /* counts reports since that start */
	bool stopped;		     /* its last report */
	struct record_list prepared; /* int64_t: numbers of changes */
	struct record_list failed;   /* struct failed_change */
};

/* Counts of the experiments that are rolled out. The newest record of an engine replaces earlier ones. */
struct experiment_tally {
	struct text experiment;
	int64_t table; /* version of the bucket table, of which the counts are */
	struct record_list variants; /* struct variant_count */
	struct record_list truths; /* struct pipeline_truth: of the pipelines whose feedback the engine has joined */
};

struct engine_tallies {
	struct text namespace;
	struct text engine;
	int64_t started_ms;
	int64_t sequence; /* counts these records since that start */
	struct record_list experiments; /* struct experiment_tally */
};

#define CONDITION_OF_ENGINE TEXT("Engine") /* kind of the condition of an engine itself; its name is the engine's */

/* State of a resource in an engine. */
struct engine_condition {
	struct text kind, name;
	int64_t version; /* that the engine runs; 0: none */
	bool ready;	 /* a request that is sent now is answered */
	struct text what; /* one word: Ready, Starting, Waiting, Failing, Failed, Stale, Differs, NoSecret */
	struct text why;  /* empty: it is ready, and there is nothing to say */
	int64_t since_ms;
};

/* Conditions of all resources in force in an engine, on change and every CONDITIONS_EVERY_MS. The newest record
 * replaces earlier ones. An engine is live as long as it sends reports. */
#define CONDITIONS_EVERY_MS 10000

struct engine_conditions {
	struct text namespace;
	struct text engine;
	int64_t started_ms;
	int64_t sequence; /* counts these records since that start */
	int64_t time_ms;
	bool stopped;			/* its last record */
	struct record_list conditions; /* struct engine_condition */
};

extern const struct record_form version_form, change_form, verdict_form, keeper_form, table_form, proposal_form, report_form,
	conditions_form, rollout_form, move_form, tally_form;

bool version_has_label(const struct control_version *version, struct text key, struct text value);

/* Append the key of a record on `control`. */
void version_key(struct text kind, struct text name, int64_t version, struct buffer *out);
void change_key(int64_t number, struct buffer *out);
void verdict_key(struct text id, struct buffer *out);
void choice_key(struct text choice, struct buffer *out); /* of its tables, without the version */
void table_key(struct text choice, int64_t version, struct buffer *out);
#define TABLE_KEY_PREFIX TEXT("table@")
void rollout_key(struct text experiment, struct buffer *out);
void move_key(struct text experiment, int64_t number, struct buffer *out);
#define ROLLOUT_KEY_PREFIX TEXT("rollout@")
#define MOVE_KEY_PREFIX TEXT("move@")
#define KEEPER_KEY TEXT("keeper")

/* Whether a record of `control` can have that key, in this version or in a newer one: each key but KEEPER_KEY names something
 * before an `@` and behind it. */
bool control_key_is_possible(struct text key);

/* Append the key of a record on `status`. */
void report_key(struct text engine, struct buffer *out);
void conditions_key(struct text engine, struct buffer *out);
void tally_key(struct text engine, struct buffer *out);

/* Whether a kind, name or id can be part of a key: no spaces, control characters, `/` or `@`; not `.` or `..`. */
bool control_name_is_valid(struct text name);

/* The same of the name of a choice, which may be two names with a `/` between them: a pipeline's, and a step's. */
bool control_choice_is_valid(struct text name);
