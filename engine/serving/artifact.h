/* artifact.h: files that are elsewhere: http:, https: and s3:.
 *
 * s3://BUCKET/KEY is asked for with the credentials of the environment, as AWS's own tools
 * are: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION (or
 * AWS_DEFAULT_REGION; else us-east-1), and AWS_ENDPOINT_URL for a store that is not AWS's.
 * Without a key the request is not signed.
 */
#ifndef SLUICE_SERVING_ARTIFACT_H
#define SLUICE_SERVING_ARTIFACT_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Whether it is a URL; then only artifact_fetch() knows what it is. */
bool artifact_is_elsewhere(const char *name);

/* Whether a URL is one that could be fetched, as far as its words say. False: CONFIG at the place. */
bool artifact_check(const char *url, struct place place, struct arena *arena, struct error *error);

/* Appends the file to `content`, whose ceiling bounds it; waits for it, until another thread
 * gives it up (net/fetch.h). The arena is for what is in between. False: CONFIG at the place,
 * with the name but no secret of it, or SYSTEM. */
bool artifact_fetch(const char *url, const atomic_bool *given_up, struct place place, struct arena *arena, struct buffer *content,
		    struct error *error);

#endif
