/* body_coder.c: see body_coder.h. */
#include "net/http/body_coder.h"

#define FAR_MS INT64_MAX

static void work_queue_wake(struct work_queue *queue)
{
	loop_timer_set(queue->loop, &queue->timer, loop_now_ms(queue->loop), &(struct error){0}); /* a move needs no memory */
}

/* What is begun before the next turn finds what this one has left. */
static void work_queue_on_turn(void *context)
{
	struct work_queue *queue = context;
	loop_timer_set(queue->loop, &queue->timer, FAR_MS, &(struct error){0}); /* in the slot that it has just left */
	queue->left_bytes = WORK_TURN_BYTES;
	while (queue->waiting.first && queue->left_bytes > 0) {
		struct queued_work *work = LIST_OWNER(queue->waiting.first, struct queued_work, node);
		list_remove(&work->node);
		if (work->go(work, &queue->left_bytes))
			continue;
		if (queue->in_turns)
			list_add(&queue->waiting, &work->node);
		else
			list_add_first(&queue->waiting, &work->node);
	}
	if (queue->left_bytes < WORK_TURN_BYTES)
		work_queue_wake(queue);
}

bool work_queue_open(struct work_queue *queue, struct loop *loop, bool in_turns, struct error *error)
{
	*queue = (struct work_queue){.loop = loop, .in_turns = in_turns, .left_bytes = WORK_TURN_BYTES};
	queue->timer = (struct loop_timer){.due = work_queue_on_turn, .context = queue};
	return loop_timer_set(loop, &queue->timer, FAR_MS, error);
}

void work_queue_close(struct work_queue *queue)
{
	assert(!queue->waiting.first);
	if (queue->loop)
		loop_timer_stop(queue->loop, &queue->timer);
}

bool work_queue_has(const struct work_queue *queue, size_t bytes)
{
	return !queue->waiting.first && bytes <= queue->left_bytes;
}

bool work_queue_begin(struct work_queue *queue, struct queued_work *work)
{
	const bool waits = queue->waiting.first || queue->left_bytes == 0;
	assert(work->go && !work->node.list);
	if (!waits && queue->left_bytes == WORK_TURN_BYTES)
		work_queue_wake(queue);
	if (!waits && work->go(work, &queue->left_bytes))
		return true;
	list_add(&queue->waiting, &work->node);
	return false;
}

bool body_coder_open(struct body_coder *coder, struct loop *loop, bool packs, struct error *error)
{
	*coder = (struct body_coder){0};
	buffer_open(&coder->packed, 2 * GZIP_BYTES_MAX); /* noise becomes a little longer */
	if (packs && !(coder->gzip = gzip_open()))
		return error_memory(error, ERROR_SYSTEM, "opening a compressor");
	return work_queue_open(&coder->packing, loop, false, error) && work_queue_open(&coder->unpacking, loop, true, error);
}

void body_coder_close(struct body_coder *coder)
{
	work_queue_close(&coder->packing);
	work_queue_close(&coder->unpacking);
	gzip_close(coder->gzip);
	buffer_close(&coder->packed);
}

/* ---- decompression ---- */

static bool unpacking_go(struct queued_work *work, size_t *bytes)
{
	struct body_unpacking *unpacking = LIST_OWNER(work, struct body_unpacking, work);
	unpacking->outcome = gunzip_more(unpacking->gunzip, bytes, &unpacking->plain);
	if ((unpacking->outcome == GZIP_MORE || unpacking->outcome == GZIP_WHOLE) && !unpacking->allowed(unpacking))
		unpacking->outcome = GZIP_NO_MEMORY;
	return unpacking->outcome != GZIP_MORE;
}

static bool unpacking_go_on(struct queued_work *work, size_t *bytes)
{
	struct body_unpacking *unpacking = LIST_OWNER(work, struct body_unpacking, work);
	if (!unpacking_go(work, bytes))
		return false;
	unpacking->done(unpacking);
	return true;
}

