
/*
 * rt_files.h: the files of t/vectors/jwt.
 */


#ifndef _RT_FILES_H_INCLUDED_
#define _RT_FILES_H_INCLUDED_


#include "rt_test.h"


/* the text of a file, to be freed with rt_test_free() */

static inline rt_str_t
rt_file(const char *name)
{
    FILE    *f;
    char     path[1024];
    u_char   text[65536];
    size_t   n;

    (void) snprintf(path, sizeof(path), "%s/jwt/%s", RT_VECTORS, name);

    f = fopen(path, "r");

    if (f == NULL) {
        ok(0, "%s is there", name);
        exit(2);
    }

    n = fread(text, 1, sizeof(text), f);
    (void) fclose(f);

    return rt_test_copy(rt_str(n, text));
}


#endif /* _RT_FILES_H_INCLUDED_ */
