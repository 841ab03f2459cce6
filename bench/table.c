
/*
 * table.c: rows are kept as text until all widths are known.
 */


#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>


#define RT_TABLE_COLUMNS  20


static void rt_table_widths(const rt_table_t *t, int *width);
static void rt_table_line(const char *row, const int *width);


void
rt_table_add(rt_table_t *t, const char *fmt, ...)
{
    va_list  args;

    if (t->rows == RT_TABLE_ROWS) {
        return;
    }

    va_start(args, fmt);
    (void) vsnprintf(t->row[t->rows], RT_TABLE_LINE, fmt, args);
    va_end(args);

    t->rows++;
}


void
rt_table_print(const rt_table_t *t)
{
    int       width[RT_TABLE_COLUMNS];
    unsigned  i;

    memset(width, 0, sizeof(width));
    rt_table_widths(t, width);

    for (i = 0; i < t->rows; i++) {
        rt_table_line(t->row[i], width);
    }

    fflush(stdout);
}


static void
rt_table_widths(const rt_table_t *t, int *width)
{
    int          n, col;
    unsigned     i;
    const char  *p;

    for (i = 0; i < t->rows; i++) {
        p = t->row[i];

        for (col = 0; col < RT_TABLE_COLUMNS; col++) {
            n = (int) strcspn(p, "|");
            p += n;

            if (n > width[col]) {
                width[col] = n;
            }

            if (*p++ == '\0') {
                break;
            }
        }
    }
}


static void
rt_table_line(const char *row, const int *width)
{
    int  n, col;

    printf("  ");

    for (col = 0; col < RT_TABLE_COLUMNS; col++) {
        n = (int) strcspn(row, "|");

        if (col == 0) {
            printf("%-*.*s", width[col], n, row);

        } else {
            printf("  %*.*s", width[col], n, row);
        }

        row += n;

        if (*row++ == '\0') {
            break;
        }
    }

    printf("\n");
}
