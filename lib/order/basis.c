#include "order/basis.h"

#include <string.h>

static bool
one_of(const char *s, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, v[i]) == 0)
			return true;
	return false;
}

int
basis_check(const struct order *o, bool required, struct err *err)
{
	static const char *const kinds[] = { "consent", "treatment", "statutory" };
	static const char *const actors[] = { "patient", "professional" };

	if (o->basis_kind == NULL || *o->basis_kind == '\0') {
		if (!required && o->basis_reference == NULL && o->acting_for == NULL)
			return RC_OK;
		err_set(err, ERR_DENIED, "the order states no legal basis");
		err_advise(err,
		    "give basis.kind (consent, treatment, statutory) and basis.reference in the order, "
		    "or --basis and --reference");
		return err_rc(err->kind);
	}
	if (!one_of(o->basis_kind, kinds, sizeof kinds / sizeof *kinds)) {
		err_set(err, ERR_CONFIG, "basis.kind is none of consent, treatment, statutory");
		return err_rc(err->kind);
	}
	if (o->acting_for != NULL && !one_of(o->acting_for, actors, sizeof actors / sizeof *actors)) {
		err_set(err, ERR_CONFIG, "basis.acting_for is neither patient nor professional");
		return err_rc(err->kind);
	}
	if (o->basis_reference == NULL || *o->basis_reference == '\0') {
		err_set(err, ERR_DENIED, "the legal basis has no reference");
		err_advise(err, "say where it is on file: basis.reference in the order, or --reference");
		return err_rc(err->kind);
	}
	return RC_OK;
}
