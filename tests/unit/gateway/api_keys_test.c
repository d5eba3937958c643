/* api_keys_test.c: files of API keys, and which keys come in by them. */
#include "gateway/access/api_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_NAME "keys"

static void write_line(struct buffer *out, const char *name, const char *key)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)key, strlen(key), digest);
	buffer_print(out, "%s:", name);
	for (size_t i = 0; i < sizeof digest; i++)
		buffer_print(out, "%02x", digest[i]);
	buffer_byte(out, '\n');
}

static struct api_keys *keys_of(struct buffer *out)
{
	struct error error = {0};
	struct api_keys *keys = api_keys_read(FILE_NAME, buffer_view(out), &error);
	if (!keys)
		fail_msg("%u: %s", error.place.line, error.text);
	return keys;
}

static void assert_file_refused(const char *text, uint32_t line, const char *words)
{
	struct error error = {0};
	assert_null(api_keys_read(FILE_NAME, text_of(text), &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_string_equal(error.place.file, FILE_NAME);
	assert_int_equal(error.place.line, line);
	if (!strstr(error.text, words))
		fail_msg("%s: not about %s", error.text, words);
}

static void a_key_is_known_by_its_name(void **state)
{
	(void)state;
	struct buffer out;
	buffer_open(&out, API_KEYS_FILE_BYTES_MAX);
	buffer_string(&out, "# who calls\n\n");
	write_line(&out, "billing", "correct-horse-battery-staple");
	write_line(&out, "team:a", "7f9c2ba4e88f827d616045507605853e");
	out.length--; /* with a line's end of another system, and hexadecimal in capitals */
	buffer_string(&out, "\r\n");
	write_line(&out, "billing", "the-next-key-of-billing-1");
	for (char *at = strstr(out.bytes, "team:a:") + 7; *at != '\r'; at++)
		*at = (char)(*at >= 'a' && *at <= 'f' ? *at - 'a' + 'A' : *at);
	struct api_keys *keys = keys_of(&out);
	assert_int_equal(api_keys_count(keys), 3);
	assert_true(text_is(api_keys_find(keys, TEXT("correct-horse-battery-staple")), "billing"));
	assert_true(text_is(api_keys_find(keys, TEXT("the-next-key-of-billing-1")), "billing"));
	assert_true(text_is(api_keys_find(keys, TEXT("7f9c2ba4e88f827d616045507605853e")), "team:a"));
	assert_null(api_keys_find(keys, TEXT("correct-horse-battery-stapl")).bytes);
	assert_null(api_keys_find(keys, TEXT("correct-horse-battery-staple ")).bytes);
	assert_null(api_keys_find(keys, TEXT("Correct-horse-battery-staple")).bytes);
	assert_null(api_keys_find(keys, TEXT("")).bytes);
	api_keys_close(keys);
	buffer_close(&out);
}

static void what_a_person_could_remember_is_no_key(void **state)
{
	(void)state;
	struct buffer out;
	char longest[API_KEY_BYTES_MAX + 2];
	memset(longest, 'k', sizeof longest);
	longest[API_KEY_BYTES_MAX + 1] = '\0';
	buffer_open(&out, API_KEYS_FILE_BYTES_MAX);
	write_line(&out, "short", "123456789012345678901");
	write_line(&out, "enough", "1234567890123456789012");
	write_line(&out, "beyond", longest);
	longest[API_KEY_BYTES_MAX] = '\0';
	write_line(&out, "longest", longest);
	struct api_keys *keys = keys_of(&out);
	assert_null(api_keys_find(keys, TEXT("123456789012345678901")).bytes);
	assert_true(text_is(api_keys_find(keys, TEXT("1234567890123456789012")), "enough"));
	assert_true(text_is(api_keys_find(keys, text_of(longest)), "longest"));
	longest[API_KEY_BYTES_MAX] = 'k';
	assert_null(api_keys_find(keys, text_of(longest)).bytes);
	api_keys_close(keys);
	buffer_close(&out);
}

#define HASH "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static void a_line_that_is_no_key_is_named_without_what_it_holds(void **state)
{
	(void)state;
	struct error error = {0};
	assert_file_refused("", 1, "no API key");
	assert_file_refused("# none\n\n", 1, "no API key");
	assert_file_refused("a:" HASH "\n" HASH "\n", 2, "no name");
	assert_file_refused("a:" HASH "\n\n:" HASH "\n", 3, "no name");
	assert_file_refused("a b:" HASH "\n", 1, "no name");
	assert_file_refused("a\x7f:" HASH "\n", 1, "no name");
	assert_file_refused("a:" HASH "0\n", 1, "no SHA-256");
	assert_file_refused("a:g" HASH "\n", 1, "no SHA-256");
	assert_file_refused("a:" HASH ":\n", 1, "no SHA-256");
	assert_file_refused("a:secret-in-the-clear\n", 1, "no SHA-256");
	assert_file_refused("a:" HASH "\nb:" HASH "\n", 2, "already");
	assert_null(api_keys_read(FILE_NAME, TEXT("a:secret-in-the-clear\n"), &error));
	assert_null(strstr(error.text, "secret"));
}

static void a_file_has_limits(void **state)
{
	(void)state;
	struct error error = {0};
	struct buffer out;
	char name[API_KEY_NAME_BYTES_MAX + 2], key[64];
	memset(name, 'n', sizeof name);
	buffer_open(&out, 2 * API_KEYS_FILE_BYTES_MAX);
	name[API_KEY_NAME_BYTES_MAX] = '\0';
	for (int i = 0; i < API_KEYS_MAX; i++) {
		snprintf(key, sizeof key, "key-number-%020d", i);
		write_line(&out, i == 0 ? name : "many", key);
	}
	struct api_keys *keys = keys_of(&out);
	assert_int_equal(api_keys_count(keys), API_KEYS_MAX);
	for (int i = 0; i < API_KEYS_MAX; i++) {
		snprintf(key, sizeof key, "key-number-%020d", i);
		assert_true(text_is(api_keys_find(keys, text_of(key)), i == 0 ? name : "many"));
	}
	api_keys_close(keys);
	write_line(&out, "more", "key-number-of-one-too-many");
	assert_null(api_keys_read(FILE_NAME, buffer_view(&out), &error));
	assert_non_null(strstr(error.text, "more than 10000 keys"));
	assert_int_equal(error.place.line, API_KEYS_MAX + 1);
	buffer_clear(&out);
	name[API_KEY_NAME_BYTES_MAX] = 'n';
	name[API_KEY_NAME_BYTES_MAX + 1] = '\0';
	write_line(&out, name, "key-number-of-a-long-name");
	buffer_byte(&out, '\0');
	assert_file_refused(out.bytes, 1, "1 to 128 characters");
	buffer_clear(&out);
	write_line(&out, "a", "key-number-of-a-long-file");
	while (out.length < API_KEYS_FILE_BYTES_MAX)
		buffer_byte(&out, '\n');
	api_keys_close(keys_of(&out));
	buffer_byte(&out, '\n');
	error = (struct error){0};
	assert_null(api_keys_read(FILE_NAME, buffer_view(&out), &error));
	assert_non_null(strstr(error.text, "more than 2097152 bytes"));
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_known_by_its_name),
		cmocka_unit_test(what_a_person_could_remember_is_no_key),
		cmocka_unit_test(a_line_that_is_no_key_is_named_without_what_it_holds),
		cmocka_unit_test(a_file_has_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
