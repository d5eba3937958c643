/* keeper.h: Keeper of a namespace: decides which proposals are accepted, and when their versions take effect.
 *
 * A pure state machine. Its input is what `control` holds, then proposals in their order, reports of engines, and the
 * time. Each step gives records, which the caller writes in one transaction: to `control`, with the offset of the
 * proposals. When a transaction fails, the keeper is thrown away, and another one is restored from the topic. So
 * nothing that was decided is only in memory.
 *
 * Acceptance. The documents of a proposal are accepted all or none. Each names the newest version that its author
 * knows; another one there is a conflict, and the verdict names its author. The keeper asks a checker whether the
 * documents fit to all that is accepted. An accepted document has the next version number of its resource; numbers
 * are never used again. A proposal that is sent twice has one verdict, as long as that is kept.
 *
 * Convergence. The versions of a proposal are a change. Engines prepare it and report so. When all live engines have,
 * it becomes ACTIVE: they start it. When one cannot, or the deadline passes, it has FAILED, and the versions before
 * stay in force. An engine is live until it says that it stops or has been silent for KEEPER_SILENT_MS. A change waits
 * for an earlier one that is not decided and has a resource in common with it; but where it replaces all of the
 * earlier one's resources, that one has failed. So a rollback never waits for what it takes back.
 *
 * Belongs to one thread. Times are of the wall clock, in milliseconds since 1970.
 */
#ifndef SLUICE_CONTROL_KEEPER_H
#define SLUICE_CONTROL_KEEPER_H

#include "control/ledger.h"

#define KEEPER_BEAT_MS 500	/* between two beats on `status` */
#define KEEPER_ABSENT_MS 3000	/* without a beat for so long, a candidate takes over */
#define KEEPER_STALE_MS 5000	/* without a beat for so long, an engine says that it is stale */
#define KEEPER_SILENT_MS 5000	/* without a report for so long, an engine is not live; it reports each second */
#define KEEPER_DEADLINE_MS 60000 /* of a change, and of the parts of a proposal */
#define KEEPER_VERSIONS 50	/* of a resource, that are kept */
#define KEEPER_VERDICTS 1000	/* that are kept: 10 minutes of 100 applies a minute */
#define KEEPER_PARTS_MAX 64	/* of a proposal */
#define KEEPER_FAULTS 100	/* of a verdict; further ones are left out */
#define KEEPER_WAITING_BYTES_MAX ((size_t)32 << 20) /* of the parts that wait for others */
/* Records that may come while parts of a proposal are missing. A keeper that starts reads them again, and knows what it
 * has decided of them by the verdicts: fewer than are kept. */
#define KEEPER_WAITING_RECORDS 500

/* Checks the documents of a proposal against all that is accepted: `items` (struct proposal_item) are APPLY or DELETE.
 * Faults are added in the arena; none: they fit. It must give the same for the same input. False: SYSTEM. */
struct keeper_checker {
	bool (*check)(void *context, const struct record_list *items, const struct ledger *accepted, struct arena *arena,
		      struct record_list *faults, struct error *error);
	void *context;
};

struct keeper_options {
	const char *namespace;
	const char *engine;		/* who this is */
	struct keeper_checker checker;	/* check NULL: all documents fit */
};

/* A record for `control`; `value` with NULL bytes removes. */
struct keeper_record {
	struct text key, value;
};

struct keeper;

/* Options are borrowed. NULL: SYSTEM. */
struct keeper *keeper_open(const struct keeper_options *options, struct error *error);
void keeper_close(struct keeper *keeper); /* NULL is fine */

/* A record of `control`, from its beginning to its end. A refused record is no error here: it is counted in the ledger.
 * False: SYSTEM, and the keeper must not begin. */
bool keeper_restore(struct keeper *keeper, struct text key, struct text value, int64_t now_ms, struct error *error);

/* Begins a tenure, behind the last record of `control`. Proposals then go on at keeper_resume(). */
bool keeper_begin(struct keeper *keeper, int64_t now_ms, struct error *error);

/* Steps. Each returns false only for SYSTEM: the keeper must be thrown away. What is wrong with the input ends in a
 * verdict or, where no one can be told, in keeper_refused(). Offsets ascend; a proposal that was decided before is
 * ignored. */
bool keeper_propose(struct keeper *keeper, int64_t offset, struct text value, int64_t now_ms, struct error *error);
bool keeper_report(struct keeper *keeper, struct text value, int64_t now_ms, struct error *error);
bool keeper_tick(struct keeper *keeper, int64_t now_ms, struct error *error);

/* The records of the last step, to be written in their order; borrowed until the next step. */
size_t keeper_records(const struct keeper *keeper, const struct keeper_record **records);

/* Offset of the first proposal that is not decided: to be committed with the records. */
int64_t keeper_resume(const struct keeper *keeper);

const struct ledger *keeper_ledger(const struct keeper *keeper);

/* Records of proposals and reports that were ignored, and why the last one was ("" none). */
uint64_t keeper_refused(const struct keeper *keeper, const char **why);

/* When keeper_tick() has something to do at the latest; INT64_MAX: never, unless something comes. */
int64_t keeper_due(const struct keeper *keeper);

#endif
