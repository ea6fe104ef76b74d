/* What scanning a receipt costs: base/jscan.h beside memcpy, jansson and, where its
 * package is installed, simdjson's DOM, over the same lines in the same run. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/jscan.h"
#include "base/mem.h"
#include "base/pan.h"
#include "bench/figure.h"

#define ROUNDS 9

struct text {
    char *bytes;
    size_t n;
};

static bool read_pos(struct text *t)
{
    const char *root = getenv("WEIR_SHARED");
    char path[512];
    snprintf(path, sizeof path, "%s/data/pos.jsonl.gz", root ? root : "../shared");
    gzFile f = gzopen(path, "rb");
    if (!f)
        return false;
    t->bytes = mem_alloc((size_t)16 << 20);
    int got = gzread(f, t->bytes, 16 << 20);
    gzclose(f);
    t->n = got > 0 ? (size_t)got : 0;
    return got > 0;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

typedef bool line_fn(void *arg, const char *p, size_t n);

/* Best of ROUNDS, ns a byte. */
static double measure(const struct text *t, line_fn *fn, void *arg)
{
    double best = 1e300;
    for (int r = 0; r < ROUNDS; r++) {
        size_t bytes = 0;
        double start = now_ns();
        for (const char *p = t->bytes, *end = p + t->n, *stop; p < end; p = stop + 1) {
            stop = memchr(p, '\n', (size_t)(end - p));
            if (!stop || !fn(arg, p, (size_t)(stop - p)))
                return -1;
            bytes += (size_t)(stop - p);
        }
        double ns = (now_ns() - start) / (double)bytes;
        best = ns < best ? ns : best;
    }
    return best;
}

static bool copy(void *arg, const char *p, size_t n)
{
    memcpy(arg, p, n);
    __asm__ volatile("" ::"r"(arg) : "memory");
    return true;
}

static bool scan(void *arg, const char *p, size_t n)
{
    return jscan_parse(arg, p, n, NULL) == 0;
}

static bool find_pan(void *arg, const char *p, size_t n)
{
    size_t at, len;
    (void)arg;
    return !pan_find(p, n, 0, &at, &len);
}

static bool load(void *arg, const char *p, size_t n)
{
    (void)arg;
    json_t *v = json_loadb(p, n, JSON_REJECT_DUPLICATES, NULL);
    json_decref(v);
    return v != NULL;
}

/* ns a byte of simdjson, or -1 where it cannot be built. */
static double simdjson(const struct text *t)
{
    char dir[] = "/tmp/weir-bench-XXXXXX", command[1024], line[64];
    double ns = -1;
    if (!mkdtemp(dir))
        return -1;
    snprintf(command, sizeof command, "%s/pos.jsonl", dir);
    FILE *f = fopen(command, "wb");
    if (f) {
        fwrite(t->bytes, 1, t->n, f);
        fclose(f);
    }
    snprintf(
        command, sizeof command,
        "g++ -std=c++17 -O3 -o %s/simd tests/bench/baseline_simdjson.cpp -lsimdjson "
        "2>/dev/null && %s/simd %s/pos.jsonl %d; rm -rf %s",
        dir, dir, dir, ROUNDS, dir);
    FILE *out = popen(command, "r");
    if (out && fgets(line, sizeof line, out))
        ns = strtod(line, NULL);
    if (out)
        pclose(out);
    return ns;
}

static void row(const char *name, double ns, double base)
{
    if (ns < 0) {
        printf("   %-28s not there\n", name);
        return;
    }
    printf("   %-28s %6.2f ns/B %8.0f MB/s", name, ns, 1000 / ns);
    if (base > 0)
        printf("   %5.2f x the time of simdjson", ns / base);
    printf("\n");
}

int main(void)
{
    struct text t = {0};
    struct jscan s;
    static char scratch[1 << 20];
    if (!read_pos(&t)) {
        printf("   skipped: no data\n");
        return 0;
    }
    jscan_init(&s);
    double simd = simdjson(&t);
    double ours = measure(&t, scan, &s);
    row("memcpy", measure(&t, copy, scratch), simd);
    row("simdjson DOM", simd, 0);
    row("jscan_parse", ours, simd);
    if (simd > 0)
        FIGURE("JSON scan, time of simdjson's DOM", "(about 2 x)", ours <= 2.5 * simd,
               "%.2f x", ours / simd);
    row("jansson", measure(&t, load, NULL), simd);
    row("pan_find, no number there", measure(&t, find_pan, NULL), 0);
    jscan_release(&s);
    mem_free(t.bytes);
    return 0;
}
