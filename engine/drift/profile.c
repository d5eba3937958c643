/* profile.c: Profiles of features; see profile.h. */
#include "drift/profile.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"

#define COMPRESSION 16	     /* about 14 clusters for each factor of e in rows: some 200 of a million */
#define NUMBER_CLUSTERS_MAX 240
#define LENGTH_CLUSTERS_MAX 96

void profile_open(struct profile *profile, enum profile_kind kind)
{
	*profile = (struct profile){.kind = kind};
	tdigest_open(&profile->digest, COMPRESSION);
}

void profile_close(struct profile *profile)
{
	tdigest_close(&profile->digest);
}

bool profile_add_number(struct profile *profile, double number)
{
	profile->rows++;
	if (!(fabs(number) <= PROFILE_NUMBER_MAX)) {
		*(isnan(number) ? &profile->missing : &profile->infinite) += 1;
		return true;
	}
	moments_add(&profile->moments, number);
	return tdigest_add(&profile->digest, number);
}

/* ---- texts ---- */

static struct profile_text *text_find(struct profile *profile, uint64_t hash)
{
	for (size_t i = 0; i < profile->text_count; i++)
		if (profile->texts[i].hash == hash)
			return &profile->texts[i];
	return NULL;
}

/* Takes so much from all counts, and leaves out those that end by it. */
static void texts_lower(struct profile *profile, uint64_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < profile->text_count; i++)
		if (profile->texts[i].count > count) {
			profile->texts[kept] = profile->texts[i];
			profile->texts[kept++].count -= count;
		}
	profile->text_count = kept;
	profile->uncounted += count;
}

static void text_count(struct profile *profile, struct text text)
{
	const uint64_t hash = hash_bytes(text.bytes, text.length, 0);
	struct profile_text *known = text_find(profile, hash);
	if (known) {
		known->count++;
		return;
	}
	if (profile->text_count == PROFILE_TEXTS_MAX) {
		texts_lower(profile, 1); /* and this one is not counted either */
		return;
	}
	struct profile_text *added = &profile->texts[profile->text_count++];
	*added = (struct profile_text){
		.hash = hash, .count = 1, .length = text.length < PROFILE_NAME_MAX ? text.length : PROFILE_NAME_MAX};
	memcpy(added->name, text.bytes, added->length);
}

bool profile_add_text(struct profile *profile, struct text text)
{
	profile->rows++;
	if (!text.bytes) {
		profile->missing++;
		return true;
	}
	text_count(profile, text);
	moments_add(&profile->moments, (double)text.length);
	return tdigest_add(&profile->digest, (double)text.length);
}

uint64_t profile_count(const struct profile *profile, struct text text)
{
	const uint64_t hash = hash_bytes(text.bytes, text.length, 0);
	for (size_t i = 0; i < profile->text_count; i++)
		if (profile->texts[i].hash == hash)
			return profile->texts[i].count;
	return 0;
}

static int compare_texts(const void *left, const void *right)
{
	const struct profile_text *a = left, *b = right;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return (a->hash > b->hash) - (a->hash < b->hash);
}

/* ---- merging ---- */

static void texts_merge(struct profile *into, const struct profile *from)
{
	for (size_t i = 0; i < from->text_count; i++) {
		struct profile_text *known = text_find(into, from->texts[i].hash);
		if (known)
			known->count += from->texts[i].count;
		else
			into->texts[into->text_count++] = from->texts[i];
	}
	into->uncounted += from->uncounted;
	if (into->text_count <= PROFILE_TEXTS_MAX)
		return;
	qsort(into->texts, into->text_count, sizeof *into->texts, compare_texts);
	texts_lower(into, into->texts[PROFILE_TEXTS_MAX].count);
}

bool profile_merge(struct profile *into, const struct profile *from)
{
	into->rows += from->rows;
	into->missing += from->missing;
	into->infinite += from->infinite;
	moments_merge(&into->moments, &from->moments);
	texts_merge(into, from);
	return tdigest_merge(&into->digest, &from->digest);
}

double profile_quantile(struct profile *profile, double q)
{
	return tdigest_quantile(&profile->digest, q);
}

