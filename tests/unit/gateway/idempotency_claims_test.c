/* idempotency_claims_test.c: Tests of claims of idempotency keys. The log is an array of records, and each gateway has a table of
 * its own: they may read the log at different times, and must agree on the one request that answers a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/number/random.h"
#include "gateway/calls/idempotency_claims.h"

#define RECORDS_MAX 4096
#define GATEWAYS 3
#define NOW_MS ((int64_t)1700000000000)
#define READ_MS (NOW_MS + 10 * CLAIMS_KEPT_MS) /* later than all times of claims */

static struct claim_digest digest(unsigned char byte)
{
	struct claim_digest made;
	memset(made.bytes, byte, sizeof made.bytes);
	return made;
}

static struct claim_record taking(unsigned char id, uint32_t generation, uint64_t gateway, int64_t now_ms)
{
	return (struct claim_record){.event = CLAIM_TAKES,
				     .id = digest(id),
				     .generation = generation,
				     .time_ms = now_ms,
				     .deadline_ms = now_ms + CLAIM_MS,
				     .nonce = {gateway, 7},
				     .body = digest(200)};
}

static struct claim_record placing(const struct claim_record *claim, int64_t offset)
{
	struct claim_record record = *claim;
	record.event = CLAIM_PLACES;
	record.origin = (struct submission){.partition = 1, .offset = offset, .time_ms = claim->time_ms, .answers = 2};
	memset(record.origin.nonce, 'a', sizeof record.origin.nonce);
	return record;
}

static struct claim_record releasing(const struct claim_record *claim)
{
	struct claim_record record = *claim;
	record.event = CLAIM_RELEASES;
	return record;
}

static struct claim_look look(const struct claims *claims, unsigned char id, unsigned char body, int64_t now_ms)
{
	const struct claim_digest key = digest(id), of = digest(body);
	return claims_look(claims, &key, &of, 0, now_ms);
}

/* ---- records ---- */

static void a_record_comes_back_as_it_was_written(void **state)
{
	(void)state;
	struct claim_record claim = taking(3, 4000000000u, UINT64_MAX, NOW_MS);
	claim.caller = 0x123456789abcdef0;
	const struct claim_record all[] = {claim, placing(&claim, 99), releasing(&claim)};
	for (size_t i = 0; i < 3; i++) {
		char key[CLAIM_ID_DIGITS], value[CLAIM_VALUE_BYTES_MAX];
		struct claim_record read;
		struct text text = {value, claim_record_write(&all[i], key, value)};
		assert_true(claim_record_read((struct text){key, sizeof key}, text, &read));
		assert_int_equal(read.event, all[i].event);
		assert_memory_equal(&read.id, &claim.id, sizeof read.id);
		assert_true(read.generation == 4000000000u && read.time_ms == NOW_MS);
		assert_true(read.nonce.epoch == UINT64_MAX && read.nonce.number == 7);
		if (i == 0)
			assert_true(read.deadline_ms == NOW_MS + CLAIM_MS &&
				    memcmp(&read.body, &claim.body, sizeof read.body) == 0 && read.caller == claim.caller);
		if (i == 1)
			assert_true(read.origin.offset == 99 && read.origin.partition == 1 && read.origin.answers == 2);
		for (size_t length = 0; length < text.length; length++)
			assert_false(claim_record_read((struct text){key, sizeof key}, (struct text){value, length}, &read));
		assert_false(claim_record_read((struct text){key, sizeof key - 1}, text, &read));
		assert_false(claim_record_read((struct text){0}, text, &read));
	}
}

static void what_is_no_record_is_refused(void **state)
{
	(void)state;
	static const char *const values[] = {"", "claim", "claim 1", "take 1 2 00000000000000010000000000000007",
					     "release 0 2 00000000000000010000000000000007",
					     "release 4294967296 2 00000000000000010000000000000007",
					     "release 1 -2 00000000000000010000000000000007",
					     "release 1 2 0000000000000001000000000000000",
					     "release 1 2 x0000000000000010000000000000007",
					     "release 1 2 00000000000000010000000000000007 more",
					     "origin 1 2 00000000000000010000000000000007 1-2-3"};
	char key[CLAIM_ID_DIGITS];
	struct claim_record record;
	memset(key, '0', sizeof key);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		assert_false(claim_record_read((struct text){key, sizeof key}, text_of(values[i]), &record));
}

/* ---- one table ---- */

