/* jwks_source.c: see jwks_source.h. */
#include "gateway/access/jwks_source.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number/duration.h"
#include "base/number/moment.h"
#include "base/url.h"
#include "gateway/access/access_file.h"
#include "net/http/http.h"

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

bool jwks_outage_fail(struct jwks_outage *outage, const char *cause, bool has_keys, int64_t now_ms)
{
	const int64_t silent_ms = now_ms - outage->noted_ms;
	const bool is_news = !outage->is_on || outage->had_keys != has_keys || silent_ms >= JWKS_REMINDER_MS ||
			     (silent_ms >= JWKS_CAUSE_PAUSE_MS && strcmp(outage->cause, cause) != 0);
	if (!outage->is_on)
		outage->since_ms = now_ms;
	outage->is_on = true;
	if (!is_news)
		return false;
	outage->had_keys = has_keys;
	outage->noted_ms = now_ms;
	snprintf(outage->cause, sizeof outage->cause, "%s", cause);
	return true;
}

int64_t jwks_outage_end(struct jwks_outage *outage, int64_t now_ms)
{
	const int64_t length_ms = outage->is_on ? now_ms - outage->since_ms : -1;
	*outage = (struct jwks_outage){0};
	return length_ms;
}

void jwks_outage_line(const struct jwks_outage *outage, const struct jwks_outage_facts *facts, char line[JWKS_OUTAGE_BYTES])
{
	char since[MOMENT_BYTES], fetched[MOMENT_BYTES], until[MOMENT_BYTES], meanwhile[160];
	moment_print(facts->wall_ms - (facts->now_ms - outage->since_ms), since);
	moment_print(facts->wall_ms - facts->age_ms, fetched);
	moment_print(facts->wall_ms - facts->age_ms + JWKS_OLD_MS_MAX, until);
	if (outage->had_keys)
		snprintf(meanwhile, sizeof meanwhile,
			 "tokens are verified with the keys of %s until %s, and refused (503) after that", fetched, until);
	else
		snprintf(meanwhile, sizeof meanwhile, "all tokens are refused (503) meanwhile");
	int length = snprintf(line, JWKS_OUTAGE_BYTES,
			      "the key set of tokens cannot be fetched from %s: %s; it fails since %s, and %s; ", facts->address,
			      outage->cause, since, meanwhile);
	if (length < 0 || length >= JWKS_OUTAGE_BYTES)
		return;
	if (facts->is_file)
		snprintf(line + length, JWKS_OUTAGE_BYTES - (size_t)length,
			 "correct the file, which is read again when it changes");
	else
		snprintf(line + length, JWKS_OUTAGE_BYTES - (size_t)length,
			 "check that address (--jwks, or jwksUri), and the server there, which is asked again every %d s",
			 (int)(JWKS_PAUSE_MS / MS_PER_S));
}

#define CONNECTION_IDLE_S 5 /* the next fetch is minutes away */
#define NOTE_BYTES 256	    /* of keys that are left out, and of the end of an outage */

struct jwks_source {
	struct loop *loop;
	struct jwks_source_settings settings;
	struct jwks_refresh refresh;
	struct loop_timer timer;
	struct http *http; /* NULL: a file */
	struct http_request request;
	struct access_file file;
	struct jwks_outage outage;
	unsigned char digest[SHA256_DIGEST_LENGTH];
};

/* The address without a login and a query, which may be secrets. */
static void address_write(const struct jwks_source *source, char address[ERROR_TEXT_MAX])
{
	struct url url;
	if (!source->http || !url_read(source->settings.uri, &url, &(struct error){0})) {
		snprintf(address, ERROR_TEXT_MAX, "%s", source->settings.uri);
		return;
	}
	const char *query = memchr(url.target.bytes, '?', url.target.length);
	const int length = query ? (int)(query - url.target.bytes) : (int)url.target.length;
	snprintf(address, ERROR_TEXT_MAX, "%s://" TEXT_FORMAT "%s%.*s", url.tls ? "https" : "http", TEXT_ARGUMENTS(url.authority),
		 length > 0 && url.target.bytes[0] == '/' ? "" : "/", length, url.target.bytes);
}

