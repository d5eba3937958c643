/* gzip_test.c: bodies are compressed and decompressed; what is damaged or too long is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/number/random.h"
#include "net/http/gzip.h"
#include "tests/unit/gzip_whole.h"

#define MOST ((size_t)1 << 26)

struct bodies {
	struct gzip *gzip;
	struct buffer packed, plain;
	size_t portion_bytes; /* by which it is done */
};

static int bodies_open(void **state)
{
	static struct bodies bodies;
	bodies.gzip = gzip_open();
	bodies.portion_bytes = MOST;
	buffer_open(&bodies.packed, MOST);
	buffer_open(&bodies.plain, MOST);
	*state = &bodies;
	return bodies.gzip ? 0 : 1;
}

static int bodies_close(void **state)
{
	struct bodies *bodies = *state;
	gzip_close(bodies->gzip);
	buffer_close(&bodies->packed);
	buffer_close(&bodies->plain);
	return 0;
}

#define BODIES_STORY(name) cmocka_unit_test_setup_teardown(name, bodies_open, bodies_close)

static void pack(struct bodies *bodies, struct text text)
{
	buffer_clear(&bodies->packed);
	assert_int_equal(gzip_whole(bodies->gzip, text, bodies->portion_bytes, &bodies->packed), GZIP_WHOLE);
}

static enum gzip_outcome unpack(struct bodies *bodies, struct text packed, size_t bytes_max)
{
	buffer_clear(&bodies->plain);
	return gunzip_whole(GZIP_FORM_GZIP, packed, bytes_max, bodies->portion_bytes, &bodies->plain);
}

static void one_body_comes_back(struct bodies *bodies, struct text text)
{
	pack(bodies, text);
	assert_memory_equal(bodies->packed.bytes, "\x1f\x8b", 2); /* of gzip, by which others know it */
	assert_int_equal(unpack(bodies, buffer_view(&bodies->packed), text.length), GZIP_WHOLE);
	assert_true(text_equal(buffer_view(&bodies->plain), text));
}

static void a_body_comes_back_as_it_was(void **state)
{
	struct bodies *bodies = *state;
	static char text[200000];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * i % 251);
	static const size_t sizes[] = {0, 1, 1000, 65535, 65536, 65537, sizeof text};
	static const size_t portions[] = {MOST, 32768, 1000, 1};
	for (size_t i = 0; i < 4 * sizeof sizes / sizeof *sizes; i++) {
		bodies->portion_bytes = portions[i % 4];
		one_body_comes_back(bodies, (struct text){text, sizes[i / 4]});
	}
}

/* A portion reads and writes about as many bytes as it may: a bomb is cut as other bodies are. */
static void a_portion_is_no_more_than_it_may_be(void **state)
{
	struct bodies *bodies = *state;
	static char noise[100000];
	static const char zeros[1000000];
	const struct text plains[] = {{zeros, sizeof zeros}, {noise, sizeof noise}};
	struct random random = {.state = 7};
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (char)random_next(&random);
	for (size_t i = 0; i < 2; i++) {
		size_t bytes = 5000, before = 0;
		buffer_clear(&bodies->packed);
		assert_true(gzip_begin(bodies->gzip, plains[i]));
		assert_int_equal(gzip_more(bodies->gzip, &bytes, &bodies->packed), GZIP_MORE);
		assert_int_equal(bytes, 0);
		assert_true(bodies->packed.length < 5100); /* but for what zlib keeps */
		pack(bodies, plains[i]);
		struct gunzip *gunzip = gunzip_open(GZIP_FORM_GZIP, buffer_view(&bodies->packed), plains[i].length);
		size_t portions = 0;
		buffer_clear(&bodies->plain);
		for (enum gzip_outcome outcome = GZIP_MORE; outcome == GZIP_MORE; portions++, before = bodies->plain.length) {
			bytes = 5000;
			outcome = gunzip_more(gunzip, &bytes, &bodies->plain);
			assert_true(outcome == GZIP_WHOLE || bytes == 0);
			assert_in_range(bodies->plain.length - before, 0, 5000);
		}
		gunzip_close(gunzip);
		assert_true(text_equal(buffer_view(&bodies->plain), plains[i]));
		assert_in_range(portions, plains[i].length / 5000, 2 * plains[i].length / 5000 + 2);
	}
}

