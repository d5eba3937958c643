/* remote_file.h: Remote files of steps and models: http:, https: and s3: URLs.
 *
 * A request for s3://BUCKET/KEY uses the credentials of the environment, as AWS's own tools do:
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION (or AWS_DEFAULT_REGION; else
 * us-east-1), and AWS_ENDPOINT_URL for a store that is not AWS's. Without a key the request is not signed.
 */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* Whether `name` is a URL, of any scheme. Only remote_file_fetch() can read it. */
bool remote_file_is_url(const char *name);

/* Whether a URL, as remote_file_is_url() finds it, is such that it can be fetched; nothing is sent. False: CONFIG at the
 * place. */
bool remote_file_check(const char *url, struct place place, struct error *error);

/* Appends the file to `content`, whose ceiling limits its size. Blocks until the file has come, or until
 * another thread sets `given_up` (net/http/fetch.h). The arena is for intermediate data. False: CONFIG at the place,
 * with the name but without any secret in it, or SYSTEM. */
bool remote_file_fetch(const char *url, const atomic_bool *given_up, struct place place, struct arena *arena,
		       struct buffer *content, struct error *error);
