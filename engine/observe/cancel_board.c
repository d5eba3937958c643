/* cancel_board.c: see cancel_board.h. */
#include "observe/cancel_board.h"

#include <stdatomic.h>

#include "base/hash.h"
#include "base/memory.h"
#include "message/records/reply.h"

#define SETS (CANCELLATIONS_MAX / CANCEL_WAYS)

struct cancel_set {
	_Atomic uint64_t hashes[CANCEL_WAYS]; /* 0: none */
	size_t next; /* the way that the next one gets */
};

struct cancel_board {
	_Atomic uint64_t added;
	struct cancel_set sets[SETS];
};

struct cancel_board *cancel_board_open(void)
{
	return memory_take(1, sizeof(struct cancel_board));
}

void cancel_board_close(struct cancel_board *board)
{
	memory_give(board);
}

static uint64_t cancellation_hash(struct text token, struct text pipeline)
{
	return hash_bytes(token.bytes, token.length, hash_bytes(pipeline.bytes, pipeline.length, 0)) | 1;
}

static size_t set_of(uint64_t hash)
{
	return (size_t)(hash >> 1) % SETS;
}

static bool cancellation_is_known(const struct cancel_board *board, uint64_t hash)
{
	const struct cancel_set *set = &board->sets[set_of(hash)];
	for (size_t i = 0; i < CANCEL_WAYS; i++)
		if (atomic_load_explicit(&set->hashes[i], memory_order_relaxed) == hash)
			return true;
	return false;
}

void cancel_board_add(struct cancel_board *board, struct text token, struct text pipeline)
{
	const uint64_t hash = cancellation_hash(token, pipeline);
	struct cancel_set *set = &board->sets[set_of(hash)];
	if (token.length == 0 || token.length > CANCEL_TOKEN_BYTES_MAX || cancellation_is_known(board, hash))
		return;
	atomic_store_explicit(&set->hashes[set->next], hash, memory_order_relaxed);
	set->next = (set->next + 1) % CANCEL_WAYS;
	atomic_fetch_add_explicit(&board->added, 1, memory_order_release);
}

uint64_t cancel_board_added(const struct cancel_board *board)
{
	return board ? atomic_load_explicit(&board->added, memory_order_acquire) : 0;
}

bool cancel_board_has(const struct cancel_board *board, struct headers headers, struct text pipeline)
{
	static const char *const tokens[] = {REPLY_SUBMITTED_HEADER, REPLY_HEADER};
	if (cancel_board_added(board) == 0)
		return false;
	for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
		const struct header *token = headers_find(headers, text_of(tokens[i]));
		if (token && token->value.length > 0 && cancellation_is_known(board, cancellation_hash(token->value, pipeline)))
			return true;
	}
	return false;
}
