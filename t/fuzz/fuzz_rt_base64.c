
/* base64: bytes come back from their text, and texts from their bytes */

#include "base/rt_base64.h"
#include "rt_fuzz.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t    n, len;
    u_char   *text, *back, *bytes;
    ssize_t   decoded;

    text = rt_fuzz_alloc(rt_base64_size(size));
    back = rt_fuzz_alloc(rt_base64_max(rt_base64_size(size)));

    n = rt_base64_encode(text, rt_str(size, data));
    must(n < rt_base64_size(size));
    must(rt_base64_decode(back, rt_str(n, text)) == (ssize_t) size);
    must(size == 0 || memcmp(back, data, size) == 0);

    n = rt_base64url_encode(text, rt_str(size, data));
    must(rt_base64url_decode(back, rt_str(n, text)) == (ssize_t) size);
    must(size == 0 || memcmp(back, data, size) == 0);

    free(back);
    free(text);

    /* the other way round, save for padding and for bits that are left over */

    bytes = rt_fuzz_alloc(rt_base64_max(size));
    decoded = rt_base64_decode(bytes, rt_str(size, data));
    must(decoded == RT_ERROR || (size_t) decoded <= rt_base64_max(size));

    if (decoded > 0) {
        len = (size_t) decoded;
        text = rt_fuzz_alloc(rt_base64_size(len));
        n = rt_base64_encode(text, rt_str(len, bytes));

        must(n >= size && n - size < 3);
        must(memcmp(text, data, len * 4 / 3) == 0);

        free(text);
    }

    /* and in url's alphabet, where there is one way only */

    decoded = rt_base64url_decode(bytes, rt_str(size, data));
    must(decoded == RT_ERROR || (size_t) decoded <= rt_base64_max(size));

    if (decoded > 0) {
        len = (size_t) decoded;
        text = rt_fuzz_alloc(rt_base64_size(len));
        n = rt_base64url_encode(text, rt_str(len, bytes));

        must(n == size && memcmp(text, data, size) == 0);

        free(text);
    }

    free(bytes);

    return 0;
}
