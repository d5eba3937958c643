/* gateway_input_fuzz.c: any bytes as a compressed body of a request, as a plain one, and as the id of a submitted request:
 * a body has never more bytes than its limit, what was packed is unpacked again, and an id that is read is written as it was
 * read.
 * seeds: tests/data/fuzz/gateway-*.bin
 *
 * The first byte chooses which; of bodies, the second one is the limit in units of LIMIT_BYTES.
 */
#include <stdlib.h>

#include "gateway/submission.h"
#include "tests/unit/gzip_whole.h"

#define LIMIT_BYTES ((size_t)1 << 10)
#define PORTION ((size_t)100)
#define OUT_BYTES ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void body_unpack(struct text packed, size_t limit)
{
	struct buffer out;
	buffer_open(&out, OUT_BYTES);
	enum gzip_outcome outcome = gunzip_whole(GZIP_FORM_GZIP, packed, limit, PORTION, &out);
	must(outcome != GZIP_NO_MEMORY && !buffer_failed(&out) && (outcome != GZIP_WHOLE || buffer_view(&out).length <= limit));
	buffer_close(&out);
}

/* A limit of just its length is kept to, one less is not, and no part of it is taken for the whole. */
static void body_pack(struct text plain)
{
	static struct gzip *gzip;
	struct buffer packed, out;
	gzip = gzip ? gzip : gzip_open();
	buffer_open(&packed, OUT_BYTES);
	buffer_open(&out, OUT_BYTES);
	must(gzip && gzip_whole(gzip, plain, PORTION, &packed) == GZIP_WHOLE);
	const struct text whole = buffer_view(&packed);
	must(gunzip_whole(GZIP_FORM_GZIP, whole, plain.length, PORTION, &out) == GZIP_WHOLE &&
	     text_equal(buffer_view(&out), plain));
	buffer_clear(&out);
	must(plain.length == 0 || gunzip_whole(GZIP_FORM_GZIP, whole, plain.length - 1, PORTION, &out) == GZIP_TOO_LONG);
	buffer_clear(&out);
	must(gunzip_whole(GZIP_FORM_GZIP, (struct text){whole.bytes, whole.length - 1}, plain.length, PORTION, &out) ==
	     GZIP_INVALID);
	buffer_close(&packed);
	buffer_close(&out);
}

static void id_read(struct text id)
{
	struct submission first, second;
	char text[SUBMISSION_ID_BYTES_MAX];
	if (!submission_read(id, &first))
		return;
	size_t length = submission_write(&first, text);
	must(length > 0 && length < sizeof text && submission_read((struct text){text, length}, &second));
	must(second.partition == first.partition && second.offset == first.offset && second.time_ms == first.time_ms);
	must(second.answers == first.answers && submission_is_of(&second, submission_nonce(&first)));
	must(first.partition >= 0 && first.offset >= 0 && first.time_ms >= 0 && first.answers >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	if (size < 2)
		return 0;
	if (data[0] % 3 == 0)
		body_unpack((struct text){bytes + 2, size - 2}, data[1] * LIMIT_BYTES);
	else if (data[0] % 3 == 1)
		body_pack((struct text){bytes + 2, size - 2});
	else
		id_read((struct text){bytes + 1, size - 1});
	return 0;
}