enum gzip_outcome body_unpack(struct body_coder *coder, struct body_unpacking *unpacking, enum gzip_form form, struct text packed,
			      size_t bytes_max)
{
	assert(unpacking->done && unpacking->allowed);
	body_unpack_stop(unpacking);
	buffer_open(&unpacking->plain, bytes_max + 1); /* a byte more shows that there is more */
	unpacking->gunzip = gunzip_open(form, packed, bytes_max);
	unpacking->outcome = unpacking->gunzip ? GZIP_MORE : GZIP_NO_MEMORY;
	if (!unpacking->gunzip)
		return unpacking->outcome;
	unpacking->work.go = unpacking_go;
	(void)work_queue_begin(&coder->unpacking, &unpacking->work);
	unpacking->work.go = unpacking_go_on;
	return unpacking->outcome;
}

void body_unpack_stop(struct body_unpacking *unpacking)
{
	queued_work_stop(&unpacking->work);
	gunzip_close(unpacking->gunzip);
	unpacking->gunzip = NULL;
	buffer_close(&unpacking->plain);
}

/* ---- compression ---- */

static bool packing_go(struct queued_work *work, size_t *bytes)
{
	struct body_packing *packing = LIST_OWNER(work, struct body_packing, work);
	struct body_coder *coder = packing->coder;
	enum gzip_outcome outcome = GZIP_NO_MEMORY;
	if (coder->active != packing)
		buffer_clear(&coder->packed);
	if (coder->active == packing || gzip_begin(coder->gzip, buffer_view(&packing->plain)))
		outcome = gzip_more(coder->gzip, bytes, &coder->packed);
	coder->active = outcome == GZIP_MORE ? packing : NULL;
	if (outcome == GZIP_MORE)
		return false;
	struct buffer plain = packing->plain; /* its owner may be freed by `done` */
	const bool is_packed = outcome == GZIP_WHOLE && coder->packed.length < plain.length;
	packing->plain = (struct buffer){0};
	packing->done(packing, is_packed ? buffer_view(&coder->packed) : buffer_view(&plain), is_packed);
	buffer_close(&plain);
	return true;
}

struct short_body {
	struct queued_work work;
	struct body_coder *coder;
	struct text plain;
	bool is_packed;
};

static bool short_body_go(struct queued_work *work, size_t *bytes)
{
	struct short_body *body = LIST_OWNER(work, struct short_body, work);
	struct body_coder *coder = body->coder;
	buffer_clear(&coder->packed);
	body->is_packed = gzip_begin(coder->gzip, body->plain) && gzip_more(coder->gzip, bytes, &coder->packed) == GZIP_WHOLE &&
			  coder->packed.length < body->plain.length;
	return true;
}

struct text body_pack_at_once(struct body_coder *coder, struct text body, bool *is_packed)
{
	struct short_body given = {.work = {.go = short_body_go}, .coder = coder, .plain = body};
	if (body_packs_at_once(coder, body.length))
		(void)work_queue_begin(&coder->packing, &given.work);
	*is_packed = given.is_packed;
	return given.is_packed ? buffer_view(&coder->packed) : body;
}

bool body_pack(struct body_coder *coder, struct body_packing *packing, struct text body)
{
	assert(packing->done && !body_pack_is_running(packing));
	buffer_open(&packing->plain, body.length);
	buffer_text(&packing->plain, body);
	if (buffer_failed(&packing->plain)) {
		buffer_close(&packing->plain);
		return false;
	}
	packing->coder = coder;
	packing->work.go = packing_go;
	(void)work_queue_begin(&coder->packing, &packing->work);
	return true;
}

void body_pack_stop(struct body_packing *packing)
{
	if (packing->coder && packing->coder->active == packing)
		packing->coder->active = NULL;
	queued_work_stop(&packing->work);
	buffer_close(&packing->plain);
}
