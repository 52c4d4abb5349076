/* The legal basis (M9): without one nothing is fetched. */
#ifndef MRI_ORDER_BASIS_H
#define MRI_ORDER_BASIS_H

#include "order/order.h"

/* consent, treatment or statutory, with a reference. required: a missing one is ERR_DENIED (77).
 * A wrong kind is ERR_CONFIG. */
int basis_check(const struct order *, bool required, struct err *);

#endif
