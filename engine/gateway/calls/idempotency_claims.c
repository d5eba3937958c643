/* idempotency_claims.c: see idempotency_claims.h. */
#include "gateway/calls/idempotency_claims.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"

#define BUCKETS_FIRST ((size_t)1024)
#define CALLER_GROUPS ((size_t)65536)
#define HEX "0123456789abcdef"

static const char *const event_words[] = {[CLAIM_TAKES] = "claim", [CLAIM_PLACES] = "origin", [CLAIM_RELEASES] = "release"};

#define EVENTS (sizeof event_words / sizeof *event_words)

/* ---- records ---- */

static void digest_write(const struct claim_digest *digest, char out[CLAIM_ID_DIGITS])
{
	for (size_t i = 0; i < CLAIM_DIGEST_BYTES; i++) {
		out[2 * i] = HEX[digest->bytes[i] >> 4];
		out[2 * i + 1] = HEX[digest->bytes[i] & 15];
	}
}

static bool digest_read(struct text text, struct claim_digest *digest)
{
	if (text.length != CLAIM_ID_DIGITS)
		return false;
	for (size_t i = 0; i < CLAIM_DIGEST_BYTES; i++) {
		int high = digit_value(text.bytes[2 * i]), low = digit_value(text.bytes[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		digest->bytes[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

size_t claim_record_write(const struct claim_record *record, char key[CLAIM_ID_DIGITS], char value[CLAIM_VALUE_BYTES_MAX])
{
	char body[CLAIM_ID_DIGITS + 1] = {0}, origin[SUBMISSION_ID_BYTES_MAX];
	digest_write(&record->id, key);
	int length = snprintf(value, CLAIM_VALUE_BYTES_MAX, "%s %" PRIu32 " %" PRId64 " %016" PRIx64 "%016" PRIx64,
			      event_words[record->event], record->generation, record->time_ms, record->nonce.epoch,
			      record->nonce.number);
	size_t used = (size_t)length;
	if (record->event == CLAIM_TAKES) {
		digest_write(&record->body, body);
		length = snprintf(value + used, CLAIM_VALUE_BYTES_MAX - used, " %" PRId64 " %s %016" PRIx64, record->deadline_ms,
				  body, record->caller);
	} else if (record->event == CLAIM_PLACES) {
		size_t origin_length = submission_write(&record->origin, origin);
		length = snprintf(value + used, CLAIM_VALUE_BYTES_MAX - used, " %.*s", (int)origin_length, origin);
	} else {
		length = 0;
	}
	return used + (size_t)length;
}

static bool nonce_half_read(const char *digits, uint64_t *half)
{
	*half = 0;
	for (size_t i = 0; i < CLAIM_NONCE_DIGITS / 2; i++) {
		int value = digit_value(digits[i]);
		if (value < 0)
			return false;
		*half = *half << 4 | (uint64_t)value;
	}
	return true;
}

static bool nonce_read(struct text text, struct claim_nonce *nonce)
{
	return text.length == CLAIM_NONCE_DIGITS && nonce_half_read(text.bytes, &nonce->epoch) &&
	       nonce_half_read(text.bytes + CLAIM_NONCE_DIGITS / 2, &nonce->number);
}

static bool event_read(struct text word, enum claim_event *event)
{
	for (size_t i = 0; i < EVENTS; i++)
		if (text_is(word, event_words[i])) {
			*event = (enum claim_event)i;
			return true;
		}
	return false;
}

static bool body_read(struct text rest, struct claim_record *record)
{
	return digest_read(text_take_until(&rest, ' '), &record->body) && rest.length == CLAIM_NONCE_DIGITS / 2 &&
	       nonce_half_read(rest.bytes, &record->caller);
}

bool claim_record_read(struct text key, struct text value, struct claim_record *record)
{
	uint64_t generation;
	*record = (struct claim_record){0};
	if (!key.bytes || !value.bytes || value.length >= CLAIM_VALUE_BYTES_MAX || !digest_read(key, &record->id) ||
	    !event_read(text_take_until(&value, ' '), &record->event) ||
	    !number_read_uint64(text_take_until(&value, ' '), &generation) || generation == 0 || generation > UINT32_MAX ||
	    !number_read_int64(text_take_until(&value, ' '), &record->time_ms) || record->time_ms < 0 ||
	    !nonce_read(text_take_until(&value, ' '), &record->nonce))
		return false;
	record->generation = (uint32_t)generation;
	if (record->event == CLAIM_TAKES)
		return number_read_int64(text_take_until(&value, ' '), &record->deadline_ms) && body_read(value, record);
	return record->event == CLAIM_PLACES ? submission_read(value, &record->origin) : value.length == 0;
}

/* ---- the table ---- */

enum claim_entry_state { ENTRY_TAKEN, ENTRY_PLACED, ENTRY_RELEASED };

struct claim_entry {
	struct claim_record claim; /* the winner of its generation; with its origin */
	enum claim_entry_state state;
	int64_t read_ms; /* when the claim was read */
	struct claim_entry *next;	     /* of the bucket */
	struct claim_entry *older, *younger; /* by the order of their claims in the log */
};

struct claims {
	struct claim_entry **buckets;
	size_t bucket_count, count, most;
	uint32_t *callers; /* claims of each group */
	struct claim_entry *oldest, *youngest;
};

/* The digest is random, whoever chose the key. */
static size_t bucket_of(const struct claims *claims, const struct claim_digest *id)
{
	uint64_t word;
	memcpy(&word, id->bytes, sizeof word);
	return (size_t)(word & (claims->bucket_count - 1));
}

static struct claim_entry *entry_find(const struct claims *claims, const struct claim_digest *id)
{
	struct claim_entry *entry = claims->buckets[bucket_of(claims, id)];
	while (entry && memcmp(entry->claim.id.bytes, id->bytes, sizeof id->bytes) != 0)
		entry = entry->next;
	return entry;
}

static void entry_unlink(struct claims *claims, struct claim_entry *entry)
{
	*(entry->older ? &entry->older->younger : &claims->oldest) = entry->younger;
	*(entry->younger ? &entry->younger->older : &claims->youngest) = entry->older;
}

static void entry_link(struct claims *claims, struct claim_entry *entry)
{
	entry->older = claims->youngest;
	entry->younger = NULL;
	*(claims->youngest ? &claims->youngest->younger : &claims->oldest) = entry;
	claims->youngest = entry;
}

/* Where memory is short, the buckets stay as they are, and get longer. */
static void buckets_grow(struct claims *claims)
{
	struct claims grown = {.bucket_count = claims->bucket_count * 2};
	if (claims->count < claims->bucket_count || !(grown.buckets = memory_take(grown.bucket_count, sizeof *grown.buckets)))
		return;
	for (struct claim_entry *entry = claims->oldest; entry; entry = entry->younger) {
		struct claim_entry **bucket = &grown.buckets[bucket_of(&grown, &entry->claim.id)];
		entry->next = *bucket;
		*bucket = entry;
	}
	memory_give(claims->buckets);
	claims->buckets = grown.buckets;
	claims->bucket_count = grown.bucket_count;
}

static struct claim_entry *entry_make(struct claims *claims, const struct claim_digest *id)
{
	struct claim_entry *entry = memory_take(1, sizeof *entry);
	if (!entry)
		return NULL;
	buckets_grow(claims);
	struct claim_entry **bucket = &claims->buckets[bucket_of(claims, id)];
	entry->next = *bucket;
	*bucket = entry;
	claims->count++;
	entry_link(claims, entry);
	return entry;
}

static uint32_t *caller_claims(const struct claims *claims, uint64_t caller)
{
	return &claims->callers[caller % CALLER_GROUPS];
}

static void entry_drop(struct claims *claims, struct claim_entry *entry)
{
	--*caller_claims(claims, entry->claim.caller);
	struct claim_entry **link = &claims->buckets[bucket_of(claims, &entry->claim.id)];
	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	entry_unlink(claims, entry);
	claims->count--;
	memory_give(entry);
}

struct claims *claims_open(size_t most)
{
	struct claims *claims = memory_take(1, sizeof *claims);
	if (!claims)
		return NULL;
	claims->most = most;
	claims->bucket_count = BUCKETS_FIRST;
	claims->callers = memory_take(CALLER_GROUPS, sizeof *claims->callers);
	claims->buckets = memory_take(BUCKETS_FIRST, sizeof *claims->buckets);
	if (claims->buckets && claims->callers)
		return claims;
	claims_close(claims);
	return NULL;
}

void claims_close(struct claims *claims)
{
	if (!claims)
		return;
	while (claims->oldest)
		entry_drop(claims, claims->oldest);
	memory_give(claims->callers);
	memory_give(claims->buckets);
	memory_give(claims);
}

static bool is_aged(const struct claim_entry *entry, int64_t now_ms)
{
	return now_ms - entry->claim.time_ms > CLAIMS_KEPT_MS;
}

/* All gateways must decide alike, so nothing but the log decides. A claim's deadline is for who wants to write the next. */
static enum claim_effect claim_take(struct claims *claims, struct claim_entry *entry, const struct claim_record *record,
				    int64_t now_ms)
{
	if (entry && !is_aged(entry, record->time_ms) &&
	    (entry->state == ENTRY_PLACED || record->generation != entry->claim.generation + 1))
		return CLAIM_IGNORED;
	if (entry) {
		--*caller_claims(claims, entry->claim.caller);
		entry_unlink(claims, entry);
		entry_link(claims, entry);
	} else if (!(entry = entry_make(claims, &record->id))) {
		return CLAIM_NO_MEMORY;
	}
	++*caller_claims(claims, record->caller);
	entry->claim = *record;
	entry->read_ms = now_ms;
	entry->state = ENTRY_TAKEN;
	return CLAIM_APPLIED;
}

static bool is_of_claim(const struct claim_entry *entry, const struct claim_record *record)
{
	return entry->claim.generation == record->generation && entry->claim.nonce.epoch == record->nonce.epoch &&
	       entry->claim.nonce.number == record->nonce.number;
}

enum claim_effect claims_apply(struct claims *claims, const struct claim_record *record, int64_t now_ms)
{
	struct claim_entry *entry = entry_find(claims, &record->id);
	if (record->event == CLAIM_TAKES)
		return claim_take(claims, entry, record, now_ms);
	if (!entry || !is_of_claim(entry, record) || entry->state == ENTRY_RELEASED ||
	    (entry->state == ENTRY_PLACED && record->event == CLAIM_PLACES))
		return CLAIM_IGNORED;
	entry->state = record->event == CLAIM_PLACES ? ENTRY_PLACED : ENTRY_RELEASED;
	entry->claim.origin = record->origin;
	return CLAIM_APPLIED;
}

/* For a key that has no claim. */
static enum claim_state room_state(const struct claims *claims, uint64_t caller)
{
	if (claims->count >= claims->most)
		return CLAIM_FULL;
	return caller != 0 && *caller_claims(claims, caller) >= claims->most / CLAIMS_SHARES ? CLAIM_SPENT : CLAIM_FREE;
}

struct claim_look claims_look(const struct claims *claims, const struct claim_digest *id, const struct claim_digest *body,
			      uint64_t caller, int64_t now_ms)
{
	const struct claim_entry *entry = entry_find(claims, id);
	if (!entry)
		return (struct claim_look){.state = room_state(claims, caller), .generation = 1};
	const struct claim_record *claim = &entry->claim;
	struct claim_look look = {.generation = claim->generation + 1, .claim = claim};
	if (is_aged(entry, now_ms) || entry->state == ENTRY_RELEASED)
		look.state = CLAIM_FREE;
	else if (memcmp(claim->body.bytes, body->bytes, sizeof body->bytes) != 0)
		look.state = CLAIM_OTHER;
	else if (entry->state == ENTRY_PLACED)
		look.state = CLAIM_SETTLED;
	else
		look.state = now_ms > claim->deadline_ms ? CLAIM_FREE : CLAIM_OPEN;
	return look;
}

/* Whether its time, or the time when it was read, is so long ago: a clock that is ahead holds up nothing. */
static bool is_forgotten(const struct claim_entry *entry, int64_t now_ms)
{
	const int64_t time_ms = entry->claim.time_ms < entry->read_ms ? entry->claim.time_ms : entry->read_ms;
	return now_ms - time_ms > CLAIMS_KEPT_MS + CLAIMS_CLOCKS_MS;
}

void claims_expire(struct claims *claims, int64_t now_ms, size_t most)
{
	for (; most > 0 && claims->oldest && is_forgotten(claims->oldest, now_ms); most--)
		entry_drop(claims, claims->oldest);
}

size_t claims_count(const struct claims *claims)
{
	return claims->count;
}