static void a_key_is_free_then_open_then_settled(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX);
	const struct claim_record claim = taking(1, 1, 10, NOW_MS), origin = placing(&claim, 5);
	assert_true(look(claims, 1, 200, NOW_MS).state == CLAIM_FREE && look(claims, 1, 200, NOW_MS).generation == 1);
	assert_int_equal(claims_apply(claims, &claim, READ_MS), CLAIM_APPLIED);
	assert_int_equal(look(claims, 1, 200, NOW_MS).state, CLAIM_OPEN);
	assert_int_equal(look(claims, 1, 201, NOW_MS).state, CLAIM_OTHER);
	assert_int_equal(look(claims, 2, 201, NOW_MS).state, CLAIM_FREE);
	assert_int_equal(claims_apply(claims, &origin, READ_MS), CLAIM_APPLIED);
	assert_true(look(claims, 1, 200, NOW_MS + CLAIM_MS * 2).state == CLAIM_SETTLED &&
		    look(claims, 1, 200, NOW_MS).claim->origin.offset == 5);
	assert_int_equal(look(claims, 1, 201, NOW_MS + CLAIM_MS * 2).state, CLAIM_OTHER);
	const struct claim_record again = placing(&claim, 6);
	assert_int_equal(claims_apply(claims, &again, READ_MS), CLAIM_IGNORED);
	assert_true(look(claims, 1, 200, NOW_MS).claim->origin.offset == 5);
	claims_close(claims);
}

static void the_first_claim_in_the_log_wins(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX);
	const struct claim_record first = taking(1, 1, 10, NOW_MS + 1), second = taking(1, 1, 11, NOW_MS);
	const struct claim_record late = placing(&second, 8), origin = placing(&first, 9);
	assert_int_equal(claims_apply(claims, &first, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &second, READ_MS), CLAIM_IGNORED);
	assert_int_equal(claims_apply(claims, &late, READ_MS), CLAIM_IGNORED);
	assert_int_equal(claims_apply(claims, &origin, READ_MS), CLAIM_APPLIED);
	assert_true(look(claims, 1, 200, NOW_MS).claim->origin.offset == 9);
	claims_close(claims);
}

static void a_claim_past_its_deadline_is_taken_over_once(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX);
	const struct claim_record dead = taking(1, 1, 10, NOW_MS);
	(void)claims_apply(claims, &dead, READ_MS);
	assert_int_equal(look(claims, 1, 200, NOW_MS + CLAIM_MS).state, CLAIM_OPEN);
	struct claim_look over = look(claims, 1, 200, NOW_MS + CLAIM_MS + 1);
	assert_true(over.state == CLAIM_FREE && over.generation == 2);
	const struct claim_record heir = taking(1, 2, 11, NOW_MS + CLAIM_MS + 1), other = taking(1, 2, 12, NOW_MS + CLAIM_MS + 1);
	const struct claim_record late = placing(&dead, 1), origin = placing(&heir, 2);
	assert_int_equal(claims_apply(claims, &heir, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &other, READ_MS), CLAIM_IGNORED);
	assert_int_equal(claims_apply(claims, &late, READ_MS), CLAIM_IGNORED); /* the gateway before was only slow */
	assert_int_equal(claims_apply(claims, &origin, READ_MS), CLAIM_APPLIED);
	assert_true(look(claims, 1, 200, NOW_MS).claim->origin.offset == 2);
	claims_close(claims);
}

/* The origin of a slow gateway comes before the takeover in the log: the takeover is too late, whatever the clocks. */
static void an_origin_before_a_takeover_holds(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX);
	const struct claim_record slow = taking(1, 1, 10, NOW_MS), origin = placing(&slow, 1);
	const struct claim_record heir = taking(1, 2, 11, NOW_MS + CLAIM_MS + 1);
	(void)claims_apply(claims, &slow, READ_MS);
	assert_int_equal(claims_apply(claims, &origin, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &heir, READ_MS), CLAIM_IGNORED);
	assert_true(look(claims, 1, 200, NOW_MS).claim->origin.offset == 1);
	claims_close(claims);
}

