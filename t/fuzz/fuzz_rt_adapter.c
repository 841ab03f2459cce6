
/*
 * Messages of the Redis adapters: what is decoded comes back from its encoding,
 * whatever it is taken for.
 */

#include "base/rt_json.h"
#include "base/rt_utf8.h"
#include "proto/rt_adapter.h"
#include "proto/rt_channel.h"
#include "rt_fuzz.h"


static int
inside(rt_str_t in, rt_str_t s)
{
    return s.len == 0
           || (s.data >= in.data && s.data + s.len <= in.data + in.len);
}


static void
release(rt_str_t s)
{
    free((void *) (uintptr_t) s.data);
}


static rt_str_t
copy(rt_str_t s)
{
    u_char  *p;

    p = rt_fuzz_alloc(s.len);

    if (s.len) {
        memcpy(p, s.data, s.len);
    }

    return rt_str(s.len, p);
}


/* msgpack of it, in memory of its own; empty if it is bad JSON */

static rt_str_t
unify(rt_str_t in)
{
    u_char      *mem;
    ssize_t      size;
    rt_buf_t     b;
    const char  *why;

    size = rt_adapter_unify(NULL, in, &why);

    if (size == 0) {
        return copy(in);
    }

    if (size < 0) {
        must(why != NULL);
        return rt_str(0, NULL);
    }

    mem = rt_fuzz_alloc((size_t) size);
    rt_buf_init(&b, mem, (size_t) size);
    must(rt_adapter_unify(&b, in, &why) == size);

    return rt_buf_str(&b);
}


static rt_str_t
encode(const rt_adapter_t *m)
{
    u_char      *mem;
    ssize_t      size;
    rt_buf_t     b;
    const char  *why;

    size = rt_adapter_encode(NULL, m, &why);

    if (size < 0) {
        must(why != NULL);
        return rt_str(0, NULL);
    }

    mem = rt_fuzz_alloc((size_t) size);

    rt_buf_init(&b, mem, (size_t) size - 1);
    must(rt_adapter_encode(&b, m, &why) == RT_ERROR && why == NULL);

    rt_buf_init(&b, mem, (size_t) size);
    must(rt_adapter_encode(&b, m, &why) == size);
    must(rt_buf_str(&b).len == (size_t) size);

    return rt_buf_str(&b);
}


static void
check_list(rt_str_t in, rt_adapter_list_t list)
{
    uint64_t              n, names;
    rt_str_t              value;
    rt_adapter_iter_t     it;
    rt_adapter_socket_t   s;

    must(inside(in, list));

    names = 0;
    rt_adapter_each(&it, list);

    while (rt_adapter_next(&it, &value) == RT_OK) {
        names++;
    }

    n = 0;
    rt_adapter_each(&it, list);

    while (rt_adapter_next_value(&it, &value) == RT_OK) {
        must(inside(list, value) && value.len > 0);
        n++;

        if (rt_adapter_decode_socket(&s, value) == RT_OK) {
            must(inside(value, s.id) && s.id.len > 0);
            must(inside(value, s.rooms) && inside(value, s.data));
        }
    }

    must(n == rt_adapter_count(list) && names <= n);
}


static void
check(const rt_adapter_t *m, rt_str_t in)
{
    must(inside(in, m->uid) && inside(in, m->request_id));
    must(inside(in, m->nsp) || rt_str_eq(m->nsp, rt_lit("/")));
    must(inside(in, m->sid) && inside(in, m->room));
    must(inside(in, m->data.bytes) && !m->data.json);
    must(m->form != RT_ADAPTER_BROADCAST || m->data.bytes.len > 0);

    check_list(in, m->rooms);
    check_list(in, m->sockets);
    check_list(in, m->opts.rooms);
    check_list(in, m->opts.except);
}


static void
check_channel(rt_str_t name)
{
    u_char         mem[4096 + 64];
    rt_buf_t       b;
    rt_str_t       nsp, rest, again;
    rt_channel_e   kind, same;

    if (name.len > 4096
        || rt_channel_parse(name, rt_lit("k"), &kind, &nsp, &rest) != RT_OK)
    {
        return;
    }

    rt_buf_init(&b, mem, sizeof(mem));
    rt_channel_put(&b, kind, rt_lit("k"), nsp, rest.data ? &rest : NULL);
    must(rt_str_eq(rt_buf_str(&b), name));

    must(rt_channel_match(name, rt_lit("k"), nsp, &same, &again) == RT_OK);
    must(same == kind && rt_str_eq(rest, again));
    must((rest.data == NULL) == (again.data == NULL));
}


static void
there_and_back(rt_str_t in, rt_adapter_form_e form)
{
    rt_int_t       rc;
    rt_str_t       next, first, second;
    const char    *why;
    rt_adapter_t   m, again;

    why = NULL;
    rc = rt_adapter_decode(&m, form, in, &why);

    must((rc == RT_ERROR) == (why != NULL));

    if (rc != RT_OK) {
        return;
    }

    check(&m, in);
    m.emitter = in.len & 1;
    first = encode(&m);

    if (first.len == 0) {
        release(first);
        return;
    }

    next = unify(first);

    if (next.len == 0) {

        /* a message is a little deeper than what is in it */

        must(rt_json_check(first, &why) == RT_ERROR);
        must(strcmp(why, "JSON is nested too deep") == 0);

    } else {
        must(rt_adapter_decode(&again, form, next, &why) == RT_OK);
        check(&again, next);
        again.emitter = m.emitter;

        second = encode(&again);
        must(rt_str_eq(first, second));
        release(second);
    }

    release(next);
    release(first);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rt_str_t  in;

    check_channel(rt_str(size, data));

    in = unify(rt_str(size, data));

    there_and_back(in, RT_ADAPTER_BROADCAST);
    there_and_back(in, RT_ADAPTER_REQUEST);
    there_and_back(in, RT_ADAPTER_RESPONSE);
    there_and_back(in, RT_ADAPTER_SHARDED);

    release(in);

    return 0;
}
