/* api_keys.h: API keys of callers without tokens, from a file of names and hashes. Pure.
 *
 * A line is `NAME:HASH`, the SHA-256 of a key in hexadecimal; empty lines and lines that begin with `#` are skipped. A name
 * may have several lines, so that a key can be replaced while the old one is still in use. These commands create a key and
 * its line:
 *
 *	key=$(openssl rand -base64 32); echo "billing:$(printf %s "$key" | sha256sum | cut -d' ' -f1)"
 *
 * The hash is a fast one. A slow one (scrypt, PBKDF2) protects passwords, which people choose and others can guess. A key is
 * random, and nobody can guess 128 bits at any speed. A slow hash for each request would allow attacks that overload the
 * gateway. So that passwords are not used as keys, a key has at least API_KEY_BYTES_LEAST characters.
 *
 * A key is found by the hash of its hash under a secret of the process, and compared in constant time, so that timing reveals
 * nothing about the file.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

#define API_KEYS_MAX 10000
#define API_KEYS_FILE_BYTES_MAX ((size_t)2 << 20) /* 10,000 lines with names as long as they may be */
#define API_KEY_NAME_BYTES_MAX 128
#define API_KEY_BYTES_LEAST 22 /* 128 bits in base64url */
#define API_KEY_BYTES_MAX 512

struct api_keys;

/* Reads the text of a file of that name. NULL: CONFIG, with file and line, but nothing of the line's text; or
 * SYSTEM. */
struct api_keys *api_keys_read(const char *file, struct text text, struct error *error);
void api_keys_close(struct api_keys *keys); /* NULL is fine */

/* The name of the key that a caller sends; bytes NULL: it is not in the file. Borrowed from the keys. */
struct text api_keys_find(const struct api_keys *keys, struct text key);

size_t api_keys_count(const struct api_keys *keys);
