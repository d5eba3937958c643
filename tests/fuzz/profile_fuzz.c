/* profile_fuzz.c: hostile profiles: nothing crashes, and what is taken is written again as it stood and can be merged. By
 * its first byte the input is a profile as it is, or what comes behind the head of one.
 */
#include <stdint.h>
#include <stdlib.h>

#include "drift/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stored_run(struct text stored)
{
	struct profile profile, twice;
	struct error error = {0};
	struct buffer again;
	if (!profile_read(&profile, stored, &error)) {
		if (error.kind != ERROR_INPUT)
			abort();
		return;
	}
	buffer_open(&again, PROFILE_BYTES_MAX + 1); /* the last byte is never filled */
	if (!profile_write(&profile, &again) || !text_equal(buffer_view(&again), stored))
		abort();
	profile_open(&twice, profile.kind);
	if (!profile_merge(&twice, &profile) || !profile_merge(&twice, &profile) || twice.rows != 2 * profile.rows)
		abort();
	buffer_clear(&again);
	if (!profile_write(&twice, &again))
		abort();
	profile_close(&twice);
	profile_close(&profile);
	buffer_close(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer headed;
	if (size == 0)
		return 0;
	if (data[0] == 's') {
		stored_run((struct text){(const char *)data, size});
		return 0;
	}
	buffer_open(&headed, size + 32);
	buffer_string(&headed, "sluice-profile\001");
	buffer_byte(&headed, (char)(data[0] & 1));
	buffer_append(&headed, data + 1, size - 1);
	if (!buffer_failed(&headed))
		stored_run(buffer_view(&headed));
	buffer_close(&headed);
	return 0;
}
