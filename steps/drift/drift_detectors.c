/* drift_detectors.c: see drift_detectors.h. */
#include "steps/drift/drift_detectors.h"

#include "steps/drift/state/drift_kept.h"

#define DETECTORS_VERSION 1
#define PIECE_BYTES_MAX 65536 /* so that a piece fits a record */

/* Before the bytes of the first piece. */
struct detectors_head {
	uint64_t version, identity, window, bytes;
};

static size_t pieces_of(size_t bytes)
{
	return (bytes + PIECE_BYTES_MAX - 1) / PIECE_BYTES_MAX;
}

/* Forgets the pieces from that number on. */
static bool pieces_forget(struct visit *visit, struct text segment, uint64_t from, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	struct text piece;
	for (;; from++) {
		const struct text key = drift_detectors_key(segment, from, bytes);
		if (!visit_recall(visit, key, &piece))
			return true;
		if (!visit_forget(visit, key, error))
			return false;
	}
}

bool drift_detectors_forget(struct visit *visit, struct text segment, struct error *error)
{
	return pieces_forget(visit, segment, 0, error);
}

/* All pieces, in the visit's arena. Without bytes: they are not whole. */
static struct text pieces_join(struct visit *visit, struct text segment)
{
	char key[DRIFT_KEY_BYTES];
	struct detectors_head head;
	struct text piece, none = {0};
	if (!visit_recall(visit, drift_detectors_key(segment, 0, key), &piece) || piece.length < sizeof head)
		return none;
	memcpy(&head, piece.bytes, sizeof head);
	if (head.version != DETECTORS_VERSION || head.bytes < sizeof head || head.bytes > SIZE_MAX / 2)
		return none;
	char *joined = arena_take_raw(visit_arena(visit), head.bytes);
	for (size_t i = 0, done = 0; joined && done < head.bytes; i++, done += piece.length) {
		if (!visit_recall(visit, drift_detectors_key(segment, i, key), &piece) || piece.length == 0 ||
		    piece.length > head.bytes - done)
			return none;
		memcpy(joined + done, piece.bytes, piece.length);
	}
	return joined ? (struct text){joined, head.bytes} : none;
}

void drift_detectors_bring(struct visit *visit, const struct drift_detectors_place *place, struct monitor *monitor)
{
	struct detectors_head head = {0};
	struct text stored = {0};
	if (!monitor_is_online(monitor))
		return;
	const struct text joined = pieces_join(visit, place->segment);
	if (joined.length > 0)
		memcpy(&head, joined.bytes, sizeof head);
	if (head.version == DETECTORS_VERSION && head.identity == place->identity && head.window == place->window)
		stored = text_from(joined, sizeof head);
	(void)monitor_detectors_read(monitor, stored);
}

bool drift_detectors_keep(struct visit *visit, const struct drift_detectors_place *place, const struct monitor *monitor,
			  struct error *error)
{
	const size_t bytes = sizeof(struct detectors_head) + monitor_detectors_bytes(monitor);
	const struct detectors_head head = {DETECTORS_VERSION, place->identity, place->window, bytes};
	if (!monitor_is_online(monitor))
		return true;
	char *all = arena_take_raw(visit_arena(visit), bytes);
	if (!all)
		return error_memory(error, ERROR_LIMIT, "keeping the state of online methods");
	memcpy(all, &head, sizeof head);
	monitor_detectors_write(monitor, all + sizeof head);
	for (size_t i = 0; i < pieces_of(bytes); i++) {
		char key[DRIFT_KEY_BYTES];
		const size_t rest = bytes - i * PIECE_BYTES_MAX, length = rest < PIECE_BYTES_MAX ? rest : PIECE_BYTES_MAX;
		char *stored = visit_remember(visit, drift_detectors_key(place->segment, i, key), length, error);
		if (!stored)
			return false;
		memcpy(stored, all + i * PIECE_BYTES_MAX, length);
	}
	return pieces_forget(visit, place->segment, pieces_of(bytes), error);
}
