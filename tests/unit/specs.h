/* specs.h: YAML written in a test, read, and its faults looked at. */
#pragma once

#include "compiler/resources/resource.h"

/* Reads `yaml` as one file with all step kinds; --kind as given, or NULL. The test
 * closes the spec. */
struct spec spec_of(const char *yaml, const char *kind);
struct spec spec_of_file(const char *file, const char *yaml); /* as if it stood in a file of that name */

/* Fails the test unless the one error of `yaml` (or, with `severity`, one of its
 * warnings or notes) stands at `at` ("7:3"), is of that kind, and has `contains` in its
 * message or suggestion. */
void expect_fault(const char *yaml, const char *at, const char *kind, const char *contains);
void expect_told(const char *yaml, enum severity severity, const char *at, const char *contains);

/* Fails the test when `yaml` has an error. */
void expect_clean(const char *yaml);
