/* spending.h: Shares of alpha that planned looks of a group-sequential test have spent (Lan and DeMets, 1983). */
#pragma once

/* `information` is the share of the planned units that has come, 0..1. Of two sides. */
double alpha_spent_obrien_fleming(double information, double alpha);
double alpha_spent_pocock(double information, double alpha);
