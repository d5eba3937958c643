/* simulation_control.h: Control plane of a simulation run: the topics `control`, `proposals` and `status` on the simulated Kafka,
 * candidates for the keeper in processes of their own, a follower in the process of each worker, and appliers. The keepers'
 * decisions and the followers' ledgers are the product's (control/keeper/keeper.h, control/engine/control_reader.h). A run that has
  * it gets its deployments by changes that appliers propose and a keeper activates.
 *
 * Faults: keepers are killed, frozen and cut off while they rule; `control` is unavailable for a time; a follower reads it late and
 * in pieces; proposals are sent twice, and by two appliers at once; reports are lost, late and doubled; an engine cannot prepare a
 * change, or takes longer than the keeper waits.
 *
 * Properties: no record of a keeper that was replaced is committed; each proposal has one verdict, of two at once exactly one is
 * accepted; versions in force never go back, neither on the topic nor in any engine; each bucket table has the weights in force,
 * and moves the fewest buckets; at the end all is decided, and all engines have the same versions, tables and deployment in force.
 *
 * Private to `sluice sim`.
 */
#pragma once

#include "control/engine/control_reader.h"
#include "control/keeper/document_check.h"
#include "simulation/simulation.h"
#include "simulation/simulation_line.h"

#define SIMULATION_CONTROL_TOPIC "sluice.default.control"
#define SIMULATION_SPLIT "split"   /* pipeline whose weights are moved */
#define SIMULATION_MARKER "marker" /* model that each deployment changes */
#define SIMULATION_KEEPERS 2
#define SIMULATION_KEEPER_FAULTS_MAX 4
#define SIMULATION_RESOURCES_MAX (SIMULATION_LINES_MAX + 2)
#define SIMULATION_PREPARED_MAX 16
#define SIMULATION_APPLIERS 2
#define SIMULATION_RIVALS 2 /* proposals of one applier and of another one at once */

struct simulation;
struct simulation_control;

/* A process that is a candidate for the keeper, as control/keeper/keeper_service.h has it. */
struct simulation_keeper {
	struct simulation_control *control;
	char name[16];
	struct simulated_host *host;		/* NULL: it is down */
	struct simulated_fenced_writer *writer; /* NULL: a candidate */
	struct keeper *keeper;			/* NULL: it does not rule yet */
	int64_t status_read, proposals_read;	/* offsets of the next records */
	int64_t ahead_ms;			/* of its clock, before that of the simulated Kafka */
	int64_t heard_us, heard_epoch, beat_us, seen_us;
	int64_t start_us; /* while it is down */
};

/* A change that an engine prepares. */
struct simulation_prepared {
	int64_t change;
	int64_t due_us;
	bool fails;
};

/* Part of a worker's process that reads `control`, as control/engine/follower.h does. */
struct simulation_follower {
	struct simulation_control *control;
	const char *name;	     /* of its engine */
	struct simulated_host *host; /* NULL: it is not running */
	bool is_open;		     /* its reader is */
	struct control_reader reader;
	int64_t read;	 /* offset of the next record */
	int64_t turn_us; /* it reads then */
	int64_t report_us;
	int64_t started_ms, sequence;
	size_t deployment; /* in force here */
	size_t prepared_count;
	struct simulation_prepared prepared[SIMULATION_PREPARED_MAX];
	struct text late; /* a report that arrives late; no bytes: none */
	int64_t late_us;
	int64_t in_force[SIMULATION_RESOURCES_MAX]; /* versions that it had, also before a restart */
};

enum simulation_work { SIMULATION_WORK_IDLE, SIMULATION_WORK_ASKED, SIMULATION_WORK_ACCEPTED, SIMULATION_WORK_DONE };

/* An applier, which has some changes to make, one after the other. */
struct simulation_applier {
	bool deploys;	    /* deployments; else it moves the weights of a split */
	size_t done, count; /* of its changes */
	enum simulation_work work;
	int64_t due_us; /* of its next act */
	size_t asked;	/* proposals for the present change */
	const char *ids[SIMULATION_RIVALS];
	struct text sent[SIMULATION_RIVALS]; /* their bytes */
	int64_t change;			     /* that was accepted */
};

struct scheduled_keeper_fault {
	int64_t due_us, lasts_us;
	enum simulation_keeper_fault kind;
};

struct simulation_resource {
	const char *kind, *name;
	int64_t in_force; /* version, as the topic has it */
};

