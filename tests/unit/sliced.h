/* sliced.h: for tests of what goes to an observer: how many messages a record is of. */
#pragma once

#include "message/records/slice.h"

/* The rows of a slice to the observer of the step `watch`; 1: it is none. The test fails if the record is none between stages. */
size_t sliced_rows(struct text record);

/* The first number of each row that the observer of the step `watch` gets; returns how many rows there are. */
size_t sliced_numbers(struct text record, double *numbers, size_t room);
