
/* pids: a text that leads somewhere is written again with what it leads to */

#include "auth/rt_pid.h"
#include "rt_fuzz.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                  good;
    size_t               i;
    u_char               made[RT_PID_LEN];
    rt_ref_t             ref, back;
    rt_str_t             pid;
    rt_pid_key_t         key;
    static const u_char  id[] = "lv_VI97HAXpY6yYWAAAC";

    for (i = 0; i < sizeof(key.key); i++) {
        key.key[i] = (u_char) i;
    }

    pid = rt_str(size, data);

    if (rt_pid_ref(pid, &ref) != RT_OK) {
        must(!rt_pid_is(pid, &key, 0, id, rt_lit("/")));
        return 0;
    }

    must(rt_id_valid(pid));
    must(rt_pid_make(made, &key, ref, id, rt_lit("/")) == RT_OK);
    must(rt_pid_ref(rt_str(RT_PID_LEN, made), &back) == RT_OK);
    must(back == ref);

    /* 30 bits of the reference are the first five characters */

    must(memcmp(made, data, 5) == 0);

    good = memcmp(made, data, RT_PID_LEN) == 0;
    must(rt_pid_is(pid, &key, ref, id, rt_lit("/")) == good);

    return 0;
}
