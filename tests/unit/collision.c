/* collision.c: see collision.h. Of so many keys some share 32 bits (the birthday paradox: about five pairs). */
#include "tests/unit/collision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"

#define KEYS 200000

struct hashed {
	uint32_t hash;
	int number;
};

static struct text key_print(char bytes[16], int number)
{
	return (struct text){bytes, (size_t)snprintf(bytes, 16, "key-%06d", number)};
}

static int compare(const void *a, const void *b)
{
	uint32_t left = ((const struct hashed *)a)->hash, right = ((const struct hashed *)b)->hash;
	return (left > right) - (left < right);
}

void collision_find(struct collision *collision)
{
	static struct hashed hashed[KEYS];
	char bytes[16];
	for (int i = 0; i < KEYS; i++) {
		struct text key = key_print(bytes, i);
		hashed[i] = (struct hashed){(uint32_t)hash_bytes(key.bytes, key.length, 0), i};
	}
	qsort(hashed, KEYS, sizeof *hashed, compare);
	size_t at = 1;
	while (at < KEYS && hashed[at].hash != hashed[at - 1].hash)
		at++;
	assert_true(at < KEYS);
	for (size_t i = 0; i < 2; i++)
		collision->keys[i] = key_print(collision->bytes[i], hashed[at - i].number);
}
