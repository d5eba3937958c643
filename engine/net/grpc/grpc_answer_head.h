/* grpc_answer_head.h: Headers and trailers of an answer by gRPC, read from HPACK.
 *
 * Servers send the same few blocks again and again. A block of nothing but entries of the tables means the same as
 * long as the tables are the same, so the last such blocks are remembered with their meaning. All others are decoded
 * by nghttp2, which also keeps the table. Names and values are checked as RFC 9113, 8.2 and 8.3 require.
 *
 * A reader belongs to one connection, and must get all its blocks in their order.
 */
#pragma once

#include <nghttp2/nghttp2.h>

#include "base/text.h"
#include "net/http/memory_pool.h"

#define GRPC_NO_STATUS (-1)

struct grpc_answer_head {
	int http_status;	/* 0: it has none, as trailers must not */
	int grpc_status;	/* GRPC_NO_STATUS: it has none */
	bool has_type, is_grpc; /* whether it has a content type, and whether that is one of gRPC */
	bool has_words;		/* grpc-message, which is in the reader's `words` until the next block */
	bool malformed;		/* it breaks a rule of HTTP/2: the stream must be reset */
	int64_t content_length; /* -1: it has none */
};

#define GRPC_BLOCKS_KNOWN 4
#define GRPC_BLOCK_BYTES 8 /* a longer one is not remembered */

struct grpc_known_block {
	unsigned char bytes[GRPC_BLOCK_BYTES];
	size_t length; /* 0: none */
	struct grpc_answer_head head;
};

struct grpc_head_reader {
	nghttp2_hd_inflater *inflater;
	nghttp2_mem heap; /* to which it points: so a reader stays where it was opened */
	struct grpc_known_block known[GRPC_BLOCKS_KNOWN];
	size_t next; /* to be replaced */
	struct buffer words;
	/* Why a block could not be read: */
	uint32_t fault;
	const char *reason;
};

/* `pool` has the memory of the tables, and outlives the reader. False: there is no memory. */
bool grpc_head_reader_open(struct grpc_head_reader *reader, struct memory_pool *pool);
void grpc_head_reader_close(struct grpc_head_reader *reader); /* fine if it was never opened */

/* False: the connection must end, with `fault` and `reason`. */
bool grpc_head_read(struct grpc_head_reader *reader, const unsigned char *bytes, size_t count, struct grpc_answer_head *head);
