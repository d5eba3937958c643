/* records.h: Records of the control plane: proposals of appliers, what the keeper makes of them, and reports of engines.
 *
 * An applier appends a proposal to the topic `proposals`. The keeper of the namespace writes to `control`, which is
 * compacted, in one transaction for each proposal:
 *
 *   KIND/NAME@VERSION   one for each resource: the document, its author, reason and labels
 *   change@NUMBER       the versions that were accepted together, and their phase
 *   verdict@ID          the answer to the applier
 *
 * A version takes effect when its change becomes ACTIVE, which is one record, so all versions of a change take effect
 * together. A tenure of a keeper begins with the record `keeper`. Its number, the epoch, is in every record: a record
 * of an earlier tenure is refused. (The transactional id fences an earlier keeper first. The epoch also serves what
 * stands outside Kafka.) Engines report on the topic `status` how far they are with changes that are ACCEPTED.
 *
 * All texts are borrowed from the record's bytes. Times are of the wall clock, in milliseconds since 1970.
 */
#ifndef SLUICE_CONTROL_RECORDS_H
#define SLUICE_CONTROL_RECORDS_H

#include "control/record_form.h"

#define CONTROL_RECORD_BYTES_MAX ((size_t)1 << 20) /* Kafka's own limit of a batch, unless it was raised */
#define PROPOSAL_BYTES_MAX (CONTROL_RECORD_BYTES_MAX - ((size_t)16 << 10)) /* its versions have some more to say */
#define PROPOSAL_ITEMS_MAX 1000						   /* a change names them in one record */
#define PROPOSAL_REASON_BYTES_MAX 4096
#define CONTROL_FUTURE_MS (10 * 60 * 1000)	   /* a clock that is further ahead than this is wrong */
#define CONTROL_NUMBER_MAX (INT64_C(1) << 53)	   /* of a version, a change, an epoch: every language counts so far */
#define CONTROL_NAME_BYTES_MAX 253		   /* of a kind, a name or an id: the longest name of Kubernetes */

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

enum change_phase {
	CHANGE_ACCEPTED, /* engines prepare it */
	CHANGE_ACTIVE,	 /* engines run it */
	CHANGE_FAILED,	 /* what was before stays */
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
	int64_t line, column;	/* in its document; line 0: the whole of it */
	struct text code;	/* of `sluice help CODE`; empty: none */
	struct text text;
};

struct control_verdict {
	struct text id;
	struct text namespace;
	int outcome;		     /* enum verdict_outcome */
	struct text why;	     /* empty: accepted */
	int64_t change;		     /* of an accepted one */
	struct record_list versions; /* struct resource_version: those made; of a conflict the one that is there */
	struct text other;	     /* of a conflict: the author of the version that is there */
	struct record_list faults;   /* struct verdict_fault */
	int64_t resume;		     /* offset of `proposals` at which a keeper that starts goes on */
	int64_t time_ms;
	struct text keeper;
	int64_t epoch;
};

/* The start of a tenure on `control`; the keeper's beat on `status`. */
struct control_keeper {
	struct text namespace;
	int64_t epoch;
	struct text keeper;
	int64_t time_ms;
};

/* ---- of proposals ---- */

enum proposal_action { PROPOSAL_APPLY, PROPOSAL_DELETE, PROPOSAL_ROLLBACK, PROPOSAL_COLLECT };

#define PROPOSAL_EXPECTS_ANY (-1)

struct proposal_item {
	struct text kind, name; /* COLLECT: may be empty, for all resources */
	int action;		/* enum proposal_action */
	struct text document;	/* APPLY */
	/* The newest accepted version that the author knows. 0: there is none, or it is deleted. */
	int64_t expected;
	int64_t to;		   /* ROLLBACK: the version to return to. COLLECT: how many versions to keep */
	struct record_list labels; /* struct control_label */
};

/* A proposal, or one of its parts. */
struct proposal {
	struct text id; /* the same in all parts, and when it is sent again */
	struct text namespace;
	struct text author, reason;
	int64_t time_ms;
	int64_t part;		  /* from 0 */
	int64_t parts;		  /* 0 is 1 */
	struct record_list items; /* struct proposal_item */
};

/* ---- of status ---- */

struct failed_change {
	int64_t change;
	struct text why;
};

/* All that an engine has to say of the changes that are ACCEPTED. The newest report counts. */
struct engine_report {
	struct text namespace;
	struct text engine;
	int64_t started_ms;
	int64_t sequence;	     /* since that start */
	bool stopped;		     /* its last report */
	struct record_list prepared; /* int64_t: numbers of changes */
	struct record_list failed;   /* struct failed_change */
};

extern const struct record_form version_form, change_form, verdict_form, keeper_form, proposal_form, report_form;

/* Append the key of a record on `control`. */
void version_key(struct text kind, struct text name, int64_t version, struct buffer *out);
void change_key(int64_t number, struct buffer *out);
void verdict_key(struct text id, struct buffer *out);
#define KEEPER_KEY TEXT("keeper")

/* Whether a kind, name or id can be part of a key: no blanks, control characters, `/` or `@`; not `.` or `..`. */
bool control_name_is_valid(struct text name);

#endif