/* ---- stored bytes ---- */

/*   sluice-profile, version   15 bytes
 *   kind                      1
 *   rows, missing, infinite, mean, squares, least, most, clusters, texts, uncounted: 8 each
 *   clusters                  mean 8, weight 8, of which the lowest bit says that all its numbers are equal
 *   texts                     hash 8, count 8, length 1, name */
#define MAGIC "sluice-profile\001"

static void word_put(struct buffer *out, uint64_t word)
{
	unsigned char bytes[8];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(word >> 8 * i);
	buffer_append(out, bytes, sizeof bytes);
}

static void number_put(struct buffer *out, double number)
{
	uint64_t word;
	memcpy(&word, &number, sizeof word);
	word_put(out, word);
}

static size_t clusters_max(enum profile_kind kind)
{
	return kind == PROFILE_NUMBERS ? NUMBER_CLUSTERS_MAX : LENGTH_CLUSTERS_MAX;
}

static void digest_put(const struct profile *profile, const struct tdigest *digest, struct buffer *out)
{
	buffer_append(out, MAGIC, sizeof MAGIC - 1);
	buffer_byte(out, (char)profile->kind);
	word_put(out, profile->rows);
	word_put(out, profile->missing);
	word_put(out, profile->infinite);
	number_put(out, profile->moments.mean);
	number_put(out, profile->moments.squares);
	number_put(out, digest->least);
	number_put(out, digest->most);
	word_put(out, digest->settled);
	word_put(out, profile->text_count);
	word_put(out, profile->uncounted);
	for (size_t i = 0; i < digest->settled; i++) {
		number_put(out, digest->clusters[i].mean);
		word_put(out, digest->clusters[i].weight << 1 | digest->clusters[i].equal);
	}
}

bool profile_write(struct profile *profile, struct buffer *out)
{
	struct tdigest shorter;
	double compression = COMPRESSION;
	bool good = true;
	tdigest_settle(&profile->digest);
	tdigest_open(&shorter, compression);
	const struct tdigest *digest = &profile->digest;
	while (good && digest->settled > clusters_max(profile->kind)) {
		compression *= 0.8;
		tdigest_close(&shorter);
		tdigest_open(&shorter, compression);
		good = tdigest_merge(&shorter, &profile->digest);
		tdigest_settle(&shorter);
		digest = &shorter;
	}
	if (good)
		digest_put(profile, digest, out);
	for (size_t i = 0; good && i < profile->text_count; i++) {
		const struct profile_text *text = &profile->texts[i];
		word_put(out, text->hash);
		word_put(out, text->count);
		buffer_byte(out, (char)text->length);
		buffer_append(out, text->name, text->length);
	}
	tdigest_close(&shorter);
	return good && !buffer_failed(out);
}

/* What is read; `broken` when it ends too soon. */
struct profile_cursor {
	const unsigned char *at, *end;
	bool broken;
};

static uint64_t word_take(struct profile_cursor *cursor)
{
	uint64_t word = 0;
	if (cursor->end - cursor->at < 8) {
		cursor->broken = true;
		return 0;
	}
	for (size_t i = 0; i < 8; i++)
		word |= (uint64_t)*cursor->at++ << 8 * i;
	return word;
}

static double number_take(struct profile_cursor *cursor)
{
	const uint64_t word = word_take(cursor);
	double number;
	memcpy(&number, &word, sizeof number);
	return number;
}

/* Clusters in order between the ends, whose numbers are all that there are. */
static bool digest_hold(const struct tdigest *digest, uint64_t numbers)
{
	double before = digest->least;
	for (size_t i = 0; i < digest->settled; i++) {
		if (!(digest->clusters[i].mean >= before) || digest->clusters[i].weight == 0)
			return false;
		before = digest->clusters[i].mean;
	}
	if (digest->settled == 0)
		return numbers == 0 && digest->least == (double)INFINITY && digest->most == (double)-INFINITY;
	return digest->least >= -PROFILE_NUMBER_MAX && before <= digest->most && digest->most <= PROFILE_NUMBER_MAX &&
	       digest->weight == numbers;
}

