/* remote_file.c: see remote_file.h. */
#include "models/remote_file.h"

#include <stdlib.h>

#include "net/http/fetch.h"

#define S3_SCHEME "s3://"
#define REGION_DEFAULT "us-east-1"
/* Hash of an empty body. S3 requires it in the signature. */
#define BODY_HASH "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define URL_BYTES_MAX ((size_t)65536)

bool remote_file_is_url(const char *name)
{
	return strstr(name, "://") != NULL;
}

static const char *setting(const char *name)
{
	const char *value = getenv(name);
	return value && value[0] ? value : NULL;
}

/* ---- S3 ---- */

/* Escapes the bytes of a key that a URL cannot contain; slashes stay. */
static void write_escaped(struct buffer *out, const char *key)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	for (; *key; key++)
		if (strchr(plain, *key))
			buffer_byte(out, *key);
		else
			buffer_print(out, "%%%02X", (unsigned char)*key);
}

/* The URL of an object. At a private store the bucket is part of the path. At AWS it is part of the host's name,
 * unless it has a dot, for which AWS has no certificate. */
static const char *s3_url(struct text bucket, const char *key, const char *region, struct arena *arena)
{
	const char *endpoint = setting("AWS_ENDPOINT_URL_S3");
	struct buffer url;
	endpoint = endpoint ? endpoint : setting("AWS_ENDPOINT_URL");
	buffer_open(&url, URL_BYTES_MAX);
	if (endpoint) {
		size_t length = strlen(endpoint);
		while (length && endpoint[length - 1] == '/')
			length--;
		buffer_print(&url, "%.*s/" TEXT_FORMAT "/", (int)length, endpoint, TEXT_ARGUMENTS(bucket));
	} else if (memchr(bucket.bytes, '.', bucket.length)) {
		buffer_print(&url, "https://s3.%s.amazonaws.com/" TEXT_FORMAT "/", region, TEXT_ARGUMENTS(bucket));
	} else {
		buffer_print(&url, "https://" TEXT_FORMAT ".s3.%s.amazonaws.com/", TEXT_ARGUMENTS(bucket), region);
	}
	write_escaped(&url, key);
	const char *copy = buffer_failed(&url) ? NULL : arena_copy(arena, url.bytes, url.length);
	buffer_close(&url);
	return copy;
}

/* Fetches a name that remote_file_check() has accepted. */
static bool s3_fetch(const char *name, const atomic_bool *given_up, struct place place, struct arena *arena, struct buffer *content,
		     struct error *error)
{
	const char *begin = name + strlen(S3_SCHEME), *slash = strchr(begin, '/');
	const char *id = setting("AWS_ACCESS_KEY_ID"), *secret = setting("AWS_SECRET_ACCESS_KEY");
	const char *token = setting("AWS_SESSION_TOKEN"), *region = setting("AWS_REGION");
	region = region ? region : setting("AWS_DEFAULT_REGION");
	region = region ? region : REGION_DEFAULT;
	if ((id == NULL) != (secret == NULL))
		return error_set(error, ERROR_CONFIG, place, "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set");
	const struct text bucket = {begin, (size_t)(slash - begin)};
	const struct fetch_request request = {
		.url = s3_url(bucket, slash + 1, region, arena),
		.region = id ? region : NULL,
		.service = "s3",
		.given_up = given_up,
		.login = id ? arena_print(arena, "%s:%s", id, secret) : NULL,
		.headers = {id ? BODY_HASH : NULL, id && token ? arena_print(arena, "x-amz-security-token: %s", token) : NULL},
	};
	if (!request.url || arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "fetching a file");
	return fetch(&request, place, content, error);
}

/* ---- both ---- */

static bool remote_file_refuse(const char *url, const struct error *why, struct place place, struct error *error)
{
	return error_set(error, why->kind, place, "%s cannot be fetched: %s", url, why->text);
}

bool remote_file_check(const char *url, struct place place, struct error *error)
{
	assert(remote_file_is_url(url));
	struct error why = {0};
	const char *rest = strstr(url, "://") + 3;
	const size_t host = strcspn(rest, "/?#"), scheme = (size_t)(rest - url);
	if (strncmp(url, S3_SCHEME, scheme) == 0) {
		if (host == 0 || rest[host] != '/' || !rest[host + 1])
			error_set(&why, ERROR_CONFIG, place, "it names no bucket and key; write s3://BUCKET/KEY");
	} else if (strncmp(url, "http://", scheme) != 0 && strncmp(url, "https://", scheme) != 0) {
		error_set(&why, ERROR_CONFIG, place, "its scheme is not one of file, http, https and s3");
	} else if (host == 0) {
		error_set(&why, ERROR_CONFIG, place, "it names no host; write http://HOST/FILE");
	}
	return !why.kind || remote_file_refuse(url, &why, place, error);
}

bool remote_file_fetch(const char *url, const atomic_bool *given_up, struct place place, struct arena *arena,
		       struct buffer *content, struct error *error)
{
	struct error why = {0};
	const struct fetch_request request = {.url = url, .given_up = given_up};
	if (!remote_file_check(url, place, error))
		return false;
	if (text_starts_with(text_of(url), TEXT(S3_SCHEME)))
		return s3_fetch(url, given_up, place, arena, content, &why) || remote_file_refuse(url, &why, place, error);
	return fetch(&request, place, content, &why) || remote_file_refuse(url, &why, place, error);
}