static void a_key_that_is_given_back_is_free_for_any_body(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX);
	const struct claim_record claim = taking(1, 1, 10, NOW_MS), release = releasing(&claim);
	struct claim_record others = releasing(&claim);
	others.nonce.number++;
	(void)claims_apply(claims, &claim, READ_MS);
	assert_int_equal(claims_apply(claims, &others, READ_MS), CLAIM_IGNORED);
	assert_int_equal(claims_apply(claims, &release, READ_MS), CLAIM_APPLIED);
	assert_true(look(claims, 1, 201, NOW_MS).state == CLAIM_FREE && look(claims, 1, 201, NOW_MS).generation == 2);
	const struct claim_record late = placing(&claim, 1);
	assert_int_equal(claims_apply(claims, &late, READ_MS), CLAIM_IGNORED);
	claims_close(claims);
}

/* A call gives up before its claim is read: the release is the next record of its gateway, others may come before it. */
static void a_claim_that_is_given_up_before_it_is_read_frees_its_key(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX);
	const struct claim_record given_up = taking(1, 1, 10, NOW_MS), release = releasing(&given_up);
	const struct claim_record second = taking(1, 1, 11, NOW_MS), again = taking(1, 2, 11, NOW_MS);
	assert_int_equal(claims_apply(claims, &release, READ_MS), CLAIM_IGNORED); /* its claim did not come into the log */
	assert_int_equal(claims_apply(claims, &given_up, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &second, READ_MS), CLAIM_IGNORED);
	assert_int_equal(claims_apply(claims, &release, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &second, READ_MS), CLAIM_IGNORED); /* written when the key seemed new */
	assert_true(look(claims, 1, 200, NOW_MS).state == CLAIM_FREE && look(claims, 1, 200, NOW_MS).generation == 2);
	assert_int_equal(claims_apply(claims, &again, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &release, READ_MS), CLAIM_IGNORED);
	assert_int_equal(look(claims, 1, 200, NOW_MS).state, CLAIM_OPEN);
	claims_close(claims);
}

/* A call whose claim was the second claims the key again under its own nonce: a record of its first claim is not of that. */
static void records_of_a_former_claim_of_the_same_call_count_no_more(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX);
	const struct claim_record former = taking(1, 1, 10, NOW_MS), again = taking(1, 2, 10, NOW_MS);
	const struct claim_record release = releasing(&former), origin = placing(&former, 3), place = placing(&again, 4);
	(void)claims_apply(claims, &former, READ_MS);
	(void)claims_apply(claims, &release, READ_MS);
	assert_int_equal(claims_apply(claims, &again, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &release, READ_MS), CLAIM_IGNORED);
	assert_int_equal(claims_apply(claims, &origin, READ_MS), CLAIM_IGNORED);
	assert_int_equal(look(claims, 1, 200, NOW_MS).state, CLAIM_OPEN);
	assert_int_equal(claims_apply(claims, &place, READ_MS), CLAIM_APPLIED);
	assert_int_equal(look(claims, 1, 200, NOW_MS).claim->origin.offset, 4);
	claims_close(claims);
}

static void a_key_whose_request_was_declined_is_free_again(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX);
	const struct claim_record first = taking(1, 1, 10, NOW_MS), origin = placing(&first, 1), release = releasing(&first);
	(void)claims_apply(claims, &first, READ_MS);
	(void)claims_apply(claims, &origin, READ_MS);
	struct claim_record others = release;
	others.nonce.number++;
	assert_int_equal(claims_apply(claims, &others, READ_MS), CLAIM_IGNORED);
	assert_int_equal(look(claims, 1, 200, NOW_MS).state, CLAIM_SETTLED);
	assert_int_equal(claims_apply(claims, &release, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &release, READ_MS), CLAIM_IGNORED); /* of another gateway that read it, too */
	assert_int_equal(look(claims, 1, 200, NOW_MS).state, CLAIM_FREE);
	const struct claim_record second = taking(1, 2, 11, NOW_MS), place = placing(&second, 8);
	assert_int_equal(claims_apply(claims, &second, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &origin, READ_MS), CLAIM_IGNORED);
	assert_int_equal(claims_apply(claims, &place, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &release, READ_MS), CLAIM_IGNORED); /* late: it is not of this claim */
	assert_true(look(claims, 1, 200, NOW_MS).state == CLAIM_SETTLED && look(claims, 1, 200, NOW_MS).claim->origin.offset == 8);
	claims_close(claims);
}

