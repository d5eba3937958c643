/* specs.c: see specs.h. */
#include "specs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "steps/kinds.h"

static struct spec spec_of_both(const char *file, const char *yaml, const char *kind)
{
	struct spec spec;
	struct error error = {0};
	const struct spec_options options = {.kinds = step_kinds, .kind = kind};
	assert_true(spec_open(&spec, &error));
	assert_true(spec_read_text(&spec, file, text_of(yaml), &options, &error));
	return spec;
}

struct spec spec_of(const char *yaml, const char *kind)
{
	return spec_of_both("test.yaml", yaml, kind);
}

struct spec spec_of_file(const char *file, const char *yaml)
{
	return spec_of_both(file, yaml, NULL);
}

static void print_all(const struct spec *spec)
{
	struct buffer out;
	buffer_open(&out, (size_t)1 << 20);
	faults_print_text(spec->faults, &out, (struct fault_look){0});
	print_message("%.*s", (int)out.length, out.bytes ? out.bytes : "");
	buffer_close(&out);
}

static bool says(const struct fault *fault, const char *contains)
{
	return strstr(fault->message, contains) || (fault->suggest && strstr(fault->suggest, contains));
}

static bool stands_at(const struct fault *fault, const char *at)
{
	char place[32];
	snprintf(place, sizeof place, "%u:%u", fault->place.line, fault->place.column);
	return strcmp(place, at) == 0;
}

void expect_fault(const char *yaml, const char *at, const char *kind, const char *contains)
{
	struct spec spec = spec_of(yaml, NULL);
	bool found = false;
	for (size_t i = 0; i < faults_total(spec.faults); i++) {
		const struct fault *fault = faults_at(spec.faults, i);
		found = found || (fault->code->severity == SEVERITY_ERROR && stands_at(fault, at) &&
				  strcmp(fault_kind_name(fault->code->kind), kind) == 0 && says(fault, contains));
	}
	bool alone = faults_count(spec.faults, SEVERITY_ERROR) == 1;
	if (!found || !alone)
		print_all(&spec);
	spec_close(&spec);
	if (!found || !alone)
		fail_msg("expected one error, %s at %s with `%s`, of\n%s", kind, at, contains, yaml);
}

void expect_told(const char *yaml, enum severity severity, const char *at, const char *contains)
{
	struct spec spec = spec_of(yaml, NULL);
	bool found = false;
	for (size_t i = 0; i < faults_total(spec.faults); i++) {
		const struct fault *fault = faults_at(spec.faults, i);
		found = found || (fault->code->severity == severity && stands_at(fault, at) && says(fault, contains));
	}
	bool clean = faults_count(spec.faults, SEVERITY_ERROR) == 0;
	if (!found || !clean)
		print_all(&spec);
	spec_close(&spec);
	if (!found || !clean)
		fail_msg("expected a %s at %s with `%s`, of\n%s", severity_name(severity), at, contains, yaml);
}

void expect_clean(const char *yaml)
{
	struct spec spec = spec_of(yaml, NULL);
	bool clean = faults_count(spec.faults, SEVERITY_ERROR) == 0;
	if (!clean)
		print_all(&spec);
	spec_close(&spec);
	if (!clean)
		fail_msg("expected no error of\n%s", yaml);
}
