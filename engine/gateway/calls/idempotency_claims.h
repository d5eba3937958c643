/* idempotency_claims.h: Claims of idempotency keys: a table made of the records of the claims topic, the same in each gateway.
 * Pure.
 *
 * A gateway that gets a request with a key writes a claim: who asks, under which key, and a digest of what is asked. It then
 * reads the topic. The first claim in the log wins, whichever gateway wrote it, and only its request is produced. The place of
 * the request, its origin, is added to the claim by a second record. From then on each request with this key and this body is
 * answered from that origin.
 *
 * A claim without an origin past its deadline may be taken over: by a claim of the next generation, of which again the first
 * one wins. An origin of an earlier generation is ignored. So all gateways agree on the one request that answers a key. What a
 * takeover can repeat is work: the gateway before may have produced its request and died, or been delayed, before its origin
 * was in the log. That request then runs too, but it answers nobody.
 *
 * If an engine declines the request before its first step, the claim is released, whichever gateway reads that first, and the key
 * may be claimed again. So it is if its gateway does not send the request, as after the deadline of the caller: the release may be
 * written before the claim is read.
 *
 * A claim is kept for CLAIMS_KEPT_MS, by the times in the records. It is forgotten then, and its key is new again. One whose time
 * is later than when it was read, by a clock that is ahead, is forgotten by the time when it was read: it keeps no other.
 *
 * A caller has at most a tenth of the claims. Callers are counted in groups, by a hash of who they are.
 */
#pragma once

#include "gateway/calls/submission.h"

#define CLAIMS_KEPT_MS ((int64_t)24 * 3600 * 1000)
#define CLAIMS_CLOCKS_MS ((int64_t)3600 * 1000) /* by which clocks of gateways may differ: longer in memory than in force */
#define CLAIM_MS 15000	     /* from a claim to its deadline */
#define CLAIM_START_MS 5000  /* within which the request of a claim must begin; else it is given up */
#define CLAIMS_MAX ((size_t)1000000) /* then new keys are refused; each takes about 300 bytes */
#define CLAIMS_SHARES 10 /* a caller has at most one of so many equal parts */
#define CLAIM_DIGEST_BYTES 32
#define CLAIM_ID_DIGITS ((size_t)2 * CLAIM_DIGEST_BYTES) /* of the key of a record */
#define CLAIM_NONCE_DIGITS 32
#define CLAIM_VALUE_BYTES_MAX 256

struct claim_digest { /* SHA-256 */
	unsigned char bytes[CLAIM_DIGEST_BYTES];
};

struct claim_nonce { /* of one claim of one gateway: its epoch, and the number of the call there */
	uint64_t epoch, number;
};

enum claim_event {
	CLAIM_TAKES,	/* claims the key; has `deadline_ms` and `body` */
	CLAIM_PLACES,	/* adds the origin of the request */
	CLAIM_RELEASES, /* gives up the claim: nothing was produced, or its request was declined */
};

struct claim_record {
	enum claim_event event;
	struct claim_digest id; /* of caller and key */
	uint32_t generation;	/* from 1 */
	int64_t time_ms;	/* since 1970, as is the deadline */
	int64_t deadline_ms;
	struct claim_nonce nonce;
	struct claim_digest body; /* of the target and the request */
	uint64_t caller;	  /* of a claim: a hash; 0: it has no share */
	struct submission origin;
};

/* The key and the value of a record, as text. `key` gets CLAIM_ID_DIGITS bytes. Returns the length of the value. */
size_t claim_record_write(const struct claim_record *record, char key[CLAIM_ID_DIGITS], char value[CLAIM_VALUE_BYTES_MAX]);

/* False: it is no record of a claim. */
bool claim_record_read(struct text key, struct text value, struct claim_record *record);

/* ---- the table ---- */

struct claims;

struct claims *claims_open(size_t most); /* claims, as CLAIMS_MAX. NULL: no memory */
void claims_close(struct claims *claims); /* NULL is fine */

enum claim_effect {
	CLAIM_APPLIED,
	CLAIM_IGNORED, /* another one was first, or it is of an earlier generation */
	CLAIM_NO_MEMORY,
};

/* Applies the next record of the log, which is read now. */
enum claim_effect claims_apply(struct claims *claims, const struct claim_record *record, int64_t now_ms);

enum claim_state {
	CLAIM_FREE,    /* may be claimed, by `generation` */
	CLAIM_OPEN,    /* another request with this key is being answered */
	CLAIM_SETTLED, /* the origin of `claim` is the request that answers this key */
	CLAIM_OTHER,   /* the key was used for another body */
	CLAIM_SPENT,   /* the caller has its share of the claims */
	CLAIM_FULL,    /* there are as many claims as there may be */
};

struct claim_look {
	enum claim_state state;
	uint32_t generation;
	const struct claim_record *claim; /* the last one, until the table changes; NULL: there was none */
};

struct claim_look claims_look(const struct claims *claims, const struct claim_digest *id, const struct claim_digest *body,
			      uint64_t caller, int64_t now_ms);

/* Forgets claims that are no longer kept, at most so many. */
void claims_expire(struct claims *claims, int64_t now_ms, size_t most);

size_t claims_count(const struct claims *claims);
