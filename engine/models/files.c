/* files.c: see files.h. */
#include "models/files.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <openssl/sha.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "models/remote_file.h"

#define DIGEST_DIGITS (2 * SHA256_DIGEST_LENGTH)
#define ALIAS_ARENA_BYTES ((size_t)64 << 20) /* a hundred thousand */
#define PATH_ARENA_BYTES ((size_t)1 << 20)

struct held_file {
	struct held_file *next;
	struct arena *arena; /* for its bytes, its path and itself */
	const char *path;
	struct text content;
	char digest[DIGEST_DIGITS + 1];
	struct error why; /* the reason why it could not be fetched; kind NONE: it was */
};

struct left_file { /* a remote file that was not fetched */
	struct left_file *next;
	const char *url;
};

struct seen_file { /* a file that a view has read */
	struct seen_file *next;
	const struct held_file *held;
};

struct files {
	struct file_source source;
	struct arena *arena;  /* for the files that views have read */
	pthread_mutex_t lock; /* protects all below; taken when steps are opened, never for a message */
	struct held_file *first;
	bool stays_here; /* nothing is fetched */
	size_t left;	 /* number of files that would have been fetched */
	struct arena *alias_arena; /* NULL: there are no aliases */
	struct file_alias *aliases;
	size_t alias_count;
	struct left_file *lefts;
	atomic_bool given_up;
};

/* ---- reading ---- */

#define SCHEME "file:"

/* `file:///a` is /a, `file:a` is a. */
const char *files_path(const struct name *file, struct arena *arena)
{
	const char *slash = file->place.file ? strrchr(file->place.file, '/') : NULL;
	const char *name = file->text;
	if (text_starts_with(text_of(name), TEXT(SCHEME))) {
		name += strlen(SCHEME);
		name += strncmp(name, "///", 3) == 0 ? 2 : 0;
	}
	if (!slash || name[0] == '/' || remote_file_is_url(name))
		return arena_copy(arena, name, strlen(name));
	return arena_print(arena, "%.*s/%s", (int)(slash - file->place.file), file->place.file, name);
}

static bool held_fetch(struct held_file *held, const char *url, const atomic_bool *given_up, struct place place,
		       struct error *error)
{
	struct buffer content;
	buffer_open(&content, FILE_BYTES_MAX);
	bool good = remote_file_fetch(url, given_up, place, held->arena, &content, error);
	const char *copy = good ? arena_copy(held->arena, content.bytes ? content.bytes : "", content.length) : NULL;
	held->content = (struct text){copy, content.length};
	buffer_close(&content);
	return copy || !good ? good : error_memory(error, ERROR_SYSTEM, "reading a file");
}

static void write_digest(struct text content, char *digits)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)content.bytes, content.length, digest);
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++)
		(void)snprintf(digits + 2 * i, 3, "%02x", digest[i]);
}

static bool held_read(struct held_file *held, const char *path, const atomic_bool *given_up, struct place place,
		      struct error *error)
{
	struct error why = {0};
	if (remote_file_is_url(path))
		return held_fetch(held, path, given_up, place, error);
	if (!file_read(path, FILE_BYTES_MAX + 1, held->arena, &held->content, &why))
		return error_set(error, why.kind, place, "%s", why.text);
	return held->content.length <= FILE_BYTES_MAX ||
	       error_set(error, ERROR_CONFIG, place, "%s has more than the %zu MiB that a file may have; make it smaller", path,
			 FILE_BYTES_MAX >> 20);
}

static bool held_fill(struct held_file *held, const char *path, const atomic_bool *given_up, struct place place,
		      struct error *error)
{
	if (!held_read(held, path, given_up, place, error))
		return false;
	held->path = arena_copy(held->arena, path, strlen(path));
	write_digest(held->content, held->digest);
	return held->path || error_memory(error, ERROR_SYSTEM, "reading a file");
}

static struct held_file *held_open(const char *path, const atomic_bool *given_up, struct place place, struct error *error)
{
	struct arena *arena = arena_open(FILE_BYTES_MAX + PATH_ARENA_BYTES);
	struct held_file *held = arena ? ARENA_NEW(arena, struct held_file) : NULL;
	if (!held)
		error_memory(error, ERROR_SYSTEM, "reading a file");
	if (held)
		held->arena = arena;
	if (held && held_fill(held, path, given_up, place, error))
		return held;
	arena_close(arena);
	return NULL;
}

static const struct held_file *held_known(const struct files *files, const char *path)
{
	const struct held_file *held = files->first;
	while (held && strcmp(held->path, path) != 0)
		held = held->next;
	return held;
}

