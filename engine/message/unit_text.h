/* unit_text.h: Text of an experiment's unit, which is the same wherever the unit is named: in requests, feedback and overrides.
 *
 * A number has one text, whatever its datatype: without a fraction that of an integer (7 of 7, 7.0 and 70e-1; 0 of -0), where it
 * fits 64 bits; else the shortest text that reads back as the same number of its datatype (0.1 of the FP16, FP32 and FP64). A
 * whole number that is sent as digits keeps all of them, because it names something.
 *
 * So a text that is a number (a key of Kafka, which may have been one in JSON or Avro) loses the zeros at the end of its
 * fraction. One with an exponent stays as it is: 12e4 may be a hexadecimal name, and is then not that of 120000.
 * Pure. */
#pragma once

#include "base/number/number.h"
#include "message/tensor.h"

/* A part of the text, or 0. */
struct text unit_of_text(struct text text);

/* The tensor's first element. Bytes NULL: there is no element, or the arena is full. */
struct text unit_of_tensor(const struct tensor *tensor, struct arena *arena);

/* Of a number in JSON. Bytes NULL: the arena is full. */
struct text unit_of_decimal(const struct decimal *decimal, struct arena *arena);
