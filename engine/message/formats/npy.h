/* npy.h: Tensors in files of NumPy's format .npy, versions 1 to 3, as numpy.save() writes them.
 *
 * Arrays of booleans, integers and floats become tensors of the same type, also from big-endian files; texts of `U` and `S`
 * become BYTES without the zeros that fill them up. Refused: other types (complex numbers, times, structures), and objects,
 * which are Python's pickles and could run code; arrays in Fortran's order, of more than one dimension.
 */
#pragma once

#include "message/tensor.h"

/* Reads a file. The tensor borrows from `bytes` or is in the arena; its name is `name`. NULL: INPUT names `name`, the
 * cause and the next step; LIMIT: the arena is full. */
struct tensor *npy_read(struct text name, struct text bytes, struct arena *arena, struct error *error);
