/* feature_program.c: Compiler from settings to state forms; see feature_program.h. */
#include "steps/features/feature_program.h"

#include "base/hash.h"

/* The setting above number `setting` whose name is the one meant there; false: none. */
static bool setting_named(const struct feature_program *program, size_t setting, size_t from, const struct expression *user)
{
	for (size_t i = from; i < setting; i++)
		if (expression_uses(user, program->settings[i].name))
			return true;
	return false;
}

/* Whether a series means something else below setting `from` than below `to`. */
static bool series_changes(const struct feature_program *program, const struct trailing_call *call, size_t from, size_t to)
{
	for (size_t i = 0; i < call->series_count; i++)
		if (setting_named(program, to, from, call->series[i]))
			return true;
	return false;
}

/* ---- meanings ----
 *
 * What is kept outlives a deployment; it goes on in the next one when it means the same:
 * the same words, of names that mean the same. */

static uint64_t meaning_of(const struct feature_program *program, size_t setting, const struct expression *expression,
			   uint64_t seed)
{
	struct text words = expression_words(expression);
	uint64_t meaning = hash_bytes(words.bytes, words.length, seed);
	for (size_t i = 0; i < setting; i++)
		if (expression_uses(expression, program->settings[i].name))
			meaning = hash_bytes(&program->settings[i].meaning, sizeof meaning, meaning);
	return meaning;
}

static uint32_t form_keeps(const struct feature_program *program, const struct feature_program_form *row)
{
	const struct feature_form *form = &row->form;
	const int64_t numbers[] = {form->kept,		form->input,	  form->window.messages, form->window.duration_ms,
				   form->window.tracks, form->spans.fast, form->spans.slow,	 form->spans.signal,
				   form->seed};
	uint64_t meaning = hash_bytes(numbers, sizeof numbers, 0);
	for (size_t i = 0; i < row->call->series_count; i++)
		meaning = meaning_of(program, row->setting, row->call->series[i], meaning);
	return (uint32_t)meaning;
}

/* ---- making ---- */

/* The place of a form that does for this one, made where there is none. */
static size_t form_place(struct feature_program *program, const struct feature_form *form, const struct trailing_call *call,
			 size_t setting)
{
	for (size_t i = 0; i < program->form_count; i++) {
		struct feature_program_form *there = &program->forms[i];
		if (trailing_series_alike(there->call, call) && !series_changes(program, call, there->setting, setting) &&
		    feature_forms_join(&there->form, form))
			return i;
	}
	program->forms[program->form_count] = (struct feature_program_form){.form = *form, .call = call, .setting = setting};
	return program->form_count++;
}

static bool setting_make(struct feature_program *program, size_t nth, struct arena *arena)
{
	struct feature_program_setting *setting = &program->settings[nth];
	const struct trailing_call *calls = expression_trailing(setting->value, &setting->count);
	setting->meaning = meaning_of(program, nth, setting->value, 0);
	setting->calls = ARENA_ARRAY(arena, struct feature_program_call, setting->count);
	for (size_t i = 0; setting->calls && i < setting->count; i++) {
		struct feature_form forms[FEATURE_FORMS_MAX];
		struct feature_program_call *call = &setting->calls[i];
		call->call = &calls[i];
		call->count = feature_forms(&calls[i].feature, forms);
		for (size_t j = 0; j < call->count; j++)
			call->forms[j] = form_place(program, &forms[j], call->call, nth);
	}
	return setting->calls != NULL;
}

const struct feature_program *feature_program_make(const struct feature_setting *settings, size_t count, struct arena *arena)
{
	size_t calls = 0;
	for (size_t i = 0; i < count; i++) {
		size_t of_one;
		(void)expression_trailing(settings[i].value, &of_one);
		calls += of_one;
	}
	struct feature_program *program = ARENA_NEW(arena, struct feature_program);
	struct feature_program_setting *made = ARENA_ARRAY(arena, struct feature_program_setting, count);
	struct feature_program_form *forms = ARENA_ARRAY(arena, struct feature_program_form, calls * FEATURE_FORMS_MAX);
	if (!program || !made || !forms)
		return NULL;
	*program = (struct feature_program){.count = count, .settings = made, .forms = forms};
	for (size_t i = 0; i < count; i++) {
		made[i] = (struct feature_program_setting){.name = text_of(settings[i].name.text), .value = settings[i].value};
		if (!setting_make(program, i, arena))
			return NULL;
	}
	for (size_t i = 0; i < program->form_count; i++)
		forms[i].keeps = form_keeps(program, &forms[i]);
	return program;
}
