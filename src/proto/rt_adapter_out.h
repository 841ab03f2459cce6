
/*
 * rt_adapter_out.h: messages of the Redis adapters are written piece by piece.
 *
 * For rt_adapter_encode.c.  The same functions write msgpack and JSON.  An
 * object is opened with the number of its members, which msgpack wants to know
 * first.
 */


#ifndef _RT_ADAPTER_OUT_H_INCLUDED_
#define _RT_ADAPTER_OUT_H_INCLUDED_


#include "proto/rt_adapter.h"
#include "proto/rt_out.h"


typedef struct {
    rt_out_t             out;
    const rt_adapter_t  *m;
    const char          *why;
    unsigned             json:1;
    unsigned             some:1;    /* a comma is needed */
    unsigned             failed:1;
} rt_adapter_encoder_t;


/* "n" is how many members follow */
void rt_adapter_open(rt_adapter_encoder_t *e, size_t n);
void rt_adapter_close(rt_adapter_encoder_t *e);
void rt_adapter_put_key(rt_adapter_encoder_t *e, const char *name);
void rt_adapter_put_string(rt_adapter_encoder_t *e, rt_str_t s);

/* that of the request, if there is one */
void rt_adapter_put_id(rt_adapter_encoder_t *e);

/* a member */
void rt_adapter_put_str(rt_adapter_encoder_t *e, const char *name,
    rt_str_t s);
void rt_adapter_put_u64(rt_adapter_encoder_t *e, const char *name,
    uint64_t n);
void rt_adapter_put_bool(rt_adapter_encoder_t *e, const char *name,
    int is);

/* an empty one if there is none */
void rt_adapter_put_list(rt_adapter_encoder_t *e, const char *name,
    rt_adapter_list_t list);

/* what is in its form already goes as it is */
void rt_adapter_put_value(rt_adapter_encoder_t *e, const char *name,
    const rt_adapter_value_t *value);


#endif /* _RT_ADAPTER_OUT_H_INCLUDED_ */
