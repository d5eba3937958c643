/* root.h: Roots of functions of one variable, between two ends at which their signs differ (Brent, 1973). */
#ifndef SLUICE_METHODS_STATISTICS_ROOT_H
#define SLUICE_METHODS_STATISTICS_ROOT_H

/* The root between `low` and `high`, to a few last digits. An end is the answer where the function is 0 there, and the
 * nearer to 0 of both where its signs do not differ. */
double root_between(double (*function)(const void *context, double x), const void *context, double low, double high);

#endif
