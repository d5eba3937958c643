/* jwt_cache.c: see jwt_cache.h. */
#include "gateway/access/jwt_cache.h"

#include <openssl/sha.h>

#include "base/list.h"
#include "base/memory.h"

#define ROWS JWT_CACHE_TOKENS

struct cached_token {
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct jwt jwt;
	struct cached_token *next; /* in its row */
	struct list_node node;	   /* most recently used first; or in the list of free ones */
};

struct jwt_cache {
	struct cached_token *rows[ROWS];
	struct list used, unused;
	struct jwt uncached; /* the last token that was not cached */
	size_t count;
	struct cached_token tokens[JWT_CACHE_TOKENS];
};

static struct cached_token *cached_token_of(struct list_node *node)
{
	return LIST_OWNER(node, struct cached_token, node);
}

struct jwt_cache *jwt_cache_open(struct error *error)
{
	struct jwt_cache *cache = memory_take(1, sizeof *cache);
	if (!cache)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening the cache of tokens"));
	for (size_t i = 0; i < JWT_CACHE_TOKENS; i++)
		list_add(&cache->unused, &cache->tokens[i].node);
	return cache;
}

/* A digest is uniformly distributed, so its first bytes choose the row. */
static struct cached_token **row_of(struct jwt_cache *cache, const unsigned char *digest)
{
	return &cache->rows[((size_t)digest[0] << 8 | digest[1]) % ROWS];
}

static void cached_token_forget(struct jwt_cache *cache, struct cached_token *token)
{
	struct cached_token **at = row_of(cache, token->digest);
	while (*at != token)
		at = &(*at)->next;
	*at = token->next;
	jwt_close(&token->jwt);
	list_remove(&token->node);
	list_add(&cache->unused, &token->node);
	cache->count--;
}

void jwt_cache_clear(struct jwt_cache *cache)
{
	while (cache->used.first)
		cached_token_forget(cache, cached_token_of(cache->used.first));
	jwt_close(&cache->uncached);
}

void jwt_cache_close(struct jwt_cache *cache)
{
	if (cache)
		jwt_cache_clear(cache);
	memory_give(cache);
}

/* Finds an entry; an expired one is removed and not found. */
static struct cached_token *cached_token_find(struct jwt_cache *cache, const unsigned char *digest, int64_t now_ms)
{
	struct cached_token *token = *row_of(cache, digest);
	while (token && memcmp(token->digest, digest, sizeof token->digest) != 0)
		token = token->next;
	if (!token || now_ms < token->jwt.valid_until_ms)
		return token;
	cached_token_forget(cache, token);
	return NULL;
}

static const struct jwt *cached_token_keep(struct jwt_cache *cache, const unsigned char *digest, const struct jwt *jwt)
{
	if (!cache->unused.first)
		cached_token_forget(cache, cached_token_of(cache->used.last));
	struct cached_token *token = cached_token_of(cache->unused.first), **row = row_of(cache, digest);
	list_remove(&token->node);
	list_add_first(&cache->used, &token->node);
	memcpy(token->digest, digest, sizeof token->digest);
	token->jwt = *jwt;
	token->next = *row;
	*row = token;
	cache->count++;
	return &token->jwt;
}

bool jwt_cache_has(struct jwt_cache *cache, struct text token, int64_t now_ms)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	if (token.length > JWT_CACHE_TOKEN_BYTES_MAX)
		return false;
	SHA256((const unsigned char *)token.bytes, token.length, digest);
	return cached_token_find(cache, digest, now_ms) != NULL;
}

enum jwt_refusal jwt_cache_verify(struct jwt_cache *cache, struct text token, const struct jwks *keys,
				  const struct jwt_rules *rules, int64_t now_ms, const struct jwt **jwt)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	bool is_kept = token.length <= JWT_CACHE_TOKEN_BYTES_MAX;
	jwt_close(&cache->uncached);
	if (is_kept) {
		SHA256((const unsigned char *)token.bytes, token.length, digest);
		struct cached_token *found = cached_token_find(cache, digest, now_ms);
		if (found) {
			list_remove(&found->node);
			list_add_first(&cache->used, &found->node);
			*jwt = &found->jwt;
			return JWT_TAKEN;
		}
	}
	struct jwt verified;
	enum jwt_refusal refusal = jwt_verify(token, keys, rules, now_ms, &verified);
	if (refusal != JWT_TAKEN)
		return refusal;
	if (is_kept)
		*jwt = cached_token_keep(cache, digest, &verified);
	else {
		cache->uncached = verified;
		*jwt = &cache->uncached;
	}
	return JWT_TAKEN;
}

size_t jwt_cache_count(const struct jwt_cache *cache)
{
	return cache->count;
}