struct simulation_control {
	struct simulation *simulation;
	bool is_there; /* the run has a control plane */
	struct random *random;
	struct simulated_topic *topic, *proposals, *status;
	struct document_checker checker;
	struct keeper_options options;
	struct simulation_keeper keepers[SIMULATION_KEEPERS];
	size_t follower_count;
	struct simulation_follower *followers[16];
	struct simulation_applier appliers[SIMULATION_APPLIERS];
	size_t resource_count;
	struct simulation_resource resources[SIMULATION_RESOURCES_MAX];
	int64_t deploy_due_us[SIMULATION_DEPLOYMENTS_MAX]; /* when each is proposed */
	int64_t deployed_by[SIMULATION_DEPLOYMENTS_MAX];   /* number of its change; 0: not accepted */
	bool judge_is_open;
	struct control_reader judge;	   /* of all that is committed */
	int64_t judged;			   /* offset of the next record */
	unsigned char *ways, *ways_before; /* owners of the buckets in force */
	bool has_ways;
	uint64_t activations; /* that were judged */
	size_t fault_count, faults_done;
	struct scheduled_keeper_fault faults[SIMULATION_KEEPER_FAULTS_MAX];
	struct arena *scratch;
	struct buffer bytes, key; /* of a record being written */
	uint64_t wakes, woken;	  /* of writers */
	uint64_t changes;	  /* of the topics when it last lived */
	int64_t due_us;
	bool is_calm;
	uint64_t proposed; /* proposals so far, for their ids */
};

/* Opens it with the first deployment in force. `last_us`: of the last request. False: SYSTEM. */
bool simulation_control_open(struct simulation *simulation, int64_t last_us, struct error *error);
void simulation_control_close(struct simulation_control *control); /* an unopened one is fine */

/* The follower of a process of that name, which is not running yet. NULL: memory. */
struct simulation_follower *simulation_control_follow(struct simulation *simulation, const char *name, struct error *error);

int64_t simulation_control_due_us(const struct simulation_control *control);
bool simulation_control_live(struct simulation_control *control, struct error *error);

/* Whether all is decided, and each engine that runs has it in force. */
bool simulation_control_settled(const struct simulation_control *control);
void simulation_control_end(struct simulation_control *control); /* checks what must hold at the end */

static inline int64_t simulation_control_ms(int64_t now_us)
{
	return LOOP_VIRTUAL_EPOCH_MS + now_us / 1000;
}

/* Whether a fault that happens so many times in a thousand happens now; never once it is calm. */
static inline bool simulation_control_chance(struct simulation_control *control, unsigned in_thousand)
{
	return random_in_thousand(control->random, in_thousand) && !control->is_calm;
}

/* ---- simulation_control_topics.c ---- */

bool simulation_control_topics_open(struct simulation_control *control); /* false: memory */

/* Appends a record at once, as a producer that is connected does. */
bool simulation_control_append(struct simulation_control *control, struct simulated_topic *topic, struct text key,
			       struct text value, struct error *error);
uint64_t simulation_control_topic_changes(const struct simulation_control *control); /* grows with every record */

/* ---- simulation_keeper.c ---- */

bool simulation_keeper_live(struct simulation_keeper *keeper, struct error *error);
int64_t simulation_keeper_due_us(const struct simulation_keeper *keeper);
void simulation_keeper_kill(struct simulation_keeper *keeper, int64_t start_us);
bool simulation_keeper_rules(const struct simulation_keeper *keeper);

/* ---- simulation_follower.c ---- */

/* Starts it in a process: it reads `control` to its end. False: SYSTEM. */
bool simulation_follower_start(struct simulation_follower *follower, struct simulated_host *host, struct error *error);
void simulation_follower_stop(struct simulation_follower *follower); /* its process is gone */
bool simulation_follower_live(struct simulation_follower *follower, struct error *error);
int64_t simulation_follower_due_us(const struct simulation_follower *follower);

/* ---- simulation_applier.c ---- */

bool simulation_applier_live(struct simulation_applier *applier, struct simulation_control *control, struct error *error);
bool simulation_applier_seed(struct simulation_control *control, struct error *error); /* what is in force at first */

/* ---- simulation_control_judge.c ---- */

bool simulation_control_judge(struct simulation_control *control, struct error *error); /* reads what was committed since */
