/* mutate.h: Mutators that keep the structure of an input, for fuzz targets whose bytes are refused early where
 * single bytes change: JSON, lines with indents (YAML, CSV, LightGBM's text), and records in Avro.
 *
 * Each has the arguments of LLVMFuzzerCustomMutator() and returns the new size. What cannot be read as its
 * form, and one input in eight, is left to libFuzzer's own mutations.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

struct dice {
	uint64_t state;
};

struct dice dice_of(unsigned seed);
size_t dice_roll(struct dice *dice, size_t sides); /* below `sides`; 0 for 0 */

/* A text that numbers, lengths and names are often mistaken at. */
const char *dice_text(struct dice *dice);
double dice_number(struct dice *dice);
int64_t dice_whole(struct dice *dice);

size_t mutate_json(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t mutate_lines(uint8_t *data, size_t size, size_t max, unsigned seed);

/* One record of the schema whose JSON that is, without framing. */
size_t mutate_avro(const char *json, uint8_t *data, size_t size, size_t max, unsigned seed);
