/* gateway_input_fuzz.c: any bytes as a compressed body of a request, as a plain one, as the id of a submitted request, as
 * X-Forwarded-For, and as claims of an idempotency key: a body has never more bytes than its limit, what was packed is unpacked
 * again, what is read is written as it was read, a forged address behind a caller's does not count, and one claim holds a key.
 * seeds: tests/data/fuzz/gateway-*.bin
 *
 * The first byte chooses which; of bodies, the second one is the limit in units of LIMIT_BYTES.
 */
#include <netinet/in.h>
#include <stdlib.h>

#include "gateway/access/access.h"
#include "gateway/calls/idempotency_claims.h"
#include "gateway/calls/submission.h"
#include "tests/unit/gzip_whole.h"

#define LIMIT_BYTES ((size_t)1 << 10)
#define PORTION ((size_t)100)
#define OUT_BYTES ((size_t)1 << 20)
#define FORWARDED_BYTES_MAX 4096
#define CLAIMS_LEAST 4 /* of a table; the input has one key */
#define NOW_MS INT64_C(1700000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void body_unpack(struct text packed, size_t limit)
{
	struct buffer out;
	buffer_open(&out, OUT_BYTES);
	enum gzip_outcome outcome = gunzip_whole(GZIP_FORM_GZIP, packed, limit, PORTION, &out);
	must(outcome != GZIP_NO_MEMORY && !buffer_failed(&out) && (outcome != GZIP_WHOLE || buffer_view(&out).length <= limit));
	buffer_close(&out);
}

/* A limit of just its length is kept to, one less is not, and no part of it is taken for the whole. */
static void body_pack(struct text plain)
{
	static struct gzip *gzip;
	struct buffer packed, out;
	gzip = gzip ? gzip : gzip_open();
	buffer_open(&packed, OUT_BYTES);
	buffer_open(&out, OUT_BYTES);
	must(gzip && gzip_whole(gzip, plain, PORTION, &packed) == GZIP_WHOLE);
	const struct text whole = buffer_view(&packed);
	must(gunzip_whole(GZIP_FORM_GZIP, whole, plain.length, PORTION, &out) == GZIP_WHOLE &&
	     text_equal(buffer_view(&out), plain));
	buffer_clear(&out);
	must(plain.length == 0 || gunzip_whole(GZIP_FORM_GZIP, whole, plain.length - 1, PORTION, &out) == GZIP_TOO_LONG);
	buffer_clear(&out);
	must(gunzip_whole(GZIP_FORM_GZIP, (struct text){whole.bytes, whole.length - 1}, plain.length, PORTION, &out) ==
	     GZIP_INVALID);
	buffer_close(&packed);
	buffer_close(&out);
}

static void id_read(struct text id)
{
	struct submission first, second;
	char text[SUBMISSION_ID_BYTES_MAX];
	if (!submission_read(id, &first))
		return;
	size_t length = submission_write(&first, text);
	must(length > 0 && length < sizeof text && submission_read((struct text){text, length}, &second));
	must(second.partition == first.partition && second.offset == first.offset && second.time_ms == first.time_ms);
	must(second.answers == first.answers && submission_is_of(&second, submission_nonce(&first)));
	must(first.partition >= 0 && first.offset >= 0 && first.time_ms >= 0 && first.answers >= -1);
}

/* ---- X-Forwarded-For ---- */

static bool is_proxy(const struct peer_address *address)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	return address->bytes[0] == 0xfd || (memcmp(address->bytes, mapped, sizeof mapped) == 0 && address->bytes[12] == 10);
}

