/* marks.c: see marks.h. */
#include "steps/marks.h"

#include <math.h>

/* The values of a message, in one piece of memory. */
struct marks_made {
	struct payload payload;
	struct tensor score, flag, state;
	int64_t shape[1];
	double largest;
	uint8_t flagged;
	struct text words;
};

/* The largest of the scores that are no NaN; NaN: there is none. */
static double marks_largest(const double *scores, size_t count)
{
	double largest = NAN;
	for (size_t i = 0; i < count; i++)
		if (!(scores[i] <= largest) && !isnan(scores[i]))
			largest = scores[i];
	return largest;
}

static void scalars_fill(struct marks_made *made, const struct marks_verdict *verdict)
{
	made->largest = verdict->count == 1 ? verdict->scores[0] : marks_largest(verdict->scores, verdict->count);
	made->flagged = made->largest > verdict->limit;
	made->score.data = &made->largest;
	made->flag.data = &made->flagged;
	made->score.count = made->flag.count = 1;
	made->score.rank = made->flag.rank = 0;
}

static bool rows_fill(struct marks_made *made, const struct marks_verdict *verdict, struct arena *arena)
{
	const size_t count = verdict->count;
	uint8_t *flags = arena_take_raw(arena, count + 1);
	if (!flags)
		return false;
	for (size_t i = 0; i < count; i++)
		flags[i] = verdict->scores[i] > verdict->limit;
	made->shape[0] = (int64_t)count;
	made->score.data = verdict->scores;
	made->flag.data = flags;
	made->score.count = made->flag.count = count;
	made->score.rank = made->flag.rank = 1;
	return true;
}

bool marks_emit(struct visit *visit, const struct verdict_names *names, enum marks_as as, const struct marks_verdict *verdict,
		struct error *error)
{
	struct arena *arena = visit_arena(visit);
	const struct payload *in = visit_input(visit);
	const struct tensors before = as == MARKS_AS_MARKS ? in->marks : in->tensors;
	struct marks_made *made = arena_take_raw(arena, sizeof *made);
	struct tensors_builder list;
	tensors_begin(&list, arena, before.count + 3);
	if (!made || arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "scoring a message");
	made->payload = *in;
	made->score = (struct tensor){.name = names->score, .datatype = DATATYPE_FP64, .shape = made->shape};
	made->flag = (struct tensor){.name = names->flag, .datatype = DATATYPE_BOOL, .shape = made->shape};
	if (as == MARKS_AS_MARKS)
		scalars_fill(made, verdict);
	else if (!rows_fill(made, verdict, arena))
		return error_memory(error, ERROR_LIMIT, "scoring a message");
	for (size_t i = 0; i < before.count; i++)
		tensors_add(&list, before.items[i]);
	tensors_put(&list, &made->score);
	tensors_put(&list, &made->flag);
	if (verdict->state && as == MARKS_AS_MARKS) {
		made->words = text_of(verdict->state);
		made->state = (struct tensor){
			.name = names->state, .datatype = DATATYPE_BYTES, .shape = made->shape, .count = 1, .data = &made->words};
		tensors_put(&list, &made->state);
	}
	if (arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "scoring a message");
	*(as == MARKS_AS_MARKS ? &made->payload.marks : &made->payload.tensors) = tensors_end(&list);
	visit_emit(visit, &made->payload);
	return true;
}