static const struct held_file *held_find(struct files *files, const char *path, struct place place, struct error *error)
{
	const struct held_file *known = held_known(files, path);
	if (known && known->why.kind != ERROR_NONE)
		error_set(error, known->why.kind, place, "%s", known->why.text);
	if (known)
		return known->why.kind == ERROR_NONE ? known : NULL;
	struct held_file *held = held_open(path, &files->given_up, place, error);
	if (!held)
		return NULL;
	held->next = files->first;
	files->first = held;
	return held;
}

/* ---- fetching before reading ---- */

/* Notes a file to fetch. A file noted twice is fetched once, because it is then known. */
static void left_note(struct files *files, const char *url)
{
	struct left_file *left = ARENA_NEW(files->arena, struct left_file);
	files->left++;
	if (!left)
		return;
	*left = (struct left_file){files->lefts, arena_copy(files->arena, url, strlen(url))};
	files->lefts = left->url ? left : files->lefts;
}

/* Fetches a noted file. If that fails, the error is kept instead. */
static void left_fetch(struct files *files, const char *url)
{
	struct error why = {0};
	if (held_known(files, url) || held_find(files, url, PLACE_NONE, &why))
		return;
	struct arena *arena = arena_open(PATH_ARENA_BYTES);
	struct held_file *held = arena ? ARENA_NEW(arena, struct held_file) : NULL;
	const char *path = held ? arena_copy(arena, url, strlen(url)) : NULL;
	if (!path) {
		arena_close(arena);
		return;
	}
	*held = (struct held_file){.next = files->first, .arena = arena, .path = path, .why = why};
	files->first = held;
}

static void forget_what_is_here(struct files *files)
{
	struct held_file **at = &files->first;
	while (*at) {
		struct held_file *held = *at;
		if (remote_file_is_url(held->path)) {
			at = &held->next;
			continue;
		}
		*at = held->next;
		arena_close(held->arena);
	}
}

void files_fetch_left(struct files *files)
{
	forget_what_is_here(files);
	for (const struct left_file *left = files->lefts; left && !atomic_load(&files->given_up); left = left->next)
		left_fetch(files, left->url);
	files->lefts = NULL;
	files->left = 0;
}

void files_give_up(struct files *files)
{
	atomic_store(&files->given_up, true);
}

/* ---- digests ---- */

static bool is_digest(struct text digits)
{
	static const char known[] = "0123456789abcdefABCDEF";
	return digits.length == DIGEST_DIGITS && strspn(digits.bytes, known) == DIGEST_DIGITS;
}

static bool digest_check(const struct held_file *held, const struct name *file, const char *digest, struct error *error)
{
	static const struct text scheme = {"sha256:", sizeof "sha256:" - 1};
	struct text digits = text_of(digest);
	if (text_starts_with(digits, scheme))
		digits = text_of(digest + scheme.length);
	if (!is_digest(digits))
		return error_set(error, ERROR_CONFIG, file->place,
				 "`%s` is not a digest; write the 64 hexadecimal digits that `sha256sum %s` prints", digest,
				 held->path);
	if (!text_equal_caseless(digits, text_of(held->digest)))
		return error_set(
			error, ERROR_CONFIG, file->place,
			"%s is not the expected file: its SHA-256 is %s and not %s; replace the file, or correct the digest",
			held->path, held->digest, digits.bytes);
	return true;
}

/* ---- the source ---- */

/* Whether it may be read. If nothing is fetched, a URL that could be is a REMOTE error. */
static bool may_read(struct files *files, const char *path, struct place place, struct error *error)
{
	if (!files->stays_here || !remote_file_is_url(path) || held_known(files, path))
		return true;
	left_note(files, path);
	return remote_file_check(path, place, error) && error_set(error, ERROR_REMOTE, place, "remote files are not fetched here");
}

/* NULL: the file is read under its own name. */
static const struct file_alias *alias_find(const struct files *files, const struct name *file)
{
	for (size_t i = 0; file->place.file && i < files->alias_count; i++)
		if (strcmp(files->aliases[i].name, file->text) == 0 && strcmp(files->aliases[i].document, file->place.file) == 0)
			return &files->aliases[i];
	return NULL;
}

static const struct held_file *alias_read(struct files *files, const struct file_alias *alias, const struct name *file,
					  struct error *error)
{
	const struct held_file *held = held_find(files, alias->path, file->place, error);
	if (!held || strcmp(held->digest, alias->digest) == 0)
		return held;
	return error_null(error_set(error, ERROR_REMOTE, file->place,
				    "%s, which is the applied `%s`, has the SHA-256 %s: delete it, and it is fetched again",
				    alias->path, file->text, held->digest));
}

