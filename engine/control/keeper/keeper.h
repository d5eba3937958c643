/* keeper.h: Keeper of a namespace: decides which proposals are accepted, and when their versions take effect.
 *
 * A pure state machine. Its input is the contents of `control`, then proposals in their order, reports of engines,
 * and the time. Each step returns records. The caller writes them to `control` in one transaction, together with the
 * offset of the proposals. If a transaction fails, the caller closes the keeper and restores another one from the
 * topic. So no decision exists only in memory.
 *
 * Acceptance. The documents of a proposal are accepted all or none. Each states the newest version that its author
 * has seen. If there is another version, the verdict is a conflict, which names the author of that version. The
 * keeper calls a checker for whether the documents fit to all accepted ones. An accepted document gets the next
 * version number of its resource; numbers are never used again. A proposal that is sent twice has one verdict, as
 * long as the verdict is kept.
 *
 * Bucket tables. The checker returns the tables that the documents change, each made of the accepted one. They are part
 * of the change. When an earlier change fails that had changed a table too, the later table is made again of the one
 * before, so that no more buckets move than must.
 *
 * Convergence. The versions of a proposal are a change. Engines prepare the change and report that. When all live
 * engines have prepared it, the change becomes ACTIVE and they start it. When an engine cannot prepare it, or the
 * deadline passes, it becomes FAILED, and the versions before it stay in force. An engine is live until it reports
 * that it stops, or does not report for KEEPER_SILENT_MS. A change waits for the earlier undecided ones that have to do
 * with it (control/keeper/change_order.h), because it was checked with them, and engines compile it together with what they
 * leave in force. But if it replaces all resources of an earlier change, the earlier one becomes FAILED. So a rollback
 * never waits for the change that it reverts.
 *
 * Rollouts. Each Experiment in force with `progressiveDeployment` and a default has a state machine
 * (experiments/rollouts/rollout.h). Engines report what they have counted of each choice, and the keeper judges the sums each
 * `checkEvery`. A move is one step: a bucket table of the accepted version, which is in force at once and which engines need
 * not prepare; a record of the move with its evidence; and the state, with the counts that it was judged by. The state is
 * also written with each look. So the next keeper goes on where this one ended: control/keeper/keeper_rollouts.c.
 *
 * Belongs to one thread. Times are of the wall clock, in milliseconds since 1970; see keeper_shift().
 */
#pragma once

#include "base/option.h"
#include "control/records/ledger.h"

#define KEEPER_BEAT_MS 500	/* between two beats on `status` */
#define KEEPER_ABSENT_MS 2500	/* time without a beat after which a candidate takes over */
#define KEEPER_STALE_MS 5000	/* time without a beat after which an engine reports that it is stale */
#define KEEPER_SILENT_MS 5000	/* time without a report after which an engine is not live; it reports each second */
#define KEEPER_FORGOTTEN_MS 3600000 /* time without a report after which an engine is forgotten; pods get new names */
#define KEEPER_DEADLINE_MS 60000 /* of a change, and of the parts of a proposal */
#define KEEPER_VERSIONS 50	/* kept versions of a resource */
#define KEEPER_TABLES 8		/* kept bucket tables of a choice */
#define KEEPER_MOVES 200		/* kept moves of a rollout */
#define KEEPER_MOVES_MS ((int64_t)30 * 24 * 3600 * 1000) /* of a deleted experiment, after its last one */
#define KEEPER_TALLIES_MAX 1000 /* engines whose counts a rollout adds up */
#define KEEPER_VERDICTS 1000	/* kept verdicts: 10 minutes of 100 applies a minute */
#define KEEPER_PARTS_MAX 64	/* of a proposal */
#define KEEPER_FAULTS 100	/* of a verdict; further ones are left out */
#define KEEPER_WAITING_BYTES_MAX ((size_t)32 << 20) /* of the parts that wait for others */
/* Records that may arrive while parts of a proposal are missing. A keeper that starts reads them again, and finds its
 * own decisions about them in the verdicts. So the limit is below the number of kept verdicts. */
#define KEEPER_WAITING_RECORDS 500

/* What a checker finds. The lists start empty, and are in its caller's arena. */
struct keeper_findings {
	struct record_list faults; /* struct verdict_fault; none: the documents fit */
	struct record_list warnings; /* struct verdict_fault: of references in the proposed documents; the keeper drops them */
	struct record_list tables; /* struct control_table: of choices whose bucket tables the proposal changes */
	struct record_list state_labels; /* struct state_label: of the applied resources */
	bool state_is_changed;		 /* a stage that had state gets another changelog */
};

/* Checks the documents of a proposal against all accepted ones: `items` (struct proposal_item) are APPLY or DELETE.
 * Equal input must give equal output. False: SYSTEM. */
struct keeper_checker {
	bool (*check)(void *context, const struct record_list *items, const struct ledger *accepted, struct arena *arena,
		      struct keeper_findings *findings, struct error *error);
	void *context;
};

