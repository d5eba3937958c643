/* alert_record.h: Notice of an alert as a record of its pipeline's topic `alerts` (schemas/alert.avsc, single-object Avro). */
#ifndef SLUICE_ALERTS_ALERT_RECORD_H
#define SLUICE_ALERTS_ALERT_RECORD_H

#include "alerts/notice.h"

/* Appends the record. LIMIT: it does not fit. */
bool alert_record_encode(const struct alert_message *message, struct buffer *out, struct error *error);

#endif