static void a_claim_is_kept_for_a_day(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX), *forgetful = claims_open(CLAIMS_MAX);
	const struct claim_record claim = taking(1, 1, 10, NOW_MS), origin = placing(&claim, 1);
	for (int i = 0; i < 2; i++) {
		(void)claims_apply(i ? forgetful : claims, &claim, READ_MS);
		(void)claims_apply(i ? forgetful : claims, &origin, READ_MS);
	}
	assert_int_equal(look(claims, 1, 200, NOW_MS + CLAIMS_KEPT_MS).state, CLAIM_SETTLED);
	assert_int_equal(look(claims, 1, 201, NOW_MS + CLAIMS_KEPT_MS + 1).state, CLAIM_FREE);
	claims_expire(forgetful, NOW_MS + CLAIMS_KEPT_MS + CLAIMS_CLOCKS_MS, SIZE_MAX);
	assert_int_equal(claims_count(forgetful), 1);
	claims_expire(forgetful, NOW_MS + CLAIMS_KEPT_MS + CLAIMS_CLOCKS_MS + 1, SIZE_MAX);
	assert_int_equal(claims_count(forgetful), 0);
	/* A gateway that has forgotten it and one that has not agree on the next. */
	const struct claim_record next = taking(1, 1, 12, NOW_MS + CLAIMS_KEPT_MS + 1);
	assert_int_equal(claims_apply(claims, &next, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(forgetful, &next, READ_MS), CLAIM_APPLIED);
	claims_close(claims);
	claims_close(forgetful);
}

/* A key that is claimed again is younger than those that were claimed since its first claim. */
static void what_is_forgotten_first_is_the_oldest_claim(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX);
	const int64_t later_ms = NOW_MS + CLAIMS_KEPT_MS + 1;
	const struct claim_record first = taking(1, 1, 10, NOW_MS), other = taking(2, 1, 10, NOW_MS + 1);
	const struct claim_record again = taking(1, 2, 10, later_ms);
	assert_int_equal(claims_apply(claims, &first, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &other, READ_MS), CLAIM_APPLIED);
	assert_int_equal(claims_apply(claims, &again, READ_MS), CLAIM_APPLIED);
	claims_expire(claims, later_ms + CLAIMS_CLOCKS_MS + 1, SIZE_MAX);
	assert_int_equal(claims_count(claims), 1);
	assert_int_equal(look(claims, 1, 200, later_ms).state, CLAIM_OPEN);
	claims_close(claims);
}

static void many_keys_are_kept_apart(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX);
	for (uint32_t i = 0; i < 5000; i++) {
		struct claim_record claim = taking(0, 1, 10, NOW_MS + i);
		memcpy(claim.id.bytes, &i, sizeof i);
		assert_int_equal(claims_apply(claims, &claim, READ_MS), CLAIM_APPLIED);
		assert_int_equal(claims_apply(claims, &claim, READ_MS), CLAIM_IGNORED);
	}
	assert_int_equal(claims_count(claims), 5000);
	claims_expire(claims, NOW_MS + CLAIMS_KEPT_MS + CLAIMS_CLOCKS_MS + 2500, SIZE_MAX);
	assert_int_equal(claims_count(claims), 2500);
	claims_close(claims);
}

/* A gateway whose clock is a month ahead writes a claim: those behind it are forgotten in time, and so is that claim. */
static void a_clock_that_is_ahead_keeps_no_claim_for_long(void **state)
{
	(void)state;
	struct claims *claims = claims_open(CLAIMS_MAX);
	const struct claim_record ahead = taking(1, 1, 10, NOW_MS + 30 * CLAIMS_KEPT_MS), usual = taking(2, 1, 10, NOW_MS);
	(void)claims_apply(claims, &ahead, NOW_MS);
	(void)claims_apply(claims, &usual, NOW_MS);
	claims_expire(claims, NOW_MS + CLAIMS_KEPT_MS + CLAIMS_CLOCKS_MS, SIZE_MAX);
	assert_int_equal(claims_count(claims), 2);
	claims_expire(claims, NOW_MS + CLAIMS_KEPT_MS + CLAIMS_CLOCKS_MS + 1, 1);
	assert_int_equal(claims_count(claims), 1); /* at most one at once */
	claims_expire(claims, NOW_MS + CLAIMS_KEPT_MS + CLAIMS_CLOCKS_MS + 1, 1);
	assert_int_equal(claims_count(claims), 0);
	claims_close(claims);
}

