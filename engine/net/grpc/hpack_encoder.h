/* hpack_encoder.h: Encoder of request headers in HPACK (RFC 7541), for a client that sends the same few again and again.
 *
 * A field that is kept gets an entry in the dynamic table with its first use, and is one byte from then on. Entries
 * are never replaced: what does not fit is sent as it is. So the table changes only while a connection is new, and a
 * search costs a few compares. nghttp2's encoder never keeps `:path`, and codes it by Huffman's method each time: that
 * was 980 of 12,020 instructions of a call, and as much again in the server. Texts are sent without that code.
 *
 * A block that begins with fields which are all in the tables has a byte for each of them. Those bytes are kept, with the text that
 * tells blocks apart, and are written again without a search.
 *
 * An encoder starts as `{0}` and belongs to one connection.
 */
#pragma once

#include "base/text.h"

#define HPACK_ENTRIES_MAX 16
#define HPACK_ENTRY_BYTES ((size_t)32)	 /* what an entry counts beside its texts (RFC 7541, 4.1) */
#define HPACK_KEPT_FIELDS_MAX 8
#define HPACK_KEPT_KEY_BYTES_MAX 128
#define HPACK_TABLE_BYTES ((size_t)4096) /* of the table until a server allows less */

struct hpack_entry {
	size_t name_at, name_length; /* in `bytes`; the value follows the name */
	size_t value_length;
};

struct hpack_encoder {
	struct hpack_entry entries[HPACK_ENTRIES_MAX]; /* the oldest first */
	size_t count;
	char bytes[1024]; /* with the entries this is less than HPACK_TABLE_BYTES */
	size_t bytes_used;
	size_t less;  /* by which the server's table is smaller than HPACK_TABLE_BYTES */
	bool resized; /* the next block has to say the size of the table */
	/* Kept fields, which hold as long as no entry is added; length 0: there are none. */
	char kept[HPACK_KEPT_FIELDS_MAX], kept_key[HPACK_KEPT_KEY_BYTES_MAX];
	size_t kept_length, kept_key_length;
};

/* Numbers of fields and names in the static table (RFC 7541, appendix A). */
enum hpack_static {
	HPACK_NONE = 0,
	HPACK_AUTHORITY = 1,
	HPACK_METHOD_POST = 3,
	HPACK_PATH = 4,
	HPACK_SCHEME_HTTP = 6,
	HPACK_SCHEME_HTTPS = 7,
	HPACK_CONTENT_TYPE = 31,
};

/* The server has set the size of its table. If that changes ours, the entries are dropped, and the next block says so. */
void hpack_encoder_resize(struct hpack_encoder *encoder, size_t bytes);

/* To be called before the first field of each block. */
void hpack_block_begin(struct hpack_encoder *encoder, struct buffer *out);

void hpack_field_static(struct buffer *out, enum hpack_static number); /* a field of the static table, name and value */

/* Appends a field. `known`: the number of its name in the static table, or HPACK_NONE. `keep`: it gets an entry if
 * there is space, and if no entry has its name: a value that varies does not fill the table. */
void hpack_field(struct hpack_encoder *encoder, struct buffer *out, enum hpack_static known, struct text name, struct text value,
		 bool keep);

/* The same for one of several values that are all kept, as paths are. */
void hpack_field_of_several(struct hpack_encoder *encoder, struct buffer *out, enum hpack_static known, struct text name,
			    struct text value);

/* Keeps the fields that were written since the buffer had that length, which are so many and the same whenever the key is. Has no
 * effect unless each is one byte. */
void hpack_keep(struct hpack_encoder *encoder, const struct buffer *out, size_t begin, size_t fields, struct text key);

/* Writes the fields that were kept under that key. False: they are to be written one by one. */
bool hpack_kept_write(const struct hpack_encoder *encoder, struct buffer *out, struct text key);
