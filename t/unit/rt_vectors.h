
/*
 * rt_vectors.h: reads t/vectors, which the fuzzers take their seeds from too.
 *
 * A line is "<expected> <bytes>", where %XX is any byte; # begins a comment.
 */


#ifndef _RT_VECTORS_H_INCLUDED_
#define _RT_VECTORS_H_INCLUDED_


#include "rt_test.h"


#define RT_VECTOR_MAX  4096


typedef struct {
    const char  *file;
    unsigned     line;
    char         expected[RT_VECTOR_MAX];
    rt_str_t     bytes;             /* memory of just their size */
} rt_vector_t;


static inline int
rt_vector_hex(char ch)
{
    const char  *p;

    p = strchr("0123456789abcdef0123456789ABCDEF", ch);

    return (int) (p - "0123456789abcdef0123456789ABCDEF") % 16;
}


static inline size_t
rt_vector_decode(u_char *dst, const char *p)
{
    size_t  n;

    for (n = 0; *p && *p != '\n'; p++) {

        if (*p == '%' && p[1] && p[2]) {
            dst[n++] = (u_char) (rt_vector_hex(p[1]) * 16
                                 + rt_vector_hex(p[2]));
            p += 2;

        } else {
            dst[n++] = (u_char) *p;
        }
    }

    return n;
}


/* calls "each" with every vector of the file */

static inline void
rt_vectors(const char *file, void (*each)(const rt_vector_t *v))
{
    FILE         *f;
    char          path[1024], line[RT_VECTOR_MAX], *space;
    u_char        bytes[RT_VECTOR_MAX];
    size_t        n;
    rt_vector_t   v;

    (void) snprintf(path, sizeof(path), "%s/%s", RT_VECTORS, file);

    f = fopen(path, "r");

    if (!ok(f != NULL, "%s is there", file)) {
        return;
    }

    v.file = file;

    for (v.line = 1; fgets(line, sizeof(line), f); v.line++) {

        space = strchr(line, ' ');

        if (line[0] == '#' || space == NULL) {
            continue;
        }

        *space = '\0';
        memcpy(v.expected, line, (size_t) (space - line) + 1);

        n = rt_vector_decode(bytes, space + 1);
        v.bytes = rt_test_copy(rt_str(n, bytes));

        each(&v);

        rt_test_free(v.bytes);
    }

    (void) fclose(f);
}


#endif /* _RT_VECTORS_H_INCLUDED_ */
