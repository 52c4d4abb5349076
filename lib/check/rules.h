/* The rules of check_judge, a file each. Inside lib/check only. */
#ifndef MRI_CHECK_RULES_H
#define MRI_CHECK_RULES_H

#include "check/check.h"
#include "check/patient.h"
#include "dicom/walk.h"

/* The table of points.c, by enum check_point. */
struct check_point_row {
	enum check_rule rule;
	enum check_severity severity;
	enum check_verdict verdict;
	const char *name;	/* for people, after the rule's: [check] of mri.conf(5) */
};
extern const struct check_point_row check_points[];

/* Adds a finding (or an unknown) to its rule, with the severity of the table. */
void check_say(struct check_report *, enum check_point, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What a rule says that found nothing. */
void check_pass(struct check_report *, enum check_rule, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* One pair of values for detail: {"what","order","found","objects"}. */
int check_detail(struct check_report *, enum check_rule, const char *what, const char *order,
    const char *found, size_t objects, struct err *);
/* Counts the objects that have the point and says "n of m objects: text". */
void check_say_objects(struct check_report *, const struct check_study *, enum check_point, const char *text);

/* The order's patient as it is compared. */
struct identity_facts check_asked(const struct order_patient *);

int rule_patient(const struct check_study *, struct check_report *, struct err *);
int rule_one_patient(const struct check_study *, struct check_report *, struct err *);
int rule_one_order(const struct check_study *, struct check_report *, struct err *);
int rule_complete(const struct check_study *, struct check_report *, struct err *);
int rule_readable(const struct check_study *, struct check_report *, struct err *);
int rule_consistent(const struct check_study *, struct check_report *, struct err *);
int rule_target(const struct check_study *, struct check_report *, struct err *);
int rule_permitted(const struct check_study *, struct check_report *, struct err *);

/* What --worklist found; a part of one_order. */
int worklist_say(const struct check_study *, struct check_report *, struct err *);
/* medium.c: what media list, for the rules complete, consistent and one_patient. */
void medium_judge(const struct check_study *, struct check_report *);
bool medium_lists(const struct check_study *);	/* does an index say how many objects the study has? */

/* Of one object, in the worker: sets points. */
void object_other_ids(const struct object *, const char *charset, char *to, size_t cap);
void readable_object(const struct object *, struct check_object *);
void consistent_object(const struct object *, struct check_object *);	/* after readable_object() */
/* required.c: a part of consistent */
void required_object(const struct object *, struct check_object *);
void required_tell(const struct check_study *, struct check_report *);
void texts_object(const struct object *, struct check_object *);
void frames_object(const struct object *, struct check_object *);	/* deep */

#endif
