
/*
 * rt_adapter_map.h: the objects that messages of the Redis adapters consist of.
 *
 * For rt_adapter.c: msgpack maps by their keys, and values as JavaScript takes
 * them.  All slices are whole values that rt_msgpack_value() has given.
 */


#ifndef _RT_ADAPTER_MAP_H_INCLUDED_
#define _RT_ADAPTER_MAP_H_INCLUDED_


#include "base/rt.h"
#include "proto/rt_msgpack.h"


/* the values of a map by their keys, whichever map it is; empty: not there */

typedef struct {
    rt_str_t  broadcast;
    rt_str_t  client_count;
    rt_str_t  close;
    rt_str_t  compress;
    rt_str_t  data;
    rt_str_t  except;
    rt_str_t  flags;
    rt_str_t  handshake;
    rt_str_t  id;
    rt_str_t  in;
    rt_str_t  is_volatile;
    rt_str_t  local;
    rt_str_t  n;
    rt_str_t  nsp;
    rt_str_t  opts;
    rt_str_t  packet;
    rt_str_t  request_id;
    rt_str_t  room;
    rt_str_t  rooms;
    rt_str_t  rt;
    rt_str_t  seq;
    rt_str_t  sid;
    rt_str_t  single;
    rt_str_t  sockets;
    rt_str_t  timeout;
    rt_str_t  type;
    rt_str_t  uid;
} rt_adapter_map_t;


/*
 * RT_DECLINED if the value is no map.  Keys that are not known are passed over;
 * of those that are there twice the last one counts.
 */
rt_int_t rt_adapter_map(rt_adapter_map_t *map, rt_str_t value);

/* the value, or its head; what is not there is nil, as undefined is */
rt_msgpack_type_e rt_adapter_get(rt_msgpack_t *v, rt_str_t value);

/* empty if it is no string */
rt_str_t rt_adapter_str(rt_str_t value);

/* whether it is a number from 0 to 2^53-1, which is set without a fraction */
int rt_adapter_u64(rt_str_t value, uint64_t *n);

/* whether JavaScript counts it as true */
int rt_adapter_is(rt_str_t value);

/* a small number, or -1 */
int rt_adapter_type(rt_str_t value);


#endif /* _RT_ADAPTER_MAP_H_INCLUDED_ */