static void numbered_take(struct claims *claims, uint32_t from, uint32_t count, uint64_t caller)
{
	for (uint32_t i = from; i < from + count; i++) {
		struct claim_record claim = taking(0, 1, 10, NOW_MS);
		memcpy(claim.id.bytes, &i, sizeof i);
		claim.caller = caller;
		assert_int_equal(claims_apply(claims, &claim, NOW_MS), CLAIM_APPLIED);
	}
}

static enum claim_state state_for(const struct claims *claims, uint64_t caller)
{
	const struct claim_digest key = digest(255), of = digest(200);
	return claims_look(claims, &key, &of, caller, NOW_MS).state;
}

static void a_caller_has_a_share_of_the_claims(void **state)
{
	(void)state;
	struct claims *claims = claims_open(100);
	numbered_take(claims, 0, 9, 5);
	assert_int_equal(state_for(claims, 5), CLAIM_FREE);
	numbered_take(claims, 9, 1, 5);
	assert_int_equal(state_for(claims, 5), CLAIM_SPENT);
	assert_int_equal(state_for(claims, 6), CLAIM_FREE);
	assert_int_equal(state_for(claims, 0), CLAIM_FREE); /* where there are no callers to tell apart */
	/* A key that is taken over counts for its new caller, and one that is forgotten for nobody. */
	struct claim_record heir = taking(0, 2, 11, NOW_MS);
	const uint32_t first = 0;
	memcpy(heir.id.bytes, &first, sizeof first);
	heir.caller = 6;
	assert_int_equal(claims_apply(claims, &heir, NOW_MS), CLAIM_APPLIED);
	assert_int_equal(state_for(claims, 5), CLAIM_FREE);
	claims_expire(claims, NOW_MS + 2 * CLAIMS_KEPT_MS, SIZE_MAX);
	numbered_take(claims, 0, 9, 5);
	assert_int_equal(state_for(claims, 5), CLAIM_FREE);
	claims_close(claims);
}

static void there_are_as_many_claims_as_there_may_be(void **state)
{
	(void)state;
	struct claims *claims = claims_open(100);
	numbered_take(claims, 0, 99, 0);
	assert_int_equal(state_for(claims, 0), CLAIM_FREE);
	numbered_take(claims, 99, 1, 0);
	assert_int_equal(state_for(claims, 0), CLAIM_FULL);
	assert_int_equal(state_for(claims, 6), CLAIM_FULL);
	claims_close(claims);
}

/* The limit of a gateway, and what its page says of the memory of each. */
static void a_million_keys_are_kept_and_one_more_is_refused(void **state)
{
	(void)state;
	const struct mallinfo2 before = mallinfo2();
	struct claims *claims = claims_open(CLAIMS_MAX);
	numbered_take(claims, 0, CLAIMS_MAX - 1, 0);
	assert_int_equal(state_for(claims, 0), CLAIM_FREE);
	numbered_take(claims, CLAIMS_MAX - 1, 1, 0);
	assert_int_equal(state_for(claims, 0), CLAIM_FULL);
	const struct mallinfo2 now = mallinfo2();
	const size_t bytes = now.uordblks + now.hblkhd - before.uordblks - before.hblkhd;
	if (bytes > 0) /* sanitizers tell nothing */
		assert_in_range(bytes, CLAIMS_MAX * 100, CLAIMS_MAX * 300);
	claims_close(claims);
}

/* ---- several gateways ---- */

struct world {
	struct random random;
	struct claim_record log[RECORDS_MAX];
	size_t length;
	struct claims *tables[GATEWAYS];
	size_t read[GATEWAYS];
	int64_t now_ms, skew_ms[GATEWAYS];
	int64_t produced; /* requests */
	uint64_t calls, given_up;
	bool is_given_up[RECORDS_MAX];	     /* of each call, by its number */
	struct claim_record asked[GATEWAYS]; /* a claim that is not read yet, of a call that waits; generation 0: none */
	struct claim_record won[GATEWAYS]; /* a claim whose origin is not written yet; generation 0: none */
	int64_t answers;  /* offset of the request whose answer a caller has; 0: none */
};