/* A fetch is tried every few seconds: jwks_source.h says which failures are logged. */
static void note_failure(struct jwks_source *source, const struct error *error)
{
	char line[JWKS_OUTAGE_BYTES], address[ERROR_TEXT_MAX];
	const int64_t now_ms = loop_now_ms(source->loop);
	jwks_refresh_fail(&source->refresh);
	if (!jwks_outage_fail(&source->outage, error->text, jwks_refresh_keys(&source->refresh, now_ms) != NULL, now_ms))
		return;
	address_write(source, address);
	jwks_outage_line(&source->outage,
			 &(struct jwks_outage_facts){.address = address,
						     .is_file = !source->http,
						     .now_ms = now_ms,
						     .age_ms = jwks_refresh_age_ms(&source->refresh, now_ms),
						     .wall_ms = time_of_day_ms()},
			 line);
	source->settings.note(source->settings.context, LOG_LEVEL_WARN, line);
}

static void note_success(struct jwks_source *source, const struct jwks *keys)
{
	char line[NOTE_BYTES];
	if (keys && jwks_skipped(keys) > 0) {
		int length = snprintf(line, sizeof line, "%zu keys of tokens are left out:", jwks_skipped(keys));
		for (enum jwks_skip skip = 0; skip < JWKS_SKIPS; skip++)
			if (keys->skipped[skip] > 0)
				length += snprintf(line + length, sizeof line - (size_t)length, " %zu %s", keys->skipped[skip],
						   jwks_skip_words(skip));
		source->settings.note(source->settings.context, LOG_LEVEL_WARN, line);
	}
	if (keys && keys->count == 0)
		source->settings.note(source->settings.context, LOG_LEVEL_WARN,
				      "the key set of tokens is empty, so all tokens are refused");
	const int64_t outage_ms = jwks_outage_end(&source->outage, loop_now_ms(source->loop));
	if (outage_ms < 0)
		return;
	snprintf(line, sizeof line, "the key set of tokens is fetched again, after %" PRId64 " s", outage_ms / MS_PER_S);
	source->settings.note(source->settings.context, LOG_LEVEL_INFO, line);
}

/* Takes a set, unless it has the same bytes as the current one. */
static bool set_take(struct jwks_source *source, struct text json, struct error *error)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct jwks *keys = NULL;
	SHA256((const unsigned char *)json.bytes, json.length, digest);
	bool is_same = source->refresh.keys && memcmp(digest, source->digest, sizeof digest) == 0;
	if (!is_same && !(keys = jwks_read(json, error)))
		return false;
	memcpy(source->digest, digest, sizeof digest);
	note_success(source, keys);
	jwks_refresh_succeed(&source->refresh, keys, loop_now_ms(source->loop));
	if (keys)
		source->settings.changed(source->settings.context);
	return true;
}

static void timer_set(struct jwks_source *source)
{
	struct error error = {0};
	int64_t now_ms = loop_now_ms(source->loop), due_ms = jwks_refresh_due_ms(&source->refresh);
	if (!source->http && due_ms > now_ms + ACCESS_FILES_MS)
		due_ms = now_ms + ACCESS_FILES_MS;
	if (due_ms != INT64_MAX && !loop_timer_set(source->loop, &source->timer, due_ms > now_ms ? due_ms : now_ms, &error))
		note_failure(source, &error);
}

static void reply_take(struct http_request *request, const struct http_reply *reply)
{
	struct jwks_source *source = request->context;
	struct error error = reply->error;
	if (reply->status != 0 && reply->status != 200)
		error_set(&error, ERROR_REMOTE, PLACE_NONE, "the server of the keys answered %ld", reply->status);
	if (error.kind != ERROR_NONE || !set_take(source, reply->body, &error))
		note_failure(source, &error);
	timer_set(source);
}

static bool file_take(struct jwks_source *source, struct error *error)
{
	struct text json;
	struct arena *arena = arena_open(2 * JWKS_BYTES_MAX);
	bool is_taken = arena || error_memory(error, ERROR_SYSTEM, "reading a key set");
	is_taken = is_taken && access_file_read(&source->file, JWKS_BYTES_MAX, arena, &json, error);
	is_taken = is_taken && set_take(source, json, error);
	arena_close(arena);
	return is_taken;
}

static void fetch_begin(void *context)
{
	struct jwks_source *source = context;
	struct error error = {0};
	int64_t now_ms = loop_now_ms(source->loop);
	bool is_due = jwks_refresh_due_ms(&source->refresh) <= now_ms;
	if (is_due || access_file_changed(&source->file)) {
		jwks_refresh_begin(&source->refresh, now_ms);
		if (!(source->http ? http_start(source->http, &source->request, &error) : file_take(source, &error)))
			note_failure(source, &error);
	}
	timer_set(source);
}