static void a_body_of_another_program_is_read(void **state)
{
	struct bodies *bodies = *state;
	/* printf one | gzip -n */
	static const unsigned char members[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0xcf, 0x4b, 5, 0,
						0xf1, 0x86, 0x6c, 0x7a,
						3,    0,    0, 0};
	assert_int_equal(unpack(bodies, (struct text){(const char *)members, sizeof members}, 100), GZIP_WHOLE);
	assert_true(text_is(buffer_view(&bodies->plain), "one"));
	buffer_clear(&bodies->packed); /* two members are one body */
	buffer_append(&bodies->packed, members, sizeof members);
	assert_int_equal(gzip_whole(bodies->gzip, TEXT(" and two"), 3, &bodies->packed), GZIP_WHOLE);
	assert_int_equal(unpack(bodies, buffer_view(&bodies->packed), 11), GZIP_WHOLE);
	assert_true(text_is(buffer_view(&bodies->plain), "one and two"));
	assert_int_equal(unpack(bodies, buffer_view(&bodies->packed), 10), GZIP_TOO_LONG);
	assert_int_equal(unpack(bodies, buffer_view(&bodies->packed), 2), GZIP_TOO_LONG);
}

static void what_is_damaged_is_refused(void **state)
{
	struct bodies *bodies = *state;
	pack(bodies, TEXT("a body that is cut off at each of its bytes"));
	for (size_t length = 0; length < bodies->packed.length; length++)
		assert_int_equal(unpack(bodies, (struct text){bodies->packed.bytes, length}, 100), GZIP_INVALID);
	bodies->packed.bytes[bodies->packed.length - 6] ^= 1; /* of the checksum */
	assert_int_equal(unpack(bodies, buffer_view(&bodies->packed), 100), GZIP_INVALID);
	bodies->packed.bytes[bodies->packed.length - 6] ^= 1;
	buffer_string(&bodies->packed, "more");
	assert_int_equal(unpack(bodies, buffer_view(&bodies->packed), 100), GZIP_INVALID);
	assert_int_equal(unpack(bodies, TEXT("{\"inputs\":[]}"), 100), GZIP_INVALID);
	assert_int_equal(unpack(bodies, TEXT("\x78\x9c\x03\0\0\0\0\x01"), 100), GZIP_INVALID); /* zlib's own format */
}

static void a_body_that_grows_beyond_its_limit_costs_no_more_than_the_limit(void **state)
{
	struct bodies *bodies = *state;
	const size_t long_bytes = MOST / 2, limit_bytes = 100000;
	char *zeros = calloc(long_bytes, 1);
	assert_non_null(zeros);
	pack(bodies, (struct text){zeros, long_bytes});
	free(zeros);
	assert_true(bodies->packed.length < long_bytes / 200);
	assert_int_equal(unpack(bodies, buffer_view(&bodies->packed), limit_bytes), GZIP_TOO_LONG);
	assert_int_equal(bodies->plain.length, limit_bytes + 1);
	assert_true(bodies->plain.capacity < 4 * limit_bytes);
	assert_int_equal(unpack(bodies, buffer_view(&bodies->packed), long_bytes - 1), GZIP_TOO_LONG);
	assert_int_equal(unpack(bodies, buffer_view(&bodies->packed), long_bytes), GZIP_WHOLE);
}

static void the_callers_header_decides(void **state)
{
	static const struct {
		const char *header;
		bool accepted;
	} rows[] = {{NULL, false},
		    {"", false},
		    {"gzip", true},
		    {"deflate, GZIP;q=0.5", true},
		    {"x-gzip", true},
		    {"gzip;q=0", false},
		    {"gzip; q=0.000", false},
		    {"*, gzip; q=0", false},
		    {"gzip;q=0, *", false},
		    {"*", true},
		    {"*;q=0", false},
		    {"gzip;q=0.1, identity;q=1", false},
		    {"identity, gzip;q=0.9", false},
		    {"identity;q=0.5, gzip;q=0.5", true},
		    {"identity;q=0, gzip;q=0.1", true},
		    {"br", false},
		    {"gzipped", false},
		    {"identity, deflate , gzip ; q=1.0 , br", true}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (gzip_is_accepted(text_of(rows[i].header)) != rows[i].accepted)
			fail_msg("\"%s\" is read otherwise", rows[i].header);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BODIES_STORY(a_body_comes_back_as_it_was),
		BODIES_STORY(a_portion_is_no_more_than_it_may_be),
		BODIES_STORY(a_body_of_another_program_is_read),
		BODIES_STORY(what_is_damaged_is_refused),
		BODIES_STORY(a_body_that_grows_beyond_its_limit_costs_no_more_than_the_limit),
		cmocka_unit_test(the_callers_header_decides),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
