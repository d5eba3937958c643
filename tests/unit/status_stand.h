/* status_stand.h: Records on `status` of a mock broker, as engines write them, and the wait until a keeper has read them. */
#pragma once

#include "message/record_form.h"
#include "tests/unit/mock_broker.h"

void status_append(const struct mock *mock, const char *topic, const struct record_form *form, const void *record);

/* Returns when the keeper has written two more beats to the topic, so that it has read what was there before. */
void status_is_heard(const struct mock *mock, const char *topic);