/* A gateway reads one record. Its own first claim produces a request, whose origin it may write later, or never: it dies. */
static void gateway_reads(struct world *world, size_t gateway)
{
	if (world->read[gateway] == world->length)
		return;
	const struct claim_record *record = &world->log[world->read[gateway]++];
	bool applied = claims_apply(world->tables[gateway], record, READ_MS) == CLAIM_APPLIED;
	bool own = record->nonce.epoch == gateway + 1;
	if (applied && own && record->event == CLAIM_TAKES && !world->is_given_up[record->nonce.number])
		world->won[gateway] = *record;
	if (own && record->nonce.number == world->asked[gateway].nonce.number)
		world->asked[gateway].generation = 0;
	if (applied && own && record->event == CLAIM_PLACES) { /* now its caller gets the answer */
		assert_true(world->answers == 0 || world->answers == record->origin.offset);
		world->answers = record->origin.offset;
	}
}

static void gateway_acts(struct world *world, size_t gateway)
{
	int64_t now_ms = world->now_ms + world->skew_ms[gateway];
	struct claim_look seen = look(world->tables[gateway], 1, 200, now_ms);
	if (world->length == RECORDS_MAX)
		return;
	if (world->won[gateway].generation > 0 && random_below(&world->random, 3) > 0) {
		world->log[world->length++] = placing(&world->won[gateway], ++world->produced);
		world->won[gateway].generation = 0;
	} else if (world->won[gateway].generation > 0) {
		world->won[gateway].generation = 0; /* it died */
	} else if (world->asked[gateway].generation > 0 && random_below(&world->random, 4) == 0) { /* the deadline passes */
		world->log[world->length++] = releasing(&world->asked[gateway]);
		world->is_given_up[world->asked[gateway].nonce.number] = true;
		world->asked[gateway].generation = 0;
		world->given_up++;
	} else if (seen.state == CLAIM_FREE) {
		struct claim_record *asked = &world->asked[gateway];
		*asked = taking(1, seen.generation, gateway + 1, now_ms);
		asked->nonce.number = ++world->calls;
		world->log[world->length++] = *asked;
	} else if (seen.state == CLAIM_SETTLED) {
		assert_true(world->answers == 0 || world->answers == seen.claim->origin.offset);
		world->answers = seen.claim->origin.offset;
	}
}

static void all_gateways_answer_a_key_from_one_request(void **state)
{
	(void)state;
	int64_t repeated = 0, settled = 0;
	uint64_t given_up = 0;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		struct world *world = test_calloc(1, sizeof *world);
		world->random.state = seed;
		world->now_ms = NOW_MS;
		for (size_t i = 0; i < GATEWAYS; i++) {
			world->tables[i] = claims_open(CLAIMS_MAX);
			world->skew_ms[i] = (int64_t)random_below(&world->random, 20000) - 10000;
		}
		for (size_t step = 0; step < 300; step++) {
			size_t gateway = (size_t)random_below(&world->random, GATEWAYS);
			world->now_ms += (int64_t)random_below(&world->random, 3000);
			if (random_below(&world->random, 3) == 0)
				gateway_acts(world, gateway);
			else
				gateway_reads(world, gateway);
		}
		settled += world->answers > 0;
		repeated += world->produced > 1;
		given_up += world->given_up;
		for (size_t i = 0; i < GATEWAYS; i++)
			claims_close(world->tables[i]);
		test_free(world);
	}
	assert_true(settled > 1900 && repeated > 100 && given_up > 500); /* takeovers that repeat work did occur */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back_as_it_was_written),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(a_key_is_free_then_open_then_settled),
		cmocka_unit_test(the_first_claim_in_the_log_wins),
		cmocka_unit_test(a_claim_past_its_deadline_is_taken_over_once),
		cmocka_unit_test(an_origin_before_a_takeover_holds),
		cmocka_unit_test(a_key_that_is_given_back_is_free_for_any_body),
		cmocka_unit_test(a_claim_that_is_given_up_before_it_is_read_frees_its_key),
		cmocka_unit_test(records_of_a_former_claim_of_the_same_call_count_no_more),
		cmocka_unit_test(a_key_whose_request_was_declined_is_free_again),
		cmocka_unit_test(a_claim_is_kept_for_a_day),
		cmocka_unit_test(what_is_forgotten_first_is_the_oldest_claim),
		cmocka_unit_test(many_keys_are_kept_apart),
		cmocka_unit_test(a_clock_that_is_ahead_keeps_no_claim_for_long),
		cmocka_unit_test(a_caller_has_a_share_of_the_claims),
		cmocka_unit_test(there_are_as_many_claims_as_there_may_be),
		cmocka_unit_test(a_million_keys_are_kept_and_one_more_is_refused),
		cmocka_unit_test(all_gateways_answer_a_key_from_one_request),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
