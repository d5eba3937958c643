/* ledger.h: Ledger of a namespace: the contents of `control`, folded from its records in their order.
 *
 * The keeper and every engine fold the same records, so their ledgers are equal. A record replaces the one of the
 * same key, and a tombstone removes it. So a compacted topic folds to the same ledger. An invalid record is refused
 * and does not change the ledger.
 *
 * Pure; belongs to one thread. What is returned is borrowed until the next fold.
 */
#pragma once

#include "base/list.h"
#include "control/records/records.h"

struct state_table;

/* A record, and the bytes from which its texts are borrowed. */
struct ledger_version {
	struct control_version record;
	char *bytes;
	void *labels; /* the items of the record's list */
};

/* All kept versions of a resource. The newest version of a deleted resource is a CONTROL_DELETE. */
struct ledger_resource {
	struct list_node node;
	struct text kind, name; /* of its key; owned */
	size_t count;
	struct ledger_version **versions; /* ascending; at least one */
};

struct ledger_move {
	struct control_move record;
	char *bytes;
};

/* A rollout, and its kept moves. Its record is missing while only moves have been read. */
struct ledger_rollout {
	struct list_node node;
	struct text name; /* of the experiment; owned */
	bool has_record;
	struct control_rollout record;
	char *bytes;
	struct arena *lists; /* of the record */
	size_t count;
	struct ledger_move **moves; /* ascending */
};

struct ledger_change {
	struct list_node node;
	struct control_change record;
	char *bytes;
	void *versions; /* the items of the record's list */
};

struct ledger_verdict {
	struct list_node node;
	struct control_verdict record;
	char *bytes;
	void *versions, *faults; /* the items of the record's lists */
};

/* A record of a bucket table, and the bytes from which its texts are borrowed. */
struct ledger_table {
	struct control_table record;
	char *bytes;
	void *shares; /* the items of the record's list */
};

/* All kept tables of a choice. The newest one of a deleted choice has no shares. */
struct ledger_choice {
	struct list_node node;
	struct text name; /* owned */
	size_t count;
	struct ledger_table **tables; /* ascending; at least one */
};

/* Why a record was refused. */
enum ledger_refusal {
	LEDGER_REFUSED_UNKNOWN,	 /* its schema is unknown to this version of sluice, and a newer one may have such a key */
	LEDGER_REFUSED_BROKEN,	 /* cannot be read, or does not belong to its key */
	LEDGER_REFUSED_LARGE,	 /* above CONTROL_RECORD_BYTES_MAX */
	LEDGER_REFUSED_FUTURE,	 /* its time is more than CONTROL_FUTURE_MS ahead */
	LEDGER_REFUSED_FORMER,	 /* written by a keeper that was replaced */
	LEDGER_REFUSED_NAMESPACE /* belongs to another namespace */
};
#define LEDGER_REFUSALS (LEDGER_REFUSED_NAMESPACE + 1)

struct ledger {
	const char *namespace;
	struct list resources; /* struct ledger_resource, in the order of their first records */
	struct list changes;   /* struct ledger_change, in the order of their records: those ACCEPTED by number */
	struct list choices;   /* struct ledger_choice, in the order of their first records */
	struct list rollouts;  /* struct ledger_rollout, in the order of their first records */
	struct list verdicts;  /* struct ledger_verdict, in the order of their records */
	size_t verdict_count;
	int64_t epoch;	     /* of the newest term; 0: none yet */
	int64_t last_change; /* the highest number so far */
	int64_t resume;	     /* offset of `proposals` at which a starting keeper continues */
	size_t accepted;     /* changes in the phase CHANGE_ACCEPTED */
	uint64_t activations; /* number of changes that became ACTIVE; the documents in force change only then */
	uint64_t rollout_records; /* read so far */
	uint64_t move_records;	  /* likewise, of moves */
	uint64_t refused[LEDGER_REFUSALS];
	/* Private. */
	struct state_table *by_key;
	struct arena *scratch;
};

/* `namespace` is borrowed. False: SYSTEM, memory ran out; it may be closed. */
bool ledger_open(struct ledger *ledger, const char *namespace, struct error *error);
void ledger_close(struct ledger *ledger); /* a zeroed one is fine */

/* Folds a record; a `value` with NULL bytes removes the entry of the key. INPUT: the record is refused and counted,
 * and the error has the reason. SYSTEM: memory ran out. */
bool ledger_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error);

/* NULL: there is none. */
struct ledger_resource *ledger_resource_find(const struct ledger *ledger, struct text kind, struct text name);
struct ledger_change *ledger_change_find(const struct ledger *ledger, int64_t number);
struct ledger_verdict *ledger_verdict_find(const struct ledger *ledger, struct text id);
struct ledger_choice *ledger_choice_find(const struct ledger *ledger, struct text name);
struct ledger_rollout *ledger_rollout_find(const struct ledger *ledger, struct text experiment);
const struct ledger_version *ledger_version_find(const struct ledger_resource *resource, int64_t version);

static inline const struct ledger_version *ledger_newest(const struct ledger_resource *resource)
{
	return resource->versions[resource->count - 1];
}

/* The phase of the change to which a version belongs. A change that is not in the ledger has failed, or was not
 * written completely. */
enum change_phase ledger_phase(const struct ledger *ledger, const struct ledger_version *version);

/* The newest version whose change has not failed: it is in force, or will be. NULL: there is none. */
const struct ledger_version *ledger_accepted(const struct ledger *ledger, const struct ledger_resource *resource);

/* The version that an author sees: the newest one. If that is a deletion which FAILED, the accepted one is still there
 * and is returned. NULL: the resource is deleted. */
const struct ledger_version *ledger_present(const struct ledger *ledger, const struct ledger_resource *resource);

/* The newest version whose change is ACTIVE. It may be a CONTROL_DELETE. NULL: there is none. */
const struct ledger_version *ledger_in_force(const struct ledger *ledger, const struct ledger_resource *resource);

/* The same, unless it is a CONTROL_DELETE: NULL then, and if `resource` is NULL. */
const struct control_version *ledger_applied(const struct ledger *ledger, const struct ledger_resource *resource);

/* A version that an ACTIVE change names and that the ledger lacks, although it is newer than the one in force: its
 * record was refused. The version in force is then not the one that the keeper decided. NULL: none is missing. */
const struct resource_version *ledger_missing(const struct ledger *ledger);

#define LIST_EACH_RESOURCE(ledger, resource)                                                                                       \
	for (struct list_node *node_ = (ledger)->resources.first;                                                                  \
	     node_ && ((resource) = LIST_OWNER(node_, struct ledger_resource, node), true); node_ = node_->next)
#define LIST_EACH_CHOICE(ledger, choice)                                                                                           \
	for (struct list_node *node_ = (ledger)->choices.first;                                                                    \
	     node_ && ((choice) = LIST_OWNER(node_, struct ledger_choice, node), true); node_ = node_->next)
#define LIST_EACH_ROLLOUT(ledger, rollout)                                                                                         \
	for (struct list_node *node_ = (ledger)->rollouts.first;                                                                   \
	     node_ && ((rollout) = LIST_OWNER(node_, struct ledger_rollout, node), true); node_ = node_->next)
#define LIST_EACH_CHANGE(ledger, change)                                                                                           \
	for (struct list_node *node_ = (ledger)->changes.first;                                                                    \
	     node_ && ((change) = LIST_OWNER(node_, struct ledger_change, node), true); node_ = node_->next)
