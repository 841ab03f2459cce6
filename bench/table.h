
/*
 * table.h: a table on stdout, its columns as wide as they need to be.
 */


#ifndef _RT_TABLE_H_INCLUDED_
#define _RT_TABLE_H_INCLUDED_


#define RT_TABLE_ROWS  32
#define RT_TABLE_LINE  256


/* all zeroes is an empty table; the first row added is its head */

typedef struct {
    unsigned  rows;
    char      row[RT_TABLE_ROWS][RT_TABLE_LINE];
} rt_table_t;


/* adds a row; cells are parted by "|" */
void rt_table_add(rt_table_t *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* the first column goes to the left, the others to the right */
void rt_table_print(const rt_table_t *t);


#endif /* _RT_TABLE_H_INCLUDED_ */
