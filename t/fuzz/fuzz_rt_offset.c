
/* offsets: what is read is written again, byte for byte */

#include "proto/rt_offset.h"
#include "rt_fuzz.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                      len;
    u_char                      text[RT_OFFSET_MAX];
    uint64_t                    pos, back;
    static const rt_hash_key_t  key = {
        0x0706050403020100, 0x0f0e0d0c0b0a0908
    };

    if (rt_offset_read(rt_str(size, data), &key, &pos) == RT_OK) {
        must(pos % 8 == 0);

        len = rt_offset_write(text, &key, pos);

        must(len == size && memcmp(text, data, size) == 0);
    }

    /* and the other way round: any number at the beginning as a position */

    if (size >= sizeof(pos)) {
        memcpy(&pos, data, sizeof(pos));
        pos -= pos % 8;

        len = rt_offset_write(text, &key, pos);

        must(len <= sizeof(text));
        must(rt_offset_read(rt_str(len, text), &key, &back) == RT_OK);
        must(back == pos);
    }

    return 0;
}