/* Whoever is no proxy may write what it likes, and what a caller wrote before its own address does not count. */
static void forwarded_read(struct text forwarded)
{
	static const char *const networks[] = {"10.0.0.0/8", "fd00::/8"};
	static const char before[] = "203.0.113.9, ";
	struct network proxies[2];
	struct sockaddr_storage peer, other;
	char longer[sizeof before + FORWARDED_BYTES_MAX];
	for (size_t i = 0; i < 2; i++)
		must(network_read(text_of(networks[i]), &proxies[i]));
	must(network_address_read(TEXT("10.1.2.3"), &peer) && network_address_read(TEXT("198.51.100.1"), &other));
	const struct peer_address found = access_address_find(&peer, forwarded, proxies, 2);
	const struct peer_address stranger = access_address_find(&other, forwarded, proxies, 2), own = peer_address_of(&other);
	must(memcmp(&stranger, &own, sizeof own) == 0);
	if (is_proxy(&found) || forwarded.length > FORWARDED_BYTES_MAX)
		return;
	memcpy(longer, before, sizeof before - 1);
	memcpy(longer + sizeof before - 1, forwarded.bytes, forwarded.length);
	const struct text forged = {longer, sizeof before - 1 + forwarded.length};
	const struct peer_address again = access_address_find(&peer, forged, proxies, 2);
	must(memcmp(&again, &found, sizeof found) == 0);
}

/* ---- claims ---- */

static void record_check(const struct claim_record *record)
{
	struct claim_record again;
	char key[CLAIM_ID_DIGITS], value[CLAIM_VALUE_BYTES_MAX], other_key[CLAIM_ID_DIGITS], other_value[CLAIM_VALUE_BYTES_MAX];
	const size_t length = claim_record_write(record, key, value);
	must(length < sizeof value && claim_record_read((struct text){key, sizeof key}, (struct text){value, length}, &again));
	must(claim_record_write(&again, other_key, other_value) == length && memcmp(value, other_value, length) == 0);
	must(memcmp(key, other_key, sizeof key) == 0);
}

/* The values of records of one key, a line each. Where a claim counts no other one does until it is over, and a settled key has
 * the origin that was placed. */
static void claims_run(struct text lines)
{
	static const char key[CLAIM_ID_DIGITS + 1] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	struct claims *claims = claims_open(CLAIMS_LEAST);
	struct claim_record placed = {0};
	bool is_placed = false;
	must(claims);
	while (lines.length > 0) {
		struct claim_record record;
		const struct text line = text_take_until(&lines, '\n');
		if (!claim_record_read((struct text){key, CLAIM_ID_DIGITS}, line, &record))
			continue;
		record_check(&record);
		const bool counts = claims_apply(claims, &record, NOW_MS) == CLAIM_APPLIED;
		must(!counts || !is_placed || record.event != CLAIM_PLACES);
		must(!counts || !is_placed || record.event != CLAIM_TAKES || record.time_ms - placed.time_ms > CLAIMS_KEPT_MS);
		if (counts && record.event == CLAIM_TAKES)
			placed = record;
		if (counts && record.event == CLAIM_PLACES)
			placed.origin = record.origin;
		is_placed = counts ? record.event == CLAIM_PLACES : is_placed;
		const struct claim_look look = claims_look(claims, &record.id, &placed.body, 0, placed.time_ms);
		must(claims_count(claims) <= 1 && (look.state == CLAIM_SETTLED) == is_placed);
		must(!is_placed || look.claim->origin.offset == placed.origin.offset);
	}
	claims_expire(claims, INT64_MAX, 1);
	must(claims_count(claims) == 0);
	claims_close(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	if (size < 2)
		return 0;
	if (data[0] % 5 == 0)
		body_unpack((struct text){bytes + 2, size - 2}, data[1] * LIMIT_BYTES);
	else if (data[0] % 5 == 1)
		body_pack((struct text){bytes + 2, size - 2});
	else if (data[0] % 5 == 2)
		id_read((struct text){bytes + 1, size - 1});
	else if (data[0] % 5 == 3)
		forwarded_read((struct text){bytes + 1, size - 1});
	else
		claims_run((struct text){bytes + 1, size - 1});
	return 0;
}