static bool url_is_fit(const char *uri, struct error *error)
{
	struct url url;
	if (!url_read(uri, &url, error)) {
		error->kind = ERROR_CONFIG;
		return false;
	}
	if (!url.tls && !text_is(url.host, "127.0.0.1") && !text_is(url.host, "::1") && !text_is(url.host, "localhost"))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the keys of tokens would come from " TEXT_FORMAT " in the clear, where they could be replaced; "
				 "use https:, or a file",
				 TEXT_ARGUMENTS(url.authority));
	return true;
}

static bool url_open(struct jwks_source *source, struct error *error)
{
	const char *uri = source->settings.uri;
	if (!url_is_fit(uri, error))
		return false;
	const struct http_limits limits = {.connections_a_host = 1,
					   .connection_idle_s = CONNECTION_IDLE_S,
					   .reply_bytes = JWKS_BYTES_MAX,
					   .connect_ms = JWKS_FETCH_MS,
					   .tls = source->settings.tls};
	source->request = (struct http_request){.url = uri,
						.timeout_ms = JWKS_FETCH_MS,
						.headers = {"Accept: application/json"},
						.done = reply_take,
						.context = source};
	source->http = http_open(source->loop, &limits, error);
	return source->http != NULL;
}

/* The path of `file:PATH`, of `file:///PATH`, or of a text without a scheme. NULL: another scheme. */
static const char *path_of(const char *uri)
{
	if (strncmp(uri, "file:", 5) != 0)
		return strstr(uri, "://") ? NULL : uri;
	return strncmp(uri, "file://", 7) == 0 ? uri + 7 : uri + 5;
}

bool jwks_source_check(const char *uri, struct error *error)
{
	struct access_file file = {.path = path_of(uri)};
	struct text json;
	if (!file.path)
		return url_is_fit(uri, error);
	struct arena *arena = arena_open(2 * JWKS_BYTES_MAX);
	struct jwks *keys = NULL;
	if (!arena)
		error_memory(error, ERROR_SYSTEM, "reading a key set");
	else if (access_file_read(&file, JWKS_BYTES_MAX, arena, &json, error))
		keys = jwks_read(json, error);
	const bool is_fit = keys != NULL;
	jwks_close(keys);
	arena_close(arena);
	error->kind = error->kind == ERROR_REMOTE ? ERROR_CONFIG : error->kind;
	return is_fit;
}

struct jwks_source *jwks_source_open(struct loop *loop, const struct jwks_source_settings *settings, struct error *error)
{
	struct jwks_source *source = memory_take(1, sizeof *source);
	if (!source)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a key set"));
	source->loop = loop;
	source->settings = *settings;
	source->timer = (struct loop_timer){.due = fetch_begin, .context = source};
	source->file.path = path_of(settings->uri);
	if (!source->file.path) {
		if (url_open(source, error)) {
			fetch_begin(source);
			return source;
		}
	} else {
		jwks_refresh_begin(&source->refresh, loop_now_ms(loop));
		if (file_take(source, error)) {
			timer_set(source);
			return source;
		}
		error->kind = error->kind == ERROR_REMOTE ? ERROR_CONFIG : error->kind;
	}
	jwks_source_close(source);
	return NULL;
}

void jwks_source_close(struct jwks_source *source)
{
	if (!source)
		return;
	loop_timer_stop(source->loop, &source->timer);
	http_close(source->http);
	jwks_refresh_close(&source->refresh);
	memory_give(source);
}

const struct jwks *jwks_source_keys(const struct jwks_source *source)
{
	return jwks_refresh_keys(&source->refresh, loop_now_ms(source->loop));
}

struct jwks_source_counts jwks_source_counts(const struct jwks_source *source)
{
	return (struct jwks_source_counts){jwks_refresh_age_ms(&source->refresh, loop_now_ms(source->loop)),
					   source->refresh.failures};
}

bool jwks_source_reread(struct jwks_source *source, struct error *error)
{
	if (source->http) {
		(void)jwks_source_want(source);
		return true;
	}
	jwks_refresh_begin(&source->refresh, loop_now_ms(source->loop));
	bool is_taken = file_take(source, error);
	if (!is_taken)
		jwks_refresh_fail(&source->refresh);
	timer_set(source);
	return is_taken;
}

bool jwks_source_want(struct jwks_source *source)
{
	bool is_coming = jwks_refresh_want(&source->refresh, loop_now_ms(source->loop));
	timer_set(source);
	return is_coming;
}
