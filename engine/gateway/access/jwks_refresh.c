/* jwks_refresh.c: see jwks_refresh.h. */
#include "gateway/access/jwks_refresh.h"

void jwks_refresh_close(struct jwks_refresh *refresh)
{
	jwks_close(refresh->keys);
	*refresh = (struct jwks_refresh){0};
}

int64_t jwks_refresh_due_ms(const struct jwks_refresh *refresh)
{
	if (refresh->is_under_way)
		return INT64_MAX;
	if (!refresh->has_begun)
		return INT64_MIN;
	int64_t pause_ms = refresh->begun_ms + JWKS_PAUSE_MS, every_ms = refresh->fetched_ms + JWKS_EVERY_MS;
	if (!refresh->keys || refresh->is_wanted || every_ms < pause_ms)
		return pause_ms;
	return every_ms;
}

void jwks_refresh_begin(struct jwks_refresh *refresh, int64_t now_ms)
{
	refresh->has_begun = refresh->is_under_way = true;
	refresh->is_wanted = false;
	refresh->begun_ms = now_ms;
}

void jwks_refresh_succeed(struct jwks_refresh *refresh, struct jwks *keys, int64_t now_ms)
{
	refresh->is_under_way = false;
	refresh->fetched_ms = now_ms;
	if (!keys)
		return;
	jwks_close(refresh->keys);
	refresh->keys = keys;
}

void jwks_refresh_fail(struct jwks_refresh *refresh)
{
	refresh->is_under_way = false;
	refresh->failures++;
}

bool jwks_refresh_want(struct jwks_refresh *refresh, int64_t now_ms)
{
	refresh->is_wanted = refresh->is_wanted || !refresh->is_under_way;
	return refresh->is_under_way || jwks_refresh_due_ms(refresh) <= now_ms;
}

int64_t jwks_refresh_age_ms(const struct jwks_refresh *refresh, int64_t now_ms)
{
	return refresh->keys ? now_ms - refresh->fetched_ms : -1;
}

const struct jwks *jwks_refresh_keys(const struct jwks_refresh *refresh, int64_t now_ms)
{
	return refresh->keys && now_ms - refresh->fetched_ms <= JWKS_OLD_MS_MAX ? refresh->keys : NULL;
}