struct rollout_document;

/* Reads the rollouts of an accepted Experiment, or of the experiments that are written in a Pipeline:
 * control/keeper/rollout_document.h. */
struct keeper_rollout_reader {
	/* The names of the experiments in a document that have a rollout, which may be one that cannot run. False: SYSTEM. */
	bool (*list)(void *context, struct text document, struct arena *arena, struct name_list *names, struct error *error);

	/* The rollout of the experiment of that name. */
	bool (*read)(void *context, struct text document, const char *experiment, struct arena *arena,
		     struct rollout_document *rollout, bool *is_rollout, struct error *error);

	/* Its default, which is in the arena; NULL: it has none, or its text cannot be read. False: SYSTEM. */
	bool (*read_default)(void *context, struct text document, const char *experiment, struct arena *arena, const char **name,
			     struct error *error);
	void *context;
};

struct keeper_options {
	const char *namespace;
	const char *engine;		/* name of this engine */
	struct keeper_checker checker;	/* check NULL: all documents fit */
	struct keeper_rollout_reader rollouts; /* read NULL: no rollouts run */
};

/* A record for `control`; `value` with NULL bytes is a tombstone. */
struct keeper_record {
	struct text key, value;
};

struct keeper;

/* Options are borrowed. NULL: SYSTEM. */
struct keeper *keeper_open(const struct keeper_options *options, struct error *error);
void keeper_close(struct keeper *keeper); /* NULL is fine */

/* Reads a record of `control`; to be called for all of them, from the beginning to the end. A refused record is not
 * an error here; the ledger counts it. A record from the future is taken: a keeper with a wrong clock decided it, and
 * its numbers must not be used again. False: SYSTEM, and keeper_begin() must not be called. */
bool keeper_restore(struct keeper *keeper, struct text key, struct text value, int64_t offset, struct error *error);

/* Begins a term, after the last record of `control`. Proposals then continue at keeper_resume(). False: SYSTEM; or
 * CONFIG, a newer version of sluice wrote records that this one cannot read, so it does not know what was decided, and the error
 * names the first of them. */
bool keeper_begin(struct keeper *keeper, int64_t now_ms, struct error *error);

/* Continues at that offset instead: `proposals` ends before keeper_resume(), because it was deleted and created again. */
void keeper_rewind(struct keeper *keeper, int64_t offset);

/* Refuses the proposal of that offset without a decision: keepers have failed at it, and the next one would fail too. */
void keeper_skip(struct keeper *keeper, int64_t offset);

/* Steps. Each returns false only for SYSTEM; the keeper must then be closed. Invalid input leads to a verdict or,
 * where there is nobody to answer, to keeper_refused(). A proposal that was decided before is ignored. Offsets ascend;
 * one that does not is a SYSTEM error too: `proposals` was deleted and created again. */
bool keeper_propose(struct keeper *keeper, int64_t offset, struct text value, int64_t now_ms, struct error *error);
bool keeper_report(struct keeper *keeper, struct text value, int64_t now_ms, struct error *error);
bool keeper_tally(struct keeper *keeper, struct text value, int64_t now_ms, struct error *error); /* counts of an engine */
bool keeper_tick(struct keeper *keeper, int64_t now_ms, struct error *error);

/* A stage that waits for the answer of its webhook. Texts are borrowed until the next step. */
struct keeper_question {
	const char *experiment, *url, *secret; /* secret: a reference, or NULL */
	int64_t timeout_ms;
	const struct control_move *move; /* by which it waits */
};

/* The n-th question. False: there are no more. */
bool keeper_question(const struct keeper *keeper, size_t nth, struct keeper_question *question);

/* A step: the answer to the question of that move, and its reason. It is ignored when the stage does not wait any more. */
bool keeper_answer(struct keeper *keeper, struct text experiment, int64_t move, bool yes, struct text reason, int64_t now_ms,
		   struct error *error);

/* The wall clock was set, and is now `by_ms` later than time has passed: engines stay live, and deadlines stay away, as
 * long as they would have been. */
void keeper_shift(struct keeper *keeper, int64_t by_ms);

/* The records of the last step, to be written in their order; borrowed until the next step. */
size_t keeper_records(const struct keeper *keeper, const struct keeper_record **records);

/* Offset of the first proposal that is not decided: to be committed with the records. */
int64_t keeper_resume(const struct keeper *keeper);

const struct ledger *keeper_ledger(const struct keeper *keeper);

/* Number of ignored records of proposals and reports, and the reason of the last one ("": none was ignored). */
uint64_t keeper_refused(const struct keeper *keeper, const char **why);

/* What an operator should know of the records that the keeper wrote; said once as long as it is so. False: nothing new. `words` are
 * valid until the next step. */
bool keeper_remark_take(struct keeper *keeper, const char **words);

/* The latest time for the next keeper_tick(); INT64_MAX: not needed before the next input. */
int64_t keeper_due(const struct keeper *keeper);
