/* ledger.h: Ledger of a namespace: what the records of `control` say, folded in their order.
 *
 * The keeper and every engine fold the same records, so they agree. A record replaces the one of the same key, and an
 * empty one removes it; so a compacted topic folds to the same ledger. What cannot be read is refused, and the ledger
 * stays as it was.
 *
 * Pure; belongs to one thread. What is returned is borrowed until the next fold.
 */
#ifndef SLUICE_CONTROL_LEDGER_H
#define SLUICE_CONTROL_LEDGER_H

#include "base/list.h"
#include "control/records.h"

struct state_table;

/* A record with the bytes from which its texts are borrowed. */
struct ledger_version {
	struct control_version record;
	char *bytes;
	void *labels; /* the items of the record's list */
};

/* All versions of a resource that are kept. Of a deleted resource the newest version is a CONTROL_DELETE. */
struct ledger_resource {
	struct list_node node;
	struct text kind, name; /* of its key; owned */
	size_t count;
	struct ledger_version **versions; /* ascending; at least one */
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

/* Why a record was refused. */
enum ledger_refusal {
	LEDGER_REFUSED_UNKNOWN,	 /* of a schema that this version of sluice does not know */
	LEDGER_REFUSED_BROKEN,	 /* cannot be read, or does not belong to its key */
	LEDGER_REFUSED_LARGE,	 /* above CONTROL_RECORD_BYTES_MAX */
	LEDGER_REFUSED_FUTURE,	 /* its time is more than CONTROL_FUTURE_MS ahead */
	LEDGER_REFUSED_FORMER,	 /* of a keeper that was replaced */
	LEDGER_REFUSED_NAMESPACE /* of another namespace */
};
#define LEDGER_REFUSALS (LEDGER_REFUSED_NAMESPACE + 1)

struct ledger {
	const char *namespace;
	struct list resources; /* struct ledger_resource, in the order of their first records */
	struct list changes;   /* struct ledger_change, in the order of their records: those ACCEPTED by number */
	struct list verdicts;  /* struct ledger_verdict, in the order of their records */
	size_t verdict_count;
	int64_t epoch;	     /* of the newest tenure; 0: none yet */
	int64_t last_change; /* the highest number so far */
	int64_t resume;	     /* offset of `proposals` at which a keeper that starts goes on */
	size_t accepted;     /* changes that are in the phase CHANGE_ACCEPTED */
	uint64_t activations; /* changes that became ACTIVE; what is in force changes with it */
	uint64_t refused[LEDGER_REFUSALS];
	/* Private. */
	struct state_table *by_key;
	struct arena *scratch;
};

/* `namespace` is borrowed. False: SYSTEM, memory ran out; it may be closed. */
bool ledger_open(struct ledger *ledger, const char *namespace, struct error *error);
void ledger_close(struct ledger *ledger); /* a zeroed one is fine */

/* Folds a record; `value` with NULL bytes removes what is under the key. INPUT: the record is refused and counted, and
 * the error says why. SYSTEM: memory ran out. */
bool ledger_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error);

/* NULL: there is none. */
struct ledger_resource *ledger_resource_find(const struct ledger *ledger, struct text kind, struct text name);
struct ledger_change *ledger_change_find(const struct ledger *ledger, int64_t number);
struct ledger_verdict *ledger_verdict_find(const struct ledger *ledger, struct text id);
const struct ledger_version *ledger_version_find(const struct ledger_resource *resource, int64_t version);

static inline const struct ledger_version *ledger_newest(const struct ledger_resource *resource)
{
	return resource->versions[resource->count - 1];
}

/* The phase of the change that a version belongs to. A change that is not there has failed, or was not written whole. */
enum change_phase ledger_phase(const struct ledger *ledger, const struct ledger_version *version);

/* The newest version whose change is ACTIVE, also one that deletes; NULL: there is none. */
const struct ledger_version *ledger_in_force(const struct ledger *ledger, const struct ledger_resource *resource);

/* A version that an ACTIVE change names, that is newer than what is in force and not there: it was refused. What is in
 * force is then not what the keeper decided. NULL: none. */
const struct resource_version *ledger_missing(const struct ledger *ledger);

#define LIST_EACH_RESOURCE(ledger, resource)                                                                                       \
	for (struct list_node *node_ = (ledger)->resources.first;                                                                  \
	     node_ && ((resource) = LIST_OWNER(node_, struct ledger_resource, node), true); node_ = node_->next)
#define LIST_EACH_CHANGE(ledger, change)                                                                                           \
	for (struct list_node *node_ = (ledger)->changes.first;                                                                    \
	     node_ && ((change) = LIST_OWNER(node_, struct ledger_change, node), true); node_ = node_->next)

#endif
