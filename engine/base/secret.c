/* secret.c: see secret.h. */
#include "base/secret.h"

#include <stdlib.h>

#include "base/file.h"

#define SECRET_BYTES_MAX 65536 /* a chain of certificates is the longest that is asked for */

#define BELOW "//" /* between a folder and the name of a file in it */

static const char from_environment[] = "env:", from_file[] = "file:";

static const char *behind(const char *value, const char *prefix)
{
	size_t length = strlen(prefix);
	return strncmp(value, prefix, length) == 0 ? value + length : NULL;
}

bool secret_is_reference(const char *value)
{
	const char *name = behind(value, from_environment), *path = behind(value, from_file);
	return (name && *name) || (path && *path);
}

static const char *const secret_words[] = {"password", "secret", ".key.pem", "login"};
#define SECRET_WORDS (sizeof secret_words / sizeof *secret_words)
#define SETTING_WORDS (SECRET_WORDS - 1) /* no setting of librdkafka is a login */

bool secret_is_named(const char *setting)
{
	for (size_t i = 0; i < SETTING_WORDS; i++)
		if (strstr(setting, secret_words[i]))
			return true;
	return false;
}

/* Behind such a word: the rest of the name, a colon, and a value. */
static bool value_follows(const char *at, const char *end)
{
	while (at < end && !strchr(" \t:,{}[]", *at))
		at++;
	while (at < end && strchr(" \t", *at))
		at++;
	if (at == end || *at != ':')
		return false;
	for (at++; at < end && strchr(" \t\"'", *at);)
		at++;
	struct text value = {at, (size_t)(end - at)};
	return value.length > 0 && !strchr("{[,}#\r\n", *at) && !text_starts_with(value, TEXT("env:")) &&
	       !text_starts_with(value, TEXT("file:"));
}

bool secret_is_written(struct text line)
{
	const char *end = line.length > 0 ? line.bytes + line.length : NULL;
	for (size_t i = 0; end && i < SECRET_WORDS; i++) {
		const size_t length = strlen(secret_words[i]);
		const char *at = line.bytes;
		while ((at = memmem(at, (size_t)(end - at), secret_words[i], length))) {
			at += length;
			if (value_follows(at, end))
				return true;
		}
	}
	return false;
}

#define VARIABLE_FAULT "YAML may name only variables that begin with " SECRET_VARIABLES "; rename it: env:" SECRET_VARIABLES "NAME"
#define FILE_FAULT "YAML may name only files in the folder of --secrets; write the name that the file has there: file:NAME"

/* A name below the folder, without a way up. What links there lead to is seen when the file is opened. */
static bool stays_below(const char *path)
{
	struct text rest = text_of(path);
	if (*path == '/')
		return false;
	while (rest.length > 0)
		if (text_is(text_take_until(&rest, '/'), ".."))
			return false;
	return true;
}

const char *secret_fault(const char *value)
{
	const char *name = behind(value, from_environment), *path = behind(value, from_file), *own;
	if (name)
		return (own = behind(name, SECRET_VARIABLES)) && *own ? NULL : VARIABLE_FAULT;
	return path && !(*path && stays_below(path)) ? FILE_FAULT : NULL;
}

static const char *fetch_variable(const char *name, const char *setting, struct place place, struct arena *arena,
				  struct error *error)
{
	const char *value = getenv(name);
	if (!value)
		return error_null(error_set(error, ERROR_CONFIG, place,
					    "%s is to come from the environment, and %s is not set there", setting, name));
	const char *copy = arena_copy(arena, value, strlen(value));
	if (!copy)
		error_memory(error, ERROR_SYSTEM, "reading a secret");
	return copy;
}

static const char *fetch_file(const char *path, const char *setting, struct place place, struct arena *arena, struct error *error)
{
	struct error failure = {0};
	struct text text;
	const char *below = strstr(path, BELOW), *folder = below ? arena_copy(arena, path, (size_t)(below - path)) : NULL;
	if (below && !folder)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a secret"));
	if (!(below ? file_read_inside(*folder ? folder : "/", below + strlen(BELOW), SECRET_BYTES_MAX + 1, arena, &text, &failure)
		    : file_read(path, SECRET_BYTES_MAX + 1, arena, &text, &failure)))
		return error_null(error_set(error, failure.kind, place, "%s is to come from a file: %s", setting, failure.text));
	if (text.length > SECRET_BYTES_MAX)
		return error_null(error_set(error, ERROR_CONFIG, place,
					    "%s is to come from %s, which is longer than %d bytes and so no secret", setting, path,
					    SECRET_BYTES_MAX));
	if (memchr(text.bytes, 0, text.length))
		return error_null(error_set(error, ERROR_CONFIG, place,
					    "%s is to come from %s, which has a byte of zero; write it as text, for instance in "
					    "base64", setting, path));
	while (text.length > 0 && (text.bytes[text.length - 1] == '\n' || text.bytes[text.length - 1] == '\r'))
		text.length--;
	const char *copy = arena_copy(arena, text.bytes, text.length);
	if (!copy)
		error_memory(error, ERROR_SYSTEM, "reading a secret");
	return copy;
}

/* A folder as it stands before BELOW. */
static const char *folder_shortened(const char *folder, struct arena *arena)
{
	char *shortened = arena_take(arena, 1, strlen(folder) + 1), *end = shortened;
	for (; shortened && *folder; folder++)
		if (*folder != '/' || (folder[1] != '/' && folder[1] != '\0'))
			*end++ = *folder;
	return shortened;
}

const char *secret_bind(const char *folder, const char *value, const char *setting, struct place place, struct arena *arena,
			struct error *error)
{
	const char *path = behind(value, from_file), *fault = secret_fault(value);
	if (fault)
		error_set(error, ERROR_CONFIG, place, "%s is `%s`, and %s", setting, value, fault);
	else if (path && (!folder || !*folder))
		error_set(error, ERROR_CONFIG, place,
			  "%s is to come from the file %s, and there is no folder of secrets; give --secrets DIR", setting, path);
	else if (!path)
		return value;
	else {
		const char *shortened = folder_shortened(folder, arena);
		const char *bound = shortened ? arena_print(arena, "%s%s" BELOW "%s", from_file, shortened, path) : NULL;
		return bound ? bound : (error_memory(error, ERROR_SYSTEM, "reading a secret"), NULL);
	}
	return NULL;
}

const char *secret_fetch(const char *value, const char *setting, struct place place, struct arena *arena, struct error *error)
{
	const char *name = behind(value, from_environment), *path = behind(value, from_file);
	if (name)
		return fetch_variable(name, setting, place, arena, error);
	return path ? fetch_file(path, setting, place, arena, error) : value;
}

const char *secret_fetch_bound(const char *folder, const char *value, const char *setting, struct place place,
			       struct arena *arena, struct error *error)
{
	const char *bound = secret_bind(folder, value, setting, place, arena, error);
	return bound ? secret_fetch(bound, setting, place, arena, error) : NULL;
}

const char *secret_fetch_key(const char *folder, const char *value, const char *setting, struct place place, struct arena *arena,
			     struct error *error)
{
	const char *key = secret_fetch_bound(folder, value, setting, place, arena, error);
	if (!key || *key)
		return key;
	return error_null(error_set(error, ERROR_CONFIG, place, "%s is empty, as %s has it; write the key there", setting, value));
}
