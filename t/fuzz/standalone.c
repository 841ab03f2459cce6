
/*
 * standalone.c: feeds a fuzz target files, and the files of directories, for
 * compilers without libFuzzer.
 */

#include "rt_fuzz.h"

#include <dirent.h>


static int
replay_file(const char *path)
{
    FILE     *f;
    size_t    n, room;
    uint8_t  *data;

    f = fopen(path, "rb");

    if (f == NULL) {
        perror(path);
        return 1;
    }

    room = 1 << 20;
    data = rt_fuzz_alloc(room);
    n = fread(data, 1, room, f);
    (void) fclose(f);

    /* memory of just the size, so that ASan sees one byte too many */

    data = realloc(data, n ? n : 1);
    must(data != NULL);

    (void) LLVMFuzzerTestOneInput(data, n);
    free(data);

    return 0;
}


static int
replay(const char *path)
{
    int             failed;
    DIR            *dir;
    char            file[4096];
    struct dirent  *entry;

    dir = opendir(path);

    if (dir == NULL) {
        return replay_file(path);
    }

    failed = 0;

    while ((entry = readdir(dir)) != NULL) {

        if (entry->d_name[0] != '.') {
            (void) snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
            failed |= replay_file(file);
        }
    }

    (void) closedir(dir);

    return failed;
}


int
main(int argc, char **argv)
{
    int  i, failed;

    failed = 0;

    for (i = 1; i < argc; i++) {
        failed |= replay(argv[i]);
    }

    return failed;
}