static void digest_take(struct profile_cursor *cursor, struct tdigest *digest)
{
	for (size_t i = 0; i < digest->settled; i++) {
		const double mean = number_take(cursor);
		const uint64_t weight = word_take(cursor);
		digest->clusters[i] = (struct tdigest_cluster){mean, weight >> 1, weight & 1};
		cursor->broken = cursor->broken || weight >> 1 > PROFILE_ROWS_MAX - digest->weight;
		digest->weight += cursor->broken ? 0 : weight >> 1;
	}
	digest->count = digest->settled;
}

static void texts_take(struct profile_cursor *cursor, struct profile *profile, size_t count)
{
	uint64_t counted = profile->missing;
	while (!cursor->broken && profile->text_count < count) {
		struct profile_text text = {.hash = word_take(cursor), .count = word_take(cursor)};
		text.length = cursor->at < cursor->end ? *cursor->at++ : SIZE_MAX;
		cursor->broken = cursor->broken || text.length > PROFILE_NAME_MAX ||
				 (size_t)(cursor->end - cursor->at) < text.length || text.count == 0 ||
				 text.count > profile->rows - counted || text_find(profile, text.hash);
		if (cursor->broken)
			return;
		counted += text.count;
		memcpy(text.name, cursor->at, text.length);
		cursor->at += text.length;
		profile->texts[profile->text_count++] = text;
	}
}

/* All but the digest goes to the profile at once; false: it does not hold together. */
static bool parts_take(struct profile_cursor *cursor, struct profile *profile, struct tdigest *digest)
{
	profile->rows = word_take(cursor);
	profile->missing = word_take(cursor);
	profile->infinite = word_take(cursor);
	profile->moments.mean = number_take(cursor);
	profile->moments.squares = number_take(cursor);
	digest->least = number_take(cursor);
	digest->most = number_take(cursor);
	const uint64_t clusters = word_take(cursor), texts = word_take(cursor);
	profile->uncounted = word_take(cursor);
	if (cursor->broken || profile->rows > PROFILE_ROWS_MAX || profile->missing > profile->rows ||
	    profile->infinite > profile->rows - profile->missing || profile->uncounted > profile->rows ||
	    clusters > clusters_max(profile->kind) || texts > (profile->kind == PROFILE_TEXTS ? PROFILE_TEXTS_MAX : 0) ||
	    !isfinite(profile->moments.mean) || !(profile->moments.squares >= 0) || isinf(profile->moments.squares))
		return false;
	profile->moments.count = profile->rows - profile->missing - profile->infinite;
	digest->settled = (size_t)clusters;
	digest_take(cursor, digest);
	texts_take(cursor, profile, (size_t)texts);
	return !cursor->broken && cursor->at == cursor->end && digest_hold(digest, profile->moments.count);
}

bool profile_read(struct profile *profile, struct text stored, struct error *error)
{
	const size_t head = sizeof MAGIC;
	struct tdigest_cluster clusters[NUMBER_CLUSTERS_MAX];
	struct tdigest digest = {.clusters = clusters};
	if (stored.length < head || memcmp(stored.bytes, MAGIC, head - 2) != 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "these bytes are no profile of a feature");
	if (stored.bytes[head - 2] != MAGIC[head - 2])
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the profile has version %u, and this engine reads version %u; use the engine that wrote it",
				 (unsigned char)stored.bytes[head - 2], (unsigned char)MAGIC[head - 2]);
	const unsigned char kind = (unsigned char)stored.bytes[head - 1];
	struct profile_cursor cursor = {(const unsigned char *)stored.bytes + head,
					(const unsigned char *)stored.bytes + stored.length, kind > PROFILE_TEXTS};
	profile_open(profile, kind == PROFILE_TEXTS ? PROFILE_TEXTS : PROFILE_NUMBERS);
	if (cursor.broken || !parts_take(&cursor, profile, &digest))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the profile is damaged; take another window as reference");
	if (!tdigest_merge(&profile->digest, &digest)) {
		profile_close(profile);
		return error_memory(error, ERROR_SYSTEM, "reading a profile");
	}
	profile->digest.settled = profile->digest.count; /* as they were written, which another settling could change */
	return true;
}