static const struct held_file *read_checked(struct files *files, const struct name *file, const char *digest, struct error *error)
{
	const struct file_alias *alias = alias_find(files, file);
	struct arena *arena = arena_open(PATH_ARENA_BYTES);
	const char *path = arena ? files_path(file, arena) : NULL;
	const struct held_file *held = NULL;
	if (path && alias)
		held = alias_read(files, alias, file, error);
	else if (path && may_read(files, path, file->place, error))
		held = held_find(files, path, file->place, error);
	else if (!path)
		error_memory(error, ERROR_SYSTEM, "reading a file");
	arena_close(arena);
	return held && (!digest || digest_check(held, file, digest, error)) ? held : NULL;
}

static bool source_read(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	struct files *files = context;
	pthread_mutex_lock(&files->lock);
	const struct held_file *held = read_checked(files, file, digest, error);
	pthread_mutex_unlock(&files->lock);
	*content = held ? held->content : (struct text){0};
	return held != NULL;
}

/* False: memory ran out. */
static bool view_note(struct files_view *view, const struct held_file *held)
{
	struct seen_file **end = &view->seen;
	while (*end && (*end)->held != held)
		end = &(*end)->next;
	if (*end)
		return true;
	*end = ARENA_NEW(view->files->arena, struct seen_file);
	if (*end)
		(*end)->held = held;
	return *end != NULL;
}

static bool view_read(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	struct files_view *view = context;
	pthread_mutex_lock(&view->files->lock);
	const struct held_file *held = read_checked(view->files, file, digest, error);
	if (held && !view_note(view, held)) {
		error_memory(error, ERROR_SYSTEM, "reading a file");
		held = NULL;
	}
	pthread_mutex_unlock(&view->files->lock);
	*content = held ? held->content : (struct text){0};
	return held != NULL;
}

const struct file_source *files_source(struct files *files)
{
	return &files->source;
}

void files_view_begin(struct files_view *view, struct files *files)
{
	*view = (struct files_view){.source = {view, view_read}, .files = files};
}

uint64_t files_view_content(const struct files_view *view)
{
	uint64_t content = 0;
	pthread_mutex_lock(&view->files->lock);
	for (const struct seen_file *seen = view->seen; seen; seen = seen->next)
		content += hash_bytes(seen->held->digest, DIGEST_DIGITS, hash_bytes(seen->held->path, strlen(seen->held->path), 0));
	pthread_mutex_unlock(&view->files->lock);
	return content;
}

void files_stay_here(struct files *files, bool stay)
{
	files->stays_here = stay;
}

size_t files_left(const struct files *files)
{
	return files->left;
}

/* ---- aliases ---- */

static const char *alias_text(struct files *files, const char *text)
{
	return arena_copy(files->alias_arena, text, strlen(text));
}

bool files_alias(struct files *files, const struct file_alias *aliases, size_t count, struct error *error)
{
	arena_close(files->alias_arena);
	files->alias_count = 0;
	files->alias_arena = arena_open(ALIAS_ARENA_BYTES);
	files->aliases = files->alias_arena ? ARENA_ARRAY(files->alias_arena, struct file_alias, count) : NULL;
	if (!files->aliases)
		return error_memory(error, ERROR_SYSTEM, "opening the files that steps name");
	for (size_t i = 0; i < count; i++)
		files->aliases[i] = (struct file_alias){alias_text(files, aliases[i].document), alias_text(files, aliases[i].name),
							alias_text(files, aliases[i].path), alias_text(files, aliases[i].digest)};
	if (arena_failed(files->alias_arena))
		return error_memory(error, ERROR_SYSTEM, "opening the files that steps name");
	files->alias_count = count;
	return true;
}

/* ---- opening and closing ---- */

struct files *files_open(struct error *error)
{
	struct files *files = memory_take(1, sizeof *files);
	if (files)
		files->arena = arena_open(PATH_ARENA_BYTES);
	if (!files || !files->arena || pthread_mutex_init(&files->lock, NULL) != 0) {
		if (files)
			arena_close(files->arena);
		memory_give(files);
		return error_null(error_memory(error, ERROR_SYSTEM, "opening the files that steps name"));
	}
	files->source = (struct file_source){files, source_read};
	return files;
}

void files_close(struct files *files)
{
	if (!files)
		return;
	while (files->first) {
		struct held_file *next = files->first->next;
		arena_close(files->first->arena);
		files->first = next;
	}
	pthread_mutex_destroy(&files->lock);
	arena_close(files->alias_arena);
	arena_close(files->arena);
	memory_give(files);
}
